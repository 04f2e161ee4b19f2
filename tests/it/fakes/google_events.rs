//! What the fake Google's `events.*` methods do with one event. Access has been checked but for the calendar; nothing here
//! knows faults.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::google::{Google, State, Write, access_to, resolved, timestamp};
use super::google_access::{self as access, Role, Token};
use super::google_event::{self as event, Invalid, Stored};
use super::wire::{Answer, Request};

impl Google {
    pub(super) fn get(&self, who: &Token, calendar: &str, id: &str) -> Result<Answer, Answer> {
        let mut state = self.state();
        let whole = state.whole_tombstones;
        let calendar = access_to(&mut state, who, calendar, Role::Reader)?;
        let stored = calendar.events.get_mut(id).and_then(|stored| seen(stored).then_some(&*stored));
        stored.map(|stored| Answer::json(200, &stored.shown(whole))).ok_or_else(|| access::refusal(404, "notFound"))
    }

    pub(super) fn insert(
        &self,
        who: &Token,
        calendar: &str,
        request: &Request,
        collision_unseen: bool,
    ) -> Result<Answer, Answer> {
        let mut fields = body(request)?;
        let mut state = self.state();
        let zone = access_to(&mut state, who, calendar, Role::Writer)?.zone.clone();
        check_query(request)?;
        let number = state.next();
        if fields.contains_key("id") && fields.contains_key("iCalUID") {
            return Err(access::error(400, "invalid", "Send id or iCalUID, not both."));
        }
        let id = fields.entry("id").or_insert_with(|| format!("made{number:08}").into()).as_str().unwrap_or("").to_owned();
        if !event::is_valid_id(&id) {
            return Err(access::error(400, "invalid", "Invalid resource id value."));
        }
        event::accept(&mut fields, &zone).map_err(refused)?;
        check_guests(who, &fields)?;
        if request.param("conferenceDataVersion").is_none() {
            fields.remove("conferenceData");
        }
        let calendar = resolved(who, calendar);
        if state.calendar(calendar).events.contains_key(&id) && !collision_unseen {
            return Err(access::refusal(409, "duplicate"));
        }
        let now = self.clock.now();
        let created = json!({
            "kind": "calendar#event", "created": event::shown_time(timestamp(now), &TimeZone::UTC), "eventType": "default",
            "creator": {"email": who.who}, "organizer": {"email": calendar, "self": true}, "iCalUID": format!("{id}@google.com"),
            "htmlLink": format!("https://www.google.com/calendar/event?eid={id}"), "reminders": {"useDefault": true}, "sequence": 0,
        });
        for (field, value) in created.as_object().expect("an object") {
            fields.entry(field).or_insert_with(|| value.clone());
        }
        let unseen = state.lag;
        Ok(Answer::json(200, &state.keep(calendar, fields, now, unseen)))
    }

    pub(super) fn write(&self, who: &Token, calendar: &str, id: &str, request: &Request, how: Write) -> Result<Answer, Answer> {
        let new = body(request)?;
        let mut state = self.state();
        let zone = access_to(&mut state, who, calendar, Role::Writer)?.zone.clone();
        check_query(request)?;
        let calendar = resolved(who, calendar);
        let old = existing(&mut state, calendar, id)?;
        check_etag(&old, request)?;
        let mut fields = match how {
            Write::Patch => old.fields.clone(),
            Write::Replace => {
                old.fields.iter().filter(|(name, _)| given_by_google(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
            }
        };
        let theirs: Map<String, Value> = new.into_iter().filter(|(name, _)| !given_by_google(name)).collect();
        check_guests(who, &theirs)?;
        event::merge(&mut fields, &theirs);
        event::accept(&mut fields, &zone).map_err(refused)?;
        Ok(Answer::json(200, &state.keep(calendar, fields, self.clock.now(), old.unseen)))
    }

    pub(super) fn delete(&self, who: &Token, calendar: &str, id: &str, request: &Request) -> Result<Answer, Answer> {
        let mut state = self.state();
        access_to(&mut state, who, calendar, Role::Writer)?;
        check_query(request)?;
        let calendar = resolved(who, calendar);
        let mut old = existing(&mut state, calendar, id)?;
        if old.cancelled() {
            return Err(access::refusal(410, "deleted"));
        }
        check_etag(&old, request)?;
        old.fields.insert("status".into(), "cancelled".into());
        state.keep(calendar, old.fields, self.clock.now(), old.unseen);
        Ok(Answer::empty(204))
    }
}

/// Whether a read sees the event already; each look brings the moment nearer.
pub(super) fn seen(stored: &mut Stored) -> bool {
    let seen = stored.unseen == 0;
    stored.unseen = stored.unseen.saturating_sub(1);
    seen
}

fn existing(state: &mut State, calendar: &str, id: &str) -> Result<Stored, Answer> {
    state.calendar(calendar).events.get(id).cloned().ok_or_else(|| access::refusal(404, "notFound"))
}

fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    match request.json() {
        Value::Object(fields) => Ok(fields),
        _ => Err(access::error(400, "parseError", "Parse Error")),
    }
}

fn refused(Invalid(code, reason, message): Invalid) -> Answer {
    access::error(code, reason, &message)
}

/// Fields that a body may carry but not set.
fn given_by_google(field: &str) -> bool {
    ["kind", "id", "etag", "created", "updated", "creator", "organizer", "htmlLink", "iCalUID", "eventType"].contains(&field)
}

fn check_query(request: &Request) -> Result<(), Answer> {
    match request.param("sendUpdates") {
        None | Some("all" | "externalOnly" | "none") => Ok(()),
        Some(_) => Err(access::error(400, "invalidParameter", "Invalid value for: sendUpdates")),
    }
}

/// A service account that acts for nobody may not invite.
fn check_guests(who: &Token, fields: &Map<String, Value>) -> Result<(), Answer> {
    let invites = fields.get("attendees").and_then(Value::as_array).is_some_and(|guests| !guests.is_empty());
    if invites && who.alone { Err(access::refusal(403, "forbiddenForServiceAccounts")) } else { Ok(()) }
}

fn check_etag(stored: &Stored, request: &Request) -> Result<(), Answer> {
    match request.header("if-match") {
        None | Some("*") => Ok(()),
        Some(etag) if etag == stored.text("etag") => Ok(()),
        Some(_) => Err(access::refusal(412, "conditionNotMet")),
    }
}
