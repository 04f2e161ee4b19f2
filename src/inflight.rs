//! Work that runs once per key, whoever asks for it and whoever goes away.
//!
//! actix's workers are single-threaded runtimes that drop a handler when its client leaves. What must not be dropped,
//! or must not be done twice, runs here: as a task on the main runtime, with a receiver for everyone who waits.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument as _;

/// Running work by key. Clones share it.
pub struct InFlight<K, V> {
    running: Arc<DashMap<K, watch::Receiver<Option<V>>>>,
    runtime: Handle,
    capacity: usize,
}

impl<K, V> Clone for InFlight<K, V> {
    fn clone(&self) -> Self {
        Self { running: Arc::clone(&self.running), runtime: self.runtime.clone(), capacity: self.capacity }
    }
}

impl<K, V> std::fmt::Debug for InFlight<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InFlight").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// A place at work that is running.
#[derive(Debug)]
pub struct Running<V>(watch::Receiver<Option<V>>);

/// So much work is running already that no more is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much work is running at once")]
pub struct Full;

/// The work ended without a result: it panicked, or the runtime went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work ended without a result")]
pub struct Died;

/// Takes the key out when the work ends, however it ends: a panic must not leave waiters behind for ever. The result's sender
/// goes after the key, so that who hears of a death and tries again does not join the dead.
struct Leave<K: Eq + Hash, V> {
    running: Arc<DashMap<K, watch::Receiver<Option<V>>>>,
    key: K,
    result: watch::Sender<Option<V>>,
}

impl<K: Eq + Hash, V> Drop for Leave<K, V> {
    fn drop(&mut self) {
        self.running.remove(&self.key);
    }
}

impl<K, V> InFlight<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Work runs on `runtime`; at most `capacity` pieces of it at once.
    #[must_use]
    pub fn new(runtime: Handle, capacity: usize) -> Self {
        Self { running: Arc::default(), runtime, capacity }
    }

    /// Joins the work that runs under `key`, or starts `work`. The key is free again once the result is out.
    ///
    /// # Errors
    /// [`Full`] when nothing runs under `key` and the capacity is used up.
    pub fn join<F>(&self, key: K, work: impl FnOnce() -> F) -> Result<Running<V>, Full>
    where
        F: Future<Output = V> + Send + 'static,
    {
        // Counted before the entry is taken: `len` locks every shard, and this one would be locked already.
        let full = self.running.len() >= self.capacity;
        match self.running.entry(key) {
            Entry::Occupied(running) => Ok(Running(running.get().clone())),
            Entry::Vacant(_) if full => Err(Full),
            Entry::Vacant(vacant) => {
                let (result, receiver) = watch::channel(None);
                let leave = Leave { running: Arc::clone(&self.running), key: vacant.key().clone(), result };
                vacant.insert(receiver.clone());
                let work = work();
                let work = async move {
                    let value = work.await;
                    leave.result.send_replace(Some(value));
                    drop(leave);
                };
                self.runtime.spawn(work.in_current_span());
                Ok(Running(receiver))
            }
        }
    }

    /// How much work is running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

impl<V: Clone> Running<V> {
    /// Waits for the result.
    ///
    /// # Errors
    /// [`Died`] when the work ended without one.
    pub async fn outcome(mut self) -> Result<V, Died> {
        self.wait().await
    }

    /// The same, for who may stop waiting and come back.
    ///
    /// # Errors
    /// [`Died`] when the work ended without one.
    pub async fn wait(&mut self) -> Result<V, Died> {
        let value = self.0.wait_for(Option::is_some).await.map_err(|_closed| Died)?;
        value.clone().ok_or(Died)
    }
}
