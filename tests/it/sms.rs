//! What callers get in writing: one message for each act, with all that they need, in letters that are cheap to send; and none
//! to whoever wants none.

use std::time::Duration;

use ringbook::store::texts::{Fate, TextRow};
use serde_json::json;

use crate::change_of_mind::{CANCEL, MOVE, booked, to};
use crate::house::{BUSINESS, CALLED, CALLER, House, Plan, SLUG};
use crate::promises::{confirmed, place, repair_by_sam, said, with};
use crate::ringing::OWNER;

const BOOK: &str = "bookAppointment";
const SMS: &str = "messages.create";
const DAY: Duration = Duration::from_hours(24);

/// What is kept of the messages about the first booking: matter and fate.
async fn kept(house: &House) -> Vec<(String, Fate)> {
    let (booking, store) = (house.bookings().await[0].id, house.store().await);
    let texts = store.texts_about(&booking.to_string()).await.unwrap();
    store.close().await;
    texts.into_iter().map(|TextRow { matter, fate, .. }| (matter, fate)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_a_move_and_a_cancellation_are_each_put_in_writing_once_with_all_that_is_needed() {
    let mut house = House::new().await;
    let wish = with(repair_by_sam("2026-11-24T08:00"), &json!({ "address": "5 Main Street" }));
    for id in ["t1", "t1", "t2"] {
        assert!(said(&house.tool("call-1", id, BOOK, wish.clone()).await).contains("You're booked"));
    }
    let code = confirmed(&house).await[0].confirmation.clone();
    house.twilio.wait_for_done(SMS, 1).await;
    for id in ["t3", "t3", "t4"] {
        said(&house.tool("call-1", id, MOVE, to("2026-11-24T14:00")).await);
    }
    house.twilio.wait_for_done(SMS, 2).await;
    house.nothing_is_under_way().await;
    house.restart().await;
    for (call, id) in [("call-1", "t5"), ("call-1", "t5"), ("call-2", "t6")] {
        said(&house.tool(call, id, CANCEL, json!({})).await);
    }
    house.twilio.wait_for_done(SMS, 3).await;
    house.nothing_is_under_way().await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    house.restart().await;
    house.jobs_run().await;
    let texts = [
        format!(
            "ABC HVAC: Confirmed: repair on Tuesday, November 24 at 8 AM with Sam. Address: 5 Main Street. Your code is {code}."
        ),
        format!(
            "ABC HVAC: Your repair is now on Tuesday, November 24 at 2 PM with Sam. Your confirmation code is still {code}. \
             Address: 5 Main Street."
        ),
        format!("ABC HVAC: Your repair on Tuesday, November 24 at 2 PM is cancelled. Your confirmation code was {code}."),
    ];
    assert_eq!((house.texts_to(CALLER), house.twilio.count(SMS)), (texts.to_vec(), 3));
    assert_eq!(kept(&house).await, vec![("confirmation".to_owned(), Fate::Delivered); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_written_in_the_letters_that_cost_least() {
    let curly = BUSINESS.replace("name = \"ABC HVAC\"", "name = \"Joe’s “A–C” & Söhne…\"");
    let house = Plan::new().business(SLUG, &curly).build().await;
    booked(&house, CALLER, "2026-11-24T08:00").await;
    house.twilio.wait_for_done(SMS, 1).await;
    assert!(house.texts_to(CALLER)[0].starts_with("Joe's \"A-C\" & Söhne...: Confirmed: "), "{:?}", house.texts_to(CALLER));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answered_stop_is_left_alone_until_twilio_takes_messages_for_them_again() {
    let mut house = House::new().await;
    let mut number = 0;
    // Books the next place; returns whether Twilio was asked, and what it has taken so far.
    let mut book = async |house: &House| {
        let before = house.twilio.count(SMS);
        booked(house, CALLER, &place(number)).await;
        number += 1;
        let is_over = async |house: &House| {
            let jobs = house.jobs().await;
            jobs.iter().filter(|job| job.key.starts_with("confirm/") && job.state != "waiting" && job.state != "begun").count()
        };
        house.until("the message is over", async || is_over(house).await == number).await;
        (house.twilio.count(SMS) - before, house.texts_to(CALLER).len())
    };
    house.twilio.refuse_messages_to(CALLER, 21610);
    assert_eq!(book(&house).await, (1, 0));
    house.restart().await;
    assert_eq!(book(&house).await, (0, 0), "it is remembered");
    house.twilio.take_messages_to(CALLER);
    assert_eq!(book(&house).await, (0, 0), "nobody is pressed on the same day");
    house.restart_with("TWILIO_MESSAGING_SERVICE_SID", &format!("MG{}", "0".repeat(32))).await;
    house.clock.advance(DAY + Duration::from_secs(1));
    assert_eq!(book(&house).await, (0, 0), "another sender does not get around it");
    house.restart_with("TWILIO_MESSAGING_SERVICE_SID", "").await;
    assert_eq!(book(&house).await, (1, 1), "Twilio, who hears START, sends again");
    assert_eq!(book(&house).await, (1, 2));
    assert!(house.alerts.alerts().is_empty() && house.texts_to(OWNER).is_empty(), "nobody is bothered with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_goes_to_a_number_of_our_own() {
    let house = House::new().await;
    booked(&house, CALLED, "2026-11-24T08:00").await;
    let is_over = async || house.jobs().await.iter().any(|job| job.key.starts_with("confirm/") && job.state == "failed");
    house.until("it is given up", is_over).await;
    assert_eq!((house.twilio.count(SMS), kept(&house).await), (0, vec![("confirmation".to_owned(), Fate::Lost)]));
}
