-- Calendars whose edits are followed: up to where they were read, and when they are read again at the latest.
CREATE TABLE followed_calendars (
    business   TEXT NOT NULL,
    calendar   TEXT NOT NULL,
    sync_token TEXT NOT NULL,
    poll_at    BIGINT NOT NULL,
    synced_at  BIGINT,
    PRIMARY KEY (business, calendar)
);

-- Push channels. Google lists them nowhere, so this is the only list there is. Of the token only a digest is kept.
CREATE TABLE watch_channels (
    channel     TEXT PRIMARY KEY,
    business    TEXT NOT NULL,
    calendar    TEXT NOT NULL,
    token       TEXT NOT NULL,
    resource    TEXT NOT NULL,
    ends_at     BIGINT NOT NULL,
    replaced    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX watch_channels_by_calendar ON watch_channels (business, calendar);
CREATE INDEX bookings_by_event ON bookings (event_id);
