//! The real server, over real HTTP, among the fakes: a database in a temporary folder, a clock that stands still, a Google,
//! a Vapi, a Twilio and a receiver of alerts. Requests are signed as the counterparts sign them.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use ringbook::app::App;
use ringbook::business::profile::{LoadFacts, load_folder};
use ringbook::clock::Clock;
use ringbook::config::{Environment, HmacPlan, ProofPlan, Settings};
use ringbook::names::{CallSid, Slug};
use ringbook::scheduling::busy::Span;
use ringbook::store::Store;
use ringbook::store::bookings::BookingRow;
use ringbook::twilio;
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::fakes::alerts::FakeAlerts;
use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::fakes::journal::PATIENCE;
use crate::fakes::twilio::{ACCOUNT_SID, AUTH_TOKEN, FakeTwilio};
use crate::fakes::vapi::{API_KEY, FakeVapi};
use crate::postgres::{self, Database};
use crate::shelf::On;

/// Monday, 23 November 2026, 9 AM in New York: a working day of the example business.
pub const NOW: OffsetDateTime = datetime!(2026-11-23 14:00 UTC);
pub const VAPI_SECRET: &str = "vapi-webhook-secret-of-the-tests";
pub const CALLED: &str = "+15551230000";
pub const CALLER: &str = "+15557654321";
pub const SLUG: &str = "abc-hvac";
/// The calendars of the two technicians at the fake Google.
pub const SAM: &str = "sam@abc.example";
pub const ALEX: &str = "alex@abc.example";

/// Two technicians, one buffer, hours with a break, two services, and callers who are not counted.
pub const BUSINESS: &str = r#"
name = "ABC HVAC"
phone_numbers = ["+15551230000"]
time_zone = "America/New_York"
event_summary = "HVAC {service} - {customer}"
[transfer]
to = "+15551239999"
[notify]
sms = ["+15551238888"]
[hours]
monday = ["08:00-12:00", "12:30-20:00"]
tuesday = ["08:00-12:00", "12:30-20:00"]
wednesday = ["08:00-12:00", "12:30-20:00"]
thursday = ["08:00-12:00", "12:30-20:00"]
friday = ["08:00-12:00", "12:30-20:00"]
# The tests have few callers, who ask for much.
[limits]
calls_per_caller_per_hour = 0
bookings_per_caller_per_day = 0
[[services]]
name = "repair"
aliases = ["fix", "broken"]
duration_minutes = 120
[[services]]
name = "maintenance"
aliases = ["tune-up"]
duration_minutes = 60
[[technicians]]
id = "sam"
name = "Sam"
calendar_id = "sam@abc.example"
[[technicians]]
id = "alex"
name = "Alex"
calendar_id = "alex@abc.example"
"#;

/// What a house is to be built with.
pub struct Plan {
    settings: Vec<(String, String)>,
    businesses: Vec<(String, String)>,
    clock: Clock,
    on: On,
}

impl Plan {
    /// The fake Google, the bypass, the example business.
    pub fn new() -> Self {
        Self {
            settings: Vec::new(),
            businesses: vec![(SLUG.into(), BUSINESS.into())],
            clock: Clock::fixed(NOW),
            on: On::of_houses(),
        }
    }

    /// Adds a setting, or replaces one.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Adds a business, or replaces one.
    pub fn business(mut self, slug: &str, text: &str) -> Self {
        self.businesses.retain(|(known, _)| known != slug);
        self.businesses.push((slug.into(), text.into()));
        self
    }

