//! Making an event at Google, and taking it out again. The id is ours, so the same insert may be sent again by whoever owns
//! the booking; it is never sent twice from here, except after a rejected token.

use std::collections::HashMap;

use super::super::encode::{calendar_segment, event_segment, to_chrono};
use super::super::{Deleted, Event, Fault, Inserted, NewEvent, Place};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use super::read::event_from;
use crate::names::EventId;
use google_calendar3::api;

impl Google {
    /// Makes the event. "Placed" is said only if the answer shows what was asked for.
    pub async fn insert(&self, place: &Place, event: &NewEvent) -> Inserted {
        let may_invite = self.account(&place.business).is_ok_and(|account| account.tokens.may_invite());
        let wanted = calendar_segment(&place.calendar).and_then(|calendar| Ok((calendar, wire_event(place, event, may_invite)?)));
        let (calendar, wanted) = match wanted {
            Ok(both) => both,
            Err(fault) => return Inserted::Refused(fault.to_string()),
        };
        let invites = wanted.attendees.is_some();
        let outcome = self.call_as(Urgency::Booking, "events.insert", &place.business, move |hub, mut wire| {
            let (wanted, calendar) = (wanted.clone(), calendar.clone());
            async move {
                let mut call = hub.events().insert(wanted, &calendar).delegate(&mut wire);
                if invites {
                    // Google warns that guests who were not told lose the event.
                    call = call.send_updates("all");
                }
                Ok(call.doit().await?.1)
            }
        });
        match outcome.await {
            Ok(answer) => match event_from(answer, &event.id).ok().filter(|placed| is_as_asked(placed, event)) {
                Some(placed) => Inserted::Placed(placed),
                None => Inserted::Unknown(Fault::Unknown("the answer shows something else than was asked for".into())),
            },
            Err(failure) => meaning(failure),
        }
    }

    /// Takes the event out. Already deleted is as good as deleted now.
    ///
    /// # Errors
    /// A [`Fault`] when nobody knows whether it is gone.
    pub async fn delete(&self, place: &Place, id: &EventId) -> Result<Deleted, Fault> {
        let (calendar, event) = (calendar_segment(&place.calendar)?, event_segment(id)?.to_owned());
        let outcome = self.call_as(Urgency::Booking, "events.delete", &place.business, move |hub, mut wire| {
            let (calendar, event) = (calendar.clone(), event.clone());
            async move { hub.events().delete(&calendar, &event).delegate(&mut wire).doit().await.map(drop) }
        });
        match outcome.await {
            Ok(()) | Err(Failure::Said { status: 410, .. }) => Ok(Deleted::Gone),
            Err(Failure::Said { status: 404, .. }) => Ok(Deleted::NeverThere),
            Err(failure) => Err(failure.into_fault()),
        }
    }
}

/// What a failed insert did.
fn meaning(failure: Failure) -> Inserted {
    match failure {
        Failure::Said { status: 409, .. } => Inserted::Duplicate,
        Failure::NoToken(Fault::Refused(cause)) => Inserted::Refused(cause),
        Failure::NotConnected | Failure::NoToken(_) | Failure::Held(_) => Inserted::NotSent(failure.into_fault()),
        Failure::Said { .. } if failure.is_rate_limit() => Inserted::NotSent(failure.into_fault()),
        Failure::Said { .. } => Inserted::Refused(failure.to_string()),
        Failure::Lost { .. } => Inserted::Unknown(failure.into_fault()),
    }
}

fn is_as_asked(placed: &Event, asked: &NewEvent) -> bool {
    placed.span.is_some_and(|span| span.same_seconds(&asked.span)) && !placed.cancelled
}

fn wire_event(place: &Place, event: &NewEvent, may_invite: bool) -> Result<api::Event, Fault> {
    let moment = |instant| {
        Ok(api::EventDateTime { date: None, date_time: Some(to_chrono(instant)?), time_zone: Some(event.time_zone.clone()) })
    };
    let mut private =
        HashMap::from([("bookingId".to_owned(), event.booking.to_string()), ("business".to_owned(), place.business.to_string())]);
    if !event.call_id.is_empty() {
        private.insert("callId".to_owned(), event.call_id.clone());
    }
    let guest = |email: &String| vec![api::EventAttendee { email: Some(email.clone()), ..api::EventAttendee::default() }];
    Ok(api::Event {
        id: Some(event_segment(&event.id)?.to_owned()),
        summary: Some(event.summary.clone()),
        description: Some(event.description.clone()),
        location: event.location.clone(),
        start: Some(moment(event.span.start)?),
        end: Some(moment(event.span.end)?),
        extended_properties: Some(api::EventExtendedProperties { private: Some(private), shared: None }),
        attendees: event.invite.as_ref().filter(|_| may_invite).map(guest),
        ..api::Event::default()
    })
}
