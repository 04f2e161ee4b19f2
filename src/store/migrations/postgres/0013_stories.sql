-- What Vapi reported of a call when it was over; how long its texts may be is bounded where they are kept.
CREATE TABLE reports (
    vapi_call_id  TEXT COLLATE "C" PRIMARY KEY,
    business      TEXT COLLATE "C" NOT NULL,
    ended_reason  TEXT COLLATE "C",
    started_at    BIGINT,
    ended_at      BIGINT,
    summary       TEXT COLLATE "C",
    transcript    TEXT COLLATE "C",
    recording_url TEXT COLLATE "C",
    cost_micros   BIGINT,
    kept_at       BIGINT NOT NULL
);
CREATE INDEX reports_by_time ON reports (kept_at);

-- What the assistant asked in a call and what it was answered; `repeated` counts deliveries that came after the first.
CREATE TABLE tool_traces (
    id           TEXT COLLATE "C" PRIMARY KEY,
    business     TEXT COLLATE "C" NOT NULL,
    call_id      TEXT COLLATE "C" NOT NULL,
    tool_call_id TEXT COLLATE "C" NOT NULL,
    delivery     TEXT COLLATE "C" NOT NULL,
    tool         TEXT COLLATE "C" NOT NULL,
    arguments    TEXT COLLATE "C" NOT NULL,
    answer       TEXT COLLATE "C" NOT NULL,
    is_error     BIGINT NOT NULL,
    ms           BIGINT NOT NULL,
    repeated     BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX tool_traces_by_call ON tool_traces (call_id);
CREATE INDEX tool_traces_by_delivery ON tool_traces (delivery);
CREATE INDEX tool_traces_by_time ON tool_traces (at);

-- To whom a caller was connected after the first: a person, a recording.
CREATE TABLE call_legs (
    call_sid TEXT COLLATE "C" NOT NULL,
    leg      TEXT COLLATE "C" NOT NULL,
    dialing  TEXT COLLATE "C",
    at       BIGINT NOT NULL
);
CREATE INDEX call_legs_by_call ON call_legs (call_sid);

-- A person of this call has been erased: nothing that comes late may bring them back.
ALTER TABLE calls ADD COLUMN forgotten BIGINT NOT NULL DEFAULT 0;

CREATE INDEX calls_by_time ON calls (created_at);
CREATE INDEX bookings_by_call ON bookings (call_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at);
