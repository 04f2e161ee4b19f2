//! The fakes of Vapi, Twilio's REST API and the alert sink are held to the facts.

use serde_json::{Value, json};

use crate::fakes::alerts::FakeAlerts;
use crate::fakes::faults::Fault;
use crate::fakes::twilio::{ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, FakeTwilio};
use crate::fakes::vapi::{API_KEY, FakeVapi};
use crate::fakes_google::answer;

const CALL: &str = "CA00000000000000000000000000000001";
const OURS: &str = "+15551230000";
const CALLER: &str = "+15551112222";

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn bypass(number: &str) -> Value {
    json!({"phoneNumberId": "pn-1", "phoneCallProviderBypassEnabled": true, "assistantId": "as-1", "customer": {"number": number},
        "assistantOverrides": {"variableValues": {}, "metadata": {"twilioCallSid": CALL}}})
}

async fn create(vapi: &FakeVapi, body: &Value) -> (u16, Value) {
    answer(client().post(format!("{}/call", vapi.url())).bearer_auth(API_KEY).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_gives_twiml_and_a_control_address_of_its_own_for_each_call() {
    let vapi = FakeVapi::start();
    let (status, one) = create(&vapi, &bypass(CALLER)).await;
    let (_, other) = create(&vapi, &bypass(CALLER)).await;
    assert_eq!(status, 201);
    let twiml = |call: &Value| call["phoneCallProviderDetails"]["twiml"].as_str().unwrap().to_owned();
    assert!(
        twiml(&one)
            .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"wss://example.vapi.ai/")
    );
    assert_ne!(twiml(&one), twiml(&other));
    assert!(one["monitor"]["controlUrl"].as_str().unwrap().starts_with(&vapi.url()));
    let id = one["id"].as_str().unwrap();
    let (status, shown) = answer(client().get(format!("{}/call/{id}", vapi.url())).bearer_auth(API_KEY)).await;
    assert_eq!((status, &shown["assistantOverrides"]["metadata"]["twilioCallSid"]), (200, &json!(CALL)));
    assert_eq!(answer(client().get(format!("{}/call/none", vapi.url())).bearer_auth(API_KEY)).await.0, 404);
    assert_eq!((vapi.calls().len(), vapi.count("call.create")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bypass_vapi_gives_no_twiml() {
    let vapi = FakeVapi::start();
    let mut body = bypass(CALLER);
    body["phoneCallProviderBypassEnabled"] = false.into();
    let (status, call) = create(&vapi, &body).await;
    assert_eq!((status, &call["phoneCallProviderDetails"]), (201, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_wants_its_private_key() {
    let vapi = FakeVapi::start();
    for key in ["", "vapi-public-key"] {
        let (status, body) = answer(client().post(format!("{}/call", vapi.url())).bearer_auth(key).json(&bypass(CALLER))).await;
        assert_eq!((status, &body["statusCode"], &body["error"]), (401, &json!(401), &json!("Unauthorized")));
    }
    assert!(vapi.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_checks_the_customers_number_unless_told_not_to() {
    let vapi = FakeVapi::start();
    for number in ["anonymous", "5551112222", "+0155511122", "+1 555 111 2222", "+1", ""] {
        let (status, body) = create(&vapi, &bypass(number)).await;
        assert_eq!((status, &body["statusCode"], &body["error"]), (400, &json!(400), &json!("Bad Request")), "{number}");
    }
    for (number, expected) in [("anonymous", 201), ("+266696687", 201), ("sip:a@b", 400), ("a b c", 400), ("ab", 400)] {
        let mut body = bypass(number);
        body["customer"]["numberE164CheckEnabled"] = false.into();
        assert_eq!(create(&vapi, &body).await.0, expected, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_refuses_a_call_without_assistant_or_number_and_long_names() {
    let vapi = FakeVapi::start();
    let changed = |field: &str, value: Value| {
        let mut body = bypass(CALLER);
        body[field] = value;
        body
    };
    let long_name = json!({"number": CALLER, "name": "n".repeat(41)});
    for body in [
        changed("assistantId", Value::Null),
        changed("assistant", json!({})),
        changed("phoneNumberId", Value::Null),
        changed("customer", long_name),
        json!("not an object"),
    ] {
        assert_eq!(create(&vapi, &body).await.0, 400, "{body}");
    }
    assert!(vapi.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_counts_assistants_that_are_made() {
    let vapi = FakeVapi::start();
    assert_eq!(vapi.count("assistant.create"), 0);
    assert_eq!(answer(client().post(format!("{}/assistant", vapi.url())).bearer_auth(API_KEY).json(&json!({}))).await.0, 201);
    assert_eq!(vapi.count("assistant.create"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_vapi_call_takes_control_messages_and_an_ended_one_does_not() {
    let vapi = FakeVapi::start();
    let (_, call) = create(&vapi, &bypass(CALLER)).await;
    let (id, address) = (call["id"].as_str().unwrap(), call["monitor"]["controlUrl"].as_str().unwrap());
    let say = json!({"type": "say", "content": "It is booked."});
    assert_eq!(answer(client().post(address).json(&say)).await.0, 200);
    vapi.wait_for("control", 1).await;
    assert_eq!(vapi.controls(id), std::slice::from_ref(&say));
    for odd in [json!({"type": "shout"}), json!({"type": "add-message", "message": {"role": "system", "content": ""}})] {
        assert_eq!(answer(client().post(address).json(&odd)).await.0, 400, "{odd}");
    }
    vapi.end_call(id, "customer-ended-call");
    assert_eq!(answer(client().post(address).json(&say)).await.0, 404);
    assert_eq!(answer(client().post(format!("{}/none/control", vapi.url())).json(&say)).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn vapi_fails_as_told() {
    let vapi = FakeVapi::start();
    vapi.fault("call.create", Fault::status(500, "out of order"));
    let (status, body) = create(&vapi, &bypass(CALLER)).await;
    assert_eq!((status, body), (500, json!({"message": "out of order", "error": "Internal Server Error", "statusCode": 500})));
    vapi.fault("call.create", Fault::no_twiml());
    let (status, body) = create(&vapi, &bypass(CALLER)).await;
    assert_eq!((status, &body["phoneCallProviderDetails"]), (201, &json!({})));
    vapi.fault("call.create", Fault::Html200);
    assert_eq!(create(&vapi, &bypass(CALLER)).await, (200, Value::Null));
    let held = vapi.hold("call.create");
    let (answered, ()) = tokio::join!(async { create(&vapi, &bypass(CALLER)).await.0 }, async {
        held.reached(1).await;
        held.release();
    });
    assert_eq!((answered, vapi.calls().len()), (201, 3));
}

fn twilio_post(twilio: &FakeTwilio, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let address = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/{path}", twilio.url());
    client().post(address).basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN)).form(form)
}

async fn text(twilio: &FakeTwilio, form: &[(&str, &str)]) -> (u16, Value) {
    answer(twilio_post(twilio, "Messages.json", form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn twilio_takes_a_message_from_a_number_of_the_account_or_a_service() {
    let twilio = FakeTwilio::start();
    twilio.add_number(OURS);
    let (status, message) = text(&twilio, &[("To", CALLER), ("From", OURS), ("Body", "Booked.")]).await;
    assert_eq!((status, &message["status"]), (201, &json!("queued")));
    let service = "MG00000000000000000000000000000001";
    assert_eq!(text(&twilio, &[("To", CALLER), ("MessagingServiceSid", service), ("Body", "Booked.")]).await.0, 201);
    twilio.wait_for_done("messages.create", 2).await;
    let sent: Vec<_> =
        twilio.messages().iter().map(|sent| (sent["from"].clone(), sent["messaging_service_sid"].clone())).collect();
    assert_eq!(sent, [(json!(OURS), Value::Null), (Value::Null, json!(service))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twilio_refuses_a_bad_message_with_its_own_code() {
    let twilio = FakeTwilio::start();
    twilio.add_number(OURS);
    let long = "é".repeat(1601);
    for (form, code) in [
        (vec![("From", OURS), ("Body", "x")], 21604),
        (vec![("To", "anonymous"), ("From", OURS), ("Body", "x")], 21211),
        (vec![("To", CALLER), ("Body", "x")], 21603),
        (vec![("To", CALLER), ("From", "+15550000000"), ("Body", "x")], 21606),
        (vec![("To", CALLER), ("MessagingServiceSid", "MG1"), ("Body", "x")], 21705),
        (vec![("To", CALLER), ("From", OURS)], 21602),
        (vec![("To", CALLER), ("From", OURS), ("Body", &long)], 21617),
    ] {
        let (status, body) = text(&twilio, &form).await;
        assert_eq!((status, &body["code"], &body["status"]), (400, &json!(code), &json!(400)));
        assert_eq!(body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    }
    assert_eq!(text(&twilio, &[("To", CALLER), ("From", OURS), ("Body", &"é".repeat(1600))]).await.0, 201);
    assert_eq!(twilio.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn twilio_refuses_messages_to_single_numbers_as_told() {
    let twilio = FakeTwilio::start();
    twilio.add_number(OURS);
    for code in [21211, 21608, 21610, 21614, 30034] {
        twilio.refuse_messages_to(CALLER, code);
        let (status, body) = text(&twilio, &[("To", CALLER), ("From", OURS), ("Body", "x")]).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)));
    }
    assert_eq!(text(&twilio, &[("To", "+15553334444"), ("From", OURS), ("Body", "x")]).await.0, 201);
    twilio.fault_in("messages.create", CALLER, Fault::Status { code: 429, reason: "20429", retry_after: Some(1), html: false });
    let (status, body) = text(&twilio, &[("To", CALLER), ("From", OURS), ("Body", "x")]).await;
    assert_eq!((status, &body["code"]), (429, &json!(20429)));
}

#[tokio::test(flavor = "multi_thread")]
async fn twilio_takes_the_auth_token_or_an_api_key() {
    let twilio = FakeTwilio::start();
    let numbers = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json", twilio.url());
    for (user, password, expected) in [
        (ACCOUNT_SID, AUTH_TOKEN, 200),
        (API_KEY_SID, API_KEY_SECRET, 200),
        (ACCOUNT_SID, API_KEY_SECRET, 401),
        (API_KEY_SID, AUTH_TOKEN, 401),
    ] {
        let (status, body) = answer(client().get(&numbers).basic_auth(user, Some(password))).await;
        assert_eq!(status, expected);
        assert!(status == 200 || body["code"] == 20003);
    }
    assert_eq!(answer(client().get(&numbers)).await.0, 401);
    let other = numbers.replace(ACCOUNT_SID, "AC00000000000000000000000000000009");
    assert_eq!(answer(client().get(other).basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn twilio_redirects_only_a_call_that_is_in_progress() {
    let twilio = FakeTwilio::start();
    let update = async |form: &[(&str, &str)]| answer(twilio_post(&twilio, &format!("Calls/{CALL}.json"), form)).await;
    let twiml = [("Twiml", "<Response><Hangup/></Response>")];
    assert_eq!(update(&twiml).await.0, 404);
    twilio.add_call(CALL);
    assert_eq!(update(&twiml).await.0, 200);
    assert_eq!(twilio.call_updates(CALL)[0]["Twiml"], "<Response><Hangup/></Response>");
    assert_eq!(update(&[("Twiml", &"x".repeat(4001))]).await.0, 400);
    assert_eq!(update(&[("Twiml", "x"), ("Url", "https://example.com")]).await.0, 400);
    assert_eq!(update(&[("Status", "bogus")]).await.0, 400);
    assert_eq!(update(&[]).await.0, 400);
    assert_eq!(update(&[("Status", "completed")]).await.1["status"], "completed");
    let (status, body) = update(&twiml).await;
    assert_eq!((status, &body["code"]), (400, &json!(21220)));
    twilio.add_call(CALL);
    twilio.end_call(CALL);
    assert_eq!(update(&twiml).await.0, 400);
    assert_eq!(twilio.call_updates(CALL).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twilio_number_is_found_and_pointed_here() {
    let twilio = FakeTwilio::start();
    let sid = twilio.add_number(OURS);
    twilio.add_number("+15551230001");
    let listed = async |query: &[(&str, &str)]| {
        let address = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json", twilio.url());
        answer(client().get(address).query(query).basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))).await.1["incoming_phone_numbers"]
            .clone()
    };
    assert_eq!(listed(&[("PhoneNumber", OURS)]).await[0]["sid"], sid.as_str());
    assert_eq!(listed(&[("PageSize", "1")]).await.as_array().unwrap().len(), 1);
    assert_eq!(listed(&[]).await.as_array().unwrap().len(), 2);
    let update =
        async |form: &[(&str, &str)]| answer(twilio_post(&twilio, &format!("IncomingPhoneNumbers/{sid}.json"), form)).await;
    assert_eq!(update(&[("VoiceUrl", "https://bridge_1.example/x")]).await.0, 400);
    let (status, shown) = update(&[("VoiceUrl", "https://bridge.example/x#rc=2"), ("VoiceMethod", "POST")]).await;
    assert_eq!((status, &shown["voice_url"]), (200, &json!("https://bridge.example/x#rc=2")));
    twilio.set_number(&sid, "trunk_sid", "TK1");
    assert_eq!(update(&[("VoiceApplicationSid", "AP1")]).await.1["trunk_sid"], "");
    assert_eq!(update(&[("TrunkSid", "TK1")]).await.1["voice_application_sid"], "");
    update(&[("TrunkSid", "")]).await;
    assert_eq!((&twilio.number(&sid)["trunk_sid"], &twilio.number(&sid)["voice_method"]), (&json!(""), &json!("POST")));
    assert_eq!(answer(twilio_post(&twilio, "IncomingPhoneNumbers/PN9.json", &[("VoiceUrl", "https://x.example")])).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alert_sink_collects_what_it_took() {
    let sink = FakeAlerts::start();
    sink.fault("alert", Fault::status(503, "busy"));
    let alert = json!({"id": "a1", "kind": "needs_reconnect", "business": "abc", "text": "…", "since": "2026-12-01T12:00:00Z"});
    let (refused, taken) =
        (answer(client().post(sink.url()).json(&alert)).await.0, answer(client().post(sink.url()).json(&alert)).await.0);
    assert_eq!((refused, taken), (503, 200));
    assert_eq!(answer(client().post(sink.url()).json(&json!(["no object"]))).await.0, 400);
    assert_eq!(answer(client().get(sink.url())).await.0, 405);
    sink.wait_for("alert", 3).await;
    assert_eq!(sink.alerts(), [alert]);
}
