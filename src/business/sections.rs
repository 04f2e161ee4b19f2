//! A business file, section by section, into a [`Profile`]: every default stands here, and every check that needs no other
//! file.

use std::collections::BTreeSet;
use std::time::Duration;

use super::file::{Problems, Table, quoted};
use super::folder::Access;
use super::profile::{BookingRules, Callers, Emergency, Limits, Notify, Occasion, Phrases, Privacy, Profile, Transfer, Windows};
use super::{hours, people};
use crate::names::{Phone, Slug};
use crate::scheduling::hours::{Opening, WallSpan};
use crate::scheduling::slots::Rules;
use crate::scheduling::zone::Zone;

/// The default of `[rules] hold_seconds`.
pub(super) const HOLD: Duration = Duration::from_mins(2);
/// The default of `[limits] calls_per_caller_per_hour`.
const CALLS_PER_HOUR: u32 = 10;
/// The default of `[limits] bookings_per_caller_per_day`.
const BOOKINGS_PER_DAY: u32 = 3;
/// The default of `[privacy] disclosure`.
const DISCLOSURE: &str = "You're speaking with an automated assistant.";

/// Reads one file. Where a problem was added, the profile serves to compare the file with others and for nothing else;
/// `None` when there is nothing to compare.
pub(super) fn profile(slug: &Slug, text: &str, access: Access, problems: &Problems) -> Option<Profile> {
    let mut file = Table::parse(text, problems)?;
    let name = file.needed_text("name", "ABC HVAC").unwrap_or_default();
    let phone_numbers = phone_numbers(&mut file);
    let zone = zone(&mut file).or_else(|| Zone::parse("UTC").ok());
    let event_summary = file.text("event_summary").unwrap_or_else(|| "{service} - {customer}".to_owned());
    check_placeholders(&file.key("event_summary"), &event_summary, &["service", "customer"], problems);
    let test_callers = numbers(&mut file, "test_callers");
    let opening = opening(&mut file);
    let services = people::services(&mut file);
    let technicians = people::technicians(&mut file, slug, access, &services, &opening);
    let (rules, booking_rules) = rules(file.table("rules"));
    let transfer = transfer(file.table("transfer"));
    let emergency = emergency(file.table("emergency"));
    let notify = notify(file.table("notify"));
    let windows = windows(file.table("windows"));
    let callers = callers(file.table("callers"));
    let limits = limits(file.table("limits"));
    let privacy = privacy(file.table("privacy"));
    let phrases = phrases(file.table("phrases"), &name);
    file.finish();
    Some(Profile {
        slug: slug.clone(),
        name,
        phone_numbers,
        zone: zone?,
        event_summary,
        test_callers,
        transfer,
        emergency,
        notify,
        opening,
        windows,
        rules,
        booking_rules,
        services,
        technicians,
        callers,
        limits,
        privacy,
        phrases,
        pause: None,
    })
}

fn phone_numbers(file: &mut Table) -> Vec<Phone> {
    let before = file.problems().count();
    let numbers = file.phones("phone_numbers");
    if numbers.is_empty() && file.problems().count() == before {
        file.wrong("phone_numbers", "at least one number is required; write the Twilio number as phone_numbers = [\"+…\"]");
    }
    let mut seen = BTreeSet::new();
    for (place, number) in &numbers {
        if !seen.insert(number) {
            file.problems().add(place.as_str(), "this number stands here already; remove one of the two");
        }
    }
    numbers.into_iter().map(|(_, number)| number).collect()
}

fn zone(file: &mut Table) -> Option<Zone> {
    let name = file.needed_text("time_zone", "America/New_York")?;
    let zone = Zone::parse(&name).ok();
    if zone.is_none() {
        file.wrong("time_zone", format!("{} is no IANA time zone; write one such as \"America/New_York\"", quoted(&name)));
    }
    zone
}

fn opening(file: &mut Table) -> Opening {
    let before = file.problems().count();
    let week = hours::week(file.table("hours"));
    if week.is_empty() && file.problems().count() == before {
        file.wrong("hours", "opening hours are required; add [hours] with a line such as monday = [\"08:00-17:00\"]");
    }
    Opening { week, exceptions: hours::exceptions(file), narrowed_by: Vec::new() }
}

fn rules(mut table: Table) -> (Rules, BookingRules) {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let rules = Rules {
        slot_step: minutes(table.number("slot_step_minutes", 1..=1440).unwrap_or(30)),
        minimum_notice: minutes(table.number("minimum_notice_minutes", 0..=525_600).unwrap_or(60)),
        horizon_days: table.number("horizon_days", 0..=3650).unwrap_or(60),
        buffer: minutes(table.number("buffer_minutes", 0..=1440).unwrap_or(30)),
        max_jobs_per_day: table.number("max_jobs_per_day", 0..=1440).unwrap_or(0),
        all_day_free_blocks: table.flag("all_day_free_blocks").unwrap_or(false),
    };
    let booking_rules = BookingRules {
        hold: table.number("hold_seconds", 0..=86_400).map_or(HOLD, Duration::from_secs),
        require_address: table.flag("require_address").unwrap_or(false),
        invite_caller: table.flag("invite_caller").unwrap_or(false),
        require_spoken_intent: lower_case(&mut table, "require_spoken_intent"),
    };
    table.finish();
    (rules, booking_rules)
}

