-- The Google accounts that owners connected, one for each business. `refresh_token` is sealed; `generation` rises with
-- every consent, so that what is found out about an old token never touches a newer one.
CREATE TABLE google_accounts (
    business      TEXT COLLATE "C" PRIMARY KEY,
    address       TEXT COLLATE "C" NOT NULL,
    refresh_token TEXT COLLATE "C" NOT NULL,
    scopes        TEXT COLLATE "C" NOT NULL,
    generation    BIGINT NOT NULL,
    lost_because  TEXT COLLATE "C",
    lost_at       BIGINT,
    connected_at  BIGINT NOT NULL,
    refreshed_at  BIGINT NOT NULL,
    ends_at       BIGINT
);

-- Which calendar of the account is whose: the owner's choice.
CREATE TABLE account_calendars (
    business   TEXT COLLATE "C" NOT NULL,
    technician TEXT COLLATE "C" NOT NULL,
    calendar   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (business, technician)
);

-- The single-use links that open the consent page. Only digests are kept of what opens anything.
CREATE TABLE oauth_links (
    link       TEXT COLLATE "C" PRIMARY KEY,
    business   TEXT COLLATE "C" NOT NULL,
    ends_at    BIGINT NOT NULL,
    spent_by   TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);

-- A browser in which a link was opened.
CREATE TABLE oauth_sessions (
    session  TEXT COLLATE "C" PRIMARY KEY,
    link     TEXT COLLATE "C" NOT NULL,
    business TEXT COLLATE "C" NOT NULL,
    csrf     TEXT COLLATE "C" NOT NULL,
    ends_at  BIGINT NOT NULL
);

-- A way to Google's consent page and back, once, for the browser that opened it. The PKCE verifier is sealed.
CREATE TABLE oauth_states (
    state    TEXT COLLATE "C" PRIMARY KEY,
    session  TEXT COLLATE "C" NOT NULL,
    verifier TEXT COLLATE "C" NOT NULL,
    ends_at  BIGINT NOT NULL
);
