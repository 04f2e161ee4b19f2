//! A calendar that fails while it is read: every answer is in time and true, nothing is booked on a guess, and the same
//! tool call succeeds once the calendar is well.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::names::BookingState;
use serde_json::json;

use crate::fakes::faults::Fault;
use crate::fakes::stage::Moment;
use crate::house::{ALEX, Answer, House, Plan, SAM};
use crate::promises::{
    DOWN, PENDING, come_to_rest, late_words, messages, older, place, promises_kept, repair, repair_by_sam, said, when, with,
};

const BOOK: &str = "bookAppointment";
/// After it nothing is remembered of what was seen in a calendar.
pub const A_MINUTE: Duration = Duration::from_mins(1);
/// What two busy cores may add to the budget of an answer.
const SLACK: Duration = Duration::from_millis(800);

/// Everything that may come instead of a good answer to a question.
pub fn bad_answers() -> Vec<(&'static str, Fault)> {
    let limited = |code| Fault::Status { code, reason: "rateLimitExceeded", retry_after: Some(60), html: false };
    vec![
        ("403 rate limit", limited(403)),
        ("429 rate limit", limited(429)),
        ("403 quota", Fault::status(403, "quotaExceeded")),
        ("403 forbidden", Fault::status(403, "forbidden")),
        ("401 for ever", Fault::status(401, "authError")),
        ("404", Fault::status(404, "notFound")),
        ("400", Fault::status(400, "badRequest")),
        ("500 page", Fault::Status { code: 500, reason: "", retry_after: None, html: true }),
        ("503", Fault::status(503, "backendError")),
        ("reset", Fault::ResetBeforeCommit),
        ("truncated", Fault::TruncatedAfterCommit),
        ("page with 200", Fault::Html200),
        ("empty 200", Fault::Empty200),
        ("huge", Fault::HugeBody(8 * 1024 * 1024)),
        ("an empty object", Fault::Altered(|answer| *answer = json!({}))),
        ("redirect", Fault::Redirect("http://169.254.169.254/latest/".into())),
        ("drip", Fault::Drip(Duration::from_millis(500))),
        ("hang", Fault::HangBeforeCommit),
    ]
}

/// The same, a few at a time: with all of them at once the account's own pace would be tried as well.
fn a_few_at_a_time() -> Vec<Vec<(&'static str, Fault)>> {
    bad_answers().chunks(4).map(<[_]>::to_vec).collect()
}

