//! What every station stands on: built once, cloned cheaply, without any behaviour of its own.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::business::routing::Directory;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::Store;
use crate::suspects::Suspects;

/// Settings, businesses, store and clock, and the runtime on which work outlives the request that asked for it.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The settings.
    pub settings: Arc<Settings>,
    /// All businesses.
    pub directory: Directory,
    /// What is remembered.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Addresses whose proofs failed.
    pub suspects: Suspects,
    /// The main runtime: actix's workers are single-threaded and drop a handler when its client leaves.
    pub runtime: Handle,
}
