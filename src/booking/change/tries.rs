//! How often somebody may guess whose appointment it is: a code of six characters must not be found by trying.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::super::Caller;
use crate::names::{Phone, Slug};

/// Tries of one caller in an hour, or in one call from a withheld number; right ones count too.
const PER_CALLER: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Tries of all withheld numbers at one business in an hour.
const WITHHELD: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// How many callers' counts are kept before those that are full again are forgotten.
const MAX_COUNTED: usize = 10_000;

/// The counts of all callers. Clones share them.
#[derive(Clone, Debug)]
pub(in super::super) struct Tries {
    callers: Arc<DefaultKeyedRateLimiter<(Slug, String)>>,
    withheld: Arc<DefaultKeyedRateLimiter<Slug>>,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            callers: Arc::new(RateLimiter::keyed(Quota::per_hour(PER_CALLER))),
            withheld: Arc::new(RateLimiter::keyed(Quota::per_hour(WITHHELD))),
        }
    }
}

impl Tries {
    /// Whether this caller may try once more; it is counted.
    pub(super) fn allow(&self, business: &Slug, caller: &Caller) -> bool {
        // A keyed limiter never shrinks by itself.
        if self.callers.len() > MAX_COUNTED {
            self.callers.retain_recent();
        }
        let who = caller.signalled.as_ref().map(Phone::as_str).or(caller.call_id.as_deref()).unwrap_or_default();
        let may = self.callers.check_key(&(business.clone(), who.to_owned())).is_ok();
        may && (caller.signalled.is_some() || self.withheld.check_key(business).is_ok())
    }
}
