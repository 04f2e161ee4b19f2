//! Dates and times as they are spoken.
