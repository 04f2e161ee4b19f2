//! Talking over it: a booking waits a moment for a caller who is still speaking, and gives way to a newer one of its call.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::names::Slug;
use ringbook::vapi::listening::{Line, Listening, MAX_WAIT, Replaced};
use ringbook::vapi::message::{Kind, Message};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::house::{CALLER, House, SLUG, tool_calls};
use crate::promises::{older, promises_kept, repair, said, when};
use crate::spoken::message;

const BOOK: &str = "bookAppointment";
const REPLACED: &str = "That was replaced by the newer request, so this one was not done.";

async fn caller(house: &House, status: &str) {
    let answer = house.vapi(&message("call-1", "speech-update", &json!({ "status": status, "role": "user" }))).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

/// Until the work of this tool call of the first call has begun.
async fn begun(house: &House, id: &str) {
    let (store, key) = (house.store().await, format!("id/{SLUG}/call-1/{id}"));
    while store.delivery(&key, OffsetDateTime::UNIX_EPOCH).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_waits_while_the_caller_speaks_but_not_for_long() {
    let house = House::new().await;
    let watch = Stopwatch::start();
    caller(&house, "started").await;
    let booked = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await;
    assert!(watch.elapsed() >= MAX_WAIT, "{:?}", watch.elapsed());
    assert!(said(&booked).contains("You're booked"), "inside its deadline: {booked:?}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_other_calls_do_not_wait() {
    let house = House::new().await;
    caller(&house, "started").await;
    let waiting = std::pin::pin!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")));
    let others = async {
        begun(&house, "t1").await;
        let asked = house.tool("call-1", "t2", "checkAvailability", when("2026-11-24")).await;
        let other = house.tool_of("+15551112222", "call-2", "t1", BOOK, repair("2026-11-25T08:00")).await;
        let inserted = house.google.count("events.insert");
        assert_eq!(inserted, 1, "the first one is still waiting");
        (asked, other)
    };
    let (booked, (asked, other)) = tokio::join!(waiting, others);
    assert!(said(&asked).contains("8 AM") && said(&other).contains("You're booked"), "{asked:?} {other:?}");
    assert!(said(&booked).contains("You're booked"), "{booked:?}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_gives_way_to_a_newer_booking_of_the_same_call() {
    let house = House::new().await;
    caller(&house, "started").await;
    let newer = async {
        begun(&house, "t1").await;
        house.tool("call-1", "t2", BOOK, repair("2026-11-25T15:00")).await
    };
    let (first, second) = tokio::join!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")), newer);
    assert!(!first.is_error() && said(&first) == REPLACED, "{first:?}");
    assert!(said(&second).contains("Wednesday, November 25 at 3 PM"), "{second:?}");
    let rows = promises_kept(&house).await;
    assert_eq!((rows.len(), rows[0].wall_clock.as_str()), (1, "2026-11-25 15:00"));
    caller(&house, "stopped").await;
    let again = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "that answer does not stick: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_form_says_that_it_was_replaced() {
    let house = House::new().await;
    let wish = |start: &str| {
        message(
            "call-1",
            "function-call",
            &json!({ "functionCall": { "id": start.get(..10), "name": BOOK, "parameters": repair(start) } }),
        )
    };
    caller(&house, "started").await;
    let newer = async {
        begun(&house, "2026-11-24").await;
        house.vapi(&wish("2026-11-25T15:00")).await
    };
    let (first, second) = tokio::join!(async { house.vapi(&wish("2026-11-24T08:00")).await }, newer);
    let first = older(&first);
    assert_eq!((&first["success"], &first["message"], first.get("error")), (&json!(false), &json!(REPLACED), None));
    assert_eq!((&older(&second)["success"], promises_kept(&house).await.len()), (&json!(true), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_does_not_replace_what_it_repeats() {
    let house = House::new().await;
    let answered = house.tool("call-1", "t0", BOOK, repair("2026-11-26T08:00")).await;
    caller(&house, "started").await;
    let repeated = async {
        begun(&house, "t1").await;
        let old = house.tool("call-1", "t0", BOOK, repair("2026-11-26T08:00")).await;
        assert_eq!(old, answered);
        house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await
    };
    let (first, again) = tokio::join!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")), repeated);
    assert!(said(&first).contains("You're booked") && first == again, "{first:?} {again:?}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bookings_of_one_message_do_not_replace_each_other() {
    let house = House::new().await;
    caller(&house, "started").await;
    let both = [("t1", BOOK, repair("2026-11-24T08:00")), ("t2", BOOK, repair("2026-11-25T08:00"))];
    let answer = house.vapi(&tool_calls(CALLER, "call-1", &both)).await.json();
    for entry in answer["results"].as_array().unwrap() {
        assert!(entry["result"].as_str().unwrap().contains("You're booked"), "{answer}");
    }
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_not_dropped() {
    let house = House::new().await;
    let held = house.google.hold("events.insert");
    let newer = async {
        held.reached(1).await;
        caller(&house, "started").await;
        caller(&house, "stopped").await;
        let second = house.tool("call-1", "t2", BOOK, repair("2026-11-25T08:00"));
        let release = async {
            held.reached(2).await;
            held.release();
        };
        tokio::join!(second, release).0
    };
    let (first, second) = tokio::join!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")), newer);
    assert!(said(&first).contains("You're booked") && said(&second).contains("You're booked"), "{first:?} {second:?}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test]
async fn a_turn_comes_as_soon_as_the_caller_stops_or_hangs_up_and_not_before() {
    let (listening, line) = (Listening::default(), Line::new(&Slug::parse(SLUG).unwrap(), "call-1"));
    for end in [Listening::stops, Listening::forget] {
        listening.speaks(&line);
        let mut turn = listening.booking(&line, listening.arrival());
        {
            let waiting = turn.comes(MAX_WAIT);
            let mut waiting = std::pin::pin!(waiting);
            assert!(futures_util::poll!(&mut waiting).is_pending());
            end(&listening, &line);
            assert_eq!(futures_util::poll!(&mut waiting), std::task::Poll::Ready(Ok(())), "without a moment's delay");
        }
        assert_eq!(turn.comes(MAX_WAIT).await, Ok(()));
    }
}

#[tokio::test]
async fn only_a_later_message_replaces_and_only_who_waits() {
    let (listening, line) = (Listening::default(), Line::new(&Slug::parse(SLUG).unwrap(), "call-1"));
    let arrived = [(); 3].map(|()| listening.arrival());
    assert!(arrived.is_sorted() && arrived[0] < arrived[1]);
    listening.speaks(&line);
    let mut turns = arrived.map(|number| listening.booking(&line, number));
    assert_eq!(turns[0].comes(MAX_WAIT).await, Err(Replaced));
    assert_eq!(turns[1].comes(Duration::ZERO).await, Ok(()), "there is no time to wait");
    assert_eq!(turns[2].comes(Duration::from_millis(10)).await, Ok(()), "the newest");
    listening.stops(&line);
    assert_eq!(turns[0].comes(MAX_WAIT).await, Ok(()), "nobody speaks");
    let mut unheard = listening.booking(&Line::new(&Slug::parse(SLUG).unwrap(), "call-2"), 1);
    assert_eq!(unheard.comes(MAX_WAIT).await, Ok(()));
    assert_eq!(listening.known(), 1, "a booking alone is nothing that was heard");
}

#[test]
fn only_the_caller_is_let_finish() {
    let speaking =
        |fields: Value| match Message::read(message("call-1", "speech-update", &fields).to_string().as_bytes()).unwrap().kind {
            Kind::Speaking(speaking) => Some(speaking),
            _ => None,
        };
    assert_eq!(speaking(json!({ "status": "started", "role": "user", "turn": 3 })), Some(true));
    assert_eq!(speaking(json!({ "status": "stopped", "role": "user" })), Some(false));
    for odd in [
        json!({ "status": "started", "role": "assistant" }),
        json!({ "status": "started" }),
        json!({ "status": "singing", "role": "user" }),
        json!({ "role": "user" }),
    ] {
        assert_eq!(speaking(odd.clone()), None, "{odd}");
    }
}
