//! `call ID`: one call, from the ringing to what was said in it.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::steps::{Step, steps};
use super::{Businesses, Call, length, local};
use crate::business::profile::Profile;
use crate::cli::{Failure, business, print};
use crate::config::Environment;
use crate::names::{BookingId, BookingState, CallSid, Slug, VapiCallId};
use crate::scheduling::speech::spoken_date;
use crate::store::bookings::BookingRow;
use crate::store::reports::Report;
use crate::store::stories::Story;

/// What a step takes up before its words.
const MARGIN: &str = "          ";

/// A call, as scripts read it.
#[derive(Serialize)]
struct Told<'a> {
    call_sid: Option<&'a CallSid>,
    vapi_call_id: Option<&'a VapiCallId>,
    business: Option<&'a Slug>,
    from: &'a str,
    to: &'a str,
    started: String,
    ended: Option<String>,
    status: &'a str,
    ended_reason: Option<&'a str>,
    cost_usd: Option<f64>,
    bookings: Vec<Booked<'a>>,
    steps: Vec<Took<'a>>,
    summary: Option<&'a str>,
    recording_url: Option<&'a str>,
    transcript: Option<&'a str>,
}

#[derive(Serialize)]
struct Booked<'a> {
    id: BookingId,
    service: &'a str,
    technician: &'a str,
    start: String,
    status: BookingState,
    confirmation_id: &'a str,
}

#[derive(Serialize)]
struct Took<'a> {
    at: String,
    kind: &'static str,
    text: &'a str,
}

pub(in crate::cli) fn tell(asked: &Call, environment: &Environment) -> Result<(), Failure> {
    let (settings, businesses) = Businesses::read(environment)?;
    let story = business::in_database(&settings.database_url, async |store| match store.call_named(&asked.id).await? {
        Some(call) => store.story(call).await.map(Some),
        None => Ok(None),
    })?;
    let Some(story) = story else {
        let hint = "`ringbook calls --since 30d` lists those of a month";
        return Err(Failure::because(format!("No call is named {:?} here", asked.id), hint));
    };
    let profile = businesses.of(story.call.business.as_ref());
    let steps = steps(&story, profile);
    if asked.json { print(&(json(&story, &steps, profile)? + "\n")) } else { print(&told(&story, &steps, profile)) }
}

fn json(story: &Story, steps: &[Step], profile: Option<&Profile>) -> Result<String, Failure> {
    let instant = |at: OffsetDateTime| local(profile, at).format(&Rfc3339).unwrap_or_default();
    let (call, nothing) = (&story.call, Report::default());
    let report = story.report.as_ref().unwrap_or(&nothing);
    let told = Told {
        call_sid: call.sid.as_ref(),
        vapi_call_id: call.vapi_call_id.as_ref(),
        business: call.business.as_ref(),
        from: &call.from,
        to: &call.to,
        started: instant(call.created_at),
        ended: call.ended_at.or(report.ended_at).map(instant),
        status: &call.status,
        ended_reason: call.vapi_ended_reason.as_deref(),
        cost_usd: report.cost_micros.map(dollars),
        bookings: story.bookings.iter().map(|row| booked(row, instant(row.span.start))).collect(),
        steps: steps.iter().map(|step| Took { at: instant(step.at), kind: step.kind, text: &step.text }).collect(),
        summary: report.summary.as_deref(),
        recording_url: report.recording_url.as_deref(),
        transcript: report.transcript.as_deref(),
    };
    serde_json::to_string_pretty(&told).map_err(|error| Failure::because("the call cannot be written as JSON", error))
}

fn booked(row: &BookingRow, start: String) -> Booked<'_> {
    let BookingRow { id, service, technician, state, confirmation, .. } = row;
    Booked { id: *id, service, technician, start, status: *state, confirmation_id: confirmation }
}

/// The same for people.
fn told(story: &Story, steps: &[Step], profile: Option<&Profile>) -> String {
    let mut lines = vec![heading(story, profile), about(story), String::new()];
    for step in steps {
        let at = local(profile, step.at);
        lines.push(format!("{:02}:{:02}:{:02}  {}", at.hour(), at.minute(), at.second(), shown(&step.text)));
    }
    if let Some(report) = &story.report {
        let parts = [("In short", &report.summary), ("To be heard at", &report.recording_url)];
        for (name, part) in parts.iter().filter_map(|(name, part)| Some((name, part.as_deref()?))) {
            lines.push(format!("\n{name}: {}", shown(part)));
        }
        if let Some(transcript) = &report.transcript {
            lines.push("\nWhat was said:".to_owned());
            lines.extend(transcript.lines().map(|line| format!("  {}", shown(line))));
        }
    }
    lines.join("\n") + "\n"
}

fn heading(story: &Story, profile: Option<&Profile>) -> String {
    let call = &story.call;
    let whom = profile.map(|profile| profile.name.as_str()).or(call.business.as_ref().map(Slug::as_str)).unwrap_or("nobody");
    let at = local(profile, call.created_at);
    let zone = profile.map_or("UTC", |profile| profile.zone.name());
    format!("A call to {} on {} {} ({zone}).", shown(whom), spoken_date(at.date(), at.date()), at.year())
}

fn about(story: &Story) -> String {
    let call = &story.call;
    let report = story.report.as_ref();
    let reported = report.and_then(|report| Some(report.ended_at? - report.started_at?));
    let lasted = call.ended_at.map(|end| end - call.created_at).or(reported).map(|lasted| length(lasted.whole_seconds()));
    let code = |row: &BookingRow| format!("{} ({})", row.confirmation, row.state.as_str());
    let codes: Vec<String> = story.bookings.iter().map(code).collect();
    let parts = [
        call.sid.as_ref().map(|sid| format!("At Twilio: {sid}.")),
        call.vapi_call_id.as_ref().map(|id| format!("At Vapi: {id}.")),
        lasted.map(|lasted| format!("Length: {lasted}.")),
        call.vapi_ended_reason.as_ref().map(|reason| format!("Ended: {reason}.")),
        report.and_then(|report| report.cost_micros).map(|micros| format!("Vapi's charge: ${:.2}.", dollars(micros))),
        (!codes.is_empty()).then(|| format!("Bookings: {}.", codes.join(", "))),
    ];
    shown(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

#[expect(clippy::cast_precision_loss, reason = "a call costs less than nine billion dollars")]
fn dollars(micros: i64) -> f64 {
    micros as f64 / 1_000_000.0
}

/// Somebody else's words on a terminal: nothing in them may steer it. What runs over several lines stays under its time.
fn shown(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| line.chars().filter(|c| !c.is_control()).collect()).collect();
    lines.join(&format!("\n{MARGIN}"))
}
