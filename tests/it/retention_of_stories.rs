//! How long the stories of calls are kept, and how a report is come by that did not come by itself.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::house::{House, Plan};
use crate::promises::{confirmed, repair_by_sam, said};
use crate::ringing::SID;

const BOOK: &str = "bookAppointment";
const DAY: Duration = Duration::from_hours(24);

/// How many rows there are of each thing that is not kept for ever.
async fn rows(house: &House) -> [i64; 3] {
    let mut grip = house.grip().await;
    [grip.count("reports").await, grip.count("tool_traces").await, grip.count("deliveries").await]
}

async fn books(house: &House, call: &str, start: &str) {
    assert!(said(&house.tool(call, "t1", BOOK, repair_by_sam(start)).await).contains("You're booked"));
    house.reports(call, "User: Thank you.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stories_older_than_the_retention_are_deleted_and_bookings_stay() {
    let mut house = Plan::new().set("RETENTION_DAYS", "3").build().await;
    books(&house, "call-1", "2026-11-25T08:00").await;
    house.until("the first is noted", async || rows(&house).await == [1, 1, 1]).await;
    house.clock.advance(2 * DAY);
    books(&house, "call-2", "2026-11-26T08:00").await;
    house.until("the second is noted", async || rows(&house).await == [2, 2, 2]).await;
    house.clock.advance(DAY + Duration::from_mins(1));
    // At its start a server looks for what is too old.
    house.restart().await;
    house.until("the first is deleted", async || rows(&house).await == [1, 1, 1]).await;
    assert_eq!(house.story("call-1")["transcript"], json!(null));
    assert_eq!(house.story("call-2")["transcript"], json!("User: Thank you."));
    assert_eq!(house.story("call-1")["bookings"].as_array().unwrap().len(), 1);
    assert_eq!(confirmed(&house).await.len(), 2);
}

async fn over(house: &House) -> (String, Value) {
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    let known = json!({ "status": "ended", "endedReason": "customer-ended-call", "cost": 0.05,
        "startedAt": "2026-11-23T14:00:00Z", "endedAt": "2026-11-23T14:01:00Z", "artifact": { "transcript": "User: Never mind." } });
    house.vapi.tell_of_call(&call, &known);
    house.status(&[("CallStatus", "completed")]).await;
    (call, known)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_never_came_is_fetched_some_minutes_after_the_end() {
    let house = House::new().await;
    let (call, _) = over(&house).await;
    house.clock.advance(Duration::from_mins(4));
    house.jobs_run().await;
    assert_eq!(house.vapi.count("call.get"), 0, "Vapi is given its time");
    house.vapi.fault("call.get", Fault::status(503, "down"));
    house.clock.advance(Duration::from_mins(2));
    house.has_failed_once(&format!("report/{call}")).await;
    house.clock.advance(Duration::from_mins(1));
    house.until("it is kept", async || rows(&house).await[0] == 1).await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    let story = house.story(&call);
    assert_eq!((&story["transcript"], &story["cost_usd"]), (&json!("User: Never mind."), &json!(0.05)));
    assert_eq!(story["ended_reason"], "customer-ended-call");
    assert_eq!(house.vapi.count("call.get"), 2, "once it has come nobody asks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_came_is_not_fetched() {
    let house = House::new().await;
    let (call, _) = over(&house).await;
    house.reports(&call, "User: Thank you.").await;
    house.reports(&call, "User: Said later.").await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!((house.vapi.count("call.get"), rows(&house).await[0]), (0, 1));
    assert_eq!(house.story(&call)["transcript"], json!("User: Thank you."), "the first stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_call_that_never_rang_here_makes_its_call() {
    let house = House::new().await;
    house.reports("vapis-own-number", "User: Hello.").await;
    house.until("the call is kept", async || !house.story_is_missing("vapis-own-number")).await;
    let story = house.story("vapis-own-number");
    assert_eq!((&story["from"], &story["transcript"]), (&json!("+15557654321"), &json!("User: Hello.")));
}
