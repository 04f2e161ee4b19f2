//! Messages that do not arrive: who waits for them is called by the business, which hears of it once and with all that it
//! needs; and what may have been sent is not sent again.

use std::time::Duration;

use ringbook::names::{BookingId, Phone, Slug};
use ringbook::store::jobs::{Job, Outcome};

use crate::change_of_mind::booked;
use crate::fakes::faults::Fault;
use crate::house::{CALLER, House, SLUG};
use crate::promises::{PENDING, place, repair_by_sam, said};
use crate::ringing::{OWNER, SID};

const BOOK: &str = "bookAppointment";
const SMS: &str = "messages.create";
const DAY: Duration = Duration::from_hours(24);
const LEASE: Duration = Duration::from_secs(61);
const LATER: Duration = Duration::from_mins(6);
const TEXT: &str = "ABC HVAC: You're booked for repair on Tuesday, November 24 at 8 AM with Sam.";

/// The outcome of a booking whose caller was told that it is being arranged, about to be told in a call or by SMS.
async fn tell(house: &House, call: &str) {
    let outcome = Outcome {
        business: Slug::parse(SLUG).unwrap(),
        booking: house.bookings().await.first().map_or_else(BookingId::new, |row| row.id),
        booked: true,
        call_id: call.into(),
        spoken: "It is booked.".into(),
        to: Phone::e164(CALLER).unwrap(),
        text: TEXT.into(),
        confirmation: String::new(),
    };
    let store = house.store().await;
    assert!(store.enqueue("told/1", &Job::Tell(outcome), house.clock.now()).await.unwrap());
    store.close().await;
}

