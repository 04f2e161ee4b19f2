//! Opening hours as a wall clock shows them, and what they are on a given date.

use time::Date;

use super::busy::Span;
use super::zone::Zone;

/// A span of one day by the wall clock, in minutes after midnight; `24:00` is a legal end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WallSpan {
    /// 0 to 1439.
    pub from_minute: u16,
    /// Up to 1440, after `from_minute`.
    pub to_minute: u16,
}

/// Hours by weekday, Monday first; sorted, without overlaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week(pub [Vec<WallSpan>; 7]);

/// Other hours on some dates: a holiday, a vacation, a long Thursday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The first date.
    pub from: Date,
    /// The last date, inclusive.
    pub to: Date,
    /// Empty is closed.
    pub hours: Vec<WallSpan>,
    /// Why; may be empty.
    pub reason: String,
}

/// When somebody works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// In an ordinary week.
    pub week: Week,
    /// On particular dates; the first that covers a date counts.
    pub exceptions: Vec<Exception>,
    /// Exceptions of the business, for a technician with hours of their own: on these dates only what both have in common
    /// is worked. They can take time away, never send anybody to work outside their own hours; an own exception wins.
    pub narrowed_by: Vec<Exception>,
}

/// The hours of one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPlan<'a> {
    /// Empty is closed.
    pub spans: Vec<WallSpan>,
    /// Why this date is not like every week's, where the file says it.
    pub reason: Option<&'a str>,
}

impl WallSpan {
    /// `None` unless it begins within the day, ends at 1440 (`24:00`) at the latest, and ends after it begins.
    #[must_use]
    pub fn new(from_minute: u16, to_minute: u16) -> Option<Self> {
        (from_minute < to_minute && to_minute <= super::zone::MINUTES_OF_DAY).then_some(Self { from_minute, to_minute })
    }

    /// Whether the wall clock shows a minute of this span; its end is outside.
    #[must_use]
    pub fn contains_minute(&self, minute: u16) -> bool {
        (self.from_minute..self.to_minute).contains(&minute)
    }

    /// What the two have in common.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        Self::new(self.from_minute.max(other.from_minute), self.to_minute.min(other.to_minute))
    }

    /// The same on this date. `None` where a gap swallows all of it.
    #[must_use]
    pub fn on(&self, date: Date, zone: &Zone) -> Option<Span> {
        Span::new(zone.bound(date, self.from_minute), zone.bound(date, self.to_minute))
    }
}

impl Week {
    /// The hours of this date's weekday.
    #[must_use]
    pub fn on(&self, date: Date) -> &[WallSpan] {
        let weekday = usize::from(date.weekday().number_days_from_monday());
        self.0.get(weekday).map_or(&[], Vec::as_slice)
    }

    /// Whether every day is closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

impl Exception {
    /// Whether the date lies in it; both ends do.
    #[must_use]
    pub fn covers(&self, date: Date) -> bool {
        (self.from..=self.to).contains(&date)
    }

    /// Why, where it was said.
    pub(super) fn reason(&self) -> Option<&str> {
        Some(self.reason.as_str()).filter(|reason| !reason.is_empty())
    }
}

impl Opening {
    /// What takes this date out of the week, if anything does: on a day that is closed every week nothing of others does.
    pub(super) fn exception_on(&self, date: Date) -> Option<&Exception> {
        let covers = |exception: &&Exception| exception.covers(date);
        let of_others = || self.narrowed_by.iter().find(covers).filter(|_| !self.week.on(date).is_empty());
        self.exceptions.iter().find(covers).or_else(of_others)
    }

    /// The hours of this date, and why they are not the week's.
    #[must_use]
    pub fn on(&self, date: Date) -> DayPlan<'_> {
        if let Some(exception) = self.exceptions.iter().find(|exception| exception.covers(date)) {
            return DayPlan { spans: exception.hours.clone(), reason: exception.reason() };
        }
        let week = self.week.on(date);
        let Some(exception) = self.narrowed_by.iter().find(|exception| exception.covers(date)) else {
            return DayPlan { spans: week.to_vec(), reason: None };
        };
        let spans = week.iter().flat_map(|own| exception.hours.iter().filter_map(|other| own.common(other))).collect();
        DayPlan { spans, reason: exception.reason() }
    }

    /// The hours of this date as instants.
    #[must_use]
    pub fn spans(&self, date: Date, zone: &Zone) -> Vec<Span> {
        self.on(date).spans.iter().filter_map(|span| span.on(date, zone)).collect()
    }
}
