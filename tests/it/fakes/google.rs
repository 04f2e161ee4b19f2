//! The fake Google Calendar: its calendars, what staff do in them, and the routes. What the methods do is in `google_events`
//! and `google_freebusy`, tokens are in `google_token`. Not here yet: sync tokens, watch channels, the consent page.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringbook::clock::Clock;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::faults::{Fault, Refusal, Struck};
use super::google_access::{self as access, Role, Token};
use super::google_event::{self as event, Stored};
use super::google_token::{self as token, Assertion};
use super::stage::{Moment, Stage};
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

/// The service account whose key [`Google::service_account_json`] gives.
pub const SERVICE_ACCOUNT: &str = "front-desk@ringbook-test.iam.gserviceaccount.com";

const CALLS: &[&str] = &[
    "freebusy.query",
    "events.insert",
    "events.get",
    "events.list",
    "events.patch",
    "events.update",
    "events.delete",
    "calendarList.list",
    "calendars.get",
    "token",
    "unknown",
];

/// A running fake; it stops when dropped.
#[derive(Debug)]
pub struct FakeGoogle {
    google: Arc<Google>,
    server: Server,
}

impl Deref for FakeGoogle {
    type Target = Google;
    fn deref(&self) -> &Google {
        &self.google
    }
}

impl FakeGoogle {
    /// Starts with no calendars; tokens live and die by `clock`.
    pub fn start(clock: Clock) -> Self {
        let (server, google) = Server::start(|url| Google::new(url, clock));
        Self { google, server }
    }

    /// For `GOOGLE_CALENDAR_URL`.
    pub fn calendar_url(&self) -> String {
        format!("{}/calendar/v3/", self.server.url())
    }

    /// Does `act` at the next such call, once, just before or just after its work.
    pub fn on(&self, call: &'static str, moment: Moment, act: impl FnOnce(&Google) + Send + 'static) {
        // A weak handle: a fake that is kept by its own script would never stop.
        let google = Arc::downgrade(&self.google);
        let act = move || {
            if let Some(google) = google.upgrade() {
                act(&google);
            }
        };
        self.act_at(call, moment, Box::new(act));
    }

    /// Staff add an event in the instant before the next insert is done.
    pub fn staff_adds_before_next_insert(&self, calendar: &str, start: OffsetDateTime, end: OffsetDateTime) {
        let calendar = calendar.to_owned();
        self.on("events.insert", Moment::Before, move |google| drop(google.staff_adds(&calendar, start, end)));
    }

    /// Staff add an event in the instant after the next insert was done, before it is answered.
    pub fn staff_adds_after_next_insert(&self, calendar: &str, start: OffsetDateTime, end: OffsetDateTime) {
        let calendar = calendar.to_owned();
        self.on("events.insert", Moment::After, move |google| drop(google.staff_adds(&calendar, start, end)));
    }
}

/// One calendar.
#[derive(Debug)]
pub(super) struct Calendar {
    pub zone: TimeZone,
    pub roles: BTreeMap<String, Role>,
    pub events: BTreeMap<String, Stored>,
}

impl Calendar {
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().expect("calendars have IANA zones")
    }
}

/// Everything that can change.
#[derive(Debug, Default)]
pub(super) struct State {
    pub calendars: BTreeMap<String, Calendar>,
    pub tokens: BTreeMap<String, Token>,
    pub delegated: BTreeSet<String>,
    pub assertions: Vec<Assertion>,
    pub judge: Clock,
    pub serial: u64,
    pub lag: u32,
    pub short_pages: Option<usize>,
    pub whole_tombstones: bool,
}

impl State {
    /// A number that was never given before; etags, ids and tokens are made of it.
    pub fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub fn calendar(&mut self, id: &str) -> &mut Calendar {
        self.calendars.get_mut(id).unwrap_or_else(|| panic!("no calendar {id} was added"))
    }

    /// Keeps an event as written now, with a new etag.
    pub fn keep(&mut self, calendar: &str, mut fields: Map<String, Value>, now: OffsetDateTime, unseen: u32) -> Value {
        let etag = format!("\"{}\"", 3_000_000 + self.next());
        fields.insert("etag".into(), etag.into());
        fields.insert("updated".into(), event::shown_time(timestamp(now), &TimeZone::UTC).into());
        let id = fields["id"].as_str().expect("an event has an id").to_owned();
        let stored = Stored { fields, unseen };
        let shown = Value::Object(stored.fields.clone());
        self.calendar(calendar).events.insert(id, stored);
        shown
    }
}

pub(super) fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp::from_nanosecond(at.unix_timestamp_nanos()).expect("an instant of our times")
}

/// Google itself: what tests script and staff do, and what the API answers.
pub struct Google {
    pub(super) clock: Clock,
    url: String,
    stage: Stage,
    state: Mutex<State>,
}

