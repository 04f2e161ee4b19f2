//! When a calendar is read again: soon after Google says that it has changed, and every minute whatever Google says. What
//! fails is left in peace for longer and longer.

use std::time::Duration;

use rand::Rng;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::clock::Clock;

/// The longest time between two readings: notifications are not reliable.
pub const POLL: Duration = Duration::from_mins(1);
/// How often the clock is looked at: it may be one that a test moves.
const LOOK: Duration = Duration::from_millis(500);
/// The least time between two readings, however often Google calls.
const BREATH: Duration = Duration::from_millis(100);
/// The first pause after a failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Pauses are longer by up to this, so that calendars that failed together do not come back together.
const JITTER_MS: u64 = 1_000;

/// How one reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Well.
    Done,
    /// Well, but something in it could not be judged yet.
    Unsettled,
    /// Not at all.
    Failed,
}

/// The pace at which one calendar is read.
#[derive(Debug)]
pub struct Pace {
    clock: Clock,
    last: OffsetDateTime,
    pause: Duration,
    is_deaf: bool,
    in_a_row: u32,
}

impl Pace {
    /// The first reading has not been yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let last = clock.now();
        Self { clock, last, pause: POLL, is_deaf: false, in_a_row: 0 }
    }

    /// A reading begins: the next one is due so long after this.
    pub fn begins(&mut self) {
        self.last = self.clock.now();
    }

    /// The reading ended like this.
    pub fn ended(&mut self, reading: Reading) {
        if reading == Reading::Failed {
            self.last = self.clock.now();
        }
        self.in_a_row = if reading == Reading::Done { 0 } else { self.in_a_row.saturating_add(1) };
        // A calendar that fails is not asked more often because somebody works in it.
        self.is_deaf = reading == Reading::Failed;
        self.pause = match reading {
            Reading::Done => POLL,
            Reading::Unsettled => self.longer_and_longer().min(POLL),
            Reading::Failed => self.longer_and_longer() + Duration::from_millis(rand::rng().random_range(0..JITTER_MS)),
        };
    }

    /// Another copy of the server has read the calendar: the next reading is due then.
    pub fn put_off_to(&mut self, due: OffsetDateTime) {
        self.last = self.clock.now();
        self.pause = (due - self.last).try_into().unwrap_or(Duration::ZERO).min(POLL);
    }

    /// Waits until the next reading is due or `bell` rings; whether it rang.
    pub async fn rest(&self, bell: &Notify) -> bool {
        tokio::time::sleep(BREATH).await;
        loop {
            tokio::select! {
                () = bell.notified(), if !self.is_deaf => return true,
                () = tokio::time::sleep(LOOK) => {}
            }
            // Counted both ways: a clock that was put back must not stop us for as long.
            if (self.clock.now() - self.last).unsigned_abs() >= self.pause {
                return false;
            }
        }
    }

    fn longer_and_longer(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.in_a_row.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
    }
}
