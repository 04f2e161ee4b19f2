//! What `METRICS_BIND` shows of a server that runs: the numbers of calls, tools, bookings and Google, in a process of their own.

use std::net::TcpListener;

use ringbook::twilio::signature::sign;
use serde_json::json;

use crate::fakes::faults::Fault;
use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::house::{Answer, CALLER, answer, inbound};
use crate::process::{Site, soon};
use crate::program::{Program, err, free_port, run};

/// The numbers of a server that books in this Google.
struct Counted {
    site: Site,
    program: Program,
    google: FakeGoogle,
    numbers: String,
}

async fn counted() -> Counted {
    let google = FakeGoogle::start(ringbook::clock::Clock::System);
    google.add_calendar("jobs@abc.example", "America/New_York", &[SERVICE_ACCOUNT]);
    let bind = format!("127.0.0.1:{}", free_port());
    let site = Site::new()
        .set("CALENDAR", "google")
        .set("GOOGLE_CALENDAR_CREDENTIALS", "google.json")
        .set("GOOGLE_CALENDAR_URL", &google.calendar_url())
        .set("GOOGLE_TOKEN_URL", &google.token_url())
        .set("FREEBUSY_CACHE_SECONDS", "0")
        .set("METRICS_BIND", &bind);
    std::fs::write(site.path().join("google.json"), google.service_account_json()).unwrap();
    let program = site.serve().await;
    Counted { site, program, google, numbers: format!("http://{bind}/metrics") }
}

async fn get(url: &str) -> Answer {
    answer(reqwest::Client::builder().no_proxy().build().unwrap().get(url)).await
}

impl Counted {
    async fn page(&self) -> String {
        let page = get(&self.numbers).await;
        assert_eq!((page.status, page.content_type.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
        page.body
    }

    /// A new call, as Twilio says it.
    async fn rings(&self, sid: &str) -> Answer {
        let form = inbound(sid, CALLER).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = format!("{}/twilio/inbound", self.site.url());
        let proof = vec![("X-Twilio-Signature".to_owned(), sign(&url, &form, "twilio-token"))];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        self.program.post_text(&url, &body, &[proof, vec![kind]].concat()).await
    }
}

/// The value of a series, named with all its labels.
fn value(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_its_booking_are_counted_once_however_often_they_are_delivered() {
    let counted = counted().await;
    let before = counted.page().await;
    assert_eq!(value(&before, r#"ringbook_account_ok{business="abc-hvac"}"#), Some(1.0), "{before}");
    assert_eq!(value(&before, "ringbook_jobs_waiting"), Some(0.0), "{before}");
    for _ in 0..2 {
        assert!(counted.rings("CA1").await.body.contains("<Stream"));
        let booked = counted.site.book(&counted.program, "call-1", soon(), "08:00").await;
        assert!(booked.sentence().starts_with("You're booked"), "{booked:?}");
    }
    let odd = counted.site.tool(&counted.program, "call-1", "drop-table-canary", json!({})).await;
    assert!(odd.is_error(), "{odd:?}");
    let page = counted.page().await;
    for (series, expected) in [
        (r#"ringbook_calls_total{business="abc-hvac",outcome="assistant"}"#, 1.0),
        (r#"ringbook_bookings_total{business="abc-hvac",outcome="confirmed"}"#, 1.0),
        (r#"ringbook_tool_seconds_count{tool="bookAppointment",outcome="result"}"#, 1.0),
        (r#"ringbook_tool_seconds_count{tool="bookAppointment",outcome="repeated"}"#, 1.0),
        (r#"ringbook_tool_seconds_bucket{tool="bookAppointment",outcome="result",le="10"}"#, 1.0),
        (r#"ringbook_tool_seconds_count{tool="unknown",outcome="error"}"#, 1.0),
        (r#"ringbook_google_requests_total{method="events.insert",reason="ok"}"#, 1.0),
        (r#"ringbook_google_seconds_count{method="events.insert",outcome="ok"}"#, 1.0),
    ] {
        assert_eq!(value(&page, series), Some(expected), "{series}: {page}");
    }
    assert!(value(&page, "ringbook_jobs_waiting").is_some_and(|jobs| jobs > 0.0), "the look back and the SMS: {page}");
    assert!(!page.contains("canary") && !page.contains("5557654321"), "{page}");
    assert_eq!(get(&format!("{}/metrics", counted.site.url())).await.status, 404, "not where everybody may look");
    assert_eq!(get(&counted.numbers.replace("/metrics", "/healthz")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_and_a_failing_google_are_counted_with_their_causes() {
    let counted = counted().await;
    let paused = run(counted.site.path(), &["pause", "abc-hvac"], counted.site.settings());
    assert_eq!(err(&paused), "");
    assert!(counted.rings("CA1").await.body.contains("<Record"));
    assert_eq!(err(&run(counted.site.path(), &["resume", "abc-hvac"], counted.site.settings())), "");
    counted.google.fault("events.list", Fault::status(403, "quotaExceeded"));
    let refused = counted.site.book(&counted.program, "call-1", soon(), "08:00").await;
    assert!(!refused.sentence().contains("You're booked"), "{refused:?}");
    let page = counted.page().await;
    for (series, expected) in [
        (r#"ringbook_calls_total{business="abc-hvac",outcome="fallback"}"#, 1.0),
        (r#"ringbook_fallback_total{business="abc-hvac",cause="paused"}"#, 1.0),
        (r#"ringbook_google_requests_total{method="events.list",reason="quotaExceeded"}"#, 1.0),
        (r#"ringbook_google_seconds_count{method="events.list",outcome="refused"}"#, 1.0),
    ] {
        assert_eq!(value(&page, series), Some(expected), "{series}: {page}");
    }
    assert_eq!(value(&page, r#"ringbook_bookings_total{business="abc-hvac",outcome="confirmed"}"#), None, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_stops_the_start_with_a_plain_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let site = Site::new().set("METRICS_BIND", &bind);
    let output = run(site.path(), &["serve"], site.settings());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&format!("METRICS_BIND: {bind} cannot be listened on")), "{}", err(&output));
}
