//! The shapes in which tool calls arrive, several in one message, and everything a model may do to them.

use serde_json::{Value, json};

use crate::house::{BUSINESS, CALLED, CALLER, House, Plan, SLUG, tool_calls};
use crate::promises::{place, promises_kept, repair, repair_by_sam, said, speakable, when};

const BOOK: &str = "bookAppointment";

/// A message of tool calls in any shape.
fn message(lists: &Value) -> Value {
    let mut message = json!({ "type": "tool-calls", "call": { "id": "call-1", "customer": { "number": CALLER } }, "phoneNumber": { "number": CALLED } });
    message.as_object_mut().unwrap().extend(lists.as_object().unwrap().clone());
    json!({ "message": message })
}

fn sentence(entry: &Value) -> String {
    let sentence = entry["result"].as_str().or(entry["error"].as_str()).unwrap_or_else(|| panic!("{entry}"));
    speakable(sentence);
    sentence.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_a_tool_call_is_understood() {
    let wish = |number: usize| repair(&place(number));
    let nested = |id: &str, arguments: Value| json!({ "id": id, "type": "function", "function": { "name": BOOK, "arguments": arguments } });
    let shapes = [
        json!({ "toolCallList": [nested("t0", wish(0))] }),
        json!({ "toolCallList": [nested("t1", json!(wish(1).to_string()))] }),
        json!({ "toolCalls": [nested("t2", wish(2))] }),
        json!({ "toolCallList": [], "toolCalls": [nested("t3", wish(3))] }),
        json!({ "toolCallList": [{ "id": "t4", "name": BOOK, "arguments": wish(4) }] }),
        json!({ "toolCallList": [{ "id": "t5", "name": BOOK, "parameters": wish(5) }] }),
        json!({ "toolCallList": [{ "id": "t6", "function": { "name": BOOK, "parameters": wish(6).to_string() } }] }),
        json!({ "toolWithToolCallList": [{ "type": "function", "function": { "name": BOOK }, "toolCall": nested("t7", wish(7)) }] }),
        json!({ "toolWithToolCallList": [{ "function": { "name": BOOK }, "toolCall": { "id": "t8", "parameters": wish(8) } }] }),
        json!({ "toolWithToolCallList": [{ "name": BOOK, "toolCall": { "id": "t9", "arguments": wish(9) } }] }),
    ];
    let house = House::new().await;
    for (number, shape) in shapes.into_iter().enumerate() {
        let answer = house.vapi(&message(&shape)).await;
        let entry = &answer.json()["results"][0];
        assert_eq!((&entry["toolCallId"], &entry["name"]), (&json!(format!("t{number}")), &json!(BOOK)), "{shape}");
        assert!(sentence(entry).contains("You're booked"), "{shape}: {entry}");
        assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1);
    }
    assert_eq!(promises_kept(&house).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_its_envelope_is_understood_by_its_type() {
    let house = House::new().await;
    let bare = tool_calls(CALLER, "call-1", &[("t1", BOOK, repair("2026-11-24T08:00"))])["message"].clone();
    assert!(said(&house.vapi(&bare).await).contains("You're booked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tools_are_answered_in_their_order_each_id_once() {
    let house = House::new().await;
    let list = [
        ("a", "checkAvailability", when("2026-11-24")),
        ("b", BOOK, repair_by_sam("2026-11-24T08:00")),
        ("c", "launchRocket", json!({})),
        ("b", BOOK, repair_by_sam("2026-11-24T08:00")),
        ("d", "checkAvailability", when("not a date")),
        ("e", BOOK, repair_by_sam("2026-11-24T08:00")),
        ("f", "", json!(null)),
    ];
    let answer = house.vapi(&tool_calls(CALLER, "call-1", &list)).await;
    let results = answer.json()["results"].as_array().unwrap().clone();
    let ids: Vec<&str> = results.iter().map(|entry| entry["toolCallId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "b", "c", "d", "e", "f"]);
    assert!(sentence(&results[1]).contains("You're booked") && sentence(&results[4]) == sentence(&results[1]), "{results:?}");
    for unknown in [&results[2], &results[5]] {
        assert!(unknown["error"].as_str().unwrap().contains("no such function"), "{unknown}");
    }
    assert!(results[3]["error"].is_string() && results[0]["result"].is_string());
    assert_eq!(house.vapi(&tool_calls(CALLER, "call-1", &list)).await, answer);
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_gets_an_empty_list() {
    let house = House::new().await;
    for list in [json!({ "toolCallList": [] }), json!({}), json!({ "toolCallList": null })] {
        assert_eq!(house.vapi(&message(&list)).await.json(), json!({ "results": [] }), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_in_one_message_are_all_answered_and_a_model_in_circles_is_slowed() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "15000").build().await;
    let ids: Vec<String> = (0..100).map(|number| format!("t{number}")).collect();
    let list: Vec<(&str, &str, Value)> = ids.iter().map(|id| (id.as_str(), "checkAvailability", when("2026-11-24"))).collect();
    let answer = house.vapi(&tool_calls(CALLER, "call-1", &list)).await;
    let results = answer.json()["results"].as_array().unwrap().clone();
    let answered: Vec<&str> = results.iter().map(|entry| entry["toolCallId"].as_str().unwrap()).collect();
    assert_eq!(answered, ids.iter().map(String::as_str).collect::<Vec<_>>());
    let slowed = results.iter().filter(|entry| sentence(entry).contains("too much at once")).count();
    assert!((30..=40).contains(&slowed), "{slowed} of 100 were slowed where 60 a minute are allowed");
    assert!(results.iter().filter(|entry| entry["result"].is_string()).count() >= 60);
    let other = house.tool_of("+15551112222", "call-2", "t1", "checkAvailability", when("2026-11-24")).await;
    assert!(!other.is_error(), "another call is not slowed: {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repetitions_of_an_id_never_count_against_the_limit() {
    let business = BUSINESS.replace("[limits]", "[limits]\ntool_calls_per_call_per_minute = 2");
    let house = Plan::new().business(SLUG, &business).build().await;
    let first = house.tool("call-1", "t1", "checkAvailability", when("2026-11-24")).await;
    for _ in 0..5 {
        assert_eq!(house.tool("call-1", "t1", "checkAvailability", when("2026-11-24")).await, first);
    }
    assert!(!house.tool("call-1", "t2", "checkAvailability", when("2026-11-25")).await.is_error());
    let slowed = house.tool("call-1", "t3", BOOK, repair("2026-11-24T08:00")).await;
    assert!(slowed.is_error() && said(&slowed).contains("too much at once"), "{slowed:?}");
    assert!(house.bookings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_arguments_are_an_error_sentence_and_never_a_guess() {
    let house = House::new().await;
    let twice = "{\"message\":{\"type\":\"tool-calls\",\"call\":{\"id\":\"call-1\"},\"toolCallList\":[{\"id\":\"t1\",\"name\":\"bookAppointment\",\
                 \"arguments\":{\"serviceType\":\"repair\",\"customerName\":\"A\",\"customer_name\":\"B\",\"scheduledDate\":\"2026-11-24T08:00\",\
                 \"customerPhone\":\"+15555551234\"}}]}}";
    let answer = house
        .vapi_bytes(twice.as_bytes().to_vec(), crate::house::VAPI_SECRET, ringbook::vapi::signature::ProofChoice::Hmac)
        .await;
    assert!(answer.is_error() && said(&answer).contains("could not be read"), "{answer:?}");
    for (id, odd) in
        [("t2", json!({ "scheduledDate": ["2026-11-24T08:00"] })), ("t3", json!({ "serviceType": { "name": "repair" } }))]
    {
        let mut wish = repair("2026-11-24T08:00");
        wish.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        let answer = house.tool("call-1", id, BOOK, wish).await;
        assert!(answer.is_error(), "{odd}: {answer:?}");
        said(&answer);
    }
    assert!(house.bookings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_ids_come_back_exactly() {
    let house = House::new().await;
    let long = "x".repeat(300);
    for (number, id) in ["call_\"quoted\"", "id with spaces", "ünïcode", long.as_str()].into_iter().enumerate() {
        let answer = house.tool("call-1", id, BOOK, repair(&place(number))).await;
        assert_eq!(answer.json()["results"][0]["toolCallId"], id);
        assert!(said(&answer).contains("You're booked"), "{id}: {answer:?}");
    }
    let missing = house.vapi(&message(&json!({ "toolCallList": [{ "name": BOOK, "arguments": repair(&place(9)) }] }))).await;
    assert!(missing.json()["results"][0]["result"].as_str().unwrap().contains("You're booked"), "{missing:?}");
    assert_eq!(promises_kept(&house).await.len(), 5);
}
