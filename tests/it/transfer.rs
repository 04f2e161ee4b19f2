//! A caller asks for a person: who is dialled at which hour, once, and what the webhooks that follow make of it.

use std::time::Duration;

use ringbook::store::calls::Leg;
use serde_json::{Value, json};

use crate::house::{Answer, BUSINESS, CALLED, CALLER, House, Plan, SLUG};
use crate::orders::ordered;
use crate::promises::{PENDING, messages, older, repair_by_sam, said};
use crate::ringing::{OWNER, PERSON, SID, find, is_hang_up, is_person, is_voicemail};

pub const TRANSFER: &str = "transferToHuman";
pub const UPDATE: &str = "calls.update";
pub const THROUGH: &str = "One moment, I'm putting you through to a person.";
pub const MESSAGE: &str = "Nobody is free right now. You can leave a message after the tone.";
pub const ONGOING: (&str, &str) = ("CallStatus", "in-progress");
const NIGHT: &str = "+15551237777";

/// The example business with these lines in the place of its transfer number.
pub fn with_transfer(transfer: &str) -> Plan {
    Plan::new().business(SLUG, &BUSINESS.replace("to = \"+15551239999\"", transfer))
}

/// A house with a call that Twilio has and the assistant speaks in; and that call's name at Vapi.
pub async fn with_call(plan: Plan) -> (House, String) {
    let house = plan.build().await;
    house.ring(SID).await;
    house.twilio.add_call(SID);
    let call = house.row().await.vapi_call_id.expect("a call at Vapi").to_string();
    (house, call)
}

pub async fn asks(house: &House, call: &str, id: &str) -> Answer {
    house.tool(call, id, TRANSFER, json!({ "reason": "would rather speak with somebody" })).await
}

/// What Twilio took for the call, each read as strictly as an answer.
pub fn told(house: &House) -> Vec<String> {
    house.twilio.call_updates(SID).into_iter().map(|form| form["Twiml"].clone()).collect()
}

