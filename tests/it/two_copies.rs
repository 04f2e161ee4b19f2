//! Two copies of the built program at one PostgreSQL database, as two machines run it behind a load balancer: whichever of them
//! hears something, it is as if there were one.

use futures_util::future::join_all;
use ringbook::clock::Clock;
use serde_json::{Value, json};

use crate::edge_killed::is_booked;
use crate::edge_program::{BOOK, Life, address, always_open, caller, plan, time_of, wish};
use crate::fakes::faults::Fault;
use crate::full::rounds;
use crate::house::{ALEX, Answer, CALLER, House, Plan, SAM, SLUG};
use crate::orders::ordered;
use crate::owners::{self, connected, without_calendars};
use crate::promises::{promises_kept, said, when, with};
use crate::ringing::{SID, is_assistant};
use crate::shelf::On;

const CHECK: &str = "checkAvailability";

/// Two copies, and everything around them.
pub struct Two {
    pub house: House,
    pub one: Life,
    pub other: Life,
}

impl Two {
    /// Both start at the same moment.
    pub async fn of(mut house: House) -> Self {
        house.stop().await;
        let (here, there) = (address(), address());
        let (one, other) = tokio::join!(Life::begin(&house, &here, ""), Life::begin(&house, &there, ""));
        Self { house, one, other }
    }

    pub async fn new() -> Self {
        Self::of(patient(plan()).build().await).await
    }

    fn copy(&self, number: usize) -> &Life {
        if number.is_multiple_of(2) { &self.one } else { &self.other }
    }
}

/// Nobody is told that it is being arranged only because the machine is slow.
pub fn patient(plan: Plan) -> Plan {
    plan.on(On::Postgres).set("TOOL_REPLY_BUDGET_MS", "15000")
}

