//! Reading how a call went out of what Vapi says of it: the `end-of-call-report` message and the call object of its REST API
//! have the same fields (docs.vapi.ai "Server events" and the API's description of 2026-08). Both carry copies of them in two
//! places; the one in `artifact` is the one that stays.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::from_epoch_ms;
use crate::store::reports::Report;

/// What is used of a message or a call object; each may be of any type.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: Value,
    status: Value,
    ended_reason: Value,
    started_at: Value,
    ended_at: Value,
    cost: Value,
    summary: Value,
    transcript: Value,
    recording_url: Value,
    artifact: Option<Box<RawValue>>,
    analysis: Option<Box<RawValue>>,
}

/// What is used of `artifact` and `analysis`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    transcript: Value,
    summary: Value,
    recording_url: Value,
    recording: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Recording {
    stereo_url: Value,
    mono: Value,
}

/// The report in the body of a webhook; `None` when it is no `end-of-call-report`.
#[must_use]
pub fn of_message(body: &str) -> Option<Report> {
    #[derive(Deserialize)]
    struct Envelope {
        message: Option<Box<RawValue>>,
    }
    let envelope = serde_json::from_str::<Envelope>(body).ok().and_then(|envelope| envelope.message);
    let wire: Wire = serde_json::from_str(envelope.as_ref().map_or(body, |message| message.get())).ok()?;
    (wire.kind.as_str() == Some("end-of-call-report")).then(|| report(wire))
}

/// The report in a call object; `None` when the call is not over, or it is no call object.
#[must_use]
pub fn of_call(answer: &[u8]) -> Option<Report> {
    let wire: Wire = serde_json::from_slice(answer).ok()?;
    (wire.status.as_str() == Some("ended")).then(|| report(wire))
}

fn report(wire: Wire) -> Report {
    let part = |raw: Option<Box<RawValue>>| raw.and_then(|raw| serde_json::from_str::<Part>(raw.get()).ok()).unwrap_or_default();
    let (artifact, analysis) = (part(wire.artifact), part(wire.analysis));
    let recording = artifact.recording.and_then(|raw| serde_json::from_str::<Recording>(raw.get()).ok()).unwrap_or_default();
    let combined = recording.mono.get("combinedUrl").cloned().unwrap_or_default();
    Report {
        ended_reason: first(&[&wire.ended_reason]),
        started_at: instant(&wire.started_at),
        ended_at: instant(&wire.ended_at),
        summary: first(&[&analysis.summary, &wire.summary]),
        transcript: first(&[&artifact.transcript, &wire.transcript]),
        recording_url: first(&[&combined, &recording.stereo_url, &artifact.recording_url, &wire.recording_url]),
        cost_micros: wire.cost.as_f64().and_then(micros),
    }
}

/// The first of these that is a text with something in it.
fn first(values: &[&Value]) -> Option<String> {
    let mut texts = values.iter().filter_map(|value| value.as_str()).map(str::trim);
    texts.find(|text| !text.is_empty()).map(str::to_owned)
}

/// ISO 8601 text in most messages, milliseconds since 1970 in some.
fn instant(value: &Value) -> Option<OffsetDateTime> {
    match value {
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok(),
        Value::Number(ms) => ms.as_i64().map(from_epoch_ms),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was compared with what fits")]
fn micros(dollars: f64) -> Option<i64> {
    (0.0..1_000_000.0).contains(&dollars).then(|| (dollars * 1_000_000.0).round() as i64)
}
