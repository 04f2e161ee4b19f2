//! The faults that a fake can be told to show, one request each. When and how often they strike is the stage's matter.

use std::time::Duration;

use serde_json::Value;

use super::stage::Gate;

/// A refusal in the counterpart's own shape, or as a page of HTML.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// Google: `errors[0].reason`, at the token endpoint `error`; Twilio: its error code; Vapi: the message.
    pub reason: String,
    /// Seconds, as the header `Retry-After`.
    pub retry_after: Option<u32>,
    /// A page instead of JSON.
    pub html: bool,
}

/// One thing that goes wrong with one request. "Commit" is the moment at which the work behind the request is done.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: lets a request through in a scripted row.
    Pass,
    /// Refused; nothing is done.
    Status { code: u16, reason: &'static str, retry_after: Option<u32>, html: bool },
    /// The work is done, and refused all the same.
    StatusAfterCommit { code: u16, reason: &'static str, retry_after: Option<u32>, html: bool },
    /// Refused, and the refusal's words repeat the whole request, its credentials as well; nothing is done.
    Echo { code: u16, reason: &'static str },
    /// The connection is reset; nothing is done.
    ResetBeforeCommit,
    /// The work is done; the connection is reset before the first byte of the answer.
    ResetAfterCommit,
    /// The work is done; half of the answer arrives.
    TruncatedAfterCommit,
    /// Never answered; nothing is done.
    HangBeforeCommit,
    /// The work is done; never answered.
    HangAfterCommit,
    /// Real time passes before the work is done. Prefer a gate.
    DelayBeforeCommit(Duration),
    /// Real time passes between the work and the answer. Prefer a gate.
    DelayAfterCommit(Duration),
    /// This one request waits at the gate before the work is done.
    GateBeforeCommit(Gate),
    /// The work is done; this one answer waits at the gate.
    GateAfterCommit(Gate),
    /// The work is done; the answer is a page with status 200.
    Html200,
    /// The work is done; the answer is an empty body with status 200.
    Empty200,
    /// The work is done; the answer is a JSON object of so many bytes.
    HugeBody(usize),
    /// The work is done; the answer comes one byte at a time, this far apart.
    Drip(Duration),
    /// Nothing is done; 302 to this address.
    Redirect(String),
    /// The work is done; the answer's JSON is changed by this function.
    Altered(fn(&mut Value)),
    /// `freebusy.query`: the calendar is missing from the answer (all of them if no calendar was named).
    Omit,
    /// `freebusy.query`: the calendar has `errors` inside the 200, with or without an empty `busy`.
    Errors { with_busy: bool, reason: &'static str },
    /// `events.insert` of a used id is answered 200, and the newer event takes its place: Google "cannot guarantee that ID
    /// collisions will be detected".
    CollisionUnseen,
}

impl Fault {
    /// Refused before the work, in the counterpart's shape.
    pub fn status(code: u16, reason: &'static str) -> Self {
        Self::Status { code, reason, retry_after: None, html: false }
    }

    /// Refused after the work was done.
    pub fn status_after_commit(code: u16, reason: &'static str) -> Self {
        Self::StatusAfterCommit { code, reason, retry_after: None, html: false }
    }

    /// The 200 of an event call shows another event at another time.
    pub fn wrong_event() -> Self {
        Self::Altered(|event| {
            event["id"] = "anotherevent00".into();
            event["start"] = serde_json::json!({"dateTime": "2001-01-01T00:00:00Z"});
            event["end"] = serde_json::json!({"dateTime": "2001-01-01T01:00:00Z"});
        })
    }

    /// The access token holds a byte that no header may hold.
    pub fn token_with_control_byte() -> Self {
        Self::Altered(|token| token["access_token"] = "ya29.bad\u{1}token\n".into())
    }

    /// The token answer does not say how long it lives.
    pub fn token_without_expiry() -> Self {
        Self::Altered(|token| drop(token.as_object_mut().and_then(|token| token.remove("expires_in"))))
    }

    /// Vapi's answer has no TwiML.
    pub fn no_twiml() -> Self {
        Self::Altered(|call| call["phoneCallProviderDetails"] = serde_json::json!({}))
    }

    /// Whether it concerns one calendar inside an answer, so that several can strike one request.
    pub(super) fn is_partial(&self) -> bool {
        matches!(self, Self::Omit | Self::Errors { .. })
    }
}

/// A fault that struck, and the calendar it was scripted for.
#[derive(Clone, Debug)]
pub struct Struck {
    pub fault: Fault,
    pub about: Option<String>,
}
