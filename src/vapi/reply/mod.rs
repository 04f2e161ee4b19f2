//! What a tool call is answered: one sentence that can be spoken, and the fields of the older form. Inner errors are never
//! echoed: the caller hears a plain sentence, the log gets the cause.

mod changes;
mod refusals;
pub mod transfers;

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::booking::book::Booking;
use crate::booking::check::{OpenTimes, Openings};
use crate::booking::correct::Corrected;
use crate::booking::error::NotOpen;
use crate::booking::words;
use crate::business::profile::Profile;
use crate::scheduling::slots::{Reason, Refusal as Start};
use crate::scheduling::speech::{spoken_date, spoken_date_time, spoken_times};
use crate::store::bookings::BookingRow;

const UNSEEN: &str = "I can't see the whole calendar right now.";

const TOO_MANY_BOOKINGS: &str = "From this number no more can be booked by telephone today, so this is not booked. Please offer to put the \
                                 caller through to a person.";

/// An answer before it has a form.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The sentence: one line.
    pub sentence: String,
    /// Whether it is an `error`: the input cannot be used, or something failed.
    pub is_error: bool,
    /// For the older form's object.
    pub fields: Map<String, Value>,
    /// Whether it is what everyone gets from now on.
    pub sticks: bool,
    /// Whether something was changed for this caller.
    pub acted: bool,
}

impl Reply {
    /// Input that cannot be used, or a failure.
    #[must_use]
    pub fn error(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), is_error: true, fields: Map::new(), sticks: true, acted: false }
    }

    /// A failure that changed nothing and may pass.
    #[must_use]
    pub fn passing(sentence: impl Into<String>) -> Self {
        Self { sticks: false, ..Self::error(sentence) }
    }

    fn result(sentence: String, fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Self { sentence, is_error: false, fields, sticks: true, acted: false }
    }

    /// One entry of `results`.
    #[must_use]
    pub fn entry(&self, tool_call_id: &str, name: &str) -> String {
        let outcome = if self.is_error { "error" } else { "result" };
        json!({ "toolCallId": tool_call_id, "name": name, outcome: self.sentence }).to_string()
    }

    /// The older form. `verdict` is the field that says no when the tool failed; without one the tool was unknown.
    #[must_use]
    pub fn object(&self, verdict: Option<&str>) -> String {
        let Some(verdict) = verdict else { return json!({ "result": { "error": self.sentence } }).to_string() };
        let mut fields = self.fields.clone();
        if self.is_error {
            fields.insert(verdict.to_owned(), Value::Bool(false));
            fields.insert("error".to_owned(), Value::String(self.sentence.clone()));
        }
        fields.insert("message".to_owned(), Value::String(self.sentence.clone()));
        json!({ "result": fields }).to_string()
    }

    /// What is open.
    #[must_use]
    pub fn openings(profile: &Profile, openings: &Openings) -> Self {
        let local = in_local_time(profile, &openings.open);
        let sentence = match &openings.none_because {
            None => format!("For {} I have {}. Which time suits you?", openings.service, spoken_times(&local, openings.today)),
            Some(because) => {
                let why = why_not(because, Some(openings.date), None, openings.today, &openings.service);
                format!("{why} {}", others(&local, openings.open.unseen, openings.today))
            }
        };
        let fields = json!({ "available": openings.none_because.is_none(), "slots": instants(&local) });
        Self { sticks: sticks(openings.none_because.as_ref(), &openings.open), ..Self::result(sentence, fields) }
    }

    /// What came of a booking.
    #[must_use]
    pub fn booking(profile: &Profile, booking: &Booking, today: Date) -> Self {
        let made = |row: &BookingRow, sentence| {
            let start = profile.zone.civil(row.span.start);
            let fields = json!({ "success": true, "scheduledDate": instant(start), "confirmationId": row.confirmation });
            Self { acted: true, ..Self::result(sentence, fields) }
        };
        match booking {
            Booking::Made(row) | Booking::Again(row, Corrected::Nothing) => made(row, words::booked(profile, row, today)),
            Booking::Again(row, Corrected::Written(details)) => {
                made(row, format!("{} {}", words::booked(profile, row, today), words::corrected(row, details)))
            }
            Booking::Again(row, Corrected::NotWritten) => {
                let booked = words::booked(profile, row, today);
                let sentence = format!("{booked} But I could not note what has changed. Please try again in a moment.");
                Self { sticks: false, ..made(row, sentence) }
            }
            Booking::Pending(_) => {
                let fields = json!({ "success": false, "pending": true });
                Self { sticks: false, ..Self::result(profile.phrases.pending.clone(), fields) }
            }
            Booking::TooMany => Self::result(TOO_MANY_BOOKINGS.into(), json!({ "success": false })),
            Booking::NotOpen { service, wished, because, others: open } => {
                let local = in_local_time(profile, open);
                let why = why_not(because, None, wished.map(|start| profile.zone.civil(start)), today, service);
                let sentence = format!("{why} Nothing is booked. {}", others(&local, open.unseen, today));
                let fields = json!({ "success": false, "slots": instants(&local) });
                Self { sticks: sticks(Some(because), open), ..Self::result(sentence, fields) }
            }
        }
    }
}

