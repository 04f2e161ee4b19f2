//! One look at all calendars of a business: over which window it goes, and how the copies of the server pass it on to one another.
//! What is passed on are spans of time under digests: no name, no number, nothing that anybody wrote.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, Time};

use super::Place;
use super::cache::Answers;
use super::changed::Marks;
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::Slug;
use crate::scheduling::busy::Span;

/// How long the windows are: short enough for one question to Google.
const WINDOW: Duration = Duration::days(48);
/// From where to where the windows for dates far away begin. The days that an answer looks at fit into one.
const FAR_STEP: Duration = Duration::days(16);
/// A civil day that has begun began at most so long ago.
const LONGEST_DAY: Duration = Duration::hours(25);
/// The form in which looks are passed on. Another one is not read.
const FORM: u32 = 1;

/// What a look is known by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub business: Slug,
    pub window: Window,
    pub all_day_free_blocks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Window {
    /// Today and the coming weeks.
    Near,
    /// The number of a window further on.
    Far(i64),
    /// Only what is asked for.
    Exactly(Span),
}

/// One look.
pub(super) struct Seen {
    pub at: OffsetDateTime,
    /// The number of the last change before it began.
    pub after: u64,
    pub span: Span,
    pub busy: Answers,
}

/// A look as it is passed on. Instants are milliseconds since 1970 UTC.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passed {
    form: u32,
    at: i64,
    span: (i64, i64),
    calendars: BTreeMap<String, PassedCalendar>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PassedCalendar {
    /// The mark of its last change before the look began.
    mark: String,
    busy: Vec<(i64, i64)>,
}

impl Key {
    /// As text.
    pub fn text(&self) -> String {
        let window = match self.window {
            Window::Near => "near".to_owned(),
            Window::Far(number) => format!("far-{number}"),
            Window::Exactly(span) => format!("{}-{}", epoch_ms(span.start), epoch_ms(span.end)),
        };
        let whole_days = if self.all_day_free_blocks { ":all-day" } else { "" };
        format!("{}:{window}{whole_days}", self.business)
    }
}

impl Seen {
    pub fn of(&self, places: &[Place]) -> Answers {
        places.iter().filter_map(|place| Some((place.clone(), self.busy.get(place)?.clone()))).collect()
    }

    /// The same for others: what could be read, where it is known after which change. `None` when that is nothing.
    pub fn passed(&self, calendars: &BTreeMap<Place, String>, marks: &Marks) -> Option<Passed> {
        let pass = |(place, answer): (&Place, &Result<Vec<Span>, _>)| {
            let calendar = calendars.get(place)?;
            let mark = marks.get(calendar).filter(|mark| !mark.is_empty())?.clone();
            let busy = answer.as_ref().ok()?.iter().map(ms).collect();
            Some((calendar.clone(), PassedCalendar { mark, busy }))
        };
        let calendars: BTreeMap<_, _> = self.busy.iter().filter_map(pass).collect();
        let passed = Passed { form: FORM, at: epoch_ms(self.at), span: ms(&self.span), calendars };
        (!passed.calendars.is_empty()).then_some(passed)
    }
}

impl Passed {
    /// `None` for what cannot be understood.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|passed: &Self| passed.form == FORM)
    }

    /// As a look of ours after the change with the number `after`, with those `calendars` that have not changed since.
    pub fn seen(&self, calendars: &BTreeMap<Place, String>, after: u64, is_last: impl Fn(&str, &str) -> bool) -> Seen {
        let busy = calendars.iter().filter_map(|(place, calendar)| {
            let passed = self.calendars.get(calendar).filter(|passed| is_last(calendar, &passed.mark))?;
            Some((place.clone(), Ok(passed.busy.iter().map(span).collect())))
        });
        Seen { at: from_epoch_ms(self.at), after, span: span(&self.span), busy: busy.collect() }
    }
}

/// To the millisecond, rounded outwards.
fn ms(span: &Span) -> (i64, i64) {
    let rounded_down = epoch_ms(span.end);
    let is_whole = from_epoch_ms(rounded_down) == span.end;
    (epoch_ms(span.start), if is_whole { rounded_down } else { rounded_down.saturating_add(1) })
}

fn span((start, end): &(i64, i64)) -> Span {
    Span { start: from_epoch_ms(*start), end: from_epoch_ms(*end) }
}

/// The window in which `span` is looked for. Where events are listed one by one, only what is asked for is read.
pub(super) fn window(span: Span, now: OffsetDateTime, all_day_free_blocks: bool) -> (Window, Span) {
    let from = |start: OffsetDateTime| Span { start, end: start.saturating_add(WINDOW) };
    let near = from(now.saturating_sub(LONGEST_DAY).replace_time(Time::MIDNIGHT));
    let number = span.start.unix_timestamp().div_euclid(FAR_STEP.whole_seconds());
    let far = OffsetDateTime::from_unix_timestamp(number.saturating_mul(FAR_STEP.whole_seconds())).map(from);
    match far {
        _ if all_day_free_blocks => (Window::Exactly(span), span),
        _ if near.contains(&span) => (Window::Near, near),
        Ok(far) if far.contains(&span) => (Window::Far(number), far),
        _ => (Window::Exactly(span), span),
    }
}
