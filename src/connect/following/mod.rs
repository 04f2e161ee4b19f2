//! Following the calendars: every calendar of every business is read again when Google says that it has changed, and every
//! minute whatever Google says; what people did in it goes into our own rows. One task for each calendar, on the main
//! runtime; nothing here answers a caller.

pub mod channels;
pub mod notifications;
mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};

use self::channels::Upkeep;
use self::pace::{POLL, Pace, Reading};
use crate::booking::Desk;
use crate::booking::follow::Followed;
use crate::business::profile::Profile;
use crate::business::routing::Directory;
use crate::calendar::google::Google;
use crate::calendar::google::changes::{Changes, ChangesError};
use crate::calendar::{Calendars, Fault, Place, shown};
use crate::clock::Clock;
use crate::ground::Ground;
use crate::names::EventId;
use crate::store::followed::FollowedRow;
use crate::store::{self, Store};

/// How often it is looked which calendars there are to follow.
const LOOK: Duration = Duration::from_millis(500);
/// Every so many looks it is looked for what is kept of calendars that nobody wants any more.
const LOOKS_BETWEEN_SWEEPS: u32 = 60;
/// Calendars that are read at the same time: after a start all of them are due.
const MAX_READING: usize = 8;
/// How often one calendar is read anew because another copy of the server was reading it at the same moment.
const MAX_ROUNDS: usize = 3;
/// Where Google tells us of changes.
pub const ROUTE: &str = "/google/notifications";

/// The bells by which the followers are woken. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Bells(Arc<Mutex<BTreeMap<Place, Arc<Notify>>>>);

impl Bells {
    /// Wakes whoever follows this calendar. It may ring often: two calls before the follower looks are one.
    pub fn ring(&self, place: &Place) {
        if let Some(bell) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(place) {
            bell.notify_one();
        }
    }

    fn hang(&self, place: &Place) -> Arc<Notify> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(place.clone()).or_default())
    }

    fn take_down(&self, place: &Place) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }
}

/// Follows all calendars at Google. Clones share everything.
#[derive(Clone, Debug)]
pub struct Follower {
    google: Google,
    calendars: Calendars,
    desk: Desk,
    store: Store,
    directory: Directory,
    clock: Clock,
    address: String,
    bells: Bells,
    reading: Arc<Semaphore>,
}

/// Why a calendar could not be read on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Calendar(#[from] Fault),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("its business has no file any more")]
    NoBusiness,
    #[error("another copy of the server reads it at the same time, again and again")]
    Contended,
}

impl Follower {
    /// The follower of this ground; `bells` wake it.
    #[must_use]
    pub fn new(ground: &Ground, google: Google, desk: Desk, bells: Bells) -> Self {
        let Ground { store, directory, clock, settings, .. } = ground.clone();
        let (calendars, address) = (Calendars::Google(google.clone()), settings.server_url.route(ROUTE));
        Self { google, calendars, desk, store, directory, clock, address, bells, reading: Arc::new(Semaphore::new(MAX_READING)) }
    }

    /// Follows for ever: starts with calendars as they come, and stops with those that nobody wants any more.
    pub async fn run(self) {
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<Place, AbortHandle> = BTreeMap::new();
        let mut tick = tokio::time::interval(LOOK);
        let mut looks = 0_u32;
        loop {
            tick.tick().await;
            let wanted: BTreeSet<Place> = self.directory.all().flat_map(|profile| self.desk.places_of(&profile)).collect();
            let before = running.len();
            running.retain(|place, task| {
                let stays = wanted.contains(place) && !task.is_finished();
                if !stays {
                    task.abort();
                    self.bells.take_down(place);
                }
                stays
            });
            let somebody_left = running.len() < before;
            for place in &wanted {
                if !running.contains_key(place) {
                    let bell = self.bells.hang(place);
                    running.insert(place.clone(), tasks.spawn(self.clone().follow(place.clone(), bell)));
                }
            }
            while tasks.try_join_next().is_some() {}
            if somebody_left || looks.is_multiple_of(LOOKS_BETWEEN_SWEEPS) {
                self.sweep(&wanted).await;
            }
            looks = looks.wrapping_add(1);
        }
    }

    /// Forgets what is kept of calendars that nobody wants any more.
    async fn sweep(&self, wanted: &BTreeSet<Place>) {
        let forget = async {
            for (business, calendar) in self.store.followed_places().await? {
                let place = Place { business, calendar };
                if !wanted.contains(&place) {
                    self.upkeep().close_all(&place).await?;
                    self.store.forget_followed(&place.business, &place.calendar).await?;
                    tracing::info!(business = %place.business, calendar = shown(place.calendar.as_str()), "a calendar is not followed any more");
                }
            }
            Ok::<(), store::Error>(())
        };
        if let Err(error) = forget.await {
            tracing::error!(%error, "calendars that are not followed any more could not be forgotten");
        }
    }

    fn upkeep(&self) -> Upkeep {
        Upkeep::new(self.google.clone(), self.store.clone(), self.clock.clone(), self.address.clone())
    }