impl std::fmt::Debug for Google {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Google").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Deref for Google {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Google {
    fn new(url: &str, clock: Clock) -> Self {
        let state = State { judge: clock.clone(), ..State::default() };
        Self { clock, url: url.to_owned(), stage: Stage::new(CALLS), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// For `GOOGLE_TOKEN_URL`; also the audience that assertions must name.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.url)
    }

    /// A service account's key file whose `token_uri` is this fake.
    pub fn service_account_json(&self) -> String {
        token::key_file(&self.token_url())
    }

    fn calendar_list(&self, who: &Token) -> Answer {
        let state = self.state();
        // What is shared with a service account does not enter its list by itself.
        let listed = state.calendars.iter().filter(|(id, _)| !who.alone || **id == who.who);
        let items: Vec<Value> = listed
            .filter_map(|(id, calendar)| {
                let role = calendar.roles.get(&who.who)?;
                let mut item = json!({"kind": "calendar#calendarListEntry", "id": id, "summary": id, "timeZone": calendar.zone_name(), "accessRole": role.name()});
                if *id == who.who {
                    item["primary"] = true.into();
                }
                Some(item)
            })
            .collect();
        Answer::json(200, &json!({"kind": "calendar#calendarList", "etag": "\"list\"", "items": items}))
    }

    fn calendar_shown(&self, who: &Token, id: &str) -> Result<Answer, Answer> {
        let mut state = self.state();
        let calendar = access_to(&mut state, who, id, Role::Reader)?;
        let zone = calendar.zone_name();
        Ok(Answer::json(
            200,
            &json!({"kind": "calendar#calendar", "etag": "\"calendar\"", "id": resolved(who, id), "summary": id, "timeZone": zone}),
        ))
    }
}

/// `primary` is the calendar whose id is the account's own address.
pub(super) fn resolved<'a>(who: &'a Token, id: &'a str) -> &'a str {
    if id == "primary" { &who.who } else { id }
}

/// The calendar if the account has this much of a right to it: unknown and unshared look the same.
pub(super) fn access_to<'a>(state: &'a mut State, who: &Token, id: &str, needed: Role) -> Result<&'a mut Calendar, Answer> {
    let calendar = state.calendars.get_mut(resolved(who, id)).ok_or_else(|| access::refusal(404, "notFound"))?;
    match calendar.roles.get(&who.who) {
        None => Err(access::refusal(404, "notFound")),
        Some(role) if *role < needed => Err(access::refusal(403, "forbidden")),
        Some(_) => Ok(calendar),
    }
}

impl Site for Google {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn aim(&self, request: &Request) -> Aim {
        let (call, calendar) = match (request.verb.as_str(), request.parts().as_slice()) {
            ("POST", ["token"]) => ("token", None),
            ("POST", ["calendar", "v3", "freeBusy"]) => ("freebusy.query", None),
            ("GET", ["calendar", "v3", "users", "me", "calendarList"]) => ("calendarList.list", None),
            ("GET", ["calendar", "v3", "calendars", id]) => ("calendars.get", Some(*id)),
            ("GET", ["calendar", "v3", "calendars", id, "events"]) => ("events.list", Some(*id)),
            ("POST", ["calendar", "v3", "calendars", id, "events"]) => ("events.insert", Some(*id)),
            ("GET", ["calendar", "v3", "calendars", id, "events", _]) => ("events.get", Some(*id)),
            ("PATCH", ["calendar", "v3", "calendars", id, "events", _]) => ("events.patch", Some(*id)),
            ("PUT", ["calendar", "v3", "calendars", id, "events", _]) => ("events.update", Some(*id)),
            ("DELETE", ["calendar", "v3", "calendars", id, "events", _]) => ("events.delete", Some(*id)),
            _ => ("unknown", None),
        };
        let mut about: Vec<String> = calendar.into_iter().map(str::to_owned).collect();
        if call == "freebusy.query" {
            let items = request.json()["items"].as_array().cloned().unwrap_or_default();
            about.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
        }
        let trusted = call == "token" || access::alive(&self.state().tokens, request, self.clock.now()).is_some();
        Aim { call, about, trusted }
    }

    fn work(&self, aim: &Aim, request: &Request, struck: &[Struck]) -> Answer {
        match aim.call {
            "token" => return self.mint(request),
            "unknown" => return Answer::html(404),
            _ => {}
        }
        let Some(who) = access::alive(&self.state().tokens, request, self.clock.now()).cloned() else {
            return access::refusal(401, "authError");
        };
        if !who.may(aim.call) {
            return access::refusal(403, "insufficientPermissions");
        }
        let calendar = aim.about.first().map_or("", String::as_str);
        let id = request.segments.get(5).map_or("", String::as_str);
        match aim.call {
            "freebusy.query" => self.free_busy(&who, &request.json(), struck),
            "calendarList.list" => Ok(self.calendar_list(&who)),
            "calendars.get" => self.calendar_shown(&who, calendar),
            "events.list" => self.list(&who, calendar, request),
            "events.get" => self.get(&who, calendar, id),
            "events.insert" => {
                let unseen = struck.iter().any(|struck| matches!(struck.fault, Fault::CollisionUnseen));
                self.insert(&who, calendar, request, unseen)
            }
            "events.patch" => self.write(&who, calendar, id, request, Write::Patch),
            "events.update" => self.write(&who, calendar, id, request, Write::Replace),
            _ => self.delete(&who, calendar, id, request),
        }
        .unwrap_or_else(|refused| refused)
    }

    fn refuse(&self, aim: &Aim, refusal: &Refusal) -> Answer {
        if aim.call == "token" {
            token::refusal(refusal.code, &refusal.reason)
        } else {
            access::refusal(refusal.code, &refusal.reason)
        }
    }
}

/// How a body changes an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Merges.
    Patch,
    /// Replaces everything.
    Replace,
}
