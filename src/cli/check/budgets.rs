//! Whether our time limits are below those of whoever waits for us. Nobody is asked.

use std::time::Duration;

use super::finding::Findings;
use super::{Patient, topics};
use crate::vapi::{VAPI_WAITS_FOR_WHO_ANSWERS, WHO_ANSWERS};

/// Longer than this nobody stays on a silent line. Twilio waits 15 s in all: what is left of them after this is what the
/// number's two lost connections of 2 s and the way take.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// With less, a calendar far away is never answered in time.
const SHORTEST: Duration = Duration::from_secs(1);

pub(super) fn of(patient: &Patient) -> Findings {
    let mut findings = Findings::default();
    let settings = &patient.settings;
    // What Vapi waits for the tools stands at its assistant, and is compared there.
    let tools = too_long_or_short("TOOL_REPLY_BUDGET_MS", settings.tool_reply_budget, "");
    tell("TOOL_REPLY_BUDGET_MS", 4000, settings.tool_reply_budget, tools, &mut findings);
    let budget = settings.connect_budget;
    let twilio = ", and Twilio, which waits 15 s in all, has no time left to try again";
    let mut calls = too_long_or_short("CONNECT_BUDGET_MS", budget, twilio);
    if budget >= VAPI_WAITS_FOR_WHO_ANSWERS {
        calls.push(format!(
            "CONNECT_BUDGET_MS is {} ms, and Vapi waits {} ms when it asks who is to answer a call (assistant-request): that \
             is answered after {} ms at the latest, whatever is set",
            budget.as_millis(),
            VAPI_WAITS_FOR_WHO_ANSWERS.as_millis(),
            WHO_ANSWERS.as_millis()
        ));
    }
    tell("CONNECT_BUDGET_MS", 5000, budget, calls, &mut findings);
    findings
}

/// What callers would say of it.
fn too_long_or_short(name: &str, budget: Duration, and: &str) -> Vec<String> {
    let is = format!("{name} is {} ms", budget.as_millis());
    if budget > LONGEST_SILENCE {
        vec![format!("{is}: callers hear nothing for so long{and}")]
    } else if budget < SHORTEST {
        vec![format!("{is}: what has to be asked takes longer, so that callers mostly hear the fallback")]
    } else {
        Vec::new()
    }
}

fn tell(name: &str, usual: u32, budget: Duration, complaints: Vec<String>, findings: &mut Findings) {
    if complaints.is_empty() {
        findings.ok(None, topics::BUDGETS, format!("{name} is {} ms", budget.as_millis()));
    }
    for text in complaints {
        findings.warning(None, topics::BUDGETS, text, format!("set {name} to {usual}, or take it out"));
    }
}
