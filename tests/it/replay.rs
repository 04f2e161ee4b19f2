//! Calls that were recorded are played again by the built program, against the server that had them and against others.

use futures_util::future::join_all;
use ringbook::names::Slug;
use ringbook::store::webhooks::Webhook;
use ringbook::vapi::message::Message;
use ringbook::vapi::signature::ProofChoice;
use serde_json::{Value, json};

use crate::house::{Answer, CALLER, House, Plan, SLUG, inbound, tool_calls};
use crate::program::{err, out, run};
use crate::promises::{confirmed, repair_by_sam, said, when};
use crate::ringing::SID;

const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";
const START: &str = "2026-11-24T08:00";

async fn recorded(house: &House, name: &str) -> Vec<Webhook> {
    let store = house.store().await;
    let webhooks = store.webhooks_of(name).await.unwrap();
    store.close().await;
    webhooks
}

async fn until_recorded(house: &House, count: i64) {
    house.until("the webhooks are recorded", async || house.grip().await.count("webhooks").await == count).await;
}

/// A caller who rings, asks, books and hangs up: five webhooks. What the booking was answered, and Vapi's name of the call.
async fn a_call(house: &House) -> (Answer, String) {
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    said(&house.tool(&call, "t1", CHECK, when("2026-11-24")).await);
    let booked = house.tool(&call, "t2", BOOK, repair_by_sam(START)).await;
    assert!(said(&booked).contains("You're booked"), "{booked:?}");
    house.reports(&call, "User: Thank you.").await;
    house.status(&[("CallStatus", "completed")]).await;
    until_recorded(house, 5).await;
    (booked, call)
}

/// What the program prints, and its exit code.
fn replay(house: &House, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(house.folder.path(), &[&["replay"], arguments].concat(), house.pairs());
    (output.status.code(), out(&output), err(&output))
}

