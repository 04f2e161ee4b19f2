//! Why somebody cannot take a start: the one place that decides it, for offers and bookings, which need the yes alone, and for
//! owners who ask why. Pure.

use time::{Date, OffsetDateTime};

use super::board::{Board, Day, Member, Sight};
use super::busy::Span;
use super::hours::Opening;
use super::slots::Refusal;

/// What keeps one technician from a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// They do not work on this day of the week.
    #[error("off that day")]
    DayOff,
    /// This date is an exception, on which they do not work.
    #[error("closed on that date")]
    Closure {
        /// Why, where it was said.
        reason: Option<String>,
    },
    /// It would begin before their hours, after them, or in a break.
    #[error("outside the hours")]
    OutsideHours,
    /// It would begin in their hours and last past them.
    #[error("lasts past closing")]
    PastClosing,
    /// A job of ours stands there.
    #[error("a job of ours is there")]
    OurJob,
    /// It would fall into the buffer of a job of ours, or that one into its own.
    #[error("within the buffer of a job of ours")]
    Buffer,
    /// They have as many jobs that day as they may have.
    #[error("as many jobs that day as are allowed")]
    DayFull,
    /// Something else stands in their calendar.
    #[error("busy in the calendar")]
    Busy,
    /// Their calendar cannot be read: never free, never fully booked.
    #[error("the calendar cannot be read")]
    Unreadable,
}

/// A start that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// With the local offset.
    pub start: OffsetDateTime,
    /// Why nobody can take it; `None` if somebody can.
    pub refused: Option<Refusal>,
    /// How everybody stands who may be asked for, by index. Empty where it does not matter: in the past, beyond the horizon.
    pub crew: Vec<(usize, Option<Obstacle>)>,
}

impl Board<'_> {
    /// Every step of a date that lies in somebody's hours, those included that nobody can take.
    #[must_use]
    pub fn considered(&self, date: Date) -> Vec<Considered> {
        self.steps(date).into_keys().map(|start| self.consider(start)).collect()
    }

    /// Who does not work at all on a date, by index, and why.
    #[must_use]
    pub fn away(&self, date: Date) -> Vec<(usize, Obstacle)> {
        let day = self.day(date);
        let is_away = |index: usize| day.hours.iter().any(|(whose, spans)| *whose == index && spans.is_empty());
        let away = self.candidates().filter(|(index, _)| is_away(*index));
        away.map(|(index, member)| (index, all_day_away(member.opening, date))).collect()
    }

    /// How one start stands, on the steps or off them.
    #[must_use]
    pub fn consider(&self, start: OffsetDateTime) -> Considered {
        let start = self.zone.civil(start);
        let refused = self.judge(start).err();
        let mut crew = Vec::new();
        if !matches!(refused, Some(Refusal::Past | Refusal::BeyondHorizon { .. })) {
            let (job, day) = (Span::starting(start, self.duration), self.day(start.date()));
            crew.extend(self.candidates().map(|(index, member)| (index, self.standing(index, member, job, &day).err())));
        }
        Considered { start, refused, crew }
    }

    /// How many jobs of ours a technician has that day, if this one fits in. Our own rows come before the calendar: they are
    /// known even where that is not. A job keeps its buffer from the next one of ours, but not from a foreign event: the
    /// owner knows what their own events need.
    pub(super) fn standing(&self, index: usize, member: &Member<'_>, job: Span, day: &Day) -> Result<usize, Obstacle> {
        if !day.works(index, job) {
            return Err(away(member.opening, day, index, job));
        }
        let blocked = Span { end: job.end + self.rules.buffer, ..job };
        if let Some(other) = member.jobs.iter().find(|other| other.overlaps(&blocked)) {
            // A row ends with the buffer that it was booked with; where that rule has changed since, only the word is wrong.
            let without_buffer = Span { end: (other.end - self.rules.buffer).max(other.start), ..*other };
            return Err(if without_buffer.overlaps(&job) { Obstacle::OurJob } else { Obstacle::Buffer });
        }
        let jobs_that_day = member.jobs.iter().filter(|job| day.span.start <= job.start && job.start < day.span.end).count();
        if self.rules.max_jobs_per_day > 0 && jobs_that_day >= self.rules.max_jobs_per_day as usize {
            return Err(Obstacle::DayFull);
        }
        match &member.calendar {
            Sight::Known(busy) if !busy.is_free(job) => Err(Obstacle::Busy),
            Sight::Known(_) if self.asked.contains(&job) => Ok(jobs_that_day),
            Sight::Known(_) | Sight::Unknown => Err(Obstacle::Unreadable),
        }
    }
}

/// Why somebody who does not work for all of a job does not.
fn away(opening: &Opening, day: &Day, index: usize, job: Span) -> Obstacle {
    let hours = day.hours.iter().filter(|(whose, _)| *whose == index).flat_map(|(_, spans)| spans);
    let mut hours = hours.peekable();
    if hours.peek().is_none() {
        return all_day_away(opening, day.date);
    }
    let begins_in = hours.any(|span| span.start <= job.start && job.start < span.end);
    if begins_in { Obstacle::PastClosing } else { Obstacle::OutsideHours }
}

fn all_day_away(opening: &Opening, date: Date) -> Obstacle {
    match opening.exception_on(date) {
        Some(exception) => Obstacle::Closure { reason: exception.reason().map(str::to_owned) },
        None => Obstacle::DayOff,
    }
}
