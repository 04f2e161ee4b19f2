//! What follows an answer: text messages at most once, alerts at least once, both across failures and restarts.

use std::time::Duration;

use ringbook::clock::epoch_ms;
use ringbook::names::{Phone, Slug};
use ringbook::store::jobs::{Job, Matter, Sms};
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::house::{House, Plan, SLUG};
use crate::program::free_port;
use crate::ringing::OWNER;

const SMS: &str = "messages.create";
const DAY: Duration = Duration::from_hours(24);

fn sms(text: &str) -> Job {
    let (business, to) = (Slug::parse(SLUG).unwrap(), Phone::e164(OWNER).unwrap());
    Job::Sms(Sms { business, to, text: text.into(), matter: Matter::Notice })
}

fn alert(house: &House) -> Job {
    let since_ms = epoch_ms(house.clock.now());
    Job::Alert {
        what: "trouble".into(),
        business: Some(Slug::parse(SLUG).unwrap()),
        text: "Something is wrong.".into(),
        since_ms,
    }
}

/// A job that is due at once.
async fn enqueue(house: &House, key: &str, job: &Job) {
    let store = house.store().await;
    assert!(store.enqueue(key, job, house.clock.now()).await.unwrap());
    store.close().await;
}

/// Whether the job is waiting for another try in so many seconds.
async fn waits(house: &House, key: &str, seconds: i64) -> bool {
    let job = house.job(key).await;
    (job.state.as_str(), job.due_in_ms) == ("waiting", seconds * 1_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_posted_again_and_again_with_growing_pauses_until_it_is_taken() {
    let mut house = House::new().await;
    for fault in [Fault::status(500, ""), Fault::status(404, ""), Fault::Redirect("/".into()), Fault::ResetAfterCommit] {
        house.alerts.fault("alert", fault);
    }
    enqueue(&house, "alert/1", &alert(&house)).await;
    for (attempt, pause) in [(1, 2), (2, 4), (3, 8), (4, 16)] {
        house.alerts.wait_for("alert", attempt).await;
        house.until("the failure is noted", async || waits(&house, "alert/1", pause).await).await;
        if attempt == 2 {
            house.restart().await;
        }
        house.clock.advance(Duration::from_secs(pause.unsigned_abs()));
    }
    house.alerts.wait_for_done("alert", 2).await;
    house.until("it is done", async || house.job("alert/1").await.state == "done").await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    let posted: Vec<Value> = house.alerts.requests_of("alert").iter().map(super::fakes::journal::Entry::json).collect();
    let body = json!({ "id": "alert/1", "kind": "trouble", "business": SLUG, "text": "Something is wrong.", "since": "2026-11-23T14:00:00Z" });
    assert_eq!(posted, vec![body; 5], "each try has the same id, so that a receiver can tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_a_restart_cut_short_is_posted_again() {
    let mut house = House::new().await;
    let held = house.alerts.hold_after("alert");
    enqueue(&house, "alert/1", &alert(&house)).await;
    held.reached(1).await;
    house.restart().await;
    held.release();
    house.clock.advance(Duration::from_secs(61));
    house.alerts.wait_for_done("alert", 2).await;
    house.until("it is done", async || house.job("alert/1").await.state == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_receiver_an_alert_is_only_logged() {
    let house = Plan::new().set("ALERT_WEBHOOK_URL", "").build().await;
    enqueue(&house, "alert/1", &alert(&house)).await;
    house.until("it is done", async || house.job("alert/1").await.state == "done").await;
    assert_eq!(house.alerts.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_was_turned_away_is_sent_later_and_once() {
    let mut house = House::new().await;
    let busy = |code, reason| Fault::Status { code, reason, retry_after: Some(1), html: false };
    for fault in [busy(429, "20429"), busy(503, "20503")] {
        house.twilio.fault(SMS, fault);
    }
    enqueue(&house, "sms/1", &sms("Hello.")).await;
    house.twilio.wait_for(SMS, 1).await;
    house.until("the refusal is noted", async || waits(&house, "sms/1", 2).await).await;
    house.restart().await;
    house.clock.advance(Duration::from_secs(2));
    house.twilio.wait_for(SMS, 2).await;
    house.until("the refusal is noted", async || waits(&house, "sms/1", 4).await).await;
    house.clock.advance(Duration::from_secs(4));
    house.twilio.wait_for_done(SMS, 1).await;
    house.until("it is done", async || house.job("sms/1").await.state == "done").await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!((house.texts_to(OWNER), house.twilio.count(SMS)), (vec!["Hello.".to_owned()], 3));
    assert_eq!(house.alerts.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_found_no_connection_is_tried_again() {
    let house = Plan::new().set("TWILIO_API_URL", &format!("http://127.0.0.1:{}", free_port())).build().await;
    enqueue(&house, "sms/1", &sms("Hello.")).await;
    house.until("the failure is noted", async || waits(&house, "sms/1", 2).await).await;
    house.clock.advance(Duration::from_secs(2));
    house.until("the failure is noted", async || waits(&house, "sms/1", 4).await).await;
    assert_eq!(house.job("sms/1").await.attempts, 2);
}

/// The job is over and stays so, whatever time passes and however often the server starts; the operator hears of it.
async fn is_given_up(house: &mut House, key: &str) {
    house.until("it is given up", async || house.job(key).await.state == "failed").await;
    house.alerts.wait_for_done("alert", 1).await;
    house.restart().await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!(house.twilio.count(SMS), 1, "it is never sent again");
    let told = &house.alerts.alerts()[0];
    assert_eq!((told["kind"].as_str(), told["business"].as_str()), (Some("sms_given_up"), Some(SLUG)));
    let text = told["text"].as_str().unwrap();
    assert!(text.starts_with("An SMS to +…8888 was given up: ") && !told.to_string().contains("5551238"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_may_have_been_sent_is_never_sent_again() {
    for fault in [Fault::status_after_commit(500, "20500"), Fault::ResetAfterCommit, Fault::ResetBeforeCommit] {
        let mut house = House::new().await;
        house.twilio.fault(SMS, fault);
        enqueue(&house, "sms/1", &sms("Hello.")).await;
        is_given_up(&mut house, "sms/1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_to_somebody_who_wants_none_is_given_up() {
    for code in [21610, 21614, 30034] {
        let mut house = House::new().await;
        house.twilio.refuse_messages_to(OWNER, code);
        enqueue(&house, "sms/1", &sms("Hello.")).await;
        is_given_up(&mut house, "sms/1").await;
        assert!(house.alerts.alerts()[0]["text"].as_str().unwrap().contains(&code.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_that_a_restart_cut_short_is_not_sent_twice() {
    let mut house = House::new().await;
    let held = house.twilio.hold_after(SMS);
    enqueue(&house, "sms/1", &sms("Hello.")).await;
    held.reached(1).await;
    house.stop().await;
    house.clock.advance(Duration::from_secs(61));
    house.restart().await;
    held.release();
    house.jobs_run().await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!((house.twilio.count(SMS), house.texts_to(OWNER).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_other_than_the_business_is_used_where_one_is_set() {
    let service = format!("MG{}", "0".repeat(32));
    let house = Plan::new().set("TWILIO_MESSAGING_SERVICE_SID", &service).build().await;
    enqueue(&house, "sms/1", &sms("Hello.")).await;
    house.twilio.wait_for_done(SMS, 1).await;
    let message = &house.twilio.messages()[0];
    assert_eq!((message["messaging_service_sid"].as_str(), message["from"].as_str()), (Some(service.as_str()), None));
}
