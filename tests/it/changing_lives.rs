//! Thousands of lives of a change: an appointment is moved or cancelled while requests are lost and come late, people edit the
//! event, and the server dies at any step. A seed is a life; a failure names it.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ringbook::booking::machine::Looked;
use ringbook::booking::machine::changing::{Aim, Changing, End, Met, Step};

const LIVES: u64 = 10_000;
/// The longest that a request may be on its way, and how long is waited until it cannot be any more.
const LONGEST_WAY: u64 = 44;
const LONG_AGO: u64 = 60;
/// After so many settlings in a calm world every change must have come to its end.
const MAX_SETTLINGS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    AsBefore,
    AsWished,
    Elsewhere,
    Gone,
}

/// The event, the requests on their way to it, and everybody else who edits it. Times are seconds.
struct World {
    random: StdRng,
    now: u64,
    stands: Stands,
    etag: u32,
    under_way: Vec<(u64, u32)>,
    taken: bool,
    calm: bool,
}

impl World {
    fn chance(&mut self, one_in: u32) -> bool {
        !self.calm && self.random.random_ratio(1, one_in)
    }

    fn pass(&mut self, seconds: u64, aim: Aim) {
        self.now += seconds;
        let now = self.now;
        for (_, etag) in self.under_way.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            self.arrives(etag, aim);
        }
        if self.chance(12) && self.stands != Stands::Gone {
            self.etag += 1;
            self.stands = match self.random.random_range(0..4) {
                0 => Stands::Elsewhere,
                1 => Stands::Gone,
                // Only its texts.
                _ => self.stands,
            };
        }
        self.taken ^= self.chance(10);
    }

    fn arrives(&mut self, etag: u32, aim: Aim) -> bool {
        let counts = etag == self.etag && self.stands != Stands::Gone;
        if counts {
            self.etag += 1;
            self.stands = if aim == Aim::Move { Stands::AsWished } else { Stands::Gone };
        }
        counts
    }

    /// A request under this etag, and what its sender hears of it.
    fn send(&mut self, etag: u32, aim: Aim) -> Met {
        if self.chance(6) {
            return Met::NotDone;
        }
        if self.chance(4) {
            let late = self.random.random_range(0..=LONGEST_WAY);
            self.under_way.push((self.now + late, etag));
            return Met::Unknown;
        }
        if self.stands == Stands::Gone {
            return if aim == Aim::Cancel { Met::Gone } else { Met::Edited };
        }
        let counts = self.arrives(etag, aim);
        match (counts, self.chance(5), aim) {
            (true, true, _) => Met::Unknown,
            (true, false, Aim::Move) => Met::Done,
            (true, false, Aim::Cancel) => Met::Gone,
            (false, ..) => Met::Edited,
        }
    }
}

/// What the ledger keeps of a change.
struct Ledger {
    etag: u32,
    sent_at: u64,
    promised: bool,
}

/// One drive, until it ends, leaves it, or dies.
fn drive(world: &mut World, ledger: &mut Ledger, mut known: u32, standing: Changing) -> Option<End> {
    let aim = standing.aim;
    let mut noted = !standing.in_doubt;
    let (mut standing, mut step) = standing.take_up();
    for _ in 0..24 {
        match step {
            Step::End(_) | Step::LeaveForLater if world.chance(30) => return None,
            Step::End(end) => return Some(end),
            Step::LeaveForLater => return None,
            Step::Look | Step::Send | Step::Get => {}
        }
        let seconds = world.random.random_range(0..3);
        world.pass(seconds, aim);
        if world.chance(30) {
            return None;
        }
        let met = match step {
            Step::Look if world.chance(8) => Met::Look(Looked::Unknown),
            Step::Look => Met::Look(if world.taken { Looked::Taken } else { Looked::Free }),
            Step::Send => {
                if !noted || known != ledger.etag {
                    (ledger.etag, ledger.sent_at) = (known, world.now);
                }
                noted = false;
                world.send(known, aim)
            }
            Step::Get if world.chance(6) => Met::FoundUnknown,
            Step::Get => {
                known = world.etag;
                match world.stands {
                    Stands::Gone => Met::Gone,
                    Stands::AsWished if aim == Aim::Move => Met::FoundAsWished,
                    Stands::AsBefore => {
                        let for_long = world.now - ledger.sent_at >= LONG_AGO;
                        Met::FoundAsBefore { edited: known != ledger.etag, for_long }
                    }
                    _ => Met::FoundElsewhere,
                }
            }
            Step::End(_) | Step::LeaveForLater => return None,
        };
        (standing, step) = standing.after(met);
    }
    None
}

fn live(seed: u64) -> End {
    let mut random = StdRng::seed_from_u64(seed);
    let aim = if random.random_ratio(1, 2) { Aim::Move } else { Aim::Cancel };
    let taken = random.random_ratio(1, 6);
    let mut world = World { random, now: 1_000, stands: Stands::AsBefore, etag: 1, under_way: Vec::new(), taken, calm: false };
    let mut ledger = Ledger { etag: 1, sent_at: world.now, promised: false };
    let mut ended = drive(&mut world, &mut ledger, 1, Changing::begun(aim));
    ledger.promised = ended.is_none() && world.random.random_ratio(1, 2);
    for settling in 0..MAX_SETTLINGS {
        if ended.is_some() {
            break;
        }
        world.calm = settling > 6;
        let pause = world.random.random_range(5..70);
        world.pass(pause, aim);
        // As the shell has it: what it knows of the event is the etag under which it was asked last.
        let (known, promised) = (ledger.etag, ledger.promised);
        ended = drive(&mut world, &mut ledger, known, Changing::left(aim, promised));
    }
    let end = ended.unwrap_or_else(|| panic!("seed {seed}: it never ends"));
    let stands_as_said = match (end, aim) {
        (End::Done, Aim::Move) => world.stands == Stands::AsWished,
        (End::Done, Aim::Cancel) | (End::Gone, _) => world.stands == Stands::Gone,
        (End::Elsewhere, _) => matches!(world.stands, Stands::Elsewhere | Stands::AsWished),
        (End::Taken | End::Unchanged, _) => world.stands != Stands::AsWished,
    };
    assert!(stands_as_said, "seed {seed}: {end:?} of {aim:?}, and it stands {:?}", world.stands);
    let still_counts = world.under_way.iter().any(|(_, etag)| *etag == world.etag) && world.stands != Stands::Gone;
    assert!(!still_counts, "seed {seed}: {end:?} of {aim:?} is said, and a request of ours may still change the event");
    assert!(end != End::Unchanged || aim == Aim::Move || !ledger.promised || world.stands != Stands::Gone, "seed {seed}");
    end
}

#[test]
fn ten_thousand_changes_end_as_it_is_said_and_nothing_of_ours_arrives_after_that() {
    let ends: Vec<End> = (0..LIVES).map(live).collect();
    for end in [End::Done, End::Taken, End::Unchanged, End::Elsewhere, End::Gone] {
        let share = ends.iter().filter(|other| **other == end).count();
        assert!(share > 50, "{end:?} comes {share} times only: the world is too kind");
    }
}

#[test]
fn one_seed_lives_one_life() {
    for seed in 0..200 {
        assert_eq!(live(seed), live(seed), "seed {seed}");
    }
}
