//! `calls`: recent calls as a table.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::trouble::trouble;
use super::{Businesses, Calls, length, local};
use crate::cli::{Failure, business, note, print};
use crate::clock::Clock;
use crate::config::Environment;
use crate::names::{CallSid, Phone, Slug, VapiCallId};
use crate::scheduling::speech::spoken_time;
use crate::store::stories::{CallLine, MAX_CALLS, Sought};

/// One call, as scripts read it.
#[derive(Serialize)]
struct Line<'a> {
    call_sid: Option<&'a CallSid>,
    vapi_call_id: Option<&'a VapiCallId>,
    business: Option<&'a Slug>,
    started: String,
    phone_ends: String,
    seconds: Option<i64>,
    ended_reason: Option<&'a str>,
    bookings: i64,
    voicemails: i64,
    trouble: Vec<&'static str>,
}

pub(in crate::cli) fn list(asked: &Calls, environment: &Environment) -> Result<(), Failure> {
    let (settings, businesses) = Businesses::read(environment)?;
    let sought = Sought {
        since: Clock::System.now() - asked.since,
        business: asked.business.as_ref(),
        phone_ends: asked.phone_ends.as_deref(),
    };
    let mut lines = business::in_database(&settings.database_url, async |store| store.recent_calls(&sought).await)?;
    // The calls of a business whose file is gone are still there; without any, the name is a slip.
    if let (Some(slug), true) = (&asked.business, lines.is_empty())
        && businesses.of(Some(slug)).is_none()
    {
        let folder = settings.businesses.display();
        return Err(Failure::Usage(format!("--business: there is no business file {slug}.toml in {folder}.")));
    }
    if i64::try_from(lines.len()).is_ok_and(|found| found == MAX_CALLS) {
        note(&format!("Only the latest {MAX_CALLS} calls of that time are looked at; a shorter --since shows the others."));
    }
    if asked.failed {
        lines.retain(|line| !trouble(line).is_empty());
    }
    if asked.json { print(&(json(&lines, &businesses)? + "\n")) } else { print(&table(&lines, &businesses)) }
}

fn json(lines: &[CallLine], businesses: &Businesses) -> Result<String, Failure> {
    let lines: Vec<Line<'_>> = lines.iter().map(|line| line_of(line, businesses)).collect();
    serde_json::to_string_pretty(&lines).map_err(|error| Failure::because("the calls cannot be written as JSON", error))
}

fn line_of<'a>(line: &'a CallLine, businesses: &Businesses) -> Line<'a> {
    let call = &line.call;
    Line {
        call_sid: call.sid.as_ref(),
        vapi_call_id: call.vapi_call_id.as_ref(),
        business: call.business.as_ref(),
        started: local(businesses.of(call.business.as_ref()), call.created_at).format(&Rfc3339).unwrap_or_default(),
        phone_ends: call.caller().as_ref().map(|caller| caller.last_four().to_owned()).unwrap_or_default(),
        seconds: line.seconds,
        ended_reason: call.vapi_ended_reason.as_deref(),
        bookings: line.booked,
        voicemails: line.voicemails,
        trouble: trouble(line),
    }
}

fn table(lines: &[CallLine], businesses: &Businesses) -> String {
    if lines.is_empty() {
        return "No such calls.\n".into();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["When", "Business", "From", "Length", "Ended", "Booked", "Trouble", "Call"]);
    for line in lines {
        let call = &line.call;
        let at = local(businesses.of(call.business.as_ref()), call.created_at);
        let id = call.sid.as_ref().map(CallSid::as_str).or(call.vapi_call_id.as_ref().map(VapiCallId::as_str));
        table.add_row([
            format!("{} {}", at.date(), spoken_time(at)).as_str(),
            call.business.as_ref().map_or("", Slug::as_str),
            &ends(line),
            &line.seconds.map(length).unwrap_or_default(),
            call.vapi_ended_reason.as_deref().unwrap_or(&call.status),
            &line.booked.to_string(),
            &trouble(line).join(", "),
            id.unwrap_or_default(),
        ]);
    }
    format!("{table}\n")
}

/// The last four digits; of a caller without a number nothing.
fn ends(line: &CallLine) -> String {
    line.call.caller().as_ref().map(Phone::last_four).map(|four| format!("…{four}")).unwrap_or_default()
}
