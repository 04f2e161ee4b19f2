//! The same rules, written down once more, over days that are made by chance.

use std::time::Duration;

use proptest::prelude::*;
use ringbook::scheduling::board::{Board, Member, Sight, reach};
use ringbook::scheduling::busy::Span;
use ringbook::scheduling::hours::{Opening, WallSpan, Week};
use ringbook::scheduling::slots::{Held, MAX_OFFERS, Reason, Refusal, Rules, Slot};
use ringbook::scheduling::zone::Zone;
use time::macros::date;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::{wall, zone};

/// Everything that decides, made by chance.
#[derive(Clone, Debug)]
struct Scene {
    zone: &'static str,
    date: Date,
    now: OffsetDateTime,
    rules: Rules,
    duration: Duration,
    window: Option<WallSpan>,
    wanted: Option<usize>,
    crew: Vec<(Opening, Option<Vec<Span>>, Vec<Span>)>,
}

impl Scene {
    fn board<'a>(&'a self, zone: &'a Zone) -> Board<'a> {
        let sight =
            |busy: &Option<Vec<Span>>| busy.as_ref().map_or(Sight::Unknown, |busy| Sight::Known(busy.iter().copied().collect()));
        let crew =
            self.crew.iter().map(|(opening, busy, jobs)| Member { opening, calendar: sight(busy), jobs: jobs.clone() }).collect();
        let asked = reach(zone, &self.rules, self.now, self.date);
        Board {
            zone,
            rules: self.rules,
            now: self.now,
            duration: self.duration,
            asked,
            crew,
            wanted: self.wanted,
            held: Held::new(),
        }
    }

    /// By the rules of the contract, without anything of the board: who could do the job then.
    fn who(&self, zone: &Zone, start: OffsetDateTime) -> Vec<usize> {
        let (date, today) = (zone.date(start), zone.date(self.now));
        let job = Span::starting(start, self.duration);
        let blocked = Span::starting(start, self.duration + self.rules.buffer);
        if start < self.now + self.rules.minimum_notice || date > today + time::Duration::days(i64::from(self.rules.horizon_days))
        {
            return Vec::new();
        }
        let that_day = |jobs: &[Span]| jobs.iter().filter(|job| zone.date(job.start) == date).count();
        let mut free: Vec<(usize, usize)> = Vec::new();
        for (index, (opening, busy, jobs)) in self.crew.iter().enumerate() {
            let full = self.rules.max_jobs_per_day != 0 && that_day(jobs) >= self.rules.max_jobs_per_day as usize;
            let Some(busy) = busy else { continue };
            let clear = busy.iter().all(|span| !span.overlaps(&job)) && jobs.iter().all(|span| !span.overlaps(&blocked));
            let open = opening.on(date).spans.iter().any(|wall| fits(zone, *wall, job));
            if !full && clear && open && self.wanted.is_none_or(|wanted| wanted == index) {
                free.push((that_day(jobs), index));
            }
        }
        free.sort_unstable();
        free.into_iter().map(|(_, index)| index).collect()
    }

    /// Whether a step of somebody's hours begins then, and the wall clock shows it for the first time.
    fn is_on_grid(&self, zone: &Zone, start: OffsetDateTime) -> bool {
        let local = zone.civil(start);
        let minute = zone.minute_of_day(start);
        let step = u16::try_from(self.rules.slot_step.as_secs() / 60).unwrap();
        let steps = |wall: &WallSpan| wall.contains_minute(minute) && (minute - wall.from_minute).is_multiple_of(step);
        let first = zone.local(PrimitiveDateTime::new(local.date(), local.time())).first() == Some(start);
        let wanted = self.crew.iter().enumerate().filter(|(index, _)| self.wanted.is_none_or(|wanted| wanted == *index));
        let job = Span::starting(start, self.duration);
        first
            && wanted
                .into_iter()
                .any(|(_, (opening, ..))| opening.on(local.date()).spans.iter().any(|wall| steps(wall) && fits(zone, *wall, job)))
    }
}

