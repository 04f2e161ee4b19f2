//! What is left between busy spans.

use rangemap::RangeSet;
use time::OffsetDateTime;

pub use crate::span::Span;

/// Busy time, whatever its pieces were and in whatever order they came. To the millisecond, rounded outwards: what is
/// busy for an instant of it is busy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy(RangeSet<i64>);

impl Busy {
    /// Adds a span; one that is empty or turned around adds nothing.
    pub fn insert(&mut self, span: Span) {
        if span.start < span.end {
            self.0.insert(floor_ms(span.start)..ceil_ms(span.end));
        }
    }

    /// Whether nothing busy overlaps the span; to touch is not to overlap.
    #[must_use]
    pub fn is_free(&self, span: Span) -> bool {
        span.start >= span.end || !self.0.overlaps(&(floor_ms(span.start)..ceil_ms(span.end)))
    }
}

impl Extend<Span> for Busy {
    fn extend<I: IntoIterator<Item = Span>>(&mut self, spans: I) {
        spans.into_iter().for_each(|span| self.insert(span));
    }
}

impl FromIterator<Span> for Busy {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut busy = Self::default();
        busy.extend(spans);
        busy
    }
}

/// Milliseconds since 1970 UTC, rounded down.
fn floor_ms(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970 UTC, rounded up.
fn ceil_ms(instant: OffsetDateTime) -> i64 {
    i64::try_from((instant.unix_timestamp_nanos() + 999_999).div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