fn transfer(mut table: Table) -> Transfer {
    let transfer = Transfer {
        to: table.phone("to"),
        ring: Duration::from_secs(table.number("ring_seconds", 1..=600).unwrap_or(20)),
        hours: hours::spans(&mut table, "hours"),
        after_hours_to: table.phone("after_hours_to"),
    };
    table.finish();
    transfer
}

fn emergency(mut table: Table) -> Emergency {
    let emergency = Emergency {
        phrases: lower_case(&mut table, "phrases"),
        say: table.text("say").unwrap_or_default(),
        to: table.phone("to"),
    };
    table.finish();
    emergency
}

fn notify(mut table: Table) -> Notify {
    let sms = table.phones("sms").into_iter().map(|(_, number)| number).collect();
    let on = match table.list("on") {
        None => Occasion::ALL.into_iter().collect(),
        Some(words) => words.iter().filter_map(|(place, word)| occasion(place, word, &table.problems())).collect(),
    };
    table.finish();
    Notify { sms, on }
}

fn occasion(place: &str, word: &str, problems: &Problems) -> Option<Occasion> {
    let known = Occasion::parse(word);
    if known.is_none() {
        let names = Occasion::ALL.map(Occasion::as_str);
        problems.add(place, format!("{} is not known; write one of {}", quoted(word), names.join(", ")));
    }
    known
}

fn windows(mut table: Table) -> Windows {
    let span = |from_hour: u16, to_hour: u16| WallSpan { from_minute: from_hour * 60, to_minute: to_hour * 60 };
    let windows = Windows {
        morning: hours::window(&mut table, "morning", span(8, 12)),
        afternoon: hours::window(&mut table, "afternoon", span(12, 17)),
        evening: hours::window(&mut table, "evening", span(17, 20)),
    };
    table.finish();
    windows
}

fn callers(mut table: Table) -> Callers {
    let callers = Callers { block: numbers(&mut table, "block"), straight_to_person: numbers(&mut table, "straight_to_person") };
    table.finish();
    callers
}

fn limits(mut table: Table) -> Limits {
    const RANGE: std::ops::RangeInclusive<i64> = 0..=1_000_000;
    let limits = Limits {
        calls_per_caller_per_hour: table.number("calls_per_caller_per_hour", RANGE).unwrap_or(CALLS_PER_HOUR),
        bookings_per_caller_per_day: table.number("bookings_per_caller_per_day", RANGE).unwrap_or(BOOKINGS_PER_DAY),
        tool_calls_per_call_per_minute: table.number("tool_calls_per_call_per_minute", RANGE).unwrap_or(60),
    };
    table.finish();
    limits
}

fn privacy(mut table: Table) -> Privacy {
    let privacy = Privacy {
        recording: table.flag("recording").unwrap_or(false),
        disclosure: table.text("disclosure").unwrap_or_else(|| DISCLOSURE.to_owned()),
    };
    table.finish();
    privacy
}

fn phrases(mut table: Table, name: &str) -> Phrases {
    let mut phrase = |key: &'static str, default: &str| {
        let text = table.text(key).unwrap_or_else(|| default.to_owned());
        check_placeholders(&table.key(key), &text, &["name"], &table.problems());
        text.replace("{name}", name)
    };
    let phrases = Phrases {
        fallback: phrase("fallback", "Thanks for calling {name}. One moment, I'm getting a person."),
        voicemail: phrase(
            "voicemail",
            "Nobody is free right now. Please leave your name, number and address; we will call you back.",
        ),
        calendar_down: phrase("calendar_down", "I can't see the calendar right now, so nothing is booked."),
        pending: phrase("pending", "I'm arranging that. It is not confirmed yet; I will tell you in a moment."),
    };
    table.finish();
    phrases
}

/// What stands in braces is filled in; anything unknown there would be read aloud or stand in every event's title.
fn check_placeholders(place: &str, text: &str, known: &[&str], problems: &Problems) {
    for (index, _) in text.match_indices('{') {
        let inside = text.get(index + 1..).and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        if !known.contains(&inside) {
            let known: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
            problems.add(
                place,
                format!("{} cannot be filled in here; use only {}", quoted(&format!("{{{inside}}}")), known.join(" and ")),
            );
        }
    }
}

fn numbers(table: &mut Table, key: &'static str) -> BTreeSet<Phone> {
    table.phones(key).into_iter().map(|(_, number)| number).collect()
}

fn lower_case(table: &mut Table, key: &'static str) -> Vec<String> {
    table.list(key).unwrap_or_default().into_iter().map(|(_, text)| text.to_lowercase()).collect()
}