fn fits(zone: &Zone, wall: WallSpan, job: Span) -> bool {
    let date = zone.date(job.start);
    zone.bound(date, wall.from_minute) <= job.start && job.end <= zone.bound(date, wall.to_minute)
}

/// Dates around changes of the clocks, and an ordinary one.
const PLACES: [(&str, Date); 7] = [
    ("America/New_York", date!(2027 - 03 - 14)),
    ("America/New_York", date!(2027 - 11 - 07)),
    ("Africa/Cairo", date!(2027 - 04 - 30)),
    ("Australia/Lord_Howe", date!(2027 - 10 - 03)),
    ("Australia/Lord_Howe", date!(2027 - 04 - 04)),
    ("Europe/Zurich", date!(2027 - 10 - 31)),
    ("America/Winnipeg", date!(2027 - 06 - 01)),
];

fn day_hours() -> impl Strategy<Value = Vec<WallSpan>> {
    prop_oneof![
        1 => Just(Vec::new()),
        2 => Just(vec![wall(0, 24)]),
        4 => proptest::collection::btree_set(0_u16..=1440, 2..=4).prop_map(|cuts| {
            let cuts: Vec<u16> = cuts.into_iter().collect();
            cuts.chunks_exact(2).filter_map(|pair| WallSpan::new(pair[0], pair[1])).collect()
        }),
    ]
}

/// Spans within a day and a half around the date, in minutes; short ones, so that some of the day is left.
fn spans(start: OffsetDateTime, most: usize) -> impl Strategy<Value = Vec<Span>> {
    let span = (-360_i64..1800, 1_u64..240)
        .prop_map(move |(from, length)| Span::starting(start + time::Duration::minutes(from), Duration::from_mins(length)));
    proptest::collection::vec(span, 0..=most)
}

fn crew(start: OffsetDateTime) -> impl Strategy<Value = Vec<(Opening, Option<Vec<Span>>, Vec<Span>)>> {
    let opening = (day_hours(), day_hours()).prop_map(|(one, other)| Opening {
        week: Week(std::array::from_fn(|day| if day % 2 == 0 { one.clone() } else { other.clone() })),
        ..Opening::default()
    });
    let one = (opening, proptest::option::weighted(0.8, spans(start, 5)), spans(start, 3));
    proptest::collection::vec(one, 1..=3)
}

