//! Busy time that was seen a moment ago: for offers alone, never for a booking and never for a probe. One question to
//! Google serves everybody who asks meanwhile, and it goes on when they leave. What could not be seen is never remembered
//! as knowledge: the next one to ask asks again.
//!
//! All calendars of a business are seen together, over windows that do not depend on the date asked for: what was fetched
//! while a caller says good day answers whatever they ask about the coming weeks.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as Length;

use time::{Duration, OffsetDateTime, Time};
use tracing::Instrument as _;

use super::google::Google;
use super::{Fault, Place};
use crate::clock::Clock;
use crate::names::Slug;
use crate::scheduling::busy::Span;

/// How long the windows are: short enough for one question to Google.
const WINDOW: Duration = Duration::days(48);
/// From where to where the windows for dates far away begin. The days that an answer looks at fit into one.
const FAR_STEP: Duration = Duration::days(16);
/// A civil day that has begun began at most so long ago.
const LONGEST_DAY: Duration = Duration::hours(25);
/// How many busy spans are kept, of all businesses together; some 20 MB.
const MAX_SPANS: u64 = 500_000;
/// Longer than the settings let anything be remembered.
const FORGOTTEN: Length = Length::from_hours(2);
/// The first sight may have begun before something changed; the one after it began later.
const SIGHTS: usize = 2;

/// What is known of each place.
pub type Answers = BTreeMap<Place, Result<Vec<Span>, Fault>>;

/// What was seen of all businesses. Clones share it.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    lifetime: Length,
    clock: Clock,
    seen: moka::future::Cache<Key, Arc<Seen>>,
    changes: Mutex<Changes>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("lifetime", &self.0.lifetime).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    business: Slug,
    window: Window,
    all_day_free_blocks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Window {
    /// Today and the coming weeks.
    Near,
    /// The number of a window further on.
    Far(i64),
    /// Only what is asked for.
    Exactly(Span),
}

/// One look at all calendars of a business.
struct Seen {
    at: OffsetDateTime,
    /// The number of the last change before it began.
    after: u64,
    span: Span,
    busy: Answers,
}

/// Which calendars changed, in the order of the changes.
#[derive(Default)]
struct Changes {
    count: u64,
    last_of: HashMap<String, u64>,
}

/// What somebody wants to know.
struct Wanted {
    places: Vec<Place>,
    span: Span,
    /// The last change of any of these calendars: what began before it is not true any more.
    after: u64,
}

impl Cache {
    /// Nothing seen yet. With a `lifetime` of zero nothing is ever remembered.
    #[must_use]
    pub fn new(lifetime: Length, clock: Clock) -> Self {
        let weight = |_: &Key, seen: &Arc<Seen>| {
            let spans: usize = seen.busy.values().flatten().map(Vec::len).sum();
            u32::try_from(spans + 1).unwrap_or(u32::MAX)
        };
        let seen = moka::future::Cache::builder().max_capacity(MAX_SPANS).weigher(weight).time_to_live(FORGOTTEN).build();
        Self(Arc::new(Inner { lifetime, clock, seen, changes: Mutex::default() }))
    }

    /// Busy time of the `wanted` among the `crew`, which are all places of their business.
    pub(super) async fn busy(
        &self,
        google: &Google,
        crew: &[Place],
        wanted: &[Place],
        span: Span,
        all_day_free_blocks: bool,
    ) -> Answers {
        let Some(first) = wanted.first().filter(|_| !self.0.lifetime.is_zero()) else {
            return google.busy(wanted, span, all_day_free_blocks).await;
        };
        let (window, whole) = window(span, self.0.clock.now(), all_day_free_blocks);
        let key = Key { business: first.business.clone(), window, all_day_free_blocks };
        let wanted = Arc::new(Wanted { places: wanted.to_vec(), span, after: self.last_change(google, wanted) });
        for _ in 0..SIGHTS {
            let Some(seen) = self.sight(google, key.clone(), crew, whole, &wanted).await else { break };
            if seen.tells_of(&wanted) {
                return seen.of(&wanted.places);
            }
        }
        google.busy(&wanted.places, span, all_day_free_blocks).await
    }

    /// Sees the window of `span` now, unless it was seen within the lifetime. Faults are no reason to see it again: nobody
    /// waits for it yet.
    pub(super) async fn foresee(&self, google: &Google, crew: &[Place], span: Span, all_day_free_blocks: bool) {
        let Some(first) = crew.first().filter(|_| !self.0.lifetime.is_zero()) else { return };
        let (window, _) = window(span, self.0.clock.now(), all_day_free_blocks);
        let seen = self.0.seen.get(&Key { business: first.business.clone(), window, all_day_free_blocks }).await;
        let last_change = self.last_change(google, crew);
        if !seen.is_some_and(|seen| self.is_fresh(&seen) && seen.after >= last_change) {
            self.busy(google, crew, crew, span, all_day_free_blocks).await;
        }
    }

