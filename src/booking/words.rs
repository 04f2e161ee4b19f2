//! What a booking is called: in the calendar, in a text message, and when it is spoken. Pure; never an ISO date, and no id
//! but the confirmation code.

use time::{Date, OffsetDateTime};

use crate::business::profile::Profile;
use crate::names::BookingState;
use crate::scheduling::busy::Span;
use crate::scheduling::speech::{spoken_date, spoken_date_time};
use crate::store::bookings::BookingRow;
use crate::store::jobs::Outcome;

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

/// The SMS.
fn late_outcome(profile: &Profile, row: &BookingRow, today: Date) -> String {
    if row.state == BookingState::Confirmed {
        return format!("{}: {}", profile.name, booked(profile, row, today));
    }
    let start = start_of(profile, row, today);
    format!("{}: We could not book {} on {start}. Nothing is booked. Please call us for another time.", profile.name, row.service)
}

/// What is told when the outcome came after the answer: by the assistant of the live call, else by SMS. The row is in the
/// state that it came to.
#[must_use]
pub fn outcome(profile: &Profile, row: &BookingRow, today: Date) -> Outcome {
    Outcome {
        business: row.business.clone(),
        booking: row.id,
        booked: row.state == BookingState::Confirmed,
        call_id: row.call_id.clone(),
        spoken: for_the_assistant(profile, row, today),
        to: row.customer_phone.clone(),
        text: late_outcome(profile, row, today),
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

fn start_of(profile: &Profile, row: &BookingRow, today: Date) -> String {
    spoken_date_time(profile.zone.civil(row.span.start), today)
}

fn with_whom(profile: &Profile, row: &BookingRow) -> String {
    let technician = profile.technicians.iter().find(|technician| technician.id == row.technician);
    technician.and_then(|technician| technician.name.as_deref()).map(|name| format!(" with {name}")).unwrap_or_default()
}
