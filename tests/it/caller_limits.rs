//! How much one caller may book on one day: counted exactly, whatever races, however often it is said, and in whatever state.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::change_of_mind::CANCEL;
use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::stage::Moment;
use crate::house::{Answer, BUSINESS, CALLED, CALLER, House, Plan, SAM, SLUG, tool_calls};
use crate::promises::{come_to_rest, older, place, promises_kept, repair, repair_by_sam, said};

const BOOK: &str = "bookAppointment";
const ENOUGH: &str = "From this number no more can be booked by telephone today, so this is not booked. Please offer to put the caller through to a person.";
const STRANGER: &str = "+15551112222";
const OTHER_NUMBER: &str = "+15557770000";

fn with_bookings(limit: u32) -> String {
    BUSINESS.replace("bookings_per_caller_per_day = 0", &format!("bookings_per_caller_per_day = {limit}"))
}

async fn limited(limit: u32) -> House {
    Plan::new().business(SLUG, &with_bookings(limit)).set("TOOL_REPLY_BUDGET_MS", "15000").build().await
}

/// One wish, in a call of its own.
async fn wishes(house: &House, caller: &str, number: usize) -> Answer {
    house.tool_of(caller, &format!("call-{caller}-{number}"), "t1", BOOK, repair(&place(number))).await
}

fn is_booked(answer: &Answer) -> bool {
    said(answer).contains("You're booked")
}

fn is_enough(answer: &Answer) -> bool {
    !answer.is_error() && said(answer) == ENOUGH
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_books_so_often_a_day_and_hears_so_until_tomorrow() {
    let mut house = limited(2).await;
    for number in [0, 1] {
        assert!(is_booked(&wishes(&house, CALLER, number).await));
    }
    let third = wishes(&house, CALLER, 2).await;
    assert!(is_enough(&third), "{third:?}");
    let asked = house.google.requests().len();
    assert_eq!(wishes(&house, CALLER, 2).await, third, "the same id, the same answer");
    assert!(is_enough(&house.tool("call-9", "t1", BOOK, repair(&place(2))).await));
    assert_eq!(house.google.requests().len(), asked, "no calendar is asked for it");
    // What is booked already is told again, in this call or another one.
    assert!(is_booked(&wishes(&house, CALLER, 0).await));
    assert!(is_booked(&house.tool("call-9", "t2", BOOK, repair(&place(1))).await));
    assert!(is_booked(&wishes(&house, STRANGER, 2).await), "somebody else is somebody else");
    let code = house.bookings().await[0].confirmation.clone();
    assert!(said(&house.tool("call-9", "t3", CANCEL, json!({ "confirmationId": code })).await).contains("is cancelled"));
    assert!(is_enough(&house.tool("call-9", "t4", BOOK, repair(&place(3))).await), "what was cancelled counts");
    house.restart().await;
    assert!(is_enough(&house.tool("call-9", "t5", BOOK, repair(&place(3))).await));
    // It is 9 AM in New York: the day ends there, not in Greenwich.
    house.clock.advance(Duration::from_hours(14));
    assert!(is_enough(&house.tool("call-9", "t6", BOOK, repair(&place(3))).await));
    house.clock.advance(Duration::from_hours(2));
    assert!(is_booked(&house.tool("call-9", "t7", BOOK, repair(&place(3))).await));
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_wishes_of_one_caller_at_once_exactly_three_are_booked() {
    let house = limited(3).await;
    let answers = join_all((0..10).map(|number| wishes(&house, CALLER, number))).await;
    come_to_rest(&house).await;
    assert_eq!(answers.iter().filter(|answer| is_booked(answer)).count(), 3, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| is_enough(answer)).count(), 7, "{answers:?}");
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wish_said_ten_times_at_once_counts_once() {
    let house = limited(2).await;
    let same = join_all((0..10).map(|number| {
        let house = &house;
        async move { house.tool(&format!("call-{number}"), "t1", BOOK, repair(&place(0))).await }
    }))
    .await;
    assert!(same.iter().all(is_booked), "{same:?}");
    assert!(is_booked(&wishes(&house, CALLER, 1).await));
    assert!(is_enough(&wishes(&house, CALLER, 2).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_withhold_their_number_are_counted_by_their_call() {
    let house = limited(1).await;
    let wish = |phone: &str, number: usize| json!({ "serviceType": "repair", "scheduledDate": place(number), "customerName": "Dana Miller", "customerPhone": phone });
    let book = async |call: &str, id: &str, wish: Value| house.tool_of("anonymous", call, id, BOOK, wish).await;
    assert!(is_booked(&book("call-1", "t1", wish("555 300 0001", 0)).await));
    assert!(is_enough(&book("call-1", "t2", wish("555 300 0002", 1)).await), "another dictated number is the same caller");
    assert!(is_booked(&book("call-2", "t1", wish("555 300 0001", 1)).await), "another call is another caller");
    // The older form names no call: there the dictated number is all that is known.
    assert_eq!(older(&house.function(BOOK, wish("555 300 0009", 2)).await)["success"], true);
    let more = older(&house.function(BOOK, wish("555 300 0009", 3)).await);
    assert_eq!((&more["success"], &more["message"]), (&json!(false), &json!(ENOUGH)));
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_not_to_be_had_costs_nothing() {
    let house = limited(1).await;
    house.google.on("events.list", Moment::Before, |google| {
        let eight = time::macros::datetime!(2026-11-24 08:00 -5);
        drop(google.staff_adds(SAM, eight, eight + time::Duration::HOUR));
    });
    let taken = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(taken.contains("is already taken"), "{taken}");
    assert!(is_booked(&house.tool("call-1", "t2", BOOK, repair_by_sam("2026-11-24T15:00")).await));
    assert!(is_enough(&house.tool("call-1", "t3", BOOK, repair_by_sam("2026-11-25T15:00")).await));
    let first_of = json!({ "serviceType": "repair", "requestedDate": "2026-11-26", "customerName": "Dana Miller" });
    assert!(is_enough(&house.tool("call-1", "t4", "scheduleHVACAppointment", first_of).await));
    assert_eq!(house.bookings().await.iter().filter(|row| row.state.is_live()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn businesses_do_not_count_together_and_test_callers_are_not_counted() {
    let other = with_bookings(1).replace(CALLED, OTHER_NUMBER).replace("abc.example", "xyz.example");
    let ours = format!("test_callers = [\"{STRANGER}\"]\n{}", with_bookings(1));
    let house = Plan::new().business(SLUG, &ours).business("xyz", &other).build().await;
    for calendar in ["sam@xyz.example", "alex@xyz.example"] {
        house.google.add_calendar(calendar, "America/New_York", &[SERVICE_ACCOUNT]);
    }
    let there = async |call: &str, number: usize| {
        let mut message = tool_calls(CALLER, call, &[("t1", BOOK, repair(&place(number)))]);
        message["message"]["phoneNumber"]["number"] = OTHER_NUMBER.into();
        house.vapi(&message).await
    };
    assert!(is_booked(&wishes(&house, CALLER, 0).await));
    assert!(is_booked(&there("x1", 0).await));
    assert!(is_enough(&there("x2", 1).await) && is_enough(&wishes(&house, CALLER, 1).await));
    for number in [1, 2, 3] {
        assert!(is_booked(&wishes(&house, STRANGER, number).await));
    }
}
