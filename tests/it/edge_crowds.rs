//! More callers at once than there is room for, in the calendar and in the server: everybody hears something true, in time, that
//! can be spoken.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use ringbook::clock::Stopwatch;

use crate::edge_program::{BOOK, caller};
use crate::full::rounds;
use crate::house::{Answer, House, Plan};
use crate::promises::{DOWN, PENDING, come_to_rest, place, promises_kept, repair_by_sam, said};

/// The longest budget of an answer. A crowd and the server share the cores here, and neither is built for speed.
const BUDGET_MS: &str = "15000";
const IN_TIME: Duration = Duration::from_secs(15 + 2);
/// What each caller of a crowd costs before the server has read what the last one asks: they share its cores.
const TO_BE_READ: Duration = Duration::from_millis(5);
/// What a caller hears whose answer needs more than there is of the database, or of time.
const ASK_AGAIN: [&str; 3] = [
    "Something went wrong on our side, so nothing is confirmed. Please try again in a moment.",
    "I could not finish that in time, so it is not confirmed. Please ask me again in a moment.",
    PENDING,
];
/// So many at a time ask again.
const FEW: usize = 50;
const PLACES: usize = 48;
/// Between two crowds: longer than offered times are held from others.
const LATER: Duration = Duration::from_mins(3);

/// The tool call of this caller, however often it is delivered.
async fn ask(house: &House, who: &str, start: &str) -> Answer {
    house.tool_of(who, &format!("call-of-{who}"), "t1", BOOK, repair_by_sam(start)).await
}

/// So many callers at once, each with a wish of their own; nobody waits too long for an answer.
async fn crowd(house: &House, round: usize, size: usize, start_of: impl Fn(usize) -> String) -> Vec<(String, Answer)> {
    let asking = (0..size).map(|number| {
        let (who, start) = (caller(round * size + number), start_of(number));
        async move {
            let watch = Stopwatch::start();
            let answer = ask(house, &who, &start).await;
            (who, answer, watch.elapsed())
        }
    });
    let told = join_all(asking).await;
    let slowest = told.iter().map(|(.., took)| *took).max().unwrap_or_default();
    assert!(
        slowest < IN_TIME + TO_BE_READ * u32::try_from(size).unwrap(),
        "{size} callers: the slowest heard something after {slowest:?}"
    );
    told.into_iter().map(|(who, answer, _)| (who, answer)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_crowd_for_one_time_one_gets_it_and_all_others_hear_other_times() {
    let (size, times) = (rounds(150, 1_000), rounds(1, 100));
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", BUDGET_MS).build().await;
    for round in 0..times {
        let before = house.google.count("events.insert");
        let told = crowd(&house, round, size, |_| place(round)).await;
        let (turned_away, told): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|(_, answer)| ASK_AGAIN.contains(&said(answer).as_str()));
        // A thousand at once may be more than a busy machine looks up in time, and are told so; fewer never are. Whoever asks
        // again, a few at a time, hears how it is.
        assert!(turned_away.len() <= rounds(0, size - 1), "{} of {size} were turned away", turned_away.len());
        let mut sentences: Vec<String> = told.iter().map(|(_, answer)| said(answer)).collect();
        let start = place(round);
        for some in turned_away.chunks(FEW) {
            let again = some.iter().map(|(who, _)| ask(&house, who, &start));
            sentences.extend(join_all(again).await.iter().map(said));
        }
        let booked = sentences.iter().filter(|sentence| sentence.contains("You're booked")).count();
        let taken = sentences.iter().filter(|sentence| sentence.contains("is already taken. Nothing is booked. I ")).count();
        assert_eq!((booked, taken), (1, size - 1), "{:?}", sentences.iter().collect::<BTreeSet<_>>());
        // Of the largest crowds some hear that the calendar cannot be seen just now: the machine answers nobody in time.
        let named = sentences.iter().filter(|sentence| sentence.contains("I do have ")).count();
        assert!((rounds(size - 1, 1)..size).contains(&named), "{named} of {size} heard other times");
        // Nobody but the winners is in the ledger, not even with a row that was given up.
        let (rows, events) = (house.bookings().await.len(), promises_kept(&house).await.len());
        assert_eq!((house.google.count("events.insert") - before, rows, events), (1, round + 1, round + 1));
        house.clock.advance(LATER);
    }
}

/// What a caller hears who asks again for as long as the crowd has used up what may be asked of Google.
async fn asked_again(house: &House, number: usize) -> String {
    let who = caller(number);
    let asking = async {
        loop {
            let wish = repair_by_sam(&place(number));
            let sentence = said(&house.tool_of(&who, &format!("call-of-{who}"), "t2", BOOK, wish).await);
            if sentence != DOWN {
                return sentence;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("served again soon")
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bookings_than_can_be_served_are_turned_away_in_words_and_the_rest_is_true() {
    let size = rounds(300, 2_000);
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", BUDGET_MS).build().await;
    house.google.latency(Duration::from_millis(5));
    let told = crowd(&house, 0, size, |number| place(number % PLACES)).await;
    let mut booked = BTreeSet::new();
    for (who, answer) in &told {
        let sentence = said(answer);
        if sentence.contains("You're booked") {
            booked.insert(who.as_str());
        } else {
            let is_no = ["Nothing is booked", "nothing is booked", "not confirmed", "nothing is confirmed", "was not done"];
            assert!(sentence == PENDING || is_no.iter().any(|no| sentence.contains(no)), "{sentence}");
        }
    }
    assert!(!booked.is_empty(), "nobody was served: {:?}", told.first());
    come_to_rest(&house).await;
    let rows = promises_kept(&house).await;
    let kept: BTreeSet<&str> = rows.iter().map(|row| row.customer_phone.as_str()).collect();
    assert!(booked.is_subset(&kept) && rows.len() == kept.len(), "told {booked:?}, kept {kept:?}");
    // Soon after, everybody who asks again hears how it is: the time is theirs, or somebody else's.
    for number in 0..PLACES {
        let sentence = asked_again(&house, number).await;
        assert!(sentence.contains("You're booked") || sentence.contains("already taken"), "{number}: {sentence}");
    }
    assert_eq!(promises_kept(&house).await.len(), PLACES);
}
