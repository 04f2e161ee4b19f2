//! The only place that reads the time. Everything else takes `now` as an argument or holds a [`Clock`], so that a
//! test can stand at any instant and a simulation can run years in seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Where "now" comes from: the machine, or an instant that a test has set.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's wall clock.
    #[default]
    System,
    /// An instant that stands still until it is moved with [`Clock::set`].
    Fixed(FixedInstant),
}

/// Milliseconds since 1970 UTC, shared by all clones of one fixed clock.
#[derive(Clone, Debug)]
pub struct FixedInstant(Arc<AtomicI64>);

impl Clock {
    /// A clock that stands at `now`; clones share it.
    #[must_use]
    pub fn fixed(now: OffsetDateTime) -> Self {
        Self::Fixed(FixedInstant(Arc::new(AtomicI64::new(epoch_ms(now)))))
    }

    /// The present instant, in UTC, to the millisecond: what the store keeps is what the code computed with.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> OffsetDateTime {
        from_epoch_ms(match self {
            Self::System => epoch_ms(OffsetDateTime::now_utc()),
            Self::Fixed(FixedInstant(ms)) => ms.load(Ordering::SeqCst),
        })
    }

    /// Moves a fixed clock to `now`; the machine's clock is left alone.
    pub fn set(&self, now: OffsetDateTime) {
        if let Self::Fixed(FixedInstant(ms)) = self {
            ms.store(epoch_ms(now), Ordering::SeqCst);
        }
    }

    /// Moves a fixed clock forward by `by`; the machine's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(FixedInstant(ms)) = self {
            ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

/// Milliseconds since 1970 UTC: how instants are kept in the database.
#[must_use]
pub fn epoch_ms(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// The instant of [`epoch_ms`]; what lies outside the years that `time` knows becomes 1970, which no caller produces.
#[must_use]
pub fn from_epoch_ms(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Measures durations and deadlines on the monotonic clock, which no time server can turn back.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// What is left of `budget`; zero when it is used up.
    #[must_use]
    pub fn left_of(&self, budget: Duration) -> Duration {
        budget.saturating_sub(self.elapsed())
    }

    /// Whole milliseconds since the start, for log fields.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The moment by which an answer must be out, on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    since: Stopwatch,
    budget: Duration,
}

impl Deadline {
    /// `budget` from now.
    #[must_use]
    pub fn after(budget: Duration) -> Self {
        Self { since: Stopwatch::start(), budget }
    }

    /// The same moment, but `margin` earlier: by a quarter of the whole budget at most.
    #[must_use]
    pub fn earlier_by(self, margin: Duration) -> Self {
        Self { budget: self.budget.saturating_sub(margin.min(self.budget / 4)), ..self }
    }

    /// What is left; zero when it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.since.left_of(self.budget)
    }
}
