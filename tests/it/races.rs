//! Many callers at once: one job per time and calendar, and everybody gets an answer.

use futures_util::future::join_all;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::fakes::stage::Held;
use crate::full::rounds;
use crate::house::{BUSINESS, House, Plan, SLUG};
use crate::promises::{come_to_rest, promises_kept, repair, repair_by_sam, said, with};

const BOOK: &str = "bookAppointment";

/// A fresh house and a random order for each round: what meets whom is left to chance.
const ROUNDS: (usize, usize) = (2, 50);

/// A house in which nobody is told that it is being arranged only because the machine is slow.
async fn patient_house(business: &str) -> House {
    Plan::new().business(SLUG, business).set("TOOL_REPLY_BUDGET_MS", "15000").build().await
}

/// So many wishes of different callers at once.
async fn all_at_once(house: &House, wishes: Vec<Value>) -> Vec<String> {
    let callers: Vec<(String, String)> =
        (0..wishes.len()).map(|number| (format!("+1555200{number:04}"), format!("call-{number}"))).collect();
    let asked = callers.iter().zip(wishes).map(|((caller, call), wish)| house.tool_of(caller, call, "t1", BOOK, wish));
    join_all(asked)
        .await
        .iter()
        .map(|answer| {
            assert!(!answer.is_error(), "{answer:?}");
            said(answer)
        })
        .collect()
}

async fn release_when_reached(held: &Held, count: usize) {
    held.reached(count).await;
    held.release();
}

