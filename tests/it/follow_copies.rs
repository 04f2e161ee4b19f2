//! Two copies of the server at one database follow the same calendars at the same time: everything comes to the same, and
//! is told once.

use std::time::Duration;

use actix_web::dev::ServerHandle;
use ringbook::app::App;
use ringbook::business::profile::{LoadFacts, load_folder};
use ringbook::config::{Environment, Settings};
use ringbook::names::BookingState::Cancelled;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::follow::{EIGHT, at_once, booked, booked_at_eight, followed_but_deaf, inserted, now, row_once};
use crate::house::{ALEX, House, Plan, SAM};
use crate::promises::{confirmed, late_words, messages, promises_kept, until};

const HOUR: time::Duration = time::Duration::HOUR;

/// Another server with the settings of this house.
pub struct Copy {
    pub url: String,
    handle: ServerHandle,
    runtime: Option<Runtime>,
}

impl Copy {
    pub async fn of(house: &House) -> Self {
        let (settings, _) = Settings::read(&Environment::from_pairs(house.pairs().to_vec())).unwrap();
        let facts = LoadFacts::new(settings.calendar, &settings.google);
        let loaded = load_folder(&settings.businesses, &facts).unwrap();
        let (runtime, clock) = (Runtime::new().unwrap(), house.clock.clone());
        let building = runtime.spawn(async move { App::build(settings, loaded.directory, clock).await.unwrap() });
        let app = building.await.unwrap();
        let (url, handle) = (format!("http://{}", app.address()), app.handle());
        runtime.spawn(async move { app.run().await.unwrap() });
        Self { url, handle, runtime: Some(runtime) }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn two() -> (House, Copy) {
    let house = followed_but_deaf(Plan::new()).await;
    let copy = Copy::of(&house).await;
    house.google.wait_for_done("events.sync", 4).await;
    (house, copy)
}

/// Whatever Google has to tell is told to both at the same moment.
async fn tell_both(house: &House, copy: &Copy) {
    for notification in house.google.notifications() {
        let (first, second) =
            tokio::join!(notification.send_to(&house.http, &house.url), notification.send_to(&house.http, &copy.url));
        assert_eq!((first, second), (Some(200), Some(200)));
    }
}

/// Whether our rows say what the calendars say.
async fn agree(house: &House) -> bool {
    let starts = |calendar: &str| house.google.events(calendar).iter().map(|event| event["start"]["dateTime"].clone()).collect();
    let (mut events, rows): (Vec<Value>, _) = (starts(SAM), confirmed(house).await);
    let of_alex: Vec<Value> = starts(ALEX);
    events.extend(of_alex);
    let mut events: Vec<_> = events
        .iter()
        .map(|start| {
            time::OffsetDateTime::parse(start.as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap()
        })
        .collect();
    let mut rows: Vec<_> = rows.iter().map(|row| row.span.start).collect();
    events.sort();
    rows.sort();
    events == rows
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_that_both_hear_of_at_once_are_followed_to_the_last_one() {
    let (house, copy) = two().await;
    let (first, second) = (booked_at_eight(&house).await, booked(&house, "+15551112222", "2026-11-24T15:00").await);
    tell_both(&house, &copy).await;
    for round in 1..=6_i32 {
        let start = EIGHT + time::Duration::days(1) + HOUR * round;
        house.google.staff_moves(SAM, first.event_id.as_str(), start, start + HOUR / 2);
        tell_both(&house, &copy).await;
        if round % 2 == 0 {
            house.google.staff_deletes(SAM, second.event_id.as_str());
        } else {
            house.google.staff_restores(SAM, second.event_id.as_str());
        }
        tell_both(&house, &copy).await;
    }
    at_once("rows that agree with the calendar", async || agree(&house).await).await;
    // Nor does anything late put an older state back.
    let reads = house.google.count("events.sync");
    until(&house, "more readings", async || house.google.count("events.sync") >= reads + 6).await;
    assert!(agree(&house).await);
    assert_eq!(now(&house, &second).await.state, Cancelled);
    assert_eq!((promises_kept(&house).await.len(), inserted(&house)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_see_is_told_once() {
    let (house, copy) = two().await;
    booked_at_eight(&house).await;
    let second = booked(&house, "+15551112222", "2026-11-24T15:00").await;
    let third = booked(&house, "+15553334444", "2026-11-25T08:00").await;
    house.google.staff_adds(SAM, EIGHT, EIGHT + HOUR);
    house.google.staff_moves(SAM, second.event_id.as_str(), third.span.start, third.span.end);
    tell_both(&house, &copy).await;
    row_once(&house, &second, "the collision", |row| row.span == third.span).await;
    messages(&house, 2).await;
    let reads = house.google.count("events.sync");
    until(&house, "more readings", async || house.google.count("events.sync") >= reads + 6).await;
    let told = late_words(&house);
    assert_eq!(told.len(), 2, "one of the collision and one of the entry: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_end_up_with_one_channel_for_each_calendar() {
    let (house, _copy) = two().await;
    house.clock.advance(Duration::from_hours(6 * 24));
    until(&house, "one channel for each calendar", async || {
        let channels = house.google.channels();
        channels.len() == 2 && channels.iter().all(|channel| channel.expiration > house.clock.now() + Duration::from_hours(72))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reading_a_minute_is_enough_for_both() {
    let (house, _copy) = two().await;
    let reads = house.google.count("events.sync");
    for _minute in 0..5 {
        let before = house.google.count("events.sync");
        house.clock.advance(Duration::from_mins(1));
        house.google.wait_for_done("events.sync", before + 2).await;
    }
    let reads = house.google.count("events.sync") - reads;
    assert!((10..=20).contains(&reads), "{reads} readings of two calendars in five minutes");
}
