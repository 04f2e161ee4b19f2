//! The decisions of a booking: every history that one drive can have, and ten thousand lives of a booking in a simulated
//! world in which answers are lost, inserts arrive late, people edit the calendar and the program dies at any step.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ringbook::booking::machine::{Action, Happened, Standing};
use ringbook::names::BookingState;

/// As many steps as a drive takes at most.
const MAX_STEPS: usize = 24;
const STATES: [BookingState; 8] = [
    BookingState::Claimed,
    BookingState::Inserting,
    BookingState::Confirmed,
    BookingState::Compensating,
    BookingState::Moving,
    BookingState::Cancelling,
    BookingState::Cancelled,
    BookingState::Released,
];

/// Everything that the shell can see after it did this; nothing follows what ends a drive.
fn outcomes(action: Action) -> Vec<Happened> {
    match action {
        Action::Look => vec![Happened::LookFree, Happened::LookTaken, Happened::LookUnknown],
        Action::Insert => vec![
            Happened::InsertPlaced,
            Happened::InsertDuplicate,
            Happened::InsertRefused,
            Happened::InsertNotSent,
            Happened::InsertUnknown,
        ],
        Action::Get => vec![
            Happened::FoundOurs,
            Happened::FoundDeleted,
            Happened::FoundForeign,
            Happened::FoundNothing { for_long: false },
            Happened::FoundNothing { for_long: true },
            Happened::FoundUnknown,
        ],
        Action::Delete => vec![
            Happened::DeleteDone,
            Happened::DeleteNothing { for_long: false },
            Happened::DeleteNothing { for_long: true },
            Happened::DeleteUnknown,
        ],
        Action::TellBooked | Action::TellTaken | Action::TellUnreachable | Action::LeaveForLater => Vec::new(),
    }
}

fn everything() -> Vec<Happened> {
    [Action::Look, Action::Insert, Action::Get, Action::Delete].into_iter().flat_map(outcomes).collect()
}

/// Every standing in which work can be taken up.
fn beginnings() -> Vec<Standing> {
    let mut all = vec![Standing::claimed()];
    for state in STATES {
        for (generation, in_doubt, wanted) in
            (0..=4).flat_map(|g| [(g, false), (g, true)].map(|(g, d)| [(g, d, false), (g, d, true)])).flatten()
        {
            all.push(Standing { state, generation, in_doubt, inserts: 0, wanted });
        }
    }
    all
}

/// How many steps may follow; `None` when they never end.
fn longest(standing: Standing, action: Action, known: &mut HashMap<(Standing, Action), Option<usize>>) -> Option<usize> {
    if let Some(steps) = known.get(&(standing, action)) {
        return *steps;
    }
    known.insert((standing, action), None);
    let mut most = 0;
    for happened in outcomes(action) {
        let (next, then) = standing.after(happened);
        most = most.max(1 + longest(next, then, known)?);
    }
    known.insert((standing, action), Some(most));
    Some(most)
}

#[test]
fn every_drive_ends_well_within_its_bound_whatever_the_calendar_says() {
    let mut known = HashMap::new();
    for standing in beginnings() {
        let steps = longest(standing, standing.take_up(), &mut known);
        assert!(steps.is_some_and(|steps| steps < MAX_STEPS), "{standing:?} takes {steps:?} steps");
    }
    assert!(known.len() > 100, "the machine was walked through: {}", known.len());
}

#[test]
fn every_state_has_an_answer_to_whatever_happens() {
    for standing in beginnings() {
        for happened in everything() {
            let (next, then) = standing.after(happened);
            let told = (standing, happened, next, then);
            match then {
                Action::TellBooked => assert!(next.state.is_live() && next.state != BookingState::Compensating, "{told:?}"),
                Action::Insert => {
                    assert_eq!((next.state, next.inserts), (BookingState::Inserting, standing.inserts + 1), "{told:?}")
                }
                Action::Delete => assert_eq!(next.state, BookingState::Compensating, "{told:?}"),
                Action::TellUnreachable => assert_eq!(next.state, BookingState::Released, "{told:?}"),
                Action::Look | Action::Get | Action::TellTaken | Action::LeaveForLater => {}
            }
            if matches!(standing.state, BookingState::Released | BookingState::Cancelled | BookingState::Confirmed) {
                assert_eq!(next, standing, "what is decided stays decided: {told:?}");
            }
        }
    }
}

#[test]
fn confirmed_is_reached_over_an_event_that_was_seen_and_over_nothing_else() {
    for standing in beginnings() {
        for happened in everything() {
            let (next, _) = standing.after(happened);
            if next.state == BookingState::Confirmed && standing.state != BookingState::Confirmed {
                assert!(matches!(happened, Happened::InsertPlaced | Happened::FoundOurs), "{standing:?} {happened:?}");
                assert_eq!(standing.state, BookingState::Inserting);
            }
        }
    }
}

