//! What is said and written of a booking that was moved or cancelled. Pure.

use time::Date;

use super::super::machine::changing::End;
use super::super::words::{start_of, with_whom};
use crate::business::profile::Profile;
use crate::names::BookingState;
use crate::store::bookings::BookingRow;
use crate::store::changes::Change;
use crate::store::jobs::{Job, Outcome};

/// Where a booking stands now, for whoever owns it.
#[must_use]
pub fn listed(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    let code = &row.confirmation;
    match row.state {
        BookingState::Confirmed => format!("{} on {start}{with}, confirmation code {code}", row.service),
        BookingState::Moving => format!("{} on {start}{with}, just being moved, confirmation code {code}", row.service),
        BookingState::Cancelling => format!("{} on {start}, just being cancelled", row.service),
        BookingState::Cancelled => format!("{} on {start}, which is cancelled", row.service),
        BookingState::Claimed | BookingState::Inserting | BookingState::Compensating | BookingState::Released => {
            format!("{} on {start}, which is not confirmed yet", row.service)
        }
    }
}

/// What is said when it has another time now.
#[must_use]
pub fn moved(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    format!("Your {} is now on {start}{with}. Your confirmation code is still {}.", row.service, row.confirmation)
}

/// What is said when it is out of the calendar.
#[must_use]
pub fn cancelled(profile: &Profile, row: &BookingRow, today: Date) -> String {
    format!("Your {} on {} is cancelled.", row.service, start_of(profile, row, today))
}

/// What is said when a person at the business has moved it in the meantime.
#[must_use]
pub fn elsewhere(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let (start, with) = (start_of(profile, row, today), with_whom(profile, row));
    format!(
        "Somebody at {} has just changed that appointment: {} now stands on {start}{with}. I have not changed anything. Please ask \
         the caller what they would like.",
        profile.name, row.service
    )
}

/// What is said when a person at the business has deleted it in the meantime.
#[must_use]
pub fn gone(profile: &Profile, row: &BookingRow, today: Date) -> String {
    format!(
        "Somebody at {} has just taken {} on {} out of the calendar, so it is not booked any more. Would the caller like a new time?",
        profile.name,
        row.service,
        start_of(profile, row, today)
    )
}

/// That nothing was changed.
#[must_use]
pub fn stays(profile: &Profile, row: &BookingRow, today: Date) -> String {
    format!("Your {} stays on {}.", row.service, start_of(profile, row, today))
}

/// The text message that confirms it.
pub(super) fn confirmation(profile: &Profile, row: &BookingRow, today: Date) -> Job {
    Job::Sms { business: row.business.clone(), to: row.customer_phone.clone(), text: text(profile, row, today) }
}

fn text(profile: &Profile, row: &BookingRow, today: Date) -> String {
    let sentence = if row.state == BookingState::Cancelled { cancelled } else { moved };
    format!("{}: {}", profile.name, sentence(profile, row, today))
}

/// What a caller hears who was told that it is being arranged.
pub(super) fn outcome(profile: &Profile, change: &Change, end: End, row: &BookingRow, today: Date) -> Outcome {
    let (said, text) = match end {
        End::Done => {
            let text = text(profile, row, today);
            let sentence = if row.state == BookingState::Cancelled { cancelled } else { moved };
            (sentence(profile, row, today), text)
        }
        End::Taken | End::Unchanged | End::Elsewhere | End::Gone => {
            let what = if change.state == BookingState::Moving { "move" } else { "cancel" };
            let said = format!("We could not {what} it: {}", stays(profile, row, today));
            (said.clone(), format!("{}: {said} Please call us.", profile.name))
        }
    };
    Outcome {
        business: row.business.clone(),
        booking: row.id,
        booked: end == End::Done,
        call_id: change.call_id.clone(),
        spoken: format!("What was being arranged has come to its end. Tell the caller at once: {said}"),
        to: row.customer_phone.clone(),
        confirmation: if end == End::Done { text.clone() } else { String::new() },
        text,
    }
}