/// The cells of the table's rows.
fn rows(printed: &str) -> Vec<Vec<String>> {
    let lines = printed.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    lines.map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_call_replayed_a_hundred_times_in_parallel_gets_the_same_answers_and_books_once() {
    let house = House::new().await;
    let (booked, call) = a_call(&house).await;
    let (calls_at_vapi, inserts) = (house.vapi.count("call.create"), house.google.count("events.insert"));
    for name in [SID, &call] {
        let (code, printed, errors) = replay(&house, &[name, "--to", &house.url, "--times", "100", "--parallel", "20"]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{printed}");
        let rows = rows(&printed);
        assert_eq!(rows.len(), 5, "one answer to each: {printed}");
        assert!(rows.iter().all(|row| row[4] == "100"), "{printed}");
        let statuses: Vec<(&str, &str)> = rows.iter().map(|row| (row[1].as_str(), row[3].as_str())).collect();
        let expected = [
            ("/twilio/inbound", "200"),
            ("tool-calls checkAvailability", "200"),
            ("tool-calls bookAppointment", "200"),
            ("end-of-call-report", "200"),
            ("/twilio/status", "204"),
        ];
        assert_eq!(statuses, expected, "{printed}");
        assert!(printed.contains(&booked.body), "{printed}");
    }
    assert_eq!((house.events().len(), confirmed(&house).await.len()), (1, 1));
    assert_eq!(house.vapi.count("call.create"), calls_at_vapi);
    assert_eq!(house.google.count("events.insert"), inserts);
    assert_eq!(recorded(&house, SID).await.len(), 5, "what is played again is not recorded again");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_takes_a_replayed_call_for_its_own_and_where_they_differ_is_shown() {
    let (house, mut other) = (House::new().await, House::new().await);
    a_call(&house).await;
    let (code, printed, errors) = replay(&house, &[SID, "--to", &house.url, "--against", &other.url]);
    assert_eq!(code, Some(1), "{printed}");
    // Another call at Vapi, another confirmation code.
    assert!(errors.contains("The two servers differ in 2 webhooks."), "{errors}");
    assert!(printed.contains("#1 /twilio/inbound is answered differently"), "{printed}");
    assert!(printed.contains("#3 tool-calls bookAppointment is answered differently"), "{printed}");
    assert!(!printed.contains("#2 tool-calls checkAvailability is answered differently"), "{printed}");
    assert_eq!((other.events().len(), confirmed(&other).await.len()), (1, 1));
    assert_eq!(other.grip().await.count("webhooks").await, 0);
    let (code, printed, errors) = replay(&house, &[SID, "--to", &house.url, "--against", &house.url]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{printed}");
    other.stop().await;
    let (code, printed, errors) = replay(&house, &[SID, "--to", &other.url]);
    assert_eq!((code, rows(&printed)[0][3].as_str()), (Some(1), "none"), "{printed}");
    assert!(errors.contains("5 of 5 webhooks were not answered"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_with_its_own_secrets_is_proven_by_them() {
    let plan = Plan::new().set("TWILIO_AUTH_TOKEN__ABC_HVAC", "own-token").set("VAPI_WEBHOOK_SECRET__ABC_HVAC", "own-secret");
    let house = plan.build().await;
    assert_eq!(house.twilio_signed("/twilio/inbound", &inbound(SID, CALLER), "own-token").await.status, 200);
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    let body = tool_calls(CALLER, &call, &[("t1", BOOK, repair_by_sam(START))]).to_string().into_bytes();
    let booked = house.vapi_bytes(body.clone(), "own-secret", ProofChoice::Hmac).await;
    assert!(said(&booked).contains("You're booked"), "{booked:?}");
    assert_eq!(house.vapi_bytes(body, "another", ProofChoice::Hmac).await.status, 401);
    until_recorded(&house, 2).await;
    let business = Slug::parse(SLUG);
    assert!(recorded(&house, SID).await.iter().all(|webhook| webhook.business == business), "and nothing unproven is there");
    let (code, printed, errors) = replay(&house, &[SID, "--to", &house.url]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{printed}");
    assert!(printed.contains(&booked.body), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_played_line_by_line_and_what_is_wrong_in_it_is_named() {
    let house = House::new().await;
    let write = |text: &str| std::fs::write(house.folder.path().join("call.jsonl"), text).unwrap();
    let ring = json!({ "path": "/twilio/inbound", "body": { "CallSid": SID, "From": CALLER, "To": "+15551230000", "CallStatus": "ringing" } });
    let text = tool_calls(CALLER, "call-7", &[("t1", BOOK, repair_by_sam(START))]).to_string();
    let book = json!({ "path": "/webhook/vapi", "body": text, "headers": { "User-Agent": "by hand" }, "business": SLUG });
    let end = json!({ "path": "/webhook/vapi", "body": { "message": { "type": "hang" } } });
    write(&format!("{ring}\n\n{book}\n{end}\n"));
    let (code, printed, errors) = replay(&house, &["call.jsonl", "--to", &house.url]);
    assert_eq!((code, errors.as_str(), rows(&printed).len()), (Some(0), "", 3), "{printed}");
    assert!(printed.contains("You're booked") && printed.contains("<Response>"), "{printed}");
    assert_eq!((confirmed(&house).await.len(), house.vapi.count("call.create")), (1, 1));
    let wrong = [
        (format!("{ring}\n{{}}\n"), "line 2"),
        (format!("{}\n", json!({ "path": "/healthz", "body": "" })), "neither /webhook/vapi nor one under /twilio/"),
        (format!("{}\n", json!({ "path": "/webhook/vapi", "body": 7 })), "its body is neither"),
        (format!("{}\n", json!({ "path": "/webhook/vapi", "body": "", "header": {} })), "unknown field"),
        ("\n".to_owned(), "holds no webhooks"),
    ];
    for (text, what) in wrong {
        write(&text);
        let (code, printed, errors) = replay(&house, &["call.jsonl", "--to", &house.url]);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{text}");
        assert!(errors.contains(what), "{what}: {errors}");
    }
    for (arguments, what) in [
        (vec!["CA99", "--to", &house.url], "no recorded call of that name"),
        (vec!["call.jsonl", "--to", "ftp://x"], "http:// or https://"),
        (vec!["call.jsonl", "--times", "0"], "--times"),
    ] {
        let (code, _, errors) = replay(&house, &arguments);
        assert!(code == Some(2) && errors.contains(what), "{arguments:?}: {errors}");
    }
}

/// A message with everything that a real one has and nobody may keep.
fn loaded(kind: &str, more: &Value) -> Value {
    let assistant = json!({ "id": "assistant-1", "metadata": { "business": SLUG, "other": "canary-1" }, "name": "canary-2",
        "model": { "messages": [{ "role": "system", "content": "canary-3" }] }, "credentialIds": ["canary-4"],
        "server": { "url": "https://x", "secret": "canary-5", "headers": { "authorization": "canary-6" } } });
    let mut message = json!({
        "type": kind, "timestamp": 1_728_393_715_369_u64, "assistant": assistant, "customer": { "number": CALLER, "name": "canary-7" },
        "phoneNumber": { "number": "+15551230000", "twilioAuthToken": "canary-8", "server": { "secret": "canary-9" } },
        "call": { "id": "call-1", "assistantId": "assistant-1", "phoneCallProviderId": SID, "customer": { "number": CALLER },
            "transport": { "callSid": SID, "forwardedFrom": "+15550001111", "accountSid": "canary-10" }, "assistant": assistant,
            "assistantOverrides": { "metadata": { "business": SLUG }, "variableValues": { "x": "canary-11" } },
            "monitor": { "controlUrl": "https://aws.vapi.ai/canary-12", "listenUrl": "wss://canary-13" } },
        "artifact": { "messages": [{ "role": "system", "message": "canary-14" }], "transcript": "User: Thanks.",
            "recording": { "stereoUrl": "https://s/stereo.wav" } },
        "messages": [{ "content": "canary-15" }], "conversation": [{ "content": "canary-16" }],
        "analysis": { "summary": "All is well.", "structuredData": "canary-17" },
        "toolWithToolCallList": [{ "type": "function", "name": BOOK, "server": { "secret": "canary-18" }, "messages": ["canary-19"],
            "function": { "name": BOOK, "parameters": { "description": "canary-20" } },
            "toolCall": { "id": "t1", "function": { "name": BOOK, "parameters": { "customerName": "Dana" } } } }],
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "message": message })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_holds_nothing_secret_and_all_that_is_read() {
    let house = House::new().await;
    let call =
        json!({ "id": "t1", "type": "function", "function": { "name": CHECK, "arguments": { "requestedDate": "2026-11-24" } } });
    let sent = [
        loaded("tool-calls", &json!({ "toolCallList": [call], "toolCalls": [call] })),
        loaded("tool-calls", &json!({})),
        loaded("function-call", &json!({ "functionCall": { "name": CHECK, "parameters": { "requestedDate": "2026-11-24" } } })),
        loaded("assistant-request", &json!({})),
        loaded("transfer-destination-request", &json!({})),
        loaded("transcript", &json!({ "role": "user", "transcriptType": "final", "transcript": "Hello." })),
        loaded("status-update", &json!({ "status": "ended", "endedReason": "customer-ended-call" })),
        loaded(
            "end-of-call-report",
            &json!({ "endedReason": "customer-ended-call", "startedAt": "2026-11-23T14:00:01.000Z", "cost": 0.125 }),
        ),
    ];
    for message in &sent {
        assert_eq!(house.vapi(message).await.status, 200, "{message}");
    }
    let form = [("CallToken", "canary-21"), ("CallerCity", "canary-22")];
    house.twilio("/twilio/inbound?x=canary-23", &[&inbound("CA2", CALLER)[..], &form].concat()).await;
    until_recorded(&house, 9).await;
    let kept = [recorded(&house, "call-1").await, recorded(&house, "CA2").await].concat();
    assert_eq!(kept.len(), 9);
    assert!(!format!("{kept:?}").contains("canary"), "{kept:?}");
    for (message, webhook) in sent.iter().zip(&kept) {
        let mut original = Message::read(message.to_string().as_bytes()).unwrap();
        // Whoever plays a call again must not speak in a running one.
        original.about.control_url = None;
        let again = Message::read(webhook.body.as_bytes()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{original:?}"));
        assert_eq!((webhook.path.as_str(), webhook.status), ("/webhook/vapi", 200));
    }
    assert_eq!((kept[8].path.as_str(), kept[8].headers.len()), ("/twilio/inbound", 1), "{:?}", kept[8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_with_nothing_to_play_again_are_not_recorded() {
    let house = House::new().await;
    for (kind, more) in [
        ("speech-update", json!({ "role": "user", "status": "started" })),
        ("transcript", json!({ "role": "user", "transcriptType": "partial", "transcript": "I wan" })),
        ("transcript", json!({ "role": "assistant", "transcriptType": "final", "transcript": "Hello!" })),
        ("conversation-update", json!({})),
        ("model-output", json!({ "output": "Hel" })),
        ("status-update", json!({ "status": "in-progress" })),
        ("transcript", json!({ "role": "user", "transcriptType": "final", "transcript": "I want a repair." })),
    ] {
        assert_eq!(house.vapi(&loaded(kind, &more)).await.status, 200);
    }
    // What was noted before the last of them was written before it.
    until_recorded(&house, 1).await;
    assert!(recorded(&house, "call-1").await[0].body.contains("I want a repair."));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proven_before_a_stop_is_recorded() {
    const MANY: usize = 300;
    let mut house = House::new().await;
    let said = loaded("transcript", &json!({ "role": "user", "transcriptType": "final", "transcript": "I want a repair." }));
    let answers = join_all((0..MANY).map(|_| house.vapi(&said))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    house.stop().await;
    assert_eq!(house.grip().await.count("webhooks").await, i64::try_from(MANY).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_webhooks_are_deleted_after_the_retention() {
    let mut house = Plan::new().set("RETENTION_DAYS", "3").build().await;
    house.ring(SID).await;
    until_recorded(&house, 1).await;
    house.clock.advance(std::time::Duration::from_hours(48));
    house.twilio("/twilio/inbound", &inbound("CA2", CALLER)).await;
    until_recorded(&house, 2).await;
    house.clock.advance(std::time::Duration::from_hours(25));
    house.restart().await;
    until_recorded(&house, 1).await;
    assert_eq!((recorded(&house, SID).await.len(), recorded(&house, "CA2").await.len()), (0, 1));
}