    /// Whether something was seen there a moment ago: no proof, but a hint.
    pub(super) async fn shows_busy(&self, place: &Place, span: Span) -> bool {
        let (window, _) = window(span, self.0.clock.now(), false);
        let key = Key { business: place.business.clone(), window, all_day_free_blocks: false };
        let seen = self.0.seen.get(&key).await.filter(|seen| self.is_fresh(seen));
        let spans = seen.as_ref().and_then(|seen| seen.busy.get(place)?.as_ref().ok());
        spans.is_some_and(|spans| spans.iter().any(|busy| busy.overlaps(&span)))
    }

    /// From now on nothing counts that was seen of this calendar, in whichever business, nor what is being looked at now.
    pub(super) fn forget(&self, google: &Google, place: &Place) {
        let mut changes = self.changes();
        changes.count += 1;
        let number = changes.count;
        changes.last_of.insert(google.claim_key(place), number);
    }

    /// What was seen, if it serves, else what is there to be seen now. `None`: the look died.
    async fn sight(&self, google: &Google, key: Key, crew: &[Place], span: Span, wanted: &Arc<Wanted>) -> Option<Arc<Seen>> {
        if let Some(seen) = self.0.seen.get(&key).await.filter(|seen| self.serves(seen, wanted)) {
            return Some(seen);
        }
        let (cache, google, crew, wanted) = (self.clone(), google.clone(), crew.to_vec(), Arc::clone(wanted));
        let look = async move {
            let look = async {
                let (at, after) = (cache.0.clock.now(), cache.changes().count);
                let busy = google.busy(&crew, span, key.all_day_free_blocks).await;
                Arc::new(Seen { at, after, span, busy })
            };
            let entry = cache.0.seen.entry(key.clone()).or_insert_with_if(look, |seen| !cache.serves(seen, &wanted));
            entry.await.into_value()
        };
        // A task of its own, which no departing caller takes along: others wait for the same look.
        tokio::spawn(look.in_current_span()).await.ok()
    }

    /// Whether what was seen before answers the question as well as a new look would.
    fn serves(&self, seen: &Seen, wanted: &Wanted) -> bool {
        let is_known = |place: &Place| matches!(seen.busy.get(place), Some(Ok(_)));
        self.is_fresh(seen) && seen.tells_of(wanted) && wanted.places.iter().all(is_known)
    }

    fn is_fresh(&self, seen: &Seen) -> bool {
        // A clock that was put back makes everything old.
        Length::try_from(self.0.clock.now() - seen.at).is_ok_and(|age| age < self.0.lifetime)
    }

    fn last_change(&self, google: &Google, places: &[Place]) -> u64 {
        let changes = self.changes();
        places.iter().filter_map(|place| changes.last_of.get(&google.claim_key(place))).max().copied().unwrap_or_default()
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whether it is about all that is asked, and later than what changed before the question.
    fn tells_of(&self, wanted: &Wanted) -> bool {
        self.after >= wanted.after
            && self.span.contains(&wanted.span)
            && wanted.places.iter().all(|place| self.busy.contains_key(place))
    }

    fn of(&self, places: &[Place]) -> Answers {
        places.iter().filter_map(|place| Some((place.clone(), self.busy.get(place)?.clone()))).collect()
    }
}

/// The window in which `span` is looked for. Where events are listed one by one, only what is asked for is read.
fn window(span: Span, now: OffsetDateTime, all_day_free_blocks: bool) -> (Window, Span) {
    let from = |start: OffsetDateTime| Span { start, end: start.saturating_add(WINDOW) };
    let near = from(now.saturating_sub(LONGEST_DAY).replace_time(Time::MIDNIGHT));
    let number = span.start.unix_timestamp().div_euclid(FAR_STEP.whole_seconds());
    let far = OffsetDateTime::from_unix_timestamp(number.saturating_mul(FAR_STEP.whole_seconds())).map(from);
    match far {
        _ if all_day_free_blocks => (Window::Exactly(span), span),
        _ if near.contains(&span) => (Window::Near, near),
        Ok(far) if far.contains(&span) => (Window::Far(number), far),
        _ => (Window::Exactly(span), span),
    }
}
