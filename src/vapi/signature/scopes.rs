//! Whose messages a proof is good for: everybody's secret speaks for all businesses but those that have one of their own.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::{Unproven, prove};
use crate::config::{Scoped, Vapi};
use crate::names::Slug;

/// What a proven message may speak of. Only [`proven_scopes`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Everybody's plan proved it.
    everyone: bool,
    /// The businesses whose own plan proved it.
    own: BTreeSet<Slug>,
    /// The businesses that only their own plan can prove.
    apart: BTreeSet<Slug>,
}

impl Proof {
    /// Whether it proves messages of this business, or (`None`) of no known one. A business with a plan of its own is
    /// proven by that alone, and that plan proves nobody else.
    #[must_use]
    pub fn covers(&self, business: Option<&Slug>) -> bool {
        match business {
            Some(business) if self.apart.contains(business) => self.own.contains(business),
            _ => self.everyone,
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
    let mut proof = Proof { everyone: everyone.is_ok(), own: BTreeSet::new(), apart: BTreeSet::new() };
    let mut verdict = everyone;
    for (business, group) in vapi.own().filter(|(_, group)| group.proofs_are_own) {
        proof.apart.insert(business.clone());
        let own = prove(headers, body, &group.proofs, now);
        if own.is_ok() {
            proof.own.insert(business.clone());
        }
        // One plan that proves it is enough; and of two reasons "nothing is there" says less.
        if verdict.is_err() && (own.is_ok() || matches!(verdict, Err(Unproven::Absent { .. }))) {
            verdict = own;
        }
    }
    verdict.map(|()| proof)
}
