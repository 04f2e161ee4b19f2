//! What is recorded of Vapi's messages: those that are answered with more than `{}` or change something, and of them what is
//! read here, named one by one. A message carries prompts, credentials, headers for servers and whole histories as well, and
//! tomorrow something that nobody knows today: what is not named is not kept.

use serde_json::{Map, Value};

use super::message::Kind;

/// What is kept of a value.
enum Keep {
    /// A string, a number or a truth value.
    Plain,
    /// Whatever it is: what a tool was given.
    Whole,
    /// These fields of an object.
    Fields(&'static [(&'static str, Keep)]),
    /// This of each entry of a list.
    Each(&'static Keep),
}

use Keep::{Each, Fields, Plain, Whole};

const NUMBER: Keep = Fields(&[("number", Plain)]);
const METADATA: Keep = Fields(&[("business", Plain), ("twilioCallSid", Plain)]);
const ASSISTANT: Keep = Fields(&[("id", Plain), ("metadata", METADATA)]);
const FUNCTION: Keep = Fields(&[("name", Plain), ("arguments", Whole), ("parameters", Whole)]);
const TOOL_CALL: Keep = Fields(&[
    ("id", Plain),
    ("type", Plain),
    ("name", Plain),
    ("function", FUNCTION),
    ("arguments", Whole),
    ("parameters", Whole),
]);
/// Here `parameters` are the tool's schema, and `server` says how it is reached, with what secret.
const TOOL_WITH_CALL: Keep =
    Fields(&[("type", Plain), ("name", Plain), ("function", Fields(&[("name", Plain)])), ("toolCall", TOOL_CALL)]);
/// Without `monitor`: whoever has its addresses can speak in the call and listen to it.
const CALL: Keep = Fields(&[
    ("id", Plain),
    ("type", Plain),
    ("assistantId", Plain),
    ("phoneCallProviderId", Plain),
    ("transport", Fields(&[("callSid", Plain), ("forwardedFrom", Plain)])),
    ("customer", NUMBER),
    ("phoneNumber", NUMBER),
    ("metadata", METADATA),
    ("assistantOverrides", ASSISTANT),
]);
const ARTIFACT: Keep = Fields(&[
    ("transcript", Plain),
    ("recordingUrl", Plain),
    ("recording", Fields(&[("stereoUrl", Plain), ("mono", Fields(&[("combinedUrl", Plain)]))])),
]);
const MESSAGE: &[(&str, Keep)] = &[
    ("type", Plain),
    ("timestamp", Plain),
    ("status", Plain),
    ("endedReason", Plain),
    ("role", Plain),
    ("transcript", Plain),
    ("transcriptType", Plain),
    ("sessionId", Plain),
    ("toolCallList", Each(&TOOL_CALL)),
    ("toolCalls", Each(&TOOL_CALL)),
    ("toolWithToolCallList", Each(&TOOL_WITH_CALL)),
    ("functionCall", TOOL_CALL),
    ("call", CALL),
    ("customer", NUMBER),
    ("phoneNumber", NUMBER),
    ("assistant", ASSISTANT),
    ("metadata", METADATA),
    ("startedAt", Plain),
    ("endedAt", Plain),
    ("cost", Plain),
    ("summary", Plain),
    ("recordingUrl", Plain),
    ("artifact", ARTIFACT),
    ("analysis", Fields(&[("summary", Plain)])),
];

/// Whether a message is recorded. Those that come many times a second (`speech-update`, half-heard transcripts) and those that
/// only tell how the call goes on (`conversation-update`, `model-output`, …) are not.
pub(super) fn is_worth(kind: &Kind) -> bool {
    match kind {
        Kind::ToolCalls(_)
        | Kind::FunctionCall(_)
        | Kind::AssistantRequest
        | Kind::TransferDestinationRequest
        | Kind::Ended { .. } => true,
        Kind::Heard(said) => said.by_caller && said.is_final,
        Kind::Speaking(_) | Kind::Other => false,
    }
}

/// What is kept of a body, in its envelope or without one as it came.
pub(super) fn cut(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let kept = match body.get("message") {
        Some(message) => Value::from(Map::from_iter([("message".to_owned(), kept(message, &Fields(MESSAGE))?)])),
        None => kept(&body, &Fields(MESSAGE))?,
    };
    Some(kept.to_string())
}

fn kept(value: &Value, keep: &Keep) -> Option<Value> {
    match (keep, value) {
        (Whole, value) => Some(value.clone()),
        (Plain, Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value.clone()),
        (Fields(fields), Value::Object(object)) => {
            let field = |(name, keep): &(&str, Keep)| Some(((*name).to_owned(), kept(object.get(*name)?, keep)?));
            Some(fields.iter().filter_map(field).collect::<Map<_, _>>().into())
        }
        (Each(keep), Value::Array(entries)) => {
            Some(entries.iter().filter_map(|entry| kept(entry, keep)).collect::<Vec<_>>().into())
        }
        (Plain | Fields(_) | Each(_), _) => None,
    }
}
