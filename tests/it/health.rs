//! What load balancers and monitors are told: whether the process serves, and who cannot book, and since when.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::house::{Answer, BUSINESS, House, Plan, SLUG};

const AGE: Duration = Duration::from_secs(30);
const OTHER: &str = "other-co";

/// Two businesses; the calendars of the other one are not there.
async fn one_of_two_is_broken() -> House {
    let other = BUSINESS.replace("+15551230000", "+15551240000").replace("@abc.example", "@other.example");
    Plan::new().business(OTHER, &other).build().await
}

/// Status, and business and since of each problem; all problems have words.
fn told(answer: &Answer) -> (u16, Vec<(Value, Value)>) {
    assert_eq!(answer.content_type, "application/json");
    let problems = answer.json();
    let problems = problems.as_array().unwrap().iter().map(|problem| {
        assert_eq!(problem.as_object().unwrap().keys().collect::<Vec<_>>(), ["business", "problem", "since"]);
        assert!(problem["problem"].as_str().unwrap().len() > 10, "{problem}");
        (problem["business"].clone(), problem["since"].clone())
    });
    (answer.status, problems.collect())
}

fn since(business: impl Into<Value>, time: &str) -> (Value, Value) {
    (business.into(), format!("2026-11-23T{time}Z").into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_house_is_healthy_and_ready() {
    let house = House::new().await;
    assert_eq!(house.get("/healthz").await.status, 200);
    for path in ["/readyz", "/readyz/abc-hvac"] {
        assert_eq!(told(&house.get(path).await), (200, vec![]), "{path}");
    }
    for path in ["/readyz/nobody", "/readyz/No%20Slug", "/readyz/"] {
        assert_eq!(house.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broken_business_of_two_is_named_and_only_its_own_page_fails() {
    let house = one_of_two_is_broken().await;
    let problem = vec![since(OTHER, "14:00:00")];
    assert_eq!(told(&house.get("/readyz").await), (200, problem.clone()));
    assert_eq!(told(&house.get("/readyz/other-co").await), (503, problem));
    assert_eq!(told(&house.get("/readyz/abc-hvac").await), (200, vec![]));
    let book =
        json!({ "serviceType": "repair", "scheduledDate": "2026-11-24T08:00", "customerName": "Dana", "technician": "sam" });
    assert!(!house.tool("call-1", "t1", "bookAppointment", book).await.is_error(), "the sound one books");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_can_book_the_house_is_not_ready_but_healthy() {
    let house = one_of_two_is_broken().await;
    house.google.fault_always("*", Fault::status(503, "backendError"));
    let (status, problems) = told(&house.get("/readyz").await);
    assert_eq!((status, problems.len()), (503, 2));
    assert_eq!(house.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_seen_within_30_seconds_and_keeps_its_first_time() {
    let house = House::new().await;
    assert_eq!(told(&house.get("/readyz").await), (200, vec![]));
    house.google.fault_always("freebusy.query", Fault::status(403, "forbidden"));
    house.clock.advance(Duration::from_millis(29_999));
    assert_eq!(told(&house.get("/readyz").await), (200, vec![]), "what was found before is still told");
    house.clock.advance(Duration::from_millis(1));
    let first = vec![since(SLUG, "14:00:30")];
    assert_eq!(told(&house.get("/readyz").await), (503, first.clone()));
    for _ in 0..3 {
        house.clock.advance(AGE);
        assert_eq!(told(&house.get("/readyz").await), (503, first.clone()), "since its first time");
    }
    house.google.clear_faults();
    house.clock.advance(AGE);
    assert_eq!(told(&house.get("/readyz").await), (200, vec![]));
    house.google.fault_always("freebusy.query", Fault::status(403, "forbidden"));
    house.clock.advance(AGE);
    assert_eq!(told(&house.get("/readyz/abc-hvac").await), (503, vec![since(SLUG, "14:03:00")]), "another trouble, another time");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_nothing_is_ready_and_with_it_again_all_is() {
    let house = one_of_two_is_broken().await;
    let mut grip = house.grip().await;
    grip.take_away().await;
    let database = since(Value::Null, "14:00:00");
    assert_eq!(told(&house.get("/readyz").await), (503, vec![database.clone(), since(OTHER, "14:00:00")]));
    assert_eq!(told(&house.get("/readyz/abc-hvac").await), (503, vec![database]), "it could not keep a booking");
    assert_eq!(house.get("/healthz").await.status, 200);
    grip.put_back().await;
    house.clock.advance(AGE);
    assert_eq!(told(&house.get("/readyz").await), (200, vec![since(OTHER, "14:00:00")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_monitors_at_once_ask_the_calendar_once() {
    let house = House::new().await;
    let held = house.google.hold("freebusy.query");
    let asking = futures_util::future::join_all((0..20).map(|_| house.get("/readyz")));
    let release = async {
        held.reached(1).await;
        held.release();
    };
    let (answers, ()) = tokio::join!(asking, release);
    assert!(answers.iter().all(|answer| told(answer) == (200, vec![])));
    assert_eq!(house.google.count("freebusy.query"), 1);
    assert!(house.google.requests().iter().all(|entry| entry.trusted));
    assert!(house.events().is_empty(), "a look leaves no trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_with_one_calendar_that_can_be_read_can_book_and_says_what_is_wrong() {
    let house = House::new().await;
    house.google.fault_always_in("freebusy.query", crate::house::ALEX, Fault::Errors { with_busy: false, reason: "notFound" });
    for path in ["/readyz", "/readyz/abc-hvac"] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.json()[0]["business"].as_str()), (200, Some("abc-hvac")), "{path}: {answer:?}");
    }
}
