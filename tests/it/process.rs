//! The built server as a process: it comes up, books, is told to end and loses nothing; wrong settings stop it at once.

use std::fs;
use std::path::Path;

use ringbook::clock::Clock;
use ringbook::config::{HmacPlan, ProofPlan};
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{Date, Duration};

use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::house::{Answer, CALLER, VAPI_SECRET, tool_calls};
use crate::program::{Program, err, free_port, out, run};

/// Open around the clock, so that no test depends on the day on which it runs.
const BUSINESS: &str = r#"
name = "ABC HVAC"
phone_numbers = ["+15551230000"]
time_zone = "America/New_York"
calendar_id = "jobs@abc.example"
[hours]
monday = ["00:00-24:00"]
tuesday = ["00:00-24:00"]
wednesday = ["00:00-24:00"]
thursday = ["00:00-24:00"]
friday = ["00:00-24:00"]
saturday = ["00:00-24:00"]
sunday = ["00:00-24:00"]
[[services]]
name = "repair"
duration_minutes = 120
"#;

/// A folder with one business, and the settings of a server that needs nothing from outside.
pub struct Site {
    folder: TempDir,
    url: String,
    settings: Vec<(String, String)>,
}

impl Site {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("businesses")).unwrap();
        fs::write(folder.path().join("businesses/abc-hvac.toml"), BUSINESS).unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let settings = [
            ("SERVER_URL", url.clone()),
            ("BIND", url.trim_start_matches("http://").to_owned()),
            ("BUSINESSES", "businesses".to_owned()),
            ("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32))),
            ("TWILIO_AUTH_TOKEN", "twilio-token".to_owned()),
            ("VAPI_CONNECT", "stream".to_owned()),
            ("VAPI_ASSISTANT_ID", "assistant-1".to_owned()),
            ("VAPI_WEBHOOK_SECRET", VAPI_SECRET.to_owned()),
            ("CALENDAR", "embedded".to_owned()),
        ];
        Self { folder, url, settings: settings.map(|(name, value)| (name.to_owned(), value)).to_vec() }
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    pub async fn serve(&self) -> Program {
        let mut program = Program::start(self.path(), &["serve"], &self.settings);
        program.is_up(&self.url).await;
        program
    }

    fn bookings(&self, arguments: &[&str]) -> Value {
        let output = run(self.path(), &[&["bookings", "--json"], arguments].concat(), &self.settings);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
        serde_json::from_str(&out(&output)).unwrap()
    }

    /// One tool call, signed with the machine's time, as the process checks it.
    pub async fn book(&self, program: &Program, call: &str, date: Date, time: &str) -> Answer {
        let arguments =
            json!({ "serviceType": "repair", "scheduledDate": format!("{date}T{time}"), "customerName": "Dana Miller" });
        self.tool(program, call, "bookAppointment", arguments).await
    }

    pub async fn tool(&self, program: &Program, call: &str, tool: &str, arguments: Value) -> Answer {
        let body = tool_calls(CALLER, call, &[("t1", tool, arguments)]);
        let plan = ProofPlan { secrets: vec![VAPI_SECRET.into()], hmac: HmacPlan::presets(), secret: true, bearer: false };
        let headers = sign(&plan, body.to_string().as_bytes(), Clock::System.now(), ProofChoice::Hmac);
        program.post(&format!("{}/webhook/vapi", self.url), &body, &headers).await
    }
}

