//! The fake Google's sync tokens are held to the checklist in the facts: what a token tells, and when it is no good.

use serde_json::{Value, json};
use time::macros::datetime;

use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes_google::{Desk, SAM, event_path, ids, morning, reason};
use crate::fakes_oauth::text;

/// What has changed since the token, and the next one.
async fn since(desk: &Desk, token: &str) -> (Vec<(String, String)>, String) {
    let (status, list) = desk.list(&format!("?syncToken={token}")).await;
    assert_eq!(status, 200, "{list}");
    let items = list["items"].as_array().unwrap().iter();
    (items.map(|event| (text(event, "id"), text(event, "status"))).collect(), text(&list, "nextSyncToken"))
}

fn change(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_with_the_last_page_alone() {
    let desk = Desk::open();
    for id in ["aaaaa", "bbbbb", "ccccc"] {
        desk.insert(morning(id)).await;
    }
    let (_, first) = desk.list("?maxResults=2").await;
    assert_eq!((ids(&first).len(), first.get("nextSyncToken")), (2, None));
    let next = text(&first, "nextPageToken");
    // What happens between two pages is told by the token.
    desk.google.staff_deletes(SAM, "aaaaa");
    let (_, last) = desk.list(&format!("?maxResults=2&pageToken={next}")).await;
    assert_eq!((ids(&last), last.get("nextPageToken")), (vec!["ccccc"], None));
    let token = text(&last, "nextSyncToken");
    let (_, changes) = desk.list(&format!("?maxResults=2&syncToken={token}")).await;
    assert_eq!(changes["items"][0]["status"], "cancelled");
    assert_eq!(desk.list(&format!("?maxResults=3&pageToken={next}")).await.0, 400, "pages of another question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_tells_every_change_since_and_deletions_too() {
    let desk = Desk::open();
    let at = |hour: u8| datetime!(2026-12-02 00:00 UTC) + time::Duration::hours(hour.into());
    let all = ["kept0", "moved", "gone0", "named", "back0"];
    for id in all {
        desk.insert(morning(id)).await;
    }
    desk.google.staff_deletes(SAM, "back0");
    let token = text(&desk.list("").await.1, "nextSyncToken");
    let (changes, token) = since(&desk, &token).await;
    assert_eq!(changes, []);
    desk.google.staff_moves(SAM, "moved", at(9), at(10));
    desk.google.staff_renames(SAM, "named", "Tea with the bank");
    desk.google.staff_restores(SAM, "back0");
    desk.call("DELETE", &event_path("gone0"), Value::Null).await;
    let new = desk.google.staff_adds(SAM, at(11), at(12));
    let (changes, later) = since(&desk, &token).await;
    let live = |id| change(id, "confirmed");
    assert_eq!(changes, [live("back0"), change("gone0", "cancelled"), live("moved"), live("named"), live(&new)]);
    assert_eq!(since(&desk, &token).await.0.len(), 5, "a token may be used again");
    assert_eq!(since(&desk, &later).await.0, []);
    let (_, list) = desk.list(&format!("?syncToken={token}&fields=items(id,summary)")).await;
    assert_eq!((&list["items"][3]["summary"], list.get("nextSyncToken")), (&json!("Tea with the bank"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_goes_to_another_calendar_is_cancelled_in_the_first() {
    let desk = Desk::open();
    desk.google.add_calendar("alex@example.com", "America/New_York", &[SERVICE_ACCOUNT]);
    desk.insert(morning("abcde")).await;
    let token = text(&desk.list("").await.1, "nextSyncToken");
    desk.google.staff_moves_to(SAM, "abcde", "alex@example.com");
    assert_eq!(since(&desk, &token).await.0, [change("abcde", "cancelled")]);
    let there = desk.google.events("alex@example.com");
    assert_eq!((there.len(), &there[0]["id"], &there[0]["summary"]), (1, &json!("abcde"), &json!("Repair")));
    assert!(desk.google.events(SAM).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_told_as_instances_where_they_were_asked_for() {
    let desk = Desk::open();
    let token = text(&desk.list("?singleEvents=true").await.1, "nextSyncToken");
    let at = |time: &str| json!({"dateTime": format!("2026-12-10T{time}:00"), "timeZone": "America/New_York"});
    let series = json!({"id": "weekly", "start": at("09:00"), "end": at("10:00"), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]});
    desk.google.staff_adds_event(SAM, &series);
    let (_, list) = desk.list(&format!("?singleEvents=true&syncToken={token}")).await;
    assert_eq!(ids(&list), ["weekly_20261210T140000Z", "weekly_20261217T140000Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_listing_of_a_part_gives_no_token() {
    let desk = Desk::open();
    for part in [
        "timeMin=2026-12-01T00:00:00Z",
        "timeMax=2026-12-01T00:00:00Z",
        "privateExtendedProperty=a%3Db",
        "singleEvents=true&orderBy=startTime",
    ] {
        let (status, list) = desk.list(&format!("?{part}")).await;
        assert_eq!((status, list.get("nextSyncToken")), (200, None), "{part}");
    }
    let (_, list) = desk.list("?singleEvents=true&showDeleted=true&maxResults=10").await;
    assert!(list["nextSyncToken"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_beside_nothing_that_narrows_and_nothing_that_is_new() {
    let desk = Desk::open();
    let token = text(&desk.list("?singleEvents=true&maxResults=10").await.1, "nextSyncToken");
    let same = format!("?singleEvents=true&maxResults=10&syncToken={token}");
    for part in [
        "iCalUID=x@google.com",
        "orderBy=startTime",
        "privateExtendedProperty=a%3Db",
        "q=repair",
        "sharedExtendedProperty=a%3Db",
        "timeMax=2027-12-01T00:00:00Z",
        "timeMin=2026-12-01T00:00:00Z",
        "updatedMin=2026-12-01T00:00:00Z",
        "showDeleted=false",
        "showDeleted=true",
        "timeZone=UTC",
    ] {
        assert_eq!(desk.list(&format!("{same}&{part}")).await.0, 400, "{part}");
    }
    assert_eq!(desk.list(&format!("?maxResults=10&syncToken={token}")).await.0, 400, "one is missing");
    assert_eq!(desk.list(&format!("?singleEvents=true&maxResults=11&syncToken={token}")).await.0, 400, "one is another");
    assert_eq!(desk.list(&same).await.0, 200);
    assert_eq!(desk.list("?syncToken=mine").await.0, 400);
    desk.google.add_calendar("alex@example.com", "America/New_York", &[SERVICE_ACCOUNT]);
    let elsewhere = desk.call("GET", &format!("calendars/alex@example.com/events{same}"), Value::Null).await;
    assert_eq!(elsewhere.0, 400, "a token belongs to its calendar");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_wants_everything_anew() {
    let desk = Desk::open();
    let token = text(&desk.list("").await.1, "nextSyncToken");
    desk.google.expire_sync_tokens();
    let (status, body) = desk.list(&format!("?syncToken={token}")).await;
    assert_eq!((status, reason(&body)), (410, "fullSyncRequired"));
    let fresh = text(&desk.list("").await.1, "nextSyncToken");
    assert_eq!(since(&desk, &fresh).await.0, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_lags_behind_is_told_by_a_later_sync() {
    let desk = Desk::open();
    let token = text(&desk.list("").await.1, "nextSyncToken");
    desk.google.lag_reads(1);
    desk.insert(morning("abcde")).await;
    let (changes, token) = since(&desk, &token).await;
    assert_eq!(changes, []);
    assert_eq!(since(&desk, &token).await.0, [change("abcde", "confirmed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_in_pages_too() {
    let desk = Desk::open();
    let token = text(&desk.list("?maxResults=1").await.1, "nextSyncToken");
    desk.insert(morning("aaaaa")).await;
    desk.insert(morning("bbbbb")).await;
    let (_, first) = desk.list(&format!("?maxResults=1&syncToken={token}")).await;
    let next = text(&first, "nextPageToken");
    let (_, last) = desk.list(&format!("?maxResults=1&syncToken={token}&pageToken={next}")).await;
    assert_eq!((ids(&first), ids(&last), first.get("nextSyncToken")), (vec!["aaaaa"], vec!["bbbbb"], None));
    assert!(last["nextSyncToken"].is_string());
}
