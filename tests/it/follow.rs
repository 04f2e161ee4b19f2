//! What people do to our events in Google's calendar is in our own rows within one notification, and nothing is ever put
//! back. The clock stands still: no poll comes to help.

use std::time::Duration;

use ringbook::names::BookingState::{Cancelled, Confirmed};
use ringbook::store::bookings::BookingRow;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::house::{ALEX, House, Plan, SAM};
use crate::promises::{older, promises_kept, repair_by_sam, said, when, with};

pub const BOOK: &str = "bookAppointment";
pub const EIGHT: OffsetDateTime = datetime!(2026-11-24 08:00 -5);
pub const HALF_PAST_TWELVE: OffsetDateTime = datetime!(2026-11-24 12:30 -5);
const HOUR: time::Duration = time::Duration::HOUR;

/// A house whose calendars are followed already; what Google has to tell is told.
pub async fn followed() -> House {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.deliver_notifications_to(&house.url);
    house
}

/// The same, but nothing that Google has to tell arrives.
pub async fn followed_but_deaf(plan: Plan) -> House {
    let house = plan.build().await;
    house.google.wait_for_done("events.sync", 2).await;
    house
}

/// Books a repair with Sam on Tuesday at eight.
pub async fn booked_at_eight(house: &House) -> BookingRow {
    booked(house, "+15557654321", "2026-11-24T08:00").await
}

/// Books a repair with Sam.
pub async fn booked(house: &House, caller: &str, start: &str) -> BookingRow {
    let answer = house.tool_of(caller, &format!("call-{caller}"), start, BOOK, repair_by_sam(start)).await;
    assert!(said(&answer).contains("You're booked"), "{answer:?}");
    house.bookings().await.into_iter().rfind(|row| row.customer_phone.as_str() == caller).unwrap()
}

/// Waits until it is so, while the clock stands still.
pub async fn at_once(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waiting).await.is_ok(), "waited in vain for {what}");
}

/// Waits until this booking's row is like that, while the clock stands still.
pub async fn row_once(house: &House, row: &BookingRow, what: &str, is_so: impl Fn(&BookingRow) -> bool) -> BookingRow {
    at_once(what, async || is_so(&now(house, row).await)).await;
    now(house, row).await
}

/// The row as it is now.
pub async fn now(house: &House, row: &BookingRow) -> BookingRow {
    let store = house.store().await;
    let row = store.booking(row.id).await.unwrap().unwrap();
    store.close().await;
    row
}

/// Why the booking was moved last.
pub async fn last_cause(house: &House, row: &BookingRow) -> String {
    let store = house.store().await;
    let cause = store.last_cause(row.id).await.unwrap().unwrap();
    store.close().await;
    cause
}

/// Whether a technician has any time for a repair in a window of Tuesday.
pub async fn is_open(house: &House, technician: &str, window: &str) -> bool {
    let question = with(when("2026-11-24"), &json!({ "technician": technician, "timeWindow": window }));
    older(&house.function("checkAvailability", question).await)["available"] == true
}

