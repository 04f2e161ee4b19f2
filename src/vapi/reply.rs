//! What a tool call is answered: one sentence that can be spoken, and the fields of the older form. Inner errors are never
//! echoed: the caller hears a plain sentence, the log gets the cause.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::booking::book::Booking;
use crate::booking::check::{OpenTimes, Openings};
use crate::booking::error::{NotOpen, Refusal};
use crate::booking::words;
use crate::business::profile::Profile;
use crate::scheduling::slots;
use crate::scheduling::speech::{spoken_date, spoken_date_time, spoken_list, spoken_times};

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
        match booking {
            Booking::Made(row) => {
                let start = profile.zone.civil(row.span.start);
                let fields = json!({ "success": true, "scheduledDate": instant(start), "confirmationId": row.confirmation });
                Self { acted: true, ..Self::result(words::booked(profile, row, today), fields) }
            }
            Booking::Pending(_) => {
                let fields = json!({ "success": false, "pending": true });
                Self { sticks: false, ..Self::result(profile.phrases.pending.clone(), fields) }
            }
            Booking::NotOpen { service, wished, because, others: open } => {
                let local = in_local_time(profile, open);
                let why = why_not(because, None, wished.map(|start| profile.zone.civil(start)), today, service);
                let sentence = format!("{why} Nothing is booked. {}", others(&local, open.unseen, today));
                let fields = json!({ "success": false, "slots": instants(&local) });
                Self { sticks: sticks(Some(because), open), ..Self::result(sentence, fields) }
            }
        }
    }

    /// What is to be asked of the caller, or what failed.
    #[must_use]
    pub fn refusal(profile: &Profile, refusal: &Refusal) -> Self {
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
            Refusal::CalendarDown => profile.phrases.calendar_down.clone(),
            Refusal::Store(_) => {
                "Something went wrong on our side, so nothing is confirmed. Please try again in a moment.".into()
            }
        };
        Self { sticks: !refusal.may_pass(), ..Self::error(sentence) }
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

fn in_local_time(profile: &Profile, open: &OpenTimes) -> Vec<OffsetDateTime> {
    open.starts.iter().map(|start| profile.zone.civil(*start)).collect()
}

/// That something cannot be said or offered because a calendar cannot be seen may pass.
fn sticks(because: Option<&NotOpen>, open: &OpenTimes) -> bool {
    let unreachable =
        matches!(because, Some(NotOpen::Day(slots::Reason::Unreachable) | NotOpen::Start(slots::Refusal::Unreachable)));
    let blind = open.unseen && open.starts.is_empty();
    !unreachable && !blind
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
    let closed = |reason: &Option<String>| match reason {
        Some(reason) if !reason.is_empty() => format!("We are closed on {day}: {reason}."),
        _ => format!("We are closed on {day}."),
    };
    capitalised(&match because {
        NotOpen::Day(slots::Reason::Closed { reason }) | NotOpen::Start(slots::Refusal::Closed { reason }) => closed(reason),
        NotOpen::Day(slots::Reason::BeyondHorizon { last_date })
        | NotOpen::Start(slots::Refusal::BeyondHorizon { last_date }) => {
            format!("We take bookings up to {}.", spoken_date(*last_date, today))
        }
        NotOpen::Day(slots::Reason::PastDate) | NotOpen::Start(slots::Refusal::Past) => format!("{day} is in the past."),
        NotOpen::Day(slots::Reason::TooLong) => format!("Our hours on {day} are too short for {service}."),
        NotOpen::Day(slots::Reason::WindowClosed) => format!("On {day} we are open, but not at that time of the day."),
        NotOpen::Day(slots::Reason::TooSoon) => format!("What is left of {day} is too soon for us."),
        NotOpen::Day(slots::Reason::FullyBooked) => format!("{day} is fully booked at that time of the day."),
        NotOpen::Start(slots::Refusal::OutsideHours) => format!("{time} is outside our hours for {service}."),
        NotOpen::Start(slots::Refusal::TooSoon) => format!("{time} is too soon for us."),
        NotOpen::Start(slots::Refusal::Taken) => format!("{time} is already taken."),
        NotOpen::Day(slots::Reason::Unreachable) | NotOpen::Start(slots::Refusal::Unreachable) => {
            "I can't see the whole calendar right now.".into()
        }
    })
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
