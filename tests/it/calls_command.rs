//! The list of recent calls: which are in it, what it shows of them, and which it holds for failed.

use std::time::Duration;

use ringbook::clock::Clock;
use serde_json::{Value, json};

use crate::house::{BUSINESS, House, Plan, SLUG, inbound};
use crate::orders::ordered;
use crate::program::{err, run};
use crate::promises::{repair_by_sam, said};
use crate::ringing::{SID, is_person};

const BOOK: &str = "bookAppointment";
/// Longer than the tests' clock can be behind.
const ALL: &str = "10000d";

fn calls(house: &House, more: &[&str]) -> Vec<Value> {
    let printed = ordered(house, &[&["calls", "--since", ALL, "--json"], more].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn names(calls: &[Value], field: &str) -> Vec<Value> {
    calls.iter().map(|call| call[field].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_listed_the_latest_first_with_four_digits_of_their_callers() {
    let house = House::new().await;
    assert_eq!(ordered(&house, &["calls"]), "No such calls.\n");
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    house.clock.advance(Duration::from_secs(125));
    assert!(said(&house.tool(&call, "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await).contains("You're booked"));
    house.vapi_ends("customer-ended-call").await;
    house.status(&[("CallStatus", "completed")]).await;
    house.twilio("/twilio/inbound", &inbound("CA2", "+15551112222")).await;
    let found = calls(&house, &[]);
    assert_eq!(names(&found, "call_sid"), ["CA2", SID]);
    assert_eq!(
        found[1],
        json!({ "call_sid": SID, "vapi_call_id": call, "business": SLUG, "started": "2026-11-23T09:00:00-05:00",
            "phone_ends": "4321", "seconds": 125, "ended_reason": "customer-ended-call", "bookings": 1, "voicemails": 0, "trouble": [] })
    );
    let table = ordered(&house, &["calls", "--since", ALL]);
    for part in ["2026-11-23 9 AM", "abc-hvac", "…4321", "2 min 5 s", "customer-ended-call", SID, "…2222"] {
        assert!(table.contains(part), "{part} in {table}");
    }
    assert!(!table.contains("555765") && !table.contains("555111"), "a number in full: {table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_found_by_business_by_last_digits_and_by_age() {
    let other = BUSINESS.replace("+15551230000", "+15554560000").replace("ABC HVAC", "Zed Plumbing").replace("@abc", "@zed");
    let three_hours_ago = Clock::System.now() - Duration::from_hours(3);
    let house = Plan::new().at(three_hours_ago).business("zed", &other).build().await;
    house.ring(SID).await;
    let form = [("CallSid", "CA2"), ("From", "+15551112222"), ("To", "+15554560000"), ("CallStatus", "ringing")];
    house.twilio("/twilio/inbound", &form).await;
    assert_eq!(names(&calls(&house, &["--business", "zed"]), "call_sid"), ["CA2"]);
    assert_eq!(names(&calls(&house, &["--phone-ends", "4321"]), "call_sid"), [SID]);
    assert_eq!(names(&calls(&house, &["--phone-ends", "9999"]), "call_sid"), [json!(null); 0]);
    assert_eq!(ordered(&house, &["calls", "--since", "2h"]), "No such calls.\n");
    assert!(ordered(&house, &["calls", "--since", "4h"]).contains(SID));
    assert!(ordered(&house, &["calls", "--since", "240m"]).contains(SID));
    let slip = run(house.folder.path(), &["calls", "--business", "zedd"], house.pairs());
    assert_eq!(slip.status.code(), Some(2));
    assert!(err(&slip).starts_with("--business: there is no business file zedd.toml in "), "{}", err(&slip));
}

/// Each kind of trouble in a call of its own, and one call that goes well.
#[tokio::test(flavor = "multi_thread")]
async fn failed_calls_are_those_with_an_error_a_fallback_a_silent_end_or_an_unfinished_booking() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "1000").build().await;
    house.ring(SID).await;
    house.status(&[("CallStatus", "completed")]).await;
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA2")]).await));
    assert!(house.tool("wrong", "t1", BOOK, json!({ "serviceType": "repair" })).await.is_error());
    assert!(said(&house.tool("right", "t1", BOOK, repair_by_sam("2026-11-25T08:00")).await).contains("You're booked"));
    let held = house.google.hold("events.insert");
    said(&house.tool_of("+15551112222", "unfinished", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    house.until("the error is noted", async || calls(&house, &["--failed"]).len() == 4).await;
    let failed = calls(&house, &["--failed"]);
    let trouble = |id: &str| {
        let call = failed.iter().find(|call| call["call_sid"] == id || call["vapi_call_id"] == id);
        call.map_or(json!("none"), |call| call["trouble"].clone())
    };
    assert_eq!(trouble(SID), json!(["silent end"]));
    assert_eq!(trouble("CA2"), json!(["fallback"]));
    assert_eq!(trouble("wrong"), json!(["error answer"]));
    assert_eq!(trouble("unfinished"), json!(["unfinished booking"]));
    assert_eq!(trouble("right"), json!("none"));
    held.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_not_known_is_said_in_one_sentence() {
    let house = House::new().await;
    let output = run(house.folder.path(), &["call", "CA404"], house.pairs());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("No call is named \"CA404\" here") && err(&output).lines().count() == 1, "{}", err(&output));
}
