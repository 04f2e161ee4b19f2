//! Heard this before? Every tool call acts once, and everyone who delivers it gets the same bytes: while it runs, after it
//! is done, after a restart, and whichever copy of the server hears it.

pub mod key;
mod turn;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::clock::Clock;
use crate::inflight::{Full, InFlight, Running};
use crate::store::{self, Store};
use key::Key;
use turn::Turn;

/// How much tool work may run at once. Past it callers are asked to wait a moment: a queue would answer them too late.
const CAPACITY: usize = 2_000;

/// What is sent back, and whether it is what everyone gets from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The bytes.
    pub text: Arc<str>,
    /// `false` for what may pass: a calendar that cannot be asked, a booking that is still being arranged.
    pub sticks: bool,
    /// Something was changed for this caller: what they were answered before without an id may no longer hold.
    pub acted: bool,
}

/// The answer could not be looked up or kept, so none may be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer could not be kept: {0}")]
pub struct NotKept(String);

/// The inbox. Clones share it.
#[derive(Clone, Debug)]
pub struct Inbox {
    store: Store,
    clock: Clock,
    /// Our name among the copies of the server.
    copy: Arc<str>,
    running: InFlight<String, Result<Answer, NotKept>>,
}

impl Inbox {
    /// Work runs on `runtime`, so that it outlives the request that asked for it.
    #[must_use]
    pub fn new(store: Store, clock: Clock, runtime: Handle) -> Self {
        let copy = Uuid::new_v4().simple().to_string().into();
        Self { store, clock, copy, running: InFlight::new(runtime, CAPACITY) }
    }

    /// Does `work` once for `key`, or joins it, or finds its answer. `asked` is a digest of what was asked.
    ///
    /// # Errors
    /// [`Full`] when too much work is running.
    pub fn once<F>(&self, key: Key, asked: String, work: impl FnOnce() -> F) -> Result<Running<Result<Answer, NotKept>>, Full>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (store, copy, now) = (self.store.clone(), Arc::clone(&self.copy), self.clock.now());
        self.running.join(key.text.clone(), || {
            let work = work();
            async move { answer_once(&store, &copy, &key, &asked, now, work).await.map_err(not_kept) }
        })
    }
}

async fn answer_once(
    store: &Store,
    copy: &str,
    key: &Key,
    asked: &str,
    now: OffsetDateTime,
    work: impl Future<Output = Answer>,
) -> Result<Answer, store::Error> {
    let Some(since) = key.memory.reaches_back_to(now) else { return Ok(work.await) };
    let turn = Turn { store, copy, key, asked, since, now };
    let answer = match turn.comes().await? {
        Some(text) => return Ok(Answer { text: text.into(), sticks: true, acted: false }),
        None => turn.works(work).await,
    };
    if !answer.sticks {
        store.forget_delivery(&key.text, copy).await?;
        return Ok(answer);
    }
    let forgetting = answer.acted.then_some(key.caller.as_str());
    let text = store.finish_delivery(&key.text, asked, &answer.text, forgetting, now).await?;
    Ok(Answer { text: text.into(), ..answer })
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn not_kept(error: store::Error) -> NotKept {
    tracing::error!(error = %error, "an answer could not be kept");
    NotKept(error.to_string())
}
