//! Pure arithmetic of time: zones, opening hours, busy time, open slots, and dates in words. No I/O, no async, no clock.

pub mod board;
pub mod busy;
pub mod hours;
pub mod reading;
pub mod reasons;
pub mod slots;
pub mod speech;
pub mod zone;
