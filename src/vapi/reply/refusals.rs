//! What is to be asked of the caller when a wish cannot be acted on, or what failed: each a sentence that says what to do next.

use time::{Date, OffsetDateTime};

use super::Reply;
use crate::booking::change::words::listed;
use crate::booking::error::Refusal;
use crate::business::profile::Profile;
use crate::scheduling::speech::{spoken_date, spoken_date_time, spoken_list};
use crate::store::bookings::BookingRow;

impl Reply {
    /// What is to be asked of the caller, or what failed.
    #[must_use]
    pub fn refusal(profile: &Profile, refusal: &Refusal, today: Date) -> Self {
        let sentence = match refusal {
            Refusal::ServiceUnknown { offered } => {
                format!("I need to know which service it is: {offered}. Please ask the caller.")
            }
            Refusal::DateMissing => "Please ask the caller which date they would like.".into(),
            Refusal::DateUnclear => {
                "I need an exact calendar date with year, month and day. Please ask the caller for it.".into()
            }
            Refusal::Past { today } => format!(
                "That is in the past, so nothing is booked. Today is {}, {}. Please ask the caller for a coming date.",
                spoken_date(*today, *today),
                today.year()
            ),
            Refusal::TimeMissing => "Please ask the caller which date and time they would like.".into(),
            Refusal::TimeUnclear => {
                "I need an exact date and time, with year, month, day, hour and minute. Please ask the caller for it.".into()
            }
            Refusal::TimeSkipped => {
                "The clocks go forward that night, so that time does not exist. Please ask the caller for another one.".into()
            }
            Refusal::TimeTwice { meanings } => which_of(profile, meanings),
            Refusal::WindowUnknown => "Please ask the caller: in the morning, in the afternoon or in the evening?".into(),
            Refusal::TechnicianUnknown { offered } if offered.is_empty() => {
                "Nobody can be chosen by name here. Please leave the technician out.".into()
            }
            Refusal::TechnicianUnknown { offered } => {
                format!("Nobody of that name works here. There is {}. Please ask the caller.", spoken_list(offered, "and"))
            }
            Refusal::TechnicianUnable { technician, service } => {
                format!("{technician} does not do {service}. Please ask the caller whether somebody else may come.")
            }
            Refusal::NameMissing => "Please ask the caller for their name.".into(),
            Refusal::PhoneMissing => "Please ask the caller for a telephone number.".into(),
            Refusal::PhoneUnclear => {
                "That telephone number is not complete. Please ask the caller to repeat it, digit by digit.".into()
            }
            Refusal::AddressMissing => "Please ask the caller for the address where the work is to be done.".into(),
            Refusal::WhichAppointment { rows } => which_appointment(profile, rows, today),
            Refusal::CodeAndNameMissing
            | Refusal::NoAppointment
            | Refusal::TooManyTries
            | Refusal::HasBegun
            | Refusal::NotChanged
            | Refusal::JustChanging
            | Refusal::NotByTelephone => of_an_appointment(refusal).into(),
            Refusal::CalendarDown => profile.phrases.calendar_down.clone(),
            Refusal::Store(_) => {
                "Something went wrong on our side, so nothing is confirmed. Please try again in a moment.".into()
            }
        };
        Self { sticks: !refusal.may_pass(), ..Self::error(sentence) }
    }
}

/// What stands in the way of finding or changing an appointment.
fn of_an_appointment(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::CodeAndNameMissing => {
            "I need the confirmation code and the name on the appointment. Please ask the caller for both."
        }
        Refusal::TooManyTries => {
            "That was tried too often, so I can't look up appointments for this caller now. Please offer to put them through to a person."
        }
        Refusal::HasBegun => {
            "That appointment's time has come already, so I can't change it. Please offer to put the caller through to a person."
        }
        Refusal::NotChanged => {
            "I can't reach the calendar right now, so I have not changed anything. Please try again in a moment."
        }
        Refusal::JustChanging => "That appointment is just being changed. Please ask about it again in a moment.",
        Refusal::NotByTelephone => "I can't move that appointment. Please offer to put the caller through to a person.",
        _ => {
            "I can find no coming appointment for that. Please ask the caller for the confirmation code and the name on the appointment, \
             or offer to book a new one."
        }
    }
}

fn which_of(profile: &Profile, [first, second]: &[OffsetDateTime; 2]) -> String {
    let today = first.date();
    let [one, other] = [first, second].map(|instant| spoken_date_time(profile.zone.civil(*instant), today));
    if one == other {
        return format!(
            "The clocks go back that night, so {one} comes twice. Please ask the caller for a time outside that hour, or give the time with its offset."
        );
    }
    format!("That could be {one} or {other}. Please ask the caller which one is meant.")
}

/// More than these are not read out: nobody would remember the first.
const READ_OUT: usize = 3;

/// Several appointments, each with its code, so that the caller can name one.
fn which_appointment(profile: &Profile, rows: &[BookingRow], today: Date) -> String {
    let next: Vec<String> = rows.iter().take(READ_OUT).map(|row| listed(profile, row, today)).collect();
    let of_all = if rows.len() > READ_OUT { ", of which these are the next" } else { "" };
    format!("The caller has {} appointments{of_all}: {}. Please ask which one, and give its code.", rows.len(), next.join("; "))
}
