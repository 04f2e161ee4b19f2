//! The program is killed, stopped for a while, told to end, doubled or starved in the middle of bookings. Whatever was said to be
//! booked is an event and a row, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use ringbook::clock::Clock;
use serde_json::Value;

use crate::edge_program::{BOOK, Life, address, caller, house, said as log_says, time_of, wish};
use crate::full::rounds;
use crate::house::{Answer, House};
use crate::promises::{PENDING, come_to_rest, promises_kept, said};

pub fn is_booked(answer: &Answer) -> bool {
    said(answer).contains("You're booked")
}

/// Asserts that the rows are those of exactly these callers.
async fn booked_are(house: &House, callers: &BTreeSet<String>) {
    let rows = promises_kept(house).await;
    let kept: BTreeSet<String> = rows.iter().map(|row| row.customer_phone.as_str().to_owned()).collect();
    assert_eq!((&kept, rows.len()), (callers, callers.len()), "what was said and what is there differ");
}

/// The house's own server takes over, with a clock that can be moved: everything is brought to its end, and those who heard
/// that theirs was being arranged ask again.
pub async fn taken_over(house: &mut House, asked: &BTreeMap<String, Value>, mut booked: BTreeSet<String>) {
    house.google.latency(Duration::ZERO);
    // What nobody has noted for later is looked for at the start, once it is older than any caller waits.
    house.clock.set(Clock::System.now() + time::Duration::minutes(2));
    house.restart().await;
    come_to_rest(house).await;
    for (who, wish) in asked {
        let answer = house.tool_of(who, &format!("call-of-{who}"), "t1", BOOK, wish.clone()).await;
        assert!(is_booked(&answer) || !booked.contains(who), "{who} was told a booking that is none: {answer:?}");
        assert!(is_booked(&answer) || said(&answer).contains("already taken"), "{who}: {answer:?}");
        if is_booked(&answer) {
            booked.insert(who.clone());
        }
    }
    booked_are(house, &booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_at_any_point_keeps_what_it_said_and_says_what_it_kept() {
    let mut house = house().await;
    house.google.latency(Duration::from_millis(15));
    let address = address();
    let mut life = Life::begin(&house, &address, "").await;
    let (mut asked, mut booked, mut cut_off) = (BTreeMap::new(), BTreeSet::new(), 0);
    for round in 0..rounds(6, 200) {
        // Two want the same time, and a third one another technician's.
        let wishes = ["sam", "sam", "alex"].map(|technician| wish(technician, &time_of(round)));
        let wishes: Vec<(String, Value)> =
            wishes.into_iter().enumerate().map(|(who, wish)| (caller(3 * round + who), wish)).collect();
        let asking = join_all(wishes.iter().map(|(who, wish)| life.book(&house, who, wish)));
        let killing = tokio::time::sleep(Duration::from_millis(rand::random::<u64>() % 160));
        let told = tokio::select! { told = asking => told, () = killing => vec![None; wishes.len()] };
        cut_off += told.iter().filter(|answer| answer.is_none()).count();
        life.kill();
        life = Life::begin(&house, &address, "").await;
        let again = join_all(wishes.iter().map(|(who, wish)| life.book(&house, who, wish))).await;
        for (((who, wish), before), after) in wishes.into_iter().zip(told).zip(again) {
            let after = after.unwrap_or_else(|| panic!("{who}: no answer: {}", log_says(&house)));
            if let Some(before) = before.filter(is_booked) {
                assert_eq!(before, after, "{who}: another answer after the restart");
            }
            assert!(is_booked(&after) || said(&after) == PENDING || said(&after).contains("already taken"), "{after:?}");
            if is_booked(&after) {
                booked.insert(who.clone());
            }
            asked.insert(who, wish);
        }
    }
    assert!(cut_off > 0, "it was never killed in the middle");
    life.kill();
    taken_over(&mut house, &asked, booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_told_to_end_answers_everybody_first() {
    let mut house = house().await;
    let mut life = Life::begin(&house, &address(), "").await;
    let held = house.google.hold("events.insert");
    // Two for each time: one of them gets it.
    let wishes: BTreeMap<String, Value> = (0..40).map(|number| (caller(number), wish("sam", &time_of(number / 2)))).collect();
    let ending = async {
        held.reached(15).await;
        life.signal("TERM");
        held.release();
    };
    let (told, ()) = tokio::join!(join_all(wishes.iter().map(|(who, wish)| life.book(&house, who, wish))), ending);
    let (status, took) = life.ended().await;
    assert!(status.success() && took < Duration::from_secs(15), "{status} after {took:?}: {}", log_says(&house));
    let mut booked = BTreeSet::new();
    for (who, answer) in wishes.keys().zip(told) {
        let answer = answer.unwrap_or_else(|| panic!("{who} was dropped: {}", log_says(&house)));
        assert!(is_booked(&answer) || said(&answer) == PENDING || said(&answer).contains("already taken"), "{answer:?}");
        if is_booked(&answer) {
            booked.insert(who.clone());
        }
    }
    assert!(booked.len() >= 10, "{booked:?}");
    taken_over(&mut house, &wishes, booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_stood_still_goes_on_where_it_was() {
    let mut house = house().await;
    let life = Life::begin(&house, &address(), "").await;
    // Longer than the budget of an answer where there is time for it.
    let pause = Duration::from_millis(rounds(1_200, 10_000) as u64);
    let mut asked = BTreeMap::new();
    for (number, at) in ["events.list", "events.insert"].into_iter().enumerate() {
        let held = house.google.hold(at);
        let stopping = async {
            held.reached(1).await;
            life.signal("STOP");
            held.release();
            tokio::time::sleep(pause).await;
            life.signal("CONT");
        };
        let (who, wish) = (caller(number), wish("sam", &time_of(number)));
        let (answer, ()) = tokio::join!(life.book(&house, &who, &wish), stopping);
        let answer = answer.expect("an answer");
        assert!(pause > Duration::from_secs(4) || is_booked(&answer), "{at}: {answer:?}");
        asked.insert(who, wish);
    }
    life.kill();
    let booked = asked.keys().cloned().collect();
    taken_over(&mut house, &asked, booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_at_one_database_give_one_time_once() {
    let mut house = house().await;
    let (one, other) = (Life::begin(&house, &address(), "").await, Life::begin(&house, &address(), "").await);
    house.google.latency(Duration::from_millis(30));
    let (mut asked, mut booked) = (BTreeMap::new(), BTreeSet::new());
    for round in 0..rounds(3, 50) {
        let wish = wish("sam", &time_of(round));
        let callers: Vec<String> = (0..12).map(|number| caller(12 * round + number)).collect();
        let asking = callers.iter().enumerate().map(|(number, who)| {
            let life = if number.is_multiple_of(2) { &one } else { &other };
            life.book(&house, who, &wish)
        });
        let told = join_all(asking).await;
        let heard = callers.iter().zip(told).map(|(who, answer)| (who, answer.expect("an answer")));
        let winners: Vec<&String> = heard.filter(|(_, answer)| is_booked(answer)).map(|(who, _)| who).collect();
        assert!(winners.len() <= 1, "{winners:?}");
        booked.extend(winners.into_iter().cloned());
        asked.extend(callers.into_iter().map(|who| (who, wish.clone())));
    }
    assert_eq!(booked.len(), rounds(3, 50), "a time that nobody got");
    one.kill();
    other.kill();
    taken_over(&mut house, &asked, booked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_descriptors_lies_to_nobody_and_serves_again_when_it_has_some() {
    let mut house = house().await;
    let address = address();
    let life = Life::begin(&house, &address, "ulimit -n 64;").await;
    let (mut asked, mut booked) = (BTreeMap::new(), BTreeSet::new());
    let mut note = |who: String, wish: Value, answer: Option<Answer>| {
        // Whoever hears nothing at all is with the assistant, which asks again.
        if answer.is_some_and(|answer| is_booked(&answer)) {
            booked.insert(who.clone());
        }
        asked.insert(who, wish);
    };
    let idle: Vec<_> = (0..100).map(|_| tokio::net::TcpStream::connect(address.clone())).collect();
    let idle = join_all(idle).await;
    let wishes: Vec<(String, Value)> = (0..60).map(|number| (caller(number), wish("sam", &time_of(number)))).collect();
    let told = join_all(wishes.iter().map(|(who, wish)| life.book(&house, who, wish))).await;
    for ((who, wish), answer) in wishes.into_iter().zip(told) {
        note(who, wish, answer);
    }
    drop(idle);
    let (who, wish) = (caller(900), wish("alex", &time_of(0)));
    let served = async {
        loop {
            let answer = life.book(&house, &who, &wish).await;
            if answer.as_ref().is_some_and(is_booked) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), served).await;
    note(who.clone(), wish.clone(), answer.unwrap_or_else(|_| panic!("not served again: {}", log_says(&house))));
    life.kill();
    taken_over(&mut house, &asked, booked).await;
}
