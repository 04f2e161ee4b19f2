//! Everything that the server is told, as one value.

use std::fmt;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::address::{self, ServerUrl};
use super::collector::{self, Collector};
use super::database::DatabaseUrl;
use super::environment::Environment;
use super::google::{self, CalendarKind, Google};
use super::problems::Problems;
use super::reader::{Read, Reader, text};
use super::redis::RedisUrl;
use super::scoped::Scoped;
use super::twilio::{self, Twilio};
use super::vapi::{self, Vapi};
use super::{database, folder, redis, spelling};
use crate::names::Slug;
use crate::vault::Vault;

/// Everything that `serve` needs.
pub struct Settings {
    /// `SERVER_URL`: as Twilio and Vapi are told.
    pub server_url: ServerUrl,
    /// `BIND`.
    pub bind: SocketAddr,
    /// `METRICS_BIND`: where the numbers are shown, if they are.
    pub metrics_bind: Option<SocketAddr>,
    /// `BUSINESSES`: the folder of business files.
    pub businesses: PathBuf,
    /// `DATABASE_URL`.
    pub database_url: DatabaseUrl,
    /// `REDIS_URL`.
    pub redis_url: Option<RedisUrl>,
    /// `TWILIO_*`.
    pub twilio: Scoped<Twilio>,
    /// `VAPI_*`.
    pub vapi: Scoped<Vapi>,
    /// `CALENDAR`.
    pub calendar: CalendarKind,
    /// `GOOGLE_*`.
    pub google: Scoped<Google>,
    /// `ENCRYPTION_KEY`: empty when it is not set.
    pub vault: Arc<Vault>,
    /// `ALERT_WEBHOOK_URL`.
    pub alert_webhook_url: Option<Url>,
    /// `TOOL_REPLY_BUDGET_MS`.
    pub tool_reply_budget: Duration,
    /// `CONNECT_BUDGET_MS`.
    pub connect_budget: Duration,
    /// `FREEBUSY_CACHE_SECONDS`: zero is off.
    pub freebusy_cache: Duration,
    /// `RETENTION_DAYS`: what is older than this is deleted.
    pub retention: Duration,
    /// `LOG`.
    pub log: String,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `OTEL_*`: who takes spans, if anybody; always nobody without the feature `otel`.
    pub collector: Option<Collector>,
}

/// `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads all settings, with the businesses whose files are in the folder `BUSINESSES`; the warnings are for the log.
    ///
    /// # Errors
    /// Every mistake at once, also that the folder cannot be read.
    pub fn read(environment: &Environment) -> Result<(Self, Vec<String>), Problems> {
        match folder::known_businesses(environment) {
            Ok(businesses) => Self::load(environment, &businesses),
            Err(mut problems) => {
                // Without the folder nobody knows which `NAME__SLUG` is right, so only the rest is checked.
                let plain = environment.names().filter(|name| !name.contains("__"));
                let plain = plain.filter_map(|name| Some((name, environment.value(name)?)));
                if let Err(others) = Self::load(&Environment::from_pairs(plain), &[]) {
                    problems.extend(others);
                }
                Err(problems)
            }
        }
    }

    /// Reads all settings for these businesses; the warnings are for the log.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn load(environment: &Environment, businesses: &[Slug]) -> Result<(Self, Vec<String>), Problems> {
        let mut reader = Reader::new(environment, businesses);
        let settings = read_all(&mut reader);
        vapi::check_needs(&mut reader);
        spelling::check(&mut reader);
        reader.finish(settings)
    }
}

