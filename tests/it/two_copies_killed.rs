//! Of two copies at one PostgreSQL database one is killed in the middle of a booking: the other one finishes it, and the caller who
//! is with that one hears what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use ringbook::names::BookingState;
use serde_json::Value;

use crate::edge_killed::{is_booked, taken_over};
use crate::edge_program::{Life, address, caller, said, time_of, wish};
use crate::fakes::faults::Fault;
use crate::fakes::journal::PATIENCE;
use crate::full::rounds;
use crate::house::{ALEX, Answer, House, SAM};
use crate::promises::{PENDING, promises_kept, said as sentence};
use crate::two_copies::Two;

/// Where a booking hangs while its copy is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Somewhere on its way, at a Google that takes its time.
    Any,
    /// The look into the calendar is not answered.
    Look,
    /// The insert has not been done.
    BeforeInsert,
    /// The insert was done, and its answer never comes.
    AfterInsert,
}

const MOMENTS: [Moment; 4] = [Moment::AfterInsert, Moment::Any, Moment::BeforeInsert, Moment::Look];
/// How often a copy looks for what nobody finished.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(30);
/// About how long a whole booking takes at that Google.
const A_BOOKING_MS: u64 = 120;

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_copy_is_killed_at_any_point_is_finished_by_the_other_and_heard_there() {
    let mut two = Two::new().await;
    two.house.google.latency(Duration::from_millis(15));
    let (mut asked, mut cut_off) = (BTreeMap::new(), 0);
    for round in 0..rounds(8, 200) {
        let moment = MOMENTS[round % MOMENTS.len()];
        // What looks back at the bookings before this one looks into the other calendar.
        let technician = if matches!(moment, Moment::Look) { "alex" } else { "sam" };
        let (who, wish) = (caller(round), wish(technician, &time_of(round)));
        let before = killed_at(&two, moment, &who, &wish).await;
        cut_off += usize::from(before.is_none());
        let Two { house, one, other } = two;
        one.kill();
        // Vapi asks again and comes to whoever is left.
        let after = outcome(&house, &other, &who, &wish).await;
        assert!(is_booked(&after), "{moment:?}: {before:?}, then {after:?}: {}", said(&house));
        assert!(before.is_none_or(|before| before == after), "{moment:?}: another answer than before");
        let rows = promises_kept(&house).await;
        assert_eq!((rows.len(), house.events().len()), (round + 1, round + 1), "{moment:?}");
        asked.insert(who, wish);
        // The next one to be killed is the one that has taken over.
        let fresh = Life::begin(&house, &address(), "").await;
        assert_eq!(fresh.book(&house, &caller(round), &asked[&caller(round)]).await, Some(after), "{moment:?}");
        two = Two { house, one: other, other: fresh };
    }
    assert!(cut_off >= rounds(8, 200) / 2, "it was hardly ever killed in the middle: {cut_off}");
    let Two { mut house, one, other } = two;
    one.kill();
    other.kill();
    let booked = asked.keys().cloned().collect();
    taken_over(&mut house, &asked, booked).await;
}

/// Asks as Vapi does, until it is not being arranged any more.
async fn outcome(house: &House, life: &Life, who: &str, wish: &Value) -> Answer {
    let asking = async {
        loop {
            let answer = life.book(house, who, wish).await.unwrap_or_else(|| panic!("no answer: {}", said(house)));
            if sentence(&answer) != PENDING {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, asking).await;
    outcome.unwrap_or_else(|_| panic!("{who} never hears an outcome: {}", said(house)))
}

/// Asks the first copy, and returns when it is to be killed; the answer, if there was time for one.
async fn killed_at(two: &Two, moment: Moment, who: &str, wish: &Value) -> Option<Answer> {
    let Two { house, one, .. } = two;
    let (call, fault) = match moment {
        Moment::Any => {
            let killing = tokio::time::sleep(Duration::from_millis(rand::random::<u64>() % A_BOOKING_MS));
            return tokio::select! { told = one.book(house, who, wish) => told, () = killing => None };
        }
        Moment::Look => ("events.list", Fault::HangBeforeCommit),
        Moment::BeforeInsert => ("events.insert", Fault::HangBeforeCommit),
        Moment::AfterInsert => ("events.insert", Fault::HangAfterCommit),
    };
    let (seen, rows) = (house.google.count(call), house.bookings().await.len());
    house.google.fault_in(call, if matches!(moment, Moment::Look) { ALEX } else { SAM }, fault);
    let hangs = async {
        house.google.wait_for(call, seen + 1).await;
        if matches!(moment, Moment::AfterInsert) {
            // Each booking so far has been inserted once.
            house.google.wait_for_done(call, rows + 1).await;
        }
    };
    tokio::select! { told = one.book(house, who, wish) => told, () = hangs => None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_whose_copy_is_killed_is_finished_by_the_other_also_when_nobody_asks_again() {
    let two = Two::new().await;
    let Two { house, one, other } = two;
    house.google.fault("events.insert", Fault::HangAfterCommit);
    let (who, wish) = (caller(0), wish("sam", &time_of(0)));
    let hangs = house.google.wait_for("events.insert", 1);
    tokio::select! { told = one.book(&house, &who, &wish) => panic!("{told:?}"), () = hangs => {} }
    one.kill();
    // It is as if it had been a minute ago: so long the caller could have come back.
    house.grip().await.run("UPDATE bookings SET updated_at = updated_at - 60000").await;
    let finished = async || {
        while house.bookings().await.iter().any(|row| row.state != BookingState::Confirmed) {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    assert!(tokio::time::timeout(BETWEEN_SWEEPS * 2, finished()).await.is_ok(), "{}", said(&house));
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (1, 1));
    let again = other.book(&house, &who, &wish).await;
    assert!(again.as_ref().is_some_and(is_booked), "{again:?}");
    assert_eq!(house.events().len(), 1);
}
