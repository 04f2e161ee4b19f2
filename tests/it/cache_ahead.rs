//! Looking ahead: what a caller will ask for is looked up while they are greeted, and costs nothing when they ask.

use futures_util::future::join_all;
use ringbook::vapi::heard::speaks_of_appointment;
use ringbook::vapi::message::{Kind, Message};
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::faults::in_time;
use crate::house::{CALLED, CALLER, House, Plan};
use crate::promises::{said, when};
use crate::ringing::is_assistant;

const ASKED: &str = "freebusy.query";
const CHECK: &str = "checkAvailability";

/// A message of a running call.
fn message(kind: &str, more: Value) -> Value {
    let mut message = json!({ "type": kind, "call": { "id": "call-1", "customer": { "number": CALLER } }, "phoneNumber": { "number": CALLED } });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "message": message })
}

fn transcript(kind: &str, role: &str, words: &str) -> Value {
    message("transcript", json!({ "transcriptType": kind, "role": role, "transcript": words }))
}

/// Once it was looked up, every question is answered without another request.
async fn questions_cost_nothing(house: &House) {
    house.google.wait_for_done(ASKED, 1).await;
    for (number, date) in ["2026-12-08", "2026-11-24", "2026-12-22"].into_iter().enumerate() {
        let answer = said(&house.tool("call-1", &format!("t{number}"), CHECK, when(date)).await);
        assert!(answer.contains("I have"), "{date}: {answer}");
    }
    // The calendars are followed by themselves.
    let by_itself = ["token", "events.sync", "events.watch"];
    let upstream = house.google.requests().into_iter().map(|entry| entry.call).filter(|call| !by_itself.contains(call));
    let upstream: Vec<_> = upstream.collect();
    assert_eq!(upstream, [ASKED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ringing_telephone_is_enough() {
    let house = House::new().await;
    house.ring("CA00000000000000000000000000000001").await;
    questions_cost_nothing(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vapis_question_who_shall_answer_is_enough() {
    let house = House::new().await;
    let answer = house.vapi(&message("assistant-request", json!({}))).await;
    assert_eq!(answer.json()["assistantId"], "assistant-1");
    questions_cost_nothing(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_sentence_about_an_appointment_is_enough() {
    let house = House::new().await;
    let answer = house.vapi(&transcript("partial", "user", "Hi, I'd like to make an appoint")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let answer = house.vapi(&transcript("partial", "user", "Hi, I'd like to make an appointment")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    questions_cost_nothing(&house).await;
}

#[test]
fn a_caller_who_speaks_of_an_appointment_is_understood_and_nobody_else() {
    for words in [
        "appointment",
        "Can I BOOK a visit?",
        "schedule, please",
        "I need to reschedule",
        "do you have any openings",
        "are you available on",
        "when can you come",
        "could someone come out",
        "can you come, out?",
        "send somebody",
        "the earliest you've got",
    ] {
        assert!(speaks_of_appointment(words), "{words}");
    }
    for words in ["", "hello", "my furnace is broken", "facebook told me", "we disappointment", "it came outside", "reopening"] {
        assert!(!speaks_of_appointment(words), "{words}");
    }
}

#[test]
fn only_the_callers_own_words_are_heard() {
    let heard = |kind: &str, more: Value| match Message::read(message(kind, more).to_string().as_bytes()).unwrap().kind {
        Kind::Heard(said) if said.by_caller => Some(said.words),
        _ => None,
    };
    let said_by = |role: &str| json!({ "role": role, "transcriptType": "final", "transcript": "an appointment" });
    assert_eq!(heard("transcript", said_by("user")).as_deref(), Some("an appointment"));
    assert_eq!(heard("transcript[transcriptType=\"final\"]", said_by("user")).as_deref(), Some("an appointment"));
    assert_eq!(heard("transcript", json!({ "role": "user", "transcript": 5 })).as_deref(), Some(""));
    for (kind, role) in [("transcript", "assistant"), ("transcript", ""), ("speech-update", "user")] {
        assert_eq!(heard(kind, said_by(role)), None, "{kind} {role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_often_it_is_announced_it_is_looked_up_once() {
    let house = House::new().await;
    let held = house.google.hold(ASKED);
    let sids: Vec<String> = (0..8).map(|number| format!("CA0000000000000000000000000000010{number}")).collect();
    join_all(sids.iter().map(|sid| house.ring(sid))).await;
    let words = transcript("final", "user", "an appointment");
    join_all((0..8).map(|_| house.vapi(&words))).await;
    held.reached(1).await;
    held.release();
    house.google.wait_for_done(ASKED, 1).await;
    // Known now: another caller changes nothing.
    said(&house.tool("call-1", "t1", CHECK, when("2026-11-24")).await);
    house.ring("CA00000000000000000000000000000999").await;
    house.vapi(&words).await;
    questions_cost_nothing(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_waits_for_it_and_none_hears_of_its_failure() {
    let house = House::new().await;
    house.google.fault(ASKED, Fault::HangBeforeCommit);
    let twiml = in_time(house.ring("CA00000000000000000000000000000001")).await;
    assert!(is_assistant(&twiml.body), "{twiml:?}");
    house.google.wait_for(ASKED, 1).await;
    let answer = in_time(house.tool("call-1", "t1", "bookAppointment", crate::promises::repair("2026-11-24T08:00"))).await;
    assert!(said(&answer).contains("You're booked"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_calendar_needs_none_of_it() {
    let house = Plan::new().set("CALENDAR", "embedded").build().await;
    assert!(is_assistant(&house.ring("CA00000000000000000000000000000001").await.body));
    assert!(said(&house.tool("call-1", "t1", CHECK, when("2026-11-24")).await).contains("I have"));
    assert!(house.google.requests().is_empty());
}
