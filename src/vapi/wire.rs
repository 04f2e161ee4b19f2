//! What Vapi's messages look like on the wire, permissively: every field may be missing or odd, unknown ones are ignored,
//! and only what is used is read. Nothing of this leaves the folder: `message.rs` maps it by hand.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::arguments::Arguments;
use super::message::{About, Kind, ToolCall};
use crate::names::{AssistantId, CallSid, Phone, Slug, ToolCallId, VapiCallId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    #[serde(default, rename = "type")]
    kind: Loose<String>,
    #[serde(default)]
    status: Loose<String>,
    #[serde(default)]
    ended_reason: Loose<String>,
    #[serde(default)]
    session_id: Loose<String>,
    #[serde(default)]
    tool_call_list: Option<Vec<WireToolCall>>,
    #[serde(default)]
    tool_calls: Option<Vec<WireToolCall>>,
    #[serde(default)]
    tool_with_tool_call_list: Option<Vec<WireToolWithCall>>,
    #[serde(default)]
    function_call: Option<WireToolCall>,
    #[serde(default)]
    call: Loose<WireCall>,
    #[serde(default)]
    customer: Loose<WireNumber>,
    #[serde(default)]
    phone_number: Loose<WireNumber>,
    #[serde(default)]
    assistant: Loose<WireAssistant>,
    #[serde(default)]
    metadata: Loose<WireMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCall {
    #[serde(default)]
    id: Loose<String>,
    #[serde(default)]
    assistant_id: Loose<String>,
    #[serde(default)]
    phone_call_provider_id: Loose<String>,
    #[serde(default)]
    transport: Loose<WireTransport>,
    #[serde(default)]
    customer: Loose<WireNumber>,
    #[serde(default)]
    phone_number: Loose<WireNumber>,
    #[serde(default)]
    monitor: Loose<WireMonitor>,
    #[serde(default)]
    metadata: Loose<WireMetadata>,
    #[serde(default)]
    assistant_overrides: Loose<WireAssistant>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTransport {
    #[serde(default)]
    call_sid: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMonitor {
    #[serde(default)]
    control_url: Loose<String>,
}

#[derive(Default, Deserialize)]
struct WireNumber {
    #[serde(default)]
    number: Loose<String>,
}

#[derive(Default, Deserialize)]
struct WireAssistant {
    #[serde(default)]
    id: Loose<String>,
    #[serde(default)]
    metadata: Loose<WireMetadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMetadata {
    #[serde(default)]
    business: Loose<String>,
    #[serde(default)]
    twilio_call_sid: Loose<String>,
}

#[derive(Default, Deserialize)]
struct WireToolCall {
    #[serde(default)]
    id: Loose<String>,
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    function: Option<WireFunction>,
    #[serde(default)]
    arguments: Option<Arguments>,
    #[serde(default)]
    parameters: Option<Arguments>,
}

#[derive(Default, Deserialize)]
struct WireFunction {
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    arguments: Option<Arguments>,
    #[serde(default)]
    parameters: Option<Arguments>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireToolWithCall {
    #[serde(default)]
    name: Loose<String>,
    #[serde(default)]
    function: Option<WireFunctionName>,
    #[serde(default)]
    tool_call: Option<WireToolCall>,
}

#[derive(Deserialize)]
struct WireFunctionName {
    #[serde(default)]
    name: Loose<String>,
}

/// A field that may be anything: what is not of the type is as good as absent. One odd field that we hardly need must
/// not cost a caller the whole message.
struct Loose<T>(Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Loose<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Self(Some(value))),
            // A key given twice is not an odd field but an attempt to say two things at once.
            Err(error) if error.to_string().starts_with("duplicate field") => Err(serde::de::Error::custom(error)),
            Err(_) => Ok(Self(None)),
        }
    }
}

impl Loose<String> {
    fn text(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl Wire {
    /// Everything that tells whose call it is.
    pub(super) fn about(&self) -> About {
        let nothing = WireCall::default();
        let call = self.call.0.as_ref().unwrap_or(&nothing);
        let number = |loose: &Loose<WireNumber>| loose.0.as_ref().and_then(|wire| wire.number.text()).and_then(Phone::e164);
        let of_assistant = |loose: &Loose<WireAssistant>| loose.0.as_ref().and_then(|wire| business(&wire.metadata));
        let transport = call.transport.0.as_ref().and_then(|transport| transport.call_sid.text());
        let metadata_sid = call.metadata.0.as_ref().and_then(|metadata| metadata.twilio_call_sid.text());
        About {
            call_id: call.id.text().or(self.session_id.text()).and_then(VapiCallId::parse),
            call_sid: transport.or(call.phone_call_provider_id.text()).or(metadata_sid).and_then(CallSid::parse),
            business: business(&call.metadata)
                .or_else(|| of_assistant(&call.assistant_overrides))
                .or_else(|| of_assistant(&self.assistant))
                .or_else(|| business(&self.metadata)),
            called: number(&self.phone_number).or_else(|| number(&call.phone_number)),
            assistant: call
                .assistant_id
                .text()
                .or(self.assistant.0.as_ref().and_then(|a| a.id.text()))
                .and_then(AssistantId::parse),
            caller: number(&call.customer).or_else(|| number(&self.customer)),
            control_url: call.monitor.0.as_ref().and_then(|monitor| monitor.control_url.text()).map(str::to_owned),
        }
    }

    /// What it says.
    pub(super) fn kind(self) -> Kind {
        match self.kind.text().unwrap_or_default() {
            "tool-calls" => Kind::ToolCalls(self.tool_calls()),
            "function-call" => Kind::FunctionCall(tool_call(self.function_call.unwrap_or_default(), None)),
            "assistant-request" => Kind::AssistantRequest,
            "transfer-destination-request" => Kind::TransferDestinationRequest,
            "end-of-call-report" => Kind::Ended { reason: self.ended_reason.0 },
            "status-update" if self.status.text() == Some("ended") => Kind::Ended { reason: self.ended_reason.0 },
            _ => Kind::Other,
        }
    }

    /// The list in whichever of its three shapes it came; names that stand beside the call are used where it has none.
    fn tool_calls(self) -> Vec<ToolCall> {
        let mut beside = Vec::new();
        let mut inside = Vec::new();
        for tool in self.tool_with_tool_call_list.unwrap_or_default() {
            beside.push(tool.function.and_then(|function| function.name.0).or(tool.name.0));
            inside.extend(tool.tool_call);
        }
        let list = self.tool_call_list.filter(|list| !list.is_empty()).or(self.tool_calls.filter(|list| !list.is_empty()));
        let names = beside.into_iter().chain(std::iter::repeat(None));
        list.unwrap_or(inside).into_iter().zip(names).map(|(call, name)| tool_call(call, name)).collect()
    }
}

fn business(metadata: &Loose<WireMetadata>) -> Option<Slug> {
    metadata.0.as_ref().and_then(|metadata| metadata.business.text()).and_then(Slug::parse)
}

fn tool_call(wire: WireToolCall, name_beside: Option<String>) -> ToolCall {
    let function = wire.function.unwrap_or_default();
    let arguments = function.arguments.or(function.parameters).or(wire.arguments).or(wire.parameters).unwrap_or_default();
    let raw_id = wire.id.0.unwrap_or_default();
    ToolCall {
        id: ToolCallId::parse(&raw_id),
        raw_id,
        name: function.name.0.or(wire.name.0).or(name_beside).unwrap_or_default(),
        arguments,
    }
}
