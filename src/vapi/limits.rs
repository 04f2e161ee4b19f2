//! How many tools one call may use in a minute: a model that runs in circles must not keep a calendar busy.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::business::routing::Directory;
use crate::names::Slug;

/// How many calls' counts are kept before those that are full again are forgotten.
const MAX_COUNTED_CALLS: usize = 10_000;

/// The counts of all calls. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct ToolLimits(Arc<BTreeMap<Slug, DefaultKeyedRateLimiter<String>>>);

impl ToolLimits {
    /// `tool_calls_per_call_per_minute` of every business; 0 is no limit.
    pub(super) fn new(directory: &Directory) -> Self {
        let limits = directory.all().filter_map(|profile| {
            let per_minute = NonZeroU32::new(profile.limits.tool_calls_per_call_per_minute)?;
            Some((profile.slug.clone(), RateLimiter::keyed(Quota::per_minute(per_minute))))
        });
        Self(Arc::new(limits.collect()))
    }

    /// Whether this call may use one more tool now; it is counted. Requests that belong to no call are not one call's.
    pub(super) fn allow(&self, business: &Slug, call: Option<&str>) -> bool {
        let (Some(limiter), Some(call)) = (self.0.get(business), call) else { return true };
        // A keyed limiter never shrinks by itself.
        if limiter.len() > MAX_COUNTED_CALLS {
            limiter.retain_recent();
        }
        limiter.check_key(&call.to_owned()).is_ok()
    }
}
