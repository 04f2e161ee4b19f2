//! One event of the fake Google: what it takes to be valid, when it is, and how it is shown. Pure; knows no HTTP method and no
//! other event.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

/// A refused event: status, reason, message.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid(pub u16, pub &'static str, pub String);

fn invalid(message: &str) -> Invalid {
    Invalid(400, "invalid", message.to_owned())
}

/// An event's fields and who can see it yet.
#[derive(Clone, Debug)]
pub struct Stored {
    pub fields: Map<String, Value>,
    /// So many reads do not see it yet: Google's replication lag.
    pub unseen: u32,
    /// The number of its last change; a sync token says up to which number its holder knows.
    pub changed: u64,
}

/// Half-open, in instants.
pub type Times = (Timestamp, Timestamp);

impl Stored {
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or("")
    }

    pub fn cancelled(&self) -> bool {
        self.text("status") == "cancelled"
    }

    /// Start and end; all-day events over whole dates in the calendar's zone.
    pub fn times(&self, zone: &TimeZone) -> Times {
        let at = |field: &str| instant(&self.fields[field], zone).expect("only valid events are kept");
        (at("start"), at("end"))
    }

    /// Whether free/busy counts it: not cancelled, not transparent, not declined by the calendar's owner.
    pub fn blocks(&self) -> bool {
        let declined = |guest: &Value| guest["self"] == true && guest["responseStatus"] == "declined";
        let guests = self.fields.get("attendees").and_then(Value::as_array);
        !self.cancelled()
            && self.text("transparency") != "transparent"
            && !guests.is_some_and(|guests| guests.iter().any(declined))
    }

    /// Whether the private extended property has this value.
    pub fn has_private(&self, key: &str, value: &str) -> bool {
        self.fields.get("extendedProperties").and_then(|all| all["private"][key].as_str()) == Some(value)
    }

    /// As the API shows it. Of a deleted event only the id is guaranteed, so no more is shown unless asked.
    pub fn shown(&self, whole_tombstones: bool) -> Value {
        if self.cancelled() && !whole_tombstones {
            let kept = ["kind", "etag", "id", "status"];
            return self
                .fields
                .iter()
                .filter(|(name, _)| kept.contains(&name.as_str()))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
        }
        Value::Object(self.fields.clone())
    }

    /// The instances of a series, or the event itself.
    pub fn instances(&self, zone: &TimeZone) -> Vec<Self> {
        let Some(rules) = self.fields.get("recurrence").and_then(Value::as_array) else { return vec![self.clone()] };
        let rule =
            rules.iter().filter_map(Value::as_str).find_map(|rule| rule.strip_prefix("RRULE:")).expect("a series has a rule");
        repetitions(rule).map(|step| self.instance(step, zone)).collect()
    }

    /// A repetition keeps the wall clock of the series' own zone, whatever the clocks do in between.
    fn instance(&self, days: i64, zone: &TimeZone) -> Self {
        let own_zone =
            self.fields["start"]["timeZone"].as_str().and_then(|name| TimeZone::get(name).ok()).unwrap_or(zone.clone());
        let (start, end) = self.times(zone);
        let moved = |at: Timestamp| (at.to_zoned(own_zone.clone()) + Span::new().days(days)).timestamp();
        let mut copy = self.clone();
        copy.fields.remove("recurrence");
        let suffix = moved(start).strftime("%Y%m%dT%H%M%SZ").to_string();
        copy.fields.insert("recurringEventId".into(), self.fields["id"].clone());
        copy.fields.insert("id".into(), format!("{}_{suffix}", self.text("id")).into());
        for (field, at) in [("start", moved(start)), ("end", moved(end))] {
            copy.fields.insert(field.into(), json!({"dateTime": shown_time(at, zone), "timeZone": own_zone.iana_name()}));
        }
        copy
    }
}

/// Day steps of `FREQ=DAILY|WEEKLY;COUNT=n[;INTERVAL=n]`, which is as much of RFC 5545 as the tests speak.
fn repetitions(rule: &str) -> impl Iterator<Item = i64> {
    let part = |name: &str| rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let days = match part("FREQ") {
        Some("DAILY") => 1,
        Some("WEEKLY") => 7,
        other => panic!("the fake does not repeat {other:?}"),
    };
    let every: i64 = part("INTERVAL").map_or(1, |every| every.parse().expect("INTERVAL is a number"));
    let count: i64 = part("COUNT").expect("the fake needs COUNT").parse().expect("COUNT is a number");
    (0..count).map(move |step| step * every * days)
}

