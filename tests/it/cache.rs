//! Busy times that were seen a moment ago: what they serve, how long, and what makes them worthless.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use time::macros::datetime;

use crate::fakes::faults::Fault;
use crate::fakes::stage::Moment;
use crate::house::{ALEX, BUSINESS, House, Plan, SAM, SLUG};
use crate::promises::{DOWN, promises_kept, repair_by_sam, said, when, with};

const ASKED: &str = "freebusy.query";
const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";

async fn check(house: &House, id: &str, date: &str) -> String {
    said(&house.tool("call-1", id, CHECK, when(date)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_serves_every_date_of_the_coming_weeks_for_a_minute() {
    let house = House::new().await;
    for (number, date) in ["2026-11-24", "2026-11-23", "2026-12-01", "2026-12-18"].into_iter().enumerate() {
        assert!(check(&house, &format!("a{number}"), date).await.contains("I have"), "{date}");
    }
    assert_eq!(house.google.count(ASKED), 1);
    for calendar in [SAM, ALEX] {
        house.google.staff_adds(calendar, datetime!(2026-11-24 08:00 -5), datetime!(2026-11-24 10:00 -5));
    }
    house.clock.advance(Duration::from_secs(59));
    assert!(check(&house, "b1", "2026-11-24").await.contains("at 8 AM"));
    assert_eq!(house.google.count(ASKED), 1);
    house.clock.advance(Duration::from_secs(1));
    assert!(check(&house, "b2", "2026-11-24").await.contains("at 10 AM"));
    assert_eq!(house.google.count(ASKED), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_questions_at_once_are_one() {
    let house = House::new().await;
    let held = house.google.hold(ASKED);
    let dates = ["2026-11-24", "2026-11-25", "2026-12-01", "2026-12-02"];
    let (calls, ids): (Vec<_>, Vec<_>) = (0..100).map(|number| (format!("call-{number}"), format!("t{number}"))).unzip();
    let asking = (0..100).map(|number| house.tool(&calls[number], &ids[number], CHECK, when(dates[number % dates.len()])));
    let (answers, ()) = tokio::join!(join_all(asking), async {
        held.reached(1).await;
        held.release();
    });
    assert!(answers.iter().all(|answer| said(answer).contains("I have")), "{answers:?}");
    assert_eq!(house.google.count(ASKED), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_far_away_have_a_window_of_their_own_and_no_question_is_too_long() {
    let house = Plan::new().business(SLUG, &format!("{BUSINESS}\n[rules]\nhorizon_days = 300\n")).build().await;
    let dates = ["2026-11-24", "2027-03-04", "2027-03-05", "2027-03-17", "2027-08-03", "2027-09-14"];
    let mut counts = Vec::new();
    for (number, date) in dates.into_iter().enumerate() {
        assert!(check(&house, &format!("t{number}"), date).await.contains("I have"), "{date}");
        counts.push(house.google.count(ASKED));
    }
    assert_eq!(counts, [1, 2, 2, 2, 3, 4]);
    for entry in house.google.requests_of(ASKED) {
        let at = |name: &str| entry.json()[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let days = at("timeMin").until(at("timeMax")).unwrap().total(jiff::Unit::Hour).unwrap() / 24.0;
        assert!(days <= 60.0, "{days}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_looks_for_itself_and_what_it_finds_makes_old_what_was_seen() {
    let house = House::new().await;
    check(&house, "t1", "2026-11-24").await;
    house.google.staff_adds(SAM, datetime!(2026-11-24 08:00 -5), datetime!(2026-11-24 10:00 -5));
    let sentence = said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.contains("8 AM is already taken"), "{sentence}");
    let others = sentence.split_once("I do have").unwrap().1;
    assert!(!others.contains("8 AM") && others.contains("10 AM"), "{sentence}");
    assert_eq!((house.google.count("events.list"), house.google.count(ASKED)), (1, 2));
    assert_eq!(promises_kept(&house).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_of_ours_makes_old_what_was_seen_of_its_calendar() {
    let house = House::new().await;
    check(&house, "t1", "2026-11-24").await;
    said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    check(&house, "t3", "2026-11-24").await;
    assert_eq!(house.google.count(ASKED), 2, "asked again after the booking");
    // Alex's calendar is as it was, but the two are seen together.
    let alex = with(when("2026-11-25"), &json!({ "technician": "alex" }));
    said(&house.tool("call-1", "t4", CHECK, alex).await);
    assert_eq!(house.google.count(ASKED), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_before_a_booking_but_told_after_it_does_not_count() {
    let house = House::new().await;
    let held = house.google.hold_after(ASKED);
    let early = house.tool("call-1", "t1", CHECK, when("2026-11-24"));
    let (early, late) = tokio::join!(early, async {
        held.reached(1).await;
        said(&house.tool("call-2", "t1", BOOK, repair_by_sam("2026-11-25T08:00")).await);
        house.google.staff_adds(SAM, datetime!(2026-11-24 08:00 -5), datetime!(2026-11-24 18:00 -5));
        let sam = with(when("2026-11-24"), &json!({ "technician": "sam" }));
        let late = house.tool("call-3", "t1", CHECK, sam);
        tokio::join!(late, async { held.release() }).0
    });
    assert!(said(&early).contains("8 AM"), "{early:?}");
    assert!(said(&late).contains("6 PM") && !said(&late).contains("8 AM"), "{late:?}");
    assert_eq!(house.google.count(ASKED), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_in_two_businesses_is_forgotten_in_both() {
    let other = BUSINESS.replace("+15551230000", "+15551240000").replace("alex@abc.example", "kim@abc.example");
    let house = Plan::new().business("other-co", &other).build().await;
    house.google.add_calendar("kim@abc.example", "America/New_York", &[crate::fakes::google::SERVICE_ACCOUNT]);
    let mut of_other = crate::house::tool_calls(crate::house::CALLER, "call-2", &[("t1", CHECK, when("2026-11-24"))]);
    of_other["message"]["phoneNumber"]["number"] = json!("+15551240000");
    check(&house, "t1", "2026-11-24").await;
    house.vapi(&of_other).await.sentence();
    assert_eq!(house.google.count(ASKED), 2);
    said(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    of_other["message"]["toolCallList"][0]["id"] = json!("t2");
    assert!(!house.vapi(&of_other).await.sentence().contains("cannot"));
    assert_eq!(house.google.count(ASKED), 3, "the other business shares Sam's calendar");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_could_not_be_read_is_asked_for_again_and_the_others_are_not() {
    let house = House::new().await;
    house.google.fault_always_in(ASKED, ALEX, Fault::Errors { with_busy: true, reason: "notFound" });
    let of = |name: &str| with(when("2026-11-24"), &json!({ "technician": name }));
    let alex = house.tool("call-1", "t1", CHECK, of("alex")).await;
    assert_eq!((said(&alex).as_str(), house.google.count(ASKED)), (DOWN, 1));
    let sam = house.tool("call-1", "t2", CHECK, of("sam")).await;
    assert!(said(&sam).contains("8 AM") && house.google.count(ASKED) == 1, "{sam:?}");
    house.google.clear_faults();
    let alex = house.tool("call-1", "t3", CHECK, of("alex")).await;
    assert!(said(&alex).contains("8 AM") && house.google.count(ASKED) == 2, "{alex:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_failed_is_remembered_by_nobody() {
    let house = House::new().await;
    house.google.fault_always(ASKED, Fault::status(503, "backendError"));
    assert_eq!(check(&house, "t1", "2026-11-24").await, DOWN);
    house.google.clear_faults();
    assert!(check(&house, "t2", "2026-11-24").await.contains("8 AM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_ask_freshly() {
    let house = House::new().await;
    check(&house, "t1", "2026-11-24").await;
    assert_eq!(house.get("/readyz").await.status, 200);
    assert_eq!(house.google.count(ASKED), 2);
    house.google.fault_always(ASKED, Fault::status(503, "backendError"));
    house.clock.advance(Duration::from_secs(31));
    assert_eq!(house.get("/readyz").await.status, 503);
    assert!(check(&house, "t2", "2026-11-25").await.contains("8 AM"), "offers go on with what was seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_goes_on_when_the_one_who_asked_is_gone() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "600").build().await;
    let held = house.google.hold(ASKED);
    assert_eq!(check(&house, "t1", "2026-11-24").await, DOWN);
    held.release();
    assert!(check(&house, "t2", "2026-11-25").await.contains("8 AM"));
    assert_eq!(house.google.count(ASKED), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn zero_seconds_remember_nothing() {
    let house = Plan::new().set("FREEBUSY_CACHE_SECONDS", "0").build().await;
    check(&house, "t1", "2026-11-24").await;
    check(&house, "t2", "2026-11-24").await;
    assert_eq!(house.google.count(ASKED), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_events_are_listed_only_what_is_asked_for_is_read_and_remembered() {
    let house = Plan::new().business(SLUG, &format!("{BUSINESS}\n[rules]\nall_day_free_blocks = true\n")).build().await;
    for (id, date, lists) in [("t1", "2026-11-24", 2), ("t2", "2026-11-24", 2), ("t3", "2026-12-01", 4)] {
        assert!(check(&house, id, date).await.contains("I have"), "{date}");
        assert_eq!((house.google.count("events.list"), house.google.count(ASKED)), (lists, 0), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_person_deleted_makes_old_what_was_seen() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    check(&house, "t2", "2026-11-24").await;
    let id = house.google.events(SAM)[0]["id"].as_str().unwrap().to_owned();
    house.google.on("events.get", Moment::Before, move |google| google.staff_deletes(SAM, &id));
    let again = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "{again}");
    let asked = house.google.count(ASKED);
    check(&house, "t3", "2026-11-24").await;
    assert_eq!(house.google.count(ASKED), asked + 1);
}
