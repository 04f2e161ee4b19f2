//! A booking that was answered "being arranged", from the question to the caller's ear: through the call while it lasts,
//! else by SMS, and never both.

use std::time::Duration;

use ringbook::clock::epoch_ms;
use ringbook::store::bookings::BookingRow;
use ringbook::store::jobs::Job;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::stage::Gate;
use crate::fakes::vapi::API_KEY;
use crate::house::{CALLER, House, Plan, SAM, tool_calls};
use crate::promises::{
    PENDING, come_to_rest, confirmed, is_confirmation, late_words, messages, promises_kept, repair_by_sam, said, speakable,
};
use crate::ringing::{SID, is_person};

const BOOK: &str = "bookAppointment";
const CONTROL: &str = "control";
const WISH: &str = "2026-11-24T08:00";
const FAILED: &str = "What was being arranged did not work out. Tell the caller at once: We could not book repair on Tuesday, November 24 at 8 AM. \
                      Nothing is booked. Then offer to look for another time.";

/// A house that answers soon, with a call that the assistant has; and that call's name at Vapi.
async fn with_live_call() -> (House, String) {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "1000").build().await;
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.expect("a call at Vapi").to_string();
    (house, call)
}

/// Asks for a booking that Google does not answer before the gate opens.
async fn with_pending_booking(house: &House, call: &str) -> Gate {
    let held = house.google.hold_after("events.insert");
    assert_eq!(said(&house.tool(call, "t1", BOOK, repair_by_sam(WISH)).await), PENDING);
    held
}

/// Lets a day go by, after which nothing is left to be told.
async fn a_day_later(house: &House) {
    for hours in [0, 1, 23] {
        house.clock.advance(Duration::from_hours(hours));
        house.jobs_run().await;
    }
}

/// What the live call was told, each checked for being speakable.
fn heard(house: &House, call: &str) -> Vec<String> {
    let content = |message: &Value| {
        assert_eq!((&message["type"], &message["triggerResponseEnabled"]), (&json!("add-message"), &json!(true)), "{message}");
        let content = message["message"]["content"].as_str().unwrap().to_owned();
        speakable(&content);
        content
    };
    house.vapi.controls(call).iter().map(content).collect()
}

fn booked(row: &BookingRow) -> String {
    let code = &row.confirmation;
    format!("You're booked for repair on Tuesday, November 24 at 8 AM with Sam. Your confirmation code is {code}.")
}

