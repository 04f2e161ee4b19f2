//! What a Twilio webhook says, read without trust in its shape: every parameter may be missing, and `From` may be
//! anything. Unknown parameters are ignored here; the signature has covered them.

use crate::names::{CallSid, Phone};

/// Longer values than this are cut: nothing that a caller is helped with is longer.
const MAX_VALUE_CHARS: usize = 200;

/// The parameters that matter here, by Twilio's names.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// `CallSid`; `None` when it is missing or senseless.
    pub call_sid: Option<CallSid>,
    /// `From`: E.164, `anonymous`, `client:x`, `sip:…` or anything else. Not for logs.
    pub from: String,
    /// `To`. Not for logs.
    pub to: String,
    /// `CallStatus`.
    pub call_status: String,
    /// `ForwardedFrom`; empty when the carrier does not say. Not for logs.
    pub forwarded_from: String,
    /// `DialCallSid`, after a `<Dial>`: which leg it was.
    pub dial_call_sid: String,
    /// `DialCallStatus`, after a `<Dial>`.
    pub dial_call_status: String,
    /// `RecordingSid`, after a `<Record>`.
    pub recording_sid: String,
    /// `RecordingUrl`.
    pub recording_url: String,
    /// `RecordingDuration`, in seconds, where it is said.
    pub recording_seconds: Option<u32>,
}

impl Form {
    /// Reads the pairs of a form; of a repeated name the first counts, as it did for choosing the token.
    #[must_use]
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
            found.chars().filter(|c| !c.is_control()).take(MAX_VALUE_CHARS).collect::<String>()
        };
        Self {
            call_sid: CallSid::parse(&value("CallSid")),
            from: value("From"),
            to: value("To"),
            call_status: value("CallStatus"),
            forwarded_from: value("ForwardedFrom"),
            dial_call_sid: value("DialCallSid"),
            dial_call_status: value("DialCallStatus"),
            recording_sid: value("RecordingSid"),
            recording_url: value("RecordingUrl"),
            recording_seconds: value("RecordingDuration").parse().ok(),
        }
    }

    /// The caller's number, where there is one.
    #[must_use]
    pub fn caller(&self) -> Option<Phone> {
        Phone::e164(&self.from)
    }

    /// The caller for the eyes of the business: the number, or what Twilio says instead.
    #[must_use]
    pub fn caller_for_people(&self) -> String {
        match self.caller() {
            Some(number) => number.as_str().to_owned(),
            None if self.from.starts_with("sip:") || self.from.starts_with("client:") => self.from.clone(),
            None => "a withheld number".to_owned(),
        }
    }

    /// Whether the call is over: nothing that is answered now will be heard.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.call_status.as_str(), "completed" | "busy" | "failed" | "no-answer" | "canceled")
    }

    /// Whether the `<Dial>` that ended had reached somebody.
    #[must_use]
    pub fn was_answered(&self) -> bool {
        matches!(self.dial_call_status.as_str(), "completed" | "answered")
    }
}
