//! The tutorial's own message, `function-call`, and what it is answered: an object, once per wish.

use std::time::Duration;

use ringbook::vapi::signature::ProofChoice;
use serde_json::{Value, json};

use crate::faults::A_MINUTE;
use crate::house::{Answer, CALLED, CALLER, House, Plan, SAM, VAPI_SECRET};
use crate::promises::{older, promises_kept, repair, with};

/// As the tutorial writes it.
fn tutorial(date: &str) -> Value {
    json!({ "serviceType": "AC Repair", "requestedDate": date, "timeWindow": "morning",
            "customerName": "Test Customer", "customerPhone": "+15555551234" })
}

async fn schedule(house: &House, date: &str) -> Answer {
    house.function("scheduleHVACAppointment", tutorial(date)).await
}

/// The older form within a telephone call.
async fn function_of(house: &House, caller: &str, call: &str, name: &str, parameters: Value) -> Answer {
    let message = json!({ "type": "function-call", "functionCall": { "name": name, "parameters": parameters },
                          "call": { "id": call, "customer": { "number": caller } }, "phoneNumber": { "number": CALLED } });
    house.vapi(&json!({ "message": message })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorials_message_books_with_either_proof() {
    let house = House::new().await;
    for (date, choice, spoken) in [
        ("2026-11-24", ProofChoice::Hmac, "Tuesday, November 24 at 8 AM"),
        ("2026-11-25", ProofChoice::Secret, "Wednesday, November 25 at 8 AM"),
    ] {
        let call = json!({ "name": "scheduleHVACAppointment", "parameters": tutorial(date) });
        let body = json!({ "message": { "type": "function-call", "functionCall": call } }).to_string().into_bytes();
        let result = older(&house.vapi_bytes(body, VAPI_SECRET, choice).await);
        assert_eq!(result["success"], true, "{result}");
        assert_eq!(result["scheduledDate"], format!("{date}T08:00:00-05:00"));
        let code = result["confirmationId"].as_str().unwrap();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{code}");
        let message = result["message"].as_str().unwrap();
        assert!(message.contains(spoken) && message.contains(code), "{message}");
        let known: Vec<&str> = result.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(known, ["confirmationId", "message", "scheduledDate", "success"]);
    }
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_without_an_id_gets_the_same_bytes_for_an_hour_and_the_same_booking_after_it() {
    let mut house = House::new().await;
    let first = schedule(&house, "2026-11-24").await;
    assert_eq!(schedule(&house, "2026-11-24").await, first);
    house.restart().await;
    house.clock.advance(Duration::from_mins(59));
    assert_eq!(schedule(&house, "2026-11-24").await, first);
    house.clock.advance(Duration::from_mins(2));
    let later = older(&schedule(&house, "2026-11-24").await);
    assert_eq!(later, first.json()["result"]);
    assert_eq!((house.google.count("events.insert"), promises_kept(&house).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_spellings_and_other_names_of_the_same_wish_are_the_same_wish() {
    let house = House::new().await;
    let first = schedule(&house, "2026-11-24").await;
    let respelled = json!({ "service_type": "ac repair", "requested_date": "2026-11-24", "time_window": "Morning",
                            "customer_name": "Test Customer", "customer_phone": "+15555551234", "mood": ["cold"] });
    assert_eq!(house.function("schedule_hvac_appointment", respelled).await, first);
    let renamed = with(tutorial("2026-11-24"), &json!({ "customerName": "Somebody Else" }));
    assert_eq!(house.function("scheduleHVACAppointment", renamed).await, first);
    let parameters = tutorial("2026-11-24").to_string();
    assert_eq!(house.function("scheduleHVACAppointment", json!(parameters)).await, first);
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_another_window_and_another_date_are_other_wishes() {
    let house = House::new().await;
    let first = older(&schedule(&house, "2026-11-24").await);
    for other in [
        json!({ "customerPhone": "+15555559999" }),
        json!({ "timeWindow": "evening" }),
        json!({ "requestedDate": "2026-11-25" }),
        json!({ "serviceType": "tune-up" }),
    ] {
        let result = older(&house.function("scheduleHVACAppointment", with(tutorial("2026-11-24"), &other)).await);
        assert_eq!(result["success"], true, "{other}: {result}");
        assert_ne!(result["confirmationId"], first["confirmationId"], "{other}");
    }
    assert_eq!(promises_kept(&house).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_window_names_other_times_and_books_nothing() {
    let house = House::new().await;
    for calendar in [SAM, crate::house::ALEX] {
        let day =
            json!({ "start": { "dateTime": "2026-11-24T08:00:00-05:00" }, "end": { "dateTime": "2026-11-24T12:00:00-05:00" } });
        house.google.staff_adds_event(calendar, &day);
    }
    let result = older(&schedule(&house, "2026-11-24").await);
    assert_eq!(result["success"], false, "{result}");
    assert!(result["message"].as_str().unwrap().contains("fully booked"), "{result}");
    let slots = result["slots"].as_array().unwrap();
    assert!(slots.len() == 3 && slots[0] == "2026-11-24T12:30:00-05:00", "{slots:?}");
    assert_eq!(promises_kept(&house).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_without_an_id_are_answered_afresh() {
    let house = House::new().await;
    let question = json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "timeWindow": "morning" });
    let before = older(&house.function("checkAvailability", question.clone()).await);
    assert_eq!(before["available"], true);
    assert_eq!(before["slots"], json!(["2026-11-24T08:00:00-05:00", "2026-11-24T09:00:00-05:00", "2026-11-24T10:00:00-05:00"]));
    for calendar in [SAM, crate::house::ALEX] {
        let hour =
            json!({ "start": { "dateTime": "2026-11-24T08:00:00-05:00" }, "end": { "dateTime": "2026-11-24T08:15:00-05:00" } });
        house.google.staff_adds_event(calendar, &hour);
    }
    house.clock.advance(A_MINUTE);
    let after = older(&house.function("checkAvailability", question).await);
    assert_eq!(
        after["slots"],
        json!(["2026-11-24T08:30:00-05:00", "2026-11-24T09:00:00-05:00", "2026-11-24T10:00:00-05:00"]).clone(),
        "{after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_cannot_be_used_is_an_error_with_a_sentence() {
    let house = House::new().await;
    for (name, missing, verdict) in [
        ("scheduleHVACAppointment", "customerName", "success"),
        ("scheduleHVACAppointment", "customerPhone", "success"),
        ("scheduleHVACAppointment", "requestedDate", "success"),
        ("scheduleHVACAppointment", "serviceType", "success"),
        ("checkAvailability", "requestedDate", "available"),
        ("checkAvailability", "serviceType", "available"),
    ] {
        let mut parameters = tutorial("2026-11-24");
        parameters.as_object_mut().unwrap().remove(missing);
        let result = older(&house.function(name, parameters).await);
        assert_eq!((&result[verdict], &result["error"]), (&json!(false), &result["message"]), "{missing}: {result}");
    }
    assert!(house.bookings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_and_a_missing_function_are_errors_and_nothing_else() {
    let house = House::new().await;
    let nothing = json!({ "message": { "type": "function-call" } });
    let unnamed = json!({ "message": { "type": "function-call", "functionCall": {} } });
    let unknown = json!({ "message": { "type": "function-call", "functionCall": { "name": "launchRocket", "parameters": {} } } });
    for message in [nothing, unnamed, unknown] {
        let answer = house.vapi(&message).await;
        assert_eq!(answer.status, 200);
        let result = answer.json()["result"].clone();
        assert!(result["error"].is_string() && result.as_object().unwrap().len() == 1, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_call_the_arguments_are_the_key_and_a_new_one_finds_the_same_booking() {
    let house = House::new().await;
    let wish = repair("2026-11-24T08:00");
    let first = function_of(&house, CALLER, "call-1", "bookAppointment", wish.clone()).await;
    assert_eq!(older(&first)["success"], true);
    assert_eq!(function_of(&house, CALLER, "call-1", "bookAppointment", wish.clone()).await, first);
    let noted = with(wish.clone(), &json!({ "notes": "ring twice" }));
    let with_note = older(&function_of(&house, CALLER, "call-1", "bookAppointment", noted).await);
    assert_eq!(with_note["confirmationId"], older(&first)["confirmationId"]);
    assert!(with_note["message"].as_str().unwrap().ends_with(" I have changed the notes."), "{with_note}");
    assert_eq!(older(&function_of(&house, CALLER, "call-2", "bookAppointment", wish.clone()).await), first.json()["result"]);
    let stranger = older(
        &function_of(&house, "+15551112222", "call-3", "bookAppointment", with(wish, &json!({ "technician": "Sam" }))).await,
    );
    assert_eq!(stranger["success"], false, "{stranger}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_the_older_form_is_used() {
    let house = House::new().await;
    let message = |start: &str| {
        json!({ "message": { "type": "function-call", "sessionId": "session-1", "customer": { "number": CALLER },
                             "functionCall": { "id": "f1", "name": "bookAppointment", "parameters": repair(start) } } })
    };
    let first = house.vapi(&message("2026-11-24T08:00")).await;
    assert_eq!(older(&first)["success"], true);
    assert_eq!(house.vapi(&message("2026-11-25T08:00")).await, first);
    assert_eq!(promises_kept(&house).await[0].call_id, "session-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_calendar_answers_the_tutorial_as_well() {
    let house = Plan::new().set("CALENDAR", "embedded").build().await;
    let first = schedule(&house, "2026-11-24").await;
    assert_eq!(older(&first)["scheduledDate"], "2026-11-24T08:00:00-05:00");
    assert_eq!(schedule(&house, "2026-11-24").await, first);
    let rows = crate::promises::confirmed(&house).await;
    let store = house.store().await;
    let event = store.event(&format!("abc-hvac/{}", rows[0].calendar), rows[0].event_id.as_str()).await.unwrap().unwrap();
    assert_eq!((rows.len(), event.summary.as_str(), event.cancelled), (1, "HVAC repair - Test Customer", false));
    assert_eq!((house.google.requests_of("events.insert").len(), house.google.count("events.list")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missing_can_be_given_a_moment_later() {
    let house = House::new().await;
    for missing in ["customerName", "customerPhone", "timeWindow"] {
        let mut parameters = tutorial("2026-11-24");
        parameters[missing] = json!(if missing == "timeWindow" { "at night" } else { "" });
        let refused = older(&house.function("scheduleHVACAppointment", parameters).await);
        assert!(refused["success"] == false && refused["error"].is_string(), "{missing}: {refused}");
    }
    let booked = older(&schedule(&house, "2026-11-24").await);
    assert_eq!(booked["success"], true, "{booked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_a_call_do_not_count_against_one_another() {
    let business = format!("{}\n[limits]\ntool_calls_per_call_per_minute = 3\n", crate::house::BUSINESS);
    let house = Plan::new().business(crate::house::SLUG, &business).build().await;
    for number in 0..8 {
        let wish = with(repair(&crate::promises::place(number)), &json!({ "customerPhone": format!("+1555400{number:04}") }));
        let result = older(&house.function("bookAppointment", wish).await);
        assert_eq!(result["success"], true, "{result}");
    }
    assert_eq!(promises_kept(&house).await.len(), 8);
}
