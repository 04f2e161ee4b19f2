//! Spans at a collector: the built program with the feature `otel`. They tell of each request and of what was done for it, name
//! nobody, and whatever the collector does, no caller notices.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::canaries::{self, Day, PEOPLE, google_fails, none_of, secrets, the_assistant_asks, the_phone_rings};
use crate::edge_program::{Life, address, caller, house, time_of, wish};
use crate::fakes::collector::{FakeCollector, attribute};
use crate::fakes::faults::Fault;
use crate::house::{CALLER, House};

const KEY: &str = "a-key-for-the-collector-only";
const LOST: &str = "spans do not reach the collector";
const AGAIN: &str = "spans reach the collector again";

/// A collector, and what a house has to be told of it. Batches go so many milliseconds apart.
fn collector(house: &mut House, apart_ms: &str) -> FakeCollector {
    let collector = FakeCollector::start();
    house.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    house.set("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer%20{KEY}"));
    house.set("OTEL_BSP_SCHEDULE_DELAY", apart_ms);
    collector
}

/// The spans that the one with this id is part of, from itself to the request or job.
fn line_of<'a>(spans: &'a [Span], span: &'a Span) -> Vec<&'a str> {
    let parent = spans.iter().find(|other| other.span_id == span.parent_span_id);
    let mut line = vec![span.name.as_str()];
    if let Some(parent) = parent {
        assert_eq!(parent.trace_id, span.trace_id, "{} and {}", parent.name, span.name);
        line.extend(line_of(spans, parent));
    }
    line
}

fn log(house: &House) -> String {
    std::fs::read_to_string(house.folder.path().join("log")).unwrap()
}

