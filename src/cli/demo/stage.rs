//! What a demonstration needs and throws away: secrets, a folder with one business file, a database, a free port.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use time::{Date, Duration, OffsetDateTime};

use super::super::Failure;
use crate::business::profile::{LoadFacts, Profile, load_folder};
use crate::business::routing::Directory;
use crate::clock::Clock;
use crate::config::{Environment, Settings};
use crate::names::Slug;
use crate::scheduling::busy::Span;
use crate::store::Store;
use crate::store::bookings::BookingRow;

/// The example business, as it is published.
const BUSINESS: &str = include_str!("../../../assistant/businesses/abc-hvac.toml");
const SLUG: &str = "abc-hvac";
/// The port of old for what is to be thrown away, on this machine.
const NOBODY: &str = "http://127.0.0.1:9";
/// How many days ahead a day with opening hours is looked for.
const LOOK_AHEAD_DAYS: i64 = 14;

/// The set of one demonstration; its folder goes away with it.
pub(super) struct Stage {
    folder: TempDir,
    settings: Option<Settings>,
    directory: Directory,
    profile: Arc<Profile>,
    twilio_token: String,
    vapi_secret: String,
    server_url: String,
}

impl Stage {
    pub(super) fn set(port: Option<u16>) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("ringbook-demo-").tempdir();
        let folder = folder.map_err(|error| Failure::because("no temporary folder can be made", error))?;
        let businesses = folder.path().join("businesses");
        fs::create_dir(&businesses)
            .and_then(|()| fs::write(businesses.join(format!("{SLUG}.toml")), BUSINESS))
            .map_err(|error| Failure::because("the business file cannot be written", error))?;
        let port = port.map_or_else(free_port, Ok)?;
        let server_url = format!("http://127.0.0.1:{port}");
        let (twilio_token, vapi_secret) = (secret(), secret());
        let environment = Environment::from_pairs([
            ("SERVER_URL", server_url.clone()),
            ("BIND", format!("127.0.0.1:{port}")),
            ("BUSINESSES", businesses.display().to_string()),
            ("DATABASE_URL", format!("sqlite://{}", folder.path().join("demo.db").display())),
            ("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32))),
            ("TWILIO_AUTH_TOKEN", twilio_token.clone()),
            // Nothing outside is called: Vapi would connect to this stream, Twilio would be told to, and what would be sent to
            // customers goes to a port where nobody listens.
            ("TWILIO_API_URL", NOBODY.to_owned()),
            ("VAPI_API_URL", NOBODY.to_owned()),
            ("VAPI_CONNECT", "stream".to_owned()),
            ("VAPI_ASSISTANT_ID", "demo-assistant".to_owned()),
            ("VAPI_WEBHOOK_SECRET", vapi_secret.clone()),
            ("CALENDAR", "embedded".to_owned()),
            ("LOG", "error".to_owned()),
        ]);
        let (settings, _) = Settings::read(&environment)?;
        let facts = LoadFacts::new(settings.calendar, &settings.google);
        let directory = load_folder(&businesses, &facts).map_err(|problems| Failure::of_files(&problems))?.directory;
        let profile = Slug::parse(SLUG).and_then(|slug| directory.by_slug(&slug));
        let profile = profile.ok_or_else(|| Failure::Failed(anyhow::anyhow!("the example business is missing")))?;
        Ok(Self { folder, settings: Some(settings), directory, profile, twilio_token, vapi_secret, server_url })
    }

    pub(super) fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    pub(super) fn take_settings(&mut self) -> Result<(Settings, Directory, Clock), Failure> {
        let settings = self.settings.take().ok_or_else(|| Failure::Failed(anyhow::anyhow!("the stage was used twice")))?;
        Ok((settings, self.directory.clone(), Clock::System))
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn server_url(&self) -> &str {
        &self.server_url
    }

    pub(super) fn twilio_token(&self) -> &str {
        &self.twilio_token
    }

    pub(super) fn vapi_secret(&self) -> &str {
        &self.vapi_secret
    }

    /// The first day from tomorrow on with hours in the morning and in the afternoon.
    pub(super) fn day(&self) -> Option<Date> {
        let today = self.profile.zone.date(Clock::System.now());
        let is_open = |date: &Date| {
            let spans = self.profile.opening.on(*date).spans;
            spans.iter().any(|span| span.from_minute <= 8 * 60) && spans.iter().any(|span| span.to_minute >= 17 * 60)
        };
        (1..=LOOK_AHEAD_DAYS).map(|days| today + Duration::days(days)).find(is_open)
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("demo.db")
    }

    pub(super) async fn bookings(&self) -> Result<Vec<BookingRow>, Failure> {
        let store = self.store().await?;
        let rows = store.bookings_between(&self.profile.slug, span()).await;
        store.close().await;
        rows.map_err(|error| Failure::because("the bookings cannot be read", error))
    }

    /// Whether the calendars hold one event for each booking and none besides.
    pub(super) async fn events_match(&self, rows: &[BookingRow]) -> Result<bool, Failure> {
        let store = self.store().await?;
        let mut events: Vec<(OffsetDateTime, String)> = Vec::new();
        for technician in &self.profile.technicians {
            let calendar = technician.calendar.as_ref().map(ToString::to_string).unwrap_or_default();
            let key = format!("{}/{calendar}", self.profile.slug);
            let found = store.events_between(&key, span().start, span().end).await;
            let found = found.map_err(|error| Failure::because("the calendar cannot be read", error))?;
            events.extend(found.into_iter().map(|event| (event.starts_at, event.id)));
        }
        store.close().await;
        let mut booked: Vec<_> = rows.iter().map(|row| (row.span.start, row.event_id.to_string())).collect();
        booked.sort_unstable();
        events.sort_unstable();
        Ok(booked == events)
    }

    async fn store(&self) -> Result<Store, Failure> {
        let url = format!("sqlite://{}", self.database().display());
        Store::open(&url).await.map_err(|error| Failure::because("the database cannot be opened", error))
    }

    /// What a shell needs to go on by hand.
    pub(super) fn exports(&self) -> String {
        format!(
            "\nThe server goes on at {url}. In another shell, these lines let `ringbook sign`, `ringbook bookings` and `curl` talk to it:\n\n\
             export SERVER_URL={url}\nexport TWILIO_AUTH_TOKEN={token}\nexport VAPI_WEBHOOK_SECRET={secret}\n\
             export DATABASE_URL=sqlite://{database}\nexport BUSINESSES={businesses}\nexport DAY={day}\n\nCtrl-C ends it.\n",
            url = self.server_url,
            token = self.twilio_token,
            secret = self.vapi_secret,
            database = self.database().display(),
            businesses = self.folder.path().join("businesses").display(),
            day = self.day().map(|day| day.to_string()).unwrap_or_default(),
        )
    }
}

/// All the days in which something may be booked.
fn span() -> Span {
    let now = Clock::System.now();
    Span { start: now, end: now + Duration::days(LOOK_AHEAD_DAYS + 2) }
}

fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| Failure::because("no port is free", error))
}

fn secret() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
