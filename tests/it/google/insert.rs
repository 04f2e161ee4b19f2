//! Making an event, and every way in which that can end.

use std::sync::Arc;
use std::time::Duration;

use ringbook::calendar::{Fault, Inserted, NewEvent};
use serde_json::json;
use tokio::sync::Notify;

use super::scripted::{Answer, Server, error, token};
use super::{clock, echo, event_id, google, google_at, is_unknown, job, opened, place, settings_at};

/// What comes of an insert that is answered so.
async fn outcome_of(answer: Answer) -> Inserted {
    let (google, _server) = google(move |_| answer.clone()).await;
    google.insert(&place("sam@example.com"), &job()).await
}

#[tokio::test]
async fn an_insert_says_exactly_what_the_contract_says() {
    let (google, server) = google(|asked| Answer::Json(200, echo(asked))).await;
    let Inserted::Placed(event) = google.insert(&place("sam@example.com"), &job()).await else { panic!("not placed") };
    assert_eq!((event.id, event.booking, event.cancelled), (job().id, Some(job().booking), false));
    assert_eq!((event.span, event.etag.as_str()), (Some(job().span), "\"1\""));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/calendar/v3/calendars/sam%40example.com/events"));
    assert_eq!(asked.bearer, "token-1");
    assert!(!asked.query.contains_key("sendUpdates"));
    let expected = json!({
        "id": "abc123def456",
        "summary": "HVAC repair - Jo",
        "description": "Customer: Jo\nPhone: +15551230001",
        "location": "1 Main Street",
        "start": {"dateTime": "2026-12-01T14:00:00Z", "timeZone": "America/New_York"},
        "end": {"dateTime": "2026-12-01T16:00:00Z", "timeZone": "America/New_York"},
        "extendedProperties": {"private": {"bookingId": "0193a1b2c3d4e5f60718293a4b5c6d7e", "callId": "call-1", "business": "abc"}},
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn a_guest_is_told_and_an_absent_call_leaves_no_property() {
    let (google, server) = google(|asked| Answer::Json(200, echo(asked))).await;
    let event = NewEvent { invite: Some("jo@example.com".into()), call_id: String::new(), location: None, ..job() };
    assert!(matches!(google.insert(&place("sam@example.com"), &event).await, Inserted::Placed(_)));
    let asked = &server.asked()[0];
    assert_eq!(asked.query["sendUpdates"], "all");
    assert_eq!(asked.json()["attendees"], json!([{"email": "jo@example.com"}]));
    assert_eq!(asked.json().get("location"), None);
    assert_eq!(asked.json()["extendedProperties"]["private"].get("callId"), None);
}

#[tokio::test]
async fn a_taken_id_is_a_duplicate() {
    assert!(matches!(outcome_of(error(409, "duplicate")).await, Inserted::Duplicate));
}

#[tokio::test]
async fn a_rate_limit_did_nothing_and_passes() {
    for (status, reason) in
        [(403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (429, "rateLimitExceeded"), (429, "anything")]
    {
        let answer = outcome_of(error(status, reason)).await;
        let Inserted::NotSent(Fault::NotNow { cause, wait: Some(wait) }) = &answer else { panic!("{answer:?}") };
        assert_eq!(*cause, format!("{status} {reason}"));
        assert!((300..600).contains(&wait.as_millis()), "a pause of our own: {wait:?}");
    }
    let envelope = json!({"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}).to_string();
    let answer = outcome_of(Answer::Text(403, "Retry-After: 30\r\n", envelope)).await;
    let asked_for = Some(Duration::from_secs(30));
    assert!(matches!(answer, Inserted::NotSent(Fault::NotNow { wait, .. }) if wait == asked_for), "{answer:?}");
}

#[tokio::test]
async fn what_google_refuses_in_its_own_words_is_refused() {
    let refusals = [
        (400, "invalid"),
        (403, "quotaExceeded"),
        (429, "quotaExceeded"),
        (403, "forbidden"),
        (403, "insufficientPermissions"),
        (403, "forbiddenForServiceAccounts"),
        (403, "accessNotConfigured"),
        (404, "notFound"),
    ];
    for (status, reason) in refusals {
        let answer = outcome_of(error(status, reason)).await;
        assert!(matches!(&answer, Inserted::Refused(cause) if *cause == format!("{status} {reason}")), "{answer:?}");
    }
    let newer = json!({"error": {"code": 403, "message": "…", "status": "PERMISSION_DENIED"}});
    assert!(matches!(outcome_of(Answer::Json(403, newer)).await, Inserted::Refused(cause) if cause == "403 PERMISSION_DENIED"));
}

#[tokio::test]
async fn what_may_have_happened_is_unknown() {
    let html = |status| Answer::Text(status, "Content-Type: text/html\r\n", "<html>Sorry</html>".into());
    let whole = json!({"id": "abc123def456", "status": "confirmed"});
    let cases = [
        html(503),
        html(200),
        html(403),
        html(404),
        error(500, "backendError"),
        error(503, "backendError"),
        error(408, "timeout"),
        Answer::Json(403, json!({"error": "something else"})),
        Answer::Json(200, json!({})),
        Answer::Json(200, json!([])),
        Answer::Json(200, json!(null)),
        Answer::Text(200, "", String::new()),
        Answer::Text(302, "Location: /elsewhere\r\n", String::new()),
        Answer::Text(302, "Location: /elsewhere\r\n", "{}".into()),
        Answer::Truncated(whole),
        Answer::Reset,
        Answer::Silence,
    ];
    for (index, case) in cases.into_iter().enumerate() {
        let answer = outcome_of(case).await;
        assert!(is_unknown(&answer), "case {index}: {answer:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_nothing_is_sent_twice() {
    let (google, server) = google(|_| Answer::Text(307, "Location: /elsewhere\r\n", String::new())).await;
    google.insert(&place("sam@example.com"), &job()).await;
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_that_shows_something_else_is_unknown() {
    let changes = [
        ("/id", json!("anotherid")),
        ("/start/dateTime", json!("2026-12-01T14:30:00Z")),
        ("/end/dateTime", json!("2026-12-01T17:00:00Z")),
        ("/start", json!({"date": "2026-12-01"})),
        ("/status", json!("cancelled")),
    ];
    for (pointer, value) in changes {
        let (google, _server) = google(move |asked| {
            let mut event = echo(asked);
            *event.pointer_mut(pointer).unwrap() = value.clone();
            Answer::Json(200, event)
        })
        .await;
        let answer = google.insert(&place("sam@example.com"), &job()).await;
        assert!(is_unknown(&answer), "{pointer}: {answer:?}");
    }
}

#[tokio::test]
async fn another_offset_for_the_same_instant_is_as_asked() {
    let (google, _server) = google(|asked| {
        let mut event = echo(asked);
        event["start"]["dateTime"] = json!("2026-12-01T09:00:00-05:00");
        Answer::Json(200, event)
    })
    .await;
    assert!(matches!(google.insert(&place("sam@example.com"), &job()).await, Inserted::Placed(_)));
}

#[tokio::test]
async fn an_answer_longer_than_five_megabytes_is_unknown() {
    for (megabytes, readable) in [(4, true), (6, false)] {
        let (google, _server) = google(move |asked| {
            let mut event = echo(asked);
            event["htmlLink"] = json!("x".repeat(megabytes * 1024 * 1024));
            Answer::Json(200, event)
        })
        .await;
        let answer = google.insert(&place("sam@example.com"), &job()).await;
        assert_eq!(matches!(answer, Inserted::Placed(_)), readable);
        assert_eq!(is_unknown(&answer), !readable);
    }
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_sent() {
    let (_, server) = google(|_| Answer::Silence).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings_at(&server.url);
    settings.calendar_url = format!("http://{}/", closed.local_addr().unwrap()).parse().unwrap();
    drop(closed);
    let scoped = ringbook::config::Scoped::same(settings);
    let google = opened(&scoped, &["abc"], &clock()).await.unwrap();
    let answer = google.insert(&place("sam@example.com"), &job()).await;
    assert!(matches!(answer, Inserted::NotSent(_)), "{answer:?}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let html = Answer::Text(500, "Content-Type: text/html\r\n", "<html>".into());
    let missing = Answer::Json(200, json!({"expires_in": 3599}));
    let bell = Answer::Json(200, json!({"access_token": "to\u{7}ken", "expires_in": 3599}));
    let endless = Answer::Json(200, json!({"access_token": "token", "expires_in": i64::MAX}));
    for answer in
        [html, missing, bell, endless, Answer::Reset, Answer::Silence, Answer::Json(500, json!({"error": "internal_failure"}))]
    {
        let server = Server::with_tokens(move |_| answer.clone(), |asked| Answer::Json(200, echo(asked))).await;
        let outcome = google_at(&server, &clock()).await.insert(&place("sam@example.com"), &job()).await;
        assert!(matches!(outcome, Inserted::NotSent(_)), "{outcome:?}");
        assert_eq!(server.asked().len(), 0);
    }
}

#[tokio::test]
async fn an_account_that_google_turned_away_is_refused() {
    for (status, code) in [(400, "invalid_grant"), (401, "invalid_client"), (401, "deleted_client"), (401, "unauthorized_client")]
    {
        let answer = Answer::Json(status, json!({"error": code, "error_description": "secret words"}));
        let server = Server::with_tokens(move |_| answer.clone(), |asked| Answer::Json(200, echo(asked))).await;
        let outcome = google_at(&server, &clock()).await.insert(&place("sam@example.com"), &job()).await;
        let told = |cause: &str| cause.contains(code) && !cause.contains("secret");
        assert!(matches!(&outcome, Inserted::Refused(cause) if told(cause)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_insert_sent_once_more() {
    let (google, server) = google(|asked| match asked.bearer.as_str() {
        "token-1" => error(401, "authError"),
        _ => Answer::Json(200, echo(asked)),
    })
    .await;
    assert!(matches!(google.insert(&place("sam@example.com"), &job()).await, Inserted::Placed(_)));
    assert_eq!((server.asked().len(), server.minted()), (2, 2));
}

#[tokio::test]
async fn a_token_that_is_rejected_twice_is_refused() {
    let (google, server) = google(|_| error(401, "authError")).await;
    let answer = google.insert(&place("sam@example.com"), &job()).await;
    assert!(matches!(&answer, Inserted::Refused(cause) if cause == "401 authError"), "{answer:?}");
    assert_eq!((server.asked().len(), server.minted()), (2, 2));
}

#[tokio::test]
async fn an_insert_goes_on_when_its_caller_leaves() {
    let open = Arc::new(Notify::new());
    let gate = open.clone();
    let held = move |number| Answer::After(gate.clone(), Box::new(token(number)));
    let server = Server::with_tokens(held, |asked| Answer::Json(200, echo(asked))).await;
    let google = google_at(&server, &clock()).await;
    let caller = tokio::spawn(async move { google.insert(&place("sam@example.com"), &job()).await });
    server.until_minted(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    open.notify_one();
    server.until(|journal| journal.iter().any(|asked| asked.method == "POST" && asked.path.contains("/events"))).await;
}

#[tokio::test]
async fn strange_ids_stay_inside_the_path() {
    let (google, server) = google(|asked| Answer::Json(200, echo(asked))).await;
    let calendars = [
        ("en.usa#holiday@group.v.calendar.google.com", "en.usa%23holiday%40group.v.calendar.google.com"),
        ("../../../oauth2", "..%2F..%2F..%2Foauth2"),
        ("%2e%2e", "%252e%252e"),
        ("a?b&c", "a%3Fb%26c"),
    ];
    for (index, (calendar, segment)) in calendars.into_iter().enumerate() {
        assert!(matches!(google.insert(&place(calendar), &job()).await, Inserted::Placed(_)));
        assert_eq!(server.asked()[index].path, format!("/calendar/v3/calendars/{segment}/events"));
    }
    for calendar in [".", ".."] {
        assert!(matches!(google.insert(&place(calendar), &job()).await, Inserted::Refused(_)));
    }
    assert_eq!(server.asked().len(), calendars.len());
}

#[tokio::test]
async fn an_event_id_outside_the_alphabet_is_never_sent() {
    let (google, server) = google(|asked| Answer::Json(200, echo(asked))).await;
    for id in ["abcd", "ABCDEF", "abcdw", "abc-def", "abcde/../x", "abcde_2026", "abcde_20261201T1200Z", "%61bcde"] {
        let outcome = google.insert(&place("sam@example.com"), &NewEvent { id: event_id(id), ..job() }).await;
        assert!(matches!(outcome, Inserted::Refused(_)), "{id}: {outcome:?}");
        assert!(google.get(&place("sam@example.com"), &event_id(id)).await.is_err());
    }
    assert_eq!(server.asked().len(), 0);
    for id in ["abcde", "abcde_20261201", "0v1u2t_20261201T120000Z"] {
        let outcome = google.insert(&place("sam@example.com"), &NewEvent { id: event_id(id), ..job() }).await;
        assert!(matches!(outcome, Inserted::Placed(_)), "{id}: {outcome:?}");
    }
}
