//! Once per tool call and once per wish: the same answer to repetitions, however they arrive.

use ringbook::names::BookingState;
use serde_json::json;

use crate::house::{ALEX, CALLER, House, Plan, SAM};
use crate::promises::{come_to_rest, promises_kept, repair, repair_by_sam, said, when, with};

const BOOK: &str = "bookAppointment";
const STRANGER: &str = "+15551112222";

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_delivered_a_hundred_times_at_once_books_once_and_is_answered_alike() {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "15000").build().await;
    let held = house.google.hold("events.insert");
    let deliveries =
        futures_util::future::join_all((0..100).map(|_| house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00"))));
    let release = async {
        held.reached(1).await;
        // While the insert waits, the server answers others: so it has read the deliveries that stand in line before them.
        futures_util::future::join_all((0..100).map(|_| house.get("/healthz"))).await;
        held.release();
    };
    let (answers, ()) = tokio::join!(deliveries, release);
    assert!(said(&answers[0]).contains("You're booked"), "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!((house.google.count("events.insert"), promises_kept(&house).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_is_answered_with_the_same_bytes_after_a_restart() {
    let mut house = House::new().await;
    let booked = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await;
    let open = house.tool("call-1", "t2", "checkAvailability", when("2026-11-24")).await;
    let refused = house.tool("call-1", "t3", BOOK, repair("2026-11-26T22:00")).await;
    for calendar in [SAM, ALEX] {
        let day = json!({ "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-27" } });
        house.google.staff_adds_event(calendar, &day);
    }
    house.restart().await;
    assert_eq!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await, booked);
    assert_eq!(house.tool("call-1", "t2", "checkAvailability", when("2026-11-24")).await, open);
    assert_eq!(house.tool("call-1", "t3", BOOK, repair("2026-11-26T22:00")).await, refused);
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_arguments_gets_the_first_answer() {
    let house = House::new().await;
    let first = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await;
    assert_eq!(house.tool("call-1", "t1", BOOK, repair("2026-11-25T15:00")).await, first);
    let rows = promises_kept(&house).await;
    assert_eq!((rows.len(), rows[0].wall_clock.as_str()), (1, "2026-11-24 08:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_in_another_call_is_another_tool_call() {
    let house = House::new().await;
    let first = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    let other = said(&house.tool_of(STRANGER, "call-2", "t1", BOOK, repair("2026-11-25T08:00")).await);
    assert!(first.contains("November 24") && other.contains("November 25"), "{first} {other}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_under_a_new_id_gets_the_success_again_in_this_call_and_a_later_one() {
    let house = House::new().await;
    let first = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert_eq!(said(&house.tool("call-1", "t2", BOOK, repair("2026-11-24T08:00:00-05:00")).await), first);
    assert_eq!(
        said(&house.tool("call-2", "t1", BOOK, with(repair("2026-11-24 08:00"), &json!({ "serviceType": "broken" }))).await),
        first
    );
    let window =
        json!({ "serviceType": "fix", "requestedDate": "2026-11-24", "timeWindow": "morning", "customerName": "Dana Miller" });
    assert_eq!(said(&house.tool("call-3", "t1", "scheduleHVACAppointment", window).await), first);
    assert_eq!((house.google.count("events.insert"), promises_kept(&house).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_technician_by_name_is_another_job_and_the_same_one_is_not() {
    let house = House::new().await;
    let by = |name: &str| with(repair("2026-11-24T08:00"), &json!({ "technician": name }));
    let sam = said(&house.tool("call-1", "t1", BOOK, by("Sam")).await);
    let alex = said(&house.tool("call-1", "t2", BOOK, by("alex")).await);
    assert!(sam.contains("with Sam") && alex.contains("with Alex"), "{sam} {alex}");
    assert_eq!(said(&house.tool("call-1", "t3", BOOK, by("SAM")).await), sam);
    let anybody = said(&house.tool("call-1", "t4", BOOK, repair("2026-11-24T08:00")).await);
    assert!(anybody == sam || anybody == alex, "{anybody}");
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_caller_is_offered_other_times() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    let answer = house.tool_of(STRANGER, "call-2", "t1", BOOK, repair_by_sam("2026-11-24T08:00")).await;
    let other = said(&answer);
    assert!(!answer.is_error() && other.contains("Tuesday, November 24 at 8 AM is already taken. Nothing is booked."), "{other}");
    assert!(other.contains("12:30 PM"), "{other}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withholds_the_number_is_known_by_the_call_and_the_dictated_number() {
    let house = House::new().await;
    let wish = with(repair_by_sam("2026-11-24T08:00"), &json!({ "customerPhone": "(555) 555-1234" }));
    let first = said(&house.tool_of("anonymous", "call-1", "t1", BOOK, wish.clone()).await);
    assert!(first.contains("You're booked"), "{first}");
    assert_eq!(said(&house.tool_of("anonymous", "call-1", "t2", BOOK, wish.clone()).await), first);
    let other = said(&house.tool_of("anonymous", "call-2", "t1", BOOK, wish).await);
    assert!(other.contains("already taken"), "{other}");
    assert_eq!(promises_kept(&house).await[0].customer_phone.as_str(), "+15555551234");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_while_the_first_is_under_way_joins_it() {
    let house = House::new().await;
    let held = house.google.hold("events.insert");
    let first = house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00"));
    let second = async {
        held.reached(1).await;
        house.tool("call-1", "t2", BOOK, repair("2026-11-24T08:00")).await
    };
    let release = async {
        held.reached(1).await;
        futures_util::future::join_all((0..100).map(|_| house.get("/healthz"))).await;
        held.release();
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    assert_eq!(said(&first), said(&second));
    assert_eq!((house.google.count("events.insert"), promises_kept(&house).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_finds_its_booking_when_it_comes_back() {
    let house = House::new().await;
    let held = house.google.hold("events.insert");
    {
        let leaving = std::pin::pin!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")));
        let reached = std::pin::pin!(held.reached(1));
        // The one who asked is dropped, and its connection with it.
        drop(futures_util::future::select(leaving, reached).await);
    }
    held.release();
    come_to_rest(&house).await;
    let back = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(back.contains("You're booked"), "{back}");
    assert_eq!((house.google.count("events.insert"), promises_kept(&house).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_in_the_middle_leaves_nothing_half_done() {
    let mut house = House::new().await;
    let held = house.google.hold("events.insert");
    {
        let leaving = std::pin::pin!(house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")));
        let reached = std::pin::pin!(held.reached(1));
        drop(futures_util::future::select(leaving, reached).await);
    }
    house.crash().await;
    held.release();
    house.google.wait_for_done("events.insert", 1).await;
    assert_eq!(house.bookings().await[0].state, BookingState::Inserting);
    house.clock.advance(std::time::Duration::from_mins(2));
    house.restart().await;
    come_to_rest(&house).await;
    assert_eq!(promises_kept(&house).await.len(), 1);
    let back = said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await);
    assert!(back.contains("You're booked") && promises_kept(&house).await.len() == 1, "{back}");
    assert_eq!(promises_kept(&house).await[0].customer_phone.as_str(), CALLER);
}
