//! Joining a Google account. How an owner does it in a browser: a single-use link, Google's consent page and back, the choice
//! of calendars, and the way out; every outcome has a page of its own. No token, code, link or cookie is ever logged, and
//! none is kept but sealed or as a digest. And what Google then tells us on its own, and what is done about it (`following`).

mod calendars;
mod callback;
mod choice;
mod disconnect;
pub mod following;
mod joining;
mod link;
mod login;
mod page;
mod query;
mod refusal;
pub mod scopes;
mod session;
mod token;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use oauth2::RedirectUrl;
use tokio::runtime::Handle;
use tracing::Instrument as _;

pub use self::link::new_link;
use self::refusal::Refusal;
use crate::business::profile::Profile;
use crate::business::routing::Directory;
use crate::calendar::google::Google;
use crate::calendar::oauth::OauthClient;
use crate::clock::Clock;
use crate::config::Settings;
use crate::ground::Ground;
use crate::store::Store;
use crate::suspects::{Standing, Suspects};

/// Everything that these routes need, built once for all workers.
#[derive(Debug)]
pub struct Station {
    settings: Arc<Settings>,
    directory: Directory,
    store: Store,
    clock: Clock,
    suspects: Suspects,
    runtime: Handle,
    google: Option<Google>,
    redirect: Option<RedirectUrl>,
}

/// What asks Google on behalf of one business.
#[derive(Clone, Debug)]
struct Way<'a> {
    google: &'a Google,
    oauth: OauthClient,
    redirect: &'a RedirectUrl,
}

impl Station {
    /// The routes of this ground. Without Google, or without an OAuth client, there is nothing behind them.
    #[must_use]
    pub fn new(ground: Ground, google: Option<Google>) -> Self {
        let Ground { settings, directory, store, clock, suspects, runtime } = ground;
        let google = google.filter(|google| directory.all().any(|profile| google.oauth(&profile.slug).is_some()));
        // `SERVER_URL` was checked to be an address, so this is one.
        let redirect = RedirectUrl::new(settings.server_url.route("/oauth/callback")).ok();
        Self { settings, directory, store, clock, suspects, runtime, google, redirect }
    }

    /// Refuses everything where no account can be connected at all.
    fn is_open(&self) -> Result<(), Refusal> {
        if self.google.is_some() { Ok(()) } else { Err(Refusal::NotHere) }
    }

    /// The way to Google for this business.
    fn way(&self, profile: &Profile) -> Result<Way<'_>, Refusal> {
        let google = self.google.as_ref().ok_or(Refusal::NotHere)?;
        if let Err(problem) = google.welcome(std::iter::once(profile.slug.clone())) {
            tracing::error!(business = %profile.slug, problem, "an owner cannot connect a Google account");
        }
        let oauth = google.oauth(&profile.slug).ok_or(Refusal::NotHere)?;
        Ok(Way { google, oauth, redirect: self.redirect.as_ref().ok_or(Refusal::NotHere)? })
    }

    /// Runs `work` on the main runtime: connections live and die with the runtime that opened them, and what was begun there
    /// is finished when the browser has left.
    async fn outside<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Refusal> {
        self.runtime.spawn(work.in_current_span()).await.map_err(|_died| Refusal::Failed)
    }

    /// Counts and logs what somebody could not prove: why, never what was shown.
    fn suspect(&self, request: &HttpRequest, refusal: Refusal) -> Refusal {
        let peer = request.peer_addr().map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        if self.suspects.failed(peer) == Standing::CutOff {
            return Refusal::CutOff(Box::new(refusal));
        }
        tracing::warn!(peer.address = %peer, cause = %refusal, "refused a request to the pages that connect a Google account");
        refusal
    }
}

/// Mounts the routes; they need a `web::Data<Station>`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/oauth/login", web::get().to(login::login))
        .route("/oauth/login", web::head().to(login::look))
        .route("/oauth/callback", web::get().to(callback::callback))
        .route("/oauth/calendars", web::get().to(calendars::show))
        .route("/oauth/calendars", web::post().to(calendars::choose))
        .route("/oauth/disconnect", web::post().to(disconnect::disconnect));
}

type Answer = Result<HttpResponse, Refusal>;
