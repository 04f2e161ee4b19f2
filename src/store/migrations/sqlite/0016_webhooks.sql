-- What Twilio and Vapi sent and proved, without what is secret in it: so that a call can be played again.
CREATE TABLE webhooks (
    id           TEXT PRIMARY KEY,
    business     TEXT,
    vapi_call_id TEXT,
    call_sid     TEXT,
    path         TEXT NOT NULL,
    headers      TEXT NOT NULL,
    body         TEXT NOT NULL,
    status       BIGINT NOT NULL,
    ms           BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX webhooks_by_vapi_call ON webhooks (vapi_call_id);
CREATE INDEX webhooks_by_call ON webhooks (call_sid);
CREATE INDEX webhooks_by_time ON webhooks (at);
