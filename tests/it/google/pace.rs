//! How fast an account is asked: its quota, the pauses that Google asks for, and the peace it gets while Google fails.

use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use ringbook::calendar::{Fault, Inserted};
use ringbook::clock::Stopwatch;
use ringbook::config::Scoped;
use ringbook::scheduling::busy::Span;
use serde_json::json;
use time::macros::datetime;
use tokio::net::{TcpListener, TcpStream};

use super::scripted::{Answer, error};
use super::{clock, echo, google, job, opened, place, settings_at, span};
use ringbook::calendar::google::Google;
use ringbook::calendar::google::retry_after::{LONGEST, read};

fn free() -> Answer {
    Answer::Json(200, json!({"calendars": {"sam": {"busy": []}}}))
}

async fn ask(google: &Google) -> Result<Vec<Span>, Fault> {
    google.busy(&[place("sam")], span(), false).await.remove(&place("sam")).unwrap()
}

/// What Google's answer means, and the pause that it asks for.
async fn pause_after(answer: Answer) -> Option<Duration> {
    let (google, _server) = google(move |_| answer.clone()).await;
    match ask(&google).await {
        Err(Fault::NotNow { wait, .. }) => wait,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn past_the_burst_calls_wait_their_turn_and_what_would_wait_too_long_is_not_sent() {
    let (google, server) =
        google(|asked| if asked.path.ends_with("/freeBusy") { free() } else { Answer::Json(200, echo(asked)) }).await;
    ask(&google).await.unwrap();
    let watch = Stopwatch::start();
    let answers = join_all((0..150).map(|_| ask(&google))).await;
    let inserted = google.insert(&place("sam"), &job()).await;
    let most = 60.0 + 1.0 + watch.elapsed().as_secs_f64() * 520.0 / 60.0;
    let (known, held): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(known.len() >= 60 && !held.is_empty(), "{} known, {} held back", known.len(), held.len());
    for fault in held {
        assert!(matches!(&fault, Err(Fault::NotNow { cause, wait: None }) if cause.contains("too many")), "{fault:?}");
    }
    let sent = server.asked().len();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let as_allowed = sent as f64 <= most;
    assert!(as_allowed, "{sent} sent, {most} allowed");
    let placed = usize::from(matches!(inserted, Inserted::Placed(_)));
    assert!(placed == 1 || matches!(inserted, Inserted::NotSent(_)), "{inserted:?}");
    assert_eq!(sent, 1 + known.len() + placed, "what is held back is never sent");
}

#[tokio::test]
async fn those_who_wait_go_before_what_is_done_in_the_background() {
    let (google, server) = google(|asked| {
        let unchanged = json!({"timeZone": "America/New_York", "items": [], "nextSyncToken": "1"});
        if asked.path.ends_with("/freeBusy") { free() } else { Answer::Json(200, unchanged) }
    })
    .await;
    let at = place("sam");
    let reading = join_all((0..100).map(|_| google.changes(&at, Some("0"))));
    let callers = async {
        server.until(|journal| journal.iter().filter(|asked| asked.method == "GET").count() >= 30).await;
        join_all((0..25).map(|_| ask(&google))).await
    };
    tokio::select! {
        _ = reading => panic!("a hundred readings at once"),
        answers = callers => assert!(answers.iter().all(Result::is_ok), "{answers:?}"),
    }
}

#[tokio::test]
async fn an_account_that_only_fails_is_left_in_peace() {
    let html = |status| Answer::Text(status, "Content-Type: text/html\r\n", "<html>".into());
    for broken in [html(503), error(500, "backendError"), error(408, "timeout"), Answer::Reset] {
        let (google, server) = google(move |_| broken.clone()).await;
        let failed = join_all((0..21).map(|_| ask(&google))).await;
        assert!(failed.iter().all(|answer| matches!(answer, Err(Fault::Unknown(_)))), "{failed:?}");
        let sent = server.asked().len();
        for _ in 0..3 {
            let answer = ask(&google).await;
            assert!(matches!(&answer, Err(Fault::NotNow { cause, wait: None }) if cause.contains("in peace")), "{answer:?}");
            let inserted = google.insert(&place("sam"), &job()).await;
            assert!(matches!(inserted, Inserted::NotSent(_)), "{inserted:?}");
        }
        assert_eq!(server.asked().len(), sent);
    }
}

#[tokio::test]
async fn refusals_are_answers_and_so_is_every_fourth_success() {
    for refused in [error(404, "notFound"), error(403, "forbidden"), error(403, "rateLimitExceeded"), error(403, "quotaExceeded")]
    {
        let (google, server) = google(move |_| refused.clone()).await;
        for asked in 1..=30 {
            assert!(ask(&google).await.is_err());
            assert_eq!(server.asked().len(), asked);
        }
    }
    let mut number = 0;
    let (google, server) = google(move |_| {
        number += 1;
        if number % 4 == 0 { free() } else { error(500, "backendError") }
    })
    .await;
    for asked in 1..=48 {
        assert_eq!((ask(&google).await.is_ok(), server.asked().len()), (asked % 4 == 0, asked));
    }
}

#[tokio::test]
async fn the_pause_is_the_one_that_google_asks_for_and_otherwise_short() {
    let limited = |headers: &'static str| {
        let envelope = json!({"error": {"code": 429, "errors": [{"reason": "userRateLimitExceeded"}]}}).to_string();
        pause_after(Answer::Text(429, headers, envelope))
    };
    assert_eq!(limited("Retry-After: 7\r\n").await, Some(Duration::from_secs(7)));
    // The clock stands at 8 o'clock.
    assert_eq!(limited("Retry-After: Tue, 01 Dec 2026 08:00:09 GMT\r\n").await, Some(Duration::from_secs(9)));
    assert_eq!(limited("Retry-After: 99999999999999999999999\r\n").await, Some(LONGEST));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let pause = limited("Retry-After: soon\r\n").await.unwrap();
        assert!((300..600).contains(&pause.as_millis()), "{pause:?}");
        pauses.push(pause);
    }
    assert!(pauses.iter().any(|pause| *pause != pauses[0]), "all come back together: {pauses:?}");
    let html = Answer::Text(503, "Content-Type: text/html\r\nRetry-After: 2\r\n", "<html>".into());
    assert_eq!(pause_after(html.clone()).await, Some(Duration::from_secs(2)));
    let (google, _server) = google(move |_| html.clone()).await;
    let inserted = google.insert(&place("sam"), &job()).await;
    let asked_for = Some(Duration::from_secs(2));
    assert!(matches!(inserted, Inserted::Unknown(Fault::NotNow { wait, .. }) if wait == asked_for), "{inserted:?}");
}

