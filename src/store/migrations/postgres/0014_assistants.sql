-- The Vapi assistant that was pushed for each business, and the credential at Vapi with which its webhooks are proven (empty:
-- none was named).
CREATE TABLE assistants (
    business   TEXT COLLATE "C" PRIMARY KEY,
    assistant  TEXT COLLATE "C" NOT NULL,
    credential TEXT COLLATE "C" NOT NULL,
    pushed_at  BIGINT NOT NULL
);
