//! How fast one Google account may be asked, and whether at all: below its quota, and not while Google fails for it. What
//! this holds back was certainly not sent.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use time::{Date, OffsetDateTime};

use super::super::auth::Tokens;
use super::breaker::{Breaker, IN_PEACE};
use super::failure::Failure;
use crate::clock::{Clock, Stopwatch, epoch_ms};
use crate::names::Slug;
use crate::store::Store;
use crate::store::jobs::Job;

/// Google allows 600 requests a minute and user. With the burst, no minute sees more than 580 of ours.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(519);
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// What nobody waits for at the telephone gets a part of that, whatever there is to do: after a start all calendars are read.
const BACKGROUND_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(299);
const BACKGROUND_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
/// How long a request in the background waits for its turn before the usual one.
const LONGEST_BACKGROUND_TURN: Duration = Duration::from_secs(30);
/// How long a request waits for its turn. It comes out of the request's own time, and must leave enough of that: an insert
/// that is cut off early is one of which nobody knows whether it was done.
const LONGEST_TURN: Duration = Duration::from_secs(1);
const NO_TURN: &str = "too many requests at once for this Google account";

/// The pace of every account, by its address: businesses with the same one share its quota.
#[derive(Debug)]
pub(super) struct Paces {
    clock: Clock,
    store: Store,
    known: Mutex<HashMap<String, Arc<Pace>>>,
}

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A caller who is to hear what is open, or somebody at a screen.
    Awaited,
    /// A caller who is told in time that it is being arranged.
    Booking,
    /// Nobody: those who wait go first.
    Background,
}

impl Urgency {
    /// The longest that one request and its answer may take. A booking is not cut off early: that would only leave
    /// everybody in doubt.
    pub fn limit(self) -> Duration {
        match self {
            Self::Awaited | Self::Background => Duration::from_millis(2500),
            Self::Booking => Duration::from_secs(15),
        }
    }
}

/// The pace of one account.
#[derive(Debug)]
pub(super) struct Pace {
    /// As people and logs are told of it.
    account: String,
    address: String,
    clock: Clock,
    store: Store,
    turns: DefaultDirectRateLimiter,
    background: DefaultDirectRateLimiter,
    breaker: Breaker,
    told_on: Mutex<Option<Date>>,
}

impl Paces {
    /// Of no account yet.
    pub fn new(clock: Clock, store: Store) -> Self {
        Self { clock, store, known: Mutex::default() }
    }

    /// The one of the account that these tokens open now: an owner may connect another one.
    pub fn of(&self, tokens: &Tokens) -> Arc<Pace> {
        let name = tokens.name();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let address = tokens.address().unwrap_or_else(|| name.clone());
        let entry = known.entry(address.clone());
        Arc::clone(entry.or_insert_with(|| Arc::new(Pace::new(name, address, self.clock.clone(), self.store.clone()))))
    }
}

impl Pace {
    fn new(account: String, address: String, clock: Clock, store: Store) -> Self {
        let turns = RateLimiter::direct(Quota::per_minute(PER_MINUTE).allow_burst(BURST));
        let background = RateLimiter::direct(Quota::per_minute(BACKGROUND_PER_MINUTE).allow_burst(BACKGROUND_BURST));
        Self { breaker: Breaker::new(&account), account, address, clock, store, turns, background, told_on: Mutex::default() }
    }

    /// The present instant, for dates in an answer.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Whether the account's last call brought an answer, and not long ago.
    pub fn answers_well(&self) -> bool {
        self.breaker.answers_well()
    }

    /// Makes one request when it is its turn. What is left of its time then is the time that it has.
    ///
    /// # Errors
    /// Those of the request, and [`Failure::Held`] when it was not sent.
    pub async fn keep<T, R>(&self, urgency: Urgency, request: impl FnOnce(Duration) -> R) -> Result<T, Failure>
    where
        R: Future<Output = Result<T, Failure>>,
    {
        if urgency == Urgency::Background {
            turn(&self.background, Stopwatch::start(), LONGEST_BACKGROUND_TURN).await?;
        }
        let watch = Stopwatch::start();
        let leave = self.breaker.leave().ok_or(Failure::Held(IN_PEACE))?;
        turn(&self.turns, watch, LONGEST_TURN).await?;
        leave.send(request(watch.left_of(urgency.limit()))).await
    }

    /// Tells the operator that the account's quota is used up: once a day, however many calls find out.
    pub async fn tell_quota_is_spent(&self, business: &Slug) {
        let now = self.clock.now();
        let today = Some(now.date());
        if std::mem::replace(&mut *self.told_on(), today) == today {
            return;
        }
        let account = &self.account;
        let text = format!(
            "Google says that the quota of the account {account} is used up: its calendars can be neither read nor written until \
             Google lifts that, usually within hours. See the quotas of the project in Google's console."
        );
        let (what, since_ms) = ("google_quota".to_owned(), epoch_ms(now));
        let alert = Job::Alert { what, business: Some(business.clone()), text, since_ms };
        // The key keeps it to one a day over restarts, too.
        let key = format!("alert/google_quota/{}/{}", self.address, now.date());
        if let Err(error) = self.store.enqueue(&key, &alert, now).await {
            tracing::error!(%error, "an alert could not be kept");
            *self.told_on() = None;
        }
    }

    fn told_on(&self) -> MutexGuard<'_, Option<Date>> {
        self.told_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a turn, not longer than `longest` since the watch was started.
async fn turn(turns: &DefaultDirectRateLimiter, watch: Stopwatch, longest: Duration) -> Result<(), Failure> {
    while let Err(too_early) = turns.check() {
        let wait = too_early.wait_time_from(turns.clock().now());
        if wait > watch.left_of(longest) {
            return Err(Failure::Held(NO_TURN));
        }
        tokio::time::sleep(wait).await;
    }
    Ok(())
}
