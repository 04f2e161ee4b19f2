//! Leaving an account in peace while Google fails for it: most of its last calls brought no answer, so for a moment nothing
//! is sent and every call fails at once, certainly not sent. Then a few are let through to see whether it is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use recloser::{AsyncRecloser, Error, Recloser};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::failure::Failure;
use crate::clock::Stopwatch;

/// How many of the last calls are judged.
const JUDGED_CALLS: usize = 20;
/// How many of them must have failed, as a part of all. A calendar that answers every fourth time is still worth asking:
/// some callers are served, and a booking tries more than once.
const BROKEN_PART: f32 = 0.8;
/// How long an account is left in peace. With a trial that hangs until its time limit, a caller is served again within five
/// seconds of the end of a failure.
const PEACE: Duration = Duration::from_secs(2);
/// How many calls at once may try whether it is over; the crate itself would let everybody through.
const TRIALS: usize = 2;

/// How long an answer shows that the account answers well.
const WELL_FOR: Duration = Duration::from_mins(2);

/// Whether one account may be asked.
#[derive(Debug)]
pub(super) struct Breaker {
    account: String,
    gate: AsyncRecloser,
    in_peace: AtomicBool,
    trials: Semaphore,
    /// When the last call brought an answer; `None` when it did not.
    answered: Mutex<Option<Stopwatch>>,
}

/// Leave to send one request.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    trial: Option<SemaphorePermit<'a>>,
}

impl Breaker {
    /// For the account with this address, which may be asked.
    pub fn new(account: &str) -> Self {
        // Of the two trials it is the second that decides, as the crate counts.
        let gate = Recloser::custom().error_rate(BROKEN_PART).closed_len(JUDGED_CALLS).half_open_len(1).open_wait(PEACE).build();
        Self {
            account: account.to_owned(),
            gate: gate.into(),
            in_peace: AtomicBool::new(false),
            trials: Semaphore::new(TRIALS),
            answered: Mutex::default(),
        }
    }

    /// Leave to ask, if the account is not left in peace.
    pub fn leave(&self) -> Option<Leave<'_>> {
        let trial = if self.in_peace.load(Ordering::SeqCst) { Some(self.trials.try_acquire().ok()?) } else { None };
        (!self.is_shut()).then_some(Leave { breaker: self, trial })
    }

    /// The crate tells its state only by refusing a call; one that is dropped before its end leaves no trace.
    fn is_shut(&self) -> bool {
        self.gate.call(std::future::pending::<Result<(), ()>>()).now_or_never().is_some()
    }

    /// Whether the last call brought an answer, and not long ago.
    pub fn answers_well(&self) -> bool {
        let answered = *self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.is_some_and(|answered| answered.elapsed() < WELL_FOR)
    }

    fn note(&self, answered: Option<Stopwatch>) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = answered;
    }

    fn note_failure(&self) {
        self.note(None);
        if self.is_shut() && !self.in_peace.swap(true, Ordering::SeqCst) {
            let seconds = PEACE.as_secs();
            tracing::error!(google.account = %self.account, seconds, "Google fails for this account: it is left in peace, and asked again now and then");
        }
    }

    fn note_end_of_peace(&self) {
        if self.in_peace.swap(false, Ordering::SeqCst) {
            tracing::info!(google.account = %self.account, "Google answers for this account again");
        }
    }
}

impl Leave<'_> {
    /// Sends the request, and remembers how it ended.
    pub async fn send<T>(self, request: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let outcome = self.breaker.gate.call_with(Failure::is_breakdown, request).await;
        match outcome {
            Err(Error::Rejected) => Err(Failure::Held(IN_PEACE)),
            Err(Error::Inner(failure)) if failure.is_breakdown() => {
                self.breaker.note_failure();
                Err(failure)
            }
            outcome => {
                // What was sent before the failure began says nothing about its end.
                if self.trial.is_some() {
                    self.breaker.note_end_of_peace();
                }
                let outcome = outcome.map_err(|error| match error {
                    Error::Inner(failure) => failure,
                    Error::Rejected => Failure::Held(IN_PEACE),
                });
                let is_well = outcome.as_ref().err().is_none_or(Failure::is_expected);
                self.breaker.note(is_well.then(Stopwatch::start));
                outcome
            }
        }
    }
}

/// Why nothing is sent meanwhile.
pub(super) const IN_PEACE: &str = "Google fails for this account, which is left in peace for a moment";
