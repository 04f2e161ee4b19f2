//! The fake Google is held to the checklist in the facts: what get, list and free/busy show.

use serde_json::{Value, json};
use time::macros::datetime;

use crate::fakes_google::{Desk, SAM, event_path, ids, morning};

#[tokio::test(flavor = "multi_thread")]
async fn get_shows_tombstones_and_list_hides_them() {
    let desk = Desk::open();
    desk.insert(morning("abcde")).await;
    desk.call("DELETE", &event_path("abcde"), Value::Null).await;
    let (status, tombstone) = desk.call("GET", &event_path("abcde"), Value::Null).await;
    assert_eq!((status, &tombstone["status"], &tombstone["start"]), (200, &json!("cancelled"), &Value::Null));
    assert!(ids(&desk.list("").await.1).is_empty());
    assert_eq!(ids(&desk.list("?showDeleted=true").await.1), ["abcde"]);
    desk.google.whole_tombstones();
    assert!(desk.call("GET", &event_path("abcde"), Value::Null).await.1["start"].is_object());
    assert_eq!(desk.call("GET", &event_path("never"), Value::Null).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_honours_the_window_by_overlap() {
    let desk = Desk::open();
    desk.insert(morning("abcde")).await;
    for (from, until, found) in [("14:00", "15:00", 1), ("14:59", "16:00", 1), ("15:00", "16:00", 0), ("13:00", "14:00", 0)] {
        let (_, list) = desk.list(&format!("?timeMin=2026-12-01T{from}:00Z&timeMax=2026-12-01T{until}:00Z")).await;
        assert_eq!((ids(&list).len(), &list["timeZone"]), (found, &json!("America/New_York")), "{from} {until}");
    }
    assert_eq!(desk.list("?timeMin=2026-12-01T14:00:00").await.0, 400);
    assert_eq!(desk.list("?q=repair").await.0, 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_requires_every_private_property_named() {
    let desk = Desk::open();
    for (id, call) in [("aaaaa", "c1"), ("bbbbb", "c2")] {
        let mut event = morning(id);
        event["extendedProperties"] = json!({"private": {"bookingId": "b1", "callId": call}});
        desk.insert(event).await;
    }
    let by = "?privateExtendedProperty=bookingId%3Db1";
    assert_eq!(ids(&desk.list(by).await.1).len(), 2);
    assert_eq!(ids(&desk.list(&format!("{by}&privateExtendedProperty=callId%3Dc2")).await.1), ["bbbbb"]);
    assert_eq!(desk.list("?privateExtendedProperty=bookingId").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_token_says_that_there_is_more() {
    let desk = Desk::open();
    for id in ["aaaaa", "bbbbb", "ccccc"] {
        desk.insert(morning(id)).await;
    }
    let (_, first) = desk.list("?maxResults=2").await;
    assert_eq!(ids(&first), ["aaaaa", "bbbbb"]);
    let (_, second) = desk.list(&format!("?maxResults=2&pageToken={}", first["nextPageToken"].as_str().unwrap())).await;
    assert_eq!((ids(&second), &second["nextPageToken"]), (vec!["ccccc"], &Value::Null));
    assert_eq!(desk.list("?pageToken=mine").await.0, 400);
    desk.google.short_pages(1);
    let (_, empty) = desk.list("").await;
    assert_eq!((ids(&empty).len(), empty["nextPageToken"].is_string()), (0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_expanded_only_on_request_and_keeps_its_wall_clock() {
    let desk = Desk::open();
    // New York's clocks go forward on 2027-03-14, between the two.
    let at = |time: &str| json!({"dateTime": format!("2027-03-10T{time}:00"), "timeZone": "America/New_York"});
    desk.google.staff_adds_event(
        SAM,
        &json!({"id": "weekly", "start": at("09:00"), "end": at("10:00"), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]}),
    );
    assert_eq!(ids(&desk.list("").await.1), ["weekly"]);
    let (_, single) = desk.list("?singleEvents=true&orderBy=startTime").await;
    assert_eq!(ids(&single), ["weekly_20270310T140000Z", "weekly_20270317T130000Z"]);
    assert_eq!(desk.list("?orderBy=startTime").await.0, 400);
    let (_, busy) = desk.free_busy("2027-03-17T00:00:00Z", "2027-03-18T00:00:00Z", &[SAM]).await;
    assert_eq!(busy["calendars"][SAM]["busy"], json!([{"start": "2027-03-17T13:00:00Z", "end": "2027-03-17T14:00:00Z"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_time_is_merged_and_clipped() {
    let desk = Desk::open();
    for (from, until) in [("13:00", "14:00"), ("13:30", "14:30"), ("14:30", "15:00"), ("16:00", "18:00"), ("19:00", "20:00")] {
        let at = |time: &str| format!("2026-12-01T{time}:00Z");
        desk.google.staff_adds_event(SAM, &json!({"start": {"dateTime": at(from)}, "end": {"dateTime": at(until)}}));
    }
    let (_, body) = desk.free_busy("2026-12-01T13:15:00Z", "2026-12-01T12:00:00-05:00", &[SAM]).await;
    let expected = json!([
        {"start": "2026-12-01T13:15:00Z", "end": "2026-12-01T15:00:00Z"},
        {"start": "2026-12-01T16:00:00Z", "end": "2026-12-01T17:00:00Z"},
    ]);
    assert_eq!(body["calendars"], json!({SAM: {"busy": expected}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn free_cancelled_and_declined_events_never_block() {
    let desk = Desk::open();
    let (start, end) = (json!({"dateTime": "2026-12-01T14:00:00Z"}), json!({"dateTime": "2026-12-01T15:00:00Z"}));
    let declined = json!([{"email": SAM, "self": true, "responseStatus": "declined"}]);
    desk.google.staff_adds_event(SAM, &json!({"start": start, "end": end, "transparency": "transparent"}));
    desk.google.staff_adds_event(SAM, &json!({"start": start, "end": end, "attendees": declined}));
    let id = desk.google.staff_adds_event(SAM, &json!({"start": start, "end": end, "status": "tentative"}));
    let busy =
        async || desk.free_busy("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", &[SAM]).await.1["calendars"][SAM]["busy"].clone();
    assert_eq!(busy().await.as_array().unwrap().len(), 1);
    desk.google.staff_deletes(SAM, &id);
    assert_eq!(busy().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_all_day_event_blocks_whole_dates_of_the_calendars_zone() {
    let desk = Desk::open();
    desk.google.staff_adds_event(SAM, &json!({"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}));
    let (_, body) = desk.free_busy("2026-12-01T00:00:00Z", "2026-12-03T00:00:00Z", &[SAM]).await;
    let expected = json!([{"start": "2026-12-01T05:00:00Z", "end": "2026-12-02T05:00:00Z"}]);
    assert_eq!(body["calendars"][SAM]["busy"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_busy_window_must_be_bounded_and_have_offsets() {
    let desk = Desk::open();
    assert_eq!(desk.free_busy("2026-12-01T00:00:00Z", "2027-03-01T00:00:00Z", &[SAM]).await.0, 200);
    let (status, body) = desk.free_busy("2026-12-01T00:00:00Z", "2027-03-01T00:00:01Z", &[SAM]).await;
    assert_eq!((status, body["error"]["message"].as_str().unwrap()), (400, "The requested time range is too long."));
    assert_eq!(desk.free_busy("2026-12-01T00:00:00", "2026-12-02T00:00:00Z", &[SAM]).await.0, 400);
    assert_eq!(desk.free_busy("2026-12-02T00:00:00Z", "2026-12-01T00:00:00Z", &[SAM]).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_can_lag_behind_in_get_list_and_free_busy() {
    let desk = Desk::open();
    desk.google.lag_reads(3);
    desk.insert(morning("abcde")).await;
    assert_eq!(desk.google.events(SAM).len(), 1);
    assert_eq!(desk.insert(morning("abcde")).await.0, 409, "the id is taken all the same");
    assert_eq!(desk.call("GET", &event_path("abcde"), Value::Null).await.0, 404);
    assert!(ids(&desk.list("").await.1).is_empty());
    let (_, body) = desk.free_busy("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z", &[SAM]).await;
    assert_eq!(body["calendars"][SAM]["busy"], json!([]));
    assert_eq!(desk.call("GET", &event_path("abcde"), Value::Null).await.0, 200);
    desk.insert(morning("fghij")).await;
    desk.google.catch_up();
    assert_eq!(desk.call("GET", &event_path("fghij"), Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_are_readable_with_the_types_of_the_real_client() {
    use google_calendar3::api::{Calendar, CalendarList, Event, Events, FreeBusyResponse};
    let desk = Desk::open();
    let mut event = morning("abcde");
    event["extendedProperties"] = json!({"private": {"bookingId": "b1"}});
    let inserted: Event = serde_json::from_value(desk.insert(event).await.1).unwrap();
    assert_eq!(inserted.start.unwrap().date_time.unwrap().timestamp(), datetime!(2026-12-01 14:00 UTC).unix_timestamp());
    assert_eq!(inserted.extended_properties.unwrap().private.unwrap()["bookingId"], "b1");
    desk.google.staff_adds_event(SAM, &json!({"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}}));
    desk.call("DELETE", &event_path("abcde"), Value::Null).await;
    let list: Events = serde_json::from_value(desk.list("?showDeleted=true").await.1).unwrap();
    assert_eq!((list.items.unwrap().len(), list.time_zone.unwrap().as_str()), (2, "America/New_York"));
    let busy = desk.free_busy("2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z", &[SAM, "nobody@example.com"]).await.1;
    let busy: FreeBusyResponse = serde_json::from_value(busy).unwrap();
    assert_eq!(busy.calendars.unwrap()[SAM].busy.as_ref().unwrap().len(), 1);
    serde_json::from_value::<CalendarList>(desk.call("GET", "users/me/calendarList", Value::Null).await.1).unwrap();
    serde_json::from_value::<Calendar>(desk.call("GET", "calendars/sam@example.com", Value::Null).await.1).unwrap();
}
