//! Google asks for a pause, or says that the quota is used up: what fits into a caller's time is waited for, nothing else is,
//! and the operator hears of a quota once a day.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::faults::{A_MINUTE, in_time};
use crate::house::{CALLER, House};
use crate::promises::{DOWN, PENDING, come_to_rest, messages, place, promises_kept, repair_by_sam, said, until, when};

const ASKED: &str = "freebusy.query";
const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";

/// Too fast, in the three ways in which Google says so, with the pause that it wants.
fn too_fast(seconds: u32) -> [Fault; 3] {
    let said = |code, reason| Fault::Status { code, reason, retry_after: Some(seconds), html: false };
    [said(403, "rateLimitExceeded"), said(429, "userRateLimitExceeded"), said(503, "backendError")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_fits_is_kept_and_then_the_answer_is_there() {
    let house = House::new().await;
    for (number, fault) in too_fast(1).into_iter().enumerate() {
        house.clock.advance(A_MINUTE);
        house.google.fault(ASKED, fault.clone());
        house.google.fault("events.list", fault);
        let (asked, looked) = (house.google.count(ASKED), house.google.count("events.list"));
        let (call, watch) = (format!("call-{number}"), Stopwatch::start());
        let (open, booked) = tokio::join!(
            in_time(house.tool(&call, "t1", CHECK, when("2026-12-08"))),
            in_time(house.tool(&call, "t2", BOOK, repair_by_sam(&place(number))))
        );
        assert!(said(&open).contains("8 AM") && said(&booked).contains("You're booked"), "{open:?} {booked:?}");
        assert!(watch.elapsed() >= Duration::from_secs(1), "{:?}", watch.elapsed());
        assert_eq!((house.google.count(ASKED), house.google.count("events.list")), (asked + 2, looked + 2));
        // What was seen is not to serve the next round, and the look back at this booking is not to be counted in it.
        house.clock.advance(Duration::from_mins(2));
        house.google.wait_for("events.list", looked + 3).await;
    }
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_does_not_fit_is_not_waited_for_and_nothing_is_asked_again() {
    let house = House::new().await;
    for (number, fault) in too_fast(60).into_iter().enumerate() {
        house.google.fault(ASKED, fault.clone());
        house.google.fault("events.list", fault);
        let (asked, looked) = (house.google.count(ASKED), house.google.count("events.list"));
        let (call, watch) = (format!("call-{number}"), Stopwatch::start());
        let (open, booked) = tokio::join!(
            house.tool(&call, "t1", CHECK, when("2026-12-08")),
            house.tool(&call, "t2", BOOK, repair_by_sam("2026-11-24T08:00"))
        );
        assert!(watch.elapsed() < Duration::from_secs(3), "{:?}", watch.elapsed());
        assert_eq!((said(&open).as_str(), said(&booked).as_str()), (DOWN, DOWN));
        assert_eq!((house.google.count(ASKED), house.google.count("events.list")), (asked + 1, looked + 1));
    }
    come_to_rest(&house).await;
    assert_eq!((house.events().len(), promises_kept(&house).await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_that_is_turned_away_for_long_gives_the_time_back_at_once() {
    let house = House::new().await;
    for (number, code) in [403, 429].into_iter().enumerate() {
        let fault = Fault::Status { code, reason: "rateLimitExceeded", retry_after: Some(60), html: false };
        house.google.fault("events.insert", fault);
        let (call, wish) = (format!("call-{number}"), repair_by_sam("2026-11-24T08:00"));
        assert_eq!(said(&house.tool(&call, "t1", BOOK, wish).await), DOWN);
        assert_eq!(house.google.count("events.insert"), number + 1);
        assert_eq!(promises_kept(&house).await.len(), 0);
    }
    let again = said(&house.tool_of("+15551112222", "call-9", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "nobody holds the time: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_of_which_nobody_knows_is_asked_after_when_the_pause_allows_it() {
    let house = House::new().await;
    let lost = |seconds| Fault::StatusAfterCommit { code: 503, reason: "", retry_after: Some(seconds), html: true };
    house.google.fault("events.insert", lost(1));
    let watch = Stopwatch::start();
    let soon = in_time(house.tool("call-1", "t1", BOOK, repair_by_sam(&place(0)))).await;
    assert!(said(&soon).contains("You're booked") && watch.elapsed() >= Duration::from_secs(1), "{soon:?}");
    let gets = house.google.count("events.get");
    house.google.fault("events.insert", lost(60));
    let late = in_time(house.tool("call-2", "t1", BOOK, repair_by_sam(&place(1)))).await;
    assert_eq!((said(&late).as_str(), house.google.count("events.get")), (PENDING, gets));
    come_to_rest(&house).await;
    let told = messages(&house, 1).await;
    assert_eq!((told.len(), told[0]["to"].as_str()), (1, Some(CALLER)));
    assert!(told[0]["body"].as_str().unwrap().contains("You're booked"), "{told:?}");
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (2, 2));
}

fn quota_alerts(house: &House) -> Vec<Value> {
    house.alerts.alerts().into_iter().filter(|alert| alert["kind"] == "google_quota").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_is_not_asked_twice_and_alerts_once_a_day() {
    let mut house = House::new().await;
    for (day, reason) in ["quotaExceeded", "dailyLimitExceeded"].into_iter().enumerate() {
        house.google.fault_always(ASKED, Fault::status(403, reason));
        house.google.fault_always("events.list", Fault::Status { code: 429, reason, retry_after: Some(1), html: false });
        let (asked, looked) = (house.google.count(ASKED), house.google.count("events.list"));
        for number in 0..4 {
            let call = format!("call-{day}-{number}");
            assert_eq!(said(&house.tool(&call, "t1", CHECK, when("2026-12-08")).await), DOWN);
            assert_eq!(said(&house.tool(&call, "t2", BOOK, repair_by_sam(&place(20 + number))).await), DOWN);
            if number == 1 {
                // Whoever starts again has forgotten, but the ledger has not.
                house.restart().await;
            }
        }
        assert_eq!((house.google.count(ASKED), house.google.count("events.list")), (asked + 4, looked + 4));
        until(&house, "the alert", async || quota_alerts(&house).len() > day).await;
        house.clock.set(crate::house::NOW + time::Duration::days(1) + time::Duration::minutes(5));
    }
    // The outbox works in the order of time: an alert of another kind that comes later has overtaken nothing.
    house.ring("CA00000000000000000000000000000001").await;
    house
        .twilio(
            "/twilio/status",
            &[
                ("CallSid", "CA00000000000000000000000000000001"),
                ("From", CALLER),
                ("To", crate::house::CALLED),
                ("CallStatus", "completed"),
            ],
        )
        .await;
    until(&house, "a silent call", async || house.alerts.alerts().iter().any(|alert| alert["kind"] == "silent_call")).await;
    let alerts = quota_alerts(&house);
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    assert!(alerts.iter().all(|alert| alert["text"].as_str().unwrap().contains("quota of the account")), "{alerts:?}");
    assert_eq!(alerts[0]["business"], json!(crate::house::SLUG));
}
