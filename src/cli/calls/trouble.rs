//! What went wrong in a call, in words for people and scripts.

use crate::store::calls::Leg;
use crate::store::stories::CallLine;
use crate::twilio::ended_normally;

/// Everything that went wrong, as far as it is remembered; empty for a call that went well.
pub(super) fn trouble(line: &CallLine) -> Vec<&'static str> {
    let call = &line.call;
    let is_over = call.ended_at.is_some();
    let found = [
        (line.errors > 0, "error answer"),
        (call.leg != Leg::Assistant, "fallback"),
        (call.leg == Leg::Voicemail, "nobody reached"),
        (is_over && call.leg == Leg::Assistant && !call.heard_from_vapi, "silent end"),
        (call.vapi_ended_reason.as_deref().is_some_and(|reason| reason != "ended" && !ended_normally(reason)), "broken end"),
        (line.unfinished > 0, "unfinished booking"),
    ];
    found.into_iter().filter_map(|(is_so, words)| is_so.then_some(words)).collect()
}
