//! What a tool call is answered: sentences that can be spoken, in both forms, for everything that can come out.

use ringbook::booking::book::Booking;
use ringbook::booking::check::{OpenTimes, Openings};
use ringbook::booking::correct::{Corrected, Detail};
use ringbook::booking::error::{NotOpen, Refusal};
use ringbook::business::profile::{Access, LoadFacts, Profile, parse};
use ringbook::names::{Phone, Slug};
use ringbook::scheduling::slots;
use ringbook::store;
use ringbook::store::bookings::BookingRow;
use ringbook::vapi::reply::Reply;
use ringbook::vapi::tools::Tool;
use serde_json::Value;
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime};

use crate::house::BUSINESS;
use crate::store::claim;

const TODAY: Date = date!(2026 - 11 - 23);
/// Tuesday, 9 AM in New York.
const NINE: OffsetDateTime = datetime!(2026-11-24 14:00 UTC);

fn profile() -> Profile {
    let slug = Slug::parse("abc-hvac").unwrap();
    parse(&slug, BUSINESS, &LoadFacts::same(Access::Embedded)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Every refusal there is. A new one does not compile until it stands here too.
fn refusals() -> Vec<Refusal> {
    let all = vec![
        Refusal::ServiceUnknown { offered: "repair or maintenance".into() },
        Refusal::DateMissing,
        Refusal::DateUnclear,
        Refusal::Past { today: TODAY },
        Refusal::TimeMissing,
        Refusal::TimeUnclear,
        Refusal::TimeSkipped,
        Refusal::TimeTwice { meanings: [datetime!(2026-12-01 08:30 -5), datetime!(2026-12-01 03:30 -5)] },
        Refusal::TimeTwice { meanings: [datetime!(2026-11-01 01:30 -4), datetime!(2026-11-01 01:30 -5)] },
        Refusal::WindowUnknown,
        Refusal::TechnicianUnknown { offered: vec!["Sam".into(), "Alex".into()] },
        Refusal::TechnicianUnknown { offered: Vec::new() },
        Refusal::TechnicianUnable { technician: "Sam".into(), service: "repair".into() },
        Refusal::NameMissing,
        Refusal::PhoneMissing,
        Refusal::PhoneUnclear,
        Refusal::AddressMissing,
        Refusal::CodeAndNameMissing,
        Refusal::NoAppointment,
        Refusal::WhichAppointment { rows: vec![row(), row()] },
        Refusal::WhichAppointment { rows: vec![row(); 10] },
        Refusal::TooManyTries,
        Refusal::HasBegun,
        Refusal::NotChanged,
        Refusal::JustChanging,
        Refusal::NotByTelephone,
        Refusal::CalendarDown,
        Refusal::Store(store::Error::Unreadable("secret detail {x}")),
    ];
    for refusal in &all {
        match refusal {
            Refusal::ServiceUnknown { .. }
            | Refusal::DateMissing
            | Refusal::DateUnclear
            | Refusal::Past { .. }
            | Refusal::TimeMissing
            | Refusal::TimeUnclear
            | Refusal::TimeSkipped
            | Refusal::TimeTwice { .. }
            | Refusal::WindowUnknown
            | Refusal::TechnicianUnknown { .. }
            | Refusal::TechnicianUnable { .. }
            | Refusal::NameMissing
            | Refusal::PhoneMissing
            | Refusal::PhoneUnclear
            | Refusal::AddressMissing
            | Refusal::CodeAndNameMissing
            | Refusal::NoAppointment
            | Refusal::WhichAppointment { .. }
            | Refusal::TooManyTries
            | Refusal::HasBegun
            | Refusal::NotChanged
            | Refusal::JustChanging
            | Refusal::NotByTelephone
            | Refusal::CalendarDown
            | Refusal::Store(_) => {}
        }
    }
    all
}

fn reasons() -> Vec<NotOpen> {
    use slots::{Reason, Refusal as Start};
    let last_date = date!(2027 - 01 - 22);
    let reason = || Some("Thanksgiving".to_owned());
    let days = [
        Reason::PastDate,
        Reason::BeyondHorizon { last_date },
        Reason::Closed { reason: reason() },
        Reason::Closed { reason: None },
        Reason::Closed { reason: Some(String::new()) },
        Reason::TooLong,
        Reason::WindowClosed,
        Reason::TooSoon,
        Reason::FullyBooked,
        Reason::Unreachable,
    ];
    let starts = [
        Start::Past,
        Start::BeyondHorizon { last_date },
        Start::Closed { reason: reason() },
        Start::Closed { reason: None },
        Start::OutsideHours,
        Start::TooSoon,
        Start::Taken,
        Start::Unreachable,
    ];
    for (day, start) in days.iter().zip(&starts) {
        match day {
            Reason::PastDate
            | Reason::BeyondHorizon { .. }
            | Reason::Closed { .. }
            | Reason::TooLong
            | Reason::WindowClosed
            | Reason::TooSoon
            | Reason::FullyBooked
            | Reason::Unreachable => {}
        }
        match start {
            Start::Past
            | Start::BeyondHorizon { .. }
            | Start::Closed { .. }
            | Start::OutsideHours
            | Start::TooSoon
            | Start::Taken
            | Start::Unreachable => {}
        }
    }
    days.into_iter().map(NotOpen::Day).chain(starts.into_iter().map(NotOpen::Start)).collect()
}

fn row() -> BookingRow {
    BookingRow { confirmation: "HMR234".into(), address: "12 Oak Street".into(), ..claim(NINE, "+15557654321") }
}

fn bookings() -> Vec<Booking> {
    let again = |corrected| Booking::Again(Box::new(row()), corrected);
    let all_details = vec![Detail::Name, Detail::Phone, Detail::Address, Detail::Notes];
    let mut all = vec![Booking::Made(Box::new(row())), Booking::Pending(Box::new(row()))];
    all.extend([Corrected::Nothing, Corrected::Written(all_details), Corrected::NotWritten].map(again));
    for because in reasons() {
        for wished in [None, Some(NINE)] {
            for starts in [vec![], vec![NINE, NINE + time::Duration::hours(26)]] {
                for unseen in [false, true] {
                    let others = OpenTimes { starts: starts.clone(), unseen };
                    all.push(Booking::NotOpen { service: "repair".into(), wished, because: because.clone(), others });
                }
            }
        }
    }
    all
}

fn openings() -> Vec<Openings> {
    let of = |starts, none_because| Openings {
        service: "repair".into(),
        date: date!(2026 - 11 - 24),
        today: TODAY,
        open: OpenTimes { starts, unseen: false },
        none_because,
    };
    let mut all =
        vec![of(vec![NINE], None), of(vec![NINE, NINE + time::Duration::minutes(150), NINE + time::Duration::days(1)], None)];
    all.extend(reasons().into_iter().flat_map(|because| [of(vec![], Some(because.clone())), of(vec![NINE], Some(because))]));
    all
}

/// Everything that can be answered, with a name for the message of a failure.
fn replies() -> Vec<(String, Reply)> {
    let profile = profile();
    let refused = refusals().into_iter().map(|refusal| (format!("{refusal:?}"), Reply::refusal(&profile, &refusal, TODAY)));
    let booked = bookings().into_iter().map(|booking| (format!("{booking:?}"), Reply::booking(&profile, &booking, TODAY)));
    let open = openings().into_iter().map(|openings| (format!("{openings:?}"), Reply::openings(&profile, &openings)));
    refused.chain(booked).chain(open).collect()
}

#[test]
fn every_answer_is_one_short_line_that_can_be_spoken() {
    for (what, reply) in replies() {
        let sentence = &reply.sentence;
        assert!(!sentence.contains(['\n', '\r', '\t', '{', '}', '_', '<', '[']), "{what}: {sentence}");
        assert!((10..360).contains(&sentence.chars().count()), "{what}: {sentence}");
        assert!(sentence.ends_with(['.', '?']) && sentence.starts_with(char::is_uppercase), "{what}: {sentence}");
        assert!(!sentence.contains("  ") && !sentence.contains(" ."), "{what}: {sentence}");
        let digits_in_a_row = sentence.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap();
        assert!(digits_in_a_row <= 4 && !has_iso_date(sentence), "{what}: {sentence}");
        assert!(!sentence.contains("on That") && !sentence.contains("secret"), "{what}: {sentence}");
    }
}

fn has_iso_date(text: &str) -> bool {
    text.as_bytes().windows(6).any(|part| part[..4].iter().all(u8::is_ascii_digit) && part[4] == b'-' && part[5].is_ascii_digit())
}

#[test]
fn a_refusal_says_what_to_ask_and_a_failure_that_nothing_was_done() {
    let profile = profile();
    for refusal in refusals() {
        let reply = Reply::refusal(&profile, &refusal, TODAY);
        assert!(reply.is_error && !reply.acted, "{refusal:?}");
        assert_eq!(reply.sticks, !refusal.may_pass(), "{refusal:?}");
        match refusal {
            Refusal::CalendarDown | Refusal::Store(_) => assert!(!reply.sentence.contains("booked for"), "{}", reply.sentence),
            Refusal::TechnicianUnknown { offered } if offered.is_empty() => {
                assert!(reply.sentence.contains("leave"), "{}", reply.sentence);
            }
            Refusal::NotChanged => assert!(reply.sentence.contains("I have not changed anything"), "{}", reply.sentence),
            Refusal::JustChanging => assert!(reply.sentence.contains("just being changed"), "{}", reply.sentence),
            Refusal::TooManyTries | Refusal::HasBegun | Refusal::NotByTelephone => {
                assert!(reply.sentence.contains("to a person"), "{}", reply.sentence);
            }
            Refusal::WhichAppointment { .. } => assert!(reply.sentence.contains("ask which one"), "{}", reply.sentence),
            _ => assert!(reply.sentence.to_lowercase().contains("ask the caller"), "{refusal:?}: {}", reply.sentence),
        }
    }
}

#[test]
fn what_was_not_booked_says_so_and_only_an_event_is_booked() {
    let profile = profile();
    for booking in bookings() {
        let reply = Reply::booking(&profile, &booking, TODAY);
        assert!(!reply.is_error, "a polite no is a result: {booking:?}");
        let made = matches!(booking, Booking::Made(_) | Booking::Again(..));
        assert_eq!(
            (reply.fields["success"] == true, reply.acted, reply.sentence.contains("You're booked")),
            (made, made, made),
            "{booking:?}"
        );
        match &booking {
            Booking::Again(_, Corrected::Written(_)) => assert!(
                reply.sentence.ends_with(
                    " I have changed the name to Dana Miller, the telephone number, the address to 12 Oak Street and the notes."
                ) && reply.sticks,
                "{}",
                reply.sentence
            ),
            Booking::Again(_, Corrected::NotWritten) => {
                assert!(reply.sentence.contains("I could not note what has changed") && !reply.sticks, "{}", reply.sentence);
            }
            Booking::Made(_) | Booking::Again(_, Corrected::Nothing) => {
                assert_eq!(
                    reply.sentence,
                    "You're booked for repair on Tuesday, November 24 at 9 AM with Sam. Your confirmation code is HMR234."
                );
                assert_eq!(
                    (&reply.fields["scheduledDate"], &reply.fields["confirmationId"]),
                    (&Value::from("2026-11-24T09:00:00-05:00"), &Value::from("HMR234"))
                );
                assert!(reply.sticks);
            }
            Booking::Pending(_) => assert!(reply.fields["pending"] == true && !reply.sticks),
            Booking::NotOpen { because, others, .. } => {
                assert!(reply.sentence.contains("Nothing is booked."), "{}", reply.sentence);
                assert_eq!(reply.fields["slots"].as_array().unwrap().len(), others.starts.len());
                let unreachable =
                    matches!(because, NotOpen::Day(slots::Reason::Unreachable) | NotOpen::Start(slots::Refusal::Unreachable));
                let may_pass = unreachable || (others.unseen && others.starts.is_empty());
                assert_eq!(reply.sticks, !may_pass, "{because:?}");
            }
        }
    }
}

#[test]
fn times_are_spoken_in_the_businesss_zone_and_given_with_their_offset() {
    let profile = profile();
    let starts = vec![NINE, NINE + time::Duration::minutes(150)];
    let open = OpenTimes { starts, unseen: false };
    let openings = Openings { service: "repair".into(), date: date!(2026 - 11 - 24), today: TODAY, open, none_because: None };
    let reply = Reply::openings(&profile, &openings);
    assert_eq!(reply.sentence, "For repair I have Tuesday, November 24 at 9 AM or 11:30 AM. Which time suits you?");
    assert_eq!(reply.fields["slots"], serde_json::json!(["2026-11-24T09:00:00-05:00", "2026-11-24T11:30:00-05:00"]));
    assert_eq!(reply.fields["available"], true);
    let open = OpenTimes { starts: vec![], unseen: false };
    let none = Openings { open, none_because: Some(NotOpen::Day(slots::Reason::FullyBooked)), ..openings };
    let reply = Reply::openings(&profile, &none);
    assert_eq!(reply.fields["available"], false);
    assert!(reply.sentence.starts_with("Tuesday, November 24 is fully booked"), "{}", reply.sentence);
}

#[test]
fn an_entry_carries_the_id_and_the_name_as_they_came_and_one_of_result_and_error() {
    for (what, reply) in replies() {
        let entry = reply.entry("call_\"1\"\n", "check_availability");
        assert!(!entry.contains('\n'), "{what}");
        let entry: Value = serde_json::from_str(&entry).unwrap();
        let object = entry.as_object().unwrap();
        assert_eq!(
            (&entry["toolCallId"], &entry["name"], object.len()),
            (&Value::from("call_\"1\"\n"), &Value::from("check_availability"), 3)
        );
        let outcome = if reply.is_error { "error" } else { "result" };
        assert_eq!(entry[outcome], reply.sentence.as_str(), "{what}");
    }
}

#[test]
fn the_older_form_is_an_object_with_a_message_and_its_verdict() {
    for tool in Tool::ALL {
        for (what, reply) in replies() {
            let body: Value = serde_json::from_str(&reply.object(Some(tool.verdict()))).unwrap();
            let result = &body["result"];
            assert_eq!(result["message"], reply.sentence.as_str(), "{what}");
            if reply.is_error {
                assert_eq!((&result[tool.verdict()], &result["error"]), (&Value::from(false), &result["message"]), "{what}");
            } else {
                assert!(result.get("error").is_none(), "{what}");
            }
        }
    }
    let unknown: Value = serde_json::from_str(&Reply::error("There is no such function.").object(None)).unwrap();
    assert_eq!(unknown, serde_json::json!({ "result": { "error": "There is no such function." } }));
}

#[test]
fn markup_and_quotes_in_a_name_stay_text_in_both_forms() {
    let mut profile = profile();
    profile.technicians[0].name = Some("S\"am</Say>\\".into());
    let reply = Reply::booking(&profile, &Booking::Made(Box::new(row())), TODAY);
    let entry: Value = serde_json::from_str(&reply.entry("t1", "bookAppointment")).unwrap();
    assert_eq!(entry["result"], reply.sentence.as_str());
    let body: Value = serde_json::from_str(&reply.object(Some("success"))).unwrap();
    assert_eq!(body["result"]["message"], reply.sentence.as_str());
}

#[test]
fn the_callers_number_is_in_no_answer() {
    let number = Phone::e164("+15557654321").unwrap();
    for (what, reply) in replies() {
        assert!(!reply.object(Some("success")).contains(number.last_four()), "{what}");
    }
}
