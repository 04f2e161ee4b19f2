//! `require_spoken_intent`: nothing is booked before the caller said that they want it, where what they say arrives.

use ringbook::names::Slug;
use ringbook::vapi::heard::says_one_of;
use ringbook::vapi::listening::{Line, Listening, MAX_CALLS};
use ringbook::vapi::message::{Kind, Message};
use serde_json::{Value, json};

use crate::house::{Answer, BUSINESS, CALLED, CALLER, House, Plan, SLUG};
use crate::promises::{older, promises_kept, repair, said, when, with};

const BOOK: &str = "bookAppointment";
const ASK: &str = "The caller has not said yet that they want this, so it was not done. Please ask whether they want it, \
                   let them answer with \"schedule\", \"book\" or \"sign me up\", and then try again.";

/// A message of a running call.
pub fn message(call: &str, kind: &str, more: &Value) -> Value {
    let mut message =
        json!({ "type": kind, "call": { "id": call, "customer": { "number": CALLER } }, "phoneNumber": { "number": CALLED } });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "message": message })
}

/// What somebody says in a call.
async fn says(house: &House, call: &str, role: &str, kind: &str, words: &str) {
    let said = json!({ "role": role, "transcriptType": kind, "transcript": words });
    assert_eq!(house.vapi(&message(call, "transcript", &said)).await.body, "{}");
}

async fn house() -> House {
    let rules = "[rules]\nrequire_spoken_intent = [\"Schedule\", \"book\", \"sign me up\"]";
    Plan::new().business(SLUG, &format!("{BUSINESS}\n{rules}\n")).build().await
}

