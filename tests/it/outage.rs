//! Google fails for everybody for a while: nobody is told a lie, the account is left in peace, and soon after the end of it
//! everything works again.

use std::time::Duration;

use futures_util::future::join_all;
use ringbook::clock::Stopwatch;
use tokio::sync::Mutex;

use crate::fakes::faults::Fault;
use crate::faults::in_time;
use crate::full::rounds;
use crate::house::{Answer, House};
use crate::promises::{DOWN, PENDING, come_to_rest, late_words, messages, place, promises_kept, repair_by_sam, said, when};

const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";
/// Tool calls a second.
const PACE: Duration = Duration::from_millis(20);
/// What may pass after the end of an outage, and what two busy cores may add.
const RECOVERY: Duration = Duration::from_secs(5 + 2);

/// Four seconds of them usually, a whole minute where time does not matter.
fn tool_calls() -> usize {
    rounds(200, 3_000)
}

/// Requests about calendars that arrived at Google.
fn upstream(house: &House) -> usize {
    house.google.requests().iter().filter(|entry| entry.call != "token").count()
}

/// Fifty tool calls a second, questions and bookings in turn, each of another call.
async fn load(house: &House) -> Vec<Answer> {
    let ticks = Mutex::new(tokio::time::interval(PACE));
    let ticks = &ticks;
    let one = |number: usize| async move {
        ticks.lock().await.tick().await;
        let (call, caller) = (format!("load-{number}"), format!("+1555{:07}", 2_000_000 + number));
        let (tool, arguments) =
            if number.is_multiple_of(2) { (CHECK, when("2026-12-08")) } else { (BOOK, repair_by_sam(&place(number % 40))) };
        in_time(house.tool_of(&caller, &call, "t1", tool, arguments)).await
    };
    join_all((0..tool_calls()).map(one)).await
}

/// Asks until there is an answer again, and says how long that took.
async fn until_served(house: &House) -> Duration {
    let watch = Stopwatch::start();
    let mut ticks = tokio::time::interval(PACE * 5);
    for number in 0.. {
        ticks.tick().await;
        let answer = house.tool(&format!("after-{number}"), "t1", CHECK, when("2026-12-08")).await;
        if said(&answer) != DOWN {
            assert!(said(&answer).contains("I have"), "{answer:?}");
            break;
        }
        assert!(watch.elapsed() < RECOVERY, "not served after {:?}", watch.elapsed());
    }
    watch.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_few_requests_no_lie_and_ends_soon_after_its_end() {
    let house = House::new().await;
    house.google.wait_for_done("token", 1).await;
    for call in ["freebusy.query", "events.list", "events.get", "events.insert"] {
        house.google.fault_always(call, Fault::status(503, "backendError"));
    }
    let answers = load(&house).await;
    let requests = upstream(&house);
    assert!(requests * 10 <= tool_calls() * 12, "{requests} requests for {} tool calls", tool_calls());
    assert!(requests <= 60 + tool_calls() / 10, "it is left in peace: {requests}");
    for answer in &answers {
        assert!(answer.is_error() && said(answer) == DOWN, "{answer:?}");
    }
    let ready = house.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains("calendar"), "{ready:?}");
    house.google.clear_faults();
    assert!(until_served(&house).await <= RECOVERY);
    let booked = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(booked.contains("You're booked"), "{booked}");
    assert_eq!(promises_kept(&house).await.len(), 1);
    assert!(late_words(&house).is_empty(), "nobody was promised anything");
    house.clock.advance(Duration::from_secs(31));
    assert_eq!(house.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_it_began_comes_back_later_and_is_told_once() {
    let house = House::new().await;
    // The event exists, and from then on Google is gone.
    house.google.fault("events.insert", Fault::ResetAfterCommit);
    house.google.fault_always("events.get", Fault::status(503, "backendError"));
    house.google.fault_always("freebusy.query", Fault::status(503, "backendError"));
    let answer = in_time(house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00"))).await;
    assert_eq!(said(&answer), PENDING);
    let calls: Vec<String> = (0..40).map(|number| format!("call-{}", number + 2)).collect();
    for some in calls.chunks(4) {
        join_all(some.iter().map(|call| house.tool(call, "t1", CHECK, when("2026-12-08")))).await;
    }
    let ready = house.get("/readyz").await;
    assert!(ready.status == 503 && ready.body.contains("left in peace"), "{ready:?}");
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(promises_kept_but_one(&house).await, (1, 0), "the event is there, and nobody knows yet");
    house.google.clear_faults();
    come_to_rest(&house).await;
    let told = messages(&house, 1).await;
    assert!(told.len() == 1 && told[0]["body"].as_str().unwrap().contains("You're booked"), "{told:?}");
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (1, 1));
}

/// Events, and confirmed rows.
async fn promises_kept_but_one(house: &House) -> (usize, usize) {
    (house.events().len(), crate::promises::confirmed(house).await.len())
}
