//! Building the server out of its stations, and running it. State is built once, outside actix's per-worker closure;
//! everything that outlives a request runs on the runtime that builds it.

mod serving;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::Data;
use anyhow::Context;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::booking::Desk;
use crate::business::profile::LoadFacts;
use crate::business::reload::Reload;
use crate::business::routing::Directory;
use crate::calendar::Calendars;
use crate::calendar::cache::Cache;
use crate::calendar::embedded::Embedded;
use crate::calendar::google::Google;
use crate::calendar::shared::Shared;
use crate::clients;
use crate::clock::Clock;
use crate::config::{CalendarKind, Connect, Settings};
use crate::connect::following::{Bells, Follower, notifications};
use crate::ground::Ground;
use crate::health::Health;
use crate::meters::Page;
use crate::outbox::Outbox;
use crate::recorder::Recorder;
use crate::store::notices::digest;
use crate::store::{self, Store};
use crate::suspects::Suspects;
use crate::switchboard::Switchboard;
use crate::{connect, listener, twilio, vapi};
use serving::Stations;

/// How often what was timed is taken in, where nobody collects it.
const TIDY_UP: Duration = Duration::from_secs(5);
/// How long `/healthz` says 503 before the door is closed.
const DRAIN_NOTICE: Duration = Duration::from_secs(2);
/// How long bookings that nobody waits for any more may take after that; what is left is taken up at the next start.
const DRAIN_LIMIT: Duration = Duration::from_secs(4);
/// How long what came last may take to be recorded.
const RECORD_LIMIT: Duration = Duration::from_secs(1);

/// A server that listens and is ready to run.
pub struct App {
    server: Server,
    address: SocketAddr,
    numbers: Option<(Server, SocketAddr)>,
    health: Health,
    desk: Desk,
    store: Store,
    reload: Reload,
    background: Vec<JoinHandle<()>>,
    recording: JoinHandle<()>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address).finish_non_exhaustive()
    }
}

