//! Clocks that jump in the middle of a booking: what is booked is the time that was asked for, and what is measured is measured
//! by a clock that cannot be turned.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use serde_json::json;
use time::macros::datetime;

use crate::edge_program::{self, BOOK, Life, address, time_of};
use crate::house::{House, NOW, SAM};
use crate::program::{out, run};
use crate::promises::{place, promises_kept, repair, repair_by_sam, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_in_the_middle_of_a_booking_changes_neither_its_time_nor_its_answer() {
    let jumps = [time::Duration::hours(1), time::Duration::hours(-1), time::Duration::days(1), time::Duration::days(-1)];
    for (number, (jump, at)) in
        jumps.into_iter().flat_map(|jump| ["events.list", "events.insert"].map(|at| (jump, at))).enumerate()
    {
        let house = House::new().await;
        house.google.wait_for_done("token", 1).await;
        let held = house.google.hold(at);
        let jumping = async {
            held.reached(1).await;
            house.clock.set(NOW + jump);
            held.release();
        };
        let wish = repair_by_sam("2026-11-27T15:00");
        let watch = Stopwatch::start();
        let (answer, ()) = tokio::join!(house.tool("call-1", "t1", BOOK, wish.clone()), jumping);
        let sentence = said(&answer);
        assert!(sentence.starts_with("You're booked for repair on Friday, November 27 at 3 PM"), "{jump} at {at}: {sentence}");
        assert!(watch.elapsed() < Duration::from_secs(4), "{jump} at {at}: {:?}", watch.elapsed());
        let rows = promises_kept(&house).await;
        assert_eq!((rows.len(), rows[0].span.start), (1, datetime!(2026-11-27 15:00 -5)), "{number}");
        assert_eq!(house.tool("call-1", "t1", BOOK, wish.clone()).await, answer, "{jump} at {at}");
        house.clock.set(NOW);
        assert_eq!(house.tool("call-1", "t1", BOOK, wish).await, answer, "{jump} at {at}, and back again");
        let other = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-27T15:00")).await);
        assert!(other.contains("already taken"), "{jump} at {at}: {other}");
        // A token whose hour is suddenly over is renewed, and the insert under the same id sent again.
        assert!(promises_kept(&house).await.len() == 1 && house.google.count("events.insert") <= 2, "{jump} at {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_swings_between_the_bookings_costs_nobody_anything() {
    let house = House::new().await;
    let swings = [0_i64, 60, -60, 24 * 60, -24 * 60, 0, -5, 5];
    for (number, minutes) in swings.into_iter().enumerate() {
        house.clock.set(NOW + time::Duration::minutes(minutes));
        // The first places are within a day, and a clock that is a day ahead is past them.
        let sentence = said(&house.tool(&format!("call-{number}"), "t1", BOOK, repair(&place(number + 8))).await);
        assert!(sentence.contains("You're booked"), "{minutes} min: {sentence}");
    }
    assert_eq!(promises_kept(&house).await.len(), swings.len());
    assert_eq!(house.get("/readyz").await.status, 200);
}

/// What is offered, said, booked and listed by a program on a machine that stands in this zone.
async fn told_in(zone: &str) -> Vec<String> {
    let mut house = edge_program::house().await;
    let life = Life::begin(&house, &address(), &format!("TZ={zone}; export TZ;")).await;
    house.url.clone_from(&life.url);
    let day = time_of(0)[..10].to_owned();
    let question = json!({ "serviceType": "repair", "requestedDate": day, "timeWindow": "evening" });
    let mut told = vec![said(&house.tool("call-1", "t1", "checkAvailability", question).await)];
    for (number, hour) in ["00:00", "03:15", "21:59"].into_iter().enumerate() {
        let id = format!("b{number}");
        let sentence = said(&house.tool("call-1", &id, BOOK, repair_by_sam(&format!("{day}T{hour}"))).await);
        told.push(sentence.split(" Your confirmation code").next().unwrap().to_owned());
    }
    let rows = promises_kept(&house).await;
    assert_eq!(rows.len(), 3, "{zone}: {told:?}");
    told.extend(rows.iter().map(|row| format!("{} {}", row.wall_clock, row.span.start)));
    let mut events: Vec<String> =
        house.google.events(SAM).iter().map(|event| format!("{} {}", event["start"], event["end"])).collect();
    events.sort();
    told.extend(events);
    let settings = [house.pairs(), &[("TZ".to_owned(), zone.to_owned())]].concat();
    let listed = out(&run(house.folder.path(), &["bookings", "--date", &day], &settings));
    let without_codes =
        listed.split_whitespace().filter(|word| !(word.len() == 6 && word.bytes().all(|b| b.is_ascii_alphanumeric())));
    told.push(without_codes.collect::<Vec<_>>().join(" "));
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_in_which_the_machine_stands_has_no_say_in_what_is_offered_booked_and_listed() {
    let (here, east, west) = tokio::join!(told_in("UTC"), told_in("Asia/Kathmandu"), told_in("Pacific/Honolulu"));
    assert_eq!(here, east);
    assert_eq!(here, west);
}