#[test]
fn nothing_is_inserted_but_right_after_a_look_that_saw_the_time_free() {
    for standing in beginnings() {
        assert_ne!(standing.take_up(), Action::Insert);
        for happened in everything() {
            if standing.after(happened).1 == Action::Insert {
                assert!(happened == Happened::LookFree && standing.wanted, "{standing:?} {happened:?}");
            }
        }
    }
}

#[test]
fn a_duplicate_that_the_calendar_does_not_show_yet_stays_in_doubt() {
    let (standing, _) = Standing::claimed().after(Happened::LookFree);
    let (standing, then) = standing.after(Happened::InsertDuplicate);
    assert_eq!(then, Action::Get);
    let (standing, _) = standing.after(Happened::FoundNothing { for_long: false });
    let (standing, _) = standing.after(Happened::LookFree);
    let (standing, then) = standing.after(Happened::InsertRefused);
    assert_eq!((standing.state, then), (BookingState::Inserting, Action::Get), "the event of the duplicate may be ours");
}

#[test]
fn nothing_is_made_anew_under_another_id_when_nobody_waits_for_it() {
    let cut_off = Standing { state: BookingState::Inserting, in_doubt: true, wanted: false, ..Standing::claimed() };
    let (standing, then) = cut_off.after(Happened::FoundForeign);
    assert_eq!((standing.state, then), (BookingState::Released, Action::TellUnreachable));
}

/// What stands under an id in the simulated calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Ours,
    Deleted,
    Foreign,
}

