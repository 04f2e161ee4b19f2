//! Between our types and Google's: instants, dates, and identifiers that go into a path. No I/O.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use time::{Date, OffsetDateTime};

use super::Fault;
use crate::names::{CalendarId, EventId};
use crate::scheduling::busy::Span;

/// An instant as the library wants it.
pub(super) fn to_chrono(instant: OffsetDateTime) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp(instant.unix_timestamp(), instant.nanosecond())
        .ok_or_else(|| Fault::Refused("an instant out of range".into()))
}

/// An instant as we want it; `None` outside the years that `time` knows.
pub(super) fn from_chrono(instant: DateTime<Utc>) -> Option<OffsetDateTime> {
    let seconds = OffsetDateTime::from_unix_timestamp(instant.timestamp()).ok()?;
    // A leap second has a billion nanoseconds and more; it counts as the second before it.
    seconds.replace_nanosecond(instant.timestamp_subsec_nanos().min(999_999_999)).ok()
}

/// A date without a time.
pub(super) fn from_chrono_date(date: NaiveDate) -> Option<Date> {
    Date::from_ordinal_date(date.year(), u16::try_from(date.ordinal()).ok()?).ok()
}

/// What lies between two of Google's instants: `Ok(None)` for a moment without length, an error for what cannot be a span.
pub(super) fn between(start: Option<OffsetDateTime>, end: Option<OffsetDateTime>) -> Result<Option<Span>, Fault> {
    match (start, end) {
        (Some(start), Some(end)) if start <= end => Ok(Span::new(start, end)),
        _ => Err(Fault::Unknown("an entry without a start and an end that make sense".into())),
    }
}

/// A calendar's id as a path segment. google-calendar3 puts it into the path as it is: `#` would cut the path off, and `../`
/// would carry our bearer elsewhere. `.` and `..` keep that meaning even when encoded, so they are refused.
pub(super) fn calendar_segment(id: &CalendarId) -> Result<String, Fault> {
    if matches!(id.as_str(), "." | "..") {
        return Err(Fault::Refused("no calendar can have this id".into()));
    }
    // Spaces, which this would write as `+`, cannot be in an id.
    Ok(form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect())
}

/// An event's id as a path segment, checked against Google's alphabet: base32hex, and the suffix of an instance of a series.
pub(super) fn event_segment(id: &EventId) -> Result<&str, Fault> {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (own, instance) = id.as_str().split_once('_').map_or((id.as_str(), None), |(own, instance)| (own, Some(instance)));
    let own_is_sane = (5..=1024).contains(&own.len()) && own.bytes().all(|byte| matches!(byte, b'a'..=b'v' | b'0'..=b'9'));
    let instance_is_sane = instance.is_none_or(|instance| match instance.split_once('T') {
        None => digits(instance, 8),
        Some((date, time)) => digits(date, 8) && time.strip_suffix('Z').is_some_and(|time| digits(time, 6)),
    });
    let sane = own_is_sane && instance_is_sane;
    sane.then(|| id.as_str()).ok_or_else(|| Fault::Refused("no event can have this id".into()))
}
