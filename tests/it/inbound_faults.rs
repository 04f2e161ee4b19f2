//! The phone rings while something behind us fails: the caller is put through, in time, and no call is made twice.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::store::calls::Leg;
use serde_json::Value;

use crate::fakes::faults::Fault;
use crate::house::{House, Plan};
use crate::program::free_port;
use crate::ringing::{PERSON, SID, find, is_assistant, is_goodbye, is_hang_up, is_person, is_voicemail};

/// The call's TwiML in Vapi's answer.
fn twiml(call: &mut Value) -> &mut Value {
    &mut call["phoneCallProviderDetails"]["twiml"]
}

fn everything_that_vapi_may_do_wrong() -> Vec<Fault> {
    vec![
        Fault::status(500, "broken"),
        Fault::status(400, "customer.number must be a valid phone number"),
        Fault::status(401, "Invalid Key"),
        Fault::status(429, "Over Concurrency Limit"),
        Fault::status_after_commit(502, "bad gateway"),
        Fault::Html200,
        Fault::Empty200,
        Fault::no_twiml(),
        Fault::TruncatedAfterCommit,
        Fault::ResetBeforeCommit,
        Fault::ResetAfterCommit,
        Fault::HugeBody(3 * 1024 * 1024),
        Fault::Redirect("http://127.0.0.1:9/elsewhere".into()),
        Fault::Altered(|call| *call = Value::Null),
        Fault::Altered(|call| call["id"] = Value::Null),
        Fault::Altered(|call| *twiml(call) = "".into()),
        Fault::Altered(|call| *twiml(call) = "<html/>".into()),
        Fault::Altered(|call| *twiml(call) = "<Response><Say>".into()),
        Fault::Altered(|call| *twiml(call) = "<Response>\u{1}</Response>".into()),
        Fault::Altered(|call| *twiml(call) = format!("<Response><Say>{}</Say></Response>", "a".repeat(66_000)).into()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_vapi_does_wrong_the_caller_is_put_through_and_hears_the_same_again() {
    let house = House::new().await;
    for (number, fault) in everything_that_vapi_may_do_wrong().into_iter().enumerate() {
        // Each call of another caller: one who is being put through already is not put through again.
        let (sid, from) = (format!("CA{number}"), format!("+15556660{number:03}"));
        let call = [("CallSid", sid.as_str()), ("From", from.as_str())];
        house.vapi.fault("call.create", fault.clone());
        let answer = house.says("inbound", &call).await;
        assert!(is_person(&answer), "{fault:?}: {answer}");
        assert_eq!(find(&answer, "Number").text, PERSON);
        assert_eq!(house.says("inbound", &call).await, answer, "{fault:?}");
        let row = house.call(&sid).await.unwrap();
        assert_eq!((row.leg, row.dialing.unwrap().as_str()), (Leg::Person, PERSON));
        assert_eq!(house.vapi.count("call.create"), number + 1, "a second call would speak to nobody: {fault:?}");
    }
    assert_eq!(house.vapi.requests().len(), house.vapi.count("call.create"), "nothing else is asked of Vapi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vapi_that_cannot_be_reached_is_no_reason_to_wait() {
    let house = Plan::new().set("VAPI_API_URL", &format!("http://127.0.0.1:{}", free_port())).build().await;
    let watch = Stopwatch::start();
    assert!(is_person(&house.says("inbound", &[]).await));
    assert!(watch.elapsed() < Duration::from_secs(2), "{:?}", watch.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_vapi_does_not_make_twilio_wait_past_the_budget() {
    let slow = [
        Fault::HangBeforeCommit,
        Fault::HangAfterCommit,
        Fault::Drip(Duration::from_millis(20)),
        Fault::DelayAfterCommit(Duration::from_millis(1_500)),
    ];
    let house = Plan::new().set("CONNECT_BUDGET_MS", "1000").build().await;
    for (number, fault) in slow.into_iter().enumerate() {
        let (sid, from) = (format!("CA{number}"), format!("+15556660{number:03}"));
        let call = [("CallSid", sid.as_str()), ("From", from.as_str())];
        house.vapi.fault("call.create", fault.clone());
        let watch = Stopwatch::start();
        let answer = house.says("inbound", &call).await;
        assert!(watch.elapsed() < Duration::from_secs(1), "{fault:?}: {:?}", watch.elapsed());
        assert!(is_person(&answer), "{fault:?}: {answer}");
        assert_eq!(house.says("inbound", &call).await, answer, "{fault:?}");
        assert_eq!(house.vapi.count("call.create"), number + 1, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vapis_late_answer_changes_nothing_for_a_caller_who_was_put_through() {
    let mut house = Plan::new().set("CONNECT_BUDGET_MS", "600").build().await;
    let held = house.vapi.hold_after("call.create");
    let answer = house.says("inbound", &[]).await;
    assert!(is_person(&answer));
    held.release();
    house.vapi.wait_for_done("call.create", 1).await;
    assert_eq!(house.says("inbound", &[]).await, answer);
    house.restart().await;
    assert_eq!(house.says("inbound", &[]).await, answer);
    assert_eq!((house.vapi.count("call.create"), house.row().await.leg), (1, Leg::Person));
}

/// What every route says while the database fails.
async fn every_route_helps(house: &House, sid: &str) {
    let call = ("CallSid", sid);
    assert!(is_person(&house.says("inbound", &[call]).await));
    assert!(is_person(&house.says("fallback", &[call]).await));
    assert!(is_person(&house.says("connect-ended", &[call, ("CallStatus", "in-progress")]).await));
    assert!(is_hang_up(&house.says("connect-ended", &[call, ("CallStatus", "completed")]).await));
    assert!(is_voicemail(&house.says("dial-ended", &[call, ("DialCallStatus", "no-answer")]).await));
    assert!(is_hang_up(&house.says("dial-ended", &[call, ("DialCallStatus", "completed")]).await));
    assert!(is_goodbye(&house.says("voicemail", &[call, ("RecordingSid", "RE1")]).await));
    house.status(&[call, ("CallStatus", "completed")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_every_route_helps_and_with_it_again_all_is_as_before() {
    let house = House::new().await;
    let mut grip = house.grip().await;
    grip.take_away().await;
    let watch = Stopwatch::start();
    every_route_helps(&house, SID).await;
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
    assert_eq!(house.vapi.requests().len(), 0, "an unclaimed call must not be started at Vapi: it could be started twice");
    grip.put_back().await;
    assert!(is_assistant(&house.says("inbound", &[("CallSid", "CA2")]).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_nobody_can_write_costs_the_budget_and_not_the_caller() {
    let house = Plan::new().set("CONNECT_BUDGET_MS", "700").build().await;
    let mut grip = house.grip().await;
    grip.hold().await;
    let watch = Stopwatch::start();
    every_route_helps(&house, SID).await;
    assert!(watch.elapsed() < Duration::from_millis(8 * 700), "{:?}", watch.elapsed());
    assert_eq!(house.vapi.requests().len(), 0);
    grip.let_go().await;
    assert!(is_assistant(&house.says("inbound", &[("CallSid", "CA2")]).await));
}
