//! Open times, how a few of them are picked to be spoken, and the reasons why there may be none. Which times are open is
//! found on the [`Board`](super::board::Board).

use std::collections::BTreeMap;
use std::time::Duration;

use time::{Date, OffsetDateTime};

/// A caller cannot keep more than three times in mind; eight were once read aloud for two minutes.
pub const MAX_OFFERS: usize = 3;

/// The part of `[rules]` that decides about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Starts step from each span's opening by this much.
    pub slot_step: Duration,
    /// The least time between now and a start.
    pub minimum_notice: Duration,
    /// The last date that can be booked, counted from today.
    pub horizon_days: u16,
    /// After every job of ours.
    pub buffer: Duration,
    /// Per technician; 0 is no limit.
    pub max_jobs_per_day: u32,
    /// An all-day event blocks even if it is marked free.
    pub all_day_free_blocks: bool,
}

/// A start that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// With the local offset.
    pub start: OffsetDateTime,
    /// Who is free, as indices into the board's crew: fewest of our jobs that day first, then in the order of the file.
    /// Never empty.
    pub technicians: Vec<usize>,
}

/// Why nothing can be offered on a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The date lies behind us.
    #[error("the date is in the past")]
    PastDate,
    /// The date lies further ahead than bookings are taken.
    #[error("bookings are taken up to {last_date} only")]
    BeyondHorizon {
        /// The last date that can be booked.
        last_date: Date,
    },
    /// Nobody works that day.
    #[error("closed that day")]
    Closed {
        /// Why, where an exception says it of everybody who could come.
        reason: Option<String>,
    },
    /// Open, but never for as long as the job takes.
    #[error("the job does not fit into the opening hours of that day")]
    TooLong,
    /// Open that day, but no job can start in the window that was asked for.
    #[error("open that day, but not in that window")]
    WindowClosed,
    /// What is left of the day, or of the window, is over or within the notice.
    #[error("what is left of that day is too soon")]
    TooSoon,
    /// All of it is taken.
    #[error("fully booked")]
    FullyBooked,
    /// Nobody is known to be free, but somebody whose calendar cannot be read might be: neither free nor full.
    #[error("a calendar cannot be read")]
    Unreachable,
}

/// Why a job cannot start at a given instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The instant lies behind us.
    #[error("the time is in the past")]
    Past,
    /// The date lies further ahead than bookings are taken.
    #[error("bookings are taken up to {last_date} only")]
    BeyondHorizon {
        /// The last date that can be booked.
        last_date: Date,
    },
    /// Nobody works that day.
    #[error("closed that day")]
    Closed {
        /// Why, where an exception says it of everybody who could come.
        reason: Option<String>,
    },
    /// Open that day, but the job would begin before opening or last past closing.
    #[error("outside the opening hours")]
    OutsideHours,
    /// Within the notice.
    #[error("too soon")]
    TooSoon,
    /// Everybody who could come is busy.
    #[error("taken")]
    Taken,
    /// Nobody is known to be free, but somebody whose calendar cannot be read might be.
    #[error("a calendar cannot be read")]
    Unreachable,
}

/// At most `count` of the slots, the first and the last among them, the others evenly between.
#[must_use]
pub fn spread(slots: Vec<Slot>, count: usize) -> Vec<Slot> {
    let last = slots.len().saturating_sub(1);
    let gaps = count.saturating_sub(1).max(1);
    let picked: Vec<usize> =
        (0..count.min(slots.len())).map(|pick| if last < count { pick } else { pick * last / gaps }).collect();
    slots.into_iter().enumerate().filter(|(index, _)| picked.contains(index)).map(|(_, slot)| slot).collect()
}

/// How many other callers were offered each start a moment ago.
pub type Held = BTreeMap<OffsetDateTime, usize>;

/// Whether as many others may take this start as there are people free for it.
fn is_held(slot: &Slot, held: &Held) -> bool {
    held.get(&slot.start).is_some_and(|callers| slot.technicians.len() <= *callers)
}

/// At most `count` slots, in the order of time, of several lists of which an earlier one goes first; those of one list are
/// spread over it. What is held is picked only where there is nothing else.
#[must_use]
pub fn pick(lists: impl IntoIterator<Item = Vec<Slot>>, held: &Held, count: usize) -> Vec<Slot> {
    let (mut found, mut last) = (Vec::new(), Vec::new());
    for slots in lists {
        let (others, free): (Vec<_>, Vec<_>) = slots.into_iter().partition(|slot| is_held(slot, held));
        found.extend(spread(free, count - found.len()));
        last.push(others);
        if found.len() >= count {
            break;
        }
    }
    for others in last {
        found.extend(spread(others, count - found.len()));
    }
    found.sort_by_key(|slot| slot.start);
    found
}

/// The `count` slots whose start is nearest to what was wanted, in the order of time; of two that are equally far, the
/// earlier one. What is held comes after everything else.
#[must_use]
pub fn nearest(mut slots: Vec<Slot>, wanted: OffsetDateTime, held: &Held, count: usize) -> Vec<Slot> {
    slots.sort_by_key(|slot| (is_held(slot, held), (slot.start - wanted).abs(), slot.start));
    slots.truncate(count);
    slots.sort_by_key(|slot| slot.start);
    slots
}
