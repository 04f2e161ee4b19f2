//! Nothing is missed for long: notifications that get lost, servers that were down, sync tokens that die, calendars that
//! cannot be read for a while, and edits in the very moment of booking.

use ringbook::names::BookingState::{Cancelled, Confirmed};
use serde_json::json;
use std::time::Duration;

use crate::fakes::faults::Fault;
use crate::fakes::google_notify::Mishap;
use crate::fakes::stage::Moment;
use crate::follow::{
    BOOK, EIGHT, HALF_PAST_TWELVE, at_once, booked, booked_at_eight, followed, followed_but_deaf, inserted, is_open, last_cause,
    now, row_once,
};
use crate::house::{House, Plan, SAM};
use crate::promises::{confirmed, promises_kept, repair_by_sam, said, until};

const HOUR: time::Duration = time::Duration::HOUR;
const POLL: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn without_any_notification_an_edit_is_known_within_a_minute() {
    let house = followed_but_deaf(Plan::new()).await;
    let (deleted, moved) = (booked_at_eight(&house).await, booked(&house, "+15551112222", "2026-11-24T15:00").await);
    house.google.staff_deletes(SAM, deleted.event_id.as_str());
    house.google.staff_moves(SAM, moved.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR);
    let reads = house.google.count("events.sync");
    house.clock.advance(POLL);
    row_once(&house, &deleted, "the cancellation", |row| row.state == Cancelled).await;
    row_once(&house, &moved, "the move", |row| row.span.start == HALF_PAST_TWELVE).await;
    house.google.wait_for("events.sync", reads + 2).await;
    assert!(is_open(&house, "Sam", "morning").await);
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_and_reordered_notifications_come_to_the_same() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    for mishap in [Mishap::Lost, Mishap::Doubled, Mishap::Overtaken] {
        house.google.next_notification(mishap);
    }
    let times = [EIGHT + HOUR, HALF_PAST_TWELVE, EIGHT + HOUR * 7, EIGHT + HOUR * 9];
    for start in times {
        house.google.staff_moves(SAM, row.event_id.as_str(), start, start + HOUR * 2);
    }
    row_once(&house, &row, "the last time", |row| row.span.start == EIGHT + HOUR * 9).await;
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_while_no_server_ran_is_known_after_the_start() {
    let mut house = followed_but_deaf(Plan::new()).await;
    let (deleted, moved) = (booked_at_eight(&house).await, booked(&house, "+15551112222", "2026-11-24T15:00").await);
    house.stop().await;
    house.google.staff_deletes(SAM, deleted.event_id.as_str());
    house.google.staff_moves(SAM, moved.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR);
    house.restart().await;
    row_once(&house, &deleted, "the cancellation", |row| row.state == Cancelled).await;
    row_once(&house, &moved, "the move", |row| row.span.start == HALF_PAST_TWELVE).await;
    // The readings go on where they stopped.
    let tokens =
        house.google.requests_of("events.sync").iter().filter(|entry| entry.request.param("syncToken").is_some()).count();
    assert!(tokens >= 2, "{tokens}");
    assert_eq!(house.google.channels().len(), 2, "the open channels are used on");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_sync_token_costs_a_reading_from_the_start_and_nothing_else() {
    let house = followed_but_deaf(Plan::new()).await;
    let deleted = booked_at_eight(&house).await;
    let moved = booked(&house, "+15551112222", "2026-11-24T15:00").await;
    let given = booked(&house, "+15553334444", "2026-11-25T08:00").await;
    house.clock.advance(POLL);
    house.google.wait_for_done("events.sync", 4).await;
    house.google.staff_deletes(SAM, deleted.event_id.as_str());
    house.google.staff_moves(SAM, moved.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR);
    house.google.staff_moves_to(SAM, given.event_id.as_str(), crate::house::ALEX);
    house.google.expire_sync_tokens();
    house.clock.advance(POLL);
    row_once(&house, &deleted, "the cancellation", |row| row.state == Cancelled).await;
    row_once(&house, &moved, "the move", |row| row.span.start == HALF_PAST_TWELVE).await;
    row_once(&house, &given, "the other technician", |row| row.technician == "alex").await;
    let whole = house.google.requests_of("events.sync").into_iter().filter(|entry| entry.request.param("syncToken").is_none());
    at_once("the new tokens", async || whole.clone().count() >= 4).await;
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_reading_are_asked_for_with_the_same_parameters() {
    let house = followed_but_deaf(Plan::new()).await;
    house.clock.advance(POLL);
    house.google.wait_for_done("events.sync", 4).await;
    let asked = house.google.requests_of("events.sync").into_iter().map(|entry| entry.request.query).map(|mut query| {
        query.retain(|(name, _)| name != "syncToken");
        query.sort();
        query
    });
    let asked: Vec<_> = asked.collect();
    assert!(asked.iter().all(|query| *query == asked[0]), "{asked:?}");
    assert!(
        ["timeMin", "timeMax", "orderBy", "q", "updatedMin"].iter().all(|name| asked[0].iter().all(|(given, _)| given != name))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_with_many_changes_is_read_to_its_end() {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.short_pages(2);
    let row = booked_at_eight(&house).await;
    for day in 0..5 {
        let at = EIGHT + time::Duration::days(20 + day);
        house.google.staff_adds(SAM, at, at + HOUR);
    }
    house.google.staff_deletes(SAM, row.event_id.as_str());
    house.clock.advance(POLL);
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_whole_is_asked_for_again() {
    for fault in [
        Fault::TruncatedAfterCommit,
        Fault::Empty200,
        Fault::Html200,
        Fault::Altered(|answer| *answer = json!({})),
        Fault::Altered(|answer| drop(answer.as_object_mut().unwrap().remove("nextSyncToken"))),
        Fault::Altered(|answer| answer["items"] = json!([{ "status": "confirmed" }])),
        Fault::status(503, "backendError"),
        Fault::status(403, "rateLimitExceeded"),
    ] {
        let house = followed_but_deaf(Plan::new()).await;
        let row = booked_at_eight(&house).await;
        house.google.staff_deletes(SAM, row.event_id.as_str());
        for _calendar in 0..2 {
            house.google.fault("events.sync", fault.clone());
        }
        until(&house, "the cancellation", async || now(&house, &row).await.state == Cancelled).await;
        assert!(house.google.count("events.sync") >= 5, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_cannot_be_read_is_left_in_peace_for_longer_and_longer() {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.fault_always("events.sync", Fault::status(503, "backendError"));
    house.google.deliver_notifications_to(&house.url);
    for minute in 0..10 {
        let reads = house.google.count("events.sync");
        house.clock.advance(POLL);
        for _notification in 0..3 {
            house.google.staff_adds(SAM, EIGHT + time::Duration::days(minute), EIGHT + time::Duration::days(minute) + HOUR);
        }
        if minute < 4 {
            house.google.wait_for("events.sync", reads + 1).await;
        }
    }
    let reads = house.google.count("events.sync");
    assert!((6..=2 + 2 * 10).contains(&reads), "{reads} readings in ten minutes of two calendars");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_the_moment_of_booking_is_followed_when_the_booking_stands() {
    let house = followed().await;
    // Before our insert is answered, somebody has moved what it made.
    house.google.on("events.insert", Moment::After, |google| {
        let made = google.events(SAM).remove(0);
        google.staff_moves(SAM, made["id"].as_str().unwrap(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 2);
    });
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    let moved = async || confirmed(&house).await.iter().any(|row| row.span.start == HALF_PAST_TWELVE);
    until(&house, "the move", moved).await;
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_booking_whose_answer_was_lost_is_followed_when_it_is_known() {
    let house = followed().await;
    house.google.fault("events.insert", Fault::TruncatedAfterCommit);
    house.google.fault_always("events.get", Fault::status(503, "backendError"));
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    let row = house.bookings().await.remove(0);
    assert_ne!(row.state, Confirmed);
    house.google.staff_moves(SAM, row.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 2);
    house.google.clear_faults();
    until(&house, "the move", async || now(&house, &row).await.span.start == HALF_PAST_TWELVE).await;
    assert_eq!((now(&house, &row).await.state, promises_kept(&house).await.len(), inserted(&house)), (Confirmed, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_out_while_booking_is_written_down_as_well() {
    let house = followed_but_deaf(Plan::new()).await;
    let row = booked_at_eight(&house).await;
    house.google.staff_moves(SAM, row.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 2);
    // The same caller again: what is said is what is there, and from now on our rows say so too.
    let sentence = said(&house.tool("call-2", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.contains("12:30 PM"), "{sentence}");
    let moved = now(&house, &row).await;
    assert_eq!(
        (moved.state, moved.span.start, last_cause(&house, &row).await),
        (Confirmed, HALF_PAST_TWELVE, "moved_in_calendar".into())
    );
    // Another caller gets the time that has become free.
    house.google.staff_moves(SAM, row.event_id.as_str(), EIGHT + HOUR * 7, EIGHT + HOUR * 9);
    booked(&house, "+15551112222", "2026-11-24T12:30").await;
    assert_eq!(now(&house, &row).await.span.start, EIGHT + HOUR * 7);
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_loses_no_edit() {
    let mut house: House = followed_but_deaf(Plan::new()).await;
    let row = booked_at_eight(&house).await;
    house.google.staff_deletes(SAM, row.event_id.as_str());
    let held = house.google.hold("events.sync");
    house.clock.advance(POLL);
    held.reached(1).await;
    house.crash().await;
    held.release();
    house.restart().await;
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
}
