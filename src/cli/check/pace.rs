//! How quickly Vapi answers from here.

use std::time::Duration;

use super::finding::Findings;
use super::{PATIENCE, topics};
use crate::clients::assistants::Assistants;
use crate::clock::Stopwatch;
use crate::names::{AssistantId, Slug};

/// Of so many the one in the middle counts: the first one pays for the handshake.
const TRIES: usize = 5;

/// What a caller waits for is `POST /call`. That is not asked: each makes a call at Vapi that stays in the account's list, takes
/// one of its lines, and ends as one that nobody came to. An assistant is read instead, at the same address, with the same key;
/// making a call takes longer than that, never shorter.
pub(super) async fn of(vapi: &Assistants, slug: &Slug, id: &AssistantId, budget: Duration) -> Findings {
    let mut findings = Findings::default();
    let mut took = Vec::with_capacity(TRIES);
    let all = Stopwatch::start();
    for _ in 0..TRIES {
        let one = Stopwatch::start();
        let Ok(Ok(_)) = tokio::time::timeout(all.left_of(PATIENCE), vapi.get(id)).await else {
            took.push(PATIENCE);
            break;
        };
        took.push(one.elapsed());
    }
    took.sort_unstable();
    let middle: Duration = took.get(took.len() / 2).copied().unwrap_or(PATIENCE);
    let text = format!("{} ms for the one in the middle of {} requests", middle.as_millis(), took.len());
    let mend = "run ringbook nearer to Vapi (us-west-2), see whether a proxy slows it down, or raise CONNECT_BUDGET_MS";
    if middle >= budget {
        let text = format!("{text}, and CONNECT_BUDGET_MS is {}", budget.as_millis());
        findings.wrong(Some(slug), topics::VAPI_LATENCY, text, mend);
    } else if middle * 2 >= budget {
        let text = format!("{text}, which is more than half of CONNECT_BUDGET_MS ({})", budget.as_millis());
        findings.warning(Some(slug), topics::VAPI_LATENCY, text, mend);
    } else {
        findings.ok(Some(slug), topics::VAPI_LATENCY, text);
    }
    findings
}
