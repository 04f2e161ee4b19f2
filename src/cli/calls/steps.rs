//! A call as plain sentences in the order of time. Pure: everything that it tells stands in the story.

use time::{Duration, OffsetDateTime};

use super::local;
use crate::business::profile::Profile;
use crate::names::Phone;
use crate::scheduling::speech::spoken_date_time;
use crate::store::bookings::BookingRow;
use crate::store::calls::{CallRow, Leg};
use crate::store::jobs::{Job, Sms};
use crate::store::stories::{JobRow, MoveRow, Story};
use crate::store::texts::Fate;
use crate::store::traces::Trace;

/// Something that happened.
pub(super) struct Step {
    pub(super) at: OffsetDateTime,
    /// `rang`, `asked`, `answered`, `booking`, `connected`, `voicemail`, `told` or `ended`.
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// Everything that happened, first things first.
pub(super) fn steps(story: &Story, profile: Option<&Profile>) -> Vec<Step> {
    let mut steps = rang(&story.call);
    for trace in &story.traces {
        steps.extend(asked_and_answered(trace));
    }
    for made in &story.moves {
        let booking = story.bookings.iter().find(|row| row.id == made.booking);
        steps.extend(booking.map(|row| Step { at: made.at, kind: "booking", text: decided(made, row, profile) }));
    }
    for leg in &story.legs {
        steps.push(Step { at: leg.at, kind: "connected", text: connected(leg.leg, leg.dialing.as_ref().map(Phone::as_str)) });
    }
    for voicemail in &story.voicemails {
        let text = format!("The caller left a message of {} seconds: {}", voicemail.seconds, voicemail.url);
        steps.push(Step { at: voicemail.created_at, kind: "voicemail", text });
    }
    steps.extend(story.jobs.iter().filter_map(|job| Some(Step { at: job.at, kind: "told", text: followed(job)? })));
    steps.extend(ended(story));
    // What was answered comes after what was done for it, where both were noted in the same millisecond.
    steps.sort_by_key(|step| (step.at, step.kind == "answered", step.kind == "ended"));
    steps
}

fn rang(call: &CallRow) -> Vec<Step> {
    let at = call.created_at;
    let from = if call.from.is_empty() { "a withheld number" } else { &call.from };
    let text = format!("The telephone rang: {from} called {}.", call.to);
    let mut steps = vec![Step { at, kind: "rang", text }];
    let first = call.twiml.as_deref().map(|twiml| {
        if twiml.contains("<Record") {
            Leg::Voicemail
        } else if twiml.contains("<Connect") || twiml.contains("<Sip") {
            Leg::Assistant
        } else {
            Leg::Person
        }
    });
    steps.extend(first.map(|leg| Step { at, kind: "connected", text: connected(leg, None) }));
    steps
}

fn connected(leg: Leg, number: Option<&str>) -> String {
    match (leg, number) {
        (Leg::Assistant, _) => "The caller was connected to the assistant.".into(),
        (Leg::Person, Some(number)) => format!("The caller was put through to {number}."),
        (Leg::Person, None) => "The caller was put through to a person.".into(),
        (Leg::Voicemail, _) => "The caller was asked to leave a message.".into(),
    }
}

fn asked_and_answered(trace: &Trace) -> [Step; 2] {
    let arguments: Vec<String> = trace.arguments.lines().map(|line| line.replacen('=', ": ", 1)).collect();
    let with = if arguments.is_empty() { String::new() } else { format!(" ({})", arguments.join("; ")) };
    let asked = format!("The assistant asked for {}{with}.", trace.tool);
    let how = if trace.is_error { "Answered with an error" } else { "Answered" };
    let again = match trace.repeated {
        0 => String::new(),
        1 => " It was asked once more with the same id, and answered the same.".into(),
        more => format!(" It was asked {more} more times with the same id, and answered the same."),
    };
    let answered = format!("{how} after {} ms: “{}”{again}", trace.ms, trace.answer);
    let ms = i64::try_from(trace.ms).unwrap_or_default();
    [
        Step { at: trace.at, kind: "asked", text: asked },
        Step { at: trace.at + Duration::milliseconds(ms), kind: "answered", text: answered },
    ]
}

/// What was decided about a booking, and why.
fn decided(made: &MoveRow, row: &BookingRow, profile: Option<&Profile>) -> String {
    let why = match made.cause.as_str() {
        "wish" => {
            let start = local(profile, row.span.start);
            let when = spoken_date_time(start, local(profile, made.at).date());
            return format!("Booking {}: {} with {} on {when} was claimed.", row.confirmation, row.service, row.technician);
        }
        "taken_up" => "work on it began",
        "look_free" => "the calendar was looked at, and the time is free",
        "look_taken" => "the calendar was looked at, and somebody else has the time",
        "look_unknown" => "the calendar was looked at, and gave no clear answer",
        "insert_placed" => "the event was sent to the calendar and stands there",
        "insert_duplicate" => "the event was sent to the calendar and stood there already",
        "insert_refused" => "the event was sent to the calendar and refused",
        "insert_not_sent" => "the event could not be sent to the calendar",
        "insert_unknown" => "the event was sent to the calendar, and what came of it is not known",
        "found_ours" => "the event was found in the calendar",
        "found_deleted" => "the event was found deleted in the calendar",
        "found_foreign" => "somebody else's event was found under its id",
        "found_nothing" => "no event was found in the calendar",
        "found_unknown" => "whether the event stands in the calendar could not be found out",
        "delete_done" => "the event was taken out of the calendar",
        "delete_nothing" => "there was no event to be taken out of the calendar",
        "delete_unknown" => "whether the event was taken out of the calendar is not known",
        "wish_to_move" => "the caller wants another time",
        "wish_to_cancel" => "the caller wants it cancelled",
        "moved" => "the event was moved in the calendar",
        "cancelled" => "the event was deleted from the calendar",
        "new_time_taken" => "somebody else has the new time",
        "not_changed" => "nothing was changed in the calendar",
        "corrected_by_caller" => "the caller corrected its details",
        "edited_by_a_person" => "a person has changed the event in the calendar",
        "moved_in_calendar" => "a person moved the event in the calendar",
        "deleted_in_calendar" => "a person deleted the event from the calendar",
        "restored_in_calendar" => "a person put the event back into the calendar",
        other => return format!("Booking {}: {}; {}.", row.confirmation, other.replace('_', " "), becomes(made)),
    };
    format!("Booking {}: {why}; {}.", row.confirmation, becomes(made))
}

fn becomes(made: &MoveRow) -> String {
    if made.from == made.to { format!("it stays {}", made.to) } else { format!("it is {} now", made.to) }
}

/// What somebody was told after an answer; `None` for work that nobody hears of.
fn followed(row: &JobRow) -> Option<String> {
    let fate = match (row.state.as_str(), &row.fate) {
        (_, Some((Fate::Delivered, _))) => " It arrived.".into(),
        ("done", Some((Fate::Lost, cause))) => format!(" It did not arrive: {cause}."),
        ("done", _) => String::new(),
        ("waiting", _) => " It is still to go out.".into(),
        _ if row.last_error.is_empty() => " It was given up.".into(),
        _ => format!(" It was given up: {}.", row.last_error),
    };
    let (what, text) = match row.job.as_ref()? {
        Job::Sms(Sms { to, text, .. }) => (format!("SMS to {}", to.as_str()), text),
        Job::Alert { text, .. } => ("Alert to the operator".to_owned(), text),
        Job::Tell(outcome) => ("For the assistant of the live call, else an SMS".to_owned(), &outcome.spoken),
        _ => return None,
    };
    Some(format!("{what}: “{text}”{fate}"))
}

fn ended(story: &Story) -> Option<Step> {
    let report = story.report.as_ref();
    let at = story.call.ended_at.or(report.and_then(|report| report.ended_at))?;
    let reason = story.call.vapi_ended_reason.as_deref();
    let text = match reason {
        Some(reason) => format!("The call was over; Vapi's reason: {reason}."),
        None if story.call.heard_from_vapi => "The call was over.".to_owned(),
        None => "The call was over, and Vapi never said a word about it.".to_owned(),
    };
    Some(Step { at, kind: "ended", text })
}
