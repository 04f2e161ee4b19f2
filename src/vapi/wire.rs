//! Vapi's messages on the wire: permissive types that read only what is used (a real body holds 20 KB of history), mapped
//! by hand into what can happen. Shapes: docs.vapi.ai "Server events" and captured calls, 2024 to 2026.
//!
//! What is not used is skipped without being looked into, and what is used may be of any type: one odd field that we
//! hardly need must not cost a caller the whole message.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use super::arguments::Arguments;
use super::message::{About, Kind, Message, ToolCall, Transcript, Unreadable};
use crate::names::{AssistantId, CallSid, Phone, Slug, ToolCallId, VapiCallId};

/// Reads a body: the message in its envelope, or on its own.
pub(super) fn read(body: &str) -> Result<Message, Unreadable> {
    let envelope: Loose<Envelope> = serde_json::from_str(body).map_err(json)?;
    let wire: Loose<Wire> = match envelope.0.unwrap_or_default() {
        Envelope { message: Some(message), .. } => serde_json::from_str(message.get()).map_err(json)?,
        Envelope { message: None, kind: Some(_) } => serde_json::from_str(body).map_err(json)?,
        Envelope { message: None, kind: None } => Loose(None),
    };
    let wire = wire.0.ok_or(Unreadable::NoMessage)?;
    Ok(Message { about: wire.about(), kind: wire.kind(), report: None })
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn json(error: serde_json::Error) -> Unreadable {
    // serde_json names the place and the expectation, never the content.
    Unreadable::Json(error.to_string())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    message: Option<Box<RawValue>>,
    #[serde(rename = "type")]
    kind: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: Loose<String>,
    status: Loose<String>,
    ended_reason: Loose<String>,
    role: Loose<String>,
    transcript: Loose<String>,
    transcript_type: Loose<String>,
    session_id: Loose<String>,
    tool_call_list: List<WireToolCall>,
    tool_calls: List<WireToolCall>,
    tool_with_tool_call_list: List<WireToolWithCall>,
    function_call: Loose<WireToolCall>,
    call: Loose<WireCall>,
    customer: Loose<WireNumber>,
    phone_number: Loose<WireNumber>,
    assistant: Loose<WireAssistant>,
    metadata: Loose<WireMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireCall {
    id: Loose<String>,
    assistant_id: Loose<String>,
    phone_call_provider_id: Loose<String>,
    transport: Loose<WireTransport>,
    customer: Loose<WireNumber>,
    phone_number: Loose<WireNumber>,
    monitor: Loose<WireMonitor>,
    metadata: Loose<WireMetadata>,
    assistant_overrides: Loose<WireAssistant>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireTransport {
    call_sid: Loose<String>,
    forwarded_from: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireMonitor {
    control_url: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireNumber {
    number: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAssistant {
    id: Loose<String>,
    metadata: Loose<WireMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireMetadata {
    business: Loose<String>,
    twilio_call_sid: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireToolCall {
    id: Loose<String>,
    name: Loose<String>,
    function: Loose<WireFunction>,
    arguments: Given,
    parameters: Given,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireFunction {
    name: Loose<String>,
    arguments: Given,
    parameters: Given,
}

/// A tool with its call inside. Here `parameters` are the tool's schema, not what it was given.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireToolWithCall {
    name: Loose<String>,
    function: Loose<WireNamed>,
    tool_call: Loose<WireToolCall>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireNamed {
    name: Loose<String>,
}

/// A string or an object that may be anything: what is not of the type is as good as absent.
#[derive(Default)]
struct Loose<T>(Option<T>);

/// A list that may be anything, of entries that may be anything.
struct List<T>(Vec<Loose<T>>);

/// What a tool was given; absent when it is `null`.
#[derive(Default)]
struct Given(Option<Arguments>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        // An array would be read as the fields of an object, one by one.
        if raw.get().starts_with('[') { Ok(Self(None)) } else { read_loosely(raw).map(Self) }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(read_loosely(raw)?.unwrap_or_default()))
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self((raw.get() != "null").then(|| Arguments::read(raw.get()))))
    }
}

fn read_loosely<T: DeserializeOwned, E: serde::de::Error>(raw: &RawValue) -> Result<Option<T>, E> {
    match serde_json::from_str(raw.get()) {
        Ok(value) => Ok(Some(value)),
        // A key given twice is not an odd field but an attempt to say two things at once.
        Err(error) if error.to_string().starts_with("duplicate field") => Err(E::custom(error)),
        Err(_) => Ok(None),
    }
}

/// Nothing that means anything holds a NUL, and not every database keeps one.
impl Loose<String> {
    fn text(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'))
    }

    fn into_text(self) -> Option<String> {
        self.0.map(|text| text.replace('\0', "")).filter(|text| !text.trim().is_empty())
    }
}

impl Wire {
    fn about(&self) -> About {
        let nothing = WireCall::default();
        let call = self.call.0.as_ref().unwrap_or(&nothing);
        let number = |loose: &Loose<WireNumber>| loose.0.as_ref().and_then(|wire| wire.number.text()).and_then(Phone::e164);
        let of_assistant = |loose: &Loose<WireAssistant>| loose.0.as_ref().and_then(|wire| business(&wire.metadata));
        let speaking = self.assistant.0.as_ref().and_then(|assistant| assistant.id.text());
        let transport = call.transport.0.as_ref();
        let sid = transport.and_then(|transport| transport.call_sid.text());
        let metadata_sid = call.metadata.0.as_ref().and_then(|metadata| metadata.twilio_call_sid.text());
        About {
            call_id: call.id.text().or(self.session_id.text()).and_then(VapiCallId::parse),
            call_sid: sid.or(call.phone_call_provider_id.text()).or(metadata_sid).and_then(CallSid::parse),
            business: business(&call.metadata)
                .or_else(|| of_assistant(&call.assistant_overrides))
                .or_else(|| of_assistant(&self.assistant))
                .or_else(|| business(&self.metadata)),
            called: number(&self.phone_number).or_else(|| number(&call.phone_number)),
            assistant: call.assistant_id.text().or(speaking).and_then(AssistantId::parse),
            caller: number(&call.customer).or_else(|| number(&self.customer)),
            control_url: call.monitor.0.as_ref().and_then(|monitor| monitor.control_url.text()).map(str::to_owned),
            forwarded_from: transport.and_then(|it| it.forwarded_from.text()).unwrap_or_default().to_owned(),
        }
    }

    fn kind(self) -> Kind {
        match self.kind.text().unwrap_or_default() {
            "tool-calls" => Kind::ToolCalls(self.tool_calls()),
            "function-call" => Kind::FunctionCall(tool_call(self.function_call.0.unwrap_or_default(), None)),
            "assistant-request" => Kind::AssistantRequest,
            "transfer-destination-request" => Kind::TransferDestinationRequest,
            "end-of-call-report" => Kind::Ended { reason: self.ended_reason.into_text() },
            "status-update" if self.status.text() == Some("ended") => Kind::Ended { reason: self.ended_reason.into_text() },
            "speech-update" if self.role.text() == Some("user") => match self.status.text() {
                Some("started") => Kind::Speaking(true),
                Some("stopped") => Kind::Speaking(false),
                _ => Kind::Other,
            },
            // Also as `transcript[transcriptType="final"]`.
            kind if kind.starts_with("transcript") && self.role.text().is_some() => Kind::Heard(Transcript {
                by_caller: self.role.text() == Some("user"),
                is_final: kind.contains("\"final\"") || self.transcript_type.text() == Some("final"),
                words: self.transcript.into_text().unwrap_or_default(),
            }),
            _ => Kind::Other,
        }
    }

    /// The list in whichever of its three shapes it came; names that stand beside a call are used where it has none.
    fn tool_calls(self) -> Vec<ToolCall> {
        let tools: Vec<_> = self.tool_with_tool_call_list.entries().filter_map(WireToolWithCall::apart).collect();
        let list: Vec<_> = self.tool_call_list.entries().collect();
        let list = if list.is_empty() { self.tool_calls.entries().collect() } else { list };
        if list.is_empty() {
            return tools.into_iter().map(|(call, name)| tool_call(call, name)).collect();
        }
        let by_id: HashMap<&str, Option<&String>> =
            tools.iter().filter_map(|(call, name)| Some((call.id.text()?, name.as_ref()))).collect();
        let beside = |index: usize, call: &WireToolCall| match call.id.text() {
            Some(id) => by_id.get(id).copied().flatten().cloned(),
            None => tools.get(index).and_then(|(_, name)| name.clone()),
        };
        let named = list.into_iter().enumerate().map(|(index, call)| (beside(index, &call), call));
        named.map(|(name, call)| tool_call(call, name)).collect()
    }
}

impl<T> List<T> {
    /// Those that can be read.
    fn entries(self) -> impl Iterator<Item = T> {
        self.0.into_iter().filter_map(|entry| entry.0)
    }
}

impl WireToolWithCall {
    /// The call inside, and the name that stands beside it.
    fn apart(self) -> Option<(WireToolCall, Option<String>)> {
        let of_function = self.function.0.and_then(|function| function.name.into_text());
        Some((self.tool_call.0?, of_function.or(self.name.into_text())))
    }
}

fn business(metadata: &Loose<WireMetadata>) -> Option<Slug> {
    metadata.0.as_ref().and_then(|metadata| metadata.business.text()).and_then(Slug::parse)
}

fn tool_call(wire: WireToolCall, name_beside: Option<String>) -> ToolCall {
    let function = wire.function.0.unwrap_or_default();
    let arguments = function.arguments.0.or(function.parameters.0).or(wire.arguments.0).or(wire.parameters.0);
    let raw_id = wire.id.0.unwrap_or_default();
    ToolCall {
        id: ToolCallId::parse(&raw_id),
        raw_id,
        name: function.name.into_text().or(wire.name.into_text()).or(name_beside).unwrap_or_default(),
        arguments: arguments.unwrap_or_default(),
    }
}
