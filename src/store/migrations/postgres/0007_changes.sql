-- A confirmed booking that is being moved or cancelled: what is to become of it. A move holds its new time here while the
-- booking's own row still holds the old one, so that nobody gets either before it is decided.
CREATE TABLE changes (
    booking      TEXT COLLATE "C" PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL,
    claim_key    TEXT COLLATE "C" NOT NULL,
    starts_at    BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    free_at      BIGINT NOT NULL,
    zone         TEXT COLLATE "C" NOT NULL,
    wall_clock   TEXT COLLATE "C" NOT NULL,
    preferred    TEXT COLLATE "C" NOT NULL,
    holds        BIGINT NOT NULL,
    promised     BIGINT NOT NULL,
    call_id      TEXT COLLATE "C" NOT NULL,
    tool_call_id TEXT COLLATE "C" NOT NULL,
    etag         TEXT COLLATE "C" NOT NULL,
    sent_at      BIGINT NOT NULL
);
CREATE INDEX changes_claims ON changes (claim_key, starts_at) WHERE holds = 1;

ALTER TABLE changes ADD CONSTRAINT changes_one_job
    EXCLUDE USING gist (claim_key WITH =, int8range(starts_at, free_at) WITH &&) WHERE (holds = 1);

-- Whether anybody but this booking holds a time. No constraint reaches over two tables: between them it is the order of the
-- writers that holds, who come one after the other (see store/postgres.rs).
CREATE FUNCTION ringbook_is_held(key TEXT, own TEXT, starts BIGINT, free BIGINT) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = key AND b.id <> own
            AND b.starts_at < free AND b.starts_at > starts - 172800000 AND b.free_at > starts)
        OR EXISTS (SELECT 1 FROM changes c WHERE c.holds = 1 AND c.claim_key = key AND c.booking <> own
            AND c.starts_at < free AND c.starts_at > starts - 172800000 AND c.free_at > starts)
$$;
CREATE OR REPLACE FUNCTION ringbook_leave_out_held_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ringbook_is_held(NEW.claim_key, NEW.id, NEW.starts_at, NEW.free_at) THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION ringbook_leave_out_held_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ringbook_is_held(NEW.claim_key, NEW.booking, NEW.starts_at, NEW.free_at) THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER changes_insert_claim BEFORE INSERT ON changes
    FOR EACH ROW WHEN (NEW.holds = 1) EXECUTE FUNCTION ringbook_leave_out_held_change();

CREATE INDEX bookings_by_caller ON bookings (business, caller_key);
