//! Vapi's messages as what can happen. How they look on the wire is known to `wire` alone.

use super::arguments::Arguments;
use super::wire;
use crate::clients::report;
use crate::names::{AssistantId, CallSid, Phone, Slug, ToolCallId, VapiCallId};
use crate::store::reports::Report;
use crate::switchboard::RunningCall;

/// A proven message.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is about.
    pub about: About,
    /// What it says.
    pub kind: Kind,
    /// How the call went, where this is its `end-of-call-report`.
    pub report: Option<Box<Report>>,
}

/// Everything in a message that tells whose call it is. Each may be missing.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Vapi's name of the call; for the older form, its `sessionId`.
    pub call_id: Option<VapiCallId>,
    /// Twilio's name of it.
    pub call_sid: Option<CallSid>,
    /// `metadata.business`, which our own assistants and calls carry.
    pub business: Option<Slug>,
    /// The number that was called.
    pub called: Option<Phone>,
    /// The assistant that speaks.
    pub assistant: Option<AssistantId>,
    /// The caller as the signalling says.
    pub caller: Option<Phone>,
    /// Where the running call can be spoken to.
    pub control_url: Option<String>,
    /// The telephone that sent the call on to the number; empty when nobody says.
    pub forwarded_from: String,
}

impl About {
    /// The call, for the switchboard.
    #[must_use]
    pub fn running_call(&self) -> RunningCall {
        let number = |phone: &Option<Phone>| phone.as_ref().map(|phone| phone.as_str().to_owned()).unwrap_or_default();
        RunningCall {
            vapi_call_id: self.call_id.clone(),
            sid: self.call_sid.clone(),
            from: number(&self.caller),
            to: number(&self.called),
            forwarded_from: self.forwarded_from.clone(),
            control_url: self.control_url.clone(),
        }
    }
}

/// What a message says: the kinds that ringbook answers or uses. Everything else is ignored on purpose.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `tool-calls`, in the order of the list.
    ToolCalls(Vec<ToolCall>),
    /// `function-call`, the older form: one tool, usually without an id.
    FunctionCall(ToolCall),
    /// `assistant-request`: who shall answer?
    AssistantRequest,
    /// `transfer-destination-request`: where to put the caller through to?
    TransferDestinationRequest,
    /// The call is over: `end-of-call-report`, or `status-update` with `ended`.
    Ended {
        /// Vapi's `endedReason`.
        reason: Option<String>,
    },
    /// `transcript`: what is said in the call.
    Heard(Transcript),
    /// `speech-update` of the caller: they began to speak, or stopped.
    Speaking(bool),
    /// Any other message about a call.
    Other,
}

/// A piece of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Otherwise the assistant, or somebody else, says it.
    pub by_caller: bool,
    /// Otherwise it may still become other words.
    pub is_final: bool,
    /// The words.
    pub words: String,
}

/// One tool call of the model.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// Must come back exactly; absent in the older form.
    pub id: Option<ToolCallId>,
    /// The id as it came, for the answer.
    pub raw_id: String,
    /// As the model called it.
    pub name: String,
    /// What it gave.
    pub arguments: Arguments,
}

/// Proven, but not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or JSON with a key given twice.
    #[error("the body is not readable JSON: {0}")]
    Json(String),
    /// Neither `message` nor a top-level `type`.
    #[error("the body has neither \"message\" nor a top-level \"type\"")]
    NoMessage,
}

impl Message {
    /// Reads the raw body.
    ///
    /// # Errors
    /// [`Unreadable`]; unknown types are not errors.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|error| Unreadable::Json(error.to_string()))?;
        let message = wire::read(text)?;
        let report = if matches!(message.kind, Kind::Ended { .. }) { report::of_message(text).map(Box::new) } else { None };
        Ok(Self { report, ..message })
    }
}