fn scene() -> impl Strategy<Value = Scene> {
    (0..PLACES.len(), -1_i64..=1).prop_flat_map(|(place, shift)| {
        let (name, date) = PLACES[place];
        let date = date + time::Duration::days(shift);
        let start = zone(name).start_of_day(date);
        let rules = (prop_oneof![Just(7_u64), Just(15), Just(30), Just(60)], 0_u64..180, 0_u16..3, 0_u64..60, 0_u32..3);
        let rules = rules.prop_map(|(step, notice, horizon_days, buffer, max_jobs_per_day)| Rules {
            slot_step: Duration::from_mins(step),
            minimum_notice: Duration::from_mins(notice),
            horizon_days,
            buffer: Duration::from_mins(buffer),
            max_jobs_per_day,
            all_day_free_blocks: false,
        });
        let window =
            proptest::option::of((0_u16..1440, 1_u16..=1440).prop_filter_map("turned", |(from, to)| WallSpan::new(from, to)));
        let wanted = proptest::option::weighted(0.2, 0_usize..3);
        (rules, -2000_i64..1500, 1_u64..300, window, wanted, crew(start)).prop_map(
            move |(rules, now, duration, window, wanted, crew)| Scene {
                zone: name,
                date,
                now: start + time::Duration::minutes(now),
                rules,
                duration: Duration::from_mins(duration),
                window,
                wanted,
                crew,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn slots_are_exactly_what_the_rules_allow(scene in scene()) {
        let zone = zone(scene.zone);
        let (board, mut expected) = (scene.board(&zone), Vec::new());
        let (mut instant, end) = (zone.start_of_day(scene.date), zone.start_of_day(scene.date.next_day().unwrap()));
        while instant < end {
            let technicians = if scene.is_on_grid(&zone, instant) { scene.who(&zone, instant) } else { Vec::new() };
            if !technicians.is_empty() {
                expected.push(Slot { start: zone.civil(instant), technicians });
            }
            instant += Duration::from_mins(1);
        }
        prop_assert_eq!(board.slots(scene.date), expected);
    }

    #[test]
    fn every_offer_can_be_booked_and_breaks_no_rule(scene in scene()) {
        let zone = zone(scene.zone);
        let board = scene.board(&zone);
        let offers = board.offers(scene.date, scene.window).unwrap_or_default();
        prop_assert!(offers.len() <= MAX_OFFERS);
        for slot in &offers {
            prop_assert_eq!(slot.start.date(), scene.date);
            prop_assert!(scene.window.is_none_or(|window| window.contains_minute(zone.minute_of_day(slot.start))));
        }
        for slot in offers.into_iter().chain(board.coming_days(scene.date, scene.window)) {
            prop_assert_eq!(board.judge(slot.start), Ok(slot.clone()));
            let job = Span::starting(slot.start, scene.duration);
            let blocked = Span::starting(slot.start, scene.duration + scene.rules.buffer);
            for index in &slot.technicians {
                let (opening, busy, jobs) = &scene.crew[*index];
                prop_assert!(opening.spans(slot.start.date(), &zone).iter().any(|open| open.contains(&job)));
                prop_assert!(busy.as_ref().expect("a known calendar").iter().all(|span| !span.overlaps(&job)));
                prop_assert!(jobs.iter().all(|span| !span.overlaps(&blocked)));
            }
            prop_assert!(slot.start >= scene.now + scene.rules.minimum_notice);
            prop_assert!(slot.start.date() <= zone.date(scene.now) + time::Duration::days(i64::from(scene.rules.horizon_days)));
        }
    }

    #[test]
    fn any_minute_is_judged_by_the_same_rules(scene in scene(), minute in 0_i64..1500) {
        let zone = zone(scene.zone);
        let start = zone.civil(zone.start_of_day(scene.date) + time::Duration::minutes(minute));
        let technicians = scene.who(&zone, start);
        match scene.board(&zone).judge(start) {
            Ok(slot) => prop_assert_eq!(slot, Slot { start, technicians }),
            Err(refusal) => {
                prop_assert_eq!(technicians, Vec::<usize>::new(), "{}", refusal);
                let asked = scene.board(&zone).asked.contains(&Span::starting(start, scene.duration));
                let unknown = !asked || scene.crew.iter().any(|(_, busy, _)| busy.is_none());
                prop_assert!(refusal != Refusal::Unreachable || unknown);
            }
        }
    }

    #[test]
    fn the_answer_does_not_depend_on_the_order_of_busy_time(scene in scene(), seed in any::<u64>()) {
        let zone = zone(scene.zone);
        let mut other = scene.clone();
        for (_, busy, jobs) in &mut other.crew {
            jobs.reverse();
            if let Some(busy) = busy {
                let by = usize::try_from(seed % 7).unwrap() % busy.len().max(1);
                busy.rotate_left(by);
                busy.reverse();
            }
        }
        let (one, two) = (scene.board(&zone), other.board(&zone));
        prop_assert_eq!(one.offers(scene.date, scene.window), two.offers(scene.date, scene.window));
        prop_assert_eq!(one.coming_days(scene.date, scene.window), two.coming_days(scene.date, scene.window));
    }

    #[test]
    fn an_unknown_calendar_is_never_free_and_never_full(scene in scene()) {
        let zone = zone(scene.zone);
        let mut blind = scene.clone();
        blind.crew.iter_mut().for_each(|(_, busy, jobs)| { *busy = None; jobs.clear(); });
        prop_assert_eq!(blind.board(&zone).slots(scene.date), Vec::<Slot>::new());
        prop_assert!(blind.board(&zone).offers(scene.date, scene.window) != Err(Reason::FullyBooked));
        prop_assert_eq!(blind.board(&zone).coming_days(scene.date, scene.window), Vec::<Slot>::new());
    }
}
