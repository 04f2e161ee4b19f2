//! What a booking is called: in the calendar, in a text message, and when it is spoken. Pure; never an ISO date, and no id
//! but the confirmation code.

use time::{Date, OffsetDateTime};

use super::correct::Detail;
use crate::business::profile::Profile;
use crate::calendar::{Rewrite, Texts};
use crate::names::BookingState;
use crate::scheduling::busy::Span;
use crate::scheduling::speech::{spoken_date, spoken_date_time, spoken_list};
use crate::store::bookings::BookingRow;
use crate::store::jobs::{Job, Outcome};

/// The title of the event, from the business's template.
pub(super) fn summary(profile: &Profile, row: &BookingRow) -> String {
    // The customer's name goes in last: it may hold a placeholder's spelling, and must stay what it is.
    profile.event_summary.replace("{service}", &row.service).replace("{customer}", &row.customer_name)
}

/// The event's description: one line each.
pub(super) fn description(row: &BookingRow) -> String {
    let lines = [
        ("Customer", row.customer_name.as_str()),
        ("Phone", row.customer_phone.as_str()),
        ("Service", &row.service),
        ("Preferred time", &row.preferred),
        ("Notes", &row.notes),
        ("Call", &row.call_id),
    ];
    lines.map(|(name, value)| format!("{name}: {value}").trim_end().to_owned()).join("\n")
}

/// How the texts of an event change when its booking does: what people have written into it stays.
pub(super) fn rewritten(profile: &Profile, old: &BookingRow, new: &BookingRow, texts: &Texts) -> Rewrite {
    let (was, is) = (summary(profile, old), summary(profile, new));
    let description = lines_rewritten(&texts.description, &description(old), &description(new));
    Rewrite {
        time: None,
        summary: (was != is && texts.summary == was).then_some(is),
        description: (description != texts.description).then_some(description),
        location: (old.address != new.address && texts.location == old.address).then(|| new.address.clone()),
    }
}

/// Each of our lines that has changed, in its place, or at the end where people have taken it out.
fn lines_rewritten(found: &str, was: &str, is: &str) -> String {
    let mut lines: Vec<&str> = found.lines().collect();
    for (was, is) in was.lines().zip(is.lines()).filter(|(was, is)| was != is) {
        match lines.iter().position(|line| line.trim_end() == was) {
            Some(place) => lines.splice(place..=place, [is]).for_each(drop),
            None if lines.contains(&is) => {}
            None => lines.push(is),
        }
    }
    lines.join("\n")
}

/// A wish for a given time.
pub(super) fn at(start: OffsetDateTime, today: Date) -> String {
    spoken_date_time(start, today)
}

/// A wish for a window of a day.
pub(super) fn in_window(date: Date, today: Date, window: Option<&str>) -> String {
    let day = spoken_date(date, today);
    window.map_or_else(|| format!("{day}, any time"), |window| format!("{day}, {}", window.to_lowercase()))
}

/// The start as the wall clock shows it, for the ledger.
pub(super) fn wall_clock(local: OffsetDateTime) -> String {
    format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
}

/// What is said of a booking that exists.
#[must_use]
pub fn booked(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    format!("You're booked for {} on {start}{with}. Your confirmation code is {}.", row.service, row.confirmation)
}

/// What was corrected, said back. The number is left out: it would be read digit by digit.
#[must_use]
pub fn corrected(row: &BookingRow, details: &[Detail]) -> String {
    let said = details.iter().map(|detail| match detail {
        Detail::Name => format!("the name to {}", row.customer_name),
        Detail::Phone => "the telephone number".to_owned(),
        Detail::Address => format!("the address to {}", row.address),
        Detail::Notes => "the notes".to_owned(),
    });
    format!("I have changed {}.", spoken_list(&said.collect::<Vec<_>>(), "and"))
}

/// The SMS that confirms a booking.
pub(super) fn confirmation(profile: &Profile, row: &BookingRow, today: Date) -> Job {
    let text = confirmed(profile, row, today);
    Job::Sms { business: row.business.clone(), to: row.customer_phone.clone(), text }
}

fn confirmed(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    let (name, service, place, code) = (&profile.name, &row.service, at_address(row), &row.confirmation);
    format!("{name}: Confirmed: {service} on {start}{with}.{place} Your code is {code}.")
}

fn at_address(row: &BookingRow) -> String {
    if row.address.is_empty() { String::new() } else { format!(" Address: {}.", row.address) }
}

/// The SMS.
fn late_outcome(profile: &Profile, row: &BookingRow, today: Date) -> String {
    if row.state == BookingState::Confirmed {
        return format!("{}: {}{}", profile.name, booked(profile, row, today), at_address(row));
    }
    let start = start_of(profile, row, today);
    format!("{}: We could not book {} on {start}. Nothing is booked. Please call us for another time.", profile.name, row.service)
}

/// What is told when the outcome came after the answer: by the assistant of the live call, else by SMS. The row is in the
/// state that it came to.
#[must_use]
pub fn outcome(profile: &Profile, row: &BookingRow, today: Date) -> Outcome {
    let is_booked = row.state == BookingState::Confirmed;
    Outcome {
        business: row.business.clone(),
        booking: row.id,
        booked: is_booked,
        call_id: row.call_id.clone(),
        spoken: for_the_assistant(profile, row, today),
        to: row.customer_phone.clone(),
        text: late_outcome(profile, row, today),
        confirmation: if is_booked { confirmed(profile, row, today) } else { String::new() },
    }
}

/// What the assistant of the live call is told to say. It is an instruction to it, so nothing that a caller gave is in it.
fn for_the_assistant(profile: &Profile, row: &BookingRow, today: Date) -> String {
    if row.state == BookingState::Confirmed {
        let booked = booked(profile, row, today);
        return format!("What was being arranged is confirmed now. Tell the caller at once: {booked}");
    }
    let start = start_of(profile, row, today);
    format!(
        "What was being arranged did not work out. Tell the caller at once: We could not book {} on {start}. Nothing is booked. Then \
         offer to look for another time.",
        row.service
    )
}

/// What the business is told when somebody moved a job to where another one is.
pub(super) fn collided(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    format!(
        "{}: {} for {}{with} now stands in the calendar on {start}, at the same time as another job or too close to it. Both are \
         still booked. Please look at your calendar.",
        profile.name, row.service, row.customer_name
    )
}

/// What the business is told when somebody put something else over a job.
pub(super) fn overlapped(profile: &Profile, row: &BookingRow, by: Span, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    let entry = spoken_date_time(profile.zone.civil(by.start), today);
    format!(
        "{}: An entry in the calendar on {entry} overlaps {} for {}{with} on {start}. The job is still booked. Please look at your \
         calendar.",
        profile.name, row.service, row.customer_name
    )
}

pub(super) fn start_of(profile: &Profile, row: &BookingRow, today: Date) -> String {
    spoken_date_time(profile.zone.civil(row.span.start), today)
}

pub(super) fn with_whom(profile: &Profile, row: &BookingRow) -> String {
    let technician = profile.technicians.iter().find(|technician| technician.id == row.technician);
    technician.and_then(|technician| technician.name.as_deref()).map(|name| format!(" with {name}")).unwrap_or_default()
}
