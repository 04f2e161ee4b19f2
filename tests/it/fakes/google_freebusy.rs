//! What the fake Google's `freebusy.query` does: busy time merged and clipped, and one calendar's failure inside a 200.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::faults::{Fault, Struck};
use super::google::{Calendar, Google, access_to};
use super::google_access::{self as access, Role, Token};
use super::google_event::{Times, shown_time};
use super::google_events::seen;
use super::wire::Answer;

/// Found by others in practice (cal.com #11696); Google documents no figure.
const LONGEST_DAYS: i64 = 90;

impl Google {
    pub(super) fn free_busy(&self, who: &Token, body: &Value, struck: &[Struck]) -> Result<Answer, Answer> {
        let (from, until) = window(body)?;
        let zone = body["timeZone"].as_str().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let asked = body["items"].as_array().ok_or_else(|| access::error(400, "required", "Required: items"))?;
        let mut state = self.state();
        let mut calendars = Map::new();
        for id in asked.iter().filter_map(|item| item["id"].as_str()) {
            let answer = match partial(struck, id) {
                Some(Fault::Omit) => continue,
                Some(Fault::Errors { with_busy, reason }) => errors(reason, *with_busy),
                _ => match access_to(&mut state, who, id, Role::Reader) {
                    Ok(calendar) => json!({"busy": shown(&busy(calendar, from, until), &zone)}),
                    Err(_) => errors("notFound", true),
                },
            };
            calendars.insert(id.to_owned(), answer);
        }
        let (from, until) = (shown_time(from, &zone), shown_time(until, &zone));
        Ok(Answer::json(200, &json!({"kind": "calendar#freeBusy", "timeMin": from, "timeMax": until, "calendars": calendars})))
    }
}

fn partial<'a>(struck: &'a [Struck], id: &str) -> Option<&'a Fault> {
    let fits = |struck: &&Struck| {
        matches!(struck.fault, Fault::Omit | Fault::Errors { .. }) && struck.about.as_ref().is_none_or(|about| about == id)
    };
    struck.iter().find(fits).map(|struck| &struck.fault)
}

fn errors(reason: &str, with_busy: bool) -> Value {
    let mut answer = json!({"errors": [{"domain": "global", "reason": reason}]});
    if with_busy {
        answer["busy"] = json!([]);
    }
    answer
}

fn window(body: &Value) -> Result<Times, Answer> {
    let instant = |name: &str| {
        let text = body[name].as_str().ok_or_else(|| access::error(400, "required", &format!("Required: {name}")))?;
        text.parse::<Timestamp>().ok().ok_or_else(|| access::error(400, "invalid", &format!("Invalid value for: {name}")))
    };
    let (from, until) = (instant("timeMin")?, instant("timeMax")?);
    if until <= from {
        return Err(access::error(400, "timeRangeEmpty", "The specified time range is empty."));
    }
    if until.duration_since(from) > SignedDuration::from_hours(LONGEST_DAYS * 24) {
        return Err(access::error(400, "timeRangeTooLong", "The requested time range is too long."));
    }
    Ok((from, until))
}

fn busy(calendar: &mut Calendar, from: Timestamp, until: Timestamp) -> Vec<Times> {
    let zone = calendar.zone.clone();
    let visible = calendar.events.values_mut().filter_map(|stored| (seen(stored) && stored.blocks()).then_some(&*stored));
    let mut times: Vec<Times> = visible.flat_map(|stored| stored.instances(&zone)).map(|stored| stored.times(&zone)).collect();
    times.retain(|(start, end)| start < end && *start < until && *end > from);
    times.sort();
    let mut merged: Vec<Times> = Vec::new();
    for (start, end) in times {
        let (start, end) = (start.max(from), end.min(until));
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn shown(busy: &[Times], zone: &TimeZone) -> Vec<Value> {
    busy.iter().map(|(start, end)| json!({"start": shown_time(*start, zone), "end": shown_time(*end, zone)})).collect()
}
