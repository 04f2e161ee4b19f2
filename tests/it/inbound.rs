//! The phone rings: whom the caller is connected to, by the three ways, and that it happens once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use ringbook::store::calls::Leg;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::vapi::API_KEY;
use crate::house::{BUSINESS, CALLER, House, Plan, SLUG};
use crate::ringing::{SID, find, is_assistant, is_person, names};
use crate::twiml::read;

/// A sentence with everything that XML forbids or escapes.
const ODD_NAME: &str = "client:\u{7}</Say><Dial>+19005550000</Dial>\u{fffe}é";

/// As Vapi might write it one day, down to the quotes.
const WITH_ACTION: &str = "<?xml version=\"1.0\"?>\n<Response>\n  <Connect action='https://vapi.example/done?a=1&amp;b=2'>\
                           <Stream url=\"wss://v/x\"/></Connect><!-- v --></Response>";

/// What the last `POST /call` asked of Vapi.
fn asked(house: &House) -> Value {
    house.vapi.requests_of("call.create").last().expect("Vapi was asked").json()
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_hands_the_call_to_vapi_and_returns_its_twiml_with_our_action() {
    let house = House::new().await;
    let twiml = house.says("inbound", &[]).await;
    let requests = house.vapi.requests();
    assert_eq!(requests.len(), 1, "one request, and never an assistant of its own for a call");
    let entry = &requests[0];
    assert_eq!((entry.request.verb.as_str(), entry.request.path.as_str()), ("POST", "/call"));
    assert_eq!(entry.request.bearer(), Some(API_KEY));
    let expected = json!({
        "phoneCallProviderBypassEnabled": true,
        "phoneNumberId": "phone-number-1",
        "assistantId": "assistant-1",
        "customer": { "number": CALLER },
        "assistantOverrides": {
            "metadata": { "business": SLUG, "twilioCallSid": SID },
            "variableValues": {
                "business_name": "ABC HVAC", "caller_number": CALLER, "caller_name": "", "next_appointment": "", "open_now": true,
                "call_sid": SID,
            },
        },
    });
    assert_eq!(entry.json(), expected);
    let call = &house.vapi.calls()[0];
    let theirs = call["phoneCallProviderDetails"]["twiml"].as_str().unwrap();
    let ours = "<Connect action=\"https://book.example.com/twilio/connect-ended\">";
    assert_eq!(twiml, theirs.replace("<Connect>", ours), "not one byte besides the action");
    let row = house.row().await;
    assert_eq!((row.leg, row.twiml.as_deref(), row.dialing), (Leg::Assistant, Some(twiml.as_str()), None));
    assert_eq!(row.vapi_call_id.unwrap().as_str(), call["id"]);
    assert_eq!(row.control_url.as_deref(), call["monitor"]["controlUrl"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_of_vapis_own_stays() {
    let house = House::new().await;
    house.vapi.fault("call.create", Fault::Altered(|call| call["phoneCallProviderDetails"]["twiml"] = WITH_ACTION.into()));
    assert_eq!(house.ring(SID).await.body, WITH_ACTION);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_is_told_who_calls_and_whether_somebody_works_now() {
    let house = House::new().await;
    let book = json!({ "serviceType": "repair", "scheduledDate": "2026-11-24T08:00", "customerName": "Dana Miller", "technician": "sam" });
    let booked = house.tool("earlier-call", "t1", "bookAppointment", book).await;
    assert!(!booked.is_error(), "{booked:?}");
    house.ring(SID).await;
    let told = asked(&house)["assistantOverrides"]["variableValues"].clone();
    assert_eq!((told["caller_name"].as_str(), told["open_now"].as_bool()), (Some("Dana Miller"), Some(true)));
    assert_eq!(told["next_appointment"], "repair on Tuesday, November 24 at 8 AM");
    house.clock.advance(Duration::from_hours(11));
    house.says("inbound", &[("CallSid", "CA2"), ("From", "+15550001111")]).await;
    let told = asked(&house)["assistantOverrides"]["variableValues"].clone();
    assert_eq!((told["open_now"].as_bool(), told["caller_name"].as_str()), (Some(false), Some("")), "8 PM is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_deliveries_at_once_and_later_ones_are_one_call_at_vapi_and_one_twiml() {
    let mut house = House::new().await;
    let held = house.vapi.hold("call.create");
    let deliveries = async {
        let deliveries = (0..20).map(|_| house.says("inbound", &[]));
        join_all(deliveries).await.into_iter().collect::<BTreeSet<String>>()
    };
    let release = async {
        held.reached(1).await;
        held.release();
    };
    let (mut answers, ()) = tokio::join!(deliveries, release);
    answers.insert(house.says("inbound", &[("CallStatus", "in-progress"), ("New", "1")]).await);
    house.restart().await;
    answers.insert(house.says("inbound", &[]).await);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| is_assistant(answer)));
    assert_eq!(house.vapi.count("call.create"), 1);
    house.ring("CA00000000000000000000000000000002").await;
    assert_eq!(house.vapi.count("call.create"), 2, "another call is another call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_claimed_before_a_crash_is_put_through_and_not_connected_twice() {
    let mut house = House::new().await;
    house.with_call(SID, None).await;
    house.restart().await;
    // Nobody else can be at it any more.
    house.clock.advance(Duration::from_secs(15));
    let first = house.says("inbound", &[]).await;
    assert!(is_person(&first), "{first}");
    assert_eq!(house.says("inbound", &[]).await, first);
    assert_eq!((house.vapi.requests().len(), house.row().await.leg), (0, Leg::Person));
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_connects_by_the_address_of_the_assistant_without_asking_vapi() {
    let house = Plan::new().set("VAPI_CONNECT", "stream").set("VAPI_STREAM_URL", "wss://audio.example/in/").build().await;
    let twiml = house.says("inbound", &[]).await;
    assert_eq!(names(&twiml), ["Response", "Connect", "Stream", "Parameter", "Parameter"]);
    assert_eq!(find(&twiml, "Connect").attributes["action"], "https://book.example.com/twilio/connect-ended");
    assert_eq!(find(&twiml, "Stream").attributes["url"], "wss://audio.example/in/assistant-1");
    let parameters: Vec<(String, String)> = read(&twiml)
        .into_iter()
        .filter(|element| element.name == "Parameter")
        .map(|element| (element.attributes["name"].clone(), element.attributes["value"].clone()))
        .collect();
    assert_eq!(parameters, [("callId".into(), SID.into()), ("customerPhone".into(), CALLER.into())]);
    assert_eq!((house.vapi.requests().len(), house.row().await.leg), (0, Leg::Assistant));
    assert_eq!(house.says("inbound", &[]).await, twiml);
}

#[tokio::test(flavor = "multi_thread")]
async fn sip_dials_the_assistant_with_the_call_and_the_caller_in_headers() {
    let plan = Plan::new().set("VAPI_CONNECT", "sip").set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai;edge=frankfurt");
    let house = plan.build().await;
    let twiml = house.says("inbound", &[]).await;
    assert_eq!(names(&twiml), ["Response", "Dial", "Sip"]);
    let dial = find(&twiml, "Dial").attributes;
    assert_eq!(
        (dial["answerOnBridge"].as_str(), dial["action"].as_str()),
        ("true", "https://book.example.com/twilio/dial-ended")
    );
    let uri = format!("sip:front-desk@sip.vapi.ai;edge=frankfurt?x-call-sid={SID}&x-customer-phone=%2B15557654321");
    assert_eq!(find(&twiml, "Sip").text, uri);
    assert_eq!((house.vapi.requests().len(), house.row().await.leg), (0, Leg::Assistant));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_withhold_their_number_or_have_an_odd_one_are_connected() {
    let odd = ["anonymous", "+266696687", "client:x", "sip:bob@pbx.example", "", "unknown", ODD_NAME];
    for mode in ["bypass", "stream", "sip"] {
        let plan = Plan::new().set("VAPI_CONNECT", mode).set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai");
        let house = plan.build().await;
        for (number, from) in odd.iter().enumerate() {
            let sid = format!("CA0000000000000000000000000000000{number}");
            let twiml = house.says("inbound", &[("CallSid", &sid), ("From", from), ("Caller", from)]).await;
            let verbs = names(&twiml);
            let expected: &[&str] = match mode {
                "bypass" => &["Response", "Connect", "Stream"],
                "stream" => &["Response", "Connect", "Stream", "Parameter", "Parameter"],
                _ => &["Response", "Dial", "Sip"],
            };
            assert_eq!(verbs, expected, "{mode} {from:?}: {twiml}");
            if mode == "bypass" {
                let told = asked(&house)["assistantOverrides"]["variableValues"]["caller_number"].clone();
                assert_eq!(told, "", "what is no number is not told as one: {from:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_is_given_a_customer_that_it_takes_whatever_the_caller_is_called() {
    let house = House::new().await;
    let named = |name: &str| json!({ "number": name, "numberE164CheckEnabled": false });
    let cases = [
        ("anonymous", named("anonymous")),
        ("+266696687", named("anonymous")),
        ("client:x", named("clientx")),
        ("sip:bob@pbx.example", named("sipbobpbxexample")),
    ];
    for (from, customer) in cases {
        let twiml =
            house.says("inbound", &[("CallSid", &format!("CA-{from}").replace(['+', ':', '@'], "-")), ("From", from)]).await;
        assert!(is_assistant(&twiml), "{twiml}");
        assert_eq!(asked(&house)["customer"], customer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_served_and_an_unowned_number_says_so() {
    let house = House::new().await;
    assert!(is_assistant(&house.says("inbound", &[("NewIn2027", "</Response>"), ("CallToken", ""), ("StirVerstat", "x")]).await));
    for to in ["+15550000000", "", "sip:x@y", "client:z"] {
        for route in ["inbound", "connect-ended", "dial-ended", "fallback"] {
            let twiml = house.says(route, &[("CallSid", "CA2"), ("To", to), ("CallStatus", "in-progress")]).await;
            assert_eq!(names(&twiml), ["Response", "Say", "Hangup"]);
            assert_eq!(find(&twiml, "Say").text, "This number is not set up yet. Goodbye.", "{route} {to:?}");
        }
    }
    assert_eq!(house.vapi.count("call.create"), 1);
    assert!(house.call("CA2").await.is_none());
    for sid in ["", "CA 1"] {
        assert!(is_person(&house.says("inbound", &[("CallSid", sid)]).await), "a call without a name is put through: {sid:?}");
    }
    assert_eq!(house.vapi.count("call.create"), 1, "it could not be told from its own repetition");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_callers_are_not_answered_and_some_go_straight_to_a_person() {
    let callers = "[callers]\nblock = [\"+15550001111\"]\nstraight_to_person = [\"+15557654321\"]\n[hours]";
    let house = Plan::new().business(SLUG, &BUSINESS.replace("[hours]", callers)).build().await;
    let straight = house.says("inbound", &[]).await;
    assert!(is_person(&straight), "{straight}");
    assert_eq!(house.says("inbound", &[]).await, straight);
    for _ in 0..2 {
        let blocked = house.says("inbound", &[("CallSid", "CA2"), ("From", "+15550001111")]).await;
        assert_eq!(names(&blocked), ["Response", "Reject"]);
    }
    assert_eq!(house.vapi.requests().len(), 0);
}
