-- Calendars whose edits are followed: up to where they were read, and when they are read again at the latest.
CREATE TABLE followed_calendars (
    business   TEXT COLLATE "C" NOT NULL,
    calendar   TEXT COLLATE "C" NOT NULL,
    sync_token TEXT COLLATE "C" NOT NULL,
    poll_at    BIGINT NOT NULL,
    synced_at  BIGINT,
    PRIMARY KEY (business, calendar)
);

-- Push channels. Google lists them nowhere, so this is the only list there is. Of the token only a digest is kept.
CREATE TABLE watch_channels (
    channel     TEXT COLLATE "C" PRIMARY KEY,
    business    TEXT COLLATE "C" NOT NULL,
    calendar    TEXT COLLATE "C" NOT NULL,
    token       TEXT COLLATE "C" NOT NULL,
    resource    TEXT COLLATE "C" NOT NULL,
    ends_at     BIGINT NOT NULL,
    replaced    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX watch_channels_by_calendar ON watch_channels (business, calendar);
CREATE INDEX bookings_by_event ON bookings (event_id);
