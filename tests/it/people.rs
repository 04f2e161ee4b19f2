//! People work in the same calendars: what they put there before we look is respected, and what they take out is gone.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::fakes::stage::Moment;
use crate::follow::followed_but_deaf;
use crate::house::{ALEX, BUSINESS, House, Plan, SAM, SLUG};
use crate::promises::{come_to_rest, promises_kept, repair, repair_by_sam, said, when, with};

const BOOK: &str = "bookAppointment";
const EIGHT: OffsetDateTime = datetime!(2026-11-24 08:00 -5);
const STRANGER: &str = "+15551112222";

/// The times that are offered of Sam for a Tuesday's morning.
async fn offered_of_sam(house: &House, id: &str) -> String {
    let question = with(when("2026-11-24"), &json!({ "timeWindow": "morning", "technician": "sam" }));
    said(&house.tool("call-1", id, "checkAvailability", question).await)
}

fn at_eight(more: &Value) -> Value {
    with(
        json!({ "start": { "dateTime": "2026-11-24T08:00:00-05:00" }, "end": { "dateTime": "2026-11-24T12:00:00-05:00" } }),
        more,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_appears_before_the_look_leaves_nothing_of_ours() {
    let house = House::new().await;
    assert!(offered_of_sam(&house, "t1").await.contains("8 AM"));
    house.google.on("events.list", Moment::Before, |google| drop(google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR)));
    let answer = house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    let sentence = said(&answer);
    assert!(!answer.is_error() && sentence.contains("8 AM is already taken. Nothing is booked. I do have"), "{sentence}");
    assert!(sentence.contains("9 AM"), "{sentence}");
    come_to_rest(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.google.events(SAM).len()), (0, 1));
    let at_nine = said(&house.tool("call-1", "t3", BOOK, repair_by_sam("2026-11-24T09:00")).await);
    assert!(at_nine.contains("You're booked"), "{at_nine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_one_technicians_calendar_sends_the_other() {
    let house = House::new().await;
    house.google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR);
    let sentence = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(sentence.contains("with Alex"), "{sentence}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_free_and_deleted_events_stand_in_nobodys_way() {
    let house = House::new().await;
    let declined = json!({ "attendees": [{ "email": SAM, "self": true, "responseStatus": "declined" }] });
    house.google.staff_adds_event(SAM, &at_eight(&declined));
    house.google.staff_adds_event(SAM, &at_eight(&json!({ "transparency": "transparent" })));
    let deleted = house.google.staff_adds_event(SAM, &at_eight(&json!({})));
    house.google.staff_deletes(SAM, &deleted);
    assert!(offered_of_sam(&house, "t1").await.contains("8 AM"));
    let sentence = said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tentative_unanswered_repeated_and_all_day_events_do() {
    let weekly = json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
                         "start": { "dateTime": "2026-11-17T08:00:00-05:00", "timeZone": "America/New_York" },
                         "end": { "dateTime": "2026-11-17T12:00:00-05:00", "timeZone": "America/New_York" } });
    for blocking in [
        at_eight(&json!({ "status": "tentative" })),
        at_eight(&json!({ "attendees": [{ "email": SAM, "self": true, "responseStatus": "needsAction" }] })),
        weekly,
        json!({ "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" } }),
    ] {
        let house = House::new().await;
        house.google.staff_adds_event(SAM, &blocking);
        let open = offered_of_sam(&house, "t1").await;
        assert!(open.starts_with("Tuesday, November 24 is fully booked"), "{blocking}: {open}");
        let sentence = said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
        assert!(sentence.contains("already taken"), "{blocking}: {sentence}");
        assert_eq!(promises_kept(&house).await.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_all_day_event_that_is_marked_free_blocks_only_where_the_owner_wants_it() {
    let free = json!({ "transparency": "transparent", "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" } });
    for (blocks, business) in [(false, BUSINESS.to_owned()), (true, format!("{BUSINESS}\n[rules]\nall_day_free_blocks = true\n"))]
    {
        let house = Plan::new().business(SLUG, &business).build().await;
        house.google.staff_adds_event(SAM, &free);
        assert_eq!(offered_of_sam(&house, "t1").await.contains("fully booked"), blocks);
        let sentence = said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
        assert_eq!(sentence.contains("You're booked"), !blocks, "{sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_events_are_followed_and_preceded_at_once() {
    let house = House::new().await;
    house.google.staff_adds(SAM, datetime!(2026-11-24 12:30 -5), datetime!(2026-11-24 14:00 -5));
    house.google.staff_adds(SAM, datetime!(2026-11-24 16:00 -5), datetime!(2026-11-24 20:00 -5));
    let sentence = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T14:00")).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_whose_event_a_person_deleted_can_be_booked_by_another_caller() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    house.google.staff_deletes(SAM, house.google.events(SAM)[0]["id"].as_str().unwrap());
    let sentence = said(&house.tool_of(STRANGER, "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
    let rows = promises_kept(&house).await;
    assert_eq!((rows.len(), rows[0].customer_phone.as_str()), (1, STRANGER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_whose_event_a_person_deleted_is_not_told_as_booked_but_booked_anew() {
    let house = House::new().await;
    let first = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    let old = house.google.events(SAM)[0]["id"].clone();
    house.google.staff_deletes(SAM, old.as_str().unwrap());
    let again = said(&house.tool("call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked") && again != first, "{again}");
    assert_eq!(promises_kept(&house).await.len(), 1);
    assert_ne!(house.google.events(SAM)[0]["id"], old);
    let occupied = house.google.events(SAM)[0]["id"].clone();
    house.google.staff_deletes(SAM, occupied.as_str().unwrap());
    house.google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR);
    let third = said(&house.tool("call-3", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(third.contains("already taken"), "{third}");
    assert_eq!(promises_kept(&house).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_technicians_deleted_event_does_not_free_the_others_job() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    said(&house.tool_of(STRANGER, "call-2", "t1", BOOK, repair("2026-11-24T08:00")).await);
    house.google.staff_deletes(ALEX, house.google.events(ALEX)[0]["id"].as_str().unwrap());
    let third = said(&house.tool_of("+15553334444", "call-3", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(third.contains("You're booked") && third.contains("with Alex"), "{third}");
    let fourth = said(&house.tool_of("+15554445555", "call-4", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(fourth.contains("already taken"), "{fourth}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_filled_around_what_stands_there() {
    let house = House::new().await;
    for calendar in [SAM, ALEX] {
        house.google.staff_adds(calendar, EIGHT, datetime!(2026-11-24 09:15 -5));
    }
    let window =
        json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "timeWindow": "morning", "customerName": "Dana Miller" });
    let sentence = said(&house.tool("call-1", "t1", "scheduleHVACAppointment", window).await);
    assert!(sentence.contains("Tuesday, November 24 at 9:30 AM"), "{sentence}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_a_person_moved_is_told_at_the_time_at_which_it_stands() {
    // Nobody has told us of the move yet.
    let house = followed_but_deaf(Plan::new()).await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    let event = house.google.events(SAM)[0]["id"].clone();
    house.google.staff_moves(SAM, event.as_str().unwrap(), datetime!(2026-11-24 15:00 -5), datetime!(2026-11-24 17:00 -5));
    let again = said(&house.tool("call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked for repair on Tuesday, November 24 at 3 PM"), "{again}");
    assert_eq!((house.google.events(SAM).len(), house.google.count("events.insert")), (1, 1));
    let other = said(&house.tool_of(STRANGER, "call-3", "t1", BOOK, repair_by_sam("2026-11-24T15:30")).await);
    assert!(other.contains("already taken"), "{other}");
}