    async fn follow(self, place: Place, bell: Arc<Notify>) {
        let (mut upkeep, mut rhythm) = (self.upkeep(), Pace::new(self.clock.clone()));
        // Whatever was called out before this start, nobody heard it.
        let mut was_rung = true;
        let (mut known, mut last) = (None, Reading::Done);
        loop {
            if !was_rung && let Some(due) = self.was_read_elsewhere(&place, &mut known).await {
                rhythm.put_off_to(due);
            } else {
                rhythm.begins();
                // Before it is read: from then on every change is called out. Where nothing can be read, nothing is asked for.
                if last != Reading::Failed
                    && let Err(error) = upkeep.look_after(&place).await
                {
                    tracing::error!(business = %place.business, %error, "a push channel could not be looked after");
                }
                let reading = self.read(&place, &mut known, last).await;
                if last == Reading::Failed && reading != Reading::Failed {
                    upkeep.ask_again();
                }
                rhythm.ended(reading);
                last = reading;
            }
            was_rung = rhythm.rest(&bell).await;
        }
    }

    /// When the next reading is due, if another copy of the server has read this calendar in the meantime.
    async fn was_read_elsewhere(&self, place: &Place, known: &mut Option<String>) -> Option<OffsetDateTime> {
        // What fails here fails again when it is read, and is reported then.
        let row = self.store.followed(&place.business, &place.calendar).await.ok().flatten()?;
        if row.poll_at <= self.clock.now() {
            return None;
        }
        if known.as_ref() != Some(&row.sync_token) {
            self.calendars.forget_busy_here(place);
            *known = Some(row.sync_token);
        }
        Some(row.poll_at)
    }

    async fn read(&self, place: &Place, known: &mut Option<String>, last: Reading) -> Reading {
        let Ok(_turn) = self.reading.acquire().await else { return Reading::Failed };
        match self.read_on(place, known).await {
            Ok(reading) => reading,
            Err(trouble) => {
                // Once for each time that it begins to fail: the calls themselves are in the log, and health tells of it.
                if last != Reading::Failed {
                    tracing::warn!(business = %place.business, calendar = shown(place.calendar.as_str()), cause = %trouble, "a calendar cannot be followed now");
                }
                Reading::Failed
            }
        }
    }

    /// Reads the calendar on from where it was read last, and follows what was changed.
    async fn read_on(&self, place: &Place, known: &mut Option<String>) -> Result<Reading, Trouble> {
        let profile = self.directory.by_slug(&place.business).ok_or(Trouble::NoBusiness)?;
        let (now, mut begun_at) = (self.clock.now(), None);
        for _round in 0..MAX_ROUNDS {
            let stored = self.store.followed(&place.business, &place.calendar).await?.map(|row| row.sync_token);
            let asked = begun_at.get_or_insert_with(|| stored.clone());
            let (changes, is_whole) = match self.google.changes(place, asked.as_deref()).await {
                Ok(changes) => (changes, asked.is_none()),
                Err(ChangesError::SyncTokenDead) => {
                    tracing::info!(business = %place.business, calendar = shown(place.calendar.as_str()), "a calendar is read from the start again");
                    *asked = None;
                    (self.whole(place).await?, true)
                }
                Err(ChangesError::Fault(fault)) => return Err(fault.into()),
            };
            // The very first reading shows what stands there, not what has changed.
            if stored.is_some() && (is_whole || !changes.events.is_empty()) {
                self.calendars.forget_busy(place);
            }
            if self.follow_all(&profile, place, &changes, is_whole).await? == Followed::Later {
                return Ok(Reading::Unsettled);
            }
            let row = FollowedRow { sync_token: changes.next, poll_at: now + POLL, synced_at: Some(now) };
            if self.store.keep_followed(&place.business, &place.calendar, stored.as_deref(), &row).await? {
                *known = Some(row.sync_token);
                return Ok(Reading::Done);
            }
            // Another copy has read on meanwhile, and what was written here may be older than what it wrote: everything since
            // the same beginning is read and followed once more, as it is now.
        }
        Err(Trouble::Contended)
    }

    async fn whole(&self, place: &Place) -> Result<Changes, Fault> {
        self.google.changes(place, None).await.map_err(|error| match error {
            ChangesError::Fault(fault) => fault,
            ChangesError::SyncTokenDead => Fault::Unknown(error.to_string()),
        })
    }

    /// [`Followed::Later`] if something in it must be heard again.
    async fn follow_all(
        &self,
        profile: &Profile,
        place: &Place,
        changes: &Changes,
        is_whole: bool,
    ) -> Result<Followed, store::Error> {
        let mut all = Followed::Ours;
        for changed in &changes.events {
            let mut followed = self.desk.follow(profile, place, &changed.event).await?;
            // What stood there before we looked is no news.
            if followed == Followed::Foreign && changed.blocks && !is_whole {
                followed = self.desk.warn_of_overlaps(profile, place, &changed.event).await?;
            }
            if followed == Followed::Later {
                all = Followed::Later;
            }
        }
        if is_whole {
            let shown: BTreeSet<EventId> = changes.events.iter().map(|changed| changed.event.id.clone()).collect();
            if self.desk.reconcile(profile, place, &shown).await? == Followed::Later {
                all = Followed::Later;
            }
        }
        Ok(all)
    }
}
