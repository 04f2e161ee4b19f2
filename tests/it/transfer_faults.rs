//! Putting a call through when Twilio or Vapi does not do it: what is said is what happens, and nothing is dialled twice.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use ringbook::store::calls::Leg;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::vapi::API_KEY;
use crate::house::{CALLED, CALLER, House, Plan};
use crate::promises::{messages, older, said};
use crate::ringing::{OWNER, PERSON, SID, is_hang_up, is_person, is_voicemail};
use crate::transfer::{ONGOING, THROUGH, TRANSFER, UPDATE, asks, told, with_call, with_transfer};

const CONTROL: &str = "control";
const FAILED: &str = "I can't put this call through right now, so the caller still speaks with you. Please say so, and offer to try again in a \
                      moment.";
const UNSURE: &str = "I'm trying to put you through. If you still hear me in a moment, please ask me again.";
const NOBODY: &str = "Nobody can be reached right now. Please offer to take a message.";

/// The caller speaks with the assistant as if nobody had been asked for.
async fn is_as_before(house: &House) {
    let row = house.row().await;
    assert_eq!((row.leg, row.dialing, row.transfer), (Leg::Assistant, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_transfer_is_said_so_told_to_the_owner_once_and_may_be_tried_again() {
    let (house, call) = with_call(Plan::new()).await;
    house.twilio.end_call(SID);
    let mut number = 0;
    let mut refused = async || {
        number += 1;
        let answer = asks(&house, &call, &format!("t{number}")).await;
        assert!(answer.is_error() && said(&answer) == FAILED, "{answer:?}");
        is_as_before(&house).await;
    };
    refused().await;
    house.twilio.add_call(SID);
    for code in [400, 401, 403, 404] {
        house.twilio.fault(UPDATE, Fault::status(code, "20001"));
        refused().await;
    }
    let told_to_owner = messages(&house, 1).await;
    let text = format!("ABC HVAC: a caller from {CALLER} asked for a person and could not be put through.");
    assert_eq!((&told_to_owner[0]["to"], &told_to_owner[0]["body"]), (&json!(OWNER), &json!(text)));
    house.jobs_run().await;
    assert_eq!((house.twilio.messages().len(), told(&house).len()), (1, 0));
    assert!(is_person(&house.says("connect-ended", &[ONGOING]).await), "a stream that fails is a fallback, as ever");
    let (house, call) = with_call(Plan::new()).await;
    house.twilio.fault(UPDATE, Fault::status(400, "20001"));
    assert_eq!(said(&asks(&house, &call, "t1").await), FAILED);
    assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH, "nothing sticks of what surely did not happen");
    assert_eq!(told(&house).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_surely_did_not_reach_twilio_is_sent_once_more() {
    for code in [429, 503] {
        let (house, call) = with_call(Plan::new()).await;
        house.twilio.fault(UPDATE, Fault::status(code, "20429"));
        assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH);
        assert_eq!((told(&house).len(), house.twilio.count(UPDATE)), (1, 2));
        let (house, call) = with_call(Plan::new()).await;
        house.twilio.fault_always(UPDATE, Fault::status(code, "20429"));
        assert_eq!(said(&asks(&house, &call, "t1").await), FAILED);
        assert_eq!(house.twilio.count(UPDATE), 2);
        is_as_before(&house).await;
    }
}

/// Nobody knows whether Twilio did it; `done`: it did.
fn unknown() -> Vec<(Fault, bool)> {
    vec![
        (Fault::status(500, "20500"), false),
        (Fault::status_after_commit(502, "20500"), true),
        (Fault::ResetAfterCommit, true),
        (Fault::HangBeforeCommit, false),
        (Fault::HangAfterCommit, true),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_of_which_nothing_is_known_is_not_sent_again_at_once_and_goes_on_with_the_next_webhook() {
    for (fault, done) in unknown() {
        let (house, call) = with_call(Plan::new().set("TOOL_REPLY_BUDGET_MS", "2000")).await;
        house.twilio.fault(UPDATE, fault.clone());
        for id in ["t1", "t1", "t2"] {
            assert_eq!(said(&asks(&house, &call, id).await), UNSURE, "{fault:?}");
        }
        assert_eq!((house.twilio.count(UPDATE), house.row().await.leg), (1, Leg::Assistant), "{fault:?}");
        if done {
            let missed = house.says("dial-ended", &[ONGOING, ("DialCallStatus", "no-answer")]).await;
            assert!(is_voicemail(&missed), "{fault:?}: {missed}");
            assert!(is_voicemail(&house.says("connect-ended", &[ONGOING]).await), "the call has gone on since");
        } else {
            house.vapi_ends("assistant-ended-call").await;
            assert!(is_person(&house.says("connect-ended", &[ONGOING]).await), "{fault:?}");
            assert_eq!(house.row().await.dialing.unwrap().as_str(), PERSON);
        }
        assert_eq!(said(&asks(&house, &call, "t3").await) == THROUGH, !done, "{fault:?}");
        assert_eq!(house.twilio.count(UPDATE), 1, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_hears_the_assistant_may_ask_again_and_who_is_content_is_not_put_through_later() {
    let (house, call) = with_call(Plan::new()).await;
    house.twilio.fault(UPDATE, Fault::status(500, "20500"));
    assert_eq!(said(&asks(&house, &call, "t1").await), UNSURE);
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH, "the same delivery, for that matter");
    assert_eq!(told(&house).len(), 1);
    let (house, call) = with_call(Plan::new()).await;
    house.twilio.fault(UPDATE, Fault::status(500, "20500"));
    assert_eq!(said(&asks(&house, &call, "t1").await), UNSURE);
    house.clock.advance(Duration::from_mins(3));
    house.vapi_ends("customer-ended-call").await;
    assert!(is_hang_up(&house.says("connect-ended", &[ONGOING]).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_leaves_the_call_to_be_put_through_by_the_next_webhook() {
    let (mut house, call) = with_call(Plan::new()).await;
    let held = house.twilio.hold(UPDATE);
    tokio::select! {
        answer = asks(&house, &call, "t1") => panic!("{answer:?}"),
        () = held.reached(1) => {}
    }
    house.crash().await;
    house.restart().await;
    let ended = house.says("connect-ended", &[ONGOING]).await;
    assert!(is_person(&ended), "{ended}");
    held.release();
    assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH);
}

/// A call whose number is Vapi's: its name, and its control address.
pub async fn of_vapi(house: &House) -> (String, Value) {
    let call = json!({ "assistantId": "assistant-1", "phoneNumberId": "phone-number-1", "customer": { "number": CALLER } });
    let request = house.http.post(format!("{}/call", house.vapi.url())).header(AUTHORIZATION, format!("Bearer {API_KEY}"));
    let made: Value = request.json(&call).send().await.unwrap().json().await.unwrap();
    (made["id"].as_str().unwrap().to_owned(), made["monitor"].clone())
}

/// Asks for a person in such a call.
async fn asks_vapi(house: &House, id: &str, (call, monitor): &(String, Value)) -> String {
    let tool = json!([{ "id": id, "name": TRANSFER, "arguments": {} }]);
    let call = json!({ "id": call, "monitor": monitor, "customer": { "number": CALLER } });
    let message = json!({ "type": "tool-calls", "toolCallList": tool, "call": call, "phoneNumber": { "number": CALLED } });
    said(&house.vapi(&json!({ "message": message })).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_at_vapis_own_number_is_told_to_transfer_itself_once() {
    let house = House::new().await;
    let call = of_vapi(&house).await;
    for id in ["t1", "t1", "t2"] {
        assert_eq!(asks_vapi(&house, id, &call).await, THROUGH);
    }
    let transfer = json!({
        "type": "transfer",
        "destination": { "type": "number", "number": PERSON },
        "content": "Thanks for calling ABC HVAC. One moment, I'm getting a person.",
    });
    assert_eq!((house.vapi.controls(&call.0), house.twilio.count(UPDATE)), (vec![transfer], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_vapis_number_too_what_is_said_is_what_happens() {
    let house = House::new().await;
    for (fault, sentence, again) in [
        (Fault::status(404, "gone"), FAILED, THROUGH),
        (Fault::status(500, "no"), UNSURE, UNSURE),
        (Fault::ResetAfterCommit, UNSURE, UNSURE),
    ] {
        let call = of_vapi(&house).await;
        house.vapi.fault(CONTROL, fault.clone());
        assert_eq!(asks_vapi(&house, "t1", &call).await, sentence, "{fault:?}");
        assert_eq!(asks_vapi(&house, "t2", &call).await, again, "{fault:?}");
        // The next call is not this one come back.
        house.clock.advance(Duration::from_mins(5));
    }
    let (call, _) = of_vapi(&house).await;
    assert_eq!(asks_vapi(&house, "t1", &(call, json!({}))).await, FAILED, "it cannot be spoken to");
    let house = with_transfer(&format!("to = \"{PERSON}\"\nhours = [\"10:00-21:00\"]")).build().await;
    let call = of_vapi(&house).await;
    assert_eq!(asks_vapi(&house, "t1", &call).await, NOBODY);
    assert_eq!(house.vapi.count(CONTROL), 0);
    assert_eq!(messages(&house, 1).await[0]["to"], OWNER, "nobody can leave a message there, so the owner hears of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_no_call_puts_nobody_through() {
    let house = House::new().await;
    let result = older(&house.function(TRANSFER, json!({})).await);
    assert_eq!((&result["success"], &result["message"], &result["error"]), (&json!(false), &json!(FAILED), &json!(FAILED)));
    assert_eq!((house.twilio.requests().len(), house.vapi.requests().len(), house.jobs().await), (0, 0, vec![]));
}
