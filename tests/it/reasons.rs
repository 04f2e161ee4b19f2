//! Why a start is not to be had: whatever is said of a technician is so, and whoever nothing is said of can be booked.

use std::time::Duration;

use proptest::prelude::*;
use ringbook::scheduling::board::{Board, Member, Sight};
use ringbook::scheduling::busy::Span;
use ringbook::scheduling::hours::{Exception, Opening, WallSpan, Week};
use ringbook::scheduling::reasons::Obstacle;
use ringbook::scheduling::slots::{Held, Refusal, Rules};
use ringbook::scheduling::zone::Zone;
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime};

/// A Tuesday.
const DAY: Date = date!(2026 - 12 - 01);
const NOW: OffsetDateTime = datetime!(2026-11-30 12:00 -5);
const BUFFER: time::Duration = time::Duration::minutes(30);
const JOB: time::Duration = time::Duration::HOUR;

/// One technician: hours of the day, if any; whether the date is an exception; jobs and events as start and length; whether the
/// calendar can be read.
#[derive(Clone, Debug)]
struct Person {
    hours: Option<(u16, u16)>,
    is_away: bool,
    jobs: Vec<(i64, i64)>,
    events: Vec<(i64, i64)>,
    is_read: bool,
}

fn person() -> impl Strategy<Value = Person> {
    let hours = proptest::option::weighted(0.9, (6_u16..12, 1_u16..9));
    let spans = || proptest::collection::vec((5_i64 * 60..22 * 60, 15_i64..180), 0..4);
    let parts = (hours, prop::bool::weighted(0.1), spans(), spans(), prop::bool::weighted(0.9));
    parts.prop_map(|(hours, is_away, jobs, events, is_read)| Person { hours, is_away, jobs, events, is_read })
}

impl Person {
    fn opening(&self) -> Opening {
        let spans: Vec<_> = self.hours.iter().map(|(from, long)| WallSpan::new(from * 60, (from + long) * 60).unwrap()).collect();
        let away = Exception { from: DAY, to: DAY, hours: Vec::new(), reason: "a wedding".into() };
        Opening {
            week: Week(std::array::from_fn(|_| spans.clone())),
            exceptions: self.is_away.then_some(away).into_iter().collect(),
            narrowed_by: Vec::new(),
        }
    }

    fn member<'a>(&self, opening: &'a Opening) -> Member<'a> {
        let held = |job: &Span| Span { end: job.end + BUFFER, ..*job };
        let events = spans(&self.events).into_iter().collect();
        let calendar = if self.is_read { Sight::Known(events) } else { Sight::Unknown };
        Member { opening, calendar, jobs: spans(&self.jobs).iter().map(held).collect() }
    }

    /// What keeps them from this job, found in the plainest way.
    fn obstacle(&self, job: Span, limit: usize) -> Option<Obstacle> {
        let begins = i64::from(job.start.hour()) * 60 + i64::from(job.start.minute());
        let (from, to) = match self.hours {
            _ if self.is_away => return Some(Obstacle::Closure { reason: Some("a wedding".into()) }),
            None => return Some(Obstacle::DayOff),
            Some((from, long)) => (i64::from(from) * 60, i64::from(from + long) * 60),
        };
        if begins < from || begins >= to {
            return Some(Obstacle::OutsideHours);
        }
        if begins + 60 > to {
            return Some(Obstacle::PastClosing);
        }
        let (jobs, events) = (spans(&self.jobs), spans(&self.events));
        let near = |other: &&Span| other.start < job.end + BUFFER && job.start < other.end + BUFFER;
        // Of several jobs that are in the way the first of the list is named.
        match jobs.iter().find(near) {
            Some(other) if other.overlaps(&job) => return Some(Obstacle::OurJob),
            Some(_) => return Some(Obstacle::Buffer),
            None if limit > 0 && jobs.len() >= limit => return Some(Obstacle::DayFull),
            None if !self.is_read => return Some(Obstacle::Unreadable),
            None => {}
        }
        events.iter().any(|event| event.overlaps(&job)).then_some(Obstacle::Busy)
    }
}

fn spans(minutes: &[(i64, i64)]) -> Vec<Span> {
    let at = |minute: i64| datetime!(2026-12-01 00:00 -5) + time::Duration::minutes(minute);
    minutes.iter().map(|(from, long)| Span { start: at(*from), end: at(from + long) }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_said_of_each_technician_is_so_and_the_others_can_be_booked(
        people in proptest::collection::vec(person(), 1..4),
        limit in 0_u32..4,
    ) {
        let (zone, openings) = (Zone::parse("America/New_York").unwrap(), people.iter().map(Person::opening).collect::<Vec<_>>());
        let rules = Rules {
            slot_step: Duration::from_mins(30),
            minimum_notice: Duration::from_hours(1),
            horizon_days: 60,
            buffer: BUFFER.unsigned_abs(),
            max_jobs_per_day: limit,
            all_day_free_blocks: false,
        };
        let asked = Span { start: NOW, end: NOW + time::Duration::days(30) };
        let crew = people.iter().zip(&openings).map(|(person, opening)| person.member(opening)).collect();
        let duration = JOB.unsigned_abs();
        let board = Board { zone: &zone, rules, now: NOW, duration, asked, crew, wanted: None, held: Held::new() };
        let considered = board.considered(DAY);
        let away: Vec<usize> = board.away(DAY).into_iter().map(|(index, _)| index).collect();
        let stay_away = people.iter().enumerate().filter(|(_, it)| it.is_away || it.hours.is_none());
        prop_assert_eq!(away, stay_away.map(|(index, _)| index).collect::<Vec<_>>());
        for seen in &considered {
            let job = Span { start: seen.start, end: seen.start + JOB };
            for (index, obstacle) in &seen.crew {
                prop_assert_eq!(obstacle, &people[*index].obstacle(job, limit as usize), "{} at {}", index, seen.start);
            }
            let free: Vec<usize> = seen.crew.iter().filter(|(_, it)| it.is_none()).map(|(index, _)| *index).collect();
            let booked = board.judge(seen.start).map(|slot| { let mut who = slot.technicians; who.sort_unstable(); who });
            prop_assert_eq!(booked.clone().unwrap_or_default(), free);
            prop_assert_eq!(booked.err(), seen.refused.clone());
            let is_the_day_itself = matches!(seen.refused, Some(Refusal::Past | Refusal::TooSoon | Refusal::BeyondHorizon { .. }));
            prop_assert!(!is_the_day_itself, "nothing is wrong with the day");
        }
        let open = board.slots(DAY);
        prop_assert!(open.iter().all(|slot| considered.iter().any(|seen| seen.start == slot.start && seen.refused.is_none())));
    }
}
