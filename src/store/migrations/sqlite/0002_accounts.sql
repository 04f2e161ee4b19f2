-- The Google accounts that owners connected, one for each business. `refresh_token` is sealed; `generation` rises with
-- every consent, so that what is found out about an old token never touches a newer one.
CREATE TABLE google_accounts (
    business      TEXT PRIMARY KEY,
    address       TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    generation    BIGINT NOT NULL,
    lost_because  TEXT,
    lost_at       BIGINT,
    connected_at  BIGINT NOT NULL,
    refreshed_at  BIGINT NOT NULL,
    ends_at       BIGINT
);

-- Which calendar of the account is whose: the owner's choice.
CREATE TABLE account_calendars (
    business   TEXT NOT NULL,
    technician TEXT NOT NULL,
    calendar   TEXT NOT NULL,
    PRIMARY KEY (business, technician)
);

-- The single-use links that open the consent page. Only digests are kept of what opens anything.
CREATE TABLE oauth_links (
    link       TEXT PRIMARY KEY,
    business   TEXT NOT NULL,
    ends_at    BIGINT NOT NULL,
    spent_by   TEXT,
    created_at BIGINT NOT NULL
);

-- A browser in which a link was opened.
CREATE TABLE oauth_sessions (
    session  TEXT PRIMARY KEY,
    link     TEXT NOT NULL,
    business TEXT NOT NULL,
    csrf     TEXT NOT NULL,
    ends_at  BIGINT NOT NULL
);

-- A way to Google's consent page and back, once, for the browser that opened it. The PKCE verifier is sealed.
CREATE TABLE oauth_states (
    state    TEXT PRIMARY KEY,
    session  TEXT NOT NULL,
    verifier TEXT NOT NULL,
    ends_at  BIGINT NOT NULL
);