/// Google's id alphabet: base32hex in lower case, 5 to 1024 characters.
pub fn is_valid_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|c| matches!(c, b'a'..=b'v' | b'0'..=b'9'))
}

/// Checks and normalises the fields of an event that is about to be kept.
pub fn accept(fields: &mut Map<String, Value>, zone: &TimeZone) -> Result<(), Invalid> {
    let (start, end) = (edge(fields, "start")?, edge(fields, "end")?);
    if start.get("date").is_some() != end.get("date").is_some() {
        return Err(invalid("Start and end times must either both be date or both be dateTime."));
    }
    let times = (instant(&start, zone)?, instant(&end, zone)?);
    if times.1 < times.0 || (times.0 == times.1 && start.get("date").is_some()) {
        return Err(Invalid(400, "timeRangeEmpty", "The specified time range is empty.".into()));
    }
    if fields.contains_key("recurrence") && start["timeZone"].as_str().is_none() && start.get("date").is_none() {
        return Err(invalid("Missing time zone definition for start time."));
    }
    for (field, given, at) in [("start", start, times.0), ("end", end, times.1)] {
        if given.get("date").is_none() {
            fields.insert(field.into(), shown_edge(&given, at, zone));
        }
    }
    match fields.get("status").and_then(Value::as_str) {
        None => drop(fields.insert("status".into(), "confirmed".into())),
        Some("confirmed" | "tentative" | "cancelled") => {}
        Some(_) => return Err(invalid("Invalid value for: status")),
    }
    trim_properties(fields);
    Ok(())
}

/// `start` or `end` with exactly one of `date` and `dateTime`.
fn edge(fields: &Map<String, Value>, field: &'static str) -> Result<Value, Invalid> {
    let missing = || invalid(&format!("Missing {field} time."));
    let edge = fields.get(field).filter(|edge| edge.is_object()).ok_or_else(missing)?;
    match (edge["date"].is_string(), edge["dateTime"].is_string()) {
        (true, true) => Err(invalid("Invalid start or end: both date and dateTime.")),
        (false, false) => Err(missing()),
        _ => Ok(edge.clone()),
    }
}

/// When an edge is. A misspelt `timeZone` falls back to the calendar's without a word, as Google does.
fn instant(edge: &Value, calendar: &TimeZone) -> Result<Timestamp, Invalid> {
    if let Some(date) = edge["date"].as_str() {
        let date: Date = date.parse().ok().ok_or_else(|| invalid("Invalid date."))?;
        return Ok(date.to_zoned(calendar.clone()).expect("a date of our times").timestamp());
    }
    let text = edge["dateTime"].as_str().unwrap_or("");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let wall: DateTime = text.parse().ok().ok_or_else(|| invalid("Invalid dateTime."))?;
    let named = edge["timeZone"].as_str().ok_or_else(|| invalid("Missing time zone definition for start time."))?;
    let zone = TimeZone::get(named).unwrap_or(calendar.clone());
    Ok(wall.to_zoned(zone).expect("a time of our times").timestamp())
}

/// Google shows an instant with the offset of the calendar, whatever offset was sent.
fn shown_edge(given: &Value, at: Timestamp, calendar: &TimeZone) -> Value {
    let mut shown = json!({"dateTime": shown_time(at, calendar)});
    let named = given["timeZone"].as_str().and_then(|name| TimeZone::get(name).ok());
    shown["timeZone"] = named.as_ref().unwrap_or(calendar).iana_name().into();
    shown
}

/// RFC 3339 with whole seconds, `Z` where the offset is zero.
pub fn shown_time(at: Timestamp, zone: &TimeZone) -> String {
    let text = at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    text.strip_suffix("+00:00").map_or(text.clone(), |local| format!("{local}Z"))
}

/// Keys over 44 characters are dropped and values over 1024 cut, both without a word.
fn trim_properties(fields: &mut Map<String, Value>) {
    for kind in ["private", "shared"] {
        let Some(all) = fields.get_mut("extendedProperties").and_then(|all| all.get_mut(kind)?.as_object_mut()) else { continue };
        all.retain(|key, _| key.chars().count() <= 44);
        for value in all.values_mut() {
            if let Some(text) = value.as_str() {
                *value = text.chars().take(1024).collect::<String>().into();
            }
        }
    }
}

/// JSON merge: objects merge, null deletes, all else replaces.
pub fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (field, new) in patch {
        match (into.get_mut(field), new) {
            (_, Value::Null) => drop(into.remove(field)),
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, new) => drop(into.insert(field.clone(), without_nulls(new))),
        }
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        other => other.clone(),
    }
}
