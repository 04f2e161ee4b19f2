//! A calendar that fails while an appointment is changed, people who edit it at the same moment, and a server that dies: every
//! answer is in time and true, and the ledger ends as the calendar shows.

use std::time::Duration;

use ringbook::names::BookingState;
use serde_json::json;
use time::macros::datetime;

use crate::change_of_mind::{CANCEL, MOVE, booked, to};
use crate::fakes::faults::Fault;
use crate::fakes::stage::{Gate, Moment};
use crate::faults::in_time;
use crate::house::{CALLER, House, SAM};
use crate::promises::{PENDING, come_to_rest, late_words, messages, promises_kept, said};

const EIGHT: &str = "2026-11-24T08:00";
const THREE: &str = "2026-11-24T15:00";

/// What is answered, and what the answer may then be about the time at which it stands.
fn is_true(sentence: &str, rows: &[ringbook::store::bookings::BookingRow]) -> bool {
    let at = |time: &str| rows.iter().any(|row| row.wall_clock == format!("2026-11-24 {time}"));
    if sentence.contains("is now on") {
        at("15:00")
    } else if sentence.contains("is cancelled") {
        rows.is_empty()
    } else {
        sentence == PENDING || (at("08:00") && (sentence.contains("not changed") || sentence.contains("stays on")))
    }
}

