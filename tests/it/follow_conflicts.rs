//! What people put over our jobs: the rows tell the truth all the same, nobody else is booked there, and the business hears
//! of it once.

use ringbook::names::BookingState::Confirmed;
use serde_json::{Value, json};

use crate::follow::{BOOK, EIGHT, HALF_PAST_TWELVE, booked, booked_at_eight, followed, inserted, is_open, now, row_once};
use crate::house::{ALEX, House, SAM};
use crate::look_back::looked_back;
use crate::promises::{confirmed, messages, promises_kept, repair_by_sam, said, until, with};

const HOUR: time::Duration = time::Duration::HOUR;
const OWNER: &str = "+15551238888";

/// The messages to the business.
fn told(house: &House) -> Vec<String> {
    let to_owner = |message: &&Value| message["to"] == OWNER;
    house.twilio.messages().iter().filter(to_owner).map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

/// Lets every calendar be read once more, and what follows from it be done.
async fn let_it_settle(house: &House) {
    let reads = house.google.count("events.sync");
    until(house, "two more readings of each calendar", async || house.google.count("events.sync") >= reads + 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_moved_onto_another_one_stands_there_beside_it() {
    let house = followed().await;
    let first = booked_at_eight(&house).await;
    let second = booked(&house, "+15551112222", "2026-11-24T12:30").await;
    house.google.staff_moves(SAM, second.event_id.as_str(), EIGHT + HOUR, EIGHT + HOUR * 3);
    let moved = row_once(&house, &second, "the move", |row| row.span.start == EIGHT + HOUR).await;
    assert_eq!((moved.state, moved.wall_clock.as_str()), (Confirmed, "2026-11-24 09:00"));
    assert_eq!(now(&house, &first).await, first);
    messages(&house, 1).await;
    let_it_settle(&house).await;
    let told = told(&house);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("repair for Dana Miller with Sam") && told[0].contains("November 24 at 9 AM"), "{told:?}");
    // The time of both is guarded, and that which was left is open.
    assert!(!is_open(&house, "Sam", "morning").await);
    let in_between = with(repair_by_sam("2026-11-24T10:30"), &json!({ "serviceType": "tune-up" }));
    let sentence = said(&house.tool_of("+15553334444", "call-9", "t1", BOOK, in_between).await);
    assert!(sentence.contains("already taken"), "{sentence}");
    booked(&house, "+15553334444", "2026-11-24T12:30").await;
    assert_eq!((confirmed(&house).await.len(), house.events().len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_moved_out_of_a_collision_guards_its_time_again() {
    let house = followed().await;
    let first = booked_at_eight(&house).await;
    let second = booked(&house, "+15551112222", "2026-11-24T12:30").await;
    house.google.staff_moves(SAM, second.event_id.as_str(), EIGHT, EIGHT + HOUR * 2);
    let beside = row_once(&house, &second, "the collision", |row| row.span == first.span).await;
    assert_ne!(beside.claim_key, first.claim_key);
    house.google.staff_moves(SAM, second.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 2);
    let back = row_once(&house, &second, "the way back", |row| row.span == second.span).await;
    assert_eq!(back.claim_key, first.claim_key);
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_wishes_of_one_caller_may_end_up_as_the_same_wish() {
    let house = followed().await;
    let first = booked_at_eight(&house).await;
    let second = booked(&house, "+15557654321", "2026-11-24T12:30").await;
    house.google.staff_moves(SAM, second.event_id.as_str(), EIGHT, EIGHT + HOUR * 2);
    let beside = row_once(&house, &second, "the move", |row| row.span == first.span).await;
    assert_eq!(beside.state, Confirmed);
    house.google.staff_moves(SAM, second.event_id.as_str(), HALF_PAST_TWELVE, HALF_PAST_TWELVE + HOUR * 2);
    let back = row_once(&house, &second, "the way back", |row| row.span == second.span).await;
    assert_eq!((back.caller_key, back.claim_key), (first.caller_key, first.claim_key));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_business_hears_once_of_an_entry_over_a_job() {
    let house = followed().await;
    booked_at_eight(&house).await;
    let entry = house.google.staff_adds(SAM, EIGHT + HOUR, EIGHT + HOUR * 2);
    messages(&house, 1).await;
    house.google.staff_renames(SAM, &entry, "Dentist");
    let_it_settle(&house).await;
    let told = told(&house);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("November 24 at 9 AM overlaps repair for Dana Miller with Sam on Tuesday, November 24 at 8 AM"),
        "{told:?}"
    );
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_no_time_of_a_job_is_nobodys_business() {
    let house = followed().await;
    let row = booked_at_eight(&house).await;
    looked_back(&house, &row).await;
    let at_eight = json!({ "start": { "dateTime": "2026-11-24T08:00:00-05:00", "timeZone": "America/New_York" },
                           "end": { "dateTime": "2026-11-24T10:00:00-05:00", "timeZone": "America/New_York" } });
    let day = json!({ "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" } });
    let declined = json!({ "attendees": [{ "email": SAM, "self": true, "responseStatus": "declined" }] });
    for harmless in [
        with(at_eight.clone(), &json!({ "transparency": "transparent" })),
        with(at_eight.clone(), &declined),
        with(at_eight.clone(), &json!({ "status": "cancelled" })),
        with(at_eight.clone(), &json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"] })),
        day,
    ] {
        house.google.staff_adds_event(SAM, &harmless);
    }
    house.google.staff_adds_event(ALEX, &at_eight);
    // It only touches the job: its buffer is our own affair.
    house.google.staff_adds(SAM, EIGHT + HOUR * 2, EIGHT + HOUR * 3);
    // A copy of the job carries its mark, but is not the job.
    let copy = json!({ "start": { "dateTime": "2026-11-25T08:00:00-05:00" }, "end": { "dateTime": "2026-11-25T10:00:00-05:00" },
                       "extendedProperties": { "private": { "bookingId": row.id.to_string() } } });
    house.google.staff_adds_event(SAM, &copy);
    let_it_settle(&house).await;
    assert_eq!(told(&house), Vec::<String>::new());
    assert_eq!((now(&house, &row).await.span, confirmed(&house).await.len()), (row.span, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_made_while_a_job_is_being_booked_is_told_when_it_is() {
    let house = followed().await;
    house.google.staff_adds_after_next_insert(SAM, EIGHT + HOUR, EIGHT + HOUR * 2);
    let answer = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    // Whether the look saw it or not: either nothing is booked, or it is booked and the business is told.
    if said(&answer).contains("You're booked") {
        messages(&house, 1).await;
        assert!(told(&house)[0].contains("overlaps repair for Dana Miller"), "{:?}", told(&house));
    } else {
        let_it_settle(&house).await;
        assert_eq!((told(&house).len(), confirmed(&house).await.len()), (0, 0));
    }
}
