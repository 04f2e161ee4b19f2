-- What Twilio and Vapi sent and proved, without what is secret in it: so that a call can be played again.
CREATE TABLE webhooks (
    id           TEXT COLLATE "C" PRIMARY KEY,
    business     TEXT COLLATE "C",
    vapi_call_id TEXT COLLATE "C",
    call_sid     TEXT COLLATE "C",
    path         TEXT COLLATE "C" NOT NULL,
    headers      TEXT COLLATE "C" NOT NULL,
    body         TEXT COLLATE "C" NOT NULL,
    status       BIGINT NOT NULL,
    ms           BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX webhooks_by_vapi_call ON webhooks (vapi_call_id);
CREATE INDEX webhooks_by_call ON webhooks (call_sid);
CREATE INDEX webhooks_by_time ON webhooks (at);