/// An answer that came in time.
pub async fn in_time(asking: impl Future<Output = Answer>) -> Answer {
    let started = Stopwatch::start();
    let answer = asking.await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(4) + SLACK, "answered after {took:?}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_books_nothing_and_the_same_tool_call_succeeds_later() {
    for few in a_few_at_a_time() {
        let house = House::new().await;
        // What comes too late is another story: its caller hears that it is being arranged.
        let at_once = few.into_iter().filter(|(name, _)| !["drip", "hang"].contains(name));
        for (number, (name, fault)) in at_once.enumerate() {
            let (call, wish) = (format!("call-{number}"), repair_by_sam(&place(number)));
            house.google.fault_always("events.list", fault);
            let answer = in_time(house.tool(&call, "t1", BOOK, wish.clone())).await;
            assert!(answer.is_error() && said(&answer) == DOWN, "{name}: {answer:?}");
            come_to_rest(&house).await;
            assert_eq!((house.events().len(), promises_kept(&house).await.len()), (number, number), "{name}");
            house.google.clear_faults();
            let again = said(&house.tool(&call, "t1", BOOK, wish).await);
            assert!(again.contains("You're booked"), "{name}: {again}");
        }
        assert!(late_words(&house).is_empty(), "nobody was promised anything: {:?}", late_words(&house));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn free_busy_that_fails_offers_nothing_and_books_nothing() {
    let window =
        json!({ "serviceType": "repair", "requestedDate": "2026-12-01", "timeWindow": "morning", "customerName": "Dana Miller" });
    for few in a_few_at_a_time() {
        let house = House::new().await;
        for (number, (name, fault)) in few.into_iter().enumerate() {
            house.clock.advance(A_MINUTE);
            house.google.fault_always("freebusy.query", fault);
            let call = format!("call-{number}");
            let (open, booked) = tokio::join!(
                in_time(house.tool(&call, "t1", "checkAvailability", when("2026-12-01"))),
                in_time(house.tool(&call, "t2", "scheduleHVACAppointment", window.clone()))
            );
            for answer in [open, booked] {
                assert!(answer.is_error() && said(&answer) == DOWN, "{name}: {answer:?}");
            }
            house.google.clear_faults();
            let open = said(&house.tool(&call, "t1", "checkAvailability", when("2026-12-01")).await);
            assert!(open.contains("Tuesday, December 1 at 8 AM"), "{name}: {open}");
        }
        assert!(house.bookings().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_rejected_once_is_renewed_without_a_word() {
    let house = House::new().await;
    house.google.wait_for_done("token", 1).await;
    for (number, call) in ["freebusy.query", "events.list", "events.insert"].into_iter().enumerate() {
        let tokens = house.google.count("token");
        house.google.fault(call, Fault::status(401, "authError"));
        let window = json!({ "serviceType": "repair", "requestedDate": place(number * 4)[..10], "timeWindow": "morning", "customerName": "Dana Miller" });
        let sentence = said(&house.tool("call-1", call, "scheduleHVACAppointment", window).await);
        assert!(sentence.contains("You're booked"), "{call}: {sentence}");
        assert_eq!(house.google.count("token"), tokens + 1, "{call}");
    }
    assert_eq!(promises_kept(&house).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_cannot_be_read_is_neither_free_nor_full_while_the_other_one_is_offered() {
    let house = House::new().await;
    house.google.staff_adds(SAM, time::macros::datetime!(2026-11-24 08:00 -5), time::macros::datetime!(2026-11-24 09:00 -5));
    let partial = || {
        [
            Fault::Omit,
            Fault::Errors { with_busy: true, reason: "internalError" },
            Fault::Errors { with_busy: false, reason: "notFound" },
            Fault::Errors { with_busy: true, reason: "somethingNew" },
        ]
    };
    for (number, fault) in partial().into_iter().enumerate() {
        house.google.fault_always_in("freebusy.query", ALEX, fault);
        let open = said(&house.tool("call-1", &format!("a{number}"), "checkAvailability", when("2026-11-24")).await);
        assert!(open.contains("9 AM") && !open.contains("8 AM"), "{open}");
        let question = with(when("2026-11-24"), &json!({ "technician": "alex" }));
        let answer = house.tool("call-1", &format!("b{number}"), "checkAvailability", question).await;
        assert!(answer.is_error() && said(&answer) == DOWN, "{answer:?}");
        house.google.clear_faults();
    }
    for (number, fault) in partial().into_iter().enumerate() {
        house.google.fault_always("freebusy.query", fault);
        let answer = house.tool("call-1", &format!("c{number}"), "checkAvailability", when("2026-11-24")).await;
        assert!(answer.is_error() && said(&answer) == DOWN, "{answer:?}");
        house.google.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_full_for_those_who_can_be_seen_is_not_called_fully_booked() {
    let house = House::new().await;
    house.google.staff_adds_event(SAM, &json!({ "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" } }));
    house.google.fault_always_in("freebusy.query", ALEX, Fault::Errors { with_busy: true, reason: "internalError" });
    let answer = house.tool("call-1", "t1", "checkAvailability", when("2026-11-24")).await;
    assert!(answer.is_error() && said(&answer) == DOWN, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sight_of_the_calendars_nothing_is_said_about_other_times() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    house.google.fault_always("freebusy.query", Fault::status(503, "backendError"));
    for (id, wish) in [("t1", "2026-11-24T08:00"), ("t2", "2026-11-28T08:00"), ("t3", "2026-11-24T22:00")] {
        let answer = in_time(house.tool_of("+15551112222", "call-2", id, BOOK, repair_by_sam(wish))).await;
        let sentence = said(&answer);
        assert!(sentence.contains("othing is booked") && !sentence.contains("no other open time"), "{wish}: {sentence}");
        assert!(!sentence.contains("I do have"), "{wish}: {sentence}");
    }
    let closed = said(&house.tool("call-3", "t1", "checkAvailability", when("2026-11-28")).await);
    assert!(!closed.contains("no other open time"), "{closed}");
    house.google.clear_faults();
    let sentence = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(sentence.contains("8 AM is already taken") && sentence.contains("I do have"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_hangs_is_answered_in_time_and_the_outcome_is_told_once() {
    let house = House::new().await;
    let held = house.google.hold("events.list");
    let answer = in_time(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00"))).await;
    assert_eq!((said(&answer).as_str(), answer.is_error()), (PENDING, false));
    assert!(house.bookings().await.iter().all(|row| row.state != BookingState::Confirmed), "nobody has looked yet");
    held.release();
    let told = messages(&house, 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("You're booked for repair on Tuesday, November 24 at 8 AM"), "{told:?}");
    come_to_rest(&house).await;
    assert_eq!(promises_kept(&house).await.len(), 1);
    let again = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "{again}");
    assert_eq!(messages(&house, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_calendar_is_answered_within_a_short_budget() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "1500").build().await;
    house.google.latency(Duration::from_millis(900));
    let started = Stopwatch::start();
    let answer = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    assert!(started.elapsed() < Duration::from_millis(1500) + SLACK);
    assert_eq!(said(&answer), PENDING);
    house.google.wait_for_done("events.insert", 1).await;
    let told = messages(&house, 1).await;
    assert!(told[0]["body"].as_str().unwrap().contains("You're booked for repair on Tuesday, November 24 at 8 AM"), "{told:?}");
    assert_eq!(promises_kept(&house).await.len(), 1);
    house.google.latency(Duration::ZERO);
    let again = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_form_says_pending_and_down_in_its_own_fields() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "1000").build().await;
    let wish = with(repair_by_sam("2026-11-24T08:00"), &json!({ "customerPhone": "+15555551234" }));
    let held = house.google.hold("events.insert");
    let pending = older(&house.function(BOOK, wish.clone()).await);
    assert_eq!(pending, json!({ "success": false, "pending": true, "message": PENDING }));
    held.release();
    let told = messages(&house, 1).await;
    assert_eq!(told[0]["to"], "+15555551234");
    assert_eq!(older(&house.function(BOOK, wish.clone()).await)["success"], true);
    house.google.fault_always("events.list", Fault::status(503, "backendError"));
    let down = older(&house.function(BOOK, with(wish, &json!({ "scheduledDate": "2026-11-25T08:00" }))).await);
    assert_eq!(down, json!({ "success": false, "error": DOWN, "message": DOWN }));
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_first_seen_by_the_repeated_look_counts() {
    let house = House::new().await;
    house.google.fault("events.list", Fault::status(503, "backendError"));
    house.google.fault("events.list", Fault::status(503, "backendError"));
    let first = house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    assert_eq!(said(&first), DOWN);
    let at = time::macros::datetime!(2026-11-24 08:00 -5);
    house.google.on("events.list", Moment::Before, move |google| drop(google.staff_adds(SAM, at, at + time::Duration::HOUR)));
    let second = said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(second.contains("already taken"), "{second}");
    assert_eq!(promises_kept(&house).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_once_costs_the_caller_nothing() {
    let house = House::new().await;
    let once = || {
        [
            Fault::status(503, "backendError"),
            Fault::Status { code: 500, reason: "", retry_after: None, html: true },
            Fault::status(403, "rateLimitExceeded"),
            Fault::ResetBeforeCommit,
            Fault::TruncatedAfterCommit,
        ]
    };
    for (number, fault) in once().into_iter().enumerate() {
        let (looks, inserts) = (house.google.count("events.list"), house.google.count("events.insert"));
        house.google.fault("events.list", fault.clone());
        let sentence = said(&in_time(house.tool(&format!("call-{number}"), "t1", BOOK, repair_by_sam(&place(number)))).await);
        assert!(sentence.contains("You're booked"), "{fault:?}: {sentence}");
        assert_eq!(
            (house.google.count("events.list"), house.google.count("events.insert")),
            (looks + 2, inserts + 1),
            "{fault:?}"
        );
    }
    for (number, fault) in once().into_iter().enumerate() {
        house.clock.advance(A_MINUTE);
        let asked = house.google.count("freebusy.query");
        house.google.fault("freebusy.query", fault.clone());
        let open = in_time(house.tool(&format!("call-{number}"), "t2", "checkAvailability", when("2026-12-01"))).await;
        assert!(!open.is_error() && said(&open).contains("8 AM"), "{fault:?}: {open:?}");
        assert_eq!(house.google.count("freebusy.query"), asked + 2, "{fault:?}");
    }
    // What the others were offered is held for them no more.
    house.clock.advance(A_MINUTE * 3);
    house.google.fault_in("freebusy.query", ALEX, Fault::Errors { with_busy: true, reason: "internalError" });
    let question = with(when("2026-12-01"), &json!({ "technician": "alex" }));
    assert!(said(&house.tool("call-9", "t1", "checkAvailability", question).await).contains("8 AM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_asked_for_cost_no_answer() {
    let house = House::new().await;
    let first = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair("2026-11-24T08:00")).await);
    house.google.fault_always("events.get", Fault::HangBeforeCommit);
    let third = said(&in_time(house.tool_of("+15553334444", "call-3", "t1", BOOK, repair("2026-11-24T08:00"))).await);
    assert!(third.contains("already taken") && third.contains("I do have"), "{third}");
    let again = said(&in_time(house.tool("call-4", "t1", BOOK, repair("2026-11-24T08:00"))).await);
    assert_eq!(again, first);
}
