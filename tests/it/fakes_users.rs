//! The fake Google's people: which calendars they see and what they may do there.

use serde_json::{Value, json};

use crate::fakes::google_access::Role;
use crate::fakes_google::{Desk, ids, morning, reason};
use crate::fakes_oauth::{CLIENT, EVENTS, OWNER, THREE, office, refresh, text};

const SHOP: &str = "shop@group.calendar.google.com";
const HOLIDAYS: &str = "en.usa#holiday@group.v.calendar.google.com";

/// A desk whose bearer is the owner's, by way of a grant and a refresh.
async fn at_work(scopes: &[&str]) -> Desk {
    let mut desk = office();
    desk.google.give_calendar(OWNER, SHOP, "The shop", "Europe/Zurich", Role::Writer);
    desk.google.give_calendar(OWNER, HOLIDAYS, "Holidays", "America/Chicago", Role::Reader);
    let token = desk.google.grant(CLIENT, OWNER, scopes);
    desk.bearer = text(&refresh(&desk, &token, &[]).await.1, "access_token");
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_tells_name_role_and_zone_of_each_calendar_and_which_is_the_primary() {
    let desk = at_work(&THREE).await;
    let (_, list) = desk.call("GET", "users/me/calendarList", Value::Null).await;
    let told = |entry: &Value| {
        json!([entry["id"], entry["summary"], entry["accessRole"], entry["timeZone"], entry.get("primary").is_some()])
    };
    let expected = [
        json!([HOLIDAYS, "Holidays", "reader", "America/Chicago", false]),
        json!([OWNER, OWNER, "owner", "America/New_York", true]),
        json!([SHOP, "The shop", "writer", "Europe/Zurich", false]),
    ];
    assert_eq!(list["items"].as_array().unwrap().iter().map(told).collect::<Vec<_>>(), expected);
    serde_json::from_value::<google_calendar3::api::CalendarList>(list).unwrap();
    let (_, writable) = desk.call("GET", "users/me/calendarList?minAccessRole=writer", Value::Null).await;
    assert_eq!(ids(&writable), [OWNER, SHOP]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_comes_in_pages() {
    let desk = at_work(&THREE).await;
    let page = async |query: &str| desk.call("GET", &format!("users/me/calendarList{query}"), Value::Null).await;
    let (_, first) = page("?maxResults=2").await;
    let next = text(&first, "nextPageToken");
    let (_, last) = page(&format!("?maxResults=2&pageToken={next}")).await;
    assert_eq!((ids(&first), ids(&last), last.get("nextPageToken")), (vec![HOLIDAYS, OWNER], vec![SHOP], None));
    assert_eq!(page("?pageToken=mine").await.0, 400);
    assert_eq!(page("?maxResult=2").await.0, 501, "nothing is ignored by silence");
    desk.google.short_pages(1);
    let (_, empty) = page("").await;
    assert_eq!((ids(&empty).len(), empty["nextPageToken"].is_string()), (0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_and_a_writer_writes_and_the_primary_is_ones_own() {
    let desk = at_work(&THREE).await;
    let insert = async |calendar: &str| desk.call("POST", &format!("calendars/{calendar}/events"), morning("abcde")).await;
    let holidays = "en.usa%23holiday%40group.v.calendar.google.com";
    let (status, body) = insert(holidays).await;
    assert_eq!((status, reason(&body)), (403, "forbidden"));
    assert_eq!(desk.call("GET", &format!("calendars/{holidays}/events"), Value::Null).await.0, 200);
    assert_eq!(insert(SHOP).await.0, 200);
    assert_eq!(insert("primary").await.0, 200);
    assert_eq!((desk.google.events(OWNER).len(), desk.google.events(SHOP).len()), (1, 1));
    assert_eq!(reason(&insert("nobody@example.com").await.1), "notFound");
    desk.google.unshare(SHOP, OWNER);
    assert_eq!(desk.call("GET", &format!("calendars/{SHOP}/events"), Value::Null).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_alone_open_neither_free_busy_nor_the_list() {
    let desk = at_work(&[EVENTS]).await;
    let busy = json!({"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "items": [{"id": OWNER}]});
    let watch = json!({"id": "c1", "type": "web_hook", "address": "https://desk.example/n"});
    let stop = json!({"id": "c1", "resourceId": "never"});
    for (verb, path, body, expected) in [
        ("POST", "freeBusy", &busy, 403),
        ("GET", "users/me/calendarList", &Value::Null, 403),
        ("GET", "calendars/primary/events", &Value::Null, 200),
        ("POST", "calendars/primary/events/watch", &watch, 200),
        ("POST", "channels/stop", &stop, 404),
    ] {
        let (status, body) = desk.call(verb, path, body.clone()).await;
        assert_eq!(status, expected, "{path}");
        assert!(status != 403 || reason(&body) == "insufficientPermissions");
    }
    let desk = at_work(&["calendar.freebusy"]).await;
    assert_eq!(desk.call("POST", "freeBusy", busy).await.0, 200);
    assert_eq!(desk.call("POST", "calendars/primary/events/watch", watch).await.0, 403);
    assert_eq!(desk.call("POST", "channels/stop", stop).await.0, 403);
}
