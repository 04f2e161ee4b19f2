-- What became of every text message, without its words; `about` is the booking or the call that it concerns.
CREATE TABLE texts (
    key        TEXT COLLATE "C" PRIMARY KEY,
    business   TEXT COLLATE "C" NOT NULL,
    number     TEXT COLLATE "C" NOT NULL,
    matter     TEXT COLLATE "C" NOT NULL,
    about      TEXT COLLATE "C" NOT NULL,
    fate       TEXT COLLATE "C" NOT NULL,
    cause      TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX texts_about ON texts (about);
CREATE INDEX texts_by_time ON texts (at);

-- Who wants no text messages from a business any more, and whose message Twilio refused because of it.
CREATE TABLE opted_out (
    business   TEXT COLLATE "C" NOT NULL,
    number     TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (business, number)
);

-- A recording is deleted with the account of the business that it was left for, also when its call is forgotten already.
ALTER TABLE voicemails ADD COLUMN business TEXT COLLATE "C";
UPDATE voicemails SET business = (SELECT calls.business FROM calls WHERE calls.call_sid = voicemails.call_sid);
CREATE INDEX voicemails_by_time ON voicemails (created_at);
CREATE INDEX voicemails_by_call ON voicemails (call_sid);
