//! Deciding, then acting: what is open, and the one way in which a time becomes a job. Decisions are pure (`machine`,
//! `when.rs`); the shell around them asks the calendar, keeps the ledger and never holds a transaction across a call.

mod again;
pub mod book;
mod callers;
pub mod change;
pub mod check;
pub mod correct;
mod drive;
pub mod error;
pub mod follow;
mod identity;
pub mod introduction;
pub mod look_back;
pub mod machine;
pub mod order;
mod standing;
pub mod survey;
pub mod when;
pub mod words;

use std::time::Duration;

use crate::business::profile::{Profile, Technician};
use crate::calendar::{Calendars, Place};
use crate::clock::{Clock, Stopwatch};
use crate::ground::Ground;
use crate::inflight::InFlight;
use crate::names::{BookingId, Phone, Slug};
use crate::store::Store;
use drive::Verdict;

/// How often a server that is about to end looks whether the last booking is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many bookings may be under way at once.
const CAPACITY: usize = 2_000;

/// Where bookings are made. Clones share it.
#[derive(Clone, Debug)]
pub struct Desk {
    store: Store,
    calendars: Calendars,
    clock: Clock,
    drives: InFlight<BookingId, Verdict>,
    changes: InFlight<BookingId, change::Verdict>,
    tries: change::Tries,
    warming: InFlight<Slug, ()>,
}

/// Who is calling, as far as the signalling tells.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The number that the call comes from; `None` when it is withheld.
    pub signalled: Option<Phone>,
    /// Vapi's name of the call, else its `CallSid`.
    pub call_id: Option<String>,
}

/// What stands in the way of bookings.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// In words.
    pub what: String,
    /// Whether nobody can be booked at all; otherwise somebody's calendar can still be read.
    pub blocks: bool,
}

impl Desk {
    /// The desk of this ground.
    #[must_use]
    pub fn new(ground: &Ground, calendars: Calendars) -> Self {
        let Ground { store, clock, runtime, .. } = ground.clone();
        let drives = InFlight::new(runtime.clone(), CAPACITY);
        let changes = InFlight::new(runtime.clone(), CAPACITY);
        let warming = InFlight::new(runtime, CAPACITY);
        Self { store, calendars, clock, drives, changes, tries: change::Tries::default(), warming }
    }

    /// Waits until no booking is under way, at most `limit`.
    pub async fn come_to_rest(&self, limit: Duration) {
        let started = Stopwatch::start();
        while self.drives.running() + self.changes.running() > 0 && !started.left_of(limit).is_zero() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What stands in the way of bookings at this business now; `None` when nothing does.
    pub async fn probe(&self, profile: &Profile) -> Option<Obstacle> {
        let places = self.places_of(profile);
        let faults = self.calendars.probe(&places, self.clock.now()).await;
        let blocks = faults.len() >= places.len();
        let unreadable = faults.first().map(|fault| Obstacle { what: fault.to_string(), blocks });
        let unchosen = profile.technicians.len() - places.len();
        unreadable.or_else(|| (unchosen > 0).then(|| self.unchosen(profile, unchosen, blocks)))
    }

    fn unchosen(&self, profile: &Profile, how_many: usize, blocks: bool) -> Obstacle {
        let what = self.calendars.unconnected(&profile.slug).unwrap_or_else(|| {
            format!("{how_many} of {} have no calendar yet: the owner chooses it in the browser", profile.technicians.len())
        });
        Obstacle { what, blocks }
    }

    /// The calendars of everybody at this business who has one.
    #[must_use]
    pub fn places_of(&self, profile: &Profile) -> Vec<Place> {
        profile.technicians.iter().filter_map(|technician| self.place_of(profile, technician)).collect()
    }

    /// The calendar of a technician: the one that the file names, else the owner's choice; `None` while there is neither.
    fn place_of(&self, profile: &Profile, technician: &Technician) -> Option<Place> {
        let named = technician.calendar.clone();
        let calendar = named.or_else(|| self.calendars.chosen(&profile.slug, &technician.id))?;
        Some(Place { business: profile.slug.clone(), calendar })
    }
}
