-- Each of these files does what the one of the same name in ../sqlite does; why a table is as it is stands there. All texts
-- are COLLATE "C": compared by their bytes, as SQLite compares them, whatever the language of the server.

-- Without it a constraint cannot hold a text and a span together.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE calls (
    id                TEXT COLLATE "C" PRIMARY KEY,
    call_sid          TEXT COLLATE "C" UNIQUE,
    vapi_call_id      TEXT COLLATE "C" UNIQUE,
    business          TEXT COLLATE "C",
    from_number       TEXT COLLATE "C" NOT NULL,
    to_number         TEXT COLLATE "C" NOT NULL,
    leg               TEXT COLLATE "C" NOT NULL,
    dialing           TEXT COLLATE "C",
    twiml             TEXT COLLATE "C",
    status            TEXT COLLATE "C" NOT NULL,
    heard_at          BIGINT,
    vapi_ended_reason TEXT COLLATE "C",
    control_url       TEXT COLLATE "C",
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT
);
CREATE INDEX calls_dialing ON calls (dialing) WHERE dialing IS NOT NULL;

CREATE TABLE voicemails (
    recording_sid TEXT COLLATE "C" PRIMARY KEY,
    call_sid      TEXT COLLATE "C" NOT NULL,
    url           TEXT COLLATE "C" NOT NULL,
    seconds       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

-- One row per tool call that was answered; `answer` is null while the work runs.
CREATE TABLE deliveries (
    key        TEXT COLLATE "C" PRIMARY KEY,
    asked      TEXT COLLATE "C" NOT NULL,
    answer     TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);

-- Times that were offered in a call: they explain a "Z" that the model invented.
CREATE TABLE offers (
    call_key   TEXT COLLATE "C" NOT NULL,
    starts_at  BIGINT NOT NULL,
    offered_at BIGINT NOT NULL,
    PRIMARY KEY (call_key, starts_at)
);

CREATE TABLE bookings (
    id               TEXT COLLATE "C" PRIMARY KEY,
    business         TEXT COLLATE "C" NOT NULL,
    technician       TEXT COLLATE "C" NOT NULL,
    technician_named BIGINT NOT NULL,
    calendar         TEXT COLLATE "C" NOT NULL,
    claim_key        TEXT COLLATE "C" NOT NULL,
    service          TEXT COLLATE "C" NOT NULL,
    starts_at        BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL,
    free_at          BIGINT NOT NULL,
    zone             TEXT COLLATE "C" NOT NULL,
    wall_clock       TEXT COLLATE "C" NOT NULL,
    state            TEXT COLLATE "C" NOT NULL,
    live             BIGINT NOT NULL,
    generation       BIGINT NOT NULL,
    in_doubt         BIGINT NOT NULL,
    promised         BIGINT NOT NULL,
    missing_since    BIGINT,
    event_id         TEXT COLLATE "C" NOT NULL,
    etag             TEXT COLLATE "C" NOT NULL,
    confirmation     TEXT COLLATE "C" NOT NULL,
    caller_key       TEXT COLLATE "C" NOT NULL,
    customer_name    TEXT COLLATE "C" NOT NULL,
    customer_phone   TEXT COLLATE "C" NOT NULL,
    address          TEXT COLLATE "C" NOT NULL,
    email            TEXT COLLATE "C" NOT NULL,
    notes            TEXT COLLATE "C" NOT NULL,
    preferred        TEXT COLLATE "C" NOT NULL,
    call_id          TEXT COLLATE "C" NOT NULL,
    tool_call_id     TEXT COLLATE "C" NOT NULL,
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

-- One job per time and calendar. A claim that overlaps another booking's live claim is left out, and the row count says so;
-- the constraint holds it against whoever comes past the trigger.
ALTER TABLE bookings ADD CONSTRAINT bookings_one_job
    EXCLUDE USING gist (claim_key WITH =, int8range(starts_at, free_at) WITH &&) WHERE (live = 1);
CREATE FUNCTION ringbook_leave_out_held_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM bookings b WHERE b.live = 1 AND b.claim_key = NEW.claim_key AND b.id <> NEW.id
        AND b.starts_at < NEW.free_at AND b.starts_at > NEW.starts_at - 172800000 AND b.free_at > NEW.starts_at) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bookings_insert_claim BEFORE INSERT ON bookings
    FOR EACH ROW WHEN (NEW.live = 1) EXECUTE FUNCTION ringbook_leave_out_held_booking();
CREATE TRIGGER bookings_update_claim BEFORE UPDATE OF live, claim_key, starts_at, free_at ON bookings
    FOR EACH ROW WHEN (NEW.live = 1) EXECUTE FUNCTION ringbook_leave_out_held_booking();

-- Every move of a booking, with its cause and evidence; never changed afterwards.
CREATE TABLE booking_moves (
    booking    TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    from_state TEXT COLLATE "C" NOT NULL,
    to_state   TEXT COLLATE "C" NOT NULL,
    cause      TEXT COLLATE "C" NOT NULL,
    evidence   TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (booking, seq)
);

-- What is to follow: a key makes a job once, a lease with a fence lets one worker run it.
CREATE TABLE jobs (
    key          TEXT COLLATE "C" PRIMARY KEY,
    payload      TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    last_error   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE state = 'waiting';

-- The calendar of those who have none yet.
CREATE TABLE embedded_events (
    calendar    TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    summary     TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    location    TEXT COLLATE "C" NOT NULL,
    zone        TEXT COLLATE "C" NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    booking     TEXT COLLATE "C" NOT NULL,
    call_id     TEXT COLLATE "C" NOT NULL,
    cancelled   BIGINT NOT NULL,
    etag        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (calendar, id)
);
CREATE INDEX embedded_events_by_time ON embedded_events (calendar, starts_at) WHERE cancelled = 0;
