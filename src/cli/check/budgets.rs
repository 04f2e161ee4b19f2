//! Whether our time limits are below those of whoever waits for us. Nobody is asked.

use std::time::Duration;

use super::finding::Findings;
use super::{Patient, topics};

/// Longer than this nobody stays on a silent line.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// With less, a calendar far away is never answered in time.
const SHORTEST: Duration = Duration::from_secs(1);

pub(super) fn of(patient: &Patient) -> Findings {
    let mut findings = Findings::default();
    let settings = &patient.settings;
    let limits = [("TOOL_REPLY_BUDGET_MS", settings.tool_reply_budget), ("CONNECT_BUDGET_MS", settings.connect_budget)];
    for (name, budget) in limits {
        let is = format!("{name} is {} ms", budget.as_millis());
        let usual = if name == "CONNECT_BUDGET_MS" { 5000 } else { 4000 };
        if budget > LONGEST_SILENCE {
            let text = format!("{is}: callers hear nothing for so long");
            findings.warning(None, topics::BUDGETS, text, format!("set {name} to {usual}, or take it out"));
        } else if budget < SHORTEST {
            let text = format!("{is}: what has to be asked takes longer, so that callers mostly hear the fallback");
            findings.warning(None, topics::BUDGETS, text, format!("set {name} to {usual}, or take it out"));
        } else {
            findings.ok(None, topics::BUDGETS, is);
        }
    }
    findings
}
