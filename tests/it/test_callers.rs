//! Trying the line out: what a test caller books stands like any other job, says what it is, and is gone after ten minutes,
//! unless a person has made something of it.

use std::time::Duration;

use ringbook::names::BookingState;
use ringbook::store::bookings::BookingRow;
use serde_json::json;

use crate::change_of_mind::{CANCEL, MOVE, to};
use crate::fakes::faults::Fault;
use crate::follow::last_cause;
use crate::house::{BUSINESS, CALLER, House, Plan, SAM, SLUG};
use crate::promises::{PENDING, come_to_rest, promises_kept, repair_by_sam, said, until, with};

const BOOK: &str = "bookAppointment";
const STRANGER: &str = "+15551112222";
const TEST_LASTS: Duration = Duration::from_mins(10);

fn plan() -> Plan {
    Plan::new().business(SLUG, &format!("test_callers = [\"{CALLER}\"]\n{BUSINESS}"))
}

/// Books a test, at eight with Sam.
async fn tried(house: &House) -> BookingRow {
    let sentence = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.starts_with("You're booked for repair on Tuesday, November 24 at 8 AM with Sam."), "{sentence}");
    house.bookings().await.remove(0)
}

fn title(house: &House) -> String {
    house.google.events(SAM)[0]["summary"].as_str().unwrap().to_owned()
}

async fn row(house: &House) -> BookingRow {
    house.bookings().await.remove(0)
}

