//! Every setting there is, in the order of `.env.example`: its name, what holds without it, and what it is for.
//! Only this table knows defaults; the groups beside it look them up.

/// What holds when a setting is absent or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Nothing works without it.
    Refused,
    /// What it switches on is off.
    Off,
    /// This value, as if it had been written.
    Means(&'static str),
    /// It depends on other settings; in words.
    Depends(&'static str),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As it stands in the environment.
    pub name: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// One line for people.
    pub meaning: &'static str,
}

/// Settings of these groups may be given for one business, as `NAME__SLUG`.
const PER_BUSINESS: [&str; 3] = ["TWILIO_", "VAPI_", "GOOGLE_"];

impl Setting {
    /// The setting of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Whether it may be given as `NAME__SLUG`.
    #[must_use]
    pub fn may_be_own(&self) -> bool {
        PER_BUSINESS.iter().any(|group| self.name.starts_with(group))
    }
}

const fn required(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, absent: Absent::Refused, meaning }
}

const fn off(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, absent: Absent::Off, meaning }
}

const fn value(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, absent: Absent::Means(default), meaning }
}

const fn depends(name: &'static str, when: &'static str, meaning: &'static str) -> Setting {
    Setting { name, absent: Absent::Depends(when), meaning }
}

/// All of them, in order.
pub const SETTINGS: &[Setting] = &[
    required("SERVER_URL", "the public https address of this server, exactly as Twilio and Vapi are told"),
    value("BIND", "0.0.0.0:8080", "where to listen: address and port"),
    off("METRICS_BIND", "a second listener, for GET /metrics"),
    value("BUSINESSES", "assistant/businesses", "the folder of business files, one <slug>.toml each"),
    value(
        "DATABASE_URL",
        "sqlite://ringbook.db",
        "where everything is kept: a file, created when absent, or postgres://USER:PASSWORD@HOST/DATABASE",
    ),
    off(
        "REDIS_URL",
        "a Redis server on which several copies share what they saw of the calendars: redis://HOST:PORT, rediss:// with TLS",
    ),
    depends(
        "ENCRYPTION_KEY",
        "required when Google user accounts are connected",
        "base64 of 32 bytes, see `ringbook keygen`; of several, separated by commas, the first encrypts and all decrypt",
    ),
    required("TWILIO_ACCOUNT_SID", "the account that owns the phone numbers (AC...)"),
    required("TWILIO_AUTH_TOKEN", "that account's auth token; of several, separated by commas, any verifies a request"),
    off("TWILIO_API_KEY_SID", "an API key (SK...) that is used for Twilio's REST API instead of the auth token"),
    off("TWILIO_API_KEY_SECRET", "the secret of that API key"),
    off("TWILIO_MESSAGING_SERVICE_SID", "the sender of SMS (MG...); otherwise the first number of the business"),
    value("TWILIO_API_URL", "https://api.twilio.com", "Twilio's REST API"),
    depends("VAPI_API_KEY", "required for bypass and `ringbook assistant push`", "Vapi's private key"),
    value("VAPI_API_URL", "https://api.vapi.ai", "Vapi's REST API"),
    value("VAPI_CONNECT", "bypass", "how a caller gets to the assistant: bypass, stream or sip"),
    depends(
        "VAPI_ASSISTANT_ID",
        "remembered from `ringbook assistant push`; without any callers go straight to a person",
        "the Vapi assistant that answers",
    ),
    depends("VAPI_PHONE_NUMBER_ID", "required for bypass; `ringbook connect` prints it", "the phone number as Vapi knows it"),
    value("VAPI_STREAM_URL", "wss://api.vapi.ai/stream", "for stream: where the audio goes; the assistant id is appended"),
    depends("VAPI_SIP_URI", "required for sip", "the assistant's SIP address, e.g. sip:front-desk@sip.vapi.ai"),
    required(
        "VAPI_WEBHOOK_SECRET",
        "what proves Vapi's webhooks; of several, separated by commas, any verifies and the first signs",
    ),
    value("VAPI_WEBHOOK_AUTH", "hmac,secret", "which proofs are accepted: any of hmac, secret, bearer"),
    value(
        "VAPI_HMAC_SIGNATURE_HEADER",
        "x-signature",
        "this and the six below describe a Vapi HMAC credential of your own; setting any of them replaces the two built-in plans",
    ),
    value("VAPI_HMAC_TIMESTAMP_HEADER", "x-timestamp", "where the timestamp stands, if the payload has one"),
    value("VAPI_HMAC_PAYLOAD", "{timestamp}.{body}", "what is signed; {body} and {timestamp} stand for the request's own"),
    value("VAPI_HMAC_ALGORITHM", "sha256", "sha1, sha256 or sha512"),
    value("VAPI_HMAC_ENCODING", "hex", "hex (lower-case) or base64"),
    off("VAPI_HMAC_PREFIX", "what stands in front of the signature, e.g. sha256="),
    value("VAPI_HMAC_TOLERANCE_SECONDS", "300", "how far a timestamp may be off, either way (1 to 3600)"),
    value("CALENDAR", "google", "google, or embedded: a calendar that ringbook keeps itself"),
    depends(
        "GOOGLE_CLIENT_ID",
        "this or GOOGLE_CALENDAR_CREDENTIALS is required for google",
        "OAuth web client, with which owners connect a calendar in the browser; its redirect address is {SERVER_URL}/oauth/callback",
    ),
    off("GOOGLE_CLIENT_SECRET", "the secret of that client"),
    depends(
        "GOOGLE_CALENDAR_CREDENTIALS",
        "this or GOOGLE_CLIENT_ID is required for google",
        "path of a service account's JSON file, with which calendars are shared",
    ),
    off("GOOGLE_IMPERSONATE", "the user that the service account acts for (domain-wide delegation)"),
    value("GOOGLE_CALENDAR_URL", "https://www.googleapis.com/calendar/v3/", "Google's calendar API"),
    value("GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/v2/auth", "Google's consent page"),
    depends(
        "GOOGLE_TOKEN_URL",
        "Google's, or a service account's own token_uri",
        "where tokens come from, e.g. https://oauth2.googleapis.com/token",
    ),
    value("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke", "where a connected account is given back"),
    off("ALERT_WEBHOOK_URL", "where the operator's alerts are posted as JSON: {id, kind, business, text, since}"),
    value("TOOL_REPLY_BUDGET_MS", "4000", "the latest moment at which a tool call is answered, in milliseconds (500 to 15000)"),
    value(
        "CONNECT_BUDGET_MS",
        "5000",
        "the latest moment at which an inbound call gets its TwiML, in milliseconds (500 to 14000)",
    ),
    value(
        "FREEBUSY_CACHE_SECONDS",
        "60",
        "how long busy times may be remembered for offers, never for bookings (0 to 3600; 0 is off)",
    ),
    value("RETENTION_DAYS", "90", "transcripts, voicemail links and recorded webhooks older than this are deleted (1 to 3650)"),
    value("LOG", "info", "what is logged, as a filter of `tracing`, e.g. info,ringbook=debug"),
    depends("LOG_FORMAT", "pretty on a terminal, else json", "pretty or json"),
];
