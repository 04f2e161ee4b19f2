//! Orders from the command line to a server that runs: closures and pauses, in force with the next question or call, on every
//! copy. The commands are the built program, with the settings of the server.

use std::collections::BTreeMap;
use std::process::Output;

use ringbook::clock::Clock;
use ringbook::names::Slug;
use serde_json::{Value, json};
use time::macros::date;

use crate::follow_copies::Copy;
use crate::house::{BUSINESS, CALLER, House, Plan, SLUG, inbound};
use crate::program::{err, out, run};
use crate::promises::{promises_kept, repair, said, when, with};
use crate::ringing::PERSON;

const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";
const IN_PERSON: &str = "The business is taking its calls in person right now, so this was not done.";

/// Runs a command that must succeed, and returns what it prints.
pub fn ordered(house: &House, arguments: &[&str]) -> String {
    let output = run(house.folder.path(), arguments, house.pairs());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}{}", out(&output), err(&output));
    out(&output)
}

fn refused(output: &Output) -> String {
    assert_eq!((output.status.code(), out(output).as_str()), (Some(2), ""), "{}", err(output));
    err(output)
}

async fn offered(house: &House, id: &str, date: &str) -> String {
    said(&house.tool("call-1", id, CHECK, when(date)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_day_is_closed_with_the_next_question_and_open_again_with_the_one_after() {
    let mut house = House::new().await;
    let copy = Copy::of(&house).await;
    assert!(offered(&house, "t1", "2026-11-24").await.contains("I have"));
    let told = ordered(&house, &["close", SLUG, "--from", "2026-11-24", "--reason", "a family wedding"]);
    assert!(told.contains("ABC HVAC is closed on 2026-11-24.") && told.contains("Nothing is booked then."), "{told}");
    for (number, url) in [house.url.clone(), copy.url.clone()].into_iter().enumerate() {
        house.url = url;
        let closed = offered(&house, &format!("t2-{number}"), "2026-11-24").await;
        assert!(closed.contains("closed on Tuesday, November 24: a family wedding."), "{closed}");
        let booking = house.tool("call-1", &format!("t3-{number}"), BOOK, repair("2026-11-24T08:00")).await;
        assert!(said(&booking).contains("a family wedding"), "{booking:?}");
        let soonest = json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "customerName": "Dana Miller" });
        let soonest = house.tool("call-1", &format!("t4-{number}"), "scheduleHVACAppointment", soonest).await;
        assert!(said(&soonest).contains("a family wedding"), "{soonest:?}");
    }
    assert!(house.events().is_empty());
    ordered(&house, &["open", SLUG, "--from", "2026-11-24"]);
    assert!(offered(&house, "t5", "2026-11-24").await.contains("I have"));
    assert!(said(&house.tool("call-1", "t6", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_booked_on_a_day_that_is_closed_is_shown_and_stays() {
    let house = House::new().await;
    assert!(said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked"));
    let told = ordered(&house, &["close", SLUG, "--from", "2026-11-23", "--to", "2026-11-24"]);
    assert!(told.contains("closed from 2026-11-23 to 2026-11-24") && told.contains("What is booked then stays booked"), "{told}");
    assert!(told.contains("Dana Miller") && told.contains("2026-11-24 8 AM") && told.contains("confirmed"), "{told}");
    let next_day = ordered(&house, &["close", SLUG, "--from", "2026-11-25"]);
    assert!(next_day.contains("Nothing is booked then"), "{next_day}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_the_middle_of_a_closure_is_opened_alone() {
    let house = House::new().await;
    ordered(&house, &["close", SLUG, "--from", "2026-11-24", "--to", "2026-11-27", "--reason", "Moving"]);
    ordered(&house, &["open", SLUG, "--from", "2026-11-25"]);
    for (day, is_open) in [("2026-11-24", false), ("2026-11-25", true), ("2026-11-26", false), ("2026-11-27", false)] {
        let answer = offered(&house, day, day).await;
        assert_eq!(answer.contains(": Moving."), !is_open, "{answer}");
    }
    let store = house.store().await;
    let spans: Vec<_> = store.orders().await.unwrap().closures.into_iter().map(|closure| (closure.from, closure.to)).collect();
    store.close().await;
    assert_eq!(spans, [(date!(2026 - 11 - 24), date!(2026 - 11 - 24)), (date!(2026 - 11 - 26), date!(2026 - 11 - 27))]);
    ordered(&house, &["open", SLUG, "--from", "2026-11-20", "--to", "2026-12-20"]);
    assert!(offered(&house, "t9", "2026-11-26").await.contains("I have"));
    let nothing = ordered(&house, &["open", SLUG, "--from", "2026-11-24"]);
    assert!(nothing.contains("was not closed by"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_own_hours_stand_against_a_closure() {
    let own = "\nhours = { tuesday = [\"06:00-20:00\"] }\nexceptions = [{ from = \"2026-11-24\", hours = [\"06:00-22:00\"] }]\n";
    let business = BUSINESS.replace("calendar_id = \"alex@abc.example\"\n", &format!("calendar_id = \"alex@abc.example\"{own}"));
    let holiday = "\n[[exceptions]]\nfrom = \"2026-11-24\"\nhours = [\"10:00-14:00\"]\nreason = \"Short day\"\n";
    let house = Plan::new().business(SLUG, &format!("{business}{holiday}")).build().await;
    assert!(offered(&house, "t1", "2026-11-24").await.contains("I have"));
    ordered(&house, &["close", SLUG, "--from", "2026-11-24", "--reason", "Storm"]);
    let closed = offered(&house, "t2", "2026-11-24").await;
    assert!(closed.contains(": Storm."), "{closed}");
    let told = ordered(&house, &["open", SLUG, "--from", "2026-11-24"]);
    assert!(told.contains("Its file has other hours on 2026-11-24 all the same."), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_a_closed_day_is_told_that_nobody_works() {
    let house = House::new().await;
    ordered(&house, &["close", SLUG, "--from", "2026-11-23"]);
    house.ring("CA1").await;
    ordered(&house, &["open", SLUG, "--from", "2026-11-23"]);
    house.ring("CA2").await;
    let calls = house.vapi.calls();
    let told = calls.iter().map(|call| &call["assistantOverrides"]["variableValues"]);
    let open: BTreeMap<String, Value> =
        told.map(|told| (told["call_sid"].as_str().unwrap().to_owned(), told["open_now"].clone())).collect();
    assert_eq!((open.len(), &open["CA1"], &open["CA2"]), (2, &json!(false), &json!(true)), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_business_is_paused_callers_go_to_a_person_and_tools_do_nothing() {
    let house = House::new().await;
    let before = house.ring("CA1").await;
    let told = ordered(&house, &["pause", SLUG]);
    assert_eq!(told, format!("ABC HVAC is paused until `ringbook resume abc-hvac`: callers are put through to {PERSON}.\n"));
    let paused = house.ring("CA2").await;
    assert!(paused.body.contains("<Dial") && paused.body.contains(PERSON), "{paused:?}");
    assert_eq!((house.vapi.calls().len(), house.ring("CA1").await), (1, before));
    for (number, tool) in [CHECK, BOOK, "scheduleHVACAppointment"].into_iter().enumerate() {
        let wish = with(repair("2026-11-24T08:00"), &when("2026-11-24"));
        let answer = house.tool("call-1", &format!("t{number}"), tool, wish).await;
        assert!(answer.is_error() && said(&answer).starts_with(IN_PERSON), "{answer:?}");
    }
    assert_eq!((asked_for_an_assistant(&house).await, house.bookings().await.len()), (person(), 0));
    assert_eq!(ordered(&house, &["resume", SLUG]), "ABC HVAC: the assistant answers again.\n");
    // The same tool call, delivered again: it was not done, so it is now.
    let answer = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await;
    assert!(said(&answer).contains("You're booked"), "{answer:?}");
    assert_eq!((house.ring("CA3").await.body.contains(PERSON), house.vapi.calls().len()), (false, 2));
    assert_eq!(asked_for_an_assistant(&house).await["assistantId"], "assistant-1");
    assert_eq!(ordered(&house, &["resume", SLUG]), "ABC HVAC: it was not paused.\n");
}

async fn asked_for_an_assistant(house: &House) -> Value {
    let call = json!({ "customer": { "number": CALLER } });
    house.vapi(&json!({ "message": { "type": "assistant-request", "call": call } })).await.json()
}

fn person() -> Value {
    json!({ "destination": { "type": "number", "number": PERSON } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_until_a_time_ends_by_itself() {
    // The command goes by the machine's clock, so the house does as well.
    let house = Plan::new().at(Clock::System.now()).build().await;
    let told = ordered(&house, &["pause", SLUG, "--until", "05:07"]);
    assert!(told.contains("ABC HVAC is paused until ") && told.contains("at 5:07 AM"), "{told}");
    assert!(house.ring("CA1").await.body.contains(PERSON));
    let store = house.store().await;
    let ends_at = store.orders().await.unwrap().pauses[0].ends_at.unwrap();
    store.close().await;
    let left = ends_at - house.clock.now();
    assert!(left.is_positive() && left <= time::Duration::hours(25), "{left}");
    house.clock.advance((left - time::Duration::seconds(1)).unsigned_abs());
    assert!(house.ring("CA2").await.body.contains(PERSON));
    house.clock.advance(std::time::Duration::from_secs(1));
    assert!(!house.ring("CA3").await.body.contains(PERSON));
    assert_eq!(house.vapi.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_one_business_is_nothing_to_another_and_outlives_a_restart() {
    let other =
        BUSINESS.replace("ABC HVAC", "Other").replace("+15551230000", "+15551230001").replace("abc.example", "other.example");
    let mut house = Plan::new().business("other", &other).build().await;
    ordered(&house, &["pause", SLUG]);
    house.restart().await;
    let mut call = inbound("CA1", CALLER);
    assert!(house.twilio("/twilio/inbound", &call).await.body.contains(PERSON));
    call[0].1 = "CA2";
    call[2].1 = "+15551230001";
    assert!(!house.twilio("/twilio/inbound", &call).await.body.contains(PERSON));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_ordered_is_named_and_nothing_changes() {
    let house = House::new().await;
    let cases: [(&[&str], &str); 9] = [
        (&["pause", "nowhere"], "There is no business file nowhere.toml in "),
        (&["resume", "nowhere"], "(known: abc-hvac)"),
        (&["close", "nowhere", "--from", "2026-11-24"], "(known: abc-hvac)"),
        (&["open", "nowhere", "--from", "2026-11-24"], "(known: abc-hvac)"),
        (&["pause", SLUG, "--until", "24:00"], "a time of day is written HH:MM"),
        (&["pause", SLUG, "--until", "5:07"], "a time of day is written HH:MM"),
        (&["close", SLUG], "--from"),
        (&["close", SLUG, "--from", "2026-11-24", "--to", "2026-11-23"], "--to: 2026-11-23 lies before 2026-11-24."),
        (&["close", SLUG, "--from", "2026-11-24", "--reason", "two\nlines"], "--reason: one line"),
    ];
    for (arguments, sentence) in cases {
        let told = refused(&run(house.folder.path(), arguments, house.pairs()));
        assert!(told.contains(sentence), "{arguments:?}: {told}");
    }
    let mut elsewhere = house.pairs().to_vec();
    elsewhere.push(("DATABASE_URL".into(), "sqlite://nothing-here.db".into()));
    for arguments in [&["pause", SLUG][..], &["reload"]] {
        let told = refused(&run(house.folder.path(), arguments, &elsewhere));
        assert!(told.contains("there is no database at nothing-here.db"), "{told}");
    }
    let store = house.store().await;
    let orders = store.orders().await.unwrap();
    store.close().await;
    assert_eq!((orders.version, orders.closures.len(), orders.pauses.len()), (0, 0, 0));
    assert!(Slug::parse(SLUG).is_some() && offered(&house, "t1", "2026-11-24").await.contains("I have"));
}
