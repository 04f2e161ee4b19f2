//! The fake Google: everything that can change there, and the way of a request to the method that it asks for. Events are in
//! `google_events`, `google_list` and `google_freebusy`; who may do what in `google_access`, `google_accounts`,
//! `google_consent`, `google_grants` and `google_token`; changes in `google_sync` and `google_watch`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ringbook::clock::Clock;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::faults::{Fault, Refusal, Struck};
use super::google_access::{self as access, Role, Token};
use super::google_accounts::Accounts;
use super::google_calls::{self as calls, CALLS};
use super::google_event::{self as event, Stored};
use super::google_list::Listing;
use super::google_sync::SyncToken;
use super::google_token::{self as token, Assertion};
use super::google_watch::Switchboard;
use super::stage::{Moment, Stage};
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

/// The service account whose key [`Google::service_account_json`] gives.
pub const SERVICE_ACCOUNT: &str = "front-desk@ringbook-test.iam.gserviceaccount.com";

/// A running fake; it stops when dropped.
#[derive(Debug)]
pub struct FakeGoogle {
    google: Arc<Google>,
    _server: Server,
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
        Self { google, _server: server }
    }

    /// Google itself, for what must not keep the fake alive.
    pub(super) fn weak(&self) -> Weak<Google> {
        Arc::downgrade(&self.google)
    }

    /// Does `act` at the next such call, once, just before or just after its work.
    pub fn on(&self, call: &'static str, moment: Moment, act: impl FnOnce(&Google) + Send + 'static) {
        // A weak handle: a fake that is kept by its own script would never stop.
        let google = self.weak();
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
    pub summary: String,
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
    pub accounts: Accounts,
    pub listings: BTreeMap<u64, Listing>,
    pub sync_tokens: BTreeMap<String, SyncToken>,
    pub watch: Switchboard,
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

    /// Keeps an event as written now, with a new etag, and tells those who watch.
    pub fn keep(&mut self, calendar: &str, mut fields: Map<String, Value>, now: OffsetDateTime, unseen: u32) -> Value {
        let changed = self.next();
        let etag = format!("\"{}\"", 3_000_000 + changed);
        fields.insert("etag".into(), etag.into());
        fields.insert("updated".into(), event::shown_time(timestamp(now), &TimeZone::UTC).into());
        let id = fields["id"].as_str().expect("an event has an id").to_owned();
        let stored = Stored { fields, unseen, changed };
        let shown = Value::Object(stored.fields.clone());
        self.calendar(calendar).events.insert(id, stored);
        self.watch.changed(calendar, now);
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

    /// For `GOOGLE_CALENDAR_URL`.
    pub fn calendar_url(&self) -> String {
        format!("{}/calendar/v3/", self.url)
    }

    /// For `GOOGLE_AUTH_URL`.
    pub fn auth_url(&self) -> String {
        format!("{}{}", self.url, calls::CONSENT)
    }

    /// For `GOOGLE_REVOKE_URL`.
    pub fn revoke_url(&self) -> String {
        format!("{}/revoke", self.url)
    }

    /// For `GOOGLE_TOKEN_URL`; also the audience that assertions must name.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.url)
    }

    /// A service account's key file whose `token_uri` is this fake.
    pub fn service_account_json(&self) -> String {
        token::key_file(&self.token_url())
    }
}

impl Google {
    /// A call of the Calendar API by somebody who may make it.
    fn call(&self, aim: &Aim, who: &Token, request: &Request, struck: &[Struck]) -> Result<Answer, Answer> {
        let calendar = aim.about.first().map_or("", String::as_str);
        let id = request.segments.get(5).map_or("", String::as_str);
        match aim.call {
            "freebusy.query" => self.free_busy(who, &request.json(), struck),
            "calendarList.list" => self.calendar_list(who, request),
            "calendars.get" => self.calendar_shown(who, calendar),
            "channels.stop" => self.stop_channel(who, &request.json()),
            "events.watch" => self.watch(who, calendar, request),
            "events.list" | "events.sync" => self.list(who, calendar, request),
            "events.get" => self.get(who, calendar, id),
            "events.insert" => {
                let unseen = struck.iter().any(|struck| matches!(struck.fault, Fault::CollisionUnseen));
                self.insert(who, calendar, request, unseen)
            }
            "events.patch" => self.write(who, calendar, id, request, Write::Patch),
            "events.update" => self.write(who, calendar, id, request, Write::Replace),
            _ => self.delete(who, calendar, id, request),
        }
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
        let (call, mut about) = calls::read(request);
        let state = self.state();
        if call == "token" {
            about.extend(state.accounts.user_of(request));
        }
        let trusted = calls::is_open(call) || access::alive(&state.tokens, request, self.clock.now()).is_some();
        Aim { call, about, trusted }
    }

    fn work(&self, aim: &Aim, request: &Request, struck: &[Struck]) -> Answer {
        match aim.call {
            "token" => return self.mint(request),
            "revoke" => return self.revoke(request),
            "consent" => return self.consent_asked(request),
            "unknown" => return Answer::html(404),
            _ => {}
        }
        let Some(who) = access::alive(&self.state().tokens, request, self.clock.now()).cloned() else {
            return access::refusal(401, "authError");
        };
        if !who.may(aim.call) {
            return access::refusal(403, "insufficientPermissions");
        }
        self.call(aim, &who, request, struck).unwrap_or_else(|refused| refused)
    }

    fn refuse(&self, aim: &Aim, refusal: &Refusal) -> Answer {
        match aim.call {
            "token" | "revoke" => token::refusal(refusal.code, &refusal.reason),
            "consent" => Answer::html(refusal.code),
            _ => access::refusal(refusal.code, &refusal.reason),
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