/// The calendar, the network and the people who use it. Times are seconds.
struct World {
    random: StdRng,
    now: u64,
    entries: BTreeMap<u32, Entry>,
    /// When an entry is shown, even where the calendar keeps it already.
    shown_at: BTreeMap<u32, u64>,
    /// Inserts on their way: when they arrive, and under which generation's id.
    under_way: Vec<(u64, u32)>,
    /// Somebody else has the time.
    taken: bool,
    /// Nothing goes wrong any more.
    calm: bool,
    /// The calendar says no to every insert.
    read_only: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let entries = (0..4).filter(|_| random.random_ratio(1, 12)).map(|id| (id, Entry::Foreign)).collect();
        let taken = random.random_ratio(1, 8);
        let now = 1_000;
        Self { random, now, entries, shown_at: BTreeMap::new(), under_way: Vec::new(), taken, calm: false, read_only: false }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        !self.calm && self.random.random_ratio(1, one_in)
    }

    /// Lets time pass: inserts arrive, people come by.
    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        for (_, id) in self.under_way.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            self.entries.entry(id).or_insert(Entry::Ours);
        }
        if self.chance(12) {
            self.taken = !self.taken;
        }
        let ours: Vec<u32> = self.entries.iter().filter(|(_, entry)| **entry == Entry::Ours).map(|(id, _)| *id).collect();
        for id in ours {
            if self.chance(25) {
                self.entries.insert(id, Entry::Deleted);
            }
        }
    }

    fn shown(&self, id: u32) -> Option<Entry> {
        let is_shown = self.shown_at.get(&id).is_none_or(|at| *at <= self.now);
        self.entries.get(&id).copied().filter(|entry| is_shown || *entry != Entry::Ours)
    }

    fn has_event_of_ours(&self) -> bool {
        self.entries.values().any(|entry| *entry == Entry::Ours)
    }

    fn look(&mut self) -> Happened {
        if self.chance(8) {
            return Happened::LookUnknown;
        }
        if self.taken { Happened::LookTaken } else { Happened::LookFree }
    }

    fn insert(&mut self, id: u32) -> Happened {
        if self.read_only || self.chance(12) {
            return Happened::InsertRefused;
        }
        if self.chance(10) {
            return Happened::InsertNotSent;
        }
        if self.chance(3) {
            // The answer is lost. It may have arrived, may still arrive, or never will; no insert is under way for a
            // minute, what the calendar needs to show it included.
            if !self.random.random_ratio(1, 3) {
                let transit = self.random.random_range(0..30);
                self.under_way.push((self.now + transit, id));
                let lag = self.random.random_range(0..25);
                self.shown_at.entry(id).or_insert(self.now + transit + lag);
            }
            return Happened::InsertUnknown;
        }
        if self.entries.contains_key(&id) {
            return Happened::InsertDuplicate;
        }
        self.entries.insert(id, Entry::Ours);
        Happened::InsertPlaced
    }

    fn get(&mut self, id: u32, for_long: bool) -> Happened {
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

    fn delete(&mut self, id: u32, for_long: bool) -> Happened {
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

/// The booking as the ledger has it: all that survives a death of the program.
#[derive(Clone, Copy, Debug)]
struct Row {
    state: BookingState,
    generation: u32,
    in_doubt: bool,
    missing_since: Option<u64>,
    promised: bool,
}

/// One booking, from its claim to its end.
struct Life {
    world: World,
    row: Row,
    /// A look saw the time taken, and that was kept.
    lost: bool,
    story: Vec<String>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let row = Row { state: BookingState::Claimed, generation: 0, in_doubt: false, missing_since: None, promised: false };
        Self { world: World::new(seed), row, lost: false, story: Vec::new() }
    }

    /// One drive, as the shell does it; `None` when the program died in the middle of it.
    fn drive(&mut self, wanted: bool) -> Option<Action> {
        let Row { state, generation, in_doubt, .. } = self.row;
        let in_doubt = in_doubt || state == BookingState::Inserting;
        let mut standing = Standing { state, generation, in_doubt, inserts: 0, wanted };
        let mut action = standing.take_up();
        for _ in 0..MAX_STEPS {
            if self.world.chance(30) {
                return None;
            }
            let for_long = self.row.missing_since.is_some_and(|since| self.world.now - since >= 60);
            let happened = match action {
                Action::Look => self.world.look(),
                Action::Insert => self.world.insert(standing.generation),
                Action::Get => self.world.get(standing.generation, for_long),
                Action::Delete => self.world.delete(standing.generation, for_long),
                told => return Some(told),
            };
            if self.world.chance(30) {
                return None;
            }
            let (next, then) = standing.after(happened);
            self.story.push(format!("{} {action:?} {happened:?} {:?} {then:?}", self.world.now, next.state));
            self.keep(standing, next, happened, then);
            (standing, action) = (next, then);
            let seconds = if self.world.calm { 0 } else { self.world.random.random_range(0..8) };
            self.world.pass(seconds);
        }
        panic!("the drive did not end: {:#?}", self.story);
    }

    /// The move into the ledger, and what must hold at this moment.
    fn keep(&mut self, from: Standing, next: Standing, happened: Happened, then: Action) {
        if next.state == BookingState::Confirmed && from.state != BookingState::Confirmed {
            assert_eq!(
                self.world.entries.get(&next.generation),
                Some(&Entry::Ours),
                "confirmed without an event: {:#?}",
                self.story
            );
            assert!(!self.lost, "confirmed after somebody else was seen to have the time: {:#?}", self.story);
        }
        self.lost |= happened == Happened::LookTaken;
        self.row.missing_since = match happened {
            _ if then == Action::Insert => None,
            Happened::FoundNothing { .. } | Happened::DeleteNothing { .. } => self.row.missing_since.or(Some(self.world.now)),
            _ => self.row.missing_since,
        };
        self.row = Row { state: next.state, generation: next.generation, in_doubt: next.in_doubt, ..self.row };
    }

    fn is_finished(&self) -> bool {
        matches!(self.row.state, BookingState::Confirmed | BookingState::Released)
    }

    /// Whoever waits is told; a promise is made where nothing is known yet.
    fn hear(&mut self, told: Option<Action>, waits: bool) {
        match told {
            Some(Action::TellBooked) => assert_eq!(self.row.state, BookingState::Confirmed, "{:#?}", self.story),
            Some(Action::TellUnreachable) => assert_eq!(self.row.state, BookingState::Released, "{:#?}", self.story),
            Some(Action::TellTaken) => {
                let state = self.row.state;
                assert!(matches!(state, BookingState::Released | BookingState::Compensating), "{:#?}", self.story);
            }
            _ if waits && matches!(self.row.state, BookingState::Claimed | BookingState::Inserting) => self.row.promised = true,
            _ => {}
        }
    }

    /// A stormy time, then a calm one in which it must come to rest.
    fn live(&mut self) {
        let mut waits = true;
        for _ in 0..self.world.random.random_range(1..12) {
            let told = self.drive(waits || self.row.promised);
            let pause = if self.world.chance(2) { 5 } else { self.world.random.random_range(0..200) };
            if !self.world.chance(6) {
                self.hear(told, waits);
            }
            if self.is_finished() {
                break;
            }
            // The sweeper comes by, or the same wish again.
            waits = self.world.chance(4);
            self.world.pass(pause);
        }
        self.world.calm = true;
        self.world.read_only = self.world.random.random_ratio(1, 6);
        for _ in 0..6 {
            if !self.is_finished() {
                let told = self.drive(self.row.promised);
                self.hear(told, false);
                self.world.pass(61);
            }
        }
        assert!(self.is_finished(), "it never came to rest: {:?} {:#?}", self.row, self.story);
        self.world.pass(120);
        if self.row.state == BookingState::Released {
            assert!(!self.world.has_event_of_ours(), "released, and an event is left behind: {:#?}", self.story);
        }
    }
}

#[test]
fn ten_thousand_lives_of_a_booking_end_in_what_the_calendar_shows() {
    let mut ends: BTreeMap<(&str, bool, bool), u32> = BTreeMap::new();
    for seed in 0..10_000 {
        let mut life = Life::new(seed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.live()));
        assert!(outcome.is_ok(), "seed {seed}");
        *ends.entry((life.row.state.as_str(), life.row.promised, life.row.generation > 0)).or_default() += 1;
    }
    // All kinds of ends were reached often enough to mean something.
    for state in ["confirmed", "released"] {
        for (promised, renamed) in [(false, false), (true, false), (false, true), (true, true)] {
            let lives = ends.get(&(state, promised, renamed)).copied().unwrap_or_default();
            assert!(lives >= 20, "{state}, promised: {promised}, under another id: {renamed}: {lives} of {ends:?}");
        }
    }
}