    /// Another hour and day to stand at.
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.clock = Clock::fixed(now);
        self
    }

    /// On this database.
    pub fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    pub async fn build(self) -> House {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        if let Some(filter) = option_env!("TEST_LOG") {
            ringbook::telemetry::init(filter, ringbook::config::LogFormat::Pretty);
        }
        let folder = tempfile::tempdir().unwrap();
        let businesses = folder.path().join("businesses");
        std::fs::create_dir(&businesses).unwrap();
        for (slug, text) in &self.businesses {
            std::fs::write(businesses.join(format!("{slug}.toml")), text).unwrap();
        }
        let google = FakeGoogle::start(self.clock.clone());
        google.judge_assertions_by(Clock::System);
        for calendar in [SAM, ALEX] {
            google.add_calendar(calendar, "America/New_York", &[SERVICE_ACCOUNT]);
        }
        let (vapi, twilio, alerts) = (FakeVapi::start(), FakeTwilio::start(), FakeAlerts::start());
        twilio.add_number(CALLED);
        let key = folder.path().join("google.json");
        std::fs::write(&key, google.service_account_json()).unwrap();
        let file = format!("sqlite://{}", folder.path().join("ringbook.db").display());
        let database = if self.on == On::Postgres { Some(postgres::database().await) } else { None };
        let mut pairs: Vec<(String, String)> = [
            ("SERVER_URL", "https://book.example.com".to_owned()),
            // Any port that is free at that moment: one that was picked before could be somebody else's by then.
            ("BIND", "127.0.0.1:0".to_owned()),
            ("BUSINESSES", businesses.display().to_string()),
            ("DATABASE_URL", database.as_ref().map_or(file, |database| database.url().to_owned())),
            ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("TWILIO_API_URL", twilio.url()),
            ("VAPI_API_KEY", API_KEY.to_owned()),
            ("VAPI_API_URL", vapi.url()),
            ("VAPI_ASSISTANT_ID", "assistant-1".to_owned()),
            ("VAPI_PHONE_NUMBER_ID", "phone-number-1".to_owned()),
            ("VAPI_WEBHOOK_SECRET", VAPI_SECRET.to_owned()),
            ("GOOGLE_CALENDAR_CREDENTIALS", key.display().to_string()),
            ("GOOGLE_CALENDAR_URL", google.calendar_url()),
            ("GOOGLE_TOKEN_URL", google.token_url()),
            ("GOOGLE_AUTH_URL", google.auth_url()),
            ("GOOGLE_REVOKE_URL", google.revoke_url()),
            ("ALERT_WEBHOOK_URL", alerts.url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        for (name, value) in self.settings {
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, value));
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut house = House {
            url: String::new(),
            clock: self.clock,
            google,
            vapi,
            twilio,
            alerts,
            folder,
            pairs,
            http,
            running: None,
            database,
        };
        house.open().await;
        house
    }
}

/// A server that runs, and everything around it.
pub struct House {
    /// Where the server listens; another one after a restart.
    pub url: String,
    pub clock: Clock,
    pub google: FakeGoogle,
    pub vapi: FakeVapi,
    pub twilio: FakeTwilio,
    pub alerts: FakeAlerts,
    pub folder: TempDir,
    pub http: reqwest::Client,
    pairs: Vec<(String, String)>,
    running: Option<Running>,
    /// Dropped last, after whoever uses it.
    database: Option<Database>,
}

/// One life of the server.
struct Running {
    handle: ServerHandle,
    serving: JoinHandle<()>,
    runtime: Runtime,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The one sentence of a tool call's answer, and whether it is an `error`.
    pub fn sentence(&self) -> String {
        let json = self.json();
        assert_eq!(self.status, 200, "{self:?}");
        let entry = &json["results"][0];
        entry["result"].as_str().or(entry["error"].as_str()).unwrap_or_else(|| panic!("no sentence: {self:?}")).to_owned()
    }

    pub fn is_error(&self) -> bool {
        self.json()["results"][0]["error"].is_string()
    }
}

impl House {
    pub async fn new() -> Self {
        Plan::new().build().await
    }

    /// The same on this database.
    pub async fn on(on: On) -> Self {
        Plan::new().on(on).build().await
    }

