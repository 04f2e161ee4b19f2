//! The look back after a booking: an entry that a person made between our look and our answer is never undone by us, and the
//! business hears of it, once. Nothing that Google has to tell arrives in these houses, unless it is said.

use std::time::Duration;

use ringbook::clock::epoch_ms;
use ringbook::store::bookings::BookingRow;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::stage::Moment;
use crate::follow::{EIGHT, booked, booked_at_eight, followed, followed_but_deaf, inserted};
use crate::house::{House, Plan, SAM};
use crate::promises::{late_words, promises_kept, until, with};
use crate::ringing::OWNER;

const HOUR: time::Duration = time::Duration::HOUR;
/// A look back is due so long after the confirmation; no calendar is read again by itself as soon as that.
const DUE: Duration = Duration::from_secs(5);

/// The job that looks back at a booking that was confirmed now.
fn job_of(house: &House, row: &BookingRow) -> String {
    format!("look_back/{}/{}", row.id, epoch_ms(house.clock.now()))
}

/// Lets the look back at this booking, which has just been made, happen, and what follows from it.
pub async fn looked_back(house: &House, row: &BookingRow) {
    let key = job_of(house, row);
    house.clock.advance(DUE);
    house.until("it was looked back", async || house.job(&key).await.state == "done").await;
    house.jobs_run().await;
}

/// Puts this into Sam's calendar in the instant after the next look, when our own event is not there yet.
fn somebody_adds_in_between(house: &House, entry: Value) {
    house.google.on("events.list", Moment::After, move |google| drop(google.staff_adds_event(SAM, &entry)));
}

fn at_nine() -> Value {
    json!({ "start": { "dateTime": "2026-11-24T09:00:00-05:00" }, "end": { "dateTime": "2026-11-24T10:00:00-05:00" } })
}

fn every_week() -> Value {
    json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
            "start": { "dateTime": "2026-11-17T09:30:00-05:00", "timeZone": "America/New_York" },
            "end": { "dateTime": "2026-11-17T10:30:00-05:00", "timeZone": "America/New_York" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_made_between_the_look_and_the_answer_is_told_and_the_job_stays() {
    for (entry, told) in [
        (at_nine(), "An entry in the calendar on Tuesday, November 24 at 9 AM overlaps repair for Dana Miller with Sam"),
        (every_week(), "An entry in the calendar on Tuesday, November 24 at 9:30 AM overlaps repair for Dana Miller with Sam"),
        (json!({ "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" } }), "overlaps repair for Dana Miller"),
    ] {
        let house = followed_but_deaf(Plan::new()).await;
        somebody_adds_in_between(&house, entry);
        let row = booked_at_eight(&house).await;
        looked_back(&house, &row).await;
        let texts = house.texts_to(OWNER);
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains(told) && texts[0].contains("The job is still booked."), "{texts:?}");
        assert_eq!((promises_kept(&house).await.len(), inserted(&house), house.google.count("events.delete")), (1, 1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_beside_nobody_costs_one_more_question_and_tells_nobody() {
    let house = followed_but_deaf(Plan::new()).await;
    let free = json!({ "transparency": "transparent" });
    house.google.staff_adds_event(SAM, &with(at_nine(), &free));
    house.google.staff_adds(SAM, EIGHT + HOUR * 2, EIGHT + HOUR * 3);
    let row = booked_at_eight(&house).await;
    let asked = house.google.requests().len();
    looked_back(&house, &row).await;
    assert_eq!((house.google.requests().len(), house.google.count("events.list")), (asked + 1, 2));
    assert!(late_words(&house).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_told_once_whoever_finds_it_first() {
    let house = followed().await;
    somebody_adds_in_between(&house, at_nine());
    let row = booked_at_eight(&house).await;
    let key = job_of(&house, &row);
    house.until("the followers have told it", async || house.texts_to(OWNER).len() == 1).await;
    house.clock.advance(DUE);
    house.until("it was looked back", async || house.job(&key).await.state == "done").await;
    house.jobs_run().await;
    assert_eq!((house.texts_to(OWNER).len(), house.google.count("events.list")), (1, 2));

    let deaf = followed_but_deaf(Plan::new()).await;
    somebody_adds_in_between(&deaf, at_nine());
    let row = booked_at_eight(&deaf).await;
    looked_back(&deaf, &row).await;
    let read = deaf.google.count("events.sync");
    deaf.clock.advance(Duration::from_mins(2));
    deaf.google.wait_for_done("events.sync", read + 2).await;
    deaf.jobs_run().await;
    assert_eq!(deaf.texts_to(OWNER).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_job_that_a_person_put_there_is_no_entry_of_somebody_else() {
    let house = followed_but_deaf(Plan::new()).await;
    let second = booked(&house, "+15551112222", "2026-11-24T12:30").await;
    let row = booked_at_eight(&house).await;
    house.google.staff_moves(SAM, second.event_id.as_str(), EIGHT + HOUR, EIGHT + HOUR * 3);
    looked_back(&house, &row).await;
    assert!(late_words(&house).is_empty(), "{:?}", late_words(&house));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_back_that_google_fails_is_made_again_after_a_restart_too() {
    let mut house = followed_but_deaf(Plan::new()).await;
    somebody_adds_in_between(&house, every_week());
    let row = booked_at_eight(&house).await;
    let key = job_of(&house, &row);
    for fault in [Fault::status(503, "backendError"), Fault::ResetBeforeCommit] {
        house.google.fault("events.list", fault);
    }
    house.clock.advance(DUE);
    house.until("it failed", async || house.job(&key).await.attempts == 1 && house.job(&key).await.due_in_ms == 2_000).await;
    house.restart().await;
    assert!(house.texts_to(OWNER).is_empty());
    house.clock.advance(Duration::from_secs(2));
    house
        .until("it failed again", async || house.job(&key).await.attempts == 2 && house.job(&key).await.due_in_ms == 4_000)
        .await;
    house.clock.advance(Duration::from_secs(4));
    house.until("it was looked back", async || house.job(&key).await.state == "done").await;
    house.jobs_run().await;
    assert_eq!(house.texts_to(OWNER).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_back_that_google_never_answers_is_given_up_after_some_minutes() {
    let house = followed_but_deaf(Plan::new()).await;
    let row = booked_at_eight(&house).await;
    let key = job_of(&house, &row);
    house.google.fault_always("events.list", Fault::status(503, "backendError"));
    until(&house, "the end of it", async || house.job(&key).await.state == "failed").await;
    assert_eq!(house.job(&key).await.attempts, 8);
    assert!(late_words(&house).is_empty());
    assert_eq!(promises_kept(&house).await.len(), 1);
}
