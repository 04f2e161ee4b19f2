//! The doctor at Google, run as a person runs it: it finds what would keep a booking from working, says how to mend it, and
//! leaves nothing behind.

use std::fs;

use ringbook::clock::Clock;
use ringbook::names::{CalendarId, Slug};
use ringbook::store::Store;
use ringbook::store::accounts::NewAccount;
use ringbook::vault::Purpose;
use serde_json::Value;
use tempfile::TempDir;

use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::house::{ALEX, BUSINESS, SAM, SLUG};
use crate::owners::{CLIENT, CLIENT_SECRET, KEY, OWNER, SCOPES, known_to, vault, without_calendars};
use crate::program::{err, out, run};
use crate::redis_server::RedisServer;

const NOBODY: &str = "http://127.0.0.1:9";

/// What the doctor needs to look at.
struct Patient {
    folder: TempDir,
    google: FakeGoogle,
    settings: Vec<(String, String)>,
}

impl Patient {
    fn new(business: &str, more: &[(&str, &str)]) -> Self {
        let (folder, google) = (tempfile::tempdir().unwrap(), FakeGoogle::start(Clock::System));
        for calendar in [SAM, ALEX] {
            google.add_calendar(calendar, "America/New_York", &[SERVICE_ACCOUNT]);
        }
        known_to(&google);
        fs::create_dir(folder.path().join("businesses")).unwrap();
        fs::write(folder.path().join("businesses/abc-hvac.toml"), business).unwrap();
        fs::write(folder.path().join("google.json"), google.service_account_json()).unwrap();
        let mut settings: Vec<(String, String)> = [
            // Nobody is there: this is about Google alone.
            ("SERVER_URL", NOBODY.to_owned()),
            ("TWILIO_API_URL", NOBODY.to_owned()),
            ("VAPI_API_URL", NOBODY.to_owned()),
            ("BUSINESSES", "businesses".to_owned()),
            ("TWILIO_ACCOUNT_SID", format!("AC{}", "0".repeat(32))),
            ("TWILIO_AUTH_TOKEN", "twilio-token".to_owned()),
            ("VAPI_CONNECT", "stream".to_owned()),
            ("VAPI_ASSISTANT_ID", "assistant-1".to_owned()),
            ("VAPI_WEBHOOK_SECRET", "vapi-secret".to_owned()),
            ("GOOGLE_CALENDAR_URL", google.calendar_url()),
            ("GOOGLE_TOKEN_URL", google.token_url()),
            ("GOOGLE_REVOKE_URL", google.revoke_url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { folder, google, settings }
    }

    /// With a service account.
    fn served() -> Self {
        Self::new(BUSINESS, &[("GOOGLE_CALENDAR_CREDENTIALS", "google.json")])
    }

    /// With an OAuth client, and nobody who has connected yet.
    fn unconnected() -> Self {
        let client = [("GOOGLE_CLIENT_ID", CLIENT), ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET), ("ENCRYPTION_KEY", KEY)];
        Self::new(&without_calendars(BUSINESS), &client)
    }

    /// The owner agreed so long ago, to these scopes, and chose both calendars.
    async fn connected(self, ago: time::Duration, scopes: &[&str]) -> Self {
        let store = Store::open(&format!("sqlite://{}", self.folder.path().join("ringbook.db").display())).await.unwrap();
        let business = Slug::parse(SLUG).unwrap();
        let token = self.google.grant(CLIENT, OWNER, scopes);
        let account = NewAccount {
            business: business.clone(),
            address: OWNER.into(),
            refresh_token: vault().seal(Purpose::RefreshToken, &business, &token.into()).unwrap(),
            scopes: scopes.iter().map(|end| format!("https://www.googleapis.com/auth/{end}")).collect::<Vec<_>>().join(" "),
            ends_at: None,
        };
        store.connect_account(&account, Clock::System.now() - ago).await.unwrap();
        let chosen = [("sam", SAM), ("alex", ALEX)].map(|(who, id)| (who.to_owned(), CalendarId::parse(id).unwrap()));
        store.choose_calendars(&business, chosen.to_vec()).await.unwrap();
        store.close().await;
        self
    }

    /// Whether anything of Google's or what is remembered of it is wrong, as an exit code has it, and the findings about it.
    fn seen(&self) -> (Option<i32>, Vec<Value>) {
        let output = run(self.folder.path(), &["check", "--json"], &self.settings);
        let findings: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|error| panic!("{error}: {}", err(&output)));
        let of_google = |finding: &&Value| {
            let id = finding["id"].as_str().unwrap();
            ["google", "calendar", "redis"].iter().any(|counterpart| id.starts_with(counterpart))
        };
        let findings: Vec<Value> = findings.as_array().unwrap().iter().filter(of_google).cloned().collect();
        (Some(i32::from(findings.iter().any(|finding| finding["state"] == "wrong"))), findings)
    }

