//! Writes that count only while an event is as it was seen: under `If-Match`, so that whatever a person changed in the
//! meantime is noticed. The library's calls send no headers of ours, so these requests are made by hand from its parts, over
//! the same connections and under the same pace.

use std::collections::BTreeMap;

use google_calendar3::common::{self, Delegate};
use google_calendar3::hyper::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH, USER_AGENT};
use google_calendar3::hyper::{Method, Request};
use google_calendar3::{Error, api};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::encode::{calendar_segment, event_segment};
use super::super::{Changed, Event, Fault, Place, Rewrite};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use super::read::event_from;
use super::wire::{AGENT, Hub, Wire};
use crate::names::EventId;

/// One such request.
#[derive(Clone)]
struct Guarded {
    method: Method,
    address: String,
    etag: String,
    body: String,
}

impl Google {
    /// Changes the event, if it still has this etag. "Done" is said only if the answer shows what was asked for.
    pub async fn rewrite(&self, place: &Place, id: &EventId, etag: &str, rewrite: &Rewrite) -> Changed {
        let wanted = wire_patch(rewrite).and_then(|body| self.guarded(Method::PATCH, place, id, etag, body));
        let answer = match wanted {
            Ok(request) => self.send("events.patch", place, request).await,
            Err(fault) => return Changed::NotDone(fault),
        };
        let event = match answer {
            Ok(body) => serde_json::from_slice::<api::Event>(&body).ok().and_then(|event| event_from(event, id).ok()),
            Err(failure) => return meaning(failure),
        };
        match event.filter(|event| is_as_asked(event, rewrite)) {
            Some(event) => Changed::Done(event),
            None => Changed::Unknown(Fault::Unknown("the answer shows something else than was asked for".into())),
        }
    }

    /// Takes the event out, if it still has this etag; no guest of it is told by us. One that is gone already is as good.
    pub async fn take_out(&self, place: &Place, id: &EventId, etag: &str) -> Changed {
        match self.guarded(Method::DELETE, place, id, etag, String::new()) {
            Ok(request) => self.send("events.delete", place, request).await.map_or_else(meaning, |_empty| Changed::Gone),
            Err(fault) => Changed::NotDone(fault),
        }
    }

    fn guarded(&self, method: Method, place: &Place, id: &EventId, etag: &str, body: String) -> Result<Guarded, Fault> {
        let (calendar, event) = (calendar_segment(&place.calendar)?, event_segment(id)?);
        let base = self.account(&place.business)?.calendar_url;
        // Guests are told of it: they would otherwise stand before a closed door.
        let address = format!("{base}calendars/{calendar}/events/{event}?sendUpdates=all&alt=json");
        Ok(Guarded { method, address, etag: etag.to_owned(), body })
    }

    async fn send(&self, method: &'static str, place: &Place, request: Guarded) -> Result<Vec<u8>, Failure> {
        self.call_as(Urgency::Booking, method, &place.business, move |hub, wire| exchange(hub, wire, request.clone())).await
    }
}

/// As the library does it for its own calls.
async fn exchange(hub: Hub, mut wire: Wire, guarded: Guarded) -> common::Result<Vec<u8>> {
    let token = hub.auth.get_token(&[]).await.map_err(Error::MissingToken)?.unwrap_or_default();
    let mut request = Request::builder()
        .method(guarded.method)
        .uri(guarded.address)
        .header(USER_AGENT, AGENT)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json");
    if !guarded.etag.is_empty() {
        request = request.header(IF_MATCH, guarded.etag);
    }
    let body = Some(guarded.body).filter(|body| !body.is_empty());
    let request = request.body(common::to_body(body)).map_err(|_odd| Error::Cancelled)?;
    let (parts, body) = hub.client.request(request).await.map_err(Error::HttpError)?.into_parts();
    let status = parts.status;
    let bytes = common::to_bytes(common::Body::new(body)).await;
    if status.is_success() {
        // A body that breaks off is no answer: whether it was done is not known.
        return bytes.map(|bytes| bytes.to_vec()).ok_or(Error::Cancelled);
    }
    let bytes = bytes.unwrap_or_default();
    let said: Option<Value> = serde_json::from_slice(&bytes).ok();
    let _abort = wire.http_failure(&common::to_response(parts, bytes.into()), said.as_ref());
    Err(Error::BadRequest(said.unwrap_or_default()))
}

/// What a failed write did.
fn meaning(failure: Failure) -> Changed {
    match failure {
        Failure::Said { status: 412, .. } => Changed::Edited,
        // 404 is not "gone": so answers a calendar that is not shared with us any more, in which the event still stands.
        Failure::Said { status: 410, .. } => Changed::Gone,
        Failure::NotConnected | Failure::NoToken(_) | Failure::Held(_) | Failure::Said { .. } => {
            Changed::NotDone(failure.into_fault())
        }
        Failure::Lost { .. } => Changed::Unknown(failure.into_fault()),
    }
}

fn is_as_asked(event: &Event, rewrite: &Rewrite) -> bool {
    let same_time = rewrite.time.as_ref().is_none_or(|(asked, _)| event.span.is_some_and(|span| span.same_seconds(asked)));
    same_time && !event.cancelled
}

/// A patch merges: what is not named stays as people left it.
fn wire_patch(rewrite: &Rewrite) -> Result<String, Fault> {
    let mut fields = BTreeMap::new();
    if let Some((span, zone)) = &rewrite.time {
        let moment = |instant: time::OffsetDateTime| {
            let written = instant.format(&Rfc3339).map_err(|_odd| Fault::Refused("an instant out of range".into()))?;
            Ok::<Value, Fault>(json!({ "dateTime": written, "timeZone": zone }))
        };
        fields.insert("start", moment(span.start)?);
        fields.insert("end", moment(span.end)?);
    }
    let texts = [("summary", &rewrite.summary), ("description", &rewrite.description), ("location", &rewrite.location)];
    fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(text.clone()?)))));
    Ok(json!(fields).to_string())
}