/// Asks in a house of this plan, and gives back what was said, and what Twilio took.
async fn asked(plan: Plan) -> (House, String, String) {
    let (house, call) = with_call(plan).await;
    let sentence = said(&asks(&house, &call, "t1").await);
    let told = told(&house);
    assert_eq!(told.len(), 1, "{told:?}");
    (house, sentence, told.into_iter().next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_asks_for_a_person_is_put_through_at_once() {
    let (house, sentence, twiml) = asked(with_transfer("to = \"+15551239999\"\nring_seconds = 33")).await;
    assert_eq!(sentence, THROUGH);
    assert!(is_person(&twiml), "{twiml}");
    let dial = find(&twiml, "Dial").attributes;
    assert_eq!((dial["callerId"].as_str(), dial["timeout"].as_str(), dial["answerOnBridge"].as_str()), (CALLER, "33", "true"));
    assert_eq!(dial["action"], "https://book.example.com/twilio/dial-ended");
    assert_eq!(find(&twiml, "Number").text, PERSON);
    assert_eq!(find(&twiml, "Say").text, "Thanks for calling ABC HVAC. One moment, I'm getting a person.");
    let row = house.row().await;
    assert_eq!((row.leg, row.dialing.unwrap().as_str()), (Leg::Person, PERSON));
    assert_eq!(house.vapi.count("control"), 0, "Vapi cannot transfer what Twilio has");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_says_it_again_and_dials_nothing_twice() {
    let (mut house, call) = with_call(Plan::new()).await;
    let crowd = ["t1", "t1", "t2", "t3"].map(|id| asks(&house, &call, id));
    for answer in futures_util::future::join_all(crowd).await {
        assert_eq!(said(&answer), THROUGH);
    }
    house.restart().await;
    for id in ["t1", "t4"] {
        assert_eq!(said(&asks(&house, &call, id).await), THROUGH);
    }
    let functions = [json!({}), json!({ "reason": "a" }), json!("not an object")];
    for parameters in functions {
        let function = json!({ "name": "transfer_to_human", "parameters": parameters });
        let body = json!({ "message": { "type": "function-call", "functionCall": function, "call": { "id": call } } });
        let result = older(&house.vapi(&body).await);
        assert_eq!((&result["success"], &result["message"]), (&json!(true), &json!(THROUGH)));
    }
    assert_eq!(house.twilio.count(UPDATE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_the_dial_is_the_end_or_a_message_and_the_owner_hears_of_it() {
    for answered in ["completed", "answered"] {
        let (house, _, _) = asked(Plan::new()).await;
        house.clock.advance(Duration::from_secs(90));
        let over = [ONGOING, ("DialCallSid", "CA77"), ("DialCallStatus", answered), ("DialCallDuration", "60")];
        for _ in 0..2 {
            assert!(is_hang_up(&house.says("dial-ended", &over).await), "{answered}");
        }
        assert_eq!((house.row().await.leg, house.row().await.dialing, house.jobs().await), (Leg::Person, None, vec![]));
    }
    for missed in ["no-answer", "busy", "failed", "canceled"] {
        let (house, _, _) = asked(Plan::new()).await;
        for _ in 0..2 {
            let over = [ONGOING, ("DialCallSid", "CA77"), ("DialCallStatus", missed)];
            assert!(is_voicemail(&house.says("dial-ended", &over).await), "{missed}");
        }
        messages(&house, 1).await;
        house.jobs_run().await;
        let missed = format!("ABC HVAC: nobody answered at {PERSON} for a caller from {CALLER}, Monday, November 23 at 9 AM.");
        assert_eq!(house.texts_to(OWNER), [missed]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hour_decides_who_is_dialled_and_a_message_is_taken_where_nobody_is() {
    let at_night = format!("to = \"{PERSON}\"\nhours = [\"10:00-21:00\"]");
    let cases = [
        (format!("to = \"{PERSON}\"\nhours = [\"08:00-21:00\"]\nafter_hours_to = \"{NIGHT}\""), Some(PERSON)),
        (format!("{at_night}\nafter_hours_to = \"{NIGHT}\""), Some(NIGHT)),
        (at_night, None),
        ("ring_seconds = 5".to_owned(), None),
    ];
    for (transfer, reached) in cases {
        let (house, sentence, twiml) = asked(with_transfer(&transfer)).await;
        if let Some(number) = reached {
            assert_eq!((sentence.as_str(), find(&twiml, "Number").text.as_str()), (THROUGH, number));
        } else {
            assert!(sentence == MESSAGE && is_voicemail(&twiml), "{sentence} {twiml}");
            assert_eq!(find(&twiml, "Record").attributes["action"], "https://book.example.com/twilio/voicemail");
            let call = house.row().await.vapi_call_id.unwrap().to_string();
            assert_eq!(said(&asks(&house, &call, "t2").await), MESSAGE);
            assert_eq!((house.row().await.leg, house.twilio.count(UPDATE), house.jobs().await), (Leg::Voicemail, 1, vec![]));
            let ended = house.says("connect-ended", &[ONGOING]).await;
            assert!(is_voicemail(&ended), "{ended}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_would_come_back_to_us_is_offered_to_leave_a_message() {
    for extra in [("ForwardedFrom", "(555) 123-9999"), ("From", PERSON), ("From", CALLED)] {
        let house = Plan::new().build().await;
        house.says("inbound", &[extra]).await;
        house.twilio.add_call(SID);
        let call = house.row().await.vapi_call_id.unwrap().to_string();
        let to = house.vapi(&json!({ "message": { "type": "transfer-destination-request", "call": { "id": call } } })).await;
        assert!(to.json()["error"].is_string(), "{extra:?}: {to:?}");
        assert_eq!(said(&asks(&house, &call, "t1").await), MESSAGE, "{extra:?}");
        assert!(is_voicemail(&told(&house)[0]), "{extra:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_back_from_the_persons_telephone_is_noticed_however_old_the_first_one_is() {
    let (house, call) = with_call(Plan::new()).await;
    house.clock.advance(Duration::from_mins(15));
    assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH);
    house.ring("CA2").await;
    house.twilio.add_call("CA2");
    let second = house.call("CA2").await.unwrap().vapi_call_id.unwrap().to_string();
    assert_eq!(said(&asks(&house, &second, "t1").await), MESSAGE);
    assert!(is_voicemail(&house.says("fallback", &[("CallSid", "CA3")]).await));
    house.clock.advance(Duration::from_mins(2));
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA4")]).await), "by now it is a conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_vapis_report_nor_the_end_of_its_stream_ends_a_call_that_is_put_through() {
    for report_first in [true, false] {
        let (house, _, twiml) = asked(Plan::new()).await;
        if report_first {
            house.vapi_ends("customer-ended-call").await;
        }
        for _ in 0..2 {
            assert_eq!(house.says("connect-ended", &[ONGOING]).await, twiml, "one dial, by whichever way Twilio hears of it");
        }
        if !report_first {
            house.vapi_ends("call.in-progress.twilio-completed-call").await;
        }
        house.status(&[ONGOING]).await;
        assert_eq!(house.row().await.leg, Leg::Person);
        assert!(is_voicemail(&house.says("dial-ended", &[ONGOING, ("DialCallStatus", "busy")]).await));
        house.status(&[("CallStatus", "completed")]).await;
        house.clock.advance(Duration::from_mins(1));
        house.jobs_run().await;
        assert_eq!((house.twilio.count(UPDATE), house.texts_to(CALLER).len(), house.alerts.requests().len()), (1, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_before_twilio_has_answered_us_gets_the_same_dial() {
    let (house, call) = with_call(Plan::new()).await;
    let held = house.twilio.hold(UPDATE);
    let asking = asks(&house, &call, "t1");
    let ending = async {
        held.reached(1).await;
        house.vapi_ends("assistant-forwarded-call").await;
        let ended = house.says("connect-ended", &[ONGOING]).await;
        held.release();
        ended
    };
    let (answer, ended) = tokio::join!(asking, ending);
    assert_eq!((said(&answer).as_str(), ended.as_str()), (THROUGH, told(&house)[0].as_str()));
    assert!(is_person(&ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_sip_the_end_of_the_assistants_leg_is_told_from_the_end_of_the_persons() {
    let house = Plan::new().set("VAPI_CONNECT", "sip").set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai").build().await;
    house.ring(SID).await;
    house.twilio.add_call(SID);
    let transport = json!({ "id": "call-1", "transport": { "callSid": SID }, "customer": { "number": CALLER } });
    let tool = json!([{ "id": "t1", "name": TRANSFER, "arguments": {} }]);
    house.clock.advance(Duration::from_secs(45));
    let asked = json!({ "message": { "type": "tool-calls", "toolCallList": tool, "call": transport } });
    assert_eq!(said(&house.vapi(&asked).await), THROUGH);
    let ended = |sid, status, seconds| [ONGOING, ("DialCallSid", sid), ("DialCallStatus", status), ("DialCallDuration", seconds)];
    let assistants = house.says("dial-ended", &ended("CA70", "completed", "44")).await;
    assert_eq!(assistants, told(&house)[0]);
    house.clock.advance(Duration::from_secs(30));
    assert!(is_hang_up(&house.says("dial-ended", &ended("CA71", "completed", "20")).await), "they have spoken");
    assert!(is_hang_up(&house.says("dial-ended", &ended("CA71", "completed", "20")).await));
    assert_eq!(house.jobs().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_limit_no_unspoken_wish_and_no_pause_holds_up_who_wants_a_person() {
    let rules = "[rules]\nrequire_spoken_intent = [\"book\"]\n[limits]\ntool_calls_per_call_per_minute = 1";
    let (house, call) = with_call(Plan::new().business(SLUG, &BUSINESS.replace("[limits]", rules))).await;
    let said_nothing =
        json!({ "type": "transcript", "role": "user", "transcriptType": "final", "transcript": "Hi.", "call": { "id": call } });
    house.vapi(&json!({ "message": said_nothing })).await;
    house.tool(&call, "c1", "checkAvailability", json!({ "serviceType": "repair", "requestedDate": "2026-11-24" })).await;
    ordered(&house, &["pause", SLUG]);
    assert_eq!(said(&asks(&house, &call, "t1").await), THROUGH);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_business_is_paused_a_running_call_is_put_through_with_the_next_tool_and_nothing_is_booked() {
    let (house, call) = with_call(Plan::new()).await;
    ordered(&house, &["pause", SLUG]);
    for id in ["t1", "t2"] {
        let answer = house.tool(&call, id, "bookAppointment", repair_by_sam("2026-11-24T08:00")).await;
        let sentence = "The business is taking its calls in person right now, so this was not done. The caller is being put through to a \
                        person.";
        assert!(answer.is_error() && said(&answer) == sentence, "{answer:?}");
    }
    assert!(is_person(&told(&house)[0]));
    assert_eq!((house.twilio.count(UPDATE), house.bookings().await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_known_after_a_caller_was_put_through_is_told_by_sms() {
    let (house, call) = with_call(Plan::new().set("TOOL_REPLY_BUDGET_MS", "1500")).await;
    let held = house.google.hold_after("events.insert");
    assert_eq!(said(&house.tool(&call, "t1", "bookAppointment", repair_by_sam("2026-11-24T08:00")).await), PENDING);
    assert_eq!(said(&asks(&house, &call, "t2").await), THROUGH);
    held.release();
    let messages: Vec<Value> = messages(&house, 1).await;
    assert!(messages[0]["to"] == CALLER && messages[0]["body"].as_str().unwrap().contains("You're booked"), "{messages:?}");
    assert_eq!(house.vapi.count("control"), 0);
}
