-- Instants are milliseconds since 1970 UTC, truth values 0 or 1. Only BIGINT and TEXT, so that the statements are
-- the same on both databases; what differs between them stands in these folders alone.

CREATE TABLE calls (
    id                TEXT PRIMARY KEY,
    call_sid          TEXT UNIQUE,
    vapi_call_id      TEXT UNIQUE,
    business          TEXT,
    from_number       TEXT NOT NULL,
    to_number         TEXT NOT NULL,
    leg               TEXT NOT NULL,
    dialing           TEXT,
    twiml             TEXT,
    status            TEXT NOT NULL,
    heard_at          BIGINT,
    vapi_ended_reason TEXT,
    control_url       TEXT,
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT
);
CREATE INDEX calls_dialing ON calls (dialing) WHERE dialing IS NOT NULL;

CREATE TABLE voicemails (
    recording_sid TEXT PRIMARY KEY,
    call_sid      TEXT NOT NULL,
    url           TEXT NOT NULL,
    seconds       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

-- One row per tool call that was answered; `answer` is null while the work runs.
CREATE TABLE deliveries (
    key        TEXT PRIMARY KEY,
    asked      TEXT NOT NULL,
    answer     TEXT,
    created_at BIGINT NOT NULL
);

-- Times that were offered in a call: they explain a "Z" that the model invented.
CREATE TABLE offers (
    call_key   TEXT NOT NULL,
    starts_at  BIGINT NOT NULL,
    offered_at BIGINT NOT NULL,
    PRIMARY KEY (call_key, starts_at)
);

CREATE TABLE bookings (
    id               TEXT PRIMARY KEY,
    business         TEXT NOT NULL,
    technician       TEXT NOT NULL,
    technician_named BIGINT NOT NULL,
    calendar         TEXT NOT NULL,
    claim_key        TEXT NOT NULL,
    service          TEXT NOT NULL,
    starts_at        BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL,
    free_at          BIGINT NOT NULL,
    zone             TEXT NOT NULL,
    wall_clock       TEXT NOT NULL,
    state            TEXT NOT NULL,
    live             BIGINT NOT NULL,
    generation       BIGINT NOT NULL,
    in_doubt         BIGINT NOT NULL,
    promised         BIGINT NOT NULL,
    missing_since    BIGINT,
    event_id         TEXT NOT NULL,
    etag             TEXT NOT NULL,
    confirmation     TEXT NOT NULL,
    caller_key       TEXT NOT NULL,
    customer_name    TEXT NOT NULL,
    customer_phone   TEXT NOT NULL,
    address          TEXT NOT NULL,
    email            TEXT NOT NULL,
    notes            TEXT NOT NULL,
    preferred        TEXT NOT NULL,
    call_id          TEXT NOT NULL,
    tool_call_id     TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
-- The second key: the same wish of the same caller is one booking.
CREATE UNIQUE INDEX bookings_meaning ON bookings
    (business, caller_key, service, starts_at, (CASE WHEN technician_named = 1 THEN technician ELSE '' END)) WHERE live = 1;
CREATE UNIQUE INDEX bookings_confirmation ON bookings (business, confirmation);
CREATE INDEX bookings_claims ON bookings (claim_key, starts_at) WHERE live = 1;
CREATE INDEX bookings_by_day ON bookings (business, starts_at);
CREATE INDEX bookings_by_phone ON bookings (business, customer_phone);
CREATE INDEX bookings_unfinished ON bookings (updated_at) WHERE live = 1 AND state <> 'confirmed';

-- One job per time and calendar. A claim that overlaps another booking's live claim is left out, and the row count says so.
-- No job with its buffer is longer than two days: that bounds the search.
CREATE TRIGGER bookings_insert_claim BEFORE INSERT ON bookings WHEN NEW.live = 1 AND EXISTS (
    SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.id
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER bookings_update_claim BEFORE UPDATE OF live, claim_key, starts_at, free_at ON bookings WHEN NEW.live = 1 AND EXISTS (
    SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.id
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at)
BEGIN SELECT RAISE(IGNORE); END;

-- Every move of a booking, with its cause and evidence; never changed afterwards.
CREATE TABLE booking_moves (
    booking    TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    cause      TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (booking, seq)
);

-- What is to follow: a key makes a job once, a lease with a fence lets one worker run it.
CREATE TABLE jobs (
    key          TEXT PRIMARY KEY,
    payload      TEXT NOT NULL,
    state        TEXT NOT NULL,
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    last_error   TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE state = 'waiting';

-- The calendar of those who have none yet.
CREATE TABLE embedded_events (
    calendar    TEXT NOT NULL,
    id          TEXT NOT NULL,
    summary     TEXT NOT NULL,
    description TEXT NOT NULL,
    location    TEXT NOT NULL,
    zone        TEXT NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    booking     TEXT NOT NULL,
    call_id     TEXT NOT NULL,
    cancelled   BIGINT NOT NULL,
    etag        TEXT NOT NULL,
    PRIMARY KEY (calendar, id)
);
CREATE INDEX embedded_events_by_time ON embedded_events (calendar, starts_at) WHERE cancelled = 0;
