//! What is recorded of Twilio's requests: the parameters that are read here. Others are the caller's place of residence, or
//! open something, as `CallToken` does.

use super::signature;

const KEPT: [&str; 13] = [
    "CallSid",
    "From",
    "To",
    "CallStatus",
    "Direction",
    "ForwardedFrom",
    "DialCallSid",
    "DialCallStatus",
    "DialCallDuration",
    "RecordingSid",
    "RecordingUrl",
    "RecordingDuration",
    "ErrorCode",
];

/// The form with these alone, in the order in which they came; a body without any of them says nothing to us.
pub(super) fn cut(body: &[u8]) -> Option<String> {
    let pairs = signature::pairs(body);
    let kept = pairs.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    (!form.is_empty()).then_some(form)
}
