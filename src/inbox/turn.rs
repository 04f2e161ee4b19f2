//! Whose turn it is: of several copies of the server that hear one tool call, one does the work, and the others wait for its
//! answer. Who works says so again and again; who has fallen silent is taken for dead, and another one goes on. Silence is
//! measured by whoever waits, with a stopwatch, so that no two clocks need agree.

use std::time::Duration;

use time::OffsetDateTime;

use super::Answer;
use super::key::{Key, digest};
use crate::clock::Stopwatch;
use crate::store::deliveries::Held;
use crate::store::notices::Word;
use crate::store::{self, Store};

/// How often whoever works says so. Most answers are given sooner, and cost nothing.
const BEAT: Duration = Duration::from_millis(500);
/// How long somebody must be silent to be taken for dead: three beats, and still less than half of a caller's patience. Who
/// was only slow loses nothing: the first answer stays, and the ledger lets no booking be made twice.
const SILENCE: Duration = Duration::from_millis(1500);
/// How often it is looked whether there is an answer, where no word of it comes by itself.
const LOOK: Duration = Duration::from_millis(100);
/// The same where one does. Words may be lost, and of the silence of whoever works there is none.
const LOOK_ALL_THE_SAME: Duration = Duration::from_millis(250);

/// One tool call that is heard by this copy.
pub(super) struct Turn<'a> {
    pub(super) store: &'a Store,
    /// Our name among the copies.
    pub(super) copy: &'a str,
    pub(super) key: &'a Key,
    pub(super) asked: &'a str,
    /// The oldest answer that counts.
    pub(super) since: OffsetDateTime,
    pub(super) now: OffsetDateTime,
}

impl Turn<'_> {
    /// Waits for the answer of somebody who is at it; `None` when the work is ours.
    pub(super) async fn comes(&self) -> Result<Option<String>, store::Error> {
        let mut silent: Option<(Held, Stopwatch)> = None;
        // Opened before the first look: what is said after it is heard.
        let (mut ear, answered) = (self.store.ear(), Word::answered(&self.key.text));
        loop {
            let row = self.store.delivery(&self.key.text, self.since).await?;
            if let Some(row) = &row
                && row.asked != self.asked
                && silent.is_none()
            {
                tracing::warn!(
                    delivery.key = digest(&self.key.text),
                    "the same tool call came again with other arguments: the first answer stands"
                );
            }
            if let Some(text) = row.as_ref().and_then(|row| row.answer.clone()) {
                return Ok(Some(text));
            }
            // Reading twice harms nobody.
            if !self.key.acts {
                return Ok(None);
            }
            let held = row.map(|row| row.held);
            let left = held.as_ref().filter(|held| self.is_left(held, silent.as_ref()));
            if (held.is_none() || left.is_some()) && self.begin(left).await? {
                return Ok(None);
            }
            if let Some(held) = held
                && silent.as_ref().is_none_or(|(known, _)| *known != held)
            {
                silent = Some((held, Stopwatch::start()));
            }
            ear.hears(&answered, if ear.is_open() { LOOK_ALL_THE_SAME } else { LOOK }).await;
        }
    }

    /// Does the work, and says so to the other copies until it is done.
    pub(super) async fn works(&self, work: impl Future<Output = Answer>) -> Answer {
        if !self.key.acts {
            return work.await;
        }
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(answer) = tokio::time::timeout(BEAT, &mut work).await {
                return answer;
            }
            // The work goes on meanwhile. A beat that is not heard may cost its being done by two, which harms nobody.
            let beat = self.store.beat_delivery(&self.key.text, self.copy);
            tokio::select! {
                answer = &mut work => return answer,
                said = beat => if let Err(error) = said {
                    tracing::debug!(%error, "the other copies could not be told that this one is at work");
                },
            }
        }
    }

    async fn begin(&self, left: Option<&Held>) -> Result<bool, store::Error> {
        self.store.begin_delivery(&self.key.text, self.asked, self.copy, left, (self.since, self.now)).await
    }

    /// Whether nobody is at it any more. What is ours and was not joined died with its task.
    fn is_left(&self, held: &Held, silent: Option<&(Held, Stopwatch)>) -> bool {
        held.holder == self.copy || silent.is_some_and(|(known, since)| known == held && since.elapsed() >= SILENCE)
    }
}
