//! A caller in danger: told what to do and put through at once, whatever the hour, once in a call; and what is no emergency.

use proptest::prelude::*;
use ringbook::store::calls::Leg;
use ringbook::vapi::heard::{says_one_of, which_was_said};
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::house::{BUSINESS, CALLED, CALLER, House, Plan, SLUG};
use crate::orders::ordered;
use crate::promises::messages;
use crate::ringing::{OWNER, PERSON, SID, find, is_person, is_voicemail};
use crate::transfer::{ONGOING, UPDATE, asks, told, with_call};
use crate::transfer_faults::of_vapi;

const SAY: &str = "If you smell gas, leave the house and call 911.";
const RESCUE: &str = "+15551235555";
const SPOKE: &str = "ABC HVAC: EMERGENCY: a caller from +15557654321 spoke of \"gas smell\". The call is being put through.";
const MISSED: &str = "ABC HVAC: EMERGENCY: nobody was reached for the caller from +15557654321. Please call back at once.";

/// The example business with phrases that mean danger, and a transfer at these terms.
fn plan(to: &str, transfer: &str) -> Plan {
    let to = if to.is_empty() { String::new() } else { format!("to = \"{to}\"\n") };
    let emergency = format!("[emergency]\nphrases = [\"Gas smell\", \"carbon monoxide\"]\nsay = \"{SAY}\"\n{to}[hours]");
    let business = BUSINESS.replace("[hours]", &emergency).replace("to = \"+15551239999\"", transfer);
    Plan::new().business(SLUG, &business)
}

fn usual() -> Plan {
    plan(RESCUE, "to = \"+15551239999\"")
}

/// Somebody is heard in the call.
async fn hears(house: &House, call: &str, more: &[(&str, &str)], words: &str) {
    let mut message = json!({ "type": "transcript", "role": "user", "transcriptType": "final", "transcript": words,
                              "call": { "id": call, "customer": { "number": CALLER } }, "phoneNumber": { "number": CALLED } });
    for (key, value) in more {
        message[key] = json!(value);
    }
    assert_eq!(house.vapi(&json!({ "message": message })).await.body, "{}");
}

