//! What tests and a business's own staff do at the fake Google, past the API: calendars, sharing, events, and its bad habits.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::google::{Calendar, Google, timestamp};
use super::google_access::Role;
use super::google_event::{self as event, Stored};

impl Google {
    /// A calendar that each of these accounts (service account or user) may write to. The account whose address is the id owns it.
    pub fn add_calendar(&self, id: &str, time_zone: &str, shared_with: &[&str]) {
        let zone = TimeZone::get(time_zone).expect("an IANA zone");
        let role = |who: &&str| ((*who).to_owned(), if *who == id { Role::Owner } else { Role::Writer });
        let roles = shared_with.iter().map(role).collect();
        let calendar = Calendar { summary: id.to_owned(), zone, roles, events: BTreeMap::new() };
        self.state().calendars.insert(id.to_owned(), calendar);
    }

    /// Gives a calendar the name that people see.
    pub fn name_calendar(&self, id: &str, summary: &str) {
        summary.clone_into(&mut self.state().calendar(id).summary);
    }

    /// Changes what an account may do.
    pub fn share(&self, calendar: &str, who: &str, role: Role) {
        self.state().calendar(calendar).roles.insert(who.to_owned(), role);
    }

    /// Takes a calendar away from an account.
    pub fn unshare(&self, calendar: &str, who: &str) {
        self.state().calendar(calendar).roles.remove(who);
    }

    /// The live events, by start.
    pub fn events(&self, calendar: &str) -> Vec<Value> {
        self.all_events(calendar).into_iter().filter(|event| event["status"] != "cancelled").collect()
    }

    /// All events, tombstones with all their fields, by start.
    pub fn all_events(&self, calendar: &str) -> Vec<Value> {
        let mut state = self.state();
        let calendar = state.calendar(calendar);
        let mut all: Vec<&Stored> = calendar.events.values().collect();
        all.sort_by_key(|stored| stored.times(&calendar.zone));
        all.into_iter().map(|stored| Value::Object(stored.fields.clone())).collect()
    }

    /// Staff add a timed event that blocks; returns its id.
    pub fn staff_adds(&self, calendar: &str, start: OffsetDateTime, end: OffsetDateTime) -> String {
        let utc = |at| event::shown_time(timestamp(at), &TimeZone::UTC);
        self.staff_adds_event(
            calendar,
            &json!({"summary": "Staff", "start": {"dateTime": utc(start)}, "end": {"dateTime": utc(end)}}),
        )
    }

    /// Staff add any event: all-day, transparent, tentative, repeating (`FREQ=DAILY|WEEKLY;COUNT=n`), with guests; returns its id.
    pub fn staff_adds_event(&self, calendar: &str, fields: &Value) -> String {
        let mut fields = fields.as_object().expect("an event is an object").clone();
        let (now, mut state) = (self.clock.now(), self.state());
        let number = state.next();
        let id = fields.entry("id").or_insert_with(|| format!("staff{number}").into()).as_str().expect("an id").to_owned();
        event::accept(&mut fields, &state.calendar(calendar).zone).expect("staff add valid events");
        state.keep(calendar, fields, now, 0);
        id
    }

    /// Staff delete an event; its id stays burned.
    pub fn staff_deletes(&self, calendar: &str, id: &str) {
        self.staff_patches(calendar, id, &json!({"status": "cancelled"}));
    }

    /// Staff take a deleted event out of the bin.
    pub fn staff_restores(&self, calendar: &str, id: &str) {
        self.staff_patches(calendar, id, &json!({"status": "confirmed"}));
    }

    /// Staff give an event another title.
    pub fn staff_renames(&self, calendar: &str, id: &str, title: &str) {
        self.staff_patches(calendar, id, &json!({"summary": title}));
    }

    /// Staff move an event to another calendar: there it keeps its id, and here it counts as cancelled.
    pub fn staff_moves_to(&self, calendar: &str, id: &str, other: &str) {
        let (now, mut state) = (self.clock.now(), self.state());
        let old = state.calendar(calendar).events.get(id).unwrap_or_else(|| panic!("no event {id}")).clone();
        let mut new = old.fields.clone();
        new.insert("organizer".into(), json!({"email": other, "self": true}));
        let mut gone = old.fields;
        gone.insert("status".into(), "cancelled".into());
        state.keep(other, new, now, old.unseen);
        state.keep(calendar, gone, now, old.unseen);
    }

    /// Staff drag an event to another time.
    pub fn staff_moves(&self, calendar: &str, id: &str, start: OffsetDateTime, end: OffsetDateTime) {
        let utc = |at| event::shown_time(timestamp(at), &TimeZone::UTC);
        self.staff_patches(calendar, id, &json!({"start": {"dateTime": utc(start)}, "end": {"dateTime": utc(end)}}));
    }

    /// Staff change an event.
    pub fn staff_patches(&self, calendar: &str, id: &str, patch: &Value) {
        let (now, mut state) = (self.clock.now(), self.state());
        let zone = state.calendar(calendar).zone.clone();
        let mut stored = state.calendar(calendar).events.get(id).unwrap_or_else(|| panic!("no event {id}")).clone();
        event::merge(&mut stored.fields, patch.as_object().expect("a patch is an object"));
        event::accept(&mut stored.fields, &zone).expect("staff make valid events");
        state.keep(calendar, stored.fields, now, stored.unseen);
    }

    /// From now on, an event that is inserted through the API stays invisible to so many reads: a get of it,
    /// a list or a free/busy of its calendar.
    pub fn lag_reads(&self, reads: u32) {
        self.state().lag = reads;
    }

    /// Everything inserted so far becomes visible; later inserts are visible at once.
    pub fn catch_up(&self) {
        let mut state = self.state();
        state.lag = 0;
        state.calendars.values_mut().flat_map(|calendar| calendar.events.values_mut()).for_each(|stored| stored.unseen = 0);
    }

    /// `events.list` sends an empty first page, then so many events on each, whatever `maxResults` asks.
    pub fn short_pages(&self, each: usize) {
        self.state().short_pages = Some(each);
    }

    /// Deleted events are shown with all their fields, not only with what is guaranteed.
    pub fn whole_tombstones(&self) {
        self.state().whole_tombstones = true;
    }
}
