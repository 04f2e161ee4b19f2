//! Which instant is meant: wall clocks, offsets, a `Z` that a model invents, and the nights on which the clocks change.

use ringbook::clock::Clock;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::house::{BUSINESS, House, Plan, SAM, SLUG};
use crate::promises::{promises_kept, repair_by_sam, said, when, with};

const BOOK: &str = "bookAppointment";

/// A business that works around the clock, on a given day.
async fn always_open(now: OffsetDateTime, zone: &str) -> House {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = days.map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    let (before, after) = BUSINESS.split_once("[hours]").unwrap();
    let services = after.split_once("[[services]]").unwrap().1;
    let business = format!("{before}[hours]\n{hours}[[services]]{services}").replace("America/New_York", zone);
    let house = Plan::new().business(SLUG, &business).at(now).build().await;
    assert_eq!(house.clock.now(), now);
    house
}

async fn book(house: &House, id: &str, start: &str) -> (bool, String) {
    let answer = house.tool("call-1", id, BOOK, repair_by_sam(start)).await;
    (answer.is_error(), said(&answer))
}

/// When the only event of Sam's begins.
fn begins(house: &House) -> Value {
    house.google.events(SAM)[0]["start"]["dateTime"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_an_offset_is_the_business_clock_and_one_with_an_offset_is_the_instant() {
    for (said_as, stored) in [
        ("2026-11-24T13:00", "2026-11-24T13:00:00-05:00"),
        ("2026-11-24T13:00:00.000", "2026-11-24T13:00:00-05:00"),
        ("2026-11-24T13:00:00-05:00", "2026-11-24T13:00:00-05:00"),
        ("2026-11-24T10:00:00-08:00", "2026-11-24T13:00:00-05:00"),
        ("2026-11-24T18:00:00Z", "2026-11-24T13:00:00-05:00"),
        ("2026-11-24 18:00:00+00:00", "2026-11-24T13:00:00-05:00"),
    ] {
        let house = House::new().await;
        let (_, sentence) = book(&house, "t1", said_as).await;
        assert!(sentence.contains("Tuesday, November 24 at 1 PM"), "{said_as}: {sentence}");
        assert_eq!(begins(&house), stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_z_behind_an_offered_wall_clock_means_the_wall_clock() {
    let house = House::new().await;
    let question = with(when("2026-11-24"), &json!({ "technician": "sam", "timeWindow": "morning" }));
    assert!(said(&house.tool("call-1", "t1", "checkAvailability", question).await).contains("8 AM, 9 AM or 10 AM"));
    let (_, sentence) = book(&house, "t2", "2026-11-24T09:00:00Z").await;
    assert!(sentence.contains("Tuesday, November 24 at 9 AM"), "{sentence}");
    // In another call nothing was offered: there it is the instant, before opening.
    let other = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-25T09:00:00Z")).await);
    assert!(other.contains("Wednesday, November 25 at 4 AM is outside our hours"), "{other}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_z_whose_both_readings_were_offered_is_asked_about() {
    let house = House::new().await;
    for (id, window) in [("t1", "morning"), ("t2", "afternoon"), ("t3", "evening")] {
        let question = with(when("2026-11-24"), &json!({ "technician": "sam", "timeWindow": window }));
        said(&house.tool("call-1", id, "checkAvailability", question).await);
    }
    // Offered: 8, 9, 10 AM, 12:30, 2:30, 4:30 and 5, 5:30, 6 PM. 17:30Z is 12:30 PM, and 5:30 PM on the wall.
    let (is_error, sentence) = book(&house, "t4", "2026-11-24T17:30:00Z").await;
    assert!(is_error && sentence.contains("Tuesday, November 24 at 5:30 PM or Tuesday, November 24 at 12:30 PM"), "{sentence}");
    assert!(house.bookings().await.is_empty());
    let (_, sentence) = book(&house, "t5", "2026-11-24T17:30:00").await;
    assert!(sentence.contains("5:30 PM"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_the_clocks_skip_is_said_and_not_shifted() {
    for (zone, now, skipped, before) in [
        ("America/New_York", datetime!(2027-03-10 15:00 UTC), "2027-03-14T02:30", "2027-03-14T01:30"),
        ("Europe/London", datetime!(2027-03-24 15:00 UTC), "2027-03-28T01:30", "2027-03-28T00:30"),
        ("Africa/Cairo", datetime!(2027-04-27 15:00 UTC), "2027-04-30T00:30", "2027-04-29T23:30"),
    ] {
        let house = always_open(now, zone).await;
        let (is_error, sentence) = book(&house, "t1", skipped).await;
        assert!(is_error && sentence.contains("that time does not exist"), "{zone}: {sentence}");
        assert!(house.bookings().await.is_empty());
        let (is_error, sentence) = book(&house, "t2", before).await;
        assert_eq!(
            (is_error, promises_kept(&house).await.len()),
            (false, usize::from(sentence.contains("You're booked"))),
            "{zone}: {sentence}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_comes_twice_is_asked_about_unless_its_offset_is_given() {
    for (zone, now, twice, first, shown) in [
        ("America/New_York", datetime!(2027-11-03 15:00 UTC), "2027-11-07T01:30", "2027-11-07T01:30:00-04:00", "1:30 AM"),
        ("Australia/Lord_Howe", datetime!(2027-03-31 15:00 UTC), "2027-04-04T01:45", "2027-04-04T01:45:00+11:00", "1:45 AM"),
    ] {
        let house = always_open(now, zone).await;
        let (is_error, sentence) = book(&house, "t1", twice).await;
        assert!(is_error && sentence.contains("comes twice") && sentence.contains(shown), "{zone}: {sentence}");
        assert!(house.bookings().await.is_empty());
        let (_, sentence) = book(&house, "t2", first).await;
        assert!(sentence.contains("You're booked") && sentence.contains(shown), "{zone}: {sentence}");
        assert_eq!(
            promises_kept(&house).await[0].span.start,
            OffsetDateTime::parse(first, &time::format_description::well_known::Rfc3339).unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_hours_are_wall_clock_hours_on_both_sides_of_a_change() {
    let house = always_open(datetime!(2027-03-10 15:00 UTC), "America/New_York").await;
    for (id, date, slots) in
        [("t1", "2027-03-13", "2027-03-13T08:00:00-05:00"), ("t2", "2027-03-15", "2027-03-15T08:00:00-04:00")]
    {
        let question = with(when(date), &json!({ "timeWindow": "morning" }));
        let answer = house.function("checkAvailability", question).await;
        assert_eq!(answer.json()["result"]["slots"][0], slots, "{id}");
    }
    // From 1 AM for two hours ends at 4 AM that night.
    let (_, sentence) = book(&house, "t3", "2027-03-14T01:00").await;
    assert!(sentence.contains("You're booked"), "{sentence}");
    assert_eq!(house.google.events(SAM)[0]["end"]["dateTime"], "2027-03-14T04:00:00-04:00");
    assert_eq!(house.google.requests_of("events.insert")[0].json()["start"]["timeZone"], "America/New_York");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_day_and_the_turn_of_a_year_are_days_like_others() {
    let house = always_open(datetime!(2028-02-20 15:00 UTC), "America/New_York").await;
    assert!(book(&house, "t1", "2028-02-29T08:00").await.1.contains("Tuesday, February 29 at 8 AM"));
    assert!(book(&house, "t2", "2027-02-29T08:00").await.0);
    let house = always_open(datetime!(2026-12-28 15:00 UTC), "America/New_York").await;
    let (_, sentence) = book(&house, "t1", "2027-01-01T00:00").await;
    assert!(sentence.contains("Friday, January 1, 2027 at 12 AM"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn today_is_what_it_is_where_the_business_is() {
    // 2 AM on the 24th in Greenwich is 9 PM on the 23rd in New York.
    let house = Plan::new().at(datetime!(2026-11-24 02:00 UTC)).build().await;
    let answer = house.tool("call-1", "t1", "checkAvailability", when("2026-11-23")).await;
    assert!(
        !answer.is_error() && said(&answer).starts_with("What is left of Monday, November 23 is too soon for us."),
        "{answer:?}"
    );
    assert!(matches!(house.clock, Clock::Fixed(_)));
    let past = house.tool("call-1", "t2", "checkAvailability", when("2026-11-22")).await;
    assert!(said(&past).contains("Today is Monday, November 23, 2026"), "{past:?}");
}
