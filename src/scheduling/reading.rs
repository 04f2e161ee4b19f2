//! Dates and times as the model writes them. Strict: what is not plainly a date or a time is nothing, because a guess here
//! is a job on the wrong day. Nothing is moved, rounded or completed; the zone comes later.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The longest text that can be a date-time, with room for nine digits of a fraction and some spaces around.
const MAX_CHARS: usize = 48;

/// Years that a caller can mean. A past one is read, so that it can be refused as past; the arithmetic that follows stays
/// far away from the ends of the calendar.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2999;

/// A date and a time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Without an offset: a reading of the business's wall clock.
    Wall(PrimitiveDateTime),
    /// With an offset or `Z`.
    Instant {
        /// What it says.
        instant: OffsetDateTime,
        /// What it would say without its offset: models put a `Z` behind local times.
        wall: PrimitiveDateTime,
    },
}

/// The date in `2026-12-01`, or in a date-time: `2026-12-01T08:30:00Z`.
#[must_use]
pub fn read_date(text: &str) -> Option<Date> {
    let text = text.trim();
    calendar_date(text).or_else(|| match read_moment(text)? {
        Moment::Wall(wall) | Moment::Instant { wall, .. } => Some(wall.date()),
    })
}

/// A date-time such as `2026-12-01T08:30`, `2026-12-01 08:30:00` or `2026-12-01T08:30:00.000-05:00`. Seconds must be zero: no
/// job starts within a minute. Words, times alone, dates alone and numbers are none.
#[must_use]
pub fn read_moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.len() > MAX_CHARS {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = rest.split_at_checked(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()))?;
    let wall = PrimitiveDateTime::new(calendar_date(date)?, whole_minute(clock)?);
    if offset.is_empty() {
        return Some(Moment::Wall(wall));
    }
    Some(Moment::Instant { instant: wall.assume_offset(utc_offset(offset)?), wall })
}

/// `2026-12-01`.
fn calendar_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year = i32::from(digits(year, 4)?);
    let month = Month::try_from(u8::try_from(digits(month, 2)?).ok()?).ok()?;
    let day = u8::try_from(digits(day, 2)?).ok()?;
    if parts.next().is_some() || !YEARS.contains(&year) {
        return None;
    }
    Date::from_calendar_date(year, month, day).ok()
}

/// `08:30`, `08:30:00`, `08:30:00.000`.
fn whole_minute(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if let Some(seconds) = parts.next() {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let zero = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'0');
        if whole.len() != 2 || !zero(whole) || !zero(fraction) {
            return None;
        }
    }
    if parts.next().is_some() {
        return None;
    }
    Time::from_hms(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, 0).ok()
}

/// `Z`, `-05:00`, `-0500`, `-05`.
fn utc_offset(text: &str) -> Option<UtcOffset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(UtcOffset::UTC);
    }
    let (sign, text) = text.strip_prefix('-').map(|text| (-1, text)).or_else(|| Some((1, text.strip_prefix('+')?)))?;
    let (hours, minutes) = match text.len() {
        2 => (text, "00"),
        4 => text.split_at_checked(2)?,
        _ => text.split_once(':')?,
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    UtcOffset::from_whole_seconds(sign * i32::from(hours * 60 + minutes) * 60).ok()
}

/// A number of exactly so many ASCII digits, four at most.
fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