fn count(log: &str, words: &str) -> usize {
    log.lines().filter(|line| line.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_bookings_and_failures_is_told_in_spans_that_name_nobody_and_all_are_there_at_the_end() {
    let mut house = canaries::house().await;
    // Nothing is sent before the end, unless it is many.
    let collector = collector(&mut house, "3600000");
    house.set("OTEL_SERVICE_NAME", "front-desk");
    let mut day = Day::begin(house).await;
    the_phone_rings(&mut day).await;
    the_assistant_asks(&mut day).await;
    google_fails(&mut day).await;
    assert_eq!(day.house.get("/nowhere").await.status, 404);
    day.house.ring("CA77").await;
    let Day { house, mut life, .. } = day;
    life.signal("TERM");
    let (status, _) = life.ended().await;
    assert!(status.success());

    let spans = collector.spans();
    let lines: Vec<Vec<&str>> = spans.iter().map(|span| line_of(&spans, span)).collect();
    for line in [
        &["vapi.create_call", "POST /twilio/inbound"][..],
        &["google events.insert", "tool bookAppointment", "POST /webhook/vapi"],
        &["google events.list", "tool bookAppointment", "POST /webhook/vapi"],
        &["store.write", "tool bookAppointment", "POST /webhook/vapi"],
        &["store.read", "POST /webhook/vapi"],
        &["twilio.send_sms", "job sms"],
        &["alert.post", "job alert"],
    ] {
        assert!(lines.iter().any(|found| found == line), "no {line:?} among {lines:#?}");
    }
    let answered =
        |span: &Span, status: &str| attribute(&span.attributes, "http.response.status_code").as_deref() == Some(status);
    let rang = |span: &&Span| span.name == "POST /twilio/inbound" && span.kind == SpanKind::Server as i32;
    let calls: Vec<&Span> = spans.iter().filter(rang).collect();
    let count = |status| calls.iter().filter(|span| answered(span, status)).count();
    assert_eq!((count("200"), count("403")), (7, 1), "CA01 to CA05, CA09 and CA77; CA07 proved nothing");
    for span in calls {
        assert_eq!(attribute(&span.attributes, "url.path").as_deref(), Some("/twilio/inbound"));
        let took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000;
        assert_eq!(attribute(&span.attributes, "duration_ms"), Some(took.to_string()));
    }
    assert!(spans.iter().any(|span| span.name == "GET" && answered(span, "404")), "a stranger's path is no name");
    let lonely = |span: &&Span| span.parent_span_id.is_empty();
    let roots: Vec<&str> = spans.iter().filter(lonely).map(|span| span.name.as_str()).collect();
    assert!(roots.iter().all(|name| !name.contains("healthz") && !name.starts_with("store.")), "{roots:?}");
    assert!(collector.resources("service.name").iter().all(|name| name == "front-desk"));

    let bearers: Vec<_> = collector.requests_of("traces").iter().map(|entry| entry.request.bearer().map(str::to_owned)).collect();
    assert!(!bearers.is_empty() && bearers.iter().all(|bearer| bearer.as_deref() == Some(KEY)), "{bearers:?}");
    let all: Vec<String> = PEOPLE.map(str::to_owned).into_iter().chain(secrets(&house)).chain([KEY.to_owned()]).collect();
    let told = format!("{:#?}", collector.batches());
    assert!(told.contains("a booking came to rest") && told.contains("a call to Google failed"), "records go along");
    none_of(&all, "the spans", &told);
    none_of(&all, "the log", &log(&house));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_breaks_off_or_talks_nonsense_is_named_once_and_taken_up_again() {
    let mut house = house().await;
    let collector = collector(&mut house, "20");
    collector.fault_always("traces", Fault::status(503, "busy"));
    let faults = [
        Fault::ResetBeforeCommit,
        Fault::Html200,
        Fault::HugeBody(1024 * 1024),
        Fault::Redirect("http://127.0.0.1:9/v1/traces".into()),
        Fault::status(401, "who"),
    ];
    let count_of_faults = faults.len();
    for fault in faults {
        collector.fault("traces", fault);
    }
    let mut life = Life::begin(&house, &address(), "").await;
    for number in 1..=count_of_faults + 2 {
        life.rings(&house, &format!("CA{number:032}"), CALLER).await;
        collector.wait_for("traces", number).await;
    }
    collector.clear_faults();
    life.rings(&house, &format!("CA{:032}", 99), CALLER).await;
    collector.wait_for_done("traces", 1).await;
    life.signal("TERM");
    assert!(life.ended().await.0.success());

    let log = log(&house);
    assert_eq!((count(&log, LOST), count(&log, AGAIN)), (1, 1), "{log}");
    assert!(collector.resources("service.name").iter().all(|name| name == "ringbook"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_named_once_and_keeps_nobody_waiting() {
    let mut house = house().await;
    drop(collector(&mut house, "20"));
    let mut life = Life::begin(&house, &address(), "").await;
    for number in 0..4 {
        let answer = life.book(&house, &caller(number), &wish("sam", &time_of(number))).await.unwrap();
        assert!(answer.sentence().contains("You're booked"), "{answer:?}");
    }
    life.signal("TERM");
    assert!(life.ended().await.0.success());
    let log = log(&house);
    assert_eq!((count(&log, LOST), count(&log, AGAIN)), (1, 0), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_no_caller_and_hardly_the_end() {
    let mut house = house().await;
    let collector = collector(&mut house, "20");
    let held = collector.hold("traces");
    let mut life = Life::begin(&house, &address(), "").await;
    life.rings(&house, &format!("CA{:032}", 1), CALLER).await;
    held.reached(1).await;
    for number in 0..4 {
        let answer = life.book(&house, &caller(number), &wish("alex", &time_of(number))).await.unwrap();
        assert!(answer.sentence().contains("You're booked"), "{answer:?}");
    }
    life.signal("TERM");
    let (status, took) = life.ended().await;
    // Two seconds for load balancers, two for the last spans.
    assert!(status.success() && took < Duration::from_secs(9), "{status} after {took:?}");
    assert_eq!(collector.count("traces"), 1, "one batch at a time");
}
