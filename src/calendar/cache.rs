//! Busy time that was seen a moment ago: for offers alone, never for a booking and never for a probe. One question to
//! Google serves everybody who asks meanwhile, and it goes on when they leave; with Redis it serves the other copies of the server
//! as well. What could not be seen is never remembered as knowledge: the next one to ask asks again.
//!
//! All calendars of a business are seen together, over windows that do not depend on the date asked for: what was fetched
//! while a caller says good day answers whatever they ask about the coming weeks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as Length;

use tokio::sync::Notify;
use tracing::Instrument as _;
use uuid::Uuid;

use super::changed::Changes;
use super::google::Google;
use super::shared::Shared;
use super::sight::{Key, Passed, Seen, window};
use super::{Fault, Place};
use crate::clock::Clock;
use crate::scheduling::busy::Span;
use crate::store::Store;
use crate::store::notices::{Word, digest};

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
    shared: Option<Shared>,
    is_untold: Notify,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("lifetime", &self.0.lifetime).finish_non_exhaustive()
    }
}

/// What somebody wants to know.
struct Wanted {
    places: Vec<Place>,
    span: Span,
    /// The last change of any of these calendars: what began before it is not true any more.
    after: u64,
}

impl Cache {
    /// Nothing seen yet. With a `lifetime` of zero nothing is ever remembered. With `shared`, the other copies' looks count as well.
    #[must_use]
    pub fn new(lifetime: Length, clock: Clock, shared: Option<Shared>) -> Self {
        let weight = |_: &Key, seen: &Arc<Seen>| {
            let spans: usize = seen.busy.values().flatten().map(Vec::len).sum();
            u32::try_from(spans + 1).unwrap_or(u32::MAX)
        };
        let seen = moka::future::Cache::builder().max_capacity(MAX_SPANS).weigher(weight).time_to_live(FORGOTTEN).build();
        Self(Arc::new(Inner { lifetime, clock, seen, changes: Mutex::default(), shared, is_untold: Notify::new() }))
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
        let calendars = digests(google, wanted);
        if self.0.seen.get(&key).await.is_some_and(|seen| self.is_fresh(&seen)) {
            self.ask_for_changes(&calendars).await;
        }
        let wanted = Arc::new(Wanted { places: wanted.to_vec(), span, after: self.changes().last_of(&calendars) });
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
        let calendars = digests(google, crew);
        self.ask_for_changes(&calendars).await;
        let last_change = self.changes().last_of(&calendars);
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

    /// From now on nothing counts that was seen of this calendar, in whichever business, nor what is being looked at now; and the
    /// other copies are told.
    pub(super) fn forget(&self, google: &Google, place: &Place) {
        let (calendar, mark) = (digest(&google.claim_key(place)), Uuid::new_v4().simple().to_string());
        // First: whoever finds it among the changes may rely on its going ahead of what he asks.
        if let Some(shared) = &self.0.shared {
            shared.changed(&calendar, &mark);
        }
        self.changes().begin(calendar, mark);
        self.0.is_untold.notify_one();
    }

    /// The same for what the other copies know already.
    pub(super) fn forget_here(&self, google: &Google, place: &Place) {
        self.changes().add(digest(&google.claim_key(place)), String::new());
    }

    /// Tells the other copies of the server what changed, and hears it from them, for ever.
    pub(super) async fn keep_told(&self, store: &Store) {
        let mut ear = store.ear();
        loop {
            tokio::select! {
                () = self.0.is_untold.notified() => {
                    if let Some(shared) = &self.0.shared {
                        shared.tell().await;
                    }
                    let untold = self.changes().take_untold();
                    for (calendar, change) in untold {
                        store.say(Word::Changed { calendar, change });
                    }
                }
                word = ear.word() => if let Some(Word::Changed { calendar, change }) = word
                    // Where Redis is asked each time, it has said so already, or will.
                    && !self.0.shared.as_ref().is_some_and(Shared::is_there)
                {
                    self.changes().hear(calendar, change);
                },
            }
        }
    }

    /// What was seen, if it serves, else what is there to be seen now. `None`: the look died.
    async fn sight(&self, google: &Google, key: Key, crew: &[Place], span: Span, wanted: &Arc<Wanted>) -> Option<Arc<Seen>> {
        if let Some(seen) = self.0.seen.get(&key).await.filter(|seen| self.serves(seen, wanted)) {
            return Some(seen);
        }
        let (cache, google, crew, wanted) = (self.clone(), google.clone(), crew.to_vec(), Arc::clone(wanted));
        let look = async move {
            let look = async { Arc::new(cache.look(&google, &key, &crew, span, &wanted).await) };
            let entry = cache.0.seen.entry(key.clone()).or_insert_with_if(look, |seen| !cache.serves(seen, &wanted));
            entry.await.into_value()
        };
        // A task of its own, which no departing caller takes along: others wait for the same look.
        tokio::spawn(look.in_current_span()).await.ok()
    }

    /// What another copy saw, if it serves, else what Google says.
    async fn look(&self, google: &Google, key: &Key, crew: &[Place], span: Span, wanted: &Wanted) -> Seen {
        let calendars: BTreeMap<Place, String> = crew.iter().cloned().zip(digests(google, crew)).collect();
        let since = self.changes().count();
        let found = match &self.0.shared {
            Some(shared) => shared.look_up(&key.text(), &digests(google, crew)).await.map(|found| (shared, found)),
            None => None,
        };
        if let Some((_, (marks, passed))) = &found {
            let mut changes = self.changes();
            changes.compare(since, marks);
            let passed = passed.as_deref().and_then(Passed::read);
            let seen =
                passed.map(|passed| passed.seen(&calendars, changes.count(), |calendar, mark| changes.is_last(calendar, mark)));
            drop(changes);
            if let Some(seen) = seen.filter(|seen| self.serves(seen, wanted)) {
                return seen;
            }
        }
        let (at, after) = (self.0.clock.now(), self.changes().count());
        let seen = Seen { at, after, span, busy: google.busy(crew, span, key.all_day_free_blocks).await };
        if let Some((shared, (marks, _))) = found
            && let Some(passed) = seen.passed(&calendars, &marks)
            && let Ok(text) = serde_json::to_vec(&passed)
        {
            shared.keep(&key.text(), &text, self.0.lifetime).await;
        }
        seen
    }

    /// Takes note of what the other copies know to have changed in these.
    async fn ask_for_changes(&self, calendars: &[String]) {
        let Some(shared) = &self.0.shared else { return };
        let since = self.changes().count();
        if let Some(marks) = shared.marks(calendars).await {
            self.changes().compare(since, &marks);
        }
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
}

/// What everybody knows these calendars by.
fn digests(google: &Google, places: &[Place]) -> Vec<String> {
    places.iter().map(|place| digest(&google.claim_key(place))).collect()
}
