//! What stands in a calendar. Whatever cannot be read is a fault: nothing here turns "I do not know" into "free".

use google_calendar3::api;

use super::super::encode::{between, calendar_segment, event_segment, from_chrono};
use super::super::{Event, Fault, Place, Texts};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use crate::names::{BookingId, EventId};

impl Google {
    /// The event with this id, deleted ones included; `None` when the calendar never had it, or does not show it.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read.
    pub async fn get(&self, place: &Place, id: &EventId) -> Result<Option<Event>, Fault> {
        let (calendar, event) = (calendar_segment(&place.calendar)?, event_segment(id)?.to_owned());
        let outcome = self.call_as(Urgency::Booking, "events.get", &place.business, move |hub, mut wire| {
            let (calendar, event) = (calendar.clone(), event.clone());
            async move { Ok(hub.events().get(&calendar, &event).delegate(&mut wire).doit().await?.1) }
        });
        match outcome.await {
            Ok(answer) => event_from(answer, id).map(Some),
            Err(Failure::Said { status: 404, .. }) => Ok(None),
            Err(Failure::Said { status: 410, .. }) => Ok(Some(tombstone(id))),
            Err(failure) => Err(failure.into_fault()),
        }
    }
}

fn tombstone(id: &EventId) -> Event {
    Event { id: id.clone(), booking: None, cancelled: true, span: None, etag: String::new(), texts: Texts::default() }
}

/// Google's event as ours; a fault when it is another one than `asked`.
pub(super) fn event_from(answer: api::Event, asked: &EventId) -> Result<Event, Fault> {
    if answer.id.as_deref() != Some(asked.as_str()) {
        return Err(Fault::Unknown("an answer about another event".into()));
    }
    let private = answer.extended_properties.and_then(|properties| properties.private);
    let booking = private.as_ref().and_then(|private| BookingId::parse(private.get("bookingId")?));
    let moment = |at: Option<api::EventDateTime>| at.and_then(|at| from_chrono(at.date_time?));
    let (start, end) = (moment(answer.start), moment(answer.end));
    Ok(Event {
        id: asked.clone(),
        booking,
        cancelled: answer.status.as_deref() == Some("cancelled"),
        span: between(start, end).ok().flatten(),
        etag: answer.etag.unwrap_or_default(),
        texts: Texts {
            summary: answer.summary.unwrap_or_default(),
            description: answer.description.unwrap_or_default(),
            location: answer.location.unwrap_or_default(),
        },
    })
}
