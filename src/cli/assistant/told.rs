//! What was found and done at Vapi, for people and for scripts. No secret is told.

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::{Failure, print};
use crate::assistant::difference::Difference;
use crate::assistant::push::{Done, Error as PushError, Known, Pushed};
use crate::clients::Error;
use crate::names::{AssistantId, Slug};

/// What is shown of a long text.
const SHOWN_CHARS: usize = 100;
/// What is shown of it before the first sign that differs.
const BEFORE_CHARS: usize = 30;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum State {
    /// Nothing differs.
    InStep,
    /// Something does.
    Differs,
    /// There is no assistant.
    Absent,
    /// It was made.
    Made,
    /// It was changed.
    Changed,
    /// It could not be found out, or not be done.
    Failed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::InStep => "in_step",
            Self::Differs => "differs",
            Self::Absent => "absent",
            Self::Made => "made",
            Self::Changed => "changed",
            Self::Failed => "failed",
        }
    }
}

/// One business's assistant.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Seen {
    pub business: Slug,
    pub state: State,
    pub assistant: Option<AssistantId>,
    /// The top-level fields that were sent.
    pub sent: Vec<String>,
    /// Where Vapi's differs; after a push, what Vapi did not keep.
    pub differences: Vec<Difference>,
    pub doubles: Vec<AssistantId>,
    /// What its owner should know.
    pub notes: Vec<String>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Seen {
    pub(in crate::cli) fn new(business: &Slug, state: State, assistant: Option<AssistantId>) -> Self {
        let business = business.clone();
        let (sent, differences, doubles, notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { business, state, assistant, sent, differences, doubles, notes, error: None }
    }

    pub(in crate::cli) fn failed(business: &Slug, error: &Error) -> Self {
        Self { error: Some(sentence(error)), ..Self::new(business, State::Failed, None) }
    }

    pub(in crate::cli) fn not_pushed(business: &Slug, error: &PushError) -> Self {
        match error {
            PushError::Vapi(error) => Self::failed(business, error),
            PushError::Store(_) => Self { error: Some(format!("{error}.")), ..Self::new(business, State::Failed, None) },
        }
    }

    pub(in crate::cli) fn pushed(known: Known<'_>, credential: Option<&str>, pushed: Pushed) -> Self {
        let Pushed { assistant, done, not_kept, doubles } = pushed;
        let (state, sent) = match done {
            Done::Made => (State::Made, Vec::new()),
            Done::Changed(fields) => (State::Changed, fields),
            Done::Nothing => (State::InStep, Vec::new()),
        };
        let mut notes = Vec::new();
        if let Some(set) = known.set.filter(|set| **set != assistant) {
            notes.push(format!(
                "calls go to {set} as long as VAPI_ASSISTANT_ID says so: take it out of the settings, and this one answers"
            ));
        }
        if state != State::InStep && credential.is_none() {
            notes.push(format!(
                "Vapi proves itself with the plain secret: VAPI_WEBHOOK_SECRET now stands in the assistant's server headers, where \
                 everybody can read it who may open Vapi's dashboard. A signature is better: {CREDENTIAL}"
            ));
        }
        Self { sent, differences: not_kept, doubles, notes, ..Self::new(known.business, state, Some(assistant)) }
    }
}

const CREDENTIAL: &str = "in Vapi's dashboard, \"Integrations\", \"Server Configuration\", \"Add Custom Credential\", type HMAC; Secret Key: your \
    VAPI_WEBHOOK_SECRET (its first, if it is a list); Algorithm: SHA256; Signature Header: x-signature; Timestamp Header: x-timestamp; \
    Payload Format: {timestamp}.{body}. Copy its id, and run `ringbook assistant push --credential ID`";

/// What is to be clicked where only signatures are accepted.
pub(in crate::cli) fn needs_credential(business: &Slug) -> String {
    format!(
        "{business}: VAPI_WEBHOOK_AUTH accepts signatures only, which need a credential, and Vapi's API cannot make one. Make it {CREDENTIAL}."
    )
}

/// What went wrong at Vapi, and what to do about it.
pub(in crate::cli) fn sentence(error: &Error) -> String {
    match error {
        Error::Settings(what) => format!("{what}."),
        Error::NotSent(why) => format!("Vapi cannot be reached ({why}): see whether this machine reaches VAPI_API_URL."),
        Error::Refused { status: 401 | 403, .. } => {
            "Vapi refuses the key: VAPI_API_KEY must be the private key of your account, not the public one.".to_owned()
        }
        Error::Refused { status: 404, .. } => {
            "Vapi has no such assistant any more: somebody deleted it at this moment. Run it again.".to_owned()
        }
        Error::Refused { status: 429, .. } => "Vapi has had too many requests: run it again in a minute.".to_owned(),
        Error::Refused { status, reason } => format!("Vapi refuses it with status {status}: {}.", reason.trim_end_matches('.')),
        Error::Unknown(why) => format!("Vapi failed, or did not answer in time ({why}): run it again, nothing is made twice."),
        Error::Unusable(why) => format!("Vapi's answer cannot be used ({why}): see whether VAPI_API_URL is Vapi's."),
    }
}

/// Tells all of it; the exit code is 1 unless all is in step.
pub(in crate::cli) fn tell(all: Vec<Seen>, as_json: bool) -> Result<(), Failure> {
    let failed: Vec<String> =
        all.iter().filter_map(|seen| Some(format!("{}: {}", seen.business, seen.error.as_ref()?))).collect();
    let differ = all.iter().filter(|seen| matches!(seen.state, State::Differs | State::Absent)).count();
    let text = if as_json {
        format!("{:#}\n", Value::Array(all.into_iter().map(object).collect()))
    } else {
        all.into_iter().map(lines).collect()
    };
    print(&text)?;
    let sentence = match (failed.is_empty(), differ) {
        (true, 0) => return Ok(()),
        (false, _) => failed.join("\n"),
        (true, 1) => "One assistant is not in step: `ringbook assistant push` brings it there.".to_owned(),
        (true, some) => format!("{some} assistants are not in step: `ringbook assistant push` brings them there."),
    };
    Err(Failure::Failed(anyhow::anyhow!("{sentence}")))
}

fn object(seen: Seen) -> Value {
    let places = seen.differences.into_iter().map(Difference::to_be_shown);
    let places: Vec<Value> =
        places.map(|place| json!({ "path": place.path, "here": place.here, "there": place.there })).collect();
    json!({
        "business": seen.business, "state": seen.state.as_str(), "assistant_id": seen.assistant, "sent": seen.sent,
        "differences": places, "doubles": seen.doubles, "notes": seen.notes, "error": seen.error,
    })
}

pub(in crate::cli) fn lines(seen: Seen) -> String {
    let id = seen.assistant.as_ref().map(ToString::to_string).unwrap_or_default();
    let head = match seen.state {
        State::InStep => format!("{id} is in step"),
        State::Differs => format!("{id} differs"),
        State::Absent => "there is no assistant at Vapi".to_owned(),
        State::Made => format!("{id} was made, and answers from now on"),
        State::Changed => format!("{id} was changed: {}", seen.sent.join(", ")),
        // What went wrong is told at the end.
        State::Failed => return String::new(),
    };
    let mut text = format!("{}: {head}\n", seen.business);
    let is_pushed = matches!(seen.state, State::Made | State::Changed);
    for place in seen.differences.into_iter().map(Difference::to_be_shown) {
        let kept = if is_pushed { " was not kept by Vapi" } else { "" };
        let (here, there) = excerpts(place.here.as_ref(), place.there.as_ref());
        // A string takes whatever is written to it.
        let _ = write!(text, "  {}{kept}\n    here: {here}\n    Vapi: {there}\n", place.path);
    }
    for double in seen.doubles {
        let _ = writeln!(text, "  {double} carries the same mark, and is not used: delete it in the dashboard");
    }
    for note in seen.notes {
        let _ = writeln!(text, "  {note}.");
    }
    text
}

/// Both on one line each; of long ones the part in which they begin to differ.
fn excerpts(here: Option<&Value>, there: Option<&Value>) -> (String, String) {
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let (here, there) = (text(here), text(there));
    let common = here.chars().zip(there.chars()).take_while(|(one, other)| one == other).count();
    let from = common.saturating_sub(BEFORE_CHARS);
    let cut = |text: &str| {
        if text.chars().count() <= SHOWN_CHARS {
            return text.to_owned();
        }
        let part: String = text.chars().skip(from).take(SHOWN_CHARS).collect();
        let (before, after) = (if from > 0 { "…" } else { "" }, if from + SHOWN_CHARS < text.chars().count() { "…" } else { "" });
        format!("{before}{part}{after}")
    };
    (cut(&here), cut(&there))
}