/// Some days ahead, wherever the business is.
pub fn soon() -> Date {
    (Clock::System.now() + Duration::days(3)).date()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_booked_is_shown_to_scripts_while_the_server_runs_and_afterwards() {
    let site = Site::new();
    let (mut program, date) = (site.serve().await, soon());
    for (call, time) in [("call-1", "14:00"), ("call-2", "08:00")] {
        let answer = site.book(&program, call, date, time).await;
        assert!(answer.sentence().starts_with("You're booked for repair on"), "{answer:?}");
    }
    let day = date.to_string();
    let shown = site.bookings(&["--date", &day]);
    let rows = shown.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (row, (call, hour, ends)) in rows.iter().zip([("call-2", "08:00", "10:00"), ("call-1", "14:00", "16:00")]) {
        let fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "id",
            "business",
            "technician",
            "service",
            "start",
            "end",
            "status",
            "customer_name",
            "customer_phone",
            "confirmation_id",
            "event_id",
            "call_id",
        ];
        expected.sort_unstable();
        assert_eq!(fields, expected);
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        assert_eq!(["business", "service", "status"].map(text), ["abc-hvac", "repair", "confirmed"]);
        assert_eq!(["customer_name", "customer_phone", "call_id"].map(text), ["Dana Miller", CALLER, call]);
        for (field, time) in [("start", hour), ("end", ends)] {
            let begins = format!("{day}T{time}:00-0");
            assert!(text(field).starts_with(&begins), "local time with its offset: {}", text(field));
        }
        assert_eq!(text("confirmation_id").len(), 6);
        assert!(!text("id").is_empty() && !text("event_id").is_empty());
    }
    assert_eq!(site.bookings(&["--date", &day, "--business", "abc-hvac"]), shown);
    assert_eq!(site.bookings(&["--date", "2020-01-01"]), json!([]));
    program.terminate();
    assert_eq!(program.ended().await.code(), Some(0));
    assert_eq!(site.bookings(&["--date", &day]), shown);
    let unknown = run(site.path(), &["bookings", "--json", "--business", "nobody"], &site.settings);
    assert_eq!((unknown.status.code(), out(&unknown).as_str()), (Some(2), ""));
    assert!(err(&unknown).contains("nobody.toml"), "{}", err(&unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_under_way_is_finished_before_the_process_ends() {
    let google = FakeGoogle::start(Clock::System);
    google.add_calendar("jobs@abc.example", "America/New_York", &[SERVICE_ACCOUNT]);
    let site = Site::new()
        .set("CALENDAR", "google")
        .set("GOOGLE_CALENDAR_CREDENTIALS", "google.json")
        .set("GOOGLE_CALENDAR_URL", &google.calendar_url())
        .set("GOOGLE_TOKEN_URL", &google.token_url())
        .set("TOOL_REPLY_BUDGET_MS", "9000");
    fs::write(site.path().join("google.json"), google.service_account_json()).unwrap();
    let mut program = site.serve().await;
    let held = google.hold("events.insert");
    let end = async {
        held.reached(1).await;
        program.terminate();
        program.is_draining(&site.url).await;
        held.release();
    };
    let (answer, ()) = tokio::join!(site.book(&program, "call-1", soon(), "08:00"), end);
    assert!(answer.sentence().starts_with("You're booked for repair on"), "{answer:?}");
    assert_eq!(program.ended().await.code(), Some(0), "{}", program.last_words());
    let shown = site.bookings(&["--date", &soon().to_string()]);
    assert_eq!((shown[0]["status"].as_str(), shown.as_array().unwrap().len()), (Some("confirmed"), 1));
    let events = google.events("jobs@abc.example");
    assert_eq!((events.len(), events[0]["id"].clone()), (1, shown[0]["event_id"].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_nothing_to_do_ends_at_once() {
    let site = Site::new();
    let mut program = site.serve().await;
    program.terminate();
    assert_eq!(program.ended().await.code(), Some(0));
    let mut again = site.serve().await;
    again.terminate();
    assert_eq!(again.ended().await.code(), Some(0), "the same database and address again");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_the_settings_is_named_at_once_and_no_secret_is() {
    let site = Site::new()
        .set("SERVER_URL", "http://book.example.com")
        .set("BIND", "8080")
        .set("CONNECT_BUDGET_MS", "99999")
        .set("VAPI_CONNECT", "carrier-pigeon")
        .set("TWILIO_AUTH_TOKEN__NOBODY", "hidden-token")
        .set("TWILLIO_AUTH_TOKEN", "hidden-token");
    let output = run(site.path(), &["serve"], &site.settings);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
    let said = err(&output);
    for name in ["SERVER_URL", "BIND", "CONNECT_BUDGET_MS", "VAPI_CONNECT", "TWILIO_AUTH_TOKEN__NOBODY"] {
        assert!(said.lines().any(|line| line.starts_with(name)), "{name}: {said}");
    }
    assert!(!said.contains("hidden-token") && !said.contains(VAPI_SECRET), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_every_business_file_is_named_at_once() {
    let site = Site::new();
    let overlapping = BUSINESS.replace("monday = [\"00:00-24:00\"]", "monday = [\"08:00-12:00\", \"11:00-20:00\"]");
    let wrong = overlapping.replace("America/New_York", "America/Springfield").replace("[hours]", "[hourz]\nx = 1\n[hours]");
    fs::write(site.path().join("businesses/second.toml"), wrong).unwrap();
    fs::write(site.path().join("businesses/third.toml"), "name = ").unwrap();
    let output = run(site.path(), &["serve"], &site.settings);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
    let said = err(&output);
    for (file, what) in [("second.toml", "monday"), ("second.toml", "time_zone"), ("second.toml", "hourz"), ("third.toml", "")] {
        assert!(said.lines().any(|line| line.contains(file) && line.contains(what)), "{file} {what}: {said}");
    }
}
