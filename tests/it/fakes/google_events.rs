//! What the fake Google's `events.*` methods do. Access has been checked but for the calendar; nothing here knows faults.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::google::{Google, State, Write, access_to, resolved, timestamp};
use super::google_access::{self as access, Role, Token};
use super::google_event::{self as event, Invalid, Stored};
use super::google_partial::only_asked;
use super::wire::{Answer, Request};

/// Query parameters of `events.list` that the fake knows; any other is answered 501, so that nothing is ignored by silence.
const LIST_PARAMETERS: &[&str] = &[
    "alt",
    "fields",
    "maxResults",
    "orderBy",
    "pageToken",
    "prettyPrint",
    "privateExtendedProperty",
    "showDeleted",
    "singleEvents",
    "timeMax",
    "timeMin",
    "timeZone",
];

impl Google {
    pub(super) fn get(&self, who: &Token, calendar: &str, id: &str) -> Result<Answer, Answer> {
        let mut state = self.state();
        let whole = state.whole_tombstones;
        let calendar = access_to(&mut state, who, calendar, Role::Reader)?;
        let stored = calendar.events.get_mut(id).and_then(|stored| seen(stored).then_some(&*stored));
        stored.map(|stored| Answer::json(200, &stored.shown(whole))).ok_or_else(|| access::refusal(404, "notFound"))
    }

    pub(super) fn list(&self, who: &Token, id: &str, request: &Request) -> Result<Answer, Answer> {
        let asked = Asked::read(request)?;
        let mut state = self.state();
        let (whole, short_pages) = (state.whole_tombstones, state.short_pages);
        let calendar = access_to(&mut state, who, id, Role::Reader)?;
        let zone = calendar.zone.clone();
        let visible: Vec<Stored> =
            calendar.events.values_mut().filter_map(|stored| seen(stored).then(|| stored.clone())).collect();
        let single = |stored: &Stored| if asked.single { stored.instances(&zone) } else { vec![stored.clone()] };
        let mut found: Vec<Stored> = visible.iter().flat_map(single).filter(|stored| asked.wants(stored, &zone)).collect();
        if asked.by_start {
            found.sort_by_key(|stored| stored.times(&zone));
        }
        let (page, next) = asked.page(&found, short_pages);
        let items: Vec<Value> = page.iter().map(|stored| stored.shown(whole)).collect();
        let mut envelope = json!({
            "kind": "calendar#events", "etag": "\"list\"", "summary": resolved(who, id), "timeZone": calendar.zone_name(),
            "accessRole": calendar.roles[&who.who].name(), "defaultReminders": [], "items": items,
        });
        if let Some(next) = next {
            envelope["nextPageToken"] = format!("page-{next}").into();
        }
        Ok(Answer::json(200, &only_asked(request, &envelope)?))
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

/// A list request, read and checked.
struct Asked {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    private: Vec<(String, String)>,
    single: bool,
    deleted: bool,
    by_start: bool,
    most: usize,
    offset: Option<usize>,
}

impl Asked {
    fn read(request: &Request) -> Result<Self, Answer> {
        if let Some((unknown, _)) = request.query.iter().find(|(name, _)| !LIST_PARAMETERS.contains(&name.as_str())) {
            return Err(access::error(501, "notImplemented", &format!("the fake does not know {unknown}")));
        }
        let bad = |name: &str| access::error(400, "invalidParameter", &format!("Invalid value for: {name}"));
        // An instant without an offset is refused, whatever `timeZone` says.
        let instant =
            |name: &str| request.param(name).map(|text| text.parse::<Timestamp>().ok().ok_or_else(|| bad(name))).transpose();
        let flag = |name: &str| match request.param(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(name)),
        };
        let pair = |text: &str| text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        let private = request.params("privateExtendedProperty").map(pair).collect::<Option<_>>();
        let single = flag("singleEvents")?;
        let by_start = match request.param("orderBy") {
            None => false,
            Some("startTime") if single => true,
            Some(_) => return Err(bad("orderBy")),
        };
        let most = request.param("maxResults").map_or(Ok(250), str::parse).ok().filter(|most| *most > 0);
        let offset = request.param("pageToken").map(|token| token.strip_prefix("page-").and_then(|place| place.parse().ok()));
        Ok(Self {
            from: instant("timeMin")?,
            until: instant("timeMax")?,
            private: private.ok_or_else(|| bad("privateExtendedProperty"))?,
            single,
            deleted: flag("showDeleted")?,
            by_start,
            most: most.ok_or_else(|| bad("maxResults"))?.min(2500),
            offset: offset.map(|place| place.ok_or_else(|| bad("pageToken"))).transpose()?,
        })
    }

    /// Overlap is open at both ends: an event that only touches the window is not in it.
    fn wants(&self, stored: &Stored, zone: &TimeZone) -> bool {
        let (start, end) = stored.times(zone);
        (self.deleted || !stored.cancelled())
            && self.from.is_none_or(|from| end > from)
            && self.until.is_none_or(|until| start < until)
            && self.private.iter().all(|(key, value)| stored.has_private(key, value))
    }

    /// The page asked for and where the next one begins.
    fn page<'a>(&self, found: &'a [Stored], short: Option<usize>) -> (&'a [Stored], Option<usize>) {
        if short.is_some() && self.offset.is_none() {
            return (&[], Some(0));
        }
        let from = self.offset.unwrap_or(0).min(found.len());
        let until = (from + short.unwrap_or(self.most)).min(found.len());
        (&found[from..until], (until < found.len()).then_some(until))
    }
}