/// So many SMS to the business, by their texts in alphabetical order; and none to anybody else.
async fn owner_hears(house: &House, count: usize) -> Vec<String> {
    messages(house, count).await;
    house.jobs_run().await;
    let mut texts = house.texts_to(OWNER);
    texts.sort();
    assert_eq!(house.twilio.messages().len(), texts.len());
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_in_danger_hears_what_to_do_and_is_put_through_once() {
    let (mut house, call) = with_call(usual()).await;
    hears(&house, &call, &[], "Hello? There's a really bad GAS, smell in here!").await;
    house.twilio.wait_for_done(UPDATE, 1).await;
    let twiml = &told(&house)[0];
    assert!(is_person(twiml));
    assert_eq!((find(twiml, "Say").text.as_str(), find(twiml, "Number").text.as_str()), (SAY, RESCUE));
    assert_eq!(owner_hears(&house, 1).await, [SPOKE]);
    for words in ["Gas smell!", "It may be carbon monoxide."] {
        hears(&house, &call, &[], words).await;
        house.restart().await;
    }
    assert_eq!(owner_hears(&house, 1).await, [SPOKE]);
    let row = house.row().await;
    assert_eq!((house.twilio.count(UPDATE), row.leg, row.is_emergency), (1, Leg::Person, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_words_other_words_and_what_the_assistant_says_are_no_emergency() {
    let (house, call) = with_call(usual()).await;
    hears(&house, &call, &[("transcriptType", "partial")], "gas smell").await;
    hears(&house, &call, &[("role", "assistant")], "Do you notice a gas smell?").await;
    for words in ["the gas smells", "gasoline smell", "gas and a smell", "smell gas", ""] {
        hears(&house, &call, &[], words).await;
    }
    let (other, same) = with_call(Plan::new()).await;
    hears(&other, &same, &[], "gas smell").await;
    for house in [house, other] {
        assert!(!house.row().await.is_emergency);
        assert_eq!((house.twilio.count(UPDATE), house.vapi.count("control"), house.jobs().await), (0, 0, vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_hour_nor_a_pause_keeps_a_caller_in_danger_from_a_person() {
    let night = "+15551237777";
    let closed = "to = \"+15551239999\"\nhours = [\"10:00-21:00\"]";
    let with_night = format!("{closed}\nafter_hours_to = \"{night}\"");
    let cases = [(RESCUE, closed, RESCUE), ("", closed, PERSON), ("", &*with_night, night), (CALLER, closed, PERSON)];
    for (to, transfer, reached) in cases {
        let (house, call) = with_call(plan(to, transfer)).await;
        ordered(&house, &["pause", SLUG]);
        hears(&house, &call, &[], "carbon monoxide").await;
        house.twilio.wait_for_done(UPDATE, 1).await;
        assert_eq!(find(&told(&house)[0], "Number").text, reached, "{to:?} {transfer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_put_through_is_still_told_what_to_do_and_the_owner_that_nobody_was_reached() {
    for nobody_there in [true, false] {
        let (house, call) = with_call(if nobody_there { plan("", "ring_seconds = 9") } else { usual() }).await;
        house.twilio.fault_always(UPDATE, Fault::status(404, "20404"));
        hears(&house, &call, &[], "a gas smell").await;
        assert_eq!(owner_hears(&house, 2).await, [SPOKE, MISSED]);
        assert_eq!(house.vapi.controls(&call), [json!({ "type": "say", "content": SAY })]);
        assert_eq!((house.row().await.leg, house.twilio.count(UPDATE)), (Leg::Assistant, usize::from(!nobody_there)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_through_and_not_answered_leaves_a_message_and_the_owner_hears_that_it_is_urgent() {
    let (house, call) = with_call(usual()).await;
    hears(&house, &call, &[], "gas smell").await;
    house.twilio.wait_for_done(UPDATE, 1).await;
    assert!(is_voicemail(&house.says("dial-ended", &[ONGOING, ("DialCallStatus", "no-answer")]).await));
    let urgent = format!(
        "ABC HVAC: EMERGENCY: nobody answered at {RESCUE} for a caller from {CALLER}, Monday, November 23 at 9 AM. Please call back at once."
    );
    assert_eq!(owner_hears(&house, 2).await, [SPOKE.to_owned(), urgent]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_with_a_person_already_stays_there_and_the_owner_hears_of_the_danger() {
    let (house, call) = with_call(usual()).await;
    asks(&house, &call, "t1").await;
    hears(&house, &call, &[], "gas smell").await;
    assert_eq!(owner_hears(&house, 1).await, [SPOKE]);
    assert_eq!((house.twilio.count(UPDATE), house.row().await.dialing.unwrap().as_str()), (1, PERSON));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_vapis_own_number_the_call_says_it_and_transfers_itself() {
    let house = usual().build().await;
    let (call, monitor) = of_vapi(&house).await;
    let said = |words: &str| -> Value {
        let call = json!({ "id": call, "monitor": monitor, "customer": { "number": CALLER } });
        json!({ "message": { "type": "transcript[transcriptType=\"final\"]", "role": "user", "transcript": words, "call": call } })
    };
    for words in ["Gas smell.", "Gas smell!"] {
        house.vapi(&said(words)).await;
        house.vapi.wait_for_done("control", 1).await;
    }
    assert_eq!(owner_hears(&house, 1).await, [SPOKE]);
    let transfer = json!({ "type": "transfer", "destination": { "type": "number", "number": RESCUE }, "content": SAY });
    assert_eq!((house.vapi.controls(&call), house.call(SID).await.is_none()), (vec![transfer], true));
}

proptest! {
    #[test]
    fn a_phrase_is_heard_in_any_case_and_punctuation_and_never_inside_a_word(
        before in "[a-z]{0,6}", after in "[a-z]{0,6}", between in "[ ,.;:!?'\"-]{1,4}", shout in any::<bool>(), spaced in any::<bool>(),
    ) {
        let phrases = ["no such words".to_owned(), "gas smell".to_owned()];
        let gap = if spaced { " " } else { "" };
        let said = format!("{before}{gap}gas{between}smell{gap}{after}");
        let said = if shout { said.to_uppercase() } else { said };
        let whole = spaced || (before.is_empty() && after.is_empty());
        prop_assert_eq!(which_was_said(&said, &phrases), whole.then_some("gas smell"));
        prop_assert_eq!(says_one_of(&said, &phrases), whole);
    }
}
