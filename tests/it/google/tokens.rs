//! Access tokens: one refresh at a time, ahead of time, and never shown.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use futures_util::future::join_all;
use ringbook::calendar::Inserted;
use ringbook::calendar::google::Google;
use ringbook::config::Scoped;
use serde_json::{Value, json};
use time::macros::datetime;

use super::scripted::{Answer, Server, error, token};
use super::{clock, echo, google, google_at, job, opened, place, settings_at, slug, span};

const MINUTE: Duration = Duration::from_mins(1);

fn free() -> Answer {
    Answer::Json(200, json!({"calendars": {"sam": {"busy": []}}}))
}

async fn ask(google: &Google) -> bool {
    google.busy(&[place("sam")], span(), false).await[&place("sam")].is_ok()
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_least_scopes_and_for_the_user() {
    let (google, server) = google(|_| free()).await;
    assert!(ask(&google).await);
    let form: std::collections::HashMap<_, _> = form_urlencoded::parse(server.grants()[0].body.as_bytes()).into_owned().collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let claims = form["assertion"].split('.').nth(1).unwrap().trim_end_matches('=');
    let claims: Value =
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["sub"], "Owner@Example.com");
    assert_eq!(claims["aud"], json!(format!("{}token", server.url)));
    let scope = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.events.freebusy";
    assert_eq!(claims["scope"], scope);
}

#[tokio::test]
async fn fifty_callers_without_a_token_cause_one_refresh() {
    let (google, server) = google(|_| free()).await;
    let answers = join_all((0..50).map(|_| ask(&google))).await;
    assert!(answers.into_iter().all(|known| known));
    assert_eq!((server.minted(), server.asked().len()), (1, 50));
}

#[tokio::test]
async fn many_rejections_cause_one_refresh() {
    let revoked = Arc::new(AtomicBool::new(false));
    let revoke = revoked.clone();
    let (google, server) =
        google(
            move |asked| {
                if asked.bearer == "token-1" && revoked.load(Ordering::SeqCst) { error(401, "authError") } else { free() }
            },
        )
        .await;
    assert!(ask(&google).await);
    revoke.store(true, Ordering::SeqCst);
    let answers = join_all((0..25).map(|_| ask(&google))).await;
    assert!(answers.into_iter().all(|known| known));
    assert_eq!((server.minted(), server.asked().len()), (2, 51));
}

#[tokio::test]
async fn a_late_rejection_of_the_last_token_does_not_end_the_present_one() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let (open, mut calls) = (gate.clone(), 0);
    let (google, server) = google(move |asked| {
        calls += 1;
        match (calls, asked.bearer.as_str()) {
            (1, _) => Answer::After(gate.clone(), Box::new(error(401, "authError"))),
            (_, "token-1") => error(401, "authError"),
            _ => free(),
        }
    })
    .await;
    let slow = google.clone();
    let slow = tokio::spawn(async move { ask(&slow).await });
    server.until(|journal| journal.iter().any(|asked| asked.bearer == "token-1")).await;
    assert!(ask(&google).await);
    open.notify_one();
    assert!(slow.await.unwrap());
    assert_eq!((server.minted(), server.asked().len()), (2, 4));
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_five_minutes_before_its_end() {
    let (clock, minted_at) = (clock(), Arc::new(Mutex::new(Vec::new())));
    let (now, times) = (clock.clone(), minted_at.clone());
    let tokens = move |number| {
        times.lock().unwrap().push(now.now());
        token(number)
    };
    let server = Server::with_tokens(tokens, |_| free()).await;
    let google = google_at(&server, &clock).await;
    let keeper = tokio::spawn(google.clone().keep_fresh(std::iter::empty));
    server.until_minted(1).await;
    clock.advance(54 * MINUTE);
    assert!(ask(&google).await);
    clock.advance(MINUTE);
    server.until_minted(2).await;
    assert_eq!(*minted_at.lock().unwrap(), [datetime!(2026-12-01 08:00 UTC), datetime!(2026-12-01 08:55 UTC)]);
    keeper.abort();
}

#[tokio::test]
async fn a_valid_token_is_used_at_once_while_the_next_one_is_awaited() {
    let clock = clock();
    let server = Server::with_tokens(|number| if number == 1 { token(1) } else { Answer::Silence }, |_| free()).await;
    let google = google_at(&server, &clock).await;
    assert!(ask(&google).await);
    clock.advance(59 * MINUTE);
    assert!(ask(&google).await);
    server.until_minted(2).await;
    assert!(ask(&google).await);
    assert!(server.asked().iter().all(|asked| asked.bearer == "token-1"));
    assert_eq!((server.asked().len(), server.minted()), (3, 2), "the refresh that runs is joined, not repeated");
}

