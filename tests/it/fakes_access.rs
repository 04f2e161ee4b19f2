//! The fake Google is held to the checklist in the facts: bearers, scopes, sharing, and how calendars are addressed.

use serde_json::{Value, json};

use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::google_access::Role;
use crate::fakes_google::{Desk, NOON, SAM, answer, ids, morning, reason};

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_that_is_missing_unknown_or_expired_is_refused() {
    let mut desk = Desk::open();
    let good = desk.bearer.clone();
    let listed = |desk: &Desk| answer(desk.request("GET", "calendars/sam@example.com"));
    assert_eq!(listed(&desk).await.0, 200);
    desk.clock.advance(std::time::Duration::from_secs(3599));
    let (status, body) = listed(&desk).await;
    assert_eq!((status, reason(&body)), (401, "authError"));
    desk.bearer = "ya29.other".into();
    assert_eq!(listed(&desk).await.0, 401);
    let bare = desk.http.get(format!("{}calendars/{SAM}", desk.google.calendar_url()));
    assert_eq!(answer(bare).await.0, 401);
    desk.clock.set(NOON);
    desk.bearer = good;
    desk.google.revoke_tokens();
    assert_eq!(listed(&desk).await.0, 401);
    let trusted: Vec<_> = desk.google.requests_of("calendars.get").iter().map(|entry| entry.trusted).collect();
    assert_eq!(trusted, [true, false, false, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_those_of_the_discovery_document() {
    let mut desk = Desk::open();
    let calls = [
        (
            "POST",
            "freeBusy",
            json!({"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "items": [{"id": SAM}]}),
        ),
        ("GET", "users/me/calendarList", Value::Null),
        ("GET", "calendars/sam@example.com", Value::Null),
        ("GET", "calendars/sam@example.com/events", Value::Null),
        ("POST", "calendars/sam@example.com/events", json!({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}})),
        ("PATCH", "calendars/sam@example.com/events/never", json!({})),
        ("PUT", "calendars/sam@example.com/events/never", json!({})),
        ("DELETE", "calendars/sam@example.com/events/never", Value::Null),
    ];
    for (scopes, expected) in [
        (&["calendar.events"][..], [403, 403, 403, 200, 200, 404, 404, 404]),
        (&["calendar.readonly"], [200, 200, 200, 200, 403, 403, 403, 403]),
        (&["calendar.freebusy"], [200, 403, 403, 403, 403, 403, 403, 403]),
        (&["calendar.events", "calendar.events.freebusy"], [200, 403, 403, 200, 200, 404, 404, 404]),
        (&["calendar.calendarlist.readonly"], [403, 200, 403, 403, 403, 403, 403, 403]),
        (&[], [403; 8]),
    ] {
        desk.bearer = desk.google.issue_token(SERVICE_ACCOUNT, scopes);
        for ((verb, path, body), expected) in calls.iter().zip(expected) {
            let (status, answer) = desk.call(verb, path, body.clone()).await;
            assert_eq!(status, expected, "{scopes:?} {verb} {path}");
            assert!(status != 403 || reason(&answer) == "insufficientPermissions");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_not_shared_looks_unknown_and_a_shared_one_is_not_always_writable() {
    let desk = Desk::open();
    desk.google.share(SAM, SERVICE_ACCOUNT, Role::Reader);
    assert_eq!(desk.list("").await.0, 200);
    let (status, body) = desk.insert(morning("abcde")).await;
    assert_eq!((status, reason(&body)), (403, "forbidden"));
    desk.google.unshare(SAM, SERVICE_ACCOUNT);
    let (status, body) = desk.insert(morning("abcde")).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    let (status, body) = desk.free_busy("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", &[SAM, "nobody@example.com"]).await;
    let not_found = json!({"errors": [{"domain": "global", "reason": "notFound"}], "busy": []});
    assert_eq!((status, &body["calendars"]), (200, &json!({SAM: not_found, "nobody@example.com": not_found})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_may_invite_only_for_a_user() {
    let mut desk = Desk::open();
    let mut event = morning("abcde");
    event["attendees"] = json!([{"email": "caller@example.com"}]);
    let (status, body) = desk.insert(event.clone()).await;
    assert_eq!((status, reason(&body)), (403, "forbiddenForServiceAccounts"));
    assert!(desk.google.all_events(SAM).is_empty());
    desk.google.share(SAM, SAM, Role::Owner);
    desk.bearer = desk.google.issue_token(SAM, &["calendar.events"]);
    assert_eq!(desk.call("POST", "calendars/primary/events?sendUpdates=all", event.clone()).await.0, 200);
    assert_eq!(desk.call("POST", "calendars/primary/events?sendUpdates=some", event).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_list_of_a_service_account_does_not_fill_itself() {
    let mut desk = Desk::open();
    let listed = async |desk: &Desk| ids(&desk.call("GET", "users/me/calendarList", Value::Null).await.1).join(" ");
    assert_eq!(listed(&desk).await, "");
    desk.google.add_calendar("owner@example.com", "Europe/Zurich", &["owner@example.com"]);
    desk.google.share(SAM, "owner@example.com", Role::Reader);
    desk.bearer = desk.google.issue_token("owner@example.com", &["calendar"]);
    assert_eq!(listed(&desk).await, "owner@example.com sam@example.com");
    let (_, list) = desk.call("GET", "users/me/calendarList", Value::Null).await;
    assert_eq!((&list["items"][0]["primary"], &list["items"][1]["accessRole"]), (&json!(true), &json!("reader")));
    assert_eq!(desk.call("GET", "calendars/primary", Value::Null).await.1["timeZone"], "Europe/Zurich");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percent_encoded_calendar_id_is_one_part_of_the_path() {
    let desk = Desk::open();
    let odd = "en.usa#holiday/x@group.v.calendar.google.com";
    desk.google.add_calendar(odd, "America/New_York", &[SERVICE_ACCOUNT]);
    let (status, shown) = desk.call("GET", "calendars/en.usa%23holiday%2Fx%40group.v.calendar.google.com", Value::Null).await;
    assert_eq!((status, shown["id"].as_str().unwrap()), (200, odd));
    assert_eq!(desk.call("GET", "nowhere/at/all", Value::Null).await.0, 404);
}
