//! A stretch of time: what jobs, claims and busy time are made of.

use std::time::Duration;

use time::OffsetDateTime;

/// From `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first instant.
    pub start: OffsetDateTime,
    /// The first instant that is outside again.
    pub end: OffsetDateTime,
}

impl Span {
    /// `None` unless the end lies after the start.
    #[must_use]
    pub fn new(start: OffsetDateTime, end: OffsetDateTime) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The span of this length.
    #[must_use]
    pub fn starting(start: OffsetDateTime, length: Duration) -> Self {
        Self { start, end: start + length }
    }

    /// Whether the two have an instant in common; spans that only touch have none.
    #[must_use]
    pub fn overlaps(&self, other: &Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether all of `other` lies in this one.
    #[must_use]
    pub fn contains(&self, other: &Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether both begin and end in the same seconds: calendars keep no finer times.
    #[must_use]
    pub fn same_seconds(&self, other: &Span) -> bool {
        let seconds = |span: &Span| (span.start.unix_timestamp(), span.end.unix_timestamp());
        seconds(self) == seconds(other)
    }
}
