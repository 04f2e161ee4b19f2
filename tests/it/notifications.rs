//! Google's word that a calendar has changed: only who knows channel, token and resource is listened to, and what is said
//! twice, late or in another order comes to the same.

use std::time::Duration;

use crate::fakes::google_notify::Notification;
use crate::follow::{EIGHT, followed_but_deaf};
use crate::house::{ALEX, House, Plan, SAM, answer};

/// A followed house, and what Google says of an edit in Sam's calendar.
async fn told() -> (House, Notification) {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.wait_for_done("events.watch", 2).await;
    drop(house.google.notifications());
    house.google.staff_adds(SAM, EIGHT, EIGHT + time::Duration::HOUR);
    let notification = house.google.notifications().remove(0);
    (house, notification)
}

/// The channel is known with its resource.
async fn is_open(house: &House, notification: &Notification) {
    crate::follow::at_once("the channel's resource", async || {
        let store = house.store().await;
        let row = store.channel(notification.header("X-Goog-Channel-ID").unwrap()).await.unwrap();
        store.close().await;
        row.is_some_and(|row| !row.resource.is_empty())
    })
    .await;
}

async fn send(house: &House, notification: &Notification) -> u16 {
    notification.send_to(&house.http, &house.url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_notifications_are_refused_and_nothing_is_done() {
    let (house, told) = told().await;
    is_open(&house, &told).await;
    let reads = house.google.count("events.sync");
    let of_alex = house.google.channels().into_iter().find(|channel| channel.calendar == ALEX).unwrap();
    let token = told.header("X-Goog-Channel-Token").unwrap().to_owned();
    let row_digest = ringbook::connect::following::channels::digest(token.as_bytes());
    let forged = [
        (told.clone().with("X-Goog-Channel-ID", "b7c4e6f0-0000-4000-8000-000000000000"), 404),
        (told.clone().with("X-Goog-Channel-ID", ""), 404),
        (told.clone().with("X-Goog-Channel-ID", &"x".repeat(4000)), 404),
        (told.clone().with("X-Goog-Channel-ID", "' OR 1=1 --"), 404),
        (told.clone().with("X-Goog-Channel-Token", ""), 401),
        (told.clone().with("X-Goog-Channel-Token", "wrong"), 401),
        (told.clone().with("X-Goog-Channel-Token", &row_digest), 401),
        (told.clone().with("X-Goog-Channel-Token", &token[..token.len() - 1]), 401),
        (told.clone().with("X-Goog-Channel-Token", &of_alex.token.unwrap()), 401),
        (told.clone().with("X-Goog-Resource-ID", ""), 401),
        (told.clone().with("X-Goog-Resource-ID", &of_alex.resource_id), 401),
    ];
    for (notification, status) in forged {
        assert_eq!(send(&house, &notification).await, status, "{notification:?}");
    }
    let mut twice = told.clone();
    twice.headers.push(("X-Goog-Channel-Token", "wrong".into()));
    assert_eq!(send(&house, &twice).await, 401);
    assert_eq!(house.google.count("events.sync"), reads);
    assert_eq!(send(&house, &told).await, 200);
    house.google.wait_for("events.sync", reads + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_on_a_channel_says_nothing() {
    let (house, told) = told().await;
    let reads = house.google.count("events.sync");
    assert_eq!(send(&house, &told.clone().with("X-Goog-Resource-State", "sync")).await, 200);
    // Each of these is another reason to look; the first was none.
    for state in ["exists", "not_exists", "something_new"] {
        assert_eq!(send(&house, &told.clone().with("X-Goog-Resource-State", state)).await, 200);
    }
    house.google.wait_for("events.sync", reads + 1).await;
    let sams = house.google.requests_of("events.sync").iter().filter(|entry| entry.about == [SAM.to_owned()]).count();
    assert!(sams <= 1 + 3, "{sams}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_and_doubled_notifications_wake_and_do_no_harm() {
    let (house, told) = told().await;
    let reads = house.google.count("events.sync");
    let sent = futures_util::future::join_all((0..200).map(|_| send(&house, &told))).await;
    assert!(sent.iter().all(|status| *status == 200));
    house.google.wait_for("events.sync", reads + 1).await;
    let reads = house.google.count("events.sync") - reads;
    assert!(reads <= 50, "{reads} readings for one edit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_another_copy_opened_is_known_too() {
    let (mut house, told) = told().await;
    is_open(&house, &told).await;
    house.restart().await;
    house.google.wait_for_done("events.sync", 4).await;
    let reads = house.google.count("events.sync");
    assert_eq!(send(&house, &told).await, 200);
    house.google.wait_for("events.sync", reads + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_small_posts_are_taken() {
    let (house, told) = told().await;
    let url = format!("{}/google/notifications", house.url);
    let with_headers = |request: reqwest::RequestBuilder| {
        told.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    };
    let small = answer(with_headers(house.http.post(&url).body("{}"))).await;
    assert_eq!((small.status, small.body.as_str()), (200, ""));
    let large = answer(with_headers(house.http.post(&url).body("x".repeat(5000)))).await;
    assert_eq!((large.status, large.body.as_str()), (413, ""));
    assert_eq!(answer(with_headers(house.http.get(&url))).await.status, 404);
    let nobody = answer(house.http.post(&url).body("")).await;
    assert_eq!((nobody.status, nobody.body.as_str()), (404, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_guessing_is_cut_off_and_google_is_not() {
    let (house, told) = told().await;
    is_open(&house, &told).await;
    let url = format!("{}/google/notifications", house.url);
    let mut closed = 0;
    for guess in 0..70 {
        let request = house.http.post(&url).header("X-Goog-Channel-ID", format!("guess-{guess}"));
        let response = request.timeout(Duration::from_secs(10)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 404);
        closed += usize::from(response.headers().get("connection").is_some_and(|value| value == "close"));
    }
    assert!((5..=12).contains(&closed), "{closed}");
    assert_eq!(send(&house, &told).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_google_nobody_may_say_anything() {
    let house = Plan::new().set("CALENDAR", "embedded").build().await;
    let url = format!("{}/google/notifications", house.url);
    let response = answer(house.http.post(&url).header("X-Goog-Channel-ID", "channel-1")).await;
    assert_eq!(response.status, 404);
    assert_eq!(house.google.requests().len(), 0);
}
