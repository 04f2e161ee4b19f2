//! Whether the Redis that is set can be reached.

use super::finding::Findings;
use super::{Patient, topics};
use crate::calendar::shared;

pub(super) async fn of(patient: &Patient) -> Findings {
    let mut findings = Findings::default();
    let Some(url) = &patient.settings.redis_url else { return findings };
    match shared::reach(url).await {
        Ok(()) => findings.ok(None, topics::REDIS, format!("{url} answers")),
        Err(cause) => {
            let mend = "see whether it runs there and lets ringbook in";
            findings.warning(None, topics::REDIS, format!("{url} cannot be used: {cause}"), mend);
        }
    }
    findings
}
