//! What stands in one calendar, event by event: for the moment of booking, where our own event must be left out, and for
//! businesses whose all-day events block even when Google calls them free.

use std::time::Duration;

use google_calendar3::api;

use super::super::encode::{between, calendar_segment, from_chrono, from_chrono_date, to_chrono};
use super::super::{Entry, Fault, Place};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use crate::names::EventId;
use crate::scheduling::busy::Span;
use crate::scheduling::zone::Zone;

/// Events in one answer; Google's own limit is 2500, but a page must stay readable within a call's time.
const PAGE_EVENTS: i32 = 500;
/// More pages than this are an unknown calendar, not a partly known one.
const MAX_PAGES: usize = 10;
/// The least that all pages together may take.
const LIST_TIMEOUT: Duration = Duration::from_secs(4);
/// An all-day event has no instants of its own, and which of them Google compares with the window is not documented: the
/// window is asked for wider by the largest offset from UTC, and the answer narrowed again here.
const MARGIN: time::Duration = time::Duration::hours(14);
/// Nothing else is read: titles, guests and notes of other people's events stay at Google.
const FIELDS: &str = "timeZone,nextPageToken,items(id,status,transparency,eventType,start,end,attendees(self,responseStatus))";

impl Google {
    /// What stands in `span` right now, without the event `skip`. The spans are whole, not clipped: each has an instant in
    /// common with `span`.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read, or not to its end.
    pub async fn look(&self, place: &Place, span: Span, skip: &EventId, all_day_free_blocks: bool) -> Result<Vec<Span>, Fault> {
        let entries = self.listing(place, span, Some(skip), all_day_free_blocks, Urgency::Booking).await?;
        Ok(entries.into_iter().map(|entry| entry.span).collect())
    }

    /// What stands in `span` right now and what it is, for a look at which nobody waits: whoever does goes first.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read, or not to its end.
    pub async fn entries(&self, place: &Place, span: Span, all_day_free_blocks: bool) -> Result<Vec<Entry>, Fault> {
        self.listing(place, span, None, all_day_free_blocks, Urgency::Background).await
    }

    pub(super) async fn listing(
        &self,
        place: &Place,
        span: Span,
        skip: Option<&EventId>,
        all_day_free_blocks: bool,
        urgency: Urgency,
    ) -> Result<Vec<Entry>, Fault> {
        let mut found = Vec::new();
        let pages = async {
            let mut next = None;
            for _page in 0..MAX_PAGES {
                let page = self.page(place, span, next, urgency).await?;
                let zone = page.time_zone.as_deref();
                for event in
                    page.items.iter().flatten().filter(|event| skip.is_none_or(|own| event.id.as_deref() != Some(own.as_str())))
                {
                    let blocked = blocked_by(event, zone, all_day_free_blocks)?;
                    let id = || event.id.as_deref().and_then(EventId::parse);
                    found.extend(blocked.filter(|blocked| blocked.overlaps(&span)).map(|span| Entry { id: id(), span }));
                }
                next = page.next_page_token;
                if next.is_none() {
                    return Ok(());
                }
            }
            Err(Fault::Unknown("more events than are read".into()))
        };
        tokio::time::timeout(LIST_TIMEOUT.max(urgency.limit()), pages)
            .await
            .map_err(|_elapsed| Fault::Unknown("no whole list in time".into()))??;
        Ok(found)
    }

    async fn page(&self, place: &Place, span: Span, token: Option<String>, urgency: Urgency) -> Result<api::Events, Fault> {
        let calendar = calendar_segment(&place.calendar)?;
        let (from, to) = (to_chrono(span.start.saturating_sub(MARGIN))?, to_chrono(span.end.saturating_add(MARGIN))?);
        let outcome = self.call_as(urgency, "events.list", &place.business, move |hub, mut wire| {
            let (calendar, token) = (calendar.clone(), token.clone());
            async move {
                let mut call = hub.events().list(&calendar).delegate(&mut wire);
                call = call.single_events(true).show_deleted(false).time_min(from).time_max(to).max_results(PAGE_EVENTS);
                if let Some(token) = &token {
                    call = call.page_token(token);
                }
                Ok(call.param("fields", FIELDS).doit().await?.1)
            }
        });
        let page = outcome.await.map_err(Failure::into_fault)?;
        // `{}` is JSON too, and would read as an empty calendar. Whether an empty list is left out of a partial answer is not
        // documented, but the zone belongs to every envelope.
        if page.items.is_none() && page.time_zone.is_none() {
            return Err(Fault::Unknown("an answer that is not a list of events".into()));
        }
        Ok(page)
    }
}

/// The time that an event takes from its calendar's owner; `zone` is the calendar's, in which whole days are meant.
pub(super) fn blocked_by(event: &api::Event, zone: Option<&str>, all_day_free_blocks: bool) -> Result<Option<Span>, Fault> {
    let declined = |guest: &api::EventAttendee| guest.self_ == Some(true) && guest.response_status.as_deref() == Some("declined");
    if event.status.as_deref() == Some("cancelled") || event.attendees.iter().flatten().any(declined) {
        return Ok(None);
    }
    let (Some(start), Some(end)) = (&event.start, &event.end) else { return between(None, None) };
    let all_day = start.date.zip(end.date);
    // Where somebody works and whose birthday it is say nothing about being away, and Google shows both as all-day and free.
    let says_nothing = matches!(event.event_type.as_deref(), Some("workingLocation" | "birthday"));
    let blocks_all_the_same = all_day.is_some() && all_day_free_blocks && !says_nothing;
    if event.transparency.as_deref() == Some("transparent") && !blocks_all_the_same {
        return Ok(None);
    }
    let Some((first, after)) = all_day else {
        return between(start.date_time.and_then(from_chrono), end.date_time.and_then(from_chrono));
    };
    let zone = zone
        .and_then(|name| Zone::parse(name).ok())
        .ok_or_else(|| Fault::Unknown("the calendar's time zone is not known".into()))?;
    let midnight = |date| from_chrono_date(date).map(|date| zone.start_of_day(date));
    between(midnight(first), midnight(after))
}
