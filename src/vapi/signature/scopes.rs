//! Whose messages a proof is good for: everybody's secret speaks for all businesses but those that have one of their own.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{Unproven, prove};
use crate::config::{Scoped, Vapi};
use crate::names::Slug;

/// What a proven message may speak of. Only [`proven_scopes`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    by_everyones_plan: bool,
    by_own_plan: BTreeSet<Slug>,
    has_own_plan: BTreeSet<Slug>,
}

impl Proof {
    /// Whether it proves messages of this business, or (`None`) of no known one. A business with a plan of its own is
    /// proven by that alone, and that plan proves nobody else.
    #[must_use]
    pub fn covers(&self, business: Option<&Slug>) -> bool {
        match business {
            Some(business) if self.has_own_plan.contains(business) => self.by_own_plan.contains(business),
            _ => self.by_everyones_plan,
        }
    }
}

/// Tries everybody's plan and each business's own.
///
/// # Errors
/// Where none of them proves it: why, by the plan that came nearest.
pub fn proven_scopes(
    headers: &[(String, Vec<u8>)],
    body: &[u8],
    vapi: &Scoped<Vapi>,
    now: OffsetDateTime,
) -> Result<Proof, Unproven> {
    let everyone = prove(headers, body, &vapi.everyone().proofs, now);
    let mut proof = Proof { by_everyones_plan: everyone.is_ok(), by_own_plan: BTreeSet::new(), has_own_plan: BTreeSet::new() };
    let mut faults: Vec<Unproven> = everyone.err().into_iter().collect();
    for (business, group) in vapi.own().filter(|(_, group)| group.proofs_are_own) {
        proof.has_own_plan.insert(business.clone());
        match prove(headers, body, &group.proofs, now) {
            Ok(()) => {
                proof.by_own_plan.insert(business.clone());
            }
            Err(fault) => faults.push(fault),
        }
    }
    if proof.by_everyones_plan || !proof.by_own_plan.is_empty() {
        return Ok(proof);
    }
    // "Nothing is there" says least: another plan may have found its header and a reason.
    let telling = faults.iter().position(|fault| !matches!(fault, Unproven::Absent { .. })).unwrap_or(0);
    Err(faults.into_iter().nth(telling).unwrap_or(Unproven::Absent { accepted: String::new() }))
}