/// One SMS says that it is booked, and the call was told nothing.
async fn only_an_sms_says_it(house: &House) {
    let told = messages(house, 1).await;
    let row = promises_kept(house).await.remove(0);
    assert_eq!((told[0]["body"].as_str().unwrap(), &told[0]["to"]), (&*format!("ABC HVAC: {}", booked(&row)), &json!(CALLER)));
    a_day_later(house).await;
    assert_eq!((late_words(house).len(), house.vapi.count(CONTROL)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_is_heard_in_the_call_once_and_confirmed_in_writing() {
    let (house, call) = with_live_call().await;
    let held = house.google.hold_after("events.insert");
    // The same delivery twice, and the same wish under another name.
    let deliveries = ["t1", "t1", "t2"].map(|id| house.tool(&call, id, BOOK, repair_by_sam(WISH)));
    for answer in futures_util::future::join_all(deliveries).await {
        assert_eq!(said(&answer), PENDING);
    }
    assert_eq!(house.vapi.count(CONTROL), 0, "nothing is known yet");
    held.release();
    house.vapi.wait_for_done(CONTROL, 1).await;
    let row = promises_kept(&house).await.remove(0);
    assert_eq!(
        heard(&house, &call),
        [format!("What was being arranged is confirmed now. Tell the caller at once: {}", booked(&row))]
    );
    assert_eq!(said(&house.tool(&call, "t1", BOOK, repair_by_sam(WISH)).await), booked(&row));
    a_day_later(&house).await;
    assert_eq!((house.vapi.count(CONTROL), late_words(&house).len(), house.alerts.requests().len()), (1, 0, 0));
    let written = house.twilio.messages();
    assert_eq!((written.len(), is_confirmation(&written[0])), (1, true), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_failure_is_heard_in_the_call() {
    let (house, call) = with_live_call().await;
    house.google.fault_always("events.insert", Fault::status(503, "backendError"));
    let held = house.google.hold("events.insert");
    assert_eq!(said(&house.tool(&call, "t1", BOOK, repair_by_sam(WISH)).await), PENDING);
    let staff =
        json!({ "start": { "dateTime": "2026-11-24T08:30:00-05:00" }, "end": { "dateTime": "2026-11-24T09:00:00-05:00" } });
    house.google.staff_adds_event(SAM, &staff);
    held.release();
    house.google.clear_faults();
    come_to_rest(&house).await;
    house.vapi.wait_for_done(CONTROL, 1).await;
    assert_eq!(heard(&house, &call), [FAILED]);
    a_day_later(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.vapi.count(CONTROL), late_words(&house).len()), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_has_hung_up_gets_one_sms() {
    let (house, call) = with_live_call().await;
    let held = with_pending_booking(&house, &call).await;
    house.status(&[("CallStatus", "completed")]).await;
    held.release();
    only_an_sms_says_it(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_vapi_reports_the_end_gets_one_sms() {
    let (house, call) = with_live_call().await;
    let held = with_pending_booking(&house, &call).await;
    house.vapi_ends("customer-ended-call").await;
    held.release();
    only_an_sms_says_it(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_was_put_through_meanwhile_gets_one_sms() {
    let (house, call) = with_live_call().await;
    let held = with_pending_booking(&house, &call).await;
    assert!(is_person(&house.says("connect-ended", &[("CallStatus", "in-progress")]).await));
    held.release();
    only_an_sms_says_it(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_has_gone_without_a_word_gets_one_sms() {
    let (house, call) = with_live_call().await;
    let held = with_pending_booking(&house, &call).await;
    house.vapi.end_call(&call, "customer-ended-call");
    held.release();
    messages(&house, 1).await;
    a_day_later(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.vapi.count(CONTROL), late_words(&house).len()), (1, 1, 1));
}

/// Everybody who runs jobs is occupied until the gate opens: what is decided meanwhile waits.
async fn with_busy_workers(house: &House) -> Gate {
    const WORKERS: usize = 4;
    let (held, store, since_ms) = (house.alerts.hold("alert"), house.store().await, epoch_ms(house.clock.now()));
    for number in 0..WORKERS {
        let alert = Job::Alert { what: "trouble".into(), business: None, text: "Something is wrong.".into(), since_ms };
        assert!(store.enqueue(&format!("alert/{number}"), &alert, house.clock.now()).await.unwrap());
    }
    store.close().await;
    held.reached(WORKERS).await;
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_before_a_crash_is_told_after_it() {
    let (mut house, call) = with_live_call().await;
    let held = with_pending_booking(&house, &call).await;
    let busy = with_busy_workers(&house).await;
    held.release();
    house.until("it is booked", async || !confirmed(&house).await.is_empty()).await;
    house.crash().await;
    let (before, job) = (house.vapi.count(CONTROL), house.jobs().await.pop().unwrap());
    assert_eq!((job.key.starts_with("told/"), job.state.as_str(), job.attempts), (true, "waiting", 0));
    busy.release();
    house.restart().await;
    house.clock.advance(Duration::from_secs(61));
    house.vapi.wait_for_done(CONTROL, 1).await;
    a_day_later(&house).await;
    assert_eq!((before, house.vapi.count(CONTROL), late_words(&house).len()), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_before_a_crash_is_told_to_the_call_that_outlived_it() {
    let (mut house, call) = with_live_call().await;
    house.google.fault_always("events.insert", Fault::HangBeforeCommit);
    assert_eq!(said(&house.tool(&call, "t1", BOOK, repair_by_sam(WISH)).await), PENDING);
    house.crash().await;
    house.google.clear_faults();
    house.clock.advance(Duration::from_mins(2));
    house.restart().await;
    come_to_rest(&house).await;
    house.vapi.wait_for_done(CONTROL, 1).await;
    a_day_later(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.vapi.count(CONTROL), late_words(&house).len()), (1, 1, 0));
}

/// A call on a number that is Vapi's own: we hear of it by its messages alone.
async fn call_at_vapi(house: &House) -> Value {
    let wanted = json!({ "assistantId": "assistant-1", "phoneNumberId": "phone-number-1", "customer": { "number": CALLER } });
    let made = house.http.post(format!("{}/call", house.vapi.url())).bearer_auth(API_KEY).json(&wanted).send().await.unwrap();
    made.json().await.unwrap()
}

/// A tool call whose message names this control address.
fn message_with_control(call: &str, address: &str) -> Value {
    let mut message = tool_calls(CALLER, call, &[("t1", BOOK, repair_by_sam(WISH))]);
    message["message"]["call"]["monitor"] = json!({ "controlUrl": address });
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_only_vapi_knows_is_told_at_the_address_in_its_messages() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "1000").build().await;
    let call = call_at_vapi(&house).await;
    let (id, address) = (call["id"].as_str().unwrap(), call["monitor"]["controlUrl"].as_str().unwrap());
    let held = house.google.hold_after("events.insert");
    assert_eq!(said(&house.vapi(&message_with_control(id, address)).await), PENDING);
    held.release();
    house.vapi.wait_for_done(CONTROL, 1).await;
    assert_eq!(heard(&house, id).len(), 1);
    a_day_later(&house).await;
    assert!(late_words(&house).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_address_in_a_message_is_never_called() {
    let settings = [("VAPI_API_URL", "https://api.vapi.ai"), ("VAPI_CONNECT", "stream"), ("TOOL_REPLY_BUDGET_MS", "1000")];
    let house = settings.iter().fold(Plan::new(), |plan, (name, value)| plan.set(name, value)).build().await;
    let address = format!("{}/call-1/control", house.vapi.url());
    let held = house.google.hold_after("events.insert");
    assert_eq!(said(&house.vapi(&message_with_control("call-1", &address)).await), PENDING);
    held.release();
    only_an_sms_says_it(&house).await;
    assert!(house.vapi.requests().is_empty());
}
