-- Written whenever somebody asks whether the database can be: a write that changes nothing would not notice a full disk.
CREATE TABLE heartbeat (
    id   BIGINT PRIMARY KEY,
    beat BIGINT NOT NULL
);
