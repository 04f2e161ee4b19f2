//! The doctor at Twilio and Vapi: every mistake that people make there is planted, found, and said with the way to mend it.

use std::time::Duration;

use serde_json::json;

use crate::clinic::{Clinic, Mistake, NUMBER_ID, each_is_found, mistake};
use crate::fakes::twilio::{ACCOUNT_SID, AUTH_TOKEN};
use crate::house::{BUSINESS, CALLED, CALLER};

const CONFIGURE: &str = "ringbook twilio configure --business abc-hvac";
const PUSH: &str = "ringbook assistant push --business abc-hvac";

const AT_THE_NUMBER: &[Mistake] = &[
    mistake(
        "the number is somebody else's",
        |it| it.business(&BUSINESS.replace(CALLED, "+15550001111")),
        "wrong",
        "twilio.number",
        &["does not own +15550001111", "TWILIO_ACCOUNT_SID__ABC_HVAC", "abc-hvac.toml"],
    ),
    mistake(
        "somebody worked at the number in Vapi's dashboard",
        |it| it.set_number("voice_url", "https://api.vapi.ai/twilio/inbound_call"),
        "wrong",
        "twilio.voice_url",
        &["asks https://api.vapi.ai/twilio/inbound_call", CONFIGURE],
    ),
    mistake(
        "the number still asks an old tunnel",
        |it| it.set_number("voice_url", "https://old.tunnel.example/twilio/inbound"),
        "wrong",
        "twilio.voice_url",
        &["old.tunnel.example", CONFIGURE],
    ),
    mistake("by GET", |it| it.set_number("voice_method", "GET"), "wrong", "twilio.voice_url", &["(GET)", CONFIGURE]),
    mistake(
        "without the tries again",
        |it| {
            let url = format!("{}/twilio/inbound", it.door.url);
            it.set_number("voice_url", &url);
        },
        "warning",
        "twilio.voice_url",
        &["in another way", CONFIGURE],
    ),
    mistake(
        "we may take longer than the number waits",
        |it| it.set("CONNECT_BUDGET_MS", "7000"),
        "wrong",
        "twilio.voice_url",
        &["waits 6000 ms", "CONNECT_BUDGET_MS is 7000 ms", CONFIGURE],
    ),
    mistake(
        "the number waits for less than we may take",
        |it| {
            let url = format!("{}/twilio/inbound#rc=2&tt=3000", it.door.url);
            it.set_number("voice_url", &url);
        },
        "wrong",
        "twilio.voice_url",
        &["waits 3000 ms", "CONNECT_BUDGET_MS is 5000 ms", CONFIGURE],
    ),
    mistake(
        "a SIP trunk",
        |it| it.set_number("trunk_sid", "TK77"),
        "wrong",
        "twilio.trunk_or_application",
        &["the SIP trunk TK77", CONFIGURE],
    ),
    mistake(
        "a TwiML application",
        |it| it.set_number("voice_application_sid", "AP88"),
        "wrong",
        "twilio.trunk_or_application",
        &["the TwiML application AP88", CONFIGURE],
    ),
    mistake(
        "no fallback",
        |it| it.set_number("voice_fallback_url", ""),
        "warning",
        "twilio.fallback_url",
        &["nothing", CONFIGURE],
    ),
    mistake(
        "no status callback",
        |it| it.set_number("status_callback", ""),
        "warning",
        "twilio.status_callback",
        &["nothing", CONFIGURE],
    ),
    mistake(
        "a number for SMS only",
        |it| it.house.twilio.set_capability(&it.sid, "voice", false),
        "wrong",
        "twilio.number",
        &["takes no calls", "Voice"],
    ),
    mistake(
        "a number without SMS",
        |it| it.house.twilio.set_capability(&it.sid, "sms", false),
        "warning",
        "twilio.sms",
        &["cannot send any", "TWILIO_MESSAGING_SERVICE_SID"],
    ),
    mistake("a trial", |it| it.house.twilio.set_account("Trial", "active"), "warning", "twilio.trial", &["trial", "Upgrade"]),
    mistake(
        "no balance",
        |it| it.house.twilio.set_account("Full", "suspended"),
        "wrong",
        "twilio.account",
        &["suspended", "balance"],
    ),
    mistake(
        "another account's token",
        |it| it.set("TWILIO_AUTH_TOKEN", "another-token"),
        "wrong",
        "twilio.account",
        &["does not take TWILIO_AUTH_TOKEN", "Twilio's console"],
    ),
    mistake(
        "an API key that was deleted",
        |it| {
            it.set("TWILIO_API_KEY_SID", "SK00000000000000000000000000000009");
            it.set("TWILIO_API_KEY_SECRET", "deleted");
        },
        "wrong",
        "twilio.number",
        &["the API key of TWILIO_API_KEY_SID"],
    ),
    mistake(
        "Twilio cannot be reached",
        |it| it.set("TWILIO_API_URL", "http://127.0.0.1:9"),
        "wrong",
        "twilio.account",
        &["cannot be asked", "TWILIO_API_URL"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_at_the_number_is_found() {
    each_is_found(AT_THE_NUMBER).await;
}

const AT_THE_ASSISTANT: &[Mistake] = &[
    mistake(
        "deleted",
        |it| it.house.vapi.assistants.remove(&it.assistant_id()),
        "wrong",
        "vapi.assistant",
        &["Vapi has no assistant", PUSH],
    ),
    mistake(
        "its tools ask an old tunnel",
        |it| {
            it.edit_assistant(|assistant| {
                assistant["model"]["tools"][1]["server"]["url"] = json!("https://old.tunnel.example/webhook/vapi");
            });
        },
        "wrong",
        "vapi.server_url",
        &["old.tunnel.example", PUSH],
    ),
    mistake(
        "a tool is async",
        |it| it.edit_assistant(|assistant| assistant["model"]["tools"][1]["async"] = json!(true)),
        "wrong",
        "vapi.tools",
        &["model.tools[bookAppointment].async", PUSH],
    ),
    mistake(
        "a tool is missing",
        |it| it.edit_assistant(|assistant| drop(assistant["model"]["tools"].as_array_mut().unwrap().pop())),
        "wrong",
        "vapi.tools",
        &["model.tools", PUSH],
    ),
    mistake(
        "another secret",
        |it| it.edit_assistant(|assistant| assistant["server"]["headers"]["X-Vapi-Secret"] = json!("of another day")),
        "wrong",
        "vapi.proof",
        &["VAPI_WEBHOOK_SECRET", PUSH],
    ),
    mistake(
        "Vapi gives up early",
        |it| it.edit_assistant(|assistant| assistant["model"]["tools"][1]["server"]["timeoutSeconds"] = json!(3)),
        "wrong",
        "vapi.timeout",
        &["Vapi waits 3 s", "4000 ms", PUSH],
    ),
    mistake(
        "we may take longer than Vapi waits",
        |it| it.set("TOOL_REPLY_BUDGET_MS", "12000"),
        "wrong",
        "vapi.timeout",
        &["Vapi waits 10 s", "12000 ms", PUSH],
    ),
    mistake(
        "we may take as long as Vapi waits but for the way",
        |it| it.set("TOOL_REPLY_BUDGET_MS", "9500"),
        "warning",
        "vapi.timeout",
        &["Vapi waits 10 s", "9500 ms", PUSH],
    ),
    mistake(
        "another greeting",
        |it| it.edit_assistant(|assistant| assistant["firstMessage"] = json!("Ahoy.")),
        "warning",
        "vapi.assistant",
        &["firstMessage", PUSH],
    ),
    mistake("the public key", |it| it.set("VAPI_API_KEY", "public"), "wrong", "vapi", &["private key", "API Keys"]),
    mistake(
        "an id that nobody has",
        |it| it.set("VAPI_ASSISTANT_ID", "assistant-of-nobody"),
        "wrong",
        "vapi.assistant",
        &["no assistant assistant-of-nobody", "take VAPI_ASSISTANT_ID out", PUSH],
    ),
    mistake(
        "a number that Vapi does not know",
        |it| it.house.vapi.numbers.remove(NUMBER_ID),
        "wrong",
        "vapi.phone_number",
        &["no number phone-number-1", "ringbook connect abc-hvac"],
    ),
    mistake(
        "another business's number",
        |it| it.house.vapi.numbers.put(NUMBER_ID, "+15550001111"),
        "warning",
        "vapi.phone_number",
        &["+15550001111", "VAPI_PHONE_NUMBER_ID__ABC_HVAC"],
    ),
    mistake(
        "only signatures, and no credential",
        |it| it.set("VAPI_WEBHOOK_AUTH", "hmac"),
        "wrong",
        "vapi.proof",
        &["no credential", "Add Custom Credential"],
    ),
    mistake(
        "Vapi is far away",
        |it| {
            it.house.vapi.latency(Duration::from_millis(700));
            it.set("CONNECT_BUDGET_MS", "600");
        },
        "wrong",
        "vapi.latency",
        &["CONNECT_BUDGET_MS is 600", "us-west-2"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_at_the_assistant_is_found() {
    each_is_found(AT_THE_ASSISTANT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_sender_is_not_registered_is_seen_by_what_became_of_its_messages() {
    let clinic = Clinic::sound().await;
    clinic.house.twilio.lose_messages_to(CALLER, 30_034);
    let url = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json", clinic.house.twilio.url());
    let sent = clinic.house.http.post(url).basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN));
    let sent = sent.form(&[("To", CALLER), ("From", CALLED), ("Body", "You're booked.")]).send().await.unwrap();
    assert_eq!(sent.status(), 201);
    let (code, findings) = clinic.findings();
    let sms = findings.iter().find(|finding| finding["id"] == "twilio.sms").unwrap();
    assert_eq!((code, sms["state"].as_str()), (Some(0), Some("warning")));
    assert!(sms["text"].as_str().unwrap().contains("30034") && sms["mend"].as_str().unwrap().contains("Regulatory Compliance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_makes_no_call_and_changes_nothing_outside() {
    let clinic = Clinic::sound().await;
    let (twilio, vapi) = (&clinic.house.twilio, &clinic.house.vapi);
    let changes = || {
        let twilio = ["messages.create", "calls.update", "numbers.update"].map(|call| twilio.count(call)).to_vec();
        let vapi = ["call.create", "assistant.create", "assistant.update", "number.create"].map(|call| vapi.count(call)).to_vec();
        [twilio, vapi].concat()
    };
    let before = changes();
    assert_eq!(clinic.findings().0, Some(0));
    assert_eq!(changes(), before);
    assert_eq!(vapi.count("call.create"), 0);
    assert!(clinic.house.events().is_empty());
    assert!(clinic.house.call("CAffffffffffffffffffffffffffffffff").await.is_none(), "no call is remembered");
}