fn booked(sentences: &[String]) -> usize {
    sentences.iter().filter(|sentence| sentence.contains("You're booked")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_callers_for_one_time_of_one_technician_one_gets_it_and_all_others_hear_other_times() {
    let house = House::new().await;
    let held = house.google.hold("events.list");
    let wishes = vec![repair_by_sam("2026-11-24T08:00"); 50];
    let (sentences, ()) = tokio::join!(all_at_once(&house, wishes), release_when_reached(&held, 1));
    assert_eq!(booked(&sentences), 1, "{sentences:?}");
    let other = sentences.iter().filter(|sentence| sentence.contains("is already taken. Nothing is booked. I do have "));
    assert_eq!(other.count(), 49, "{sentences:?}");
    let rows = house.bookings().await;
    assert_eq!((rows.len(), promises_kept(&house).await.len()), (1, 1), "{rows:?}");
    assert_eq!((house.google.count("events.insert"), house.google.count("events.list")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_callers_who_name_nobody_are_both_served() {
    let house = House::new().await;
    let held = house.google.hold("events.insert");
    let wishes = vec![repair("2026-11-24T08:00"); 2];
    let (sentences, ()) = tokio::join!(all_at_once(&house, wishes), release_when_reached(&held, 2));
    assert_eq!(booked(&sentences), 2, "{sentences:?}");
    let mut technicians: Vec<String> = promises_kept(&house).await.into_iter().map(|row| row.technician).collect();
    technicians.sort();
    assert_eq!(technicians, ["alex", "sam"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_jobs_of_unequal_length_never_stand_together() {
    let short = |start: &str| with(repair_by_sam(start), &json!({ "serviceType": "tune-up" }));
    for _ in 0..rounds(ROUNDS.0, ROUNDS.1) {
        let house = patient_house(BUSINESS).await;
        let mut wishes = vec![
            repair_by_sam("2026-11-24T13:00"),
            short("2026-11-24T12:30"),
            short("2026-11-24T13:30"),
            short("2026-11-24T14:30"),
            repair_by_sam("2026-11-24T14:00"),
            short("2026-11-24T15:00"),
            repair_by_sam("2026-11-24T15:15"),
            short("2026-11-24T08:00"),
        ];
        wishes.shuffle(&mut rand::rng());
        let held = house.google.hold("events.insert");
        let (sentences, ()) = tokio::join!(all_at_once(&house, wishes), release_when_reached(&held, 1));
        come_to_rest(&house).await;
        let rows = promises_kept(&house).await;
        assert!(rows.len() >= 2 && rows.len() == booked(&sentences), "{sentences:?}");
        for (one, next) in rows.iter().zip(rows.iter().skip(1)) {
            assert!(one.free_at <= next.span.start, "{one:?} and {next:?} are closer than the buffer");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_that_are_a_minute_too_close_one_is_booked_and_of_two_that_only_touch_both() {
    let without_buffer = format!("{BUSINESS}\n[rules]\nbuffer_minutes = 0\n");
    // A repair lasts two hours; behind it comes the buffer of half an hour, or none.
    let cases = [
        (BUSINESS, "2026-11-24T13:00", "2026-11-24T15:29", 1),
        (BUSINESS, "2026-11-25T13:00", "2026-11-25T15:30", 2),
        (BUSINESS, "2026-11-26T15:00", "2026-11-26T13:00", 1),
        (&without_buffer, "2026-11-24T13:00", "2026-11-24T14:59", 1),
        (&without_buffer, "2026-11-25T13:00", "2026-11-25T15:00", 2),
        (&without_buffer, "2026-11-26T15:00", "2026-11-26T13:01", 1),
    ];
    for _ in 0..rounds(ROUNDS.0, ROUNDS.1) {
        for business in [BUSINESS, &without_buffer] {
            let house = patient_house(business).await;
            let mut here: Vec<_> = cases.iter().filter(|(of, ..)| *of == business).collect();
            here.shuffle(&mut rand::rng());
            let wishes = here.iter().flat_map(|(_, one, other, _)| [repair_by_sam(one), repair_by_sam(other)]).collect();
            let sentences = all_at_once(&house, wishes).await;
            come_to_rest(&house).await;
            for (pair, (_, one, other, expected)) in sentences.chunks(2).zip(&here) {
                assert_eq!(booked(pair), *expected, "{one} and {other}: {pair:?}");
                let taken = pair.iter().filter(|sentence| sentence.contains("already taken")).count();
                assert_eq!(taken, 2 - expected, "{one} and {other}: {pair:?}");
            }
            assert_eq!(promises_kept(&house).await.len(), booked(&sentences));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buffer_after_a_job_is_kept_to_the_minute() {
    let house = House::new().await;
    let by_sam = |number: usize, start: &'static str| {
        let house = &house;
        async move {
            let caller = format!("+1555300{number:04}");
            said(&house.tool_of(&caller, &format!("call-{number}"), "t1", BOOK, repair_by_sam(start)).await)
        }
    };
    assert!(by_sam(1, "2026-11-24T14:00").await.contains("You're booked"));
    for (number, start) in [(2, "2026-11-24T16:29"), (3, "2026-11-24T16:00"), (4, "2026-11-24T12:30"), (5, "2026-11-24T15:00")] {
        let sentence = by_sam(number, start).await;
        assert!(sentence.contains("already taken"), "{start}: {sentence}");
    }
    assert!(by_sam(6, "2026-11-24T16:30").await.contains("You're booked"));
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_buffer_jobs_may_stand_back_to_back() {
    let business = format!("{BUSINESS}\n[rules]\nbuffer_minutes = 0\n");
    let house = Plan::new().business(SLUG, &business).build().await;
    let wishes = ["12:30", "14:30", "16:30"].map(|time| repair_by_sam(&format!("2026-11-24T{time}")));
    let sentences = all_at_once(&house, wishes.to_vec()).await;
    assert_eq!(booked(&sentences), 3, "{sentences:?}");
    let late = house.tool("call-x", "t1", BOOK, repair_by_sam("2026-11-24T14:29")).await;
    assert!(said(&late).contains("already taken"));
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_for_the_first_time_of_a_window_get_different_ones() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "15000").build().await;
    let window =
        json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "timeWindow": "morning", "customerName": "Dana Miller" });
    let callers: Vec<(String, String)> =
        (0..4).map(|number| (format!("+1555200{number:04}"), format!("call-{number}"))).collect();
    let asked = callers.iter().map(|(caller, call)| house.tool_of(caller, call, "t1", "scheduleHVACAppointment", window.clone()));
    let sentences: Vec<String> = join_all(asked).await.iter().map(said).collect();
    // A morning has room for one repair of each technician.
    assert_eq!(booked(&sentences), 2, "{sentences:?}");
    assert!(
        sentences.iter().all(|sentence| sentence.contains("You're booked") || sentence.contains("I do have")),
        "{sentences:?}"
    );
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_calendar_gives_one_time_once() {
    let house = Plan::new().set("CALENDAR", "embedded").set("TOOL_REPLY_BUDGET_MS", "15000").build().await;
    let sentences = all_at_once(&house, vec![repair_by_sam("2026-11-24T08:00"); 20]).await;
    assert_eq!(booked(&sentences), 1, "{sentences:?}");
    assert_eq!(crate::promises::confirmed(&house).await.len(), 1);
}
