//! Which times can be offered.

use std::time::Duration;

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