fn asks_for_it(answer: &Answer) {
    assert!(answer.is_error() && said(answer) == ASK, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_booked_before_the_caller_said_so_for_good() {
    let house = house().await;
    for (number, (role, kind, words)) in [
        ("assistant", "final", "Shall I book that for you?"),
        ("user", "partial", "Yes, book"),
        ("user", "final", "I read it on Facebook, I'm overbooked, and signed me up."),
    ]
    .into_iter()
    .enumerate()
    {
        says(&house, "call-1", role, kind, words).await;
        asks_for_it(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
        let window = json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "customerName": "Dana Miller" });
        asks_for_it(&house.tool("call-1", &format!("w{number}"), "scheduleHVACAppointment", window).await);
    }
    assert!(said(&house.tool("call-1", "c1", "checkAvailability", when("2026-11-24")).await).contains("I have"));
    assert!(house.bookings().await.is_empty() && house.google.count("events.insert") == 0);
    says(&house, "call-1", "user", "final", "OK: sign... ME up!").await;
    says(&house, "call-1", "user", "final", "Thank you.").await;
    let booked = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(booked.contains("You're booked"), "the same id: {booked}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_form_and_a_transcript_that_is_final_by_its_type_are_understood() {
    let house = house().await;
    let function = json!({ "functionCall": { "name": BOOK, "parameters": repair("2026-11-24T08:00") } });
    says(&house, "call-1", "user", "final", "My furnace is broken").await;
    let answer = older(&house.vapi(&message("call-1", "function-call", &function)).await);
    assert_eq!((&answer["success"], &answer["message"]), (&json!(false), &json!(ASK)));
    let said = json!({ "role": "user", "transcript": "book it" });
    house.vapi(&message("call-1", "transcript[transcriptType=\"final\"]", &said)).await;
    let answer = older(&house.vapi(&message("call-1", "function-call", &function)).await);
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_speaks_for_itself_and_where_nothing_is_heard_nothing_is_asked() {
    let house = house().await;
    says(&house, "call-1", "user", "final", "I want to schedule").await;
    says(&house, "call-2", "user", "final", "My furnace is broken").await;
    asks_for_it(&house.tool("call-2", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked"));
    let unheard = house.tool("call-3", "t1", BOOK, repair("2026-11-25T08:00")).await;
    assert!(said(&unheard).contains("You're booked"), "no transcript of that call: {unheard:?}");
    let wish = with(repair("2026-11-26T08:00"), &json!({ "customerPhone": "+15555551234" }));
    assert_eq!(older(&house.function(BOOK, wish).await)["success"], true, "no call at all");
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_told_again_after_the_call_and_what_was_heard_is_not_remembered() {
    let house = house().await;
    says(&house, "call-1", "user", "final", "book it").await;
    let booked = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await;
    assert!(said(&booked).contains("You're booked"));
    house.vapi(&message("call-1", "end-of-call-report", &json!({ "endedReason": "customer-ended-call" }))).await;
    says(&house, "call-1", "user", "final", "bye").await;
    assert_eq!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await, booked);
    asks_for_it(&house.tool("call-1", "t2", BOOK, repair("2026-11-25T08:00")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_before_a_restart_or_by_another_copy_counts() {
    let mut house = house().await;
    says(&house, "call-1", "user", "final", "My furnace is broken").await;
    house.restart().await;
    asks_for_it(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    says(&house, "call-1", "user", "final", "book it").await;
    house.restart().await;
    says(&house, "call-1", "user", "final", "Thank you.").await;
    assert!(said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked"));
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rule_nobody_has_to_say_anything() {
    let house = House::new().await;
    says(&house, "call-1", "user", "final", "My furnace is broken").await;
    assert!(said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked"));
}

#[test]
fn whole_words_are_understood_whatever_their_case_and_what_stands_between_them() {
    let phrases = ["book".to_owned(), "Sign me UP".to_owned(), "…".to_owned(), "d'accord".to_owned()];
    for words in ["book", "BOOK!", "to book, please", "sign me up", "well—sign, me: up?", "D’accord"] {
        assert!(says_one_of(words, &phrases), "{words}");
    }
    for words in ["", "...", "booking", "facebook", "sign up", "sign me", "me up", "accord"] {
        assert!(!says_one_of(words, &phrases), "{words}");
    }
    assert!(!says_one_of("book", &[]));
}

#[test]
fn finality_and_the_speaker_are_read_from_the_message() {
    let heard = |kind: &str, more: Value| match Message::read(message("call-1", kind, &more).to_string().as_bytes()).unwrap().kind
    {
        Kind::Heard(said) => Some((said.by_caller, said.is_final)),
        _ => None,
    };
    let of = |role: &str, kind: Value| json!({ "role": role, "transcriptType": kind, "transcript": "book" });
    assert_eq!(heard("transcript", of("user", json!("final"))), Some((true, true)));
    assert_eq!(heard("transcript", of("user", json!("partial"))), Some((true, false)));
    assert_eq!(heard("transcript", of("assistant", json!("final"))), Some((false, true)));
    for odd in [json!(null), json!(5), json!("FINAL?"), json!({ "final": true })] {
        assert_eq!(heard("transcript", of("user", odd.clone())), Some((true, false)), "{odd}");
    }
    assert_eq!(heard("transcript[transcriptType=\"final\"]", json!({ "role": "user" })), Some((true, true)));
    assert_eq!(heard("transcript[transcriptType=\"partial\"]", json!({ "role": "user" })), Some((true, false)));
    assert_eq!(heard("transcript", json!({ "transcriptType": "final" })), None);
}

#[test]
fn as_many_calls_are_listened_to_as_can_be_and_the_silent_ones_are_forgotten_first() {
    let (listening, slug) = (Listening::default(), Slug::parse(SLUG).unwrap());
    let line = |number: usize| Line::new(&slug, &format!("call-{number}"));
    for number in 0..MAX_CALLS {
        assert!(listening.transcript(&line(number), false));
    }
    assert!(!listening.transcript(&line(0), false), "no news");
    listening.speaks(&line(MAX_CALLS));
    assert!(listening.transcript(&line(MAX_CALLS + 1), false));
    assert_eq!(listening.known(), MAX_CALLS);
    let lacks = |number: usize| listening.booking(&line(number), 1).wish() == Some(false);
    assert_eq!([0, 1, 2, 3, MAX_CALLS, MAX_CALLS + 1].map(lacks), [true, false, false, true, false, true]);
    assert!(listening.transcript(&line(0), true));
    assert!(!listening.transcript(&line(0), false));
    assert!(!lacks(0));
    listening.forget(&line(0));
    assert_eq!(listening.known(), MAX_CALLS - 1);
}
