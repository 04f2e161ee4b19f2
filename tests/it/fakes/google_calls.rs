//! Which call a request to the fake Google is, and what it is about. It judges nothing.

use super::wire::Request;

/// The path of the consent page.
pub const CONSENT: &str = "/o/oauth2/v2/auth";

/// All calls, by the names that faults, holds and counts go by.
pub const CALLS: &[&str] = &[
    "freebusy.query",
    "events.insert",
    "events.get",
    "events.list",
    "events.sync",
    "events.patch",
    "events.update",
    "events.delete",
    "events.watch",
    "calendarList.list",
    "calendars.get",
    "channels.stop",
    "consent",
    "token",
    "revoke",
    "unknown",
];

/// The call, and the calendars (the channel, the kind of grant) that it is about.
pub fn read(request: &Request) -> (&'static str, Vec<String>) {
    let (call, about) = match (request.verb.as_str(), request.parts().as_slice()) {
        ("GET" | "POST", ["o", "oauth2", "v2", "auth"]) => ("consent", None),
        ("POST", ["token"]) => ("token", request.field("grant_type")),
        ("POST", ["revoke"]) => ("revoke", None),
        ("POST", ["calendar", "v3", "freeBusy"]) => return ("freebusy.query", asked_about(request)),
        ("POST", ["calendar", "v3", "channels", "stop"]) => ("channels.stop", request.json()["id"].as_str().map(str::to_owned)),
        (verb, ["calendar", "v3", rest @ ..]) => {
            let (call, calendar) = of_calendars(verb, rest);
            let call = if call == "events.list" && is_sync(request) { "events.sync" } else { call };
            (call, calendar.map(str::to_owned))
        }
        _ => ("unknown", None),
    };
    (call, about.into_iter().collect())
}

fn of_calendars<'a>(verb: &str, path: &[&'a str]) -> (&'static str, Option<&'a str>) {
    match (verb, path) {
        ("GET", ["users", "me", "calendarList"]) => ("calendarList.list", None),
        ("GET", ["calendars", id]) => ("calendars.get", Some(*id)),
        ("GET", ["calendars", id, "events"]) => ("events.list", Some(*id)),
        ("POST", ["calendars", id, "events"]) => ("events.insert", Some(*id)),
        ("POST", ["calendars", id, "events", "watch"]) => ("events.watch", Some(*id)),
        ("GET", ["calendars", id, "events", _]) => ("events.get", Some(*id)),
        ("PATCH", ["calendars", id, "events", _]) => ("events.patch", Some(*id)),
        ("PUT", ["calendars", id, "events", _]) => ("events.update", Some(*id)),
        ("DELETE", ["calendars", id, "events", _]) => ("events.delete", Some(*id)),
        _ => ("unknown", None),
    }
}

/// Whether a listing follows a calendar: it has a sync token, or asks for one in so many words. Under its own name, because
/// it comes by itself, between whatever a test does.
fn is_sync(request: &Request) -> bool {
    request.param("syncToken").is_some() || request.param("fields").is_some_and(|fields| fields.contains("nextSyncToken"))
}

fn asked_about(request: &Request) -> Vec<String> {
    let items = request.json()["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}

/// Whether a call carries no bearer: it proves itself otherwise, or a person makes it.
pub fn is_open(call: &str) -> bool {
    ["consent", "token", "revoke"].contains(&call)
}
