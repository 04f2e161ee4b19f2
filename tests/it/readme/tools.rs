//! The tools of the assistant that is pushed are the ones that are answered, with the arguments that are asked for.

use ringbook::vapi::tools::Tool;
use serde_json::{Map, Value, json};

use super::page::file;
use crate::house::{House, Plan};
use crate::promises::said;
use crate::ringing::SID;
use crate::transfer::{THROUGH, TRANSFER, with_call};

/// Something sensible for each argument; each day and hour is open.
fn sample(argument: &str, day: u8) -> Value {
    match argument {
        "serviceType" => json!("repair"),
        "requestedDate" => json!(format!("2026-12-{day:02}")),
        "scheduledDate" => json!(format!("2026-12-{day:02}T09:00")),
        "timeWindow" => json!("morning"),
        "technician" => json!("Sam"),
        "customerName" => json!("Ana Ruiz"),
        "customerPhone" => json!("+15552223333"),
        "address" => json!("12 Elm Street"),
        "email" => json!("ana@example.com"),
        "reason" => json!("They want to speak with somebody."),
        "notes" => json!("The dog is friendly."),
        "confirmationId" => json!("AAAAAA"),
        other => panic!("the page has an argument {other} that nobody reads"),
    }
}

/// The `function` of each published tool.
fn published() -> Vec<Value> {
    let assistant: Value = serde_json::from_str(&file("assistant/receptionist.json")).unwrap();
    let tools = assistant["model"]["tools"].as_array().unwrap().iter().filter(|tool| tool["type"] == "function");
    let functions = tools.map(|tool| {
        assert_eq!(tool["async"], false, "a booking must be waited for");
        tool["function"].clone()
    });
    functions.collect()
}

fn required(tool: &Value) -> Vec<String> {
    let names = tool["parameters"]["required"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn arguments<'a>(names: impl IntoIterator<Item = &'a String>, day: u8) -> Value {
    Value::Object(names.into_iter().map(|name| (name.clone(), sample(name, day))).collect::<Map<_, _>>())
}

#[test]
fn the_published_tools_are_those_that_are_answered() {
    let published = published();
    let names: Vec<&str> = published.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, Tool::ALL.map(Tool::name));
    for tool in &published {
        // Vapi lets a tool misbehave silently whose description is longer.
        assert!(tool["description"].as_str().unwrap().len() < 1000);
        let properties = tool["parameters"]["properties"].as_object().unwrap();
        assert!(required(tool).iter().all(|name| properties.contains_key(name)), "{tool}");
    }
}

/// Whether it is about an appointment that the caller has already.
fn changes_a_mind(tool: &Value) -> bool {
    ["findAppointment", "cancelAppointment", "rescheduleAppointment"].contains(&tool["name"].as_str().unwrap())
}

#[tokio::test]
async fn a_change_of_mind_needs_no_more_than_is_required() {
    let house = House::new().await;
    let tools = published();
    let book = tools.iter().find(|tool| tool["name"] == "bookAppointment").unwrap();
    let booked = house.tool("call-1", "book", "bookAppointment", arguments(&required(book), 1)).await;
    assert!(!booked.is_error(), "{booked:?}");
    for name in ["findAppointment", "rescheduleAppointment", "cancelAppointment"] {
        let required = required(tools.iter().find(|tool| tool["name"] == name).unwrap());
        for left_out in &required {
            let some = arguments(required.iter().filter(|name| *name != left_out), 2);
            assert!(
                house.tool("call-1", &format!("{name}-{left_out}"), name, some).await.is_error(),
                "{name} without {left_out}"
            );
        }
        let answer = house.tool("call-1", name, name, arguments(&required, 2)).await;
        assert!(!answer.is_error(), "{name}: {}", answer.sentence());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_for_with_or_without_a_reason() {
    let tools = published();
    let tool = tools.iter().find(|tool| tool["name"] == TRANSFER).unwrap();
    for names in [required(tool), tool["parameters"]["properties"].as_object().unwrap().keys().cloned().collect()] {
        let (house, call) = with_call(Plan::new()).await;
        assert_eq!(said(&house.tool(&call, "t1", TRANSFER, arguments(&names, 1)).await), THROUGH);
        assert_eq!(house.twilio.call_updates(SID).len(), 1);
    }
}

#[tokio::test]
async fn required_arguments_are_enough_and_none_is_too_many() {
    let house = House::new().await;
    // The first of December 2026 is a Tuesday; each tool has a day for itself.
    for (tool, day) in published().iter().filter(|tool| !changes_a_mind(tool) && tool["name"] != TRANSFER).zip(1..) {
        let (name, required) = (tool["name"].as_str().unwrap(), required(tool));
        for left_out in &required {
            let some = arguments(required.iter().filter(|name| *name != left_out), day);
            let answer = house.tool("call-1", &format!("{name}-{left_out}"), name, some).await;
            assert!(answer.is_error(), "{name} without {left_out}: {}", answer.sentence());
        }
        assert_eq!(house.bookings().await.iter().filter(|row| row.call_id == name).count(), 0);
        let answer = house.tool(name, &format!("{name}-all"), name, arguments(&required, day)).await;
        assert!(!answer.is_error(), "{name}: {}", answer.sentence());
        assert_eq!(
            house.bookings().await.iter().filter(|row| row.call_id == name).count(),
            usize::from(name != "checkAvailability")
        );
    }
}

#[tokio::test]
async fn every_published_argument_is_understood() {
    let house = Plan::new().build().await;
    for (tool, day) in published().iter().filter(|tool| !changes_a_mind(tool) && tool["name"] != TRANSFER).zip(1..) {
        let (name, properties) = (tool["name"].as_str().unwrap(), tool["parameters"]["properties"].as_object().unwrap());
        let all: Vec<String> = properties.keys().cloned().collect();
        let answer = house.tool(name, "all", name, arguments(&all, day)).await;
        assert!(!answer.is_error(), "{name}: {}", answer.sentence());
        for window in properties.get("timeWindow").and_then(|window| window["enum"].as_array()).into_iter().flatten() {
            let mut asked = arguments(&required(tool), day + 6);
            asked["timeWindow"] = window.clone();
            let answer = house.tool(&format!("{name}-{window}"), "window", name, asked).await;
            assert!(!answer.is_error(), "{name} in the {window}: {}", answer.sentence());
        }
        for (argument, nonsense) in [("technician", "Nobody"), ("timeWindow", "teatime")] {
            if properties.contains_key(argument) {
                let mut asked = arguments(&required(tool), day + 6);
                asked[argument] = json!(nonsense);
                let answer = house.tool(name, argument, name, asked).await;
                assert!(answer.is_error(), "{name} reads {argument}: {}", answer.sentence());
            }
        }
    }
    let rows = house.bookings().await;
    let booked = rows.iter().find(|row| row.call_id == "bookAppointment").unwrap();
    assert_eq!((booked.technician.as_str(), booked.customer_phone.as_str()), ("sam", "+15552223333"));
    assert_eq!((booked.address.as_str(), booked.email.as_str()), ("12 Elm Street", "ana@example.com"));
    assert_eq!((booked.customer_name.as_str(), booked.notes.as_str()), ("Ana Ruiz", "The dog is friendly."));
}
