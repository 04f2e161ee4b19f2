//! How many tools one call may use in a minute: a model that runs in circles must not keep a calendar busy.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::business::profile::Profile;
use crate::names::Slug;

/// How many calls' counts are kept before those that are full again are forgotten.
const MAX_COUNTED_CALLS: usize = 10_000;

/// The counts of all calls. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct ToolLimits(Arc<Mutex<BTreeMap<Slug, Counts>>>);

/// The counts of one business's calls, and the limit that they are held against.
#[derive(Clone, Debug)]
struct Counts {
    per_minute: NonZeroU32,
    used: Arc<DefaultKeyedRateLimiter<String>>,
}

impl ToolLimits {
    /// Whether this call may use one more tool now, by its business's `tool_calls_per_call_per_minute`; 0 is no limit. It is
    /// counted. Requests that belong to no call are not one call's.
    pub(super) fn allow(&self, profile: &Profile, call: Option<&str>) -> bool {
        let per_minute = NonZeroU32::new(profile.limits.tool_calls_per_call_per_minute);
        let (Some(per_minute), Some(call)) = (per_minute, call) else { return true };
        let limiter = self.counts(&profile.slug, per_minute);
        // A keyed limiter never shrinks by itself.
        if limiter.len() > MAX_COUNTED_CALLS {
            limiter.retain_recent();
        }
        limiter.check_key(&call.to_owned()).is_ok()
    }

    /// The counts of this business; new ones where its file names another limit by now.
    fn counts(&self, business: &Slug, per_minute: NonZeroU32) -> Arc<DefaultKeyedRateLimiter<String>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(business).filter(|counts| counts.per_minute == per_minute).map(|counts| Arc::clone(&counts.used));
        known.unwrap_or_else(|| {
            let used = Arc::new(RateLimiter::keyed(Quota::per_minute(per_minute)));
            all.insert(business.clone(), Counts { per_minute, used: Arc::clone(&used) });
            used
        })
    }
}
