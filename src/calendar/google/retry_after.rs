//! How long the other side asks to be left alone: the header `Retry-After` (RFC 9110, section 10.2.3), seconds or a date.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Nobody waits longer, whatever is asked for.
pub const LONGEST: Duration = Duration::from_hours(1);

/// Reads the header's value; `None` for what is neither a number of seconds nor a date. A date that has passed asks for
/// no pause, and an absurd one for [`LONGEST`].
#[must_use]
pub fn read(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more seconds than anybody waits.
        return Some(value.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    // The date of HTTP is one of those that mail has; its two obsolete forms are no longer sent.
    let until = OffsetDateTime::parse(value, &Rfc2822).ok()?;
    Some(Duration::try_from(until - now).unwrap_or_default().min(LONGEST))
}
