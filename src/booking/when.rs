//! Which instant a caller means, pure. A model invents a `Z` where it means the wall clock; the times that were offered in
//! the same call tell the two apart.

use time::OffsetDateTime;

use super::error::Refusal;
use crate::scheduling::reading::{Moment, read_moment};
use crate::scheduling::zone::{Local, Zone};

/// The instant that is meant by `text`, in local time.
///
/// # Errors
/// [`Refusal::TimeUnclear`] for what is no date with a time; [`Refusal::TimeSkipped`] and [`Refusal::TimeTwice`] where it
/// takes the caller to tell.
pub fn meant_by(text: &str, zone: &Zone, offered: &[OffsetDateTime]) -> Result<OffsetDateTime, Refusal> {
    match read_moment(text).ok_or(Refusal::TimeUnclear)? {
        Moment::Wall(wall) => on_the_wall(zone.local(wall), offered),
        Moment::Instant { instant, wall } => as_an_instant(zone.civil(instant), &occurrences(zone.local(wall)), offered),
    }
}

/// An offset is believed, unless only the wall clock's reading was offered in this call.
fn as_an_instant(
    instant: OffsetDateTime,
    readings: &[OffsetDateTime],
    offered: &[OffsetDateTime],
) -> Result<OffsetDateTime, Refusal> {
    let others: Vec<_> = readings.iter().copied().filter(|reading| *reading != instant && offered.contains(reading)).collect();
    match others.as_slice() {
        [] => Ok(instant),
        // Of an hour that comes twice the offset tells one: nothing else could ever answer the question which one is meant.
        _ if offered.contains(&instant) && readings.contains(&instant) => Ok(instant),
        [wall] if offered.contains(&instant) => Err(Refusal::TimeTwice { meanings: [*wall, instant] }),
        [wall] => Ok(*wall),
        [first, second, ..] => Err(Refusal::TimeTwice { meanings: [*first, *second] }),
    }
}

fn on_the_wall(local: Local, offered: &[OffsetDateTime]) -> Result<OffsetDateTime, Refusal> {
    match local {
        Local::One(instant) => Ok(instant),
        Local::Missing => Err(Refusal::TimeSkipped),
        Local::Twice(first, second) => match (offered.contains(&first), offered.contains(&second)) {
            (true, false) => Ok(first),
            (false, true) => Ok(second),
            _ => Err(Refusal::TimeTwice { meanings: [first, second] }),
        },
    }
}

fn occurrences(local: Local) -> Vec<OffsetDateTime> {
    match local {
        Local::One(instant) => vec![instant],
        Local::Missing => Vec::new(),
        Local::Twice(first, second) => vec![first, second],
    }
}
