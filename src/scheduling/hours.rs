//! Opening hours as a wall clock shows them, and what they are on a given date.

use time::Date;

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
}