impl App {
    /// Opens the store, builds every station and binds the address. Must be called on the main runtime.
    ///
    /// # Errors
    /// A sentence that names what could not be opened.
    pub async fn build(settings: Settings, directory: Directory, clock: Clock) -> anyhow::Result<Self> {
        let socket = listener::listen(settings.bind).with_context(|| format!("BIND: {} cannot be listened on", settings.bind))?;
        let address = socket.local_addr()?;
        let numbers = settings
            .metrics_bind
            .map(|bind| listener::listen(bind).with_context(|| format!("METRICS_BIND: {bind} cannot be listened on")));
        let numbers = numbers.transpose()?;
        let store = Store::open(settings.database_url.expose()).await.context("DATABASE_URL: the database cannot be opened")?;
        let runtime = Handle::current();
        let suspects = Suspects::new();
        let ground = Ground { settings: Arc::new(settings), directory, store: store.clone(), clock, suspects, runtime };
        let reload = reload(&ground);
        let asked = reload.asked().await.context("DATABASE_URL: the database cannot be read")?;
        ground.directory.keep_up(&store).await.context("DATABASE_URL: the database cannot be read")?;
        warn_of_silence(&ground).await.context("DATABASE_URL: the database cannot be read")?;
        let mut background = vec![ground.runtime.spawn(reload.clone().watch(asked))];

        let calendars = calendars(&ground).await?;
        if let Calendars::Google(google) = &calendars {
            let directory = ground.directory.clone();
            let businesses = move || directory.all().map(|profile| profile.slug.clone());
            background.push(ground.runtime.spawn(google.clone().keep_fresh(businesses)));
            background.push(ground.runtime.spawn(google.clone().keep_told()));
        }
        let google = match &calendars {
            Calendars::Google(google) => Some(google.clone()),
            Calendars::Embedded(_) => None,
        };
        let joining = Data::new(connect::Station::new(ground.clone(), google.clone()));
        let http = clients::http().context("the HTTP client cannot be built")?;
        let desk = Desk::new(&ground, calendars.clone());
        let bells = Bells::default();
        if let Calendars::Google(google) = &calendars {
            background.push(ground.runtime.spawn(Follower::new(&ground, google.clone(), desk.clone(), bells.clone()).run()));
        }
        let door = Data::new(notifications::Door::new(&ground, calendars, bells));
        let health = Health::new(&ground, desk.clone());
        background.push(ground.runtime.spawn(Outbox::new(&ground, desk.clone(), google, http.clone()).run()));
        let switchboard = Switchboard::new(&ground, http.clone());
        let assistants = clients::vapi::Vapi::new(http);
        let calls = Data::new(twilio::Station::new(ground.clone(), desk.clone(), switchboard.clone(), assistants));
        let (recorder, recording) = Recorder::new(store.clone());
        let recording = ground.runtime.spawn(recording);
        let runtime = ground.runtime.clone();
        let questions = Data::new(vapi::Station::new(ground, desk.clone(), switchboard));
        let stations =
            Stations { health: Data::new(health.clone()), calls, questions, joining, door, recorder: Data::new(recorder) };
        let numbers = numbers.map(|socket| {
            let (address, page) = (socket.local_addr()?, Page::install().context("METRICS_BIND: nothing can be counted")?);
            background.push(runtime.spawn(tidy_up(page.clone())));
            Ok::<_, anyhow::Error>((serving::serve_numbers(socket, stations.health.clone(), page)?, address))
        });
        let numbers = numbers.transpose()?;
        let server = serving::serve(socket, stations)?;
        Ok(Self { server, address, numbers, health, desk, store, reload, background, recording })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the numbers are, if they are shown.
    #[must_use]
    pub fn numbers(&self) -> Option<SocketAddr> {
        self.numbers.as_ref().map(|(_, address)| *address)
    }

    /// What can stop it from outside.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until it is stopped by its handle.
    ///
    /// # Errors
    /// When the server dies.
    pub async fn run(self) -> anyhow::Result<()> {
        let numbers = self.numbers.map(|(server, _)| (server.handle(), tokio::spawn(server)));
        let result = self.server.await.context("the server died");
        self.health.drain();
        self.desk.come_to_rest(DRAIN_LIMIT).await;
        // It ends by itself: with the server went all that could give it more.
        let recording = self.recording.abort_handle();
        if tokio::time::timeout(RECORD_LIMIT, self.recording).await.is_err() {
            tracing::info!("the last webhooks could not be recorded in time");
            recording.abort();
        }
        for task in self.background {
            task.abort();
        }
        if let Some((handle, serving)) = numbers {
            handle.stop(false).await;
            serving.abort();
        }
        self.store.close().await;
        result
    }

    /// The same, until the process is told to end (SIGTERM, SIGINT): load balancers hear of it first. SIGHUP reads the business
    /// files again.
    ///
    /// # Errors
    /// When the server dies.
    pub async fn run_until_signal(self) -> anyhow::Result<()> {
        let (handle, health) = (self.handle(), self.health.clone());
        tokio::spawn(reload_when_told(self.reload.clone()));
        tokio::spawn(async move {
            told_to_end().await;
            tracing::info!("told to end: finishing what is running");
            health.drain();
            // Nothing is refused yet: who balances the load hears 503 first and sends new calls elsewhere.
            tokio::time::sleep(DRAIN_NOTICE).await;
            handle.stop(true).await;
        });
        self.run().await
    }
}

/// Without an assistant the telephone is still answered, by a person: that is worth a start, and a warning. At a SIP address
/// Vapi knows by itself who answers.
async fn warn_of_silence(ground: &Ground) -> Result<(), store::Error> {
    for profile in ground.directory.all() {
        let vapi = ground.settings.vapi.of(&profile.slug);
        let assistant = ground.store.assistant_of(&profile.slug, vapi.assistant_id.as_ref()).await?;
        if assistant.is_none() && vapi.connect != Connect::Sip {
            tracing::warn!(
                business = %profile.slug,
                "there is no assistant, so callers go straight to a person: `ringbook assistant push` makes one, or set VAPI_ASSISTANT_ID"
            );
        }
    }
    Ok(())
}

async fn tidy_up(page: Page) {
    let mut tick = tokio::time::interval(TIDY_UP);
    loop {
        tick.tick().await;
        page.tidy_up();
    }
}

async fn told_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! { _ = interrupted => {}, _ = terminated.recv() => {} }
        }
        Err(_) => {
            let _ended = interrupted.await;
        }
    }
}

async fn reload_when_told(reload: Reload) {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        Ok(mut told) => {
            while told.recv().await.is_some() {
                tracing::info!("told to read the business files again");
                reload.now().await;
            }
        }
        Err(error) => tracing::error!(%error, "SIGHUP cannot be waited for"),
    }
}

fn reload(ground: &Ground) -> Reload {
    let Ground { settings, directory, store, .. } = ground;
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    Reload::new(settings.businesses.clone(), facts, directory.clone(), store.clone())
}

/// The calendars of this ground, with what owners have connected so far.
///
/// # Errors
/// A sentence that names the setting.
pub(crate) async fn calendars(ground: &Ground) -> anyhow::Result<Calendars> {
    Ok(match ground.settings.calendar {
        CalendarKind::Embedded => Calendars::Embedded(Embedded::new(ground.store.clone())),
        CalendarKind::Google => {
            let businesses = ground.directory.all().map(|profile| profile.slug.clone());
            let Ground { settings, store, clock, .. } = ground;
            let shared = match &settings.redis_url {
                Some(url) if !settings.freebusy_cache.is_zero() => {
                    Some(Shared::open(url, &digest(&settings.server_url.route("/"))).await)
                }
                _ => None,
            };
            let known = Cache::new(settings.freebusy_cache, clock.clone(), shared);
            let google = Google::new(&settings.google, businesses, store, &settings.vault, clock, known);
            let google = google.map_err(anyhow::Error::msg)?;
            google.reload().await.context("the connected accounts cannot be read")?;
            Calendars::Google(google)
        }
    })
}
