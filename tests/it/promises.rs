//! What the tests of bookings share: how a wish is written, what must hold whatever has happened, and how to wait until
//! nothing is left to be done.

use std::collections::BTreeSet;
use std::time::Duration;

use ringbook::names::BookingState;
use ringbook::store::bookings::BookingRow;
use serde_json::{Value, json};
use time::macros::date;
use time::{Date, Weekday};

use crate::house::{ALEX, Answer, House, SAM};

/// What is said while a calendar cannot be asked.
pub const DOWN: &str = "I can't see the calendar right now, so nothing is booked.";
/// What is said while a booking is under way.
pub const PENDING: &str = "I'm arranging that. It is not confirmed yet; I will tell you in a moment.";

/// A wish for a repair.
pub fn repair(start: &str) -> Value {
    json!({ "serviceType": "AC Repair", "scheduledDate": start, "customerName": "Dana Miller" })
}

/// The same wish of the technician Sam.
pub fn repair_by_sam(start: &str) -> Value {
    with(repair(start), &json!({ "technician": "Sam" }))
}

/// A question for open times.
pub fn when(date: &str) -> Value {
    json!({ "serviceType": "repair", "requestedDate": date })
}

/// An object with more in it.
pub fn with(mut object: Value, more: &Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

/// Starts of repairs, one after the other with their buffers, on working days: the calendar's own free places, 172 of them.
pub fn place(number: usize) -> String {
    const TIMES: [&str; 4] = ["08:00", "12:30", "15:00", "17:30"];
    format!("{}T{}", working_day(number / TIMES.len()), TIMES[number % TIMES.len()])
}

/// Working days of the example business from the second one on, as far ahead as it takes bookings.
pub fn working_day(number: usize) -> Date {
    let days = std::iter::successors(Some(date!(2026 - 11 - 24)), |day| day.next_day());
    let working = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    days.take_while(|day| *day <= date!(2027 - 01 - 21)).filter(working).nth(number).expect("the business books no further ahead")
}

/// The confirmed rows.
pub async fn confirmed(house: &House) -> Vec<BookingRow> {
    house.bookings().await.into_iter().filter(|row| row.state == BookingState::Confirmed).collect()
}

/// Asserts that our events in the calendars are exactly the confirmed rows, each at its time in its calendar, and that no
/// two share a calendar and a time. Returns the rows.
pub async fn promises_kept(house: &House) -> Vec<BookingRow> {
    let rows = confirmed(house).await;
    let of_ours = |event: &&Value| event["extendedProperties"]["private"]["bookingId"].is_string();
    let mut there = BTreeSet::new();
    for calendar in [SAM, ALEX] {
        for event in house.google.events(calendar).iter().filter(of_ours) {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            there.insert((calendar.to_owned(), text(&event["id"]), instant(&event["start"]), instant(&event["end"])));
        }
    }
    let noted = |row: &BookingRow| (row.calendar.to_string(), row.event_id.to_string(), row.span.start, row.span.end);
    assert_eq!(there, rows.iter().map(noted).collect::<BTreeSet<_>>(), "events and confirmed rows differ");
    for row in &rows {
        let beside = |other: &&BookingRow| other.id != row.id && other.calendar == row.calendar && other.span.overlaps(&row.span);
        assert!(!rows.iter().any(|other| beside(&other)), "two jobs at one time of one calendar: {rows:?}");
    }
    rows
}

/// The instant of an event's `start` or `end`.
pub fn instant(edge: &Value) -> time::OffsetDateTime {
    let text = edge["dateTime"].as_str().unwrap();
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
}

/// Lets time pass until no booking is under way any more.
pub async fn come_to_rest(house: &House) {
    let is_finished = |row: &BookingRow| row.state == BookingState::Confirmed || !row.state.is_live();
    until(house, "every booking to be finished", async || house.bookings().await.iter().all(is_finished)).await;
}

/// Lets time pass until so many SMS were taken beside the confirmations of what was booked in a call, and returns them.
pub async fn messages(house: &House, count: usize) -> Vec<Value> {
    until(house, "SMS", async || late_words(house).len() >= count).await;
    late_words(house)
}

/// Every SMS but those that confirm what was heard in the call.
pub fn late_words(house: &House) -> Vec<Value> {
    house.twilio.messages().into_iter().filter(|sms| !is_confirmation(sms)).collect()
}

/// Whether this SMS says once more, in writing, what was booked in the call.
pub fn is_confirmation(sms: &Value) -> bool {
    sms["body"].as_str().unwrap().contains(": Confirmed: ")
}

/// Moves the clock on until it is so. The workers ask the database by the machine's clock, so a little of that passes too.
pub async fn until(house: &House, what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            house.clock.advance(Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(), "waited in vain for {what}");
}

/// Asserts that a sentence can be spoken: one line, no ISO date, no id, no number in full.
pub fn speakable(sentence: &str) {
    assert!(!sentence.is_empty() && !sentence.chars().any(char::is_control), "{sentence:?}");
    let words = sentence.split(|c: char| c.is_whitespace() || ",.;:?!".contains(c));
    for word in words {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        assert!(digits <= 6 && word.len() <= 30 && !word.contains(['@', '{', '}', '_', '<']), "{word:?} in {sentence:?}");
    }
}

/// The one sentence of an answer, checked for being speakable.
pub fn said(answer: &Answer) -> String {
    let sentence = answer.sentence();
    speakable(&sentence);
    sentence
}

/// The object of an answer in the older form, its sentence checked for being speakable.
pub fn older(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{answer:?}");
    let result = answer.json()["result"].clone();
    speakable(result["message"].as_str().unwrap_or_else(|| panic!("no message: {answer:?}")));
    result
}
