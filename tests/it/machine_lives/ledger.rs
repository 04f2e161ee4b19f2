//! The ledger that two copies of the program share, simulated: a move is made only over the row as its mover has read it.
//! What was said to callers is noted beside it and held against it.

use ringbook::booking::machine::{Happened, Looked, Standing, is_finished};
use ringbook::names::{BookingState, Seen};

use super::Row;
use super::world::{Entry, World};

/// What a caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Booked,
    Nothing,
    Arranging,
}

/// The row, and what came of it.
#[derive(Debug)]
pub struct Ledger {
    pub row: Row,
    /// When it was moved last.
    pub touched: u64,
    /// A look saw the time taken, and that was kept.
    lost: bool,
    /// How often an outcome was told that had been promised.
    told: u32,
    said_nothing: bool,
}

impl Ledger {
    pub fn new(now: u64) -> Self {
        let Standing { state, generation, in_doubt, seen, .. } = Standing::claimed();
        let row = Row { state, generation, in_doubt, seen, missing_since: None, promised: false };
        Self { row, touched: now, lost: false, told: 0, said_nothing: false }
    }

    pub fn is_finished(&self) -> bool {
        is_finished(self.row.state)
    }

    /// Makes a move if the row is still as it was read; whether the caller was promised something changes nothing about that.
    pub fn moved(&mut self, was: &Row, next: &Row, why: Option<Happened>, world: &World) -> bool {
        if (Row { promised: was.promised, ..self.row }) != *was {
            return false;
        }
        assert!(!self.is_finished(), "what is decided stays decided: {next:?}");
        self.row = Row { promised: self.row.promised, ..*next };
        self.touched = world.now;
        if self.row.state == BookingState::Confirmed {
            // A person may have taken it out again since it was seen.
            let entry = world.entries.get(&next.generation);
            assert!(matches!(entry, Some(Entry::Ours | Entry::Deleted)), "confirmed without an event: {entry:?}");
            assert_eq!(next.seen, Seen::Free, "confirmed without a look");
            assert!(!self.lost, "confirmed after somebody else was seen to have the time");
        }
        self.lost |= matches!(why, Some(Happened::Look(Looked::Taken) | Happened::Both(Looked::Taken, _)));
        self.told += u32::from(self.is_finished() && self.row.promised);
        true
    }

    /// Promises the outcome; `false` when it is decided already.
    pub fn promise(&mut self) -> bool {
        let is_open = matches!(self.row.state, BookingState::Claimed | BookingState::Inserting);
        self.row.promised |= is_open;
        is_open
    }

    /// Notes what a caller was told.
    pub fn say(&mut self, said: Said) {
        match said {
            Said::Booked => assert_eq!(self.row.state, BookingState::Confirmed, "told as booked"),
            Said::Nothing => self.said_nothing = true,
            Said::Arranging => assert!(self.row.promised, "told as being arranged"),
        }
    }

    /// What must hold at every moment.
    pub fn hold_true(&self, world: &World) {
        let ours = world.entries.values().filter(|entry| **entry == Entry::Ours).count();
        assert!(ours <= 1, "two events of one booking: {:?}", world.entries);
        let is_confirmed = self.row.state == BookingState::Confirmed;
        assert!(!(is_confirmed && self.said_nothing), "a caller was told that nothing is booked");
        assert_eq!(self.told, u32::from(self.is_finished() && self.row.promised), "an outcome is told once to who waits for it");
        if self.row.state == BookingState::Released {
            assert_eq!(ours, 0, "released, and an event is left behind");
            let arrives = world.under_way.iter().any(|(_, id)| !world.entries.contains_key(id));
            assert!(!arrives, "released, and an event is still to arrive");
        }
    }
}
