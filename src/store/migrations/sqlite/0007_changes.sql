-- A confirmed booking that is being moved or cancelled: what is to become of it. A move holds its new time here while the
-- booking's own row still holds the old one, so that nobody gets either before it is decided.
CREATE TABLE changes (
    booking      TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    claim_key    TEXT NOT NULL,
    starts_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    free_at      BIGINT NOT NULL,
    zone         TEXT NOT NULL,
    wall_clock   TEXT NOT NULL,
    preferred    TEXT NOT NULL,
    holds        BIGINT NOT NULL,
    promised     BIGINT NOT NULL,
    call_id      TEXT NOT NULL,
    tool_call_id TEXT NOT NULL,
    etag         TEXT NOT NULL,
    sent_at      BIGINT NOT NULL
);
CREATE INDEX changes_claims ON changes (claim_key, starts_at) WHERE holds = 1;

DROP TRIGGER bookings_insert_claim;
DROP TRIGGER bookings_update_claim;
CREATE TRIGGER bookings_insert_claim BEFORE INSERT ON bookings WHEN NEW.live = 1 AND (EXISTS (
    SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.id
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at) OR EXISTS (
    SELECT 1 FROM changes c WHERE c.holds = 1 AND c.claim_key = NEW.claim_key AND c.booking <> NEW.id
        AND c.starts_at < NEW.free_at AND c.starts_at > NEW.starts_at - 172800000 AND c.free_at > NEW.starts_at))
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER bookings_update_claim BEFORE UPDATE OF live, claim_key, starts_at, free_at ON bookings WHEN NEW.live = 1 AND (EXISTS (
    SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.id
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at) OR EXISTS (
    SELECT 1 FROM changes c WHERE c.holds = 1 AND c.claim_key = NEW.claim_key AND c.booking <> NEW.id
        AND c.starts_at < NEW.free_at AND c.starts_at > NEW.starts_at - 172800000 AND c.free_at > NEW.starts_at))
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER changes_insert_claim BEFORE INSERT ON changes WHEN NEW.holds = 1 AND (EXISTS (
    SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.booking
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at) OR EXISTS (
    SELECT 1 FROM changes c WHERE c.holds = 1 AND c.claim_key = NEW.claim_key AND c.booking <> NEW.booking
        AND c.starts_at < NEW.free_at AND c.starts_at > NEW.starts_at - 172800000 AND c.free_at > NEW.starts_at))
BEGIN SELECT RAISE(IGNORE); END;

CREATE INDEX bookings_by_caller ON bookings (business, caller_key);