fn in_local_time(profile: &Profile, open: &OpenTimes) -> Vec<OffsetDateTime> {
    open.starts.iter().map(|start| profile.zone.civil(*start)).collect()
}

/// That nothing can be offered because the calendars cannot be seen may pass.
fn sticks(because: Option<&NotOpen>, open: &OpenTimes) -> bool {
    let unreachable = matches!(
        because,
        Some(NotOpen::Day(Reason::Unreachable) | NotOpen::Window(Reason::Unreachable) | NotOpen::Start(Start::Unreachable))
    );
    let cannot_tell = open.unseen && open.starts.is_empty();
    !(unreachable || cannot_tell)
}

fn others(local: &[OffsetDateTime], unseen: bool, today: Date) -> String {
    if local.is_empty() && unseen {
        return "I can't see the calendar right now, so I can't name other times.".into();
    }
    if local.is_empty() {
        return "I see no other open time in the two weeks after that.".into();
    }
    format!("I do have {}.", spoken_times(local, today))
}

/// Why there is nothing, about a whole date or one start of it.
fn why_not(because: &NotOpen, date: Option<Date>, start: Option<OffsetDateTime>, today: Date, service: &str) -> String {
    let day = start.map(OffsetDateTime::date).or(date).map_or_else(|| "that day".into(), |date| spoken_date(date, today));
    let time = start.map_or_else(|| "that time".into(), |start| spoken_date_time(start, today));
    capitalised(&match because {
        NotOpen::Window(Reason::FullyBooked) => format!("{day} is fully booked at that time of the day."),
        NotOpen::Day(reason) | NotOpen::Window(reason) => why_not_that_day(reason, &day, today, service),
        NotOpen::Start(refusal) => match refusal {
            Start::Past => format!("{day} is in the past."),
            Start::BeyondHorizon { last_date } => up_to(*last_date, today),
            Start::Closed { reason } => closed(&day, reason.as_deref()),
            Start::OutsideHours => format!("{time} is outside our hours for {service}."),
            Start::TooSoon => format!("{time} is too soon for us."),
            Start::Taken => format!("{time} is already taken."),
            Start::Unreachable => UNSEEN.into(),
        },
    })
}

fn why_not_that_day(reason: &Reason, day: &str, today: Date, service: &str) -> String {
    match reason {
        Reason::PastDate => format!("{day} is in the past."),
        Reason::BeyondHorizon { last_date } => up_to(*last_date, today),
        Reason::Closed { reason } => closed(day, reason.as_deref()),
        Reason::TooLong => format!("our hours on {day} are too short for {service}."),
        Reason::WindowClosed => format!("on {day} we are open, but not at that time of the day."),
        Reason::TooSoon => format!("what is left of {day} is too soon for us."),
        Reason::FullyBooked => format!("{day} is fully booked."),
        Reason::Unreachable => UNSEEN.into(),
    }
}

fn closed(day: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) if !reason.is_empty() => format!("we are closed on {day}: {reason}."),
        _ => format!("we are closed on {day}."),
    }
}

fn up_to(last_date: Date, today: Date) -> String {
    format!("we take bookings up to {}.", spoken_date(last_date, today))
}

fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn instants(local: &[OffsetDateTime]) -> Vec<String> {
    local.iter().copied().map(instant).collect()
}

fn instant(local: OffsetDateTime) -> String {
    local.format(&Rfc3339).unwrap_or_default()
}
