//! What is heard in running calls, as far as a booking must know it: whether the caller is speaking at this moment, whether
//! they said that they want to book, and whether a newer booking came. Facts alone: what is said is never kept.
//!
//! In memory, bounded, and gone with the end of a call or of the process. Where several copies of the server hear one call, the
//! wish to book is shared through the database; a copy that did not hear the caller begin to speak does not wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Stopwatch;
use crate::names::Slug;

/// Calls of which anything is known. Past it the one that was silent longest is forgotten; with Vapi's ids of at most 200
/// bytes all of them take a few megabytes.
pub const MAX_CALLS: usize = 10_000;
/// How long a caller who began to speak counts as speaking, and how long a booking waits for them: a word that they stopped
/// may get lost.
pub const MAX_WAIT: Duration = Duration::from_millis(800);

/// A running call: its business and its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    business: Slug,
    call: String,
}

/// What is heard in all running calls. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Listening(Arc<Mutex<Calls>>);

#[derive(Debug, Default)]
struct Calls {
    /// Messages that arrived so far.
    arrived: u64,
    /// Goes up with everything that is heard.
    moment: u64,
    ears: HashMap<Line, Ear>,
}

#[derive(Debug)]
struct Ear {
    last_heard: u64,
    heard: watch::Sender<Heard>,
}

/// What is known of one call.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    any_transcript: bool,
    wish: bool,
    speaking: Option<Stopwatch>,
    newest_booking: u64,
}

/// A booking before its turn.
#[derive(Debug)]
pub struct Turn {
    message: u64,
    heard: Option<watch::Receiver<Heard>>,
}

/// A newer booking of the same call came while this one waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced;

impl Line {
    /// This call of this business.
    #[must_use]
    pub fn new(business: &Slug, call: &str) -> Self {
        Self { business: business.clone(), call: call.to_owned() }
    }
}

impl Listening {
    /// The number of a message that arrives now: a later one has a higher number.
    #[must_use]
    pub fn arrival(&self) -> u64 {
        let mut calls = self.calls();
        calls.arrived += 1;
        calls.arrived
    }

    /// A transcript of anybody's words came, so transcripts do arrive; `wish`: in it the caller said for good that they want to
    /// book. `true` when that was not known yet.
    #[must_use]
    pub fn transcript(&self, line: &Line, wish: bool) -> bool {
        let mut is_news = false;
        self.calls().hear(line, |heard| {
            is_news = !heard.any_transcript || (wish && !heard.wish);
            heard.any_transcript = true;
            heard.wish |= wish;
        });
        is_news
    }

    /// The caller began to speak.
    pub fn speaks(&self, line: &Line) {
        self.calls().hear(line, |heard| heard.speaking = Some(Stopwatch::start()));
    }

    /// The caller stopped speaking.
    pub fn stops(&self, line: &Line) {
        if let Some(ear) = self.calls().ears.get(line) {
            ear.heard.send_modify(|heard| heard.speaking = None);
        }
    }

    /// A booking of this call is about to be done; it came with the message of this number.
    #[must_use]
    pub fn booking(&self, line: &Line, message: u64) -> Turn {
        let heard = self.calls().ears.get(line).map(|ear| {
            ear.heard.send_modify(|heard| heard.newest_booking = heard.newest_booking.max(message));
            ear.heard.subscribe()
        });
        Turn { message, heard }
    }

    /// Something else than a booking is about to be done in this call: it waits for nobody, and nothing gives way to it.
    #[must_use]
    pub fn other(&self, line: &Line) -> Turn {
        Turn { message: u64::MAX, heard: self.calls().ears.get(line).map(|ear| ear.heard.subscribe()) }
    }

    /// The call has ended. Bookings that wait need wait no longer.
    pub fn forget(&self, line: &Line) {
        self.calls().ears.remove(line);
    }

    /// How many calls are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.calls().ears.len()
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn hear(&mut self, line: &Line, change: impl FnOnce(&mut Heard)) {
        self.moment += 1;
        if !self.ears.contains_key(line) && self.ears.len() >= MAX_CALLS {
            let longest = self.ears.iter().min_by_key(|(_, ear)| ear.last_heard).map(|(line, _)| line.clone());
            longest.map(|line| self.ears.remove(&line));
        }
        let new = || Ear { last_heard: 0, heard: watch::Sender::default() };
        let ear = self.ears.entry(line.clone()).or_insert_with(new);
        ear.last_heard = self.moment;
        ear.heard.send_modify(change);
    }
}

impl Turn {
    /// Waits while the caller is speaking, at most `limit` and never longer than [`MAX_WAIT`].
    ///
    /// # Errors
    /// [`Replaced`] when a booking of a later message came meanwhile. Only who waits is replaced.
    pub async fn comes(&mut self, limit: Duration) -> Result<(), Replaced> {
        let Some(heard) = &mut self.heard else { return Ok(()) };
        let (waiting, limit) = (Stopwatch::start(), limit.min(MAX_WAIT));
        let mut has_waited = false;
        loop {
            let now = *heard.borrow_and_update();
            let left = now.speaking.map_or(Duration::ZERO, |since| since.left_of(MAX_WAIT)).min(waiting.left_of(limit));
            if (has_waited || !left.is_zero()) && now.newest_booking > self.message {
                return Err(Replaced);
            }
            if left.is_zero() {
                return Ok(());
            }
            has_waited = true;
            if let Ok(Err(_the_call_ended)) = tokio::time::timeout(left, heard.changed()).await {
                return Ok(());
            }
        }
    }

    /// Whether the caller has said that they want to book, as far as it was heard here; `None` where no transcript has come.
    #[must_use]
    pub fn wish(&self) -> Option<bool> {
        let heard = *self.heard.as_ref()?.borrow();
        heard.any_transcript.then_some(heard.wish)
    }
}
