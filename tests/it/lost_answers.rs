//! Inserts whose answer is bad, late or lost: one event or none, the truth in every answer, and one row that says the same.

use std::time::Duration;

use ringbook::names::BookingState;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::stage::Gate;
use crate::faults::{bad_answers, in_time};
use crate::house::{CALLER, House, SAM};
use crate::promises::{DOWN, PENDING, come_to_rest, late_words, messages, place, promises_kept, repair_by_sam, said};

const BOOK: &str = "bookAppointment";

/// The work is done, and its answer is lost in every possible way.
fn lost() -> Vec<(&'static str, Fault)> {
    vec![
        ("reset", Fault::ResetAfterCommit),
        ("truncated", Fault::TruncatedAfterCommit),
        ("500", Fault::status_after_commit(500, "backendError")),
        ("503 page", Fault::StatusAfterCommit { code: 503, reason: "", retry_after: Some(1), html: true }),
        ("408", Fault::status_after_commit(408, "timeout")),
        ("page with 200", Fault::Html200),
        ("empty 200", Fault::Empty200),
        ("huge", Fault::HugeBody(8 * 1024 * 1024)),
        ("another event", Fault::wrong_event()),
        ("another time", Fault::Altered(|event| event["start"] = json!({ "dateTime": "2001-01-01T00:00:00Z" }))),
        ("already cancelled", Fault::Altered(|event| event["status"] = json!("cancelled"))),
        ("hang", Fault::HangAfterCommit),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_whose_answer_is_lost_ends_in_one_event_and_one_booking_that_is_told() {
    let house = House::new().await;
    for (number, (name, fault)) in lost().into_iter().enumerate() {
        house.google.fault("events.insert", fault);
        let sentence = said(&in_time(house.tool(&format!("call-{number}"), "t1", BOOK, repair_by_sam(&place(number)))).await);
        assert!(sentence.contains("You're booked"), "{name}: {sentence}");
        assert_eq!(promises_kept(&house).await.len(), number + 1, "{name}");
    }
    assert!(late_words(&house).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_resolved_by_asking_for_the_event() {
    let house = House::new().await;
    // The get after the lost answer and the look before the next insert do not see the event yet.
    house.google.lag_reads(2);
    house.google.fault("events.insert", Fault::ResetAfterCommit);
    said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
    let inserts = house.google.requests_of("events.insert");
    let statuses: Vec<_> = inserts.iter().map(|entry| entry.outcome).collect();
    assert_eq!((statuses, house.google.count("events.get")), (vec![Some(200), Some(409)], 2));
    assert_eq!(inserts[0].json(), inserts[1].json());
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_that_fails_for_ever_is_true_in_time_and_leaves_nothing_behind() {
    let house = House::new().await;
    for (number, (name, fault)) in bad_answers().into_iter().enumerate() {
        let does_the_work = matches!(
            fault,
            Fault::TruncatedAfterCommit
                | Fault::Html200
                | Fault::Empty200
                | Fault::HugeBody(_)
                | Fault::Altered(_)
                | Fault::Drip(_)
        );
        if does_the_work {
            continue;
        }
        let booked = promises_kept(&house).await.len();
        let before = late_words(&house).len();
        house.google.fault_always("events.insert", fault);
        let call = format!("call-{number}");
        let answer = in_time(house.tool(&call, "t1", BOOK, repair_by_sam(&place(number)))).await;
        let sentence = said(&answer);
        assert!(sentence == DOWN || sentence == PENDING, "{name}: {sentence}");
        assert_eq!(promises_kept(&house).await.len(), booked, "{name}");
        house.google.clear_faults();
        come_to_rest(&house).await;
        let rows = promises_kept(&house).await;
        if sentence == PENDING {
            let told = messages(&house, before + 1).await;
            let body = told[before]["body"].as_str().unwrap();
            assert_eq!(
                (body.contains("You're booked"), told[before]["to"].as_str()),
                (rows.len() > booked, Some(CALLER)),
                "{name}: {body}"
            );
        } else {
            assert_eq!((rows.len(), late_words(&house).len()), (booked, before), "{name}");
        }
        let again = said(&house.tool(&call, "t1", BOOK, repair_by_sam(&place(number))).await);
        assert!(again.contains("You're booked"), "{name}: {again}");
        assert_eq!(promises_kept(&house).await.len(), booked + 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_passes_at_once_costs_the_caller_nothing() {
    let house = House::new().await;
    for (number, code) in [403, 429].into_iter().enumerate() {
        house
            .google
            .fault("events.insert", Fault::Status { code, reason: "rateLimitExceeded", retry_after: Some(1), html: false });
        let sentence = said(&in_time(house.tool(&format!("call-{number}"), "t1", BOOK, repair_by_sam(&place(number)))).await);
        assert!(sentence.contains("You're booked"), "{code}: {sentence}");
    }
    house.google.fault("events.insert", Fault::status(503, "backendError"));
    let sentence = said(&in_time(house.tool("call-2", "t1", BOOK, repair_by_sam(&place(2)))).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_under_way_is_told_by_exactly_one_sms() {
    let house = House::new().await;
    let gate = Gate::new();
    for _ in 0..3 {
        house.google.fault("events.insert", Fault::GateAfterCommit(gate.clone()));
        house.google.fault("events.get", Fault::GateBeforeCommit(gate.clone()));
    }
    let answer = in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await;
    assert_eq!((said(&answer).as_str(), answer.is_error()), (PENDING, false));
    let again = in_time(house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00"))).await;
    assert!(said(&again) == PENDING || said(&again).contains("You're booked"), "{again:?}");
    gate.release();
    let told = messages(&house, 1).await;
    let row = promises_kept(&house).await.remove(0);
    let expected = format!(
        "ABC HVAC: You're booked for repair on Tuesday, November 24 at 8 AM with Sam. Your confirmation code is {}.",
        row.confirmation
    );
    assert_eq!((told[0]["body"].as_str(), told[0]["to"].as_str()), (Some(expected.as_str()), Some(CALLER)));
    let third = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(expected.ends_with(&third), "{third}");
    house.clock.advance(Duration::from_mins(10));
    come_to_rest(&house).await;
    assert_eq!((late_words(&house).len(), house.google.events(SAM).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_google_shows_late_is_found_and_not_made_twice() {
    let house = House::new().await;
    house.google.lag_reads(1);
    house.google.fault("events.insert", Fault::ResetAfterCommit);
    let sentence = said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
    house.google.lag_reads(50);
    house.google.fault("events.insert", Fault::ResetAfterCommit);
    let pending = said(&in_time(house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-25T08:00"))).await);
    assert_eq!(pending, PENDING);
    house.google.catch_up();
    let told = messages(&house, 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("You're booked"), "{told:?}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_left_by_a_crash_is_finished_by_a_repetition_after_the_restart() {
    for lands in [true, false] {
        let mut house = House::new().await;
        let fault = if lands { Fault::HangAfterCommit } else { Fault::HangBeforeCommit };
        house.google.fault_always("events.insert", fault);
        {
            let asking = std::pin::pin!(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")));
            let arrived = std::pin::pin!(house.google.wait_for("events.insert", 1));
            drop(futures_util::future::select(asking, arrived).await);
        }
        house.crash().await;
        assert_eq!(house.bookings().await[0].state, BookingState::Inserting);
        house.google.clear_faults();
        house.restart().await;
        let sentence = said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
        assert!(sentence.contains("You're booked"), "lands: {lands}: {sentence}");
        assert_eq!((promises_kept(&house).await.len(), house.bookings().await.len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_left_by_a_crash_whose_caller_was_told_nothing_is_given_up_unless_its_event_exists() {
    let mut house = House::new().await;
    let gate = Gate::new();
    house.google.fault("events.insert", Fault::GateBeforeCommit(gate.clone()));
    {
        let asking = std::pin::pin!(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")));
        let arrived = std::pin::pin!(gate.reached(1));
        drop(futures_util::future::select(asking, arrived).await);
    }
    house.crash().await;
    house.clock.advance(Duration::from_mins(2));
    house.restart().await;
    come_to_rest(&house).await;
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (0, 1));
    assert_eq!(house.bookings().await[0].state, BookingState::Released);
    let other = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(other.contains("You're booked"), "{other}");
    assert!(late_words(&house).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_booking_whose_time_a_person_takes_is_given_up_and_told() {
    let house = House::new().await;
    house.google.fault_always("events.insert", Fault::status(503, "backendError"));
    let pending = said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
    assert_eq!(pending, PENDING);
    let staff =
        json!({ "start": { "dateTime": "2026-11-24T08:30:00-05:00" }, "end": { "dateTime": "2026-11-24T09:00:00-05:00" } });
    house.google.staff_adds_event(SAM, &staff);
    house.google.clear_faults();
    let told = messages(&house, 1).await;
    assert_eq!(
        told[0]["body"],
        "ABC HVAC: We could not book repair on Tuesday, November 24 at 8 AM. Nothing is booked. Please call us for another time."
    );
    come_to_rest(&house).await;
    let live: Vec<Value> = house.google.events(SAM);
    assert_eq!((promises_kept(&house).await.len(), live.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_ours_beside_a_persons_is_taken_out_again() {
    let house = House::new().await;
    house.google.lag_reads(1000);
    house.google.fault_always("events.insert", Fault::status_after_commit(503, "backendError"));
    let pending = said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
    assert_eq!((pending.as_str(), house.google.events(SAM).len()), (PENDING, 1));
    let staff =
        json!({ "start": { "dateTime": "2026-11-24T08:30:00-05:00" }, "end": { "dateTime": "2026-11-24T09:00:00-05:00" } });
    house.google.staff_adds_event(SAM, &staff);
    house.google.clear_faults();
    house.google.fault("events.delete", Fault::status(503, "backendError"));
    // Within the minute: what Google does not show for longer than that counts as not there.
    house.clock.advance(Duration::from_secs(10));
    house.google.wait_for("events.delete", 1).await;
    let told = messages(&house, 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("Nothing is booked"), "{told:?}");
    come_to_rest(&house).await;
    let left = house.google.events(SAM);
    assert_eq!((promises_kept(&house).await.len(), left.len(), &left[0]["summary"]), (0, 1, &Value::Null), "{left:?}");
    assert_eq!(late_words(&house).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_before_a_crash_is_done_and_told_after_it() {
    let mut house = House::new().await;
    house.google.fault_always("events.insert", Fault::HangBeforeCommit);
    let pending = said(&in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await);
    assert_eq!(pending, PENDING);
    house.crash().await;
    house.google.clear_faults();
    house.clock.advance(Duration::from_mins(2));
    house.restart().await;
    let told = messages(&house, 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("You're booked"), "{told:?}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}
