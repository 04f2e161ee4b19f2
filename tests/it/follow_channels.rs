//! Push channels: one for each calendar, renewed before it ends, stopped when nobody wants it, and never needed.

use std::time::Duration;

use crate::fakes::faults::Fault;
use crate::fakes::google_watch::Channel;
use crate::follow::{at_once, booked_at_eight, followed, followed_but_deaf, row_once};
use crate::house::{ALEX, House, Plan, SAM, SLUG};
use crate::promises::until;
use ringbook::names::BookingState::Cancelled;
use ringbook::names::{CalendarId, Slug};
use ringbook::store::followed::ChannelRow;

const POLL: Duration = Duration::from_mins(1);

async fn rows(house: &House, calendar: &str) -> Vec<ChannelRow> {
    let store = house.store().await;
    let rows = store.channels_of(&Slug::parse(SLUG).unwrap(), &CalendarId::parse(calendar).unwrap()).await.unwrap();
    store.close().await;
    rows
}

fn channels_of(house: &House, calendar: &str) -> Vec<Channel> {
    house.google.channels().into_iter().filter(|channel| channel.calendar == calendar).collect()
}

/// Waits until the one channel of Sam's calendar is known to both sides.
async fn settled(house: &House) -> Channel {
    at_once("one channel", async || {
        let rows = rows(house, SAM).await;
        let channels = channels_of(house, SAM);
        rows.len() == 1 && channels.len() == 1 && rows[0].channel == channels[0].id && !rows[0].resource.is_empty()
    })
    .await;
    channels_of(house, SAM).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_calendar_has_one_channel_whose_token_is_kept_as_a_digest() {
    let house = followed_but_deaf(Plan::new()).await;
    let channel = settled(&house).await;
    assert_eq!(channels_of(&house, ALEX).len(), 1);
    let row = rows(&house, SAM).await.remove(0);
    assert_eq!(channel.address, "https://book.example.com/google/notifications");
    assert_eq!((&row.resource, row.ends_at, row.replaced), (&channel.resource_id, channel.expiration, false));
    let token = channel.token.unwrap();
    assert!(token.len() >= 40 && row.token == ringbook::connect::following::channels::digest(token.as_bytes()), "{row:?}");
    assert_ne!(channels_of(&house, ALEX)[0].token.as_ref(), Some(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_renewed_before_it_ends_and_then_stopped() {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.channel_life(Duration::from_hours(1));
    // Those of the start have got a week.
    house.clock.advance(Duration::from_hours(6 * 24));
    house.google.wait_for_done("events.watch", 4).await;
    let first = settled(&house).await;
    assert_eq!(first.expiration, house.clock.now() + Duration::from_hours(1));
    let watched = house.google.count("events.watch");
    house.clock.advance(Duration::from_mins(44));
    let reads = house.google.count("events.sync");
    house.google.wait_for_done("events.sync", reads + 2).await;
    assert_eq!((house.google.count("events.watch"), settled(&house).await.id), (watched, first.id.clone()));
    house.clock.advance(Duration::from_mins(2));
    house.google.wait_for_done("events.watch", watched + 2).await;
    house.google.wait_for_done("channels.stop", 4).await;
    let second = settled(&house).await;
    assert_ne!((&second.id, &second.token), (&first.id, &first.token));
    assert!(second.expiration > first.expiration && house.clock.now() < first.expiration, "there was no gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_channel_whose_end_nobody_heard_of_is_stopped_again() {
    let house = followed_but_deaf(Plan::new()).await;
    settled(&house).await;
    house.google.fault_always("channels.stop", Fault::ResetBeforeCommit);
    house.clock.advance(Duration::from_hours(6 * 24));
    house.google.wait_for("channels.stop", 2).await;
    at_once("both channels", async || rows(&house, SAM).await.len() == 2).await;
    assert!(rows(&house, SAM).await.iter().any(|row| row.replaced));
    house.google.clear_faults();
    house.clock.advance(POLL);
    settled(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_google_opens_no_channel_the_poll_does_and_it_is_asked_again_in_an_hour() {
    let house = followed_but_deaf(Plan::new()).await;
    house.google.fault_always("events.watch", Fault::status(403, "forbidden"));
    house.clock.advance(Duration::from_hours(6 * 24));
    house.google.wait_for("events.watch", 4).await;
    let asked = 4;
    let row = booked_later(&house).await;
    house.google.staff_deletes(SAM, row.event_id.as_str());
    house.clock.advance(Duration::from_mins(30));
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
    assert_eq!(house.google.count("events.watch"), asked);
    house.google.clear_faults();
    house.clock.advance(Duration::from_mins(31));
    house.google.wait_for("events.watch", asked + 2).await;
    settled(&house).await;
}

/// Books on a day that still lies ahead after the clock was moved.
async fn booked_later(house: &House) -> ringbook::store::bookings::BookingRow {
    crate::follow::booked(house, "+15557654321", "2026-12-02T08:00").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_google_does_not_call_is_asked_for_once_and_the_poll_does_the_rest() {
    let house = followed_but_deaf(Plan::new().set("SERVER_URL", "http://127.0.0.1:8080")).await;
    let row = booked_at_eight(&house).await;
    house.google.staff_deletes(SAM, row.event_id.as_str());
    house.clock.advance(POLL);
    row_once(&house, &row, "the cancellation", |row| row.state == Cancelled).await;
    assert_eq!((house.google.count("events.watch"), rows(&house, SAM).await.len()), (2, 0), "once for each calendar");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_of_which_nobody_knows_is_asked_for_again_soon_and_may_speak_in_the_meantime() {
    let house = Plan::new().build().await;
    house.google.wait_for_done("events.sync", 2).await;
    settled(&house).await;
    drop(house.google.notifications());
    for _calendar in 0..2 {
        house.google.fault("events.watch", Fault::ResetAfterCommit);
    }
    house.clock.advance(Duration::from_hours(6 * 24));
    house.google.wait_for_done("events.watch", 4).await;
    let reads = house.google.count("events.sync");
    house.google.wait_for_done("events.sync", reads).await;
    let of_sam = channels_of(&house, SAM);
    assert_eq!(of_sam.len(), 2, "the old one, and one of which nobody knows");
    house.google.staff_adds(SAM, house.clock.now(), house.clock.now() + Duration::from_hours(1));
    for notification in house.google.notifications() {
        assert_eq!(notification.send_to(&house.http, &house.url).await, Some(200), "{notification:?}");
    }
    until(&house, "a channel that is known", async || {
        rows(&house, SAM).await.iter().any(|row| {
            !row.replaced && !row.resource.is_empty() && row.created_at > of_sam[0].expiration - Duration::from_hours(6 * 24)
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_any_more_is_stopped_and_forgotten() {
    let mut house = followed().await;
    settled(&house).await;
    let old = channels_of(&house, ALEX).remove(0);
    house.stop().await;
    let file = house.folder.path().join("businesses").join(format!("{SLUG}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let alone = text.split("[[technicians]]\nid = \"alex\"").next().unwrap().to_owned();
    std::fs::write(&file, alone).unwrap();
    house.restart().await;
    house.google.wait_for_done("channels.stop", 1).await;
    at_once("nothing of Alex", async || {
        let store = house.store().await;
        let places = store.followed_places().await.unwrap();
        store.close().await;
        places == [(Slug::parse(SLUG).unwrap(), CalendarId::parse(SAM).unwrap())]
    })
    .await;
    assert!(channels_of(&house, ALEX).is_empty() && rows(&house, ALEX).await.is_empty());
    assert!(house.google.channels().iter().all(|channel| channel.id != old.id));
    settled(&house).await;
}
