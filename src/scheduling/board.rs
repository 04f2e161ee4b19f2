//! Everything that decides which times are open, gathered beforehand, and the questions it answers. Pure: the calendars
//! were asked before, the booking comes after.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use time::{Date, OffsetDateTime};

use super::busy::{Busy, Span};
use super::hours::{DayPlan, Opening, WallSpan};
use super::reasons::Obstacle;
use super::slots::{Held, MAX_OFFERS, Reason, Refusal, Rules, Slot, nearest, pick};
use super::zone::Zone;

/// How many days after a date are searched for other times.
pub const COMING_DAYS: u16 = 14;

/// When a job of this length could start, and who could do it.
#[derive(Clone, Debug)]
pub struct Board<'a> {
    /// Where the hours are meant.
    pub zone: &'a Zone,
    /// `[rules]`.
    pub rules: Rules,
    /// The present instant.
    pub now: OffsetDateTime,
    /// How long the job takes, without its buffer.
    pub duration: Duration,
    /// What the calendars were asked about. Outside it nothing is known, so nothing is free: see [`reach`].
    pub asked: Span,
    /// Everybody who does this service, in the order of the file.
    pub crew: Vec<Member<'a>>,
    /// The index of the one the caller wants; otherwise anybody.
    pub wanted: Option<usize>,
    /// What other running calls were offered a moment ago: of several times theirs are picked last, and nothing else changes.
    pub held: Held,
}

/// One technician.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// When they work.
    pub opening: &'a Opening,
    /// What stands in their calendar.
    pub calendar: Sight,
    /// Our live jobs, each with its buffer: `[start, end + buffer)`. Complete for all of [`Board::asked`].
    pub jobs: Vec<Span>,
}

/// What is known of a calendar.
#[derive(Clone, Debug)]
pub enum Sight {
    /// Everything busy in it.
    Known(Busy),
    /// It could not be read: never free, never fully booked.
    Unknown,
}

/// Why nobody can take a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocked {
    Taken,
    Unknown,
}

/// One date: all of it, and the hours of everybody who may be asked for, by index.
pub(super) struct Day {
    pub(super) date: Date,
    pub(super) span: Span,
    pub(super) hours: Vec<(usize, Vec<Span>)>,
}

impl Day {
    fn is_open_for(&self, job: Span) -> bool {
        self.hours.iter().any(|(_, spans)| spans.iter().any(|span| span.contains(&job)))
    }

    /// Whether this one works for all of a job.
    pub(super) fn works(&self, index: usize, job: Span) -> bool {
        self.hours.iter().any(|(whose, spans)| *whose == index && spans.iter().any(|span| span.contains(&job)))
    }
}

/// The time that must be known before a [`Board`] can answer for `date` and the days after it: from the start of that day,
/// or of today, to the end of the last, with a buffer.
#[must_use]
pub fn reach(zone: &Zone, rules: &Rules, now: OffsetDateTime, date: Date) -> Span {
    let (first, last) = days_around(zone, rules, now, date);
    Span { start: zone.start_of_day(first), end: zone.start_of_day(later(last, 1)) + rules.buffer }
}