#[tokio::test]
async fn lasting_refusals_ask_for_no_pause() {
    for reason in [
        "quotaExceeded",
        "dailyLimitExceeded",
        "insufficientPermissions",
        "accessNotConfigured",
        "forbidden",
        "forbiddenForServiceAccounts",
    ] {
        let envelope = json!({"error": {"code": 403, "errors": [{"reason": reason}]}}).to_string();
        let (google, _server) = google(move |_| Answer::Text(403, "Retry-After: 1\r\n", envelope.clone())).await;
        let answer = ask(&google).await;
        assert!(matches!(&answer, Err(Fault::Refused(cause)) if cause.contains(reason)), "{answer:?}");
    }
}

#[test]
fn a_pause_is_seconds_or_a_date_and_never_absurd() {
    let now = datetime!(2026-12-01 08:00 UTC);
    for (value, seconds) in [
        ("0", Some(0)),
        (" 3 ", Some(3)),
        ("Tue, 01 Dec 2026 08:01:00 GMT", Some(60)),
        ("Tue, 01 Dec 2026 07:59:00 GMT", Some(0)),
        ("Wed, 01 Dec 2027 08:01:00 GMT", Some(3600)),
        ("86400", Some(3600)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Tue, 99 Dec 2026 08:01:00 GMT", None),
    ] {
        assert_eq!(read(value, now), seconds.map(Duration::from_secs), "{value:?}");
    }
}

proptest! {
    #[test]
    fn no_header_makes_us_wait_longer_than_an_hour(value in "[0-9A-Za-z,: +.-]{0,40}|[0-9]{1,30}") {
        let pause = read(&value, datetime!(2026-12-01 08:00 UTC));
        prop_assert!(pause.is_none_or(|pause| pause <= LONGEST));
    }
}

#[tokio::test]
async fn a_host_that_takes_no_connection_is_given_up_in_time_and_certainly_not_sent() {
    let (_, server) = google(|_| Answer::Silence).await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = deaf.local_addr().unwrap();
    // Nobody accepts: once the queue is full, the next connection gets no answer at all.
    let mut queued = Vec::new();
    while let Ok(connected) = tokio::time::timeout(Duration::from_millis(250), TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    let mut settings = settings_at(&server.url);
    settings.calendar_url = format!("http://{address}/").parse().unwrap();
    let google = opened(&Scoped::same(settings), &["abc"], &clock()).await.unwrap();
    let watch = Stopwatch::start();
    let inserted = google.insert(&place("sam"), &job()).await;
    assert!(matches!(inserted, Inserted::NotSent(_)), "{inserted:?}");
    assert!(watch.elapsed() < Duration::from_secs(3), "{:?}", watch.elapsed());
}
