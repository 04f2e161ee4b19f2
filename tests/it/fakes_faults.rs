//! Faults on demand, shown on the fake Google: each kind, before and after the commit, as a client sees it.

use std::error::Error as _;
use std::time::Duration;

use ringbook::clock::Stopwatch;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::google::FakeGoogle;
use crate::fakes::stage::{EVERY, Gate};
use crate::fakes_google::{Desk, SAM, answer, morning, reason};

const EVENTS: &str = "calendars/sam%40example.com/events";

fn inserting(desk: &Desk) -> reqwest::RequestBuilder {
    desk.request("POST", EVENTS).json(&morning("abcde"))
}

fn committed(desk: &Desk) -> usize {
    desk.google.events(SAM).len()
}

/// Whether the cause of a failed request, at any depth, is a reset or closed connection.
fn is_broken(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string().to_lowercase();
        if ["reset", "broken pipe", "closed before message completed"].iter().any(|broken| text.contains(broken)) {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scripted_status_strikes_once_in_googles_shape_and_commits_nothing() {
    let desk = Desk::open();
    for (code, reason_) in [(403, "rateLimitExceeded"), (429, "rateLimitExceeded"), (403, "quotaExceeded"), (500, "backendError")]
    {
        desk.google.fault("events.insert", Fault::status(code, reason_));
        let (status, body) = answer(inserting(&desk)).await;
        assert_eq!((status, reason(&body), &body["error"]["code"]), (code, reason_, &json!(code)));
    }
    assert_eq!(committed(&desk), 0);
    assert_eq!(answer(inserting(&desk)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_and_html_come_as_scripted() {
    let desk = Desk::open();
    desk.google
        .fault("events.insert", Fault::Status { code: 429, reason: "rateLimitExceeded", retry_after: Some(60), html: false });
    let refused = inserting(&desk).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "60"));
    desk.google.fault("events.insert", Fault::Status { code: 503, reason: "", retry_after: None, html: true });
    let page = inserting(&desk).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers().get("retry-after")), (503, None));
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(committed(&desk), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_after_commit_leaves_the_event_behind() {
    let desk = Desk::open();
    desk.google.fault("events.insert", Fault::status_after_commit(500, "backendError"));
    let (status, body) = answer(inserting(&desk)).await;
    assert_eq!((status, reason(&body), committed(&desk)), (500, "backendError", 1));
    desk.google.fault("events.insert", Fault::StatusAfterCommit { code: 503, reason: "", retry_after: Some(1), html: true });
    let page = inserting(&desk).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    let outcomes: Vec<_> = desk.google.requests_of("events.insert").iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [Some(200), Some(409)], "the journal tells the work's outcome, not what was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_breaks_the_connection_before_any_answer() {
    let desk = Desk::open();
    for (fault, events) in [(Fault::ResetBeforeCommit, 0), (Fault::ResetAfterCommit, 1)] {
        desk.google.fault("events.insert", fault);
        let error = inserting(&desk).send().await.expect_err("no answer");
        assert!(is_broken(&error), "{error:?}");
        assert!(!error.is_connect());
        assert_eq!(committed(&desk), events);
    }
    assert_eq!(answer(inserting(&desk)).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_answer_has_its_status_and_half_of_its_body() {
    let desk = Desk::open();
    desk.google.fault("events.insert", Fault::TruncatedAfterCommit);
    let mut response = inserting(&desk).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let promised: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let mut arrived = 0;
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => arrived += chunk.len(),
            end => break end,
        }
    };
    assert!(end.is_err(), "the body ends early");
    assert_eq!(arrived, promised / 2);
    assert_eq!(committed(&desk), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_never_answers_and_commits_or_not_as_told() {
    let desk = Desk::open();
    desk.google.fault("events.insert", Fault::HangBeforeCommit);
    let never = tokio::spawn(inserting(&desk).send());
    desk.google.wait_for("events.insert", 1).await;
    desk.google.fault("events.insert", Fault::HangAfterCommit);
    let committing = tokio::spawn(inserting(&desk).send());
    desk.google.wait_for_done("events.insert", 1).await;
    assert_eq!(desk.google.requests()[0].outcome, None, "the first was never done");
    assert_eq!(committed(&desk), 1);
    // Later requests are answered, these two are not.
    assert_eq!(answer(inserting(&desk)).await.0, 409);
    assert!(!never.is_finished() && !committing.is_finished());
    never.abort();
    committing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_commit_happens_although_the_client_has_gone() {
    let desk = Desk::open();
    let gate = Gate::new();
    desk.google.fault("events.insert", Fault::GateBeforeCommit(gate.clone()));
    let client = tokio::spawn(inserting(&desk).send());
    gate.reached(1).await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    assert_eq!(committed(&desk), 0);
    gate.release();
    desk.google.wait_for_done("events.insert", 1).await;
    assert_eq!(committed(&desk), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_held_after_its_commit() {
    let desk = Desk::open();
    let held = desk.google.hold_after("events.insert");
    let (answered, ()) = tokio::join!(answer(inserting(&desk)), async {
        held.reached(1).await;
        assert_eq!(committed(&desk), 1);
        held.release();
    });
    assert_eq!(answered.0, 200);
    let gate = Gate::new();
    desk.google.fault("events.get", Fault::GateAfterCommit(gate.clone()));
    let ((one, other), ()) = tokio::join!(
        async {
            let get = || answer(desk.request("GET", &format!("{EVENTS}/abcde")));
            let one = get();
            // The second get is not held: a gate in a fault holds one request.
            let other = async {
                gate.reached(1).await;
                let other = get().await;
                gate.release();
                other
            };
            tokio::join!(one, other)
        },
        gate.reached(1)
    );
    assert_eq!((one.0, other.0), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_can_be_held_at_once() {
    let desk = Desk::open();
    let held = desk.google.hold(EVERY);
    let (one, other, ()) = tokio::join!(answer(inserting(&desk)), answer(desk.request("GET", "users/me/calendarList")), async {
        held.reached(2).await;
        assert_eq!((committed(&desk), desk.google.requests().len()), (0, 2));
        held.release();
    });
    assert_eq!((one.0, other.0), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn delays_and_latency_take_real_time() {
    let desk = Desk::open();
    let each = Duration::from_millis(60);
    desk.google.latency(each);
    desk.google.fault("events.insert", Fault::DelayBeforeCommit(each));
    desk.google.fault("events.get", Fault::DelayAfterCommit(each));
    let watch = Stopwatch::start();
    assert_eq!(answer(inserting(&desk)).await.0, 200);
    assert_eq!(answer(desk.request("GET", &format!("{EVENTS}/abcde"))).await.0, 200);
    assert!(watch.elapsed() >= 4 * each);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_200_can_be_a_page_empty_huge_or_about_another_event() {
    let desk = Desk::open();
    let sent = async |fault| {
        desk.google.fault("events.insert", fault);
        let response = inserting(&desk).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap())
    };
    let (status, body) = sent(Fault::wrong_event()).await;
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (status, &event["id"], &event["start"]["dateTime"]),
        (200, &json!("anotherevent00"), &json!("2001-01-01T00:00:00Z"))
    );
    assert_eq!(desk.google.events(SAM)[0]["id"], "abcde");
    let (status, body) = sent(Fault::Html200).await;
    assert!(status == 200 && body.starts_with(b"<!DOCTYPE"));
    let (status, body) = sent(Fault::Empty200).await;
    assert!(status == 200 && body.is_empty());
    let (status, body) = sent(Fault::HugeBody(1_000_000)).await;
    assert!(status == 200 && body.len() >= 1_000_000 && serde_json::from_slice::<Value>(&body).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_drip() {
    let desk = Desk::open();
    desk.google.fault("events.get", Fault::Drip(Duration::from_millis(1)));
    let mut response = desk.request("GET", &format!("{EVENTS}/never")).send().await.unwrap();
    let mut chunks = 0;
    while response.chunk().await.unwrap().is_some() {
        chunks += 1;
    }
    assert!(chunks > 20, "{chunks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_points_elsewhere_and_commits_nothing() {
    let desk = Desk::open();
    desk.google.fault("events.insert", Fault::Redirect("http://169.254.169.254/latest".into()));
    let response = inserting(&desk).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
        (302, "http://169.254.169.254/latest")
    );
    assert_eq!(committed(&desk), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_calendar_can_fail_or_be_missing_inside_a_free_busy_200() {
    let desk = Desk::open();
    for other in ["kim@example.com", "lee@example.com"] {
        desk.google.add_calendar(other, "America/New_York", &[crate::fakes::google::SERVICE_ACCOUNT]);
    }
    let asked = json!({"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z",
        "items": [{"id": SAM}, {"id": "kim@example.com"}, {"id": "lee@example.com"}]});
    let calendars = async || answer(desk.request("POST", "freeBusy").json(&asked)).await.1["calendars"].clone();
    desk.google.fault_in("freebusy.query", SAM, Fault::Omit);
    desk.google.fault_in("freebusy.query", "kim@example.com", Fault::Errors { with_busy: true, reason: "internalError" });
    desk.google.fault_in("freebusy.query", "nobody@example.com", Fault::status(500, "backendError"));
    let failed = |reason: &str| json!([{"domain": "global", "reason": reason}]);
    let expected = json!({"kim@example.com": {"errors": failed("internalError"), "busy": []}, "lee@example.com": {"busy": []}});
    assert_eq!(calendars().await, expected);
    desk.google.fault("freebusy.query", Fault::Errors { with_busy: false, reason: "groupTooBig" });
    let all = json!({"errors": failed("groupTooBig")});
    assert_eq!(calendars().await, json!({SAM: all, "kim@example.com": all, "lee@example.com": all}));
    assert_eq!(calendars().await.as_object().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collision_can_go_unseen() {
    let desk = Desk::open();
    answer(inserting(&desk)).await;
    desk.google.fault("events.insert", Fault::CollisionUnseen);
    assert_eq!(answer(inserting(&desk)).await.0, 200);
    assert_eq!(committed(&desk), 1);
    assert_eq!(answer(inserting(&desk)).await.0, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn scripted_faults_come_in_order_then_the_standing_ones_until_cleared() {
    let desk = Desk::open();
    desk.google.fault_always(EVERY, Fault::status(503, "backendError"));
    desk.google.fault_always_in("events.get", SAM, Fault::status(502, "backendError"));
    desk.google.fault("events.insert", Fault::status(500, "backendError"));
    desk.google.fault("events.insert", Fault::Pass);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(answer(inserting(&desk)).await.0);
    }
    assert_eq!(statuses, [500, 200, 503]);
    assert_eq!(answer(desk.request("GET", "users/me/calendarList")).await.0, 503);
    desk.google.clear_faults();
    assert_eq!(answer(desk.request("GET", "users/me/calendarList")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "this fake has no call event.insert")]
async fn a_misspelt_call_is_the_tests_own_mistake() {
    Desk::open().google.fault("event.insert", Fault::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_can_be_accepted_and_closed() {
    let desk = Desk::open();
    desk.google.close_connections(1);
    assert!(is_broken(&inserting(&desk).send().await.expect_err("closed")));
    assert!(desk.google.requests().is_empty());
    assert_eq!(answer(inserting(&desk)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_keeps_what_was_sent() {
    let desk = Desk::open();
    answer(desk.request("POST", &format!("{EVENTS}?sendUpdates=none")).json(&morning("abcde"))).await;
    desk.google.wait_for("events.insert", 1).await;
    let entries = desk.google.requests();
    assert_eq!((entries.len(), desk.google.count("events.insert"), desk.google.count("events.get")), (1, 1, 0));
    let entry = &entries[0];
    assert_eq!(
        (entry.request.verb.as_str(), entry.request.path.as_str()),
        ("POST", "/calendar/v3/calendars/sam%40example.com/events")
    );
    assert_eq!((entry.request.param("sendUpdates"), entry.trusted), (Some("none"), true));
    assert_eq!((entry.json()["id"].as_str(), entry.about.as_slice()), (Some("abcde"), &[SAM.to_owned()][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_fake_stops_even_while_it_hangs() {
    let desk = Desk::open();
    desk.google.fault("events.insert", Fault::HangAfterCommit);
    let hanging = tokio::spawn(inserting(&desk).send());
    desk.google.wait_for_done("events.insert", 1).await;
    let address = desk.google.calendar_url();
    let Desk { google, http, .. } = desk;
    tokio::task::spawn_blocking(move || drop::<FakeGoogle>(google)).await.unwrap();
    assert!(hanging.await.unwrap().is_err());
    assert!(http.get(address).send().await.expect_err("nobody listens").is_connect());
}