    /// What is not as it should be: state and text, and that each wrong thing can be mended.
    fn complaints(&self) -> (Option<i32>, Vec<String>) {
        let (code, findings) = self.seen();
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let complaints = findings.iter().filter(|finding| finding["state"] != "ok");
        let complaints = complaints.map(|finding| {
            assert!(finding["state"] == "warning" || !text(finding, "mend").is_empty(), "{finding}");
            format!("{}: {} -> {}", text(finding, "state"), text(finding, "text"), text(finding, "mend"))
        });
        (code, complaints.collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_calendars_are_sound_and_nothing_is_left_behind() {
    let patient = Patient::served();
    assert_eq!(patient.complaints(), (Some(0), vec![]));
    assert_eq!([SAM, ALEX].map(|calendar| patient.google.events(calendar).len()), [0, 0]);
    assert_eq!(patient.google.count("events.insert"), 2, "both were tried");
    let shown = out(&run(patient.folder.path(), &["check", "--business", SLUG], &patient.settings));
    assert!(shown.lines().any(|line| line.starts_with("ok ") && line.contains(SAM)), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_not_shared_or_cannot_be_written_is_wrong() {
    let patient = Patient::served();
    patient.google.unshare(SAM, SERVICE_ACCOUNT);
    patient.google.share(ALEX, SERVICE_ACCOUNT, crate::fakes::google_access::Role::Reader);
    let (code, complaints) = patient.complaints();
    assert_eq!((code, complaints.len()), (Some(1), 2), "{complaints:?}");
    assert!(
        complaints[0].starts_with("wrong: sam@abc.example: ") && complaints[0].contains("share the calendar"),
        "{complaints:?}"
    );
    assert!(complaints[1].starts_with("wrong: alex@abc.example can be read, but not written"), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_in_another_zone_is_pointed_out() {
    let business = BUSINESS.replace("America/New_York", "America/Chicago");
    let (code, complaints) = Patient::new(&business, &[("GOOGLE_CALENDAR_CREDENTIALS", "google.json")]).complaints();
    assert_eq!((code, complaints.len()), (Some(0), 2), "{complaints:?}");
    assert!(
        complaints.iter().all(|text| text.contains("America/New_York") && text.contains("America/Chicago")),
        "{complaints:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_until_an_owner_connects_is_said_with_the_command_that_helps() {
    let (code, complaints) = Patient::unconnected().complaints();
    assert_eq!((code, complaints.len()), (Some(1), 2), "{complaints:?}");
    assert!(complaints.iter().all(|text| text.contains("ringbook google login abc-hvac")), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_account_is_looked_at_closely() {
    let old = Patient::unconnected().connected(time::Duration::days(30), &SCOPES).await;
    let (code, findings) = old.seen();
    assert!(code == Some(0) && findings.iter().all(|finding| finding["state"] == "ok"), "{findings:?}");
    let told = serde_json::to_string(&findings).unwrap();
    for part in ["http://127.0.0.1:9/oauth/callback", "1 connected; Google admits 100", "connected on "] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let young = Patient::unconnected().connected(time::Duration::days(2), &SCOPES).await;
    let (code, complaints) = young.complaints();
    assert_eq!((code, complaints.len()), (Some(0), 1), "{complaints:?}");
    assert!(complaints[0].contains("Testing") && complaints[0].contains("seven days"), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_a_lost_account_and_a_wrong_client_are_wrong() {
    let less = Patient::unconnected().connected(time::Duration::days(30), &SCOPES[..1]).await;
    let (code, complaints) = less.complaints();
    assert!(code == Some(1) && complaints.iter().any(|text| text.contains("calendar.events.freebusy")), "{complaints:?}");

    let lost = Patient::unconnected().connected(time::Duration::days(30), &SCOPES).await;
    lost.google.revoke_by_user(OWNER);
    let (code, complaints) = lost.complaints();
    assert!(code == Some(1) && complaints.iter().any(|text| text.contains("needs_reconnect")), "{complaints:?}");
    let (_, again) = lost.complaints();
    assert!(again.iter().any(|text| text.contains("Google no longer accepts it (invalid_grant), since")), "{again:?}");

    let wrong = Patient::unconnected().connected(time::Duration::days(30), &SCOPES).await;
    wrong.google.change_client_secret(CLIENT, "another");
    let (code, complaints) = wrong.complaints();
    assert!(code == Some(1) && complaints.iter().any(|text| text.contains("invalid_client")), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_cannot_be_reached_is_a_warning_and_its_password_is_not_shown() {
    let mut patient = Patient::served();
    let redis = RedisServer::start();
    patient.settings.push(("REDIS_URL".into(), redis.url()));
    assert_eq!(patient.complaints(), (Some(0), vec![]));
    redis.kill();
    let (_, address) = patient.settings.last_mut().unwrap();
    *address = address.replace("redis://", "redis://user:hidden-word@");
    let (code, complaints) = patient.complaints();
    assert_eq!((code, complaints.len()), (Some(0), 1), "{complaints:?}");
    let shown = redis.url();
    assert!(complaints[0].starts_with(&format!("warning: {shown} cannot be used: ")), "{complaints:?}");
    let output = run(patient.folder.path(), &["check"], &patient.settings);
    assert!(!out(&output).contains("hidden-word") && !err(&output).contains("hidden-word"), "{output:?}");
}

#[test]
fn an_unknown_business_is_bad_usage() {
    let patient = Patient::served();
    let output = run(patient.folder.path(), &["check", "--business", "nobody"], &patient.settings);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("nobody.toml"), "{}", err(&output));
}
