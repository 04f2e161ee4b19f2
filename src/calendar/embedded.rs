//! A calendar kept in our own database: a real one, for people who have none yet. It answers as Google would, burned ids
//! included, so that nothing above can tell the two apart.

use std::collections::BTreeMap;

use super::{Changed, Deleted, Entry, Event, Fault, Inserted, NewEvent, Place, Rewrite, Texts};
use crate::names::{BookingId, EventId};
use crate::scheduling::busy::Span;
use crate::store::Store;
use crate::store::events::EventRow;

/// The embedded calendars of all businesses.
#[derive(Clone, Debug)]
pub struct Embedded {
    store: Store,
}

impl Embedded {
    /// Calendars in this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Busy time in `span`, place by place.
    pub async fn busy(&self, places: &[Place], span: Span) -> BTreeMap<Place, Result<Vec<Span>, Fault>> {
        let mut answer = BTreeMap::new();
        for place in places {
            answer.insert(place.clone(), self.entries(place, span).await.map(|entries| spans_of(entries, None)));
        }
        answer
    }

    /// What stands in `span`, but for the event `skip`.
    pub(super) async fn look(&self, place: &Place, span: Span, skip: &EventId) -> Result<Vec<Span>, Fault> {
        Ok(spans_of(self.entries(place, span).await?, Some(skip)))
    }

    /// What stands in `span`.
    pub(super) async fn entries(&self, place: &Place, span: Span) -> Result<Vec<Entry>, Fault> {
        let events = self.store.events_between(&key(place), span.start, span.end).await.map_err(unknown)?;
        let entry =
            |event: EventRow| Some(Entry { id: EventId::parse(&event.id), span: Span::new(event.starts_at, event.ends_at)? });
        Ok(events.into_iter().filter_map(entry).collect())
    }

    /// Makes the event.
    pub(super) async fn insert(&self, place: &Place, event: &NewEvent) -> Inserted {
        let row = EventRow {
            calendar: key(place),
            id: event.id.as_str().to_owned(),
            summary: event.summary.clone(),
            description: event.description.clone(),
            location: event.location.clone().unwrap_or_default(),
            zone: event.time_zone.clone(),
            starts_at: event.span.start,
            ends_at: event.span.end,
            booking: event.booking.to_string(),
            call_id: event.call_id.clone(),
            cancelled: false,
            etag: "1".into(),
        };
        match self.store.insert_event(&row).await {
            Ok(true) => read(row)
                .map_or_else(|| Inserted::Unknown(Fault::Unknown("the event cannot be read back".into())), Inserted::Placed),
            Ok(false) => Inserted::Duplicate,
            Err(error) => Inserted::Unknown(unknown(error)),
        }
    }

    /// The event with this id.
    pub(super) async fn get(&self, place: &Place, id: &EventId) -> Result<Option<Event>, Fault> {
        Ok(self.store.event(&key(place), id.as_str()).await.map_err(unknown)?.and_then(read))
    }

    /// Changes the event, if it still has this etag.
    pub(super) async fn rewrite(&self, place: &Place, id: &EventId, etag: &str, rewrite: &Rewrite) -> Changed {
        let known = match self.store.event(&key(place), id.as_str()).await {
            Ok(known) => known.filter(|row| !row.cancelled),
            Err(error) => return Changed::NotDone(unknown(error)),
        };
        let Some(mut row) = known else { return Changed::Gone };
        if let Some((span, zone)) = &rewrite.time {
            (row.starts_at, row.ends_at) = (span.start, span.end);
            zone.clone_into(&mut row.zone);
        }
        row.summary = rewrite.summary.clone().unwrap_or(row.summary);
        row.description = rewrite.description.clone().unwrap_or(row.description);
        row.location = rewrite.location.clone().unwrap_or(row.location);
        etag.clone_into(&mut row.etag);
        match self.store.rewrite_event(&row).await {
            Ok(true) => {
                self.get(place, id).await.map_or_else(Changed::Unknown, |event| event.map_or(Changed::Gone, Changed::Done))
            }
            Ok(false) => Changed::Edited,
            Err(error) => Changed::Unknown(unknown(error)),
        }
    }

    /// Takes the event out, if it still has this etag.
    pub(super) async fn take_out(&self, place: &Place, id: &EventId, etag: &str) -> Changed {
        match self.get(place, id).await {
            Ok(None) => Changed::Gone,
            Ok(Some(event)) if event.cancelled => Changed::Gone,
            Ok(Some(event)) if event.etag != etag => Changed::Edited,
            Ok(Some(_)) => self.delete(place, id).await.map_or_else(Changed::Unknown, |_deleted| Changed::Gone),
            Err(fault) => Changed::NotDone(fault),
        }
    }

    /// Takes the event out; its id stays burned.
    pub(super) async fn delete(&self, place: &Place, id: &EventId) -> Result<Deleted, Fault> {
        let known = self.store.cancel_event(&key(place), id.as_str()).await.map_err(unknown)?;
        Ok(if known { Deleted::Gone } else { Deleted::NeverThere })
    }
}

fn spans_of(entries: Vec<Entry>, skip: Option<&EventId>) -> Vec<Span> {
    let others = entries.into_iter().filter(|entry| skip.is_none() || entry.id.as_ref() != skip);
    others.map(|entry| entry.span).collect()
}

fn key(place: &Place) -> String {
    format!("{}/{}", place.business, place.calendar)
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn unknown(error: crate::store::Error) -> Fault {
    Fault::Unknown(error.to_string())
}

fn read(row: EventRow) -> Option<Event> {
    Some(Event {
        id: EventId::parse(&row.id)?,
        booking: BookingId::parse(&row.booking),
        cancelled: row.cancelled,
        span: Span::new(row.starts_at, row.ends_at),
        etag: row.etag,
        texts: Texts { summary: row.summary, description: row.description, location: row.location },
    })
}
