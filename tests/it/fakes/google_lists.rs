//! The calendars that an account sees at the fake Google: `calendarList.list` and `calendars.get`. They change nothing.

use serde_json::{Value, json};

use super::google::{Calendar, Google, access_to, resolved};
use super::google_access::{self as access, Role, Token};
use super::google_partial::only_asked;
use super::wire::{Answer, Request};

const LIST_PARAMETERS: &[&str] = &["alt", "fields", "maxResults", "minAccessRole", "pageToken", "prettyPrint"];

impl Google {
    pub(super) fn calendar_list(&self, who: &Token, request: &Request) -> Result<Answer, Answer> {
        access::known_parameters(request, LIST_PARAMETERS)?;
        let bad = |name: &str| access::error(400, "invalidParameter", &format!("Invalid value for: {name}"));
        let most: usize = request.param("maxResults").map_or(Ok(100), str::parse).ok().ok_or_else(|| bad("maxResults"))?;
        let least =
            request.param("minAccessRole").map(|name| Role::read(name).ok_or_else(|| bad("minAccessRole"))).transpose()?;
        let from = request.param("pageToken").map(|token| token.strip_prefix("calendars-").and_then(|place| place.parse().ok()));
        let from: Option<usize> = from.map(|place| place.ok_or_else(|| bad("pageToken"))).transpose()?;
        let state = self.state();
        // What is shared with a service account does not enter its list by itself.
        let listed = state.calendars.iter().filter(|(id, _)| !who.alone || **id == who.who);
        let all: Vec<Value> = listed
            .filter_map(|(id, calendar)| Some((id, calendar, *calendar.roles.get(&who.who)?)))
            .filter(|(_, _, role)| least.is_none_or(|least| *role >= least))
            .map(|(id, calendar, role)| entry(who, id, calendar, role))
            .collect();
        let (items, next) = match (from, state.short_pages) {
            (None, Some(_)) => (&[][..], Some(0)),
            (from, short) => {
                let from = from.unwrap_or(0).min(all.len());
                let until = (from + short.unwrap_or(most.clamp(1, 250))).min(all.len());
                (&all[from..until], (until < all.len()).then_some(until))
            }
        };
        let mut list = json!({"kind": "calendar#calendarList", "etag": "\"list\"", "items": items});
        if let Some(next) = next {
            list["nextPageToken"] = format!("calendars-{next}").into();
        }
        Ok(Answer::json(200, &only_asked(request, &list)?))
    }

    pub(super) fn calendar_shown(&self, who: &Token, id: &str) -> Result<Answer, Answer> {
        let mut state = self.state();
        let calendar = access_to(&mut state, who, id, Role::Reader)?;
        let (zone, summary) = (calendar.zone_name(), &calendar.summary);
        let id = resolved(who, id);
        let shown = json!({"kind": "calendar#calendar", "etag": "\"calendar\"", "id": id, "summary": summary, "timeZone": zone});
        Ok(Answer::json(200, &shown))
    }
}

/// `primary` is there only where it is true.
fn entry(who: &Token, id: &str, calendar: &Calendar, role: Role) -> Value {
    let mut entry = json!({
        "kind": "calendar#calendarListEntry", "etag": "\"entry\"", "id": id, "summary": calendar.summary,
        "timeZone": calendar.zone_name(), "accessRole": role.name(), "defaultReminders": [], "selected": true,
    });
    if id == who.who {
        entry["primary"] = true.into();
    }
    entry
}
