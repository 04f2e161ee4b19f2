//! Look and insert go out together where the calendar answers well, and the event stays only where nobody else was seen.

use std::time::Duration;

use ringbook::names::BookingState;
use serde_json::json;

use crate::fakes::faults::Fault;
use crate::fakes::stage::Moment;
use crate::house::{ALEX, House, SAM};
use crate::promises::{DOWN, come_to_rest, late_words, promises_kept, repair_by_sam, said, when, with};

const BOOK: &str = "bookAppointment";
const EIGHT: time::OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 -5);

/// A house whose calendars have answered a moment ago, and are free.
async fn awake() -> House {
    let house = House::new().await;
    house.google.wait_for_done("events.sync", 2).await;
    said(&house.tool("call-0", "t0", "checkAvailability", when("2026-11-24")).await);
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn look_and_insert_go_out_together() {
    let house = awake().await;
    let (look, insert) = (house.google.hold("events.list"), house.google.hold("events.insert"));
    let both = async {
        tokio::join!(look.reached(1), insert.reached(1));
        assert!(house.bookings().await.iter().all(|row| row.state == BookingState::Inserting));
        look.release();
        insert.release();
    };
    let (answer, ()) = tokio::join!(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")), both);
    assert!(said(&answer).contains("You're booked"), "{answer:?}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_over_which_a_person_was_seen_is_taken_out_again() {
    let house = awake().await;
    house.google.on("events.list", Moment::Before, |google| drop(google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR)));
    // Even where the first deletion is lost.
    house.google.fault("events.delete", Fault::status(503, "backendError"));
    let answer = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(answer.contains("already taken") && answer.contains("I do have"), "{answer}");
    come_to_rest(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (0, 1));
    assert_eq!(house.google.events(SAM).len(), 1, "the person's own stays");
    assert!(late_words(&house).is_empty(), "nobody was promised anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_a_moment_ago_is_looked_at_before_anything_is_sent() {
    let house = House::new().await;
    house.google.wait_for_done("events.sync", 2).await;
    house.google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR);
    let question = with(when("2026-11-24"), &json!({ "technician": "Sam" }));
    assert!(!said(&house.tool("call-1", "t0", "checkAvailability", question).await).contains("8 AM"));
    let answer = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(answer.contains("already taken"), "{answer}");
    assert_eq!((house.google.count("events.insert"), house.google.count("events.delete")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_beside_an_insert_that_went_well_is_a_clear_no() {
    let house = awake().await;
    house.google.fault_always("events.list", Fault::status(503, "backendError"));
    let answer = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    assert!(answer.is_error() && said(&answer) == DOWN, "{answer:?}");
    come_to_rest(&house).await;
    assert_eq!((house.events().len(), promises_kept(&house).await.len()), (0, 0));
    house.google.clear_faults();
    let again = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "{again}");
    assert!(late_words(&house).is_empty() && house.google.events(ALEX).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_look_and_insert_confirms_nothing_that_nobody_has_looked_at() {
    let mut house = awake().await;
    let look = house.google.hold("events.list");
    let asking = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"));
    let dying = async {
        look.reached(1).await;
        house.google.wait_for_done("events.insert", 1).await;
    };
    tokio::select! { _ = asking => panic!("answered before anybody has looked"), () = dying => {} }
    house.crash().await;
    look.release();
    house.google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR);
    // By then nobody can still be at work on it.
    house.clock.advance(Duration::from_mins(2));
    house.restart().await;
    come_to_rest(&house).await;
    assert_eq!(promises_kept(&house).await.len(), 0, "a person has the time");
    assert_eq!(house.google.events(SAM).len(), 1);
}
