//! Settings: read once, from the environment and then `.env`, checked together, and typed. The only place that reads
//! the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::names::{AssistantId, Slug};

/// Everything that `serve` needs.
#[derive(Debug)]
pub struct Settings {
    /// `SERVER_URL`: as Twilio and Vapi are told.
    pub server_url: ServerUrl,
    /// `BIND`.
    pub bind: SocketAddr,
    /// `BUSINESSES`: the folder of business files.
    pub businesses: PathBuf,
    /// `DATABASE_URL`.
    pub database_url: String,
    /// `TWILIO_*`.
    pub twilio: Scoped<Twilio>,
    /// `VAPI_*`.
    pub vapi: Scoped<Vapi>,
    /// `CALENDAR`.
    pub calendar: CalendarKind,
    /// `GOOGLE_*`.
    pub google: Scoped<Google>,
    /// `ALERT_WEBHOOK_URL`.
    pub alert_webhook_url: Option<Url>,
    /// `TOOL_REPLY_BUDGET_MS`.
    pub tool_reply_budget: Duration,
    /// `CONNECT_BUDGET_MS`.
    pub connect_budget: Duration,
    /// `LOG`.
    pub log: String,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
}

/// The public base address, without a trailing slash, user name, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    /// The base address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The public address of one of our routes; `path` begins with a slash.
    #[must_use]
    pub fn route(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// A group of settings for everybody, and for each business that has one of its own (`NAME__SLUG`), already merged.
#[derive(Clone, Debug)]
pub struct Scoped<T> {
    everyone: T,
    own: BTreeMap<Slug, T>,
}

impl<T> Scoped<T> {
    /// A group that is the same for every business.
    pub fn same(everyone: T) -> Self {
        Self { everyone, own: BTreeMap::new() }
    }

    /// Gives one business its own group.
    #[must_use]
    pub fn with_own(mut self, business: Slug, group: T) -> Self {
        self.own.insert(business, group);
        self
    }

    /// What holds for this business.
    pub fn of(&self, business: &Slug) -> &T {
        self.own.get(business).unwrap_or(&self.everyone)
    }

    /// What holds where no business is known.
    pub fn everyone(&self) -> &T {
        &self.everyone
    }

    /// The businesses that have their own group, and it.
    pub fn own(&self) -> impl Iterator<Item = (&Slug, &T)> {
        self.own.iter()
    }
}

/// `TWILIO_*`.
#[derive(Clone, Debug)]
pub struct Twilio {
    /// `TWILIO_ACCOUNT_SID`.
    pub account_sid: String,
    /// `TWILIO_AUTH_TOKEN`: any of them verifies, the first is used for REST without an API key.
    pub auth_tokens: Vec<SecretString>,
    /// Whether the tokens were given for this business alone: then no other token proves its requests.
    pub auth_is_own: bool,
    /// `TWILIO_API_KEY_SID`, `TWILIO_API_KEY_SECRET`.
    pub api_key: Option<(String, SecretString)>,
    /// `TWILIO_MESSAGING_SERVICE_SID`.
    pub messaging_service_sid: Option<String>,
    /// `TWILIO_API_URL`.
    pub api_url: Url,
}

/// `VAPI_*`.
#[derive(Clone, Debug)]
pub struct Vapi {
    /// `VAPI_API_KEY`.
    pub api_key: Option<SecretString>,
    /// `VAPI_API_URL`.
    pub api_url: Url,
    /// `VAPI_CONNECT`.
    pub connect: Connect,
    /// `VAPI_ASSISTANT_ID`.
    pub assistant_id: Option<AssistantId>,
    /// `VAPI_PHONE_NUMBER_ID`.
    pub phone_number_id: Option<String>,
    /// `VAPI_STREAM_URL`.
    pub stream_url: String,
    /// `VAPI_SIP_URI`.
    pub sip_uri: Option<String>,
    /// How its webhooks are proven.
    pub proofs: ProofPlan,
    /// Whether the plan, or its secret, was given for this business alone: then no other secret proves its messages.
    pub proofs_are_own: bool,
}

/// `VAPI_CONNECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// `POST /call` with `phoneCallProviderBypassEnabled`; its TwiML is returned.
    Bypass,
    /// `<Connect><Stream>`.
    Stream,
    /// `<Dial><Sip>`.
    Sip,
}

/// Which proofs of a Vapi webhook count, and with which secrets.
#[derive(Clone, Debug)]
pub struct ProofPlan {
    /// `VAPI_WEBHOOK_SECRET`: any of them verifies, the first signs.
    pub secrets: Vec<SecretString>,
    /// `hmac` in `VAPI_WEBHOOK_AUTH`: the plans of `VAPI_HMAC_*`, or the two presets; empty when not accepted.
    pub hmac: Vec<HmacPlan>,
    /// `secret` in `VAPI_WEBHOOK_AUTH`.
    pub secret: bool,
    /// `bearer` in `VAPI_WEBHOOK_AUTH`.
    pub bearer: bool,
}

/// One way in which Vapi may sign: what its HMAC credential is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacPlan {
    /// Lower-case.
    pub signature_header: String,
    /// Lower-case; `None` when nothing is stamped.
    pub timestamp_header: Option<String>,
    /// With `{body}`, and `{timestamp}` where there is one.
    pub payload: String,
    /// The hash.
    pub algorithm: HmacAlgorithm,
    /// How the signature is written.
    pub encoding: HmacEncoding,
    /// In front of it, e.g. `sha256=`; may be empty.
    pub prefix: String,
    /// How far a timestamp may be off, either way.
    pub tolerance: Duration,
}

impl HmacPlan {
    /// Preset 1 of the contract: `x-vapi-signature`, hex HMAC-SHA256 of the raw body.
    #[must_use]
    pub fn body_only() -> Self {
        Self {
            signature_header: "x-vapi-signature".into(),
            timestamp_header: None,
            payload: "{body}".into(),
            algorithm: HmacAlgorithm::Sha256,
            encoding: HmacEncoding::Hex,
            prefix: String::new(),
            tolerance: Duration::from_secs(300),
        }
    }

    /// Preset 2 of the contract: Vapi's own defaults, `x-signature` over `{x-timestamp}.{body}`.
    #[must_use]
    pub fn stamped() -> Self {
        Self {
            signature_header: "x-signature".into(),
            timestamp_header: Some("x-timestamp".into()),
            payload: "{timestamp}.{body}".into(),
            ..Self::body_only()
        }
    }
}

/// `VAPI_HMAC_ALGORITHM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacAlgorithm {
    /// `sha1`
    Sha1,
    /// `sha256`
    Sha256,
    /// `sha512`
    Sha512,
}

/// `VAPI_HMAC_ENCODING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacEncoding {
    /// `hex`, lower-case
    Hex,
    /// `base64`, standard with padding
    Base64,
}

/// `CALENDAR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarKind {
    /// `google`
    Google,
    /// `embedded`
    Embedded,
}

/// `GOOGLE_*`.
#[derive(Clone, Debug)]
pub struct Google {
    /// `GOOGLE_CALENDAR_CREDENTIALS`: the service account's JSON.
    pub credentials: Option<PathBuf>,
    /// `GOOGLE_IMPERSONATE`: the user it acts for.
    pub impersonate: Option<String>,
    /// `GOOGLE_CALENDAR_URL`, ending in a slash.
    pub calendar_url: Url,
    /// `GOOGLE_TOKEN_URL`, when set: wins over the service account's `token_uri`.
    pub token_url: Option<Url>,
}

/// `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
