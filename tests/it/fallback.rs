//! Help without the assistant: whom the fallback reaches, at which hour, and when it takes a message instead.

use std::time::Duration;

use ringbook::store::calls::Leg;

use crate::house::{BUSINESS, CALLED, CALLER, House, Plan, SLUG};
use crate::ringing::{PERSON, find, is_hang_up, is_person, is_voicemail};

const AFTER_HOURS: &str = "+15551237777";

/// The example business with this `[transfer]`, at Monday, 9 AM.
async fn with_transfer(transfer: &str) -> House {
    Plan::new().business(SLUG, &BUSINESS.replace("to = \"+15551239999\"", transfer)).build().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_dialled_for_the_caller_or_else_for_the_number_that_was_called() {
    let house = House::new().await;
    let cases = [
        (CALLER, CALLER),
        ("anonymous", CALLED),
        ("+266696687", CALLED),
        ("client:x", CALLED),
        ("sip:b@c", CALLED),
        ("", CALLED),
    ];
    for (number, (from, shown)) in cases.into_iter().enumerate() {
        let said = house.says("fallback", &[("CallSid", &format!("CA{number}")), ("From", from)]).await;
        assert!(is_person(&said), "{from:?}: {said}");
        let dial = find(&said, "Dial").attributes;
        assert_eq!(dial["callerId"], shown, "Twilio takes no other (13214)");
        assert_eq!((dial["timeout"].as_str(), dial["answerOnBridge"].as_str()), ("20", "true"));
        assert_eq!(dial["action"], "https://book.example.com/twilio/dial-ended");
        assert_eq!(find(&said, "Say").text, "Thanks for calling ABC HVAC. One moment, I'm getting a person.");
        assert_eq!(find(&said, "Number").text, PERSON);
    }
    let outside = (house.vapi.requests().len(), house.twilio.requests().len(), house.alerts.requests().len());
    assert_eq!(outside, (0, 0, 0), "the fallback asks nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_of_the_owners_is_spoken_as_it_was_written() {
    let odd = "Smith & Sons <\\\"HVAC\\\">";
    let house = Plan::new().business(SLUG, &BUSINESS.replace("name = \"ABC HVAC\"", &format!("name = \"{odd}\""))).build().await;
    let said = house.says("fallback", &[]).await;
    assert_eq!(find(&said, "Say").text, "Thanks for calling Smith & Sons <\"HVAC\">. One moment, I'm getting a person.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_would_come_back_to_us_reaches_voicemail() {
    let house = House::new().await;
    let loops: [&[(&str, &str)]; 6] = [
        &[("ForwardedFrom", PERSON)],
        &[("ForwardedFrom", "15551239999")],
        &[("ForwardedFrom", "5551239999")],
        &[("ForwardedFrom", "(555) 123-9999")],
        &[("From", PERSON)],
        &[("From", CALLED)],
    ];
    for extra in loops {
        let said = house.says("fallback", extra).await;
        assert!(is_voicemail(&said), "{extra:?}: {said}");
        assert_eq!(find(&said, "Record").attributes["action"], "https://book.example.com/twilio/voicemail");
    }
    let elsewhere = house.says("fallback", &[("CallSid", "CA2"), ("ForwardedFrom", "+15550009999")]).await;
    assert!(is_person(&elsewhere), "forwarded from another telephone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_for_the_night_must_not_come_back_to_us_either() {
    let night = format!("to = \"{PERSON}\"\nhours = [\"10:00-21:00\"]\nafter_hours_to = \"{AFTER_HOURS}\"");
    let house = with_transfer(&night).await;
    assert!(is_voicemail(&house.says("fallback", &[("ForwardedFrom", AFTER_HOURS)]).await));
    assert!(
        is_person(&house.says("fallback", &[("CallSid", "CA2"), ("ForwardedFrom", PERSON)]).await),
        "the night has another number"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_is_being_put_through_already_is_not_put_through_again() {
    let house = House::new().await;
    assert!(is_person(&house.says("fallback", &[]).await));
    assert_eq!(house.row().await.leg, Leg::Person);
    let again = house.says("fallback", &[("CallSid", "CA2")]).await;
    assert!(is_voicemail(&again), "a second call of this caller, come back from the person's telephone: {again}");
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA3"), ("From", "+15553334444")]).await), "another caller");
    assert!(is_voicemail(&house.says("fallback", &[]).await), "the same call: the person was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_dial_is_over_the_caller_may_ring_the_person_again() {
    let house = House::new().await;
    assert!(is_person(&house.says("fallback", &[]).await));
    assert!(is_hang_up(&house.says("dial-ended", &[("DialCallStatus", "completed")]).await));
    assert_eq!((house.row().await.leg, house.row().await.dialing), (Leg::Person, None));
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA2")]).await));
    house.status(&[("CallSid", "CA2"), ("CallStatus", "completed")]).await;
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA3")]).await), "that call is over");
    house.clock.advance(Duration::from_mins(2));
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA4")]).await), "two minutes later it is a conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_hours_the_other_number_or_voicemail_answers() {
    let at_nine = |hours: &str, after: &str| {
        let after = if after.is_empty() { String::new() } else { format!("\nafter_hours_to = \"{after}\"") };
        format!("to = \"{PERSON}\"\nhours = [\"{hours}\"]{after}")
    };
    for (hours, after, reached) in [
        ("08:00-11:00", "", Some(PERSON)),
        ("09:00-11:00", AFTER_HOURS, Some(PERSON)),
        ("10:00-21:00", AFTER_HOURS, Some(AFTER_HOURS)),
        ("08:00-09:00", AFTER_HOURS, Some(AFTER_HOURS)),
        ("10:00-21:00", "", None),
    ] {
        let house = with_transfer(&at_nine(hours, after)).await;
        let said = house.says("fallback", &[]).await;
        match reached {
            Some(number) => assert_eq!(find(&said, "Number").text, number, "{hours}"),
            None => assert!(is_voicemail(&said), "{hours}: {said}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_without_a_person_takes_a_message() {
    let house = with_transfer("ring_seconds = 5").await;
    let said = house.says("fallback", &[]).await;
    assert!(is_voicemail(&said));
    assert!(find(&said, "Say").text.starts_with("Nobody is free right now."), "{said}");
    assert_eq!(house.row().await.leg, Leg::Voicemail);
}
