//! The calendar, the network and the people who use it, simulated: what happens is drawn from one seed. It knows nothing of
//! what was decided.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ringbook::booking::machine::{Happened, Looked, Sent};

/// What stands under an id in the simulated calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Ours,
    Deleted,
    Foreign,
}

/// The calendar, the network and the people who use it. Times are seconds.
pub struct World {
    pub random: StdRng,
    pub now: u64,
    pub entries: BTreeMap<u32, Entry>,
    /// When an entry is shown, even where the calendar keeps it already.
    shown_at: BTreeMap<u32, u64>,
    /// Inserts on their way: when they arrive, and under which generation's id.
    pub under_way: Vec<(u64, u32)>,
    /// Somebody else has the time.
    taken: bool,
    /// Nothing goes wrong any more.
    pub calm: bool,
    /// The calendar says no to every insert.
    pub read_only: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let entries = (0..4).filter(|_| random.random_ratio(1, 12)).map(|id| (id, Entry::Foreign)).collect();
        let taken = random.random_ratio(1, 8);
        let now = 1_000;
        Self { random, now, entries, shown_at: BTreeMap::new(), under_way: Vec::new(), taken, calm: false, read_only: false }
    }

    pub fn chance(&mut self, one_in: u32) -> bool {
        !self.calm && self.random.random_ratio(1, one_in)
    }

    /// Lets time pass: inserts arrive, people come by.
    pub fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        for (_, id) in self.under_way.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            self.entries.entry(id).or_insert(Entry::Ours);
        }
        self.people();
    }

    fn shown(&self, id: u32) -> Option<Entry> {
        let is_shown = self.shown_at.get(&id).is_none_or(|at| *at <= self.now);
        self.entries.get(&id).copied().filter(|entry| is_shown || *entry != Entry::Ours)
    }

    pub fn has_event_of_ours(&self) -> bool {
        self.entries.values().any(|entry| *entry == Entry::Ours)
    }

    /// What stands there beside the event with this id.
    pub fn look(&mut self, id: u32) -> Looked {
        if self.chance(8) {
            return Looked::Unknown;
        }
        let other_of_ours = (0..4).any(|other| other != id && self.shown(other) == Some(Entry::Ours));
        if self.taken || other_of_ours { Looked::Taken } else { Looked::Free }
    }

    /// Both at once: either may come first, and a person may come in between.
    pub fn both(&mut self, id: u32) -> Happened {
        if self.random.random_ratio(1, 2) {
            let looked = self.look(id);
            self.somebody_comes_by();
            return Happened::Both(looked, self.insert(id));
        }
        let sent = self.insert(id);
        self.somebody_comes_by();
        Happened::Both(self.look(id), sent)
    }

    /// Somebody writes an event of their own at that time, or takes it away.
    fn somebody_comes_by(&mut self) {
        if self.chance(12) {
            self.taken = !self.taken;
        }
    }

    /// People edit the calendar.
    fn people(&mut self) {
        self.somebody_comes_by();
        let ours: Vec<u32> = self.entries.iter().filter(|(_, entry)| **entry == Entry::Ours).map(|(id, _)| *id).collect();
        for id in ours {
            if self.chance(25) {
                self.entries.insert(id, Entry::Deleted);
            }
        }
    }

    pub fn insert(&mut self, id: u32) -> Sent {
        if self.read_only || self.chance(12) {
            return Sent::Refused;
        }
        if self.chance(10) {
            return Sent::NotSent;
        }
        if self.chance(3) {
            // The answer is lost. It may have arrived, may still arrive, or never will; no insert is under way for a
            // minute, what a program may take to send it and the calendar to show it included.
            if !self.random.random_ratio(1, 3) {
                let transit = self.random.random_range(0..25);
                self.under_way.push((self.now + transit, id));
                let lag = self.random.random_range(0..20);
                self.shown_at.entry(id).or_insert(self.now + transit + lag);
            }
            return Sent::Unknown;
        }
        if self.entries.contains_key(&id) {
            return Sent::Duplicate;
        }
        self.entries.insert(id, Entry::Ours);
        Sent::Placed
    }

    pub fn get(&mut self, id: u32, for_long: bool) -> Happened {
        if self.chance(8) {
            return Happened::FoundUnknown;
        }
        match self.shown(id) {
            Some(Entry::Ours) => Happened::FoundOurs,
            Some(Entry::Deleted) => Happened::FoundDeleted,
            Some(Entry::Foreign) => Happened::FoundForeign,
            None => Happened::FoundNothing { for_long },
        }
    }

    pub fn delete(&mut self, id: u32, for_long: bool) -> Happened {
        if self.chance(5) {
            return Happened::DeleteUnknown;
        }
        match self.shown(id) {
            Some(Entry::Foreign) => panic!("the event of somebody else was deleted"),
            Some(_) => {
                self.entries.insert(id, Entry::Deleted);
                if self.chance(4) { Happened::DeleteUnknown } else { Happened::DeleteDone }
            }
            None => Happened::DeleteNothing { for_long },
        }
    }
}