fn bad_answers() -> Vec<(&'static str, Fault)> {
    vec![
        ("403 forbidden", Fault::status(403, "forbidden")),
        ("429", Fault::Status { code: 429, reason: "rateLimitExceeded", retry_after: Some(60), html: false }),
        ("404", Fault::status(404, "notFound")),
        ("503", Fault::status(503, "backendError")),
        ("503 after it was done", Fault::StatusAfterCommit { code: 503, reason: "backendError", retry_after: None, html: false }),
        ("reset", Fault::ResetBeforeCommit),
        ("reset after it was done", Fault::ResetAfterCommit),
        ("half an answer", Fault::TruncatedAfterCommit),
        ("page with 200", Fault::Html200),
        ("hang", Fault::HangBeforeCommit),
        ("hang after it was done", Fault::HangAfterCommit),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_once_at_whatever_step_the_answer_is_true_and_in_time() {
    for (tool, steps) in
        [(MOVE, vec!["events.list", "events.patch", "events.get"]), (CANCEL, vec!["events.delete", "events.get"])]
    {
        for step in steps {
            for (name, fault) in bad_answers() {
                let house = House::new().await;
                booked(&house, CALLER, EIGHT).await;
                house.google.fault(step, fault);
                let arguments = if tool == MOVE { to(THREE) } else { json!({}) };
                let sentence = said(&in_time(house.tool("call-1", "t1", tool, arguments)).await);
                come_to_rest(&house).await;
                let rows = promises_kept(&house).await;
                assert!(is_true(&sentence, &rows), "{tool}, {name} at {step}: {sentence}; {rows:?}");
                if sentence == PENDING {
                    let told = messages(&house, 1).await[0]["body"].as_str().unwrap().to_owned();
                    let told = told.trim_start_matches("ABC HVAC: ").to_owned();
                    assert!(is_true(&told, &rows) || told.contains("stays on"), "{tool}, {name} at {step}: {told}; {rows:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_moves_or_deletes_the_event_in_that_instant_is_noticed_and_it_is_said() {
    for tool in [MOVE, CANCEL] {
        let step = if tool == MOVE { "events.patch" } else { "events.delete" };
        for deleted in [false, true] {
            let house = House::new().await;
            booked(&house, CALLER, EIGHT).await;
            let id = house.google.events(SAM)[0]["id"].as_str().unwrap().to_owned();
            house.google.on(step, Moment::Before, move |google| {
                if deleted {
                    google.staff_deletes(SAM, &id);
                } else {
                    google.staff_moves(SAM, &id, datetime!(2026-11-25 10:00 -5), datetime!(2026-11-25 12:00 -5));
                }
            });
            let arguments = if tool == MOVE { to(THREE) } else { json!({}) };
            let sentence = said(&in_time(house.tool("call-1", "t1", tool, arguments)).await);
            let rows = promises_kept(&house).await;
            match (tool, deleted) {
                (CANCEL, true) => assert!(sentence.contains("is cancelled") && rows.is_empty(), "{sentence}"),
                (_, true) => assert!(sentence.contains("out of the calendar") && rows.is_empty(), "{sentence}"),
                (_, false) => {
                    assert!(sentence.contains("now stands on Wednesday, November 25 at 10 AM"), "{tool}: {sentence}");
                    assert_eq!(rows[0].wall_clock, "2026-11-25 10:00");
                }
            }
            // The time that was held for the move is free again.
            let other = said(
                &house.tool_of("+15551112222", "call-2", "t1", "bookAppointment", crate::promises::repair_by_sam(THREE)).await,
            );
            assert!(other.contains("You're booked"), "{other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_a_person_changes_in_that_instant_stays_and_the_move_is_made() {
    let house = House::new().await;
    booked(&house, CALLER, EIGHT).await;
    let id = house.google.events(SAM)[0]["id"].as_str().unwrap().to_owned();
    house.google.on("events.patch", Moment::Before, move |google| google.staff_renames(SAM, &id, "Dana, second visit"));
    let sentence = said(&in_time(house.tool("call-1", "t1", MOVE, to(THREE))).await);
    assert!(sentence.contains("is now on Tuesday, November 24 at 3 PM"), "{sentence}");
    assert_eq!(house.google.events(SAM)[0]["summary"], "Dana, second visit");
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.patch")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_crash_cut_off_is_brought_to_its_end_after_the_restart() {
    for (tool, lands) in [(MOVE, true), (MOVE, false), (CANCEL, true), (CANCEL, false)] {
        let mut house = House::new().await;
        booked(&house, CALLER, EIGHT).await;
        let step = if tool == MOVE { "events.patch" } else { "events.delete" };
        house.google.fault(step, if lands { Fault::HangAfterCommit } else { Fault::HangBeforeCommit });
        {
            let arguments = if tool == MOVE { to(THREE) } else { json!({}) };
            let asking = std::pin::pin!(house.tool("call-1", "t1", tool, arguments));
            let arrived = std::pin::pin!(house.google.wait_for(step, 1));
            drop(futures_util::future::select(asking, arrived).await);
        }
        house.crash().await;
        let state = house.bookings().await[0].state;
        assert!(matches!(state, BookingState::Moving | BookingState::Cancelling), "{tool}: {state:?}");
        house.google.clear_faults();
        house.clock.advance(Duration::from_mins(2));
        house.restart().await;
        come_to_rest(&house).await;
        let rows = promises_kept(&house).await;
        let expected: &[&str] = match (tool, lands) {
            (MOVE, true) => &["2026-11-24 15:00"],
            // Nobody was told anything, so nothing is done any more.
            (MOVE, false) => &["2026-11-24 08:00"],
            _ => &[],
        };
        assert_eq!(rows.iter().map(|row| row.wall_clock.as_str()).collect::<Vec<_>>(), expected, "{tool}, {lands}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_takes_longer_than_its_caller_can_wait_is_told_once_by_sms() {
    let house = House::new().await;
    let code = booked(&house, CALLER, EIGHT).await;
    let gate = Gate::new();
    house.google.fault("events.patch", Fault::GateAfterCommit(gate.clone()));
    // Before it is changed the event is read; afterwards nobody can see what became of it.
    house.google.fault("events.get", Fault::Pass);
    for _ in 0..4 {
        house.google.fault("events.get", Fault::GateBeforeCommit(gate.clone()));
    }
    assert_eq!(said(&in_time(house.tool("call-1", "t1", MOVE, to(THREE))).await), PENDING);
    gate.release();
    come_to_rest(&house).await;
    let told = messages(&house, 1).await;
    let expected =
        format!("ABC HVAC: Your repair is now on Tuesday, November 24 at 3 PM with Sam. Your confirmation code is still {code}.");
    assert_eq!(told[0]["body"], expected);
    assert!(said(&house.tool("call-1", "t1", MOVE, to(THREE)).await).contains("3 PM"));
    house.clock.advance(Duration::from_hours(24));
    assert_eq!((late_words(&house).len(), promises_kept(&house).await.len()), (1, 1));
}
