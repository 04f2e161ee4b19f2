-- The Vapi assistant that was pushed for each business, and the credential at Vapi with which its webhooks are proven (empty:
-- none was named).
CREATE TABLE assistants (
    business   TEXT PRIMARY KEY,
    assistant  TEXT NOT NULL,
    credential TEXT NOT NULL,
    pushed_at  BIGINT NOT NULL
);