#[tokio::test]
async fn an_expired_token_is_not_used() {
    let (clock, server) = (clock(), Server::start(|_| free()).await);
    let google = google_at(&server, &clock).await;
    assert!(ask(&google).await);
    clock.advance(60 * MINUTE);
    assert!(ask(&google).await);
    assert_eq!(server.asked()[1].bearer, "token-2");
}

#[tokio::test]
async fn a_failed_background_refresh_leaves_the_valid_token_in_use() {
    let clock = clock();
    let server = Server::with_tokens(|number| if number == 1 { token(1) } else { error(500, "x") }, |_| free()).await;
    let google = google_at(&server, &clock).await;
    assert!(ask(&google).await);
    clock.advance(56 * MINUTE);
    let keeper = tokio::spawn(google.clone().keep_fresh(std::iter::empty));
    server.until_minted(2).await;
    assert!(ask(&google).await);
    assert_eq!(server.asked()[1].bearer, "token-1");
    server.until_minted(3).await;
    keeper.abort();
}

#[tokio::test]
async fn a_token_that_does_not_say_its_life_lasts_an_hour_at_most() {
    for answer in [json!({"access_token": "t"}), json!({"access_token": "t", "expires_in": 999_999})] {
        let clock = clock();
        let server = Server::with_tokens(move |_| Answer::Json(200, answer.clone()), |_| free()).await;
        let google = google_at(&server, &clock).await;
        assert!(ask(&google).await);
        clock.advance(54 * MINUTE);
        assert!(ask(&google).await);
        assert_eq!(server.minted(), 1);
        clock.advance(7 * MINUTE);
        assert!(ask(&google).await);
        assert_eq!(server.minted(), 2);
    }
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_take_the_refresh_along() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let open = gate.clone();
    let server = Server::with_tokens(move |number| Answer::After(gate.clone(), Box::new(token(number))), |_| free()).await;
    let google = google_at(&server, &clock()).await;
    let (leaving, staying) = (google.clone(), google.clone());
    let leaving = tokio::spawn(async move { ask(&leaving).await });
    server.until_minted(1).await;
    let staying = tokio::spawn(async move { ask(&staying).await });
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    open.notify_one();
    assert!(staying.await.unwrap());
    assert_eq!(server.minted(), 1);
}

#[tokio::test]
async fn a_business_with_settings_of_its_own_has_its_own_tokens() {
    let (everyone, own) = (Server::start(|_| free()).await, Server::start(|_| free()).await);
    let mut settings = settings_at(&own.url);
    settings.impersonate = None;
    let scoped = Scoped::same(settings_at(&everyone.url)).with_own(slug("own"), settings);
    let google = opened(&scoped, &["abc", "own"], &clock()).await.unwrap();
    let elsewhere = ringbook::calendar::Place { business: slug("own"), ..place("sam") };
    let busy = google.busy(&[place("sam"), elsewhere.clone()], span(), false).await;
    assert!(busy.len() == 2 && busy.values().all(Result::is_ok));
    assert_eq!((everyone.asked().len(), own.asked().len(), everyone.minted(), own.minted()), (1, 1, 1, 1));
    let primary = ringbook::calendar::Place { calendar: place("primary").calendar, ..elsewhere };
    assert_eq!(google.claim_key(&primary), "google:front-desk@ringbook-test.iam.gserviceaccount.com");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failure_is_logged_with_code_and_reason_and_no_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (google, _server) = google(|asked| {
        if asked.path.ends_with("/freeBusy") {
            Answer::Text(503, "Set-Cookie: crumbs\r\n", "<html>Sorry".into())
        } else {
            error(403, "forbidden")
        }
    })
    .await;
    assert!(!ask(&google).await);
    assert!(matches!(google.insert(&place("sam"), &job()).await, Inserted::Refused(_)));
    drop(guard);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let fields: Vec<Value> = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone()).collect();
    let failed: Vec<_> = fields.iter().filter(|fields| fields.get("google.method").is_some()).collect();
    assert_eq!(failed.len(), 2, "{log}");
    assert_eq!((&failed[0]["google.method"], &failed[0]["google.status"]), (&json!("freebusy.query"), &json!(503)));
    assert_eq!((&failed[1]["google.method"], &failed[1]["google.status"]), (&json!("events.insert"), &json!(403)));
    assert_eq!((&failed[1]["google.reason"], &failed[1]["business"]), (&json!("forbidden"), &json!("abc")));
    assert!(failed[1]["duration_ms"].is_u64());
    for secret in ["token-1", "crumbs", "Sorry", "PRIVATE KEY"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn neither_token_nor_key_is_shown() {
    let (google, _server) = google(|asked| Answer::Json(200, echo(asked))).await;
    assert!(matches!(google.insert(&place("sam"), &job()).await, Inserted::Placed(_)));
    let shown = format!("{google:?} {google:#?}");
    assert!(shown.contains("ow…@…"), "{shown}");
    assert!(!shown.contains("owner@example.com") && !shown.contains("token-1") && !shown.contains("PRIVATE"), "{shown}");
}