    /// The settings that it was opened with.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    async fn open(&mut self) {
        let environment = Environment::from_pairs(self.pairs.clone());
        let (settings, _) = Settings::read(&environment).unwrap_or_else(|problems| panic!("{problems}"));
        let facts = LoadFacts::new(settings.calendar, &settings.google);
        let loaded = load_folder(&settings.businesses, &facts).unwrap_or_else(|problems| panic!("{problems:?}"));
        // A runtime of its own, as a process has: what runs in the background dies with it.
        let runtime = Runtime::new().unwrap();
        let clock = self.clock.clone();
        let building = runtime.spawn(async move { App::build(settings, loaded.directory, clock).await.unwrap() });
        let app = building.await.unwrap();
        self.url = format!("http://{}", app.address());
        let handle = app.handle();
        let serving = runtime.spawn(async move { app.run().await.unwrap() });
        self.running = Some(Running { handle, serving, runtime });
    }

    /// Stops the server: running requests are cut off, running bookings come to rest.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.handle.stop(false).await;
            running.serving.await.unwrap();
            running.runtime.shutdown_background();
        }
    }

    /// Kills the server: whatever runs, runs no further, and has written nothing more when this returns.
    pub async fn crash(&mut self) {
        if let Some(Running { handle, serving, runtime }) = self.running.take() {
            serving.abort();
            tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await.unwrap();
            handle.stop(false).await;
        }
    }

    /// The same database, another server at another port.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.open().await;
    }

    /// The same, with another value of a setting.
    pub async fn restart_with(&mut self, name: &str, value: &str) {
        self.set(name, value);
        self.restart().await;
    }

    /// Another value of a setting, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.pairs.retain(|(known, _)| known != name);
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// What the server was told.
    pub fn setting(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Our own look into the database.
    pub async fn store(&self) -> Store {
        Store::open(self.setting("DATABASE_URL")).await.unwrap()
    }

    /// All that is kept, as somebody has it who copies it.
    pub fn copy_of_the_database(&self) -> Vec<u8> {
        if let Some(database) = &self.database {
            return database.dump();
        }
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.to_string_lossy().contains("ringbook.db"));
        files.flat_map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// Every booking of the business that starts within a year, whatever became of it.
    pub async fn bookings(&self) -> Vec<BookingRow> {
        self.bookings_of(SLUG).await
    }

    pub async fn bookings_of(&self, slug: &str) -> Vec<BookingRow> {
        let span = Span { start: self.clock.now() - time::Duration::days(2), end: self.clock.now() + time::Duration::days(365) };
        let store = self.store().await;
        let rows = store.bookings_between(&Slug::parse(slug).unwrap(), span).await.unwrap();
        store.close().await;
        rows
    }

    /// All live events of both technicians.
    pub fn events(&self) -> Vec<Value> {
        [SAM, ALEX].iter().flat_map(|calendar| self.google.events(calendar)).collect()
    }

    pub async fn call(&self, sid: &str) -> Option<ringbook::store::calls::CallRow> {
        let store = self.store().await;
        let row = store.call_by_sid(&CallSid::parse(sid).unwrap()).await.unwrap();
        store.close().await;
        row
    }

    /// Sends a body as Vapi does, signed in the first preset.
    pub async fn vapi(&self, body: &Value) -> Answer {
        self.vapi_bytes(body.to_string().into_bytes(), VAPI_SECRET, ProofChoice::Hmac).await
    }

    pub async fn vapi_bytes(&self, body: Vec<u8>, secret: &str, choice: ProofChoice) -> Answer {
        let plan = ProofPlan { secrets: vec![secret.into()], hmac: HmacPlan::presets(), secret: true, bearer: true };
        let headers = sign(&plan, &body, self.clock.now(), choice);
        let request = self.http.post(format!("{}/webhook/vapi", self.url)).body(body);
        answer(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// One tool call of a running telephone call.
    pub async fn tool(&self, call: &str, id: &str, name: &str, arguments: Value) -> Answer {
        self.tool_of(CALLER, call, id, name, arguments).await
    }

    /// The same, of another caller.
    pub async fn tool_of(&self, caller: &str, call: &str, id: &str, name: &str, arguments: Value) -> Answer {
        self.vapi(&tool_calls(caller, call, &[(id, name, arguments)])).await
    }

    /// The older form, without any call.
    pub async fn function(&self, name: &str, parameters: Value) -> Answer {
        self.vapi(&json!({ "message": { "type": "function-call", "functionCall": { "name": name, "parameters": parameters } } }))
            .await
    }

    /// Sends a form as Twilio does, signed for our public address.
    pub async fn twilio(&self, route: &str, form: &[(&str, &str)]) -> Answer {
        self.twilio_signed(route, form, AUTH_TOKEN).await
    }

    pub async fn twilio_signed(&self, route: &str, form: &[(&str, &str)], token: &str) -> Answer {
        let pairs: Vec<(String, String)> = form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let signature =
            twilio::signature::sign(&format!("{}{route}", self.setting("SERVER_URL").trim_end_matches('/')), &pairs, token);
        answer(self.http.post(format!("{}{route}", self.url)).header("X-Twilio-Signature", signature).form(&pairs)).await
    }

    /// The first webhook of an inbound call.
    pub async fn ring(&self, sid: &str) -> Answer {
        self.twilio("/twilio/inbound", &inbound(sid, CALLER)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.http.get(format!("{}{path}", self.url))).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.handle.stop(false));
            running.runtime.shutdown_background();
        }
    }
}

/// What Twilio says of a new call.
pub fn inbound<'a>(sid: &'a str, from: &'a str) -> [(&'a str, &'a str); 6] {
    [("CallSid", sid), ("From", from), ("To", CALLED), ("CallStatus", "ringing"), ("Direction", "inbound"), ("CalledCity", "")]
}

/// A `tool-calls` message in the nested shape.
pub fn tool_calls(caller: &str, call: &str, tools: &[(&str, &str, Value)]) -> Value {
    let list: Vec<Value> = tools
        .iter()
        .map(
            |(id, name, arguments)| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } }),
        )
        .collect();
    json!({ "message": {
        "type": "tool-calls",
        "timestamp": 1_728_393_715_369_u64,
        "toolCalls": list,
        "toolCallList": list,
        "call": { "id": call, "customer": { "number": caller } },
        "phoneNumber": { "number": CALLED },
        "artifact": { "messages": [{ "role": "system", "message": "Be brief." }] },
    }})
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.timeout(Duration::from_secs(30)).send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    Answer { status, content_type, body: response.text().await.unwrap() }
}