/// What the business was texted in the end, and how many alerts there are; time passes and the server starts again.
async fn told_in_the_end(house: &mut House) -> (Vec<String>, usize) {
    house.until("the business is told", async || !house.texts_to(OWNER).is_empty()).await;
    house.jobs_run().await;
    house.nothing_is_under_way().await;
    house.clock.advance(LATER);
    house.restart().await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    house.nothing_is_under_way().await;
    (house.texts_to(OWNER), house.alerts.alerts().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_outcome_and_takes_no_sms_is_called_by_the_business() {
    for (code, reason) in [
        (21614, "the number takes no text messages, perhaps a landline"),
        (21610, "they asked for no more text messages"),
        (21211, "the number cannot be reached by text message"),
        (30034, "the sender is not registered for text messages in the USA"),
    ] {
        let mut house = House::new().await;
        house.twilio.refuse_messages_to(CALLER, code);
        booked(&house, CALLER, &place(0)).await;
        tell(&house, "a call that is over").await;
        let (texts, alerts) = told_in_the_end(&mut house).await;
        let who = format!("Dana Miller ({CALLER})");
        let text = format!(
            "ABC HVAC: Please call {who}. They were told that it is being arranged, and this may not have reached them ({reason}): \"{TEXT}\""
        );
        assert_eq!(texts, [text]);
        assert_eq!(alerts, if code == 30034 { 2 } else { 1 }, "{code}: a sender that is not in order concerns every message");
        assert!(!house.alerts.alerts().iter().any(|alert| alert.to_string().contains(&CALLER[1..])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_twilio_took_and_could_not_deliver_is_told_to_the_business() {
    for (code, reason) in [(30006, "perhaps a landline"), (30007, "the network held it back"), (30003, "cannot be reached")] {
        let mut house = House::new().await;
        house.twilio.lose_messages_to(CALLER, code);
        tell(&house, "a call that is over").await;
        house.until("it is sent", async || house.jobs().await.iter().any(|job| job.key == "delivery/told/1/sms")).await;
        assert!(house.texts_to(OWNER).is_empty(), "nobody knows yet");
        house.clock.advance(LATER);
        let (texts, alerts) = told_in_the_end(&mut house).await;
        assert!(texts.len() == 1 && texts[0].contains(reason) && texts[0].contains(CALLER), "{code}: {texts:?}");
        assert_eq!((alerts, house.texts_to(CALLER).len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_a_landline_does_not_take_wakes_nobody() {
    let house = House::new().await;
    house.twilio.lose_messages_to(CALLER, 30006);
    booked(&house, CALLER, &place(0)).await;
    house.twilio.wait_for_done(SMS, 1).await;
    house.nothing_is_under_way().await;
    house.twilio.refuse_messages_to(CALLER, 21614);
    booked(&house, CALLER, &place(1)).await;
    let is_over = async || house.jobs().await.iter().any(|job| job.key.starts_with("confirm/") && job.state == "failed");
    house.until("the second is given up", is_over).await;
    house.clock.advance(LATER);
    house.twilio.wait_for_done("messages.fetch", 1).await;
    house.jobs_run().await;
    assert!(house.alerts.alerts().is_empty() && house.texts_to(OWNER).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_not_in_order_is_told_to_the_operator_once_a_day() {
    let house = House::new().await;
    house.twilio.refuse_messages_to(CALLER, 30034);
    for number in 0..3 {
        booked(&house, CALLER, &place(number)).await;
    }
    let failed =
        async || house.jobs().await.iter().filter(|job| job.key.starts_with("confirm/") && job.state == "failed").count();
    house.until("all are given up", async || failed().await == 3).await;
    house.jobs_run().await;
    assert_eq!(house.alerts.alerts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_not_sent_again_and_the_business_hears_that_it_may_be_missing() {
    for fault in [Fault::ResetAfterCommit, Fault::ResetBeforeCommit, Fault::HangAfterCommit, Fault::status(500, "20500")] {
        let mut house = House::new().await;
        house.twilio.fault_in(SMS, CALLER, fault.clone());
        booked(&house, CALLER, &place(0)).await;
        house.twilio.wait_for(SMS, 1).await;
        // What hangs is waited for as long as a message may take.
        crate::promises::until(&house, "the business is told", async || !house.texts_to(OWNER).is_empty()).await;
        let (texts, _) = told_in_the_end(&mut house).await;
        let start = format!(
            "ABC HVAC: Dana Miller ({CALLER}) may not have got this text message (it is not known whether it was sent): "
        );
        assert!(texts.len() == 1 && texts[0].starts_with(&start), "{fault:?}: {texts:?}");
        assert_eq!(house.twilio.requests_of(SMS).iter().filter(|entry| entry.about.contains(&CALLER.to_owned())).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_being_sent_when_the_process_died_is_not_sent_again_and_told_to_the_business_once() {
    let mut house = House::new().await;
    let held = house.twilio.hold_after(SMS);
    booked(&house, CALLER, &place(0)).await;
    held.reached(1).await;
    house.crash().await;
    held.release();
    house.clock.advance(LEASE);
    house.restart().await;
    let (texts, alerts) = told_in_the_end(&mut house).await;
    assert!(texts.len() == 1 && texts[0].contains(CALLER), "{texts:?}");
    assert_eq!((house.texts_to(CALLER).len(), alerts), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_the_call_may_not_have_heard_is_told_to_the_business() {
    for dies in [false, true] {
        let mut house = House::new().await;
        house.ring(SID).await;
        let call = house.row().await.vapi_call_id.unwrap().to_string();
        let held = dies.then(|| house.vapi.hold("control"));
        if !dies {
            house.vapi.fault("control", Fault::ResetAfterCommit);
        }
        tell(&house, &call).await;
        if let Some(held) = held {
            held.reached(1).await;
            house.crash().await;
            held.release();
            house.clock.advance(LEASE);
            house.restart().await;
        }
        let (texts, _) = told_in_the_end(&mut house).await;
        let text = format!(
            "ABC HVAC: Please call {CALLER}. They were told that it is being arranged, and it is not known whether they have heard this: \"{TEXT}\""
        );
        assert_eq!((texts, house.texts_to(CALLER).len(), house.vapi.count("control")), (vec![text], 0, 1), "{dies}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_stays_in_doubt_is_told_to_the_business_once() {
    let house = House::new().await;
    house.google.fault("events.insert", Fault::ResetAfterCommit);
    for call in ["events.get", "events.insert"] {
        house.google.fault_always(call, Fault::status(503, "backendError"));
    }
    assert_eq!(said(&house.tool("call-1", "t1", BOOK, repair_by_sam(&place(0))).await), PENDING);
    for _ in 0..2 {
        house.grip().await.run("UPDATE jobs SET attempts = 8, run_at = 0 WHERE key LIKE 'settle/%' AND state = 'waiting'").await;
        crate::promises::until(&house, "the business is told", async || !house.texts_to(OWNER).is_empty()).await;
    }
    let text = format!(
        "ABC HVAC: It is still not certain that repair for Dana Miller ({CALLER}) with Sam on Tuesday, November 24 at 8 AM could be booked"
    );
    assert!(house.texts_to(OWNER).len() == 1 && house.texts_to(OWNER)[0].starts_with(&text), "{:?}", house.texts_to(OWNER));
    assert!(house.texts_to(CALLER).is_empty());
}
