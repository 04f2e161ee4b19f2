//! Dates and times as they are spoken: "Tuesday, December 1 at 8:30 AM". English, never ISO. A time is given with its local
//! offset, and its wall clock is read out.

use time::{Date, OffsetDateTime};

/// "8 AM", "8:30 AM", "12 PM".
#[must_use]
pub fn spoken_time(local: OffsetDateTime) -> String {
    let half = if local.hour() < 12 { "AM" } else { "PM" };
    let hour = match local.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match local.minute() {
        0 => format!("{hour} {half}"),
        minute => format!("{hour}:{minute:02} {half}"),
    }
}

/// "Tuesday, December 1"; the year is said only when it is not this year's.
#[must_use]
pub fn spoken_date(date: Date, today: Date) -> String {
    let day = format!("{}, {} {}", date.weekday(), date.month(), date.day());
    if date.year() == today.year() { day } else { format!("{day}, {}", date.year()) }
}

/// "Tuesday, December 1 at 8:30 AM".
#[must_use]
pub fn spoken_date_time(local: OffsetDateTime, today: Date) -> String {
    format!("{} at {}", spoken_date(local.date(), today), spoken_time(local))
}

/// "a", "a or b", "a, b or c".
#[must_use]
pub fn spoken_list<T: AsRef<str>>(items: &[T], conjunction: &str) -> String {
    joined(items, ", ", &format!(" {conjunction} "))
}

/// Times in their order, each date said once: "Tuesday, December 1 at 8 AM or 10:30 AM, or Wednesday, December 2 at 9 AM".
#[must_use]
pub fn spoken_times(locals: &[OffsetDateTime], today: Date) -> String {
    let days: Vec<String> = locals
        .chunk_by(|one, next| one.date() == next.date())
        .filter_map(|day| {
            let times: Vec<String> = day.iter().copied().map(spoken_time).collect();
            Some(format!("{} at {}", spoken_date(day.first()?.date(), today), spoken_list(&times, "or")))
        })
        .collect();
    joined(&days, ", ", ", or ")
}

fn joined<T: AsRef<str>>(items: &[T], between: &str, before_last: &str) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        match items.len() - index {
            _ if index == 0 => {}
            1 => text.push_str(before_last),
            _ => text.push_str(between),
        }
        text.push_str(item.as_ref());
    }
    text
}
