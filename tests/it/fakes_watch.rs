//! The fake Google's watch channels are held to the checklist in the facts: how they open and end, and what comes through.

use std::time::Duration;

use serde_json::{Value, json};
use time::macros::datetime;

use crate::fakes::alerts::FakeAlerts;
use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::google_notify::{Mishap, Notification};
use crate::fakes_google::{Desk, NOON, SAM, event_path, morning, reason};
use crate::fakes_oauth::text;

const ADDRESS: &str = "https://desk.example/google/notifications?x=1";
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

fn wish(id: &str) -> Value {
    json!({"id": id, "type": "web_hook", "address": ADDRESS, "token": "t&1"})
}

async fn watch(desk: &Desk, wish: Value) -> (u16, Value) {
    desk.call("POST", &format!("calendars/{SAM}/events/watch"), wish).await
}

async fn stop(desk: &Desk, id: &str, resource: &str) -> (u16, Value) {
    desk.call("POST", "channels/stop", json!({"id": id, "resourceId": resource})).await
}

/// Channel and state of each.
fn told(notifications: &[Notification]) -> Vec<String> {
    let of = |one: &Notification| format!("{} {}", one.header("x-goog-channel-id").unwrap(), one.state());
    notifications.iter().map(of).collect()
}

fn numbers(notifications: &[Notification]) -> Vec<u64> {
    notifications.iter().map(|one| one.header("x-goog-message-number").unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_says_what_it_watches_and_when_it_ends() {
    let desk = Desk::open();
    let (status, channel) = watch(&desk, wish("c-1")).await;
    assert_eq!(
        (status, &channel["kind"], &channel["id"], &channel["token"]),
        (200, &json!("api#channel"), &json!("c-1"), &json!("t&1"))
    );
    assert!(text(&channel, "resourceUri").ends_with("/calendar/v3/calendars/sam@example.com/events?alt=json"), "{channel}");
    assert_eq!(channel["expiration"], ((NOON.unix_timestamp() + WEEK_SECONDS) * 1000).to_string());
    let (_, second) = watch(&desk, wish("c-2")).await;
    assert_eq!(second["resourceId"], channel["resourceId"], "the calendar has one id");
    serde_json::from_value::<google_calendar3::api::Channel>(second).unwrap();
    let live = desk.google.channels();
    assert_eq!(live.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(), ["c-1", "c-2"]);
    assert_eq!((live[0].calendar.as_str(), live[0].address.as_str()), (SAM, ADDRESS));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_that_is_asked_for_may_be_cut() {
    let desk = Desk::open();
    let life = async |id: &str, more: Value| {
        let mut wish = wish(id);
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, channel) = watch(&desk, wish).await;
        assert_eq!(status, 200, "{channel}");
        text(&channel, "expiration").parse::<i64>().unwrap() / 1000 - NOON.unix_timestamp()
    };
    assert_eq!(life("a", json!({"params": {"ttl": "3600"}})).await, 3600);
    assert_eq!(life("b", json!({"params": {"ttl": 99_999_999}})).await, WEEK_SECONDS);
    let soon = ((NOON.unix_timestamp() + 60) * 1000).to_string();
    assert_eq!(life("c", json!({"expiration": soon})).await, 60);
    desk.google.channel_life(Duration::from_mins(10));
    assert_eq!(life("d", json!({"params": {"ttl": "3600"}})).await, 600);
    assert_eq!(life("e", json!({})).await, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_id_and_a_bad_wish_are_refused() {
    let desk = Desk::open();
    let (_, first) = watch(&desk, wish("c-1")).await;
    for _ in 0..2 {
        let (status, body) = watch(&desk, wish("c-1")).await;
        assert_eq!((status, reason(&body)), (400, "channelIdNotUnique"));
        stop(&desk, "c-1", &text(&first, "resourceId")).await;
    }
    for (field, value) in [
        ("id", json!("x".repeat(65))),
        ("id", json!("")),
        ("id", json!("with space")),
        ("id", Value::Null),
        ("type", json!("email")),
        ("type", Value::Null),
        ("address", Value::Null),
        ("address", json!("http://desk.example/n")),
        ("address", json!("http://127.0.0.1:1/n")),
        ("token", json!("x".repeat(257))),
        ("params", json!({"ttl": "soon"})),
        ("params", json!({"ttl": "0"})),
    ] {
        let mut bad = wish("c-2");
        bad[field] = value;
        assert_eq!(watch(&desk, bad.clone()).await.0, 400, "{bad}");
    }
    assert_eq!(watch(&desk, wish(&"x".repeat(64))).await.0, 200);
    let elsewhere = desk.call("POST", "calendars/nobody@example.com/events/watch", wish("c-3")).await;
    assert_eq!((elsewhere.0, reason(&elsewhere.1)), (404, "notFound"));
    desk.google.allow_loopback_channels();
    let mut near = wish("c-4");
    near["address"] = "http://127.0.0.1:1/n".into();
    assert_eq!(watch(&desk, near).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_comes_first_and_then_one_for_every_change() {
    let desk = Desk::open();
    desk.google.add_calendar("alex@example.com", "America/New_York", &[SERVICE_ACCOUNT]);
    let (_, channel) = watch(&desk, wish("c-1")).await;
    let [sync] = desk.google.notifications().try_into().unwrap();
    let expected = [
        ("X-Goog-Channel-ID", "c-1"),
        ("X-Goog-Channel-Token", "t&1"),
        ("X-Goog-Channel-Expiration", "Tue, 08 Dec 2026 12:00:00 GMT"),
        ("X-Goog-Message-Number", "1"),
        ("X-Goog-Resource-ID", &text(&channel, "resourceId")),
        ("X-Goog-Resource-State", "sync"),
        ("X-Goog-Resource-URI", &text(&channel, "resourceUri")),
    ];
    for (name, value) in expected {
        assert_eq!(sync.header(name), Some(value), "{name}");
    }
    assert_eq!((sync.headers.len(), sync.address.as_str()), (7, ADDRESS));
    let at = |hour: u8| datetime!(2026-12-02 00:00 UTC) + time::Duration::hours(hour.into());
    desk.insert(morning("abcde")).await;
    desk.google.staff_moves(SAM, "abcde", at(9), at(10));
    desk.call("DELETE", &event_path("abcde"), Value::Null).await;
    desk.google.staff_adds("alex@example.com", at(9), at(10));
    let changes = desk.google.notifications();
    assert_eq!(told(&changes), ["c-1 exists"; 3]);
    let numbers = numbers(&changes);
    assert!(numbers[0] > 1 && numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert!(desk.google.notifications().is_empty(), "they are taken once");
    desk.call("DELETE", &event_path("abcde"), Value::Null).await;
    assert!(desk.google.notifications().is_empty(), "a refused write changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_channel_and_one_whose_time_is_over_say_nothing() {
    let mut desk = Desk::open();
    let (_, first) = watch(&desk, wish("c-1")).await;
    watch(&desk, wish("c-2")).await;
    let resource = text(&first, "resourceId");
    for (id, resource) in [("c-1", "other"), ("c-9", resource.as_str())] {
        let (status, body) = stop(&desk, id, resource).await;
        assert_eq!((status, reason(&body)), (404, "notFound"));
    }
    assert_eq!(desk.call("POST", "channels/stop", json!({"id": "c-1"})).await.0, 400);
    let own = std::mem::replace(&mut desk.bearer, desk.google.issue_token("somebody@example.com", &["calendar"]));
    assert_eq!(stop(&desk, "c-1", &resource).await.0, 404, "somebody else's");
    desk.bearer = own;
    assert_eq!(stop(&desk, "c-1", &resource).await.0, 204);
    assert_eq!(stop(&desk, "c-1", &resource).await.0, 404);
    desk.google.notifications();
    desk.insert(morning("aaaaa")).await;
    assert_eq!(told(&desk.google.notifications()), ["c-2 exists"]);
    desk.clock.advance(Duration::from_secs(WEEK_SECONDS.unsigned_abs()));
    desk.google.staff_deletes(SAM, "aaaaa");
    assert!(desk.google.notifications().is_empty() && desk.google.channels().is_empty());
    desk.bearer = desk.google.issue_token(SERVICE_ACCOUNT, &["calendar"]);
    assert_eq!(stop(&desk, "c-2", &resource).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_are_lost_doubled_and_overtaken_when_told() {
    let desk = Desk::open();
    watch(&desk, wish("c-1")).await;
    desk.google.notifications();
    for mishap in [Mishap::Lost, Mishap::None, Mishap::Doubled, Mishap::Overtaken] {
        desk.google.next_notification(mishap);
    }
    for id in ["lost0", "plain", "doubl", "later", "first"] {
        desk.insert(morning(id)).await;
    }
    let numbers = numbers(&desk.google.notifications());
    let [plain, twice, again, first, later] = numbers[..] else { panic!("{numbers:?}") };
    assert!(plain < twice && twice == again && later < first && twice < later, "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_are_carried_to_a_server_as_they_come() {
    let desk = Desk::open();
    let (server, second) = (FakeAlerts::start(), FakeAlerts::start());
    let origin = |server: &FakeAlerts| server.url().split_inclusive('/').take(3).collect::<String>();
    desk.google.deliver_notifications_to(&origin(&server));
    watch(&desk, wish("c-1")).await;
    desk.google.wait_for_carried(1).await;
    desk.google.deliver_notifications_to(&origin(&second));
    desk.insert(morning("abcde")).await;
    desk.google.wait_for_carried(2).await;
    let carried: Vec<_> =
        desk.google.carried().into_iter().map(|(one, status)| (one.state().to_owned(), status.is_some())).collect();
    assert_eq!(carried, [("sync".to_owned(), true), ("exists".to_owned(), true)]);
    for (server, state) in [(&server, "sync"), (&second, "exists")] {
        let [post] = server.requests().try_into().unwrap();
        let request = &post.request;
        assert_eq!(
            (request.verb.as_str(), request.path.as_str(), request.param("x")),
            ("POST", "/google/notifications", Some("1"))
        );
        assert_eq!((request.header("x-goog-resource-state"), request.body.len()), (Some(state), 0));
        assert_eq!(request.header("x-goog-channel-token"), Some("t&1"));
    }
    let forged = desk.google.carried().remove(0).0.with("X-Goog-Channel-Token", "guess").with("X-Goog-Resource-ID", "");
    drop(second);
    assert!(forged.send_to(&desk.http, &origin(&server)).await.is_some());
    let last = server.requests().pop().unwrap().request;
    assert_eq!((last.header("x-goog-channel-token"), last.header("x-goog-resource-id")), (Some("guess"), None));
}
