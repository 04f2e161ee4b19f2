//! The assistant asks: Vapi's webhook, from the proof to the answer. Every proven tool call is answered 200 with one line
//! that can be spoken, in time, whatever goes wrong behind it.

mod answer;
pub mod arguments;
mod callers;
mod emergency;
pub mod heard;
mod in_person;
mod limits;
pub mod listening;
pub mod message;
mod recorded;
pub mod reply;
pub mod request;
pub mod signature;
pub mod tools;
mod trace;
mod webhook;
mod whose;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use tokio::runtime::Handle;

use self::limits::ToolLimits;
use self::listening::Listening;
use crate::booking::Desk;
use crate::business::routing::Directory;
use crate::clock::Clock;
use crate::config::Settings;
use crate::ground::Ground;
use crate::inbox::Inbox;
use crate::store::Store;
use crate::suspects::Suspects;
use crate::switchboard::Switchboard;

/// How long Vapi waits for the answer to `assistant-request`, which no setting of its own changes (its page "Server events",
/// 2026).
pub const VAPI_WAITS_FOR_WHO_ANSWERS: Duration = Duration::from_millis(7500);
/// The latest moment at which it is told: well before it gives up.
pub const WHO_ANSWERS: Duration = Duration::from_secs(5);

/// Everything that the Vapi route needs, built once for all workers.
#[derive(Debug)]
pub struct Station {
    settings: Arc<Settings>,
    directory: Directory,
    store: Store,
    desk: Desk,
    switchboard: Switchboard,
    inbox: Inbox,
    clock: Clock,
    suspects: Suspects,
    limits: ToolLimits,
    listening: Listening,
    runtime: Handle,
}

impl Station {
    /// The route of this ground.
    #[must_use]
    pub fn new(ground: Ground, desk: Desk, switchboard: Switchboard) -> Self {
        let Ground { settings, directory, store, clock, suspects, runtime } = ground;
        let inbox = Inbox::new(store.clone(), clock.clone(), runtime.clone());
        let limits = ToolLimits::default();
        let listening = Listening::default();
        Self { settings, directory, store, desk, switchboard, inbox, clock, suspects, limits, listening, runtime }
    }
}

/// Mounts the route; it needs a `web::Data<Station>`.
pub fn routes(config: &mut ServiceConfig) {
    config.route("/webhook/vapi", web::post().to(webhook::webhook));
}