/// Where alerts go may be a secret in itself: whoever has the address of a chat's webhook may write there.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server_url", &self.server_url)
            .field("bind", &self.bind)
            .field("metrics_bind", &self.metrics_bind)
            .field("businesses", &self.businesses)
            .field("database_url", &self.database_url)
            .field("redis_url", &self.redis_url)
            .field("twilio", &self.twilio)
            .field("vapi", &self.vapi)
            .field("calendar", &self.calendar)
            .field("google", &self.google)
            .field("vault", &self.vault)
            .field("alert_webhook_url", &self.alert_webhook_url.as_ref().and_then(Url::host_str))
            .field("tool_reply_budget", &self.tool_reply_budget)
            .field("connect_budget", &self.connect_budget)
            .field("freebusy_cache", &self.freebusy_cache)
            .field("retention", &self.retention)
            .field("log", &self.log)
            .field("log_format", &self.log_format)
            .field("collector", &self.collector)
            .finish()
    }
}

/// `CONNECT_BUDGET_MS`: Twilio itself waits 15 seconds.
pub(super) fn connect_budget(reader: &mut Reader<'_>) -> Read<Duration> {
    reader.milliseconds("CONNECT_BUDGET_MS", 500..=14_000)
}

/// `TOOL_REPLY_BUDGET_MS`.
pub(super) fn tool_reply_budget(reader: &mut Reader<'_>) -> Read<Duration> {
    reader.milliseconds("TOOL_REPLY_BUDGET_MS", 500..=15_000)
}

fn read_all(reader: &mut Reader<'_>) -> Read<Settings> {
    let server_url = reader.always("SERVER_URL", None, ServerUrl::parse);
    let bind = reader.always("BIND", None, address::socket);
    let metrics_bind = reader.optional("METRICS_BIND", None, address::socket);
    let businesses = folder::setting(reader);
    let database_url = reader.always("DATABASE_URL", None, database::url);
    let redis_url = reader.optional("REDIS_URL", None, redis::url);
    let twilio = reader.scoped("TWILIO_", twilio::read);
    let vapi = reader.scoped("VAPI_", vapi::read);
    let calendar = google::kind(reader);
    let google = reader.scoped("GOOGLE_", |reader, owner| google::read(reader, owner, calendar));
    google::check_needs(reader, calendar);
    let vault = google::vault(reader);
    let alert_webhook_url = reader.optional("ALERT_WEBHOOK_URL", None, address::outgoing);
    let tool_reply_budget = tool_reply_budget(reader);
    let connect_budget = connect_budget(reader);
    let freebusy_cache = reader.number("FREEBUSY_CACHE_SECONDS", None, 0..=3600, "seconds").map(Duration::from_secs);
    if let (Ok(Some(_)), Ok(kind), Ok(lifetime)) = (&redis_url, &calendar, &freebusy_cache)
        && (*kind == CalendarKind::Embedded || lifetime.is_zero())
    {
        reader.odd("REDIS_URL is set, but has no effect: it shares what was seen of Google's calendars, and nothing is remembered of them.".into());
    }
    let days = |days: u64| Duration::from_hours(24 * days);
    let retention = reader.number("RETENTION_DAYS", None, 1..=3650, "days").map(days);
    let log = reader.always("LOG", None, text);
    let formats = [("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
    let log_format = match reader.given("LOG_FORMAT", None) {
        Some(_) => reader.choice("LOG_FORMAT", None, &formats),
        None if std::io::stderr().is_terminal() => Ok(LogFormat::Pretty),
        None => Ok(LogFormat::Json),
    };
    let collector = collector::read(reader, cfg!(feature = "otel"));
    Ok(Settings {
        server_url: server_url?,
        bind: bind?,
        metrics_bind: metrics_bind?,
        businesses: businesses?,
        database_url: database_url?,
        redis_url: redis_url?,
        twilio: twilio?,
        vapi: vapi?,
        calendar: calendar?,
        google: google?,
        vault: vault?,
        alert_webhook_url: alert_webhook_url?,
        tool_reply_budget: tool_reply_budget?,
        connect_budget: connect_budget?,
        freebusy_cache: freebusy_cache?,
        retention: retention?,
        log: log?,
        log_format: log_format?,
        collector,
    })
}
