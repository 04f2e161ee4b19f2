//! Busy time of many calendars at once, by freeBusy. Google answers 200 even when it could not read one of them, may leave
//! one out, and may give an empty list together with an error: each of these is a fault of that calendar.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use google_calendar3::api;

use super::super::encode::{between, from_chrono, to_chrono};
use super::super::{Fault, Place};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use crate::names::{CalendarId, Slug};
use crate::scheduling::busy::Span;

/// Calendars in one question; more than fifty are not documented to be answered.
const MAX_CALENDARS: usize = 50;
/// The longest stretch in one question: Google's limit is undocumented, and three months were refused.
const MAX_DAYS: time::Duration = time::Duration::days(60);
/// Calendars whose events are listed at the same time.
const MAX_LISTINGS: usize = 8;

type Answers = BTreeMap<CalendarId, Result<Vec<Span>, Fault>>;

impl Google {
    /// Busy time in `span`, for each place on its own: a place that cannot be read is a [`Fault`], never an empty list. With
    /// `all_day_free_blocks` the events themselves are listed, because freeBusy leaves out what is marked free.
    pub async fn busy(
        &self,
        places: &[Place],
        span: Span,
        all_day_free_blocks: bool,
    ) -> BTreeMap<Place, Result<Vec<Span>, Fault>> {
        let places: BTreeSet<&Place> = places.iter().collect();
        // The questions are gathered in loops: with closures over borrowed places, the compiler cannot see that the whole may
        // be moved to another thread.
        if all_day_free_blocks {
            let mut listings = Vec::new();
            for place in places {
                listings.push(async move {
                    let listed = self.listing(place, span, None, true, Urgency::Awaited).await;
                    (place.clone(), listed.map(|entries| entries.into_iter().map(|entry| entry.span).collect()))
                });
            }
            return stream::iter(listings).buffer_unordered(MAX_LISTINGS).collect().await;
        }
        let mut by_account: BTreeMap<Option<&Slug>, Vec<&Place>> = BTreeMap::new();
        for place in places {
            // A business without an account hears so from its own question.
            let owner = self.account_and_owner(&place.business).map_or(Some(&place.business), |(_, owner)| owner);
            by_account.entry(owner).or_default().push(place);
        }
        let mut asked = Vec::new();
        for places in by_account.into_values() {
            asked.push(self.busy_of_account(places, span));
        }
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn busy_of_account(&self, places: Vec<&Place>, span: Span) -> Vec<(Place, Result<Vec<Span>, Fault>)> {
        let calendars: BTreeSet<&CalendarId> = places.iter().map(|place| &place.calendar).collect();
        let calendars: Vec<CalendarId> = calendars.into_iter().cloned().collect();
        let (windows, mut asked) = (windows(span), Vec::new());
        if let Some(first) = places.first() {
            for some in calendars.chunks(MAX_CALENDARS) {
                for window in &windows {
                    asked.push(self.ask(&first.business, some, *window));
                }
            }
        }
        let mut known = Answers::new();
        for (calendar, answer) in join_all(asked).await.into_iter().flatten() {
            match (known.get_mut(&calendar), answer) {
                (Some(Ok(busy)), Ok(more)) => busy.extend(more),
                (Some(Err(_)), _) => {}
                (_, answer) => {
                    known.insert(calendar, answer);
                }
            }
        }
        let of = |place: &Place| {
            known.get(&place.calendar).cloned().unwrap_or_else(|| Err(Fault::Refused("nothing was asked".into())))
        };
        places.into_iter().map(|place| (place.clone(), of(place))).collect()
    }

    async fn ask(&self, business: &Slug, calendars: &[CalendarId], window: Span) -> Vec<(CalendarId, Result<Vec<Span>, Fault>)> {
        let answer = self.query(business, calendars, window).await;
        let read = |calendar| answer.as_ref().map_err(Fault::clone).and_then(|answer| busy_of(answer, calendar));
        calendars.iter().map(|calendar| (calendar.clone(), read(calendar))).collect()
    }

    async fn query(
        &self,
        business: &Slug,
        calendars: &[CalendarId],
        window: Span,
    ) -> Result<HashMap<String, api::FreeBusyCalendar>, Fault> {
        let item = |calendar: &CalendarId| api::FreeBusyRequestItem { id: Some(calendar.to_string()) };
        let question = api::FreeBusyRequest {
            time_min: Some(to_chrono(window.start)?),
            time_max: Some(to_chrono(window.end)?),
            items: Some(calendars.iter().map(item).collect()),
            ..api::FreeBusyRequest::default()
        };
        let outcome = self.call("freebusy.query", business, move |hub, mut wire| {
            let question = question.clone();
            async move { Ok(hub.freebusy().query(question).delegate(&mut wire).doit().await?.1) }
        });
        Ok(outcome.await.map_err(Failure::into_fault)?.calendars.unwrap_or_default())
    }
}

/// `span` in pieces that Google answers; none for a span without length, which then counts as not asked.
fn windows(span: Span) -> Vec<Span> {
    let starts = std::iter::successors(Some(span.start), |start| start.checked_add(MAX_DAYS));
    starts.map_while(|start| Span::new(start, span.end.min(start.saturating_add(MAX_DAYS)))).collect()
}

fn busy_of(answer: &HashMap<String, api::FreeBusyCalendar>, calendar: &CalendarId) -> Result<Vec<Span>, Fault> {
    let same = |key: &&String| key.eq_ignore_ascii_case(calendar.as_str());
    let found = answer.get(calendar.as_str()).or_else(|| answer.keys().find(same).and_then(|key| answer.get(key)));
    let found = found.ok_or_else(|| Fault::Unknown("freeBusy left this calendar out".into()))?;
    if let Some(error) = found.errors.iter().flatten().next() {
        return Err(match error.reason.as_deref() {
            Some(reason @ ("notFound" | "forbidden" | "groupTooBig" | "tooManyCalendarsRequested")) => {
                Fault::Refused(format!("freeBusy: {reason}"))
            }
            Some("internalError") => Fault::Unknown("freeBusy: internalError".into()),
            _ => Fault::Unknown("freeBusy: an error of another kind".into()),
        });
    }
    let busy = found.busy.as_ref().ok_or_else(|| Fault::Unknown("freeBusy gave no list for this calendar".into()))?;
    let span =
        |period: &api::TimePeriod| between(period.start.and_then(from_chrono), period.end.and_then(from_chrono)).transpose();
    busy.iter().filter_map(span).collect()
}
