-- How often one number has called is asked whenever it calls.
CREATE INDEX calls_by_caller ON calls (business, from_number, created_at);
-- Who asked for a change: "wish", a caller; "test_is_over", the end of a test.
ALTER TABLE changes ADD COLUMN cause TEXT COLLATE "C" NOT NULL DEFAULT 'wish';