/// A day that is open around the clock, as callers name it.
fn a_day() -> String {
    (Clock::System.now() + time::Duration::days(3)).date().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_for_one_time_at_two_copies_one_gets_it_and_all_others_hear_other_times() {
    const CALLERS: usize = 24;
    let two = Two::new().await;
    for round in 0..rounds(3, 50) {
        let callers: Vec<String> = (0..CALLERS).map(|number| caller(CALLERS * round + number)).collect();
        let wish = wish("sam", &time_of(round));
        let asking = callers.iter().enumerate().map(|(number, who)| two.copy(number).book(&two.house, who, &wish));
        let told: Vec<Answer> = join_all(asking).await.into_iter().map(|answer| answer.expect("an answer")).collect();
        assert_eq!(told.iter().filter(|answer| is_booked(answer)).count(), 1, "{told:?}");
        let others =
            told.iter().map(said).filter(|sentence| sentence.contains("already taken") && sentence.contains("I do have"));
        assert_eq!(others.count(), CALLERS - 1, "{told:?}");
        assert_eq!(promises_kept(&two.house).await.len(), round + 1);
    }
    assert_eq!(two.house.events().len(), rounds(3, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_that_both_copies_hear_is_done_once_and_answered_alike_now_and_later() {
    let two = Two::new().await;
    for round in 0..rounds(6, 100) {
        let (who, wish) = (caller(round), wish("sam", &time_of(round)));
        let (first, second) = tokio::join!(two.one.book(&two.house, &who, &wish), two.other.book(&two.house, &who, &wish));
        assert!(first.as_ref().is_some_and(is_booked) && first == second, "{first:?} {second:?}");
        assert_eq!(two.copy(round).book(&two.house, &who, &wish).await, first);
        assert_eq!(two.copy(round + 1).book(&two.house, &who, &wish).await, first);
        assert_eq!(promises_kept(&two.house).await.len(), round + 1);
    }
    assert_eq!(two.house.events().len(), rounds(6, 100));
    assert_eq!(two.house.google.count("events.insert"), rounds(6, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_did_another_one_finds_moves_and_cancels() {
    let two = Two::new().await;
    let (house, one, other) = (&two.house, &two.one, &two.other);
    let booked = one.tool(house, CALLER, ("call-1", "t1"), BOOK, wish("sam", &time_of(0))).await;
    assert!(is_booked(&booked), "{booked:?}");
    let found = said(&other.tool(house, CALLER, ("call-1", "t2"), "findAppointment", json!({})).await);
    assert!(found.contains("repair"), "{found}");
    let later = json!({ "scheduledDate": time_of(1) });
    let moved = other.tool(house, CALLER, ("call-1", "t3"), "rescheduleAppointment", later.clone()).await;
    assert!(!moved.is_error(), "{moved:?}");
    assert_eq!(one.tool(house, CALLER, ("call-1", "t3"), "rescheduleAppointment", later).await, moved);
    assert_eq!(promises_kept(house).await.len(), 1);
    let cancelled = one.tool(house, CALLER, ("call-1", "t4"), "cancelAppointment", json!({})).await;
    assert_eq!(other.tool(house, CALLER, ("call-1", "t4"), "cancelAppointment", json!({})).await, cancelled);
    assert_eq!((promises_kept(house).await.len(), house.events().len()), (0, 0), "{cancelled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_rang_at_one_copy_is_known_to_the_other_and_is_one_call_at_vapi() {
    let two = Two::new().await;
    let (house, held) = (&two.house, two.house.vapi.hold("call.create"));
    let release = async {
        held.reached(1).await;
        held.release();
    };
    let (first, second, ()) = tokio::join!(two.one.rings(house, SID, CALLER), two.other.rings(house, SID, CALLER), release);
    assert!(is_assistant(&first.body) && first == second, "{first:?} {second:?}");
    assert_eq!((two.other.rings(house, SID, CALLER).await, two.one.rings(house, SID, CALLER).await), (first.clone(), first));
    assert_eq!(house.vapi.count("call.create"), 1);
    let call = house.vapi.calls()[0]["id"].as_str().unwrap().to_owned();
    // Of another number in the message nothing is believed: the caller is who the signalling says.
    let answer = two.other.tool(house, "+15550009999", (&call, "t1"), BOOK, wish("alex", &time_of(0))).await;
    assert!(is_booked(&answer), "{answer:?}");
    assert_eq!(promises_kept(house).await[0].customer_phone.as_str(), CALLER);
    let alone = two.other.rings(house, "CA00000000000000000000000000000002", &caller(1)).await;
    assert_eq!(two.one.rings(house, "CA00000000000000000000000000000002", &caller(1)).await, alone);
    assert_eq!(house.vapi.count("call.create"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_is_in_force_with_the_next_question_at_both_copies() {
    let two = Two::new().await;
    let (house, day) = (&two.house, a_day());
    let asked = async |id: &str| {
        let (here, there) = tokio::join!(
            two.one.tool(house, CALLER, ("call-1", id), CHECK, when(&day)),
            two.other.tool(house, CALLER, ("call-2", id), CHECK, when(&day)),
        );
        [said(&here), said(&there)]
    };
    let all = |sentences: &[String; 2], words: &str| assert!(sentences.iter().all(|said| said.contains(words)), "{sentences:?}");
    all(&asked("before").await, "I have");
    ordered(house, &["close", SLUG, "--from", &day, "--reason", "a family wedding"]);
    all(&asked("closed").await, ": a family wedding.");
    ordered(house, &["open", SLUG, "--from", &day]);
    all(&asked("open").await, "I have");
    ordered(house, &["pause", SLUG]);
    all(&asked("paused").await, "in person right now");
    ordered(house, &["resume", SLUG]);
    all(&asked("resumed").await, "I have");
    let file = house.folder.path().join("businesses").join(format!("{SLUG}.toml"));
    std::fs::write(file, format!("{}\n[[services]]\nname = \"inspection\"\nduration_minutes = 30\n", always_open())).unwrap();
    ordered(house, &["reload"]);
    let question = with(when(&day), &json!({ "serviceType": "inspection" }));
    for (number, life) in [&two.one, &two.other].into_iter().enumerate() {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let knows = async || {
            let id = format!("inspection-{number}-{}", asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            said(&life.tool(house, CALLER, ("call-3", &id), CHECK, question.clone()).await).contains("I have")
        };
        house.until("the new file is in force", knows).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_is_done_by_one_of_the_two() {
    // Its token is old enough to be renewed soon after both have come up.
    let plan = patient(owners::plan()).business(SLUG, &without_calendars(&always_open())).at(Clock::System.now());
    let mut house = plan.build().await;
    owners::known_to(&house.google);
    house.google.fault("token", Fault::Altered(|token| token["expires_in"] = 304.into()));
    // And there is no channel yet, so that both want one.
    house.google.fault_always("events.watch", Fault::status(403, "forbidden"));
    owners::connect(&mut house, SLUG, owners::OWNER, &[("sam", SAM), ("alex", ALEX)]).await;
    house.google.wait_for_done("token", 1).await;
    house.google.wait_for("events.watch", 2).await;
    let none = async || house.grip().await.count("watch_channels").await == 0;
    house.until("no channel is known", none).await;
    house.stop().await;
    house.google.clear_faults();
    let two = Two::of(house).await;
    let house = &two.house;
    house.google.wait_for_done("token", 2).await;
    for number in 0..6 {
        let answer = two.copy(number).book(house, &caller(number), &wish("sam", &time_of(number))).await;
        assert!(answer.as_ref().is_some_and(is_booked), "{answer:?}");
    }
    let looked_back = async || {
        let jobs = house.jobs().await;
        jobs.iter().filter(|job| job.key.starts_with("look_back/") && job.state == "done").count() == 6
    };
    house.until("every booking was looked back at", looked_back).await;
    let jobs = house.jobs().await;
    assert!(jobs.iter().all(|job| job.attempts <= 1), "{jobs:?}");
    // One look at the moment of each booking, and one back.
    assert_eq!((house.google.count("events.list"), house.twilio.messages().len()), (12, 6));
    assert_eq!(house.google.refreshes(), 2, "the first, and one for both copies");
    house
        .until("each calendar has one channel", async || {
            let open = |calendar: &str| house.google.channels().iter().filter(|channel| channel.calendar == calendar).count();
            (open(SAM), open(ALEX), house.grip().await.count("watch_channels").await) == (1, 1, 2)
                && house.google.count("events.watch") > 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_connects_anew_is_known_to_both_within_seconds() {
    let plan = patient(owners::plan()).business(SLUG, &without_calendars(&always_open())).at(Clock::System.now());
    let house = connected(plan).await;
    let two = Two::of(house).await;
    let house = &two.house;
    house.google.revoke_by_user(owners::OWNER);
    for (number, life) in [&two.one, &two.other].into_iter().enumerate() {
        let lost = life.tool(house, CALLER, ("call-1", &format!("lost-{number}")), CHECK, when(&a_day())).await;
        assert_eq!(said(&lost), crate::promises::DOWN);
    }
    crate::connected::reconnect(house).await;
    for (number, life) in [&two.one, &two.other].into_iter().enumerate() {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let sees = async || {
            let id = format!("again-{number}-{}", asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            !life.tool(house, CALLER, ("call-2", &id), CHECK, when(&a_day())).await.is_error()
        };
        house.until("the account is of use again", sees).await;
    }
}

/// What Vapi says when a call is over.
fn over(call: &str) -> Value {
    json!({ "message": { "type": "end-of-call-report", "endedReason": "customer-ended-call", "call": { "id": call } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_call_that_both_copies_hear_is_kept_once() {
    let two = Two::new().await;
    let house = &two.house;
    two.one.rings(house, SID, CALLER).await;
    let call = house.vapi.calls()[0]["id"].as_str().unwrap().to_owned();
    let report = over(&call);
    let (first, second) = tokio::join!(two.one.hears(house, &report), two.other.hears(house, &report));
    assert!(first == second && first.is_some_and(|answer| answer.json() == json!({})));
    house.until("the end is kept", async || house.row().await.vapi_ended_reason.is_some()).await;
    house.until("the report is kept", async || house.grip().await.count("reports").await == 1).await;
}