/// Lets the ten minutes pass, and waits for what is then done.
async fn ended(house: &House, row: &BookingRow) {
    let key = format!("end_test/{}", row.id);
    house.clock.advance(TEST_LASTS);
    house.until("the test is over", async || house.job(&key).await.state == "done").await;
    house.jobs_run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_titled_holds_its_time_tells_nobody_and_is_gone_after_ten_minutes() {
    let house = plan().build().await;
    let test = tried(&house).await;
    assert_eq!(title(&house), "TEST HVAC repair - Dana Miller");
    let rival = repair_by_sam("2026-11-24T08:00");
    assert!(said(&house.tool_of(STRANGER, "call-2", "t1", BOOK, rival.clone()).await).contains("is already taken"));
    house.clock.advance(TEST_LASTS.saturating_sub(Duration::from_secs(1)));
    house.jobs_run().await;
    assert_eq!(promises_kept(&house).await.len(), 1, "not a moment sooner");
    house.clock.advance(Duration::from_secs(1));
    house.until("the test is over", async || row(&house).await.state == BookingState::Cancelled).await;
    house.jobs_run().await;
    assert_eq!(last_cause(&house, &test).await, "test_is_over");
    assert_eq!((house.google.events(SAM).len(), house.google.count("events.delete")), (0, 1));
    assert_eq!(house.twilio.messages(), Vec::<serde_json::Value>::new());
    assert!(said(&house.tool_of(STRANGER, "call-2", "t2", BOOK, rival).await).contains("You're booked"));
    assert_eq!(title(&house), "HVAC repair - Dana Miller");
    house.jobs_run().await;
    assert_eq!(house.texts_to(STRANGER).len(), 1, "a real booking is confirmed as ever");
    assert!(house.jobs().await.iter().filter(|job| job.key.starts_with("end_test/")).count() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_number_of_the_call_makes_a_test() {
    let house = plan().build().await;
    let dictated = with(repair_by_sam("2026-11-24T08:00"), &json!({ "customerPhone": CALLER }));
    for (caller, call) in [(STRANGER, "call-1"), ("anonymous", "call-2")] {
        let wish = with(
            dictated.clone(),
            &json!({ "scheduledDate": format!("2026-11-24T{}", if call == "call-1" { "08:00" } else { "15:00" }) }),
        );
        assert!(said(&house.tool_of(caller, call, "t1", BOOK, wish).await).contains("You're booked"));
    }
    assert!(house.google.events(SAM).iter().all(|event| event["summary"] == "HVAC repair - Dana Miller"));
    assert!(!house.jobs().await.iter().any(|job| job.key.starts_with("end_test/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_changes_a_test_like_any_appointment_and_nobody_is_written_to() {
    let house = plan().build().await;
    let test = tried(&house).await;
    let corrected = with(repair_by_sam("2026-11-24T08:00"), &json!({ "customerName": "Dana Mueller" }));
    assert!(said(&house.tool("call-1", "t2", BOOK, corrected).await).contains("I have changed the name to Dana Mueller."));
    assert_eq!(title(&house), "TEST HVAC repair - Dana Mueller");
    assert!(said(&house.tool("call-1", "t3", MOVE, to("2026-11-24T15:00")).await).contains("is now on"));
    ended(&house, &test).await;
    assert_eq!((promises_kept(&house).await.len(), house.google.events(SAM).len()), (0, 0), "at its new time");
    let again = said(&house.tool("call-2", "t1", BOOK, repair_by_sam("2026-11-25T08:00")).await);
    assert!(again.contains("You're booked"), "{again}");
    assert!(said(&house.tool("call-2", "t2", CANCEL, json!({})).await).contains("is cancelled"));
    let second = house.bookings().await.into_iter().find(|row| row.id != test.id).unwrap();
    ended(&house, &second).await;
    assert_eq!(last_cause(&house, &second).await, "cancelled");
    assert!(house.twilio.messages().is_empty() && house.google.events(SAM).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_whose_time_has_come_is_taken_out_like_any_other() {
    let business = BUSINESS.replacen("[limits]", "[rules]\nminimum_notice_minutes = 0\n[limits]", 1);
    let business = format!("test_callers = [\"{CALLER}\"]\n{business}");
    let house = Plan::new().business(SLUG, &business).at(time::macros::datetime!(2026-11-23 8:55 -5)).build().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-23T09:00")).await);
    let tried = row(&house).await;
    assert_eq!(title(&house), "TEST HVAC repair - Dana Miller");
    ended(&house, &tried).await;
    assert_eq!((row(&house).await.state, house.google.events(SAM).len()), (BookingState::Cancelled, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_made_of_a_test_is_respected() {
    let renamed = plan().build().await;
    let test = tried(&renamed).await;
    renamed.google.staff_renames(SAM, test.event_id.as_str(), "HVAC repair - Dana, for real");
    ended(&renamed, &test).await;
    assert_eq!((promises_kept(&renamed).await.len(), title(&renamed).as_str()), (1, "HVAC repair - Dana, for real"));

    let deleted = plan().build().await;
    let test = tried(&deleted).await;
    deleted.google.staff_deletes(SAM, test.event_id.as_str());
    ended(&deleted, &test).await;
    assert_eq!(row(&deleted).await.state, BookingState::Cancelled);
    assert_eq!((last_cause(&deleted, &test).await.as_str(), deleted.google.count("events.delete")), ("deleted_in_calendar", 0));

    let moved = plan().build().await;
    let test = tried(&moved).await;
    let three = time::macros::datetime!(2026-11-24 15:00 -5);
    moved.google.staff_moves(SAM, test.event_id.as_str(), three, three + time::Duration::HOUR);
    ended(&moved, &test).await;
    assert_eq!((moved.google.events(SAM).len(), last_cause(&moved, &test).await.as_str()), (0, "test_is_over"));
    assert_eq!(row(&moved).await.wall_clock, "2026-11-24 15:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_test_survives_a_restart_a_dead_calendar_and_the_caller_being_taken_from_the_list() {
    let mut house = plan().build().await;
    let test = tried(&house).await;
    house.crash().await;
    std::fs::write(house.folder.path().join("businesses").join(format!("{SLUG}.toml")), BUSINESS).unwrap();
    house.restart().await;
    house.google.fault_always("events.get", Fault::status(503, "backendError"));
    let key = format!("end_test/{}", test.id);
    house.clock.advance(TEST_LASTS);
    house.until("it was tried", async || house.job(&key).await.attempts >= 1).await;
    assert_eq!(row(&house).await.state, BookingState::Confirmed, "what cannot be seen is left alone");
    house.google.clear_faults();
    until(&house, "the end of the test", async || house.job(&key).await.state == "done").await;
    house.jobs_run().await;
    assert_eq!((row(&house).await.state, house.google.events(SAM).len()), (BookingState::Cancelled, 0));
    assert!(house.twilio.messages().is_empty(), "{:?}", house.twilio.messages());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_was_arranged_late_is_written_to_nobody_and_ends_all_the_same() {
    let house = plan().set("TOOL_REPLY_BUDGET_MS", "1500").build().await;
    house.google.fault_always("events.insert", Fault::status(500, "backendError"));
    assert_eq!(said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await), PENDING);
    house.google.clear_faults();
    come_to_rest(&house).await;
    let test = row(&house).await;
    assert_eq!((test.state, title(&house).as_str()), (BookingState::Confirmed, "TEST HVAC repair - Dana Miller"));
    ended(&house, &test).await;
    assert_eq!((row(&house).await.state, house.google.events(SAM).len()), (BookingState::Cancelled, 0));
    assert!(house.twilio.messages().is_empty(), "{:?}", house.twilio.messages());
}
