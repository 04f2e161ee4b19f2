//! Whose appointment it is: nobody finds, cancels or moves somebody else's, whatever they say.

use serde_json::{Value, json};

use crate::change_of_mind::{CANCEL, FIND, MOVE, booked, to};
use crate::house::{BUSINESS, House, Plan, SLUG};
use crate::promises::{place, promises_kept, repair_by_sam, said, with};

fn caller(number: usize) -> String {
    format!("+1555300{number:04}")
}

/// A question of somebody whose number is withheld.
async fn withheld(house: &House, call: &str, id: &str, tool: &str, arguments: Value) -> crate::house::Answer {
    house.tool_of("anonymous", call, id, tool, arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_callers_nobody_sees_or_changes_what_is_anothers_by_any_argument() {
    let house = House::new().await;
    let mut codes = Vec::new();
    for number in 0..10 {
        codes.push(booked(&house, &caller(number), &place(number)).await);
    }
    for (number, own) in codes.iter().enumerate() {
        let who = caller(number);
        for (other, code) in codes.iter().enumerate().filter(|(other, _)| *other != number) {
            let call = format!("call-{number}-{other}");
            let arguments = json!({ "confirmationId": code, "customerPhone": caller(other), "caller_number": caller(other),
                                    "phone": caller(other), "callId": format!("booking-{}", caller(other)) });
            let tool = [FIND, CANCEL, MOVE][(number + other) % 3];
            let answer = house.tool_of(&who, &call, "t1", tool, with(arguments, &to("2026-12-09T12:30"))).await;
            let sentence = said(&answer);
            assert!(answer.is_error() && !sentence.contains("repair"), "{who} with the code of {other}: {sentence}");
        }
        let found = said(&house.tool_of(&who, &format!("own-{number}"), "t1", FIND, json!({ "customerPhone": caller(0) })).await);
        assert!(found.contains(own) && codes.iter().filter(|code| found.contains(code.as_str())).count() == 1, "{found}");
    }
    assert_eq!(promises_kept(&house).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_another_number_it_takes_the_code_and_the_name() {
    let house = House::new().await;
    let code = booked(&house, &caller(1), &place(0)).await;
    let tries = [
        (json!({}), false),
        (json!({ "customerName": "Dana Miller" }), false),
        (json!({ "confirmationId": code }), false),
        (json!({ "confirmationId": code, "customerName": "Robert Stone" }), false),
        (json!({ "confirmationId": "AAAAAA", "customerName": "Dana Miller" }), false),
        (json!({ "confirmationId": code, "customerName": "" }), false),
        (json!({ "confirmationId": code, "customerName": "dana MILLER" }), true),
        (json!({ "confirmationId": code.to_lowercase(), "customerName": "Miller" }), true),
    ];
    for (number, (arguments, is_theirs)) in tries.into_iter().enumerate() {
        for who in [Some(caller(2)), None] {
            let call = format!("call-{number}-{}", who.is_some());
            let answer = match &who {
                Some(who) => house.tool_of(who, &call, "t1", FIND, arguments.clone()).await,
                None => withheld(&house, &call, "t1", FIND, arguments.clone()).await,
            };
            assert_eq!(said(&answer).contains("repair"), is_theirs, "{who:?} {arguments}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_too_often_hears_nothing_any_more_even_when_the_guess_is_right() {
    let house = House::new().await;
    let code = booked(&house, &caller(1), &place(0)).await;
    let guesser = caller(2);
    for number in 0..10 {
        let guess = json!({ "confirmationId": format!("AAAAA{number}"), "customerName": "Dana Miller" });
        assert!(
            said(&house.tool_of(&guesser, &format!("call-{number}"), "t1", FIND, guess).await).contains("no coming appointment")
        );
    }
    let right = json!({ "confirmationId": code, "customerName": "Dana Miller" });
    let refused = said(&house.tool_of(&guesser, "call-11", "t1", CANCEL, right.clone()).await);
    assert!(refused.contains("tried too often"), "{refused}");
    assert_eq!(promises_kept(&house).await.len(), 1);
    // Everybody else is heard, the one whose appointment it is above all.
    assert!(said(&house.tool_of(&caller(3), "call-12", "t1", FIND, right).await).contains("repair"));
    assert!(said(&house.tool_of(&caller(1), "call-13", "t1", CANCEL, json!({})).await).contains("is cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_businesss_code_opens_nothing_at_another() {
    let other = BUSINESS
        .replace("+15551230000", "+15551230001")
        .replace("sam@abc.example", "sam@other.example")
        .replace("alex@abc.example", "alex@other.example");
    let house = Plan::new().business(SLUG, BUSINESS).business("other", &other).build().await;
    let code = booked(&house, &caller(1), &place(0)).await;
    let mut message = crate::house::tool_calls(
        &caller(1),
        "call-other",
        &[("t1", FIND, json!({ "confirmationId": code, "customerName": "Dana Miller" }))],
    );
    message["message"]["phoneNumber"]["number"] = json!("+15551230001");
    let answer = house.vapi(&message).await;
    assert!(said(&answer).contains("no coming appointment"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_found_but_changed_by_a_person_alone() {
    let house = House::new().await;
    booked(&house, &caller(1), &place(0)).await;
    house.clock.advance(std::time::Duration::from_hours(24));
    while house.clock.now() < time::macros::datetime!(2026-11-24 08:30 -5) {
        house.clock.advance(std::time::Duration::from_mins(10));
    }
    assert!(house.clock.now() < time::macros::datetime!(2026-11-24 10:00 -5), "{}", house.clock.now());
    assert!(said(&house.tool_of(&caller(1), "call-1", "t1", FIND, json!({})).await).contains("repair"));
    for (id, tool) in [("t2", CANCEL), ("t3", MOVE)] {
        let answer = house.tool_of(&caller(1), "call-1", id, tool, to("2026-11-25T08:00")).await;
        assert!(answer.is_error() && said(&answer).contains("to a person"), "{answer:?}");
    }
    let second = said(&house.tool_of(&caller(1), "call-1", "t4", "bookAppointment", repair_by_sam("2026-11-25T08:00")).await);
    assert!(second.contains("You're booked"), "{second}");
}
