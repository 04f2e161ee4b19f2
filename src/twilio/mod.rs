//! The phone rings: Twilio's webhooks, from the signature to the TwiML. Every proven request is answered 200 with TwiML
//! that helps the caller, in time, whatever fails behind it; nobody else is answered at all.

pub mod bypass;
mod ended;
mod fallback;
pub mod form;
mod recorded;
pub mod request;
pub mod signature;
mod status;
mod voice;
mod voicemail;

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::{self, ServiceConfig};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tracing::Instrument as _;

pub use self::ended::ended_normally;
use crate::booking::Desk;
use crate::business::profile::Profile;
use crate::business::routing::Directory;
use crate::clients::vapi::Vapi;
use crate::clock::{Clock, Stopwatch};
use crate::config::Settings;
use crate::ground::Ground;
use crate::inflight::InFlight;
use crate::names::Phone;
use crate::store::Store;
use crate::store::deliveries::DeliveryRow;
use crate::suspects::Suspects;
use crate::switchboard::Switchboard;
pub use crate::switchboard::twiml;

use self::form::Form;

/// Calls that may be connecting at one moment; more than that are put through to a person.
const MAX_CONNECTING: usize = 1_000;

/// Said when a number rings here that no business file names.
const NOT_SET_UP: &str = "This number is not set up yet. Goodbye.";

/// Everything that the Twilio routes need, built once for all workers.
#[derive(Debug)]
pub struct Station {
    settings: Arc<Settings>,
    directory: Directory,
    store: Store,
    desk: Desk,
    switchboard: Switchboard,
    vapi: Vapi,
    clock: Clock,
    suspects: Suspects,
    answering: InFlight<String, String>,
    runtime: Handle,
}

impl Station {
    /// The routes of this ground.
    #[must_use]
    pub fn new(ground: Ground, desk: Desk, switchboard: Switchboard, vapi: Vapi) -> Self {
        let Ground { settings, directory, store, clock, suspects, runtime } = ground;
        let answering = InFlight::new(runtime.clone(), MAX_CONNECTING);
        Self { settings, directory, store, desk, switchboard, vapi, clock, suspects, answering, runtime }
    }

    /// Takes note of what was ordered since the last call. A store that does not answer leaves in force what is known; half of
    /// the time is kept for the call itself.
    async fn keep_up(&self, received: Stopwatch) {
        match tokio::time::timeout(self.time_left(received) / 2, self.directory.keep_up(&self.store)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "it cannot be looked what was ordered"),
            Err(_late) => tracing::error!("it was not seen in time what was ordered"),
        }
    }

    /// Whose number was called.
    fn business(&self, form: &Form) -> Option<Arc<Profile>> {
        self.directory.by_number(&Phone::e164(&form.to)?)
    }

    /// What is left of the time in which Twilio is to be answered, with a little kept back for sending the answer.
    fn time_left(&self, received: Stopwatch) -> Duration {
        let budget = self.settings.connect_budget;
        received.left_of(budget.saturating_sub(Duration::from_millis(250).min(budget / 10)))
    }

    /// The TwiML of this delivery, which a repetition gets again: the work is done once, and what it said is kept.
    async fn once(
        self: &Arc<Self>,
        received: Stopwatch,
        key: String,
        work: impl Future<Output = String> + Send + 'static,
    ) -> Option<String> {
        let station = Arc::clone(self);
        let running = self.answering.join(key.clone(), || async move {
            let now = station.clock.now();
            match station.store.delivery(&key, OffsetDateTime::UNIX_EPOCH).await {
                Ok(Some(DeliveryRow { answer: Some(twiml), .. })) => return twiml,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "an earlier answer cannot be looked up"),
            }
            let twiml = work.await;
            // The caller needs the answer more than a repetition needs the same one.
            station.store.finish_delivery(&key, "", &twiml, None, now).await.unwrap_or(twiml)
        });
        tokio::time::timeout(self.time_left(received), running.ok()?.outcome()).await.ok()?.ok()
    }

    /// Runs `work` on the main runtime, where it goes on even if the asker leaves, and waits for it as long as there is
    /// time. `None`: it is late, or it died.
    async fn in_time<T: Send + 'static>(&self, received: Stopwatch, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let running = self.runtime.spawn(work.in_current_span());
        tokio::time::timeout(self.time_left(received), running).await.ok()?.ok()
    }
}

/// Mounts the six routes; they need a `web::Data<Station>`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/twilio/inbound", web::post().to(voice::inbound))
        .route("/twilio/connect-ended", web::post().to(ended::connect_ended))
        .route("/twilio/dial-ended", web::post().to(ended::dial_ended))
        .route("/twilio/voicemail", web::post().to(voicemail::voicemail))
        .route("/twilio/fallback", web::post().to(fallback::fallback))
        .route("/twilio/status", web::post().to(status::status));
}

fn xml(twiml: String) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::xml()).body(twiml)
}

/// Whether this caller is not to be answered.
fn is_blocked(profile: &Profile, form: &Form) -> bool {
    let is_blocked = form.caller().is_some_and(|caller| profile.callers.block.contains(&caller));
    if is_blocked {
        tracing::info!(business = %profile.slug, "a blocked caller is not answered");
    }
    is_blocked
}

fn not_set_up() -> HttpResponse {
    tracing::warn!("a number rang that no business has; name it in `phone_numbers` of a business file");
    xml(twiml::goodbye(NOT_SET_UP))
}
