//! What has changed in a calendar since it was read last, by Google's sync tokens: one question for the whole calendar, and
//! then only what people did in it. It decides nothing, and an answer that is not whole is never "nothing has changed".

use google_calendar3::api;

use super::super::encode::calendar_segment;
use super::super::{Event, Fault, Place};
use super::Google;
use super::failure::Failure;
use super::list::blocked_by;
use super::pace::Urgency;
use super::read::event_from;
use crate::names::EventId;

/// Events in one answer. Google's limit is 2500, but a page must be readable within the time of one call.
const PAGE_EVENTS: i32 = 500;
/// More pages than this are a fault: a calendar of a hundred thousand events is not a technician's.
const MAX_PAGES: usize = 200;
/// Nothing else is read: titles, guests and notes of other people's events stay at Google.
const FIELDS: &str = "timeZone,nextPageToken,nextSyncToken,items(id,status,etag,transparency,eventType,recurrence,start,end,\
                      attendees(self,responseStatus),extendedProperties(private(bookingId)))";

/// What has changed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Every event that was changed, as it is now; without a token all events that there are.
    pub events: Vec<ChangedEvent>,
    /// The token with which the next changes are asked for.
    pub next: String,
}

/// An event that was made, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedEvent {
    /// As it is now; the span of an all-day event is its days, in the calendar's zone.
    pub event: Event,
    /// Whether it takes time from its calendar's owner at given hours: not deleted, declined, marked free, all-day or a series.
    pub blocks: bool,
}

/// Why there are no changes to be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangesError {
    /// Google has forgotten the token: only reading from the start helps.
    #[error("the sync token is not valid any more")]
    SyncTokenDead,
    /// The calendar cannot be read, or not to its end.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Google {
    /// Everything that has changed since `sync_token` was given; with `None`, everything that there is.
    ///
    /// # Errors
    /// [`ChangesError::SyncTokenDead`] when the calendar must be read from the start; a [`Fault`] when it cannot be read.
    pub async fn changes(&self, place: &Place, sync_token: Option<&str>) -> Result<Changes, ChangesError> {
        let (mut events, mut page_token) = (Vec::new(), None);
        for _page in 0..MAX_PAGES {
            let page = self.changed_page(place, sync_token, page_token.as_deref()).await?;
            let zone = page.time_zone.as_deref();
            for item in page.items.unwrap_or_default() {
                events.extend(changed(item, zone)?);
            }
            match (page.next_page_token, page.next_sync_token) {
                (Some(token), _) => page_token = Some(token),
                (None, Some(next)) => return Ok(Changes { events, next }),
                // `{}` is JSON too, and would read as an unchanged calendar.
                (None, None) => return Err(Fault::Unknown("a list of changes without an end".into()).into()),
            }
        }
        Err(Fault::Unknown("more changes than are read".into()).into())
    }

    /// Both kinds of question are asked with the same parameters, as Google wants it, and with none that it forbids beside a
    /// token: no `timeMin`, no order, no search. Series stay series: expanded, one without an end would never be read.
    async fn changed_page(
        &self,
        place: &Place,
        sync_token: Option<&str>,
        page_token: Option<&str>,
    ) -> Result<api::Events, ChangesError> {
        let calendar = calendar_segment(&place.calendar)?;
        let tokens = (sync_token.map(str::to_owned), page_token.map(str::to_owned));
        let outcome = self.call_as(Urgency::Background, "events.list", &place.business, move |hub, mut wire| {
            let (calendar, (sync_token, page_token)) = (calendar.clone(), tokens.clone());
            async move {
                let mut call = hub.events().list(&calendar).delegate(&mut wire).max_results(PAGE_EVENTS);
                if let Some(token) = &sync_token {
                    call = call.sync_token(token);
                }
                if let Some(token) = &page_token {
                    call = call.page_token(token);
                }
                Ok(call.param("fields", FIELDS).doit().await?.1)
            }
        });
        outcome.await.map_err(|failure| match failure {
            Failure::Said { status: 410, .. } if sync_token.is_some() => ChangesError::SyncTokenDead,
            failure => failure.into_fault().into(),
        })
    }
}

/// `None` for an event whose id is longer than any that we would give or name.
fn changed(item: api::Event, zone: Option<&str>) -> Result<Option<ChangedEvent>, Fault> {
    let id = item.id.as_deref().ok_or_else(|| Fault::Unknown("an event without an id".into()))?;
    let Some(id) = EventId::parse(id) else { return Ok(None) };
    // Somebody else's event without sense takes no time, but must not stand in the way of reading the others.
    let takes = |all_day_free_blocks| blocked_by(&item, zone, all_day_free_blocks).ok().flatten();
    let is_timed = item.start.as_ref().is_some_and(|start| start.date_time.is_some());
    let blocks = is_timed && item.recurrence.is_none() && takes(false).is_some();
    // People make a job an all-day event, and Google then calls it free: it stands on those days all the same.
    let days = takes(true).filter(|_| !is_timed);
    let event = event_from(item, &id)?;
    Ok(Some(ChangedEvent { event: Event { span: event.span.or(days), ..event }, blocks }))
}