impl Board<'_> {
    /// Every open start of a date, in the order of time.
    #[must_use]
    pub fn slots(&self, date: Date) -> Vec<Slot> {
        self.open(date, None).unwrap_or_default()
    }

    /// Up to three open starts of a date, spread over the window or the day. The window restricts the start alone.
    ///
    /// # Errors
    /// The [`Reason`] why there is none.
    pub fn offers(&self, date: Date, window: Option<WallSpan>) -> Result<Vec<Slot>, Reason> {
        self.open(date, window).map(|slots| pick([slots], &self.held, MAX_OFFERS))
    }

    /// Whether a job may start exactly then, on the grid of steps or off it, and who could do it.
    ///
    /// # Errors
    /// The [`Refusal`] that says why not.
    pub fn judge(&self, start: OffsetDateTime) -> Result<Slot, Refusal> {
        let start = self.zone.civil(start);
        let (date, last_date) = (start.date(), self.last_date());
        if start < self.now {
            return Err(Refusal::Past);
        }
        if date > last_date {
            return Err(Refusal::BeyondHorizon { last_date });
        }
        let day = self.day(date);
        if day.hours.iter().all(|(_, spans)| spans.is_empty()) {
            return Err(Refusal::Closed { reason: self.closing_reason(date) });
        }
        if !day.is_open_for(Span::starting(start, self.duration)) {
            return Err(Refusal::OutsideHours);
        }
        if start < self.earliest() {
            return Err(Refusal::TooSoon);
        }
        self.free(start, &day).map_err(|blocked| match blocked {
            Blocked::Taken => Refusal::Taken,
            Blocked::Unknown => Refusal::Unreachable,
        })
    }

    /// Other times for a date, or a window of it, that has none: what the rest of that day has, then the first open days of
    /// the [`COMING_DAYS`] after it, each in the window where it can be. For a past date from today on; beyond the horizon
    /// the days that lead up to it. At most three, in the order of time; none where none is known.
    #[must_use]
    pub fn coming_days(&self, date: Date, window: Option<WallSpan>) -> Vec<Slot> {
        let rest = window.map(|_| self.slots(date));
        let (first, last) = days_around(self.zone, &self.rules, self.now, date);
        let days = (0..=COMING_DAYS).map(|number| later(first, number)).filter(|day| *day != date && *day <= last);
        let open = days.map(|day| self.open(day, window).or_else(|_| self.open(day, None)).unwrap_or_default());
        pick(rest.into_iter().chain(open), &self.held, MAX_OFFERS)
    }

    /// The open starts of a date that are nearest to one that is not to be had. At most three, in the order of time.
    #[must_use]
    pub fn nearest(&self, date: Date, wanted: OffsetDateTime) -> Vec<Slot> {
        nearest(self.slots(date), wanted, &self.held, MAX_OFFERS)
    }

    /// Every open start of a date whose wall clock lies in the window, in the order of time.
    ///
    /// # Errors
    /// The [`Reason`] why there is none.
    pub fn open(&self, date: Date, window: Option<WallSpan>) -> Result<Vec<Slot>, Reason> {
        let last_date = self.last_date();
        if date < self.today() {
            return Err(Reason::PastDate);
        }
        if date > last_date {
            return Err(Reason::BeyondHorizon { last_date });
        }
        let day = self.day(date);
        let mut starts = self.starts(date);
        if starts.is_empty() {
            let closed = day.hours.iter().all(|(_, spans)| spans.is_empty());
            return Err(if closed { Reason::Closed { reason: self.closing_reason(date) } } else { Reason::TooLong });
        }
        starts.retain(|start| window.is_none_or(|window| window.contains_minute(self.zone.minute_of_day(*start))));
        if starts.is_empty() {
            return Err(Reason::WindowClosed);
        }
        starts.retain(|start| *start >= self.earliest());
        if starts.is_empty() {
            return Err(Reason::TooSoon);
        }
        let (mut open, mut unknown) = (Vec::new(), false);
        for start in starts {
            match self.free(start, &day) {
                Ok(slot) => open.push(slot),
                Err(blocked) => unknown |= blocked == Blocked::Unknown,
            }
        }
        match (open.is_empty(), unknown) {
            (false, _) => Ok(open),
            (true, true) => Err(Reason::Unreachable),
            (true, false) => Err(Reason::FullyBooked),
        }
    }

    /// Every start on a date that lies on somebody's steps and lets the job end within the same hours.
    fn starts(&self, date: Date) -> BTreeSet<OffsetDateTime> {
        self.steps(date).into_iter().filter_map(|(start, fits)| fits.then_some(start)).collect()
    }

    /// Every step of somebody's hours on a date, and whether the job would end within those hours. The wall clock is
    /// walked and each step resolved on its own, so that a change of the clocks moves no start off the grid.
    pub(super) fn steps(&self, date: Date) -> BTreeMap<OffsetDateTime, bool> {
        let step = self.rules.slot_step.as_secs().div_ceil(60).max(1);
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let mut steps = BTreeMap::new();
        for wall in self.candidates().flat_map(|(_, member)| member.opening.on(date).spans).collect::<BTreeSet<_>>() {
            let Some(open) = wall.on(date, self.zone) else { continue };
            let minutes = (wall.from_minute..wall.to_minute).step_by(step);
            for start in minutes.filter_map(|minute| self.zone.local_minute(date, minute).first()) {
                *steps.entry(start).or_default() |= open.contains(&Span::starting(start, self.duration));
            }
        }
        steps
    }

    /// Who is there and free, least busy first; also those whose own steps do not meet this start.
    fn free(&self, start: OffsetDateTime, day: &Day) -> Result<Slot, Blocked> {
        let job = Span::starting(start, self.duration);
        let (mut free, mut blocked) = (Vec::new(), Blocked::Taken);
        for (index, member) in self.candidates() {
            match self.standing(index, member, job, day) {
                Ok(jobs_that_day) => free.push((jobs_that_day, index)),
                Err(Obstacle::Unreadable) => blocked = Blocked::Unknown,
                Err(_) => {}
            }
        }
        if free.is_empty() {
            return Err(blocked);
        }
        free.sort_unstable();
        Ok(Slot { start, technicians: free.into_iter().map(|(_, index)| index).collect() })
    }

    /// Those who may be asked for, with their index in the crew.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (usize, &Member<'_>)> {
        self.crew.iter().enumerate().filter(|(index, _)| self.wanted.is_none_or(|wanted| wanted == *index))
    }

    /// Why everybody is away, if all have the same reason: one technician's vacation explains nothing about the others.
    fn closing_reason(&self, date: Date) -> Option<String> {
        let plans: Vec<DayPlan<'_>> = self.candidates().map(|(_, member)| member.opening.on(date)).collect();
        let reason = plans.first()?.reason?;
        plans.iter().all(|plan| plan.reason == Some(reason)).then(|| reason.to_owned())
    }

    pub(super) fn day(&self, date: Date) -> Day {
        let span = Span { start: self.zone.start_of_day(date), end: self.zone.start_of_day(later(date, 1)) };
        Day {
            date,
            span,
            hours: self.candidates().map(|(index, member)| (index, member.opening.spans(date, self.zone))).collect(),
        }
    }

    fn today(&self) -> Date {
        self.zone.date(self.now)
    }

    fn last_date(&self) -> Date {
        later(self.today(), self.rules.horizon_days)
    }

    fn earliest(&self) -> OffsetDateTime {
        self.now + self.rules.minimum_notice
    }
}

/// The first and the last date of which other times are offered when `date` has none; `date` itself where it can be booked.
fn days_around(zone: &Zone, rules: &Rules, now: OffsetDateTime, date: Date) -> (Date, Date) {
    let today = zone.date(now);
    let horizon = later(today, rules.horizon_days);
    let first = if date > horizon { earlier(horizon, COMING_DAYS - 1) } else { date }.max(today);
    (first, later(first, COMING_DAYS).min(horizon))
}

fn later(date: Date, days: u16) -> Date {
    date.saturating_add(time::Duration::days(i64::from(days)))
}

fn earlier(date: Date, days: u16) -> Date {
    date.saturating_sub(time::Duration::days(i64::from(days)))
}
