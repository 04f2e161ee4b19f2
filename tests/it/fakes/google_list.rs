//! What the fake Google's `events.list` shows: the window, the filters and the pages. All pages of one listing show the
//! calendar as it was at the first. Where a listing begins with a sync token is in `google_sync`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::google::{Google, State, access_to, resolved};
use super::google_access::{self as access, Role, Token};
use super::google_event::Stored;
use super::google_events::seen;
use super::google_partial::only_asked;
use super::google_sync::{self as sync, Parameters};
use super::wire::{Answer, Request};

/// Query parameters of `events.list` that the fake knows.
const PARAMETERS: &[&str] = &[
    "alt",
    "fields",
    "maxResults",
    "orderBy",
    "pageToken",
    "prettyPrint",
    "privateExtendedProperty",
    "showDeleted",
    "singleEvents",
    "syncToken",
    "timeMax",
    "timeMin",
    "timeZone",
];

/// What a first page has begun.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    calendar: String,
    asked: Parameters,
    found: Vec<Stored>,
    /// For the last page.
    next_sync: Option<String>,
}

impl Google {
    pub(super) fn list(&self, who: &Token, id: &str, request: &Request) -> Result<Answer, Answer> {
        sync::check_combination(request)?;
        access::known_parameters(request, PARAMETERS)?;
        let asked = Asked::read(request)?;
        let mut state = self.state();
        access_to(&mut state, who, id, Role::Reader)?;
        let id = resolved(who, id);
        let (number, listing, from) = if let Some((number, from)) = asked.page {
            (number, state.begun(number, id, request)?, from)
        } else {
            let listing = state.begin(id, &asked, request)?;
            let number = state.next();
            state.listings.insert(number, listing.clone());
            (number, listing, 0)
        };
        let (until, more) = match state.short_pages {
            Some(_) if asked.page.is_none() => (0, true),
            short => {
                let until = (from + short.unwrap_or(asked.most)).min(listing.found.len());
                (until, until < listing.found.len())
            }
        };
        let items: Vec<Value> = listing.found[from..until].iter().map(|stored| stored.shown(state.whole_tombstones)).collect();
        let calendar = state.calendar(id);
        let mut envelope = json!({
            "kind": "calendar#events", "etag": "\"list\"", "summary": calendar.summary, "timeZone": calendar.zone_name(),
            "accessRole": calendar.roles[&who.who].name(), "defaultReminders": [], "items": items,
        });
        if more {
            envelope["nextPageToken"] = format!("page-{number}-{until}").into();
        } else if let Some(next_sync) = listing.next_sync {
            envelope["nextSyncToken"] = next_sync.into();
        }
        Ok(Answer::json(200, &only_asked(request, &envelope)?))
    }
}

impl State {
    /// Reads the calendar for all pages to come.
    fn begin(&mut self, id: &str, asked: &Asked, request: &Request) -> Result<Listing, Answer> {
        let since = self.synced(id, request)?;
        // What is not seen yet must come with a later sync, so the next token knows only up to before it.
        let mut known = self.serial;
        let calendar = self.calendar(id);
        let zone = calendar.zone.clone();
        let mut visible: Vec<Stored> = Vec::new();
        for stored in calendar.events.values_mut() {
            if seen(stored) {
                visible.push(stored.clone());
            } else {
                known = known.min(stored.changed - 1);
            }
        }
        let single = |stored: &Stored| if asked.single { stored.instances(&zone) } else { vec![stored.clone()] };
        let wanted = |stored: &Stored| match since {
            Some(since) => stored.changed > since,
            None => asked.wants(stored, &zone),
        };
        let mut found: Vec<Stored> = visible.iter().flat_map(single).filter(wanted).collect();
        if asked.by_start {
            found.sort_by_key(|stored| stored.times(&zone));
        }
        let next_sync = self.next_sync_token(id, request, known);
        Ok(Listing { calendar: id.to_owned(), asked: sync::parameters(request), found, next_sync })
    }

    /// A later page belongs to what was asked for at the first.
    fn begun(&self, number: u64, id: &str, request: &Request) -> Result<Listing, Answer> {
        let same = |listing: &&Listing| listing.calendar == id && listing.asked == sync::parameters(request);
        self.listings.get(&number).filter(same).cloned().ok_or_else(|| bad("pageToken"))
    }
}

fn bad(name: &str) -> Answer {
    access::error(400, "invalidParameter", &format!("Invalid value for: {name}"))
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
    /// The number of a listing, and where its page begins.
    page: Option<(u64, usize)>,
}

impl Asked {
    fn read(request: &Request) -> Result<Self, Answer> {
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
        let place = |token: &str| {
            let (number, from) = token.strip_prefix("page-")?.split_once('-')?;
            Some((number.parse().ok()?, from.parse().ok()?))
        };
        Ok(Self {
            from: instant("timeMin")?,
            until: instant("timeMax")?,
            private: private.ok_or_else(|| bad("privateExtendedProperty"))?,
            single,
            deleted: flag("showDeleted")?,
            by_start,
            most: most.ok_or_else(|| bad("maxResults"))?.min(2500),
            page: request.param("pageToken").map(|token| place(token).ok_or_else(|| bad("pageToken"))).transpose()?,
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
}