/// Whatever was done to the calendars, we made so many events and no more.
pub fn inserted(house: &House) -> usize {
    house.google.count("events.insert")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_deleted_in_the_calendar_is_cancelled_and_its_time_is_open_again() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    assert!(!is_open(&house, "Sam", "morning").await);
    house.google.staff_deletes(SAM, row.event_id.as_str());
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
    assert_eq!(last_cause(&house, &row).await, "deleted_in_calendar");
    assert!(is_open(&house, "Sam", "morning").await);
    let again = booked(&house, "+15551112222", "2026-11-24T08:00").await;
    assert_ne!(again.event_id, row.event_id);
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_moved_in_the_calendar_is_moved_in_our_rows_too() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    assert!(is_open(&house, "Sam", "afternoon").await);
    // Longer too: it takes all of the afternoon.
    house.google.staff_moves(SAM, row.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 4);
    let moved = row_once(&house, &row, "the move", |row| row.span.start == HALF_PAST_TWELVE).await;
    assert_eq!((moved.state, moved.span.end, moved.free_at - moved.span.end), (Confirmed, HALF_PAST_TWELVE + HOUR * 4, HOUR / 2));
    assert_eq!((moved.wall_clock.as_str(), last_cause(&house, &row).await.as_str()), ("2026-11-24 12:30", "moved_in_calendar"));
    assert_ne!(moved.etag, row.etag);
    assert_eq!((is_open(&house, "Sam", "morning").await, is_open(&house, "Sam", "afternoon").await), (true, false));
    booked(&house, "+15551112222", "2026-11-24T08:00").await;
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_job_that_is_taken_out_of_the_bin_is_live_again() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    house.google.staff_deletes(SAM, row.event_id.as_str());
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
    house.google.staff_restores(SAM, row.event_id.as_str());
    let restored = row_once(&house, &row, "the restoration", |row| row.state == Confirmed).await;
    assert_eq!((restored.span, &restored.claim_key), (row.span, &row.claim_key));
    assert_eq!(last_cause(&house, &row).await, "restored_in_calendar");
    assert!(!is_open(&house, "Sam", "morning").await);
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_given_to_somebody_else_is_theirs_whichever_calendar_is_heard_first() {
    for sams_is_heard_first in [true, false] {
        let house = followed_but_deaf(Plan::new()).await;
        let row = booked_at_eight(&house).await;
        drop(house.google.notifications());
        house.google.staff_moves_to(SAM, row.event_id.as_str(), ALEX);
        let mut told = house.google.notifications();
        assert_eq!(told.len(), 2, "{told:?}");
        if sams_is_heard_first {
            told.reverse();
        }
        for notification in told {
            let reads = house.google.count("events.sync");
            assert_eq!(notification.send_to(&house.http, &house.url).await, Some(200));
            house.google.wait_for_done("events.sync", reads + 1).await;
            row_once(&house, &row, "the other technician", |row| row.technician == "alex").await;
        }
        let moved = now(&house, &row).await;
        assert_eq!((moved.state, moved.calendar.as_str(), moved.span), (Confirmed, ALEX, row.span), "{sams_is_heard_first}");
        assert_eq!(moved.claim_key, format!("google:{ALEX}"));
        assert_eq!(last_cause(&house, &row).await, "moved_in_calendar");
        assert_eq!((is_open(&house, "Sam", "morning").await, is_open(&house, "Alex", "morning").await), (true, false));
        assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_another_title_is_the_same_job() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    house.google.staff_renames(SAM, row.event_id.as_str(), "Dana: bring the ladder");
    let renamed = row_once(&house, &row, "the new etag", |now| now.etag != row.etag).await;
    assert_eq!(BookingRow { etag: row.etag.clone(), ..renamed }, row);
    assert_eq!(last_cause(&house, &row).await, "insert_placed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_made_an_all_day_event_stands_on_those_days() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    let day = |date: &str| json!({ "date": date, "dateTime": null, "timeZone": null });
    let whole = json!({ "start": day("2026-11-25"), "end": day("2026-11-26"), "transparency": "transparent" });
    house.google.staff_patches(SAM, row.event_id.as_str(), &whole);
    let moved = row_once(&house, &row, "the move", |now| now.span != row.span).await;
    assert_eq!((moved.span.start, moved.span.end), (datetime!(2026-11-25 00:00 -5), datetime!(2026-11-26 00:00 -5)));
    assert!(is_open(&house, "Sam", "morning").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_somebody_else_takes_its_time_and_gives_it_back() {
    let house = followed().await;
    assert!(is_open(&house, "Sam", "morning").await);
    let staff = house.google.staff_adds(SAM, EIGHT, EIGHT + HOUR * 4);
    at_once("the busy morning", async || !is_open(&house, "Sam", "morning").await).await;
    house.google.staff_deletes(SAM, &staff);
    at_once("the open morning", async || is_open(&house, "Sam", "morning").await).await;
    assert!(house.bookings().await.is_empty());
}
