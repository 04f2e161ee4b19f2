//! Opening hours as they are written in a business file: `"08:00-12:00"`, weekdays, and dates with other hours.

use time::Date;

use super::file::{Problems, Table, quoted};
use crate::scheduling::hours::{Exception, WallSpan, Week};
use crate::scheduling::reading::read_date;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Reads `08:00-12:00`, by a clock of 24 hours; `24:00` is a legal end. `None` for anything else, and for a span that is
/// empty or crosses midnight.
#[must_use]
pub fn parse_span(text: &str) -> Option<WallSpan> {
    let (from, to) = text.split_once('-')?;
    WallSpan::new(minute(from.trim())?, minute(to.trim())?)
}

/// `08:30` as minutes after midnight, up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, longest: usize| {
        let digits = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let minutes = number(minute, 2).filter(|minutes| minute.len() == 2 && *minutes < 60)?;
    Some(number(hour, 2)? * 60 + minutes)
}

/// One span, with a problem that says what is wrong about it.
fn span(place: &str, text: &str, problems: &Problems) -> Option<WallSpan> {
    let span = parse_span(text);
    if span.is_none() {
        let crosses = text.split_once('-').and_then(|(from, to)| Some((minute(from.trim())?, minute(to.trim())?)));
        let wrong = match crosses {
            Some((from, to)) if from > to && from < 1440 => {
                "crosses midnight; end it at 24:00 and write the rest on the next day, from 00:00"
            }
            Some((from, to)) if from == to => "is empty; write an end after the beginning, 24:00 at the latest",
            _ => "is no span of a day; write it as \"08:00-17:30\", 24:00 at the latest",
        };
        problems.add(place, format!("{} {wrong}", quoted(text)));
    }
    span
}

/// A list of spans of one day, sorted; `None` when the key is absent.
pub(super) fn spans(table: &mut Table, key: &'static str) -> Option<Vec<WallSpan>> {
    let problems = table.problems();
    let texts = table.list(key)?;
    let mut spans: Vec<_> =
        texts.into_iter().filter_map(|(place, text)| Some((span(&place, &text, &problems)?, place, text))).collect();
    spans.sort();
    for pair in spans.windows(2) {
        if let [(before, _, earlier), (after, place, later)] = pair
            && after.from_minute < before.to_minute
        {
            problems.add(
                place.clone(),
                format!("{} overlaps {}; let each span begin where the one before has ended", quoted(later), quoted(earlier)),
            );
        }
    }
    Some(spans.into_iter().map(|(span, ..)| span).collect())
}

/// One span under a key, or its default.
pub(super) fn window(table: &mut Table, key: &'static str, default: WallSpan) -> WallSpan {
    let Some(text) = table.text(key) else { return default };
    span(&table.key(key), &text, &table.problems()).unwrap_or(default)
}

/// A table of weekdays; a missing day is closed.
pub(super) fn week(mut table: Table) -> Week {
    let week = Week(WEEKDAYS.map(|day| spans(&mut table, day).unwrap_or_default()));
    table.finish();
    week
}

/// `[[exceptions]]`, in the order of the file.
pub(super) fn exceptions(table: &mut Table) -> Vec<Exception> {
    table.tables("exceptions").into_iter().filter_map(exception).collect()
}

fn exception(mut table: Table) -> Option<Exception> {
    let from = table.needed_text("from", "2026-12-25");
    let from = from.and_then(|text| date(&table, "from", &text));
    let to = table.text("to").map_or(Some(from), |text| date(&table, "to", &text).map(Some));
    let hours = spans(&mut table, "hours").unwrap_or_default();
    let reason = table.text("reason").unwrap_or_default();
    let from_and_to = from.zip(to.flatten());
    if from_and_to.is_some_and(|(from, to)| to < from) {
        table.wrong("to", "this lies before `from`; write the last date, or leave it out for a single day");
    }
    table.finish();
    from_and_to.map(|(from, to)| Exception { from, to, hours, reason })
}

fn date(table: &Table, key: &str, text: &str) -> Option<Date> {
    let date = Some(text).filter(|text| text.len() == 10).and_then(read_date);
    if date.is_none() {
        table.wrong(key, format!("{} is no date of the calendar; write it as \"2026-12-25\"", quoted(text)));
    }
    date
}
