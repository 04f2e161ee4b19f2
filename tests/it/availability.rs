//! What is offered, and why not: rules, hours, exceptions, technicians, and the reasons in words.

use serde_json::{Value, json};

use crate::house::{ALEX, BUSINESS, House, Plan, SAM, SLUG};
use crate::promises::{older, place, promises_kept, repair, repair_by_sam, said, when, with};

const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";

async fn with_rules(rules: &str) -> House {
    Plan::new().business(SLUG, &format!("{BUSINESS}\n{rules}\n")).build().await
}

async fn check(house: &House, id: &str, question: Value) -> String {
    let answer = house.tool("call-1", id, CHECK, question).await;
    assert!(!answer.is_error(), "{answer:?}");
    said(&answer)
}

async fn book(house: &House, id: &str, start: &str) -> String {
    let answer = house.tool("call-1", id, BOOK, repair_by_sam(start)).await;
    assert!(!answer.is_error(), "{answer:?}");
    said(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_times_of_a_day_are_offered_spread_over_it_or_its_window() {
    let house = House::new().await;
    assert_eq!(
        check(&house, "t1", when("2026-11-24")).await,
        "For repair I have Tuesday, November 24 at 8 AM, 2 PM or 6 PM. Which time suits you?"
    );
    let windows =
        [("morning", "8 AM, 9 AM or 10 AM"), ("afternoon", "12:30 PM, 2:30 PM or 4:30 PM"), ("evening", "5 PM, 5:30 PM or 6 PM")];
    for (window, times) in windows {
        let question = with(when("2026-11-24"), &json!({ "timeWindow": window }));
        assert_eq!(
            check(&house, window, question).await,
            format!("For repair I have Tuesday, November 24 at {times}. Which time suits you?")
        );
    }
    let question = json!({ "service_type": "tune-up please", "date": "2026-11-24T15:00:00", "time_window": "MORNING", "provider_id": "alex" });
    assert_eq!(
        check(&house, "t2", question).await,
        "For maintenance I have Tuesday, November 24 at 8 AM, 9:30 AM or 11 AM. Which time suits you?"
    );
    assert_eq!(house.google.count("events.insert"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_offered_can_be_booked_at_every_instant_that_was_named() {
    let house = House::new().await;
    let open = older(&house.function(CHECK, when("2026-11-24")).await);
    for slot in open["slots"].as_array().unwrap() {
        let wish = with(repair(slot.as_str().unwrap()), &json!({ "customerPhone": "+15555551234" }));
        let booked = older(&house.function(BOOK, wish).await);
        assert_eq!((&booked["success"], &booked["scheduledDate"]), (&json!(true), slot), "{booked}");
    }
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_day_says_so_with_its_reason_and_names_the_next_days() {
    let house =
        with_rules("[[exceptions]]\nfrom = \"2026-11-26\"\nto = \"2026-11-27\"\nhours = []\nreason = \"Thanksgiving\"").await;
    for (id, date, why) in [
        ("t1", "2026-11-26", "We are closed on Thursday, November 26: Thanksgiving."),
        ("t2", "2026-11-27", "We are closed on Friday, November 27: Thanksgiving."),
        ("t3", "2026-11-28", "We are closed on Saturday, November 28."),
    ] {
        let sentence = check(&house, id, when(date)).await;
        assert_eq!(sentence, format!("{why} I do have Monday, November 30 at 8 AM, 2 PM or 6 PM."));
        let booked = book(&house, &format!("b{id}"), &format!("{date}T09:00")).await;
        assert!(booked.starts_with(&format!("{why} Nothing is booked. I do have Monday, November 30 at")), "{booked}");
        let result = older(&house.function(CHECK, when(date)).await);
        assert_eq!((&result["available"], &result["slots"][0]), (&json!(false), &json!("2026-11-30T08:00:00-05:00")));
    }
    assert!(house.bookings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn notice_horizon_and_hours_are_kept_and_said() {
    let house = with_rules("[rules]\nminimum_notice_minutes = 180\nhorizon_days = 10").await;
    for (id, start, why) in [
        ("t1", "2026-11-23T11:59", "Monday, November 23 at 11:59 AM is outside our hours for repair."),
        ("t2", "2026-11-23T10:00", "Monday, November 23 at 10 AM is too soon for us."),
        ("t3", "2026-12-04T08:00", "We take bookings up to Thursday, December 3."),
        ("t4", "2031-12-04T08:00", "We take bookings up to Thursday, December 3."),
        ("t5", "2026-11-24T10:01", "Tuesday, November 24 at 10:01 AM is outside our hours for repair."),
        ("t6", "2026-11-24T18:30", "Tuesday, November 24 at 6:30 PM is outside our hours for repair."),
        ("t7", "2026-11-24T00:00", "Tuesday, November 24 at 12 AM is outside our hours for repair."),
        ("t8", "2026-11-29T12:00", "We are closed on Sunday, November 29."),
    ] {
        let sentence = book(&house, id, start).await;
        assert!(sentence.starts_with(&format!("{why} Nothing is booked. I do have ")), "{start}: {sentence}");
    }
    assert!(book(&house, "t9", "2026-11-23T12:30").await.contains("You're booked"));
    assert!(book(&house, "t10", "2026-12-03T18:00").await.contains("You're booked"));
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_refused_with_todays_date_in_words() {
    let house = House::new().await;
    let today =
        "That is in the past, so nothing is booked. Today is Monday, November 23, 2026. Please ask the caller for a coming date.";
    let window = |date: &str| with(when(date), &json!({ "timeWindow": "morning", "customerName": "Dana Miller" }));
    for (id, tool, wish) in [
        ("t1", BOOK, repair("2026-11-20T09:00")),
        ("t2", BOOK, repair("2026-11-23T08:59")),
        ("t3", BOOK, repair("2025-12-01T09:00:00-05:00")),
        ("t4", BOOK, repair("1900-01-01T00:00")),
        ("t5", CHECK, when("2026-11-22")),
        ("t6", CHECK, when("2024-02-29")),
        ("t7", "scheduleHVACAppointment", window("2026-11-20")),
    ] {
        let answer = house.tool("call-1", id, tool, wish.clone()).await;
        assert!(answer.is_error() && said(&answer) == today, "{wish}: {answer:?}");
    }
    assert!(house.bookings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_none_is_asked_for_and_never_guessed() {
    let house = House::new().await;
    for (id, date) in ["tomorrow", "next Tuesday", "11/24/2026", "2026-02-30", "2027-02-29", "2026-11", "24", "1795784400000"]
        .into_iter()
        .enumerate()
    {
        let answer = house.tool("call-1", &format!("t{id}"), CHECK, when(date)).await;
        assert!(answer.is_error() && said(&answer).contains("exact calendar date"), "{date}: {answer:?}");
    }
    let missing = house.tool("call-1", "m1", CHECK, json!({ "serviceType": "repair" })).await;
    assert!(missing.is_error() && said(&missing).contains("which date"), "{missing:?}");
    let window = house.tool("call-1", "m2", CHECK, with(when("2026-11-24"), &json!({ "timeWindow": "night" }))).await;
    assert!(window.is_error() && said(&window).contains("morning"), "{window:?}");
    assert_eq!(house.google.count("freebusy.query"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_technician_gets_more_jobs_in_a_day_than_the_owner_allows() {
    let house = with_rules("[rules]\nmax_jobs_per_day = 1").await;
    assert!(book(&house, "t1", "2026-11-24T08:00").await.contains("You're booked"));
    let sentence = book(&house, "t2", "2026-11-24T15:00").await;
    assert!(sentence.contains("already taken") && !sentence.contains("Tuesday, November 24 at 5"), "{sentence}");
    let anybody = house.tool("call-1", "t3", BOOK, repair("2026-11-24T15:00")).await;
    assert!(said(&anybody).contains("with Alex"), "{anybody:?}");
    let full = check(&house, "t4", when("2026-11-24")).await;
    assert!(full.starts_with("Tuesday, November 24 is fully booked"), "{full}");
    assert!(book(&house, "t5", "2026-11-25T08:00").await.contains("You're booked"));
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_to_who_has_fewest_that_day_and_then_by_the_order_of_the_file() {
    let house = House::new().await;
    let mut order = Vec::new();
    for (number, start) in
        ["2026-11-24T08:00", "2026-11-24T12:30", "2026-11-24T15:00", "2026-11-25T08:00"].into_iter().enumerate()
    {
        let sentence = said(&house.tool("call-1", &format!("t{number}"), BOOK, repair(start)).await);
        order.push(sentence.split_once(" with ").unwrap().1.split_once('.').unwrap().0.to_owned());
    }
    assert_eq!(order, ["Sam", "Alex", "Sam", "Sam"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn technicians_do_what_they_can_when_they_are_there() {
    let crew = BUSINESS
        .replace("id = \"sam\"", "id = \"sam\"\nservices = [\"maintenance\"]")
        .replace("id = \"alex\"", "id = \"alex\"\nhours = { tuesday = [\"14:00-18:00\"] }");
    let house = Plan::new().business(SLUG, &crew).build().await;
    let answer = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T14:00")).await;
    assert!(answer.is_error() && said(&answer).contains("Sam does not do repair"), "{answer:?}");
    assert_eq!(
        check(&house, "t2", when("2026-11-24")).await,
        "For repair I have Tuesday, November 24 at 2 PM, 3 PM or 4 PM. Which time suits you?"
    );
    let early = said(&house.tool("call-1", "t3", BOOK, repair("2026-11-24T08:00")).await);
    assert!(early.contains("outside our hours"), "{early}");
    let closed = check(&house, "t4", when("2026-11-25")).await;
    assert!(closed.starts_with("We are closed on Wednesday, November 25. I do have Tuesday, December 1 at 2 PM"), "{closed}");
    let tune_up = with(when("2026-11-25"), &json!({ "serviceType": "tune-up" }));
    assert!(check(&house, "t5", tune_up).await.contains("Wednesday, November 25 at 8 AM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fits_nowhere_is_said_to_be_too_long() {
    let long = BUSINESS.replace("duration_minutes = 120", "duration_minutes = 480");
    let house = Plan::new().business(SLUG, &long).build().await;
    let sentence = check(&house, "t1", when("2026-11-24")).await;
    assert_eq!(
        sentence,
        "Our hours on Tuesday, November 24 are too short for repair. I see no other open time in the two weeks after that."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_with_one_service_needs_no_name_of_it() {
    let cut = BUSINESS.find("[[services]]\nname = \"maintenance\"").unwrap()..BUSINESS.find("[[technicians]]").unwrap();
    let mut one = BUSINESS.to_owned();
    one.replace_range(cut, "");
    let house = Plan::new().business(SLUG, &one).build().await;
    let wish = json!({ "scheduledDate": "2026-11-24T08:00", "customerName": "Dana Miller" });
    assert!(said(&house.tool("call-1", "t1", BOOK, wish).await).contains("You're booked for repair"));
    let other = house.tool("call-1", "t2", BOOK, with(repair("2026-11-25T08:00"), &json!({ "serviceType": "gardening" }))).await;
    assert!(other.is_error() && said(&other).contains("repair"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_jobs_are_kept_clear_even_where_the_calendar_hides_them() {
    let house = House::new().await;
    house.google.lag_reads(1000);
    for (number, technician) in ["sam", "alex"].into_iter().enumerate() {
        let wish = with(repair(&place(0)), &json!({ "technician": technician }));
        said(&house.tool(&format!("call-{number}"), "t1", BOOK, wish).await);
    }
    let open = check(&house, "t9", with(when("2026-11-24"), &json!({ "timeWindow": "morning" }))).await;
    assert!(
        open.starts_with(
            "Tuesday, November 24 is fully booked at that time of the day. I do have Tuesday, November 24 at 12:30 PM"
        ),
        "{open}"
    );
    assert_eq!((house.google.events(SAM).len(), house.google.events(ALEX).len()), (1, 1));
}
