-- Which copy of the server is at a delivery; it raises the beat while it works, so that others see that it lives.
ALTER TABLE deliveries ADD COLUMN holder TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN beat BIGINT NOT NULL DEFAULT 0;

-- In which running calls transcripts arrive, and whether the caller has said in one that they want to book. No words.
CREATE TABLE spoken_wishes (
    call_key TEXT COLLATE "C" PRIMARY KEY,
    wish     BIGINT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX spoken_wishes_by_time ON spoken_wishes (at);

-- The access token of an owner's account, sealed, for all copies; and which copy is getting the next one.
ALTER TABLE google_accounts ADD COLUMN access_token TEXT COLLATE "C";
ALTER TABLE google_accounts ADD COLUMN access_until BIGINT;
ALTER TABLE google_accounts ADD COLUMN refresher TEXT COLLATE "C" NOT NULL DEFAULT '';
