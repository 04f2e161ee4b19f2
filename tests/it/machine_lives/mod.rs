//! Ten thousand lives of a booking in a simulated world in which answers are lost, inserts arrive late, people edit the
//! calendar and the program dies at any step. In `copies` two of the program work on one ledger.

mod copies;
mod ledger;
mod world;

use std::collections::BTreeMap;

use rand::Rng;
use ringbook::booking::machine::{Action, Happened, Looked, Standing, Way};
use ringbook::names::{BookingState, Seen};

use world::{Entry, World};

/// As many steps as a drive takes at most.
const MAX_STEPS: usize = 24;

/// The booking as the ledger has it: all that survives a death of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    state: BookingState,
    generation: u32,
    in_doubt: bool,
    seen: Seen,
    missing_since: Option<u64>,
    promised: bool,
}

/// One booking, from its claim to its end.
struct Life {
    world: World,
    row: Row,
    /// A look saw the time taken, and that was kept.
    lost: bool,
    /// No guest is invited.
    together: bool,
    story: Vec<String>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let Standing { state, generation, in_doubt, seen, .. } = Standing::claimed();
        let row = Row { state, generation, in_doubt, seen, missing_since: None, promised: false };
        let mut world = World::new(seed);
        let together = world.random.random_ratio(3, 4);
        Self { world, row, lost: false, together, story: Vec::new() }
    }

    /// One drive, as the shell does it; `None` when the program died in the middle of it.
    fn drive(&mut self, wanted: bool) -> Option<Action> {
        let Row { state, generation, in_doubt, seen, .. } = self.row;
        let in_doubt = in_doubt || state == BookingState::Inserting;
        let way = if self.together && !self.world.chance(3) { Way::Together } else { Way::LookFirst };
        let taken_up = Standing { state, generation, in_doubt, seen, inserts: 0, wanted, way, hurried: !self.row.promised };
        let (mut standing, mut action) = taken_up.take_up();
        self.note(standing);
        for _ in 0..MAX_STEPS {
            if self.world.chance(30) {
                return None;
            }
            let for_long = self.row.missing_since.is_some_and(|since| self.world.now - since >= 60);
            let happened = match action {
                Action::Look => Happened::Look(self.world.look(standing.generation)),
                Action::Insert => Happened::Insert(self.world.insert(standing.generation)),
                Action::LookAndInsert => self.world.both(standing.generation),
                Action::Get => self.world.get(standing.generation, for_long),
                Action::Delete => self.world.delete(standing.generation, for_long),
                told => return Some(told),
            };
            if self.world.chance(30) {
                return None;
            }
            standing.hurried &= !self.world.chance(4);
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
            assert_eq!(next.seen, Seen::Free, "confirmed without a look: {:#?}", self.story);
            assert!(!self.lost, "confirmed after somebody else was seen to have the time: {:#?}", self.story);
        }
        self.lost |= matches!(happened, Happened::Look(Looked::Taken) | Happened::Both(Looked::Taken, _));
        self.row.missing_since = match happened {
            _ if matches!(then, Action::Insert | Action::LookAndInsert) => None,
            Happened::FoundNothing { .. } | Happened::DeleteNothing { .. } => self.row.missing_since.or(Some(self.world.now)),
            _ => self.row.missing_since,
        };
        self.note(next);
    }

    fn note(&mut self, Standing { state, generation, in_doubt, seen, .. }: Standing) {
        self.row = Row { state, generation, in_doubt, seen, ..self.row };
    }

    fn is_finished(&self) -> bool {
        matches!(self.row.state, BookingState::Confirmed | BookingState::Released)
    }

    /// Whoever waits is told; a promise is made where nothing is known yet.
    fn hear(&mut self, told: Option<Action>, waits: bool) {
        match told {
            Some(Action::TellBooked) => assert_eq!(self.row.state, BookingState::Confirmed, "{:#?}", self.story),
            Some(Action::TellUnreachable) => {
                let is_given_up = matches!(self.row.state, BookingState::Released | BookingState::Compensating);
                assert!(is_given_up || self.row.seen == Seen::Hidden, "{:#?}", self.story);
            }
            Some(Action::TellTaken) => {
                let is_given_up = matches!(self.row.state, BookingState::Released | BookingState::Compensating);
                assert!(is_given_up || self.row.seen == Seen::Taken, "{:#?}", self.story);
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
