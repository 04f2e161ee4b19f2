-- What was ordered for a while from the command line: dates on which a business is closed beside those of its file, and
-- businesses that take their calls in person. Dates are those of the business, YYYY-MM-DD, both inclusive.
CREATE TABLE closures (
    business   TEXT COLLATE "C" NOT NULL,
    from_date  TEXT COLLATE "C" NOT NULL,
    to_date    TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (business, from_date, to_date)
);
CREATE TABLE pauses (
    business   TEXT COLLATE "C" PRIMARY KEY,
    ends_at    BIGINT,
    created_at BIGINT NOT NULL
);

-- Numbers that rise whenever something changes that every copy of the server knows by heart.
CREATE TABLE notices (
    name    TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO notices (name, version) VALUES ('orders', 0), ('files', 0);
