//! Reading: what cannot be read is never free.
#![expect(clippy::needless_pass_by_value, reason = "a `json!` as an argument reads better without a reference")]

use ringbook::calendar::{Event, Fault, Texts};
use ringbook::scheduling::busy::Span;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use super::scripted::{Answer, error};
use super::{google, job, place, slug, span};

fn from_to(start: OffsetDateTime, end: OffsetDateTime) -> Span {
    Span::new(start, end).unwrap()
}

fn calendars(map: Value) -> Answer {
    Answer::Json(200, json!({"kind": "calendar#freeBusy", "calendars": map}))
}

/// A list of events as Google sends it, of a calendar in New York.
fn list(items: Value) -> Answer {
    Answer::Json(200, json!({"kind": "calendar#events", "timeZone": "America/New_York", "items": items}))
}

fn timed(id: &str, more: Value) -> Value {
    let mut event = json!({
        "id": id, "status": "confirmed",
        "start": {"dateTime": "2026-12-01T09:30:00-05:00"}, "end": {"dateTime": "2026-12-01T10:00:00-05:00"},
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// What `look` sees of these events between 14:00 and 16:00 UTC.
async fn seen(items: Value, all_day_free_blocks: bool) -> Result<Vec<Span>, Fault> {
    let (google, _server) = google(move |_| list(items.clone())).await;
    google.look(&place("sam@example.com"), span(), &job().id, all_day_free_blocks).await
}

const HALF_HOUR: Span = Span { start: datetime!(2026-12-01 14:30 UTC), end: datetime!(2026-12-01 15:00 UTC) };

#[tokio::test]
async fn busy_time_comes_from_free_busy() {
    let (google, server) = google(|_| {
        let busy = json!([{"start": "2026-12-01T14:30:00Z", "end": "2026-12-01T15:00:00Z"}]);
        calendars(json!({"sam@example.com": {"busy": busy}, "Ann@example.com": {"busy": []}}))
    })
    .await;
    let places = [place("sam@example.com"), place("ann@example.com")];
    let busy = google.busy(&places, span(), false).await;
    assert_eq!(busy[&places[0]].as_ref().unwrap(), &vec![HALF_HOUR]);
    assert_eq!(busy[&places[1]].as_ref().unwrap(), &vec![]);
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/calendar/v3/freeBusy"));
    let expected = json!({
        "timeMin": "2026-12-01T14:00:00Z", "timeMax": "2026-12-01T16:00:00Z",
        "items": [{"id": "ann@example.com"}, {"id": "sam@example.com"}],
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn a_calendar_that_free_busy_could_not_read_is_a_fault_and_the_others_are_not() {
    let (google, _server) = google(|_| {
        let refused = json!([{"domain": "global", "reason": "notFound"}]);
        calendars(json!({
            "fine": {"busy": []},
            "with": {"busy": [], "errors": refused}, "without": {"errors": refused},
            "internal": {"busy": [], "errors": [{"domain": "global", "reason": "internalError"}]},
            "newkind": {"busy": [], "errors": [{}]},
            "nolist": {}, "backwards": {"busy": [{"start": "2026-12-01T15:00:00Z", "end": "2026-12-01T14:00:00Z"}]},
            "half": {"busy": [{"start": "2026-12-01T15:00:00Z"}]},
        }))
    })
    .await;
    let names = ["fine", "with", "without", "internal", "newkind", "nolist", "backwards", "half", "absent"];
    let busy = google.busy(&names.map(place), span(), false).await;
    assert_eq!(busy.len(), names.len());
    let of = |name| &busy[&place(name)];
    assert!(matches!(of("fine"), Ok(spans) if spans.is_empty()));
    for name in ["with", "without"] {
        assert!(matches!(of(name), Err(Fault::Refused(cause)) if cause.contains("notFound")), "{name}");
    }
    for name in ["internal", "newkind", "nolist", "backwards", "half", "absent"] {
        assert!(matches!(of(name), Err(Fault::Unknown(_))), "{name}: {:?}", of(name));
    }
}

#[tokio::test]
async fn a_failed_question_is_a_fault_of_every_place() {
    let html = Answer::Text(503, "Content-Type: text/html\r\n", "<html>".into());
    let unreadable = calendars(json!({"a": {"busy": [{"start": "noon", "end": "later"}]}, "b": {"busy": []}}));
    let passing = [
        html,
        error(403, "rateLimitExceeded"),
        error(500, "backendError"),
        Answer::Json(200, json!({})),
        Answer::Reset,
        unreadable,
    ];
    let lasting = [error(403, "insufficientPermissions"), error(403, "quotaExceeded"), error(400, "timeRangeTooLong")];
    for (answer, lasts) in passing.map(|answer| (answer, false)).into_iter().chain(lasting.map(|answer| (answer, true))) {
        let (google, _server) = google(move |_| answer.clone()).await;
        let busy = google.busy(&[place("a"), place("b")], span(), false).await;
        for outcome in busy.values() {
            assert_eq!(matches!(outcome, Err(Fault::Refused(_))), lasts, "{outcome:?}");
            assert!(outcome.is_err());
        }
    }
}

#[tokio::test]
async fn long_stretches_and_many_calendars_are_asked_in_pieces() {
    let (google, server) = google(|asked| {
        let question = asked.json();
        let start = question["timeMin"].clone();
        let end = json!(start.as_str().unwrap().replace("T14", "T15"));
        let items = question["items"].as_array().unwrap().iter();
        calendars(
            items
                .map(|item| (item["id"].as_str().unwrap().to_owned(), json!({"busy": [{"start": start, "end": end}]})))
                .collect(),
        )
    })
    .await;
    let places: Vec<_> = (0..120).map(|number| place(&format!("c{number}@example.com"))).collect();
    let start = datetime!(2026-12-01 14:00 UTC);
    let busy = google.busy(&places, from_to(start, start + time::Duration::days(130)), false).await;
    assert_eq!(busy.len(), 120);
    assert!(busy.values().all(|busy| busy.as_ref().unwrap().len() == 3), "one span from each of three windows");
    let asked = server.asked();
    assert_eq!(asked.len(), 9, "three windows of three lots");
    for question in asked.iter().map(super::Asked::json) {
        let at = |name: &str| {
            OffsetDateTime::parse(question[name].as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap()
        };
        assert!(at("timeMax") - at("timeMin") <= time::Duration::days(60));
        assert!(question["items"].as_array().unwrap().len() <= 50);
    }
}

#[tokio::test]
async fn a_window_that_fails_makes_the_whole_stretch_unknown() {
    let mut questions = 0;
    let (google, _server) = google(move |_| {
        questions += 1;
        if questions == 2 { error(500, "backendError") } else { calendars(json!({"a": {"busy": []}})) }
    })
    .await;
    let start = datetime!(2026-12-01 14:00 UTC);
    let busy = google.busy(&[place("a")], from_to(start, start + time::Duration::days(130)), false).await;
    assert!(matches!(busy[&place("a")], Err(Fault::Unknown(_))));
}

#[tokio::test]
async fn a_stretch_without_length_is_not_free() {
    let (google, _server) = google(|_| calendars(json!({"a": {"busy": []}}))).await;
    let at = span().start;
    assert!(google.busy(&[place("a")], Span { start: at, end: at }, false).await[&place("a")].is_err());
}

#[tokio::test]
async fn events_are_listed_where_all_day_events_block() {
    let (google, server) =
        google(
            |asked| {
                if asked.path.contains("broken") { error(404, "notFound") } else { list(json!([timed("a1b2c3", json!({}))])) }
            },
        )
        .await;
    let busy = google.busy(&[place("sam"), place("broken")], span(), true).await;
    assert_eq!(busy[&place("sam")].as_ref().unwrap(), &vec![HALF_HOUR]);
    assert!(matches!(busy[&place("broken")], Err(Fault::Refused(_))));
    assert!(server.asked().iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn look_asks_for_single_events_and_nothing_private() {
    let (google, server) = google(|_| list(json!([]))).await;
    assert_eq!(google.look(&place("sam@example.com"), span(), &job().id, false).await.unwrap(), vec![]);
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/calendar/v3/calendars/sam%40example.com/events");
    assert_eq!((asked.query["singleEvents"].as_str(), asked.query["showDeleted"].as_str()), ("true", "false"));
    assert!(
        asked.query["timeMin"].as_str() <= "2026-12-01T14:00:00Z" && asked.query["timeMax"].as_str() >= "2026-12-01T16:00:00Z"
    );
    assert!(asked.query["fields"].contains("timeZone") && !asked.query["fields"].contains("summary"));
}

#[tokio::test]
async fn look_leaves_out_what_does_not_block() {
    let answer = |response: &str| json!({"attendees": [{"email": "x"}, {"self": true, "responseStatus": response}]});
    let items = json!([
        timed(job().id.as_str(), json!({})),
        timed("cancelled1", json!({"status": "cancelled"})),
        timed("free1", json!({"transparency": "transparent"})),
        timed("declined1", answer("declined")),
        timed("moment1", json!({"end": {"dateTime": "2026-12-01T14:30:00Z"}})),
        timed("before1", json!({"start": {"dateTime": "2026-12-01T13:00:00Z"}, "end": {"dateTime": "2026-12-01T14:00:00Z"}})),
        {"id": "tombstone1", "status": "cancelled"},
    ]);
    assert_eq!(seen(items, false).await.unwrap(), vec![]);
    let others = json!([
        timed("tentative1", json!({"status": "tentative"})),
        timed("asked1", answer("needsAction")),
        timed("declinedbyanother", json!({"attendees": [{"responseStatus": "declined"}]})),
        timed("abc123def456_20261201", json!({"transparency": "opaque"})),
    ]);
    assert_eq!(seen(others, false).await.unwrap(), vec![HALF_HOUR; 4]);
}

#[tokio::test]
async fn a_whole_day_is_meant_in_the_zone_of_the_calendar() {
    let day = |date: &str, after: &str, more: Value| {
        timed("day1", json!({"start": {"date": date}, "end": {"date": after}}))
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .chain(more.as_object().unwrap().clone())
            .collect::<Value>()
    };
    let first = from_to(datetime!(2026-12-01 05:00 UTC), datetime!(2026-12-02 05:00 UTC));
    assert_eq!(seen(json!([day("2026-12-01", "2026-12-02", json!({}))]), false).await.unwrap(), vec![first]);
    assert_eq!(seen(json!([day("2026-11-30", "2026-12-01", json!({}))]), false).await.unwrap(), vec![]);
    // 02:00 UTC on the second is still the evening of the first in New York.
    let (google, _server) = google(move |_| list(json!([day("2026-12-01", "2026-12-02", json!({}))]))).await;
    let evening = from_to(datetime!(2026-12-02 02:00 UTC), datetime!(2026-12-02 03:00 UTC));
    assert_eq!(google.look(&place("sam"), evening, &job().id, false).await.unwrap(), vec![first]);
    let free = day("2026-12-01", "2026-12-02", json!({"transparency": "transparent"}));
    assert_eq!(seen(json!([free]), false).await.unwrap(), vec![]);
    assert_eq!(seen(json!([free]), true).await.unwrap(), vec![first]);
    assert_eq!(seen(json!([timed("free1", json!({"transparency": "transparent"}))]), true).await.unwrap(), vec![]);
    let office = day("2026-12-01", "2026-12-02", json!({"transparency": "transparent", "eventType": "workingLocation"}));
    assert_eq!(seen(json!([office]), true).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_list_that_cannot_be_understood_is_a_fault() {
    let day = json!([{"id": "day12", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}]);
    let cases = [
        Answer::Json(200, json!({"timeZone": "Mars/Base", "items": day})),
        Answer::Json(200, json!({"items": day})),
        Answer::Json(200, json!({})),
        list(json!([{"id": "noend", "status": "confirmed", "start": {"dateTime": "2026-12-01T14:30:00Z"}}])),
        list(json!([timed("mixed", json!({"end": {"date": "2026-12-02"}}))])),
        list(json!([timed("backwards", json!({"end": {"dateTime": "2026-12-01T14:00:00Z"}}))])),
        list(json!([timed("unreadable", json!({"end": {"dateTime": "noon"}}))])),
        Answer::Text(200, "Content-Type: text/html\r\n", "<html>".into()),
        Answer::Truncated(json!({"timeZone": "America/New_York", "items": []})),
        error(500, "backendError"),
    ];
    for (index, case) in cases.into_iter().enumerate() {
        let (google, _server) = google(move |_| case.clone()).await;
        let outcome = google.look(&place("sam"), span(), &job().id, false).await;
        assert!(matches!(outcome, Err(Fault::Unknown(_))), "case {index}: {outcome:?}");
    }
}

fn page(number: usize, more: bool) -> Answer {
    let mut answer = json!({"timeZone": "America/New_York", "items": if number.is_multiple_of(2) { json!([]) } else { json!([timed("a1b2c3", json!({}))]) }});
    if more {
        answer["nextPageToken"] = json!(format!("page {}", number + 1));
    }
    Answer::Json(200, answer)
}

#[tokio::test]
async fn all_pages_are_read_even_empty_ones() {
    let mut number = 0;
    let (google, server) = google(move |_| {
        number += 1;
        page(number, number < 5)
    })
    .await;
    assert_eq!(google.look(&place("sam"), span(), &job().id, false).await.unwrap(), vec![HALF_HOUR; 3]);
    let tokens: Vec<_> = server.asked().iter().map(|asked| asked.query.get("pageToken").cloned()).collect();
    let expected: Vec<_> = [None].into_iter().chain((2..=5).map(|number| Some(format!("page {number}")))).collect();
    assert_eq!(tokens, expected);
}

#[tokio::test]
async fn a_list_without_end_is_a_fault() {
    let mut number = 0;
    let (google, server) = google(move |_| {
        number += 1;
        page(number, true)
    })
    .await;
    assert!(matches!(google.look(&place("sam"), span(), &job().id, false).await, Err(Fault::Unknown(_))));
    assert_eq!(server.asked().len(), 10);
}

#[tokio::test]
async fn get_tells_what_stands_there() {
    let mark = json!({"private": {"bookingId": job().booking.to_string()}});
    let texts = json!({"summary": "HVAC repair", "description": "Customer: Dana\nParking behind", "location": "12 Oak Street"});
    let mut marked = timed(job().id.as_str(), json!({"etag": "\"7\"", "extendedProperties": mark}));
    marked.as_object_mut().unwrap().extend(texts.as_object().unwrap().clone());
    let gone = Event { id: job().id, booking: None, cancelled: true, span: None, etag: String::new(), texts: Texts::default() };
    let cases = [
        (
            Answer::Json(200, marked),
            Some(Event {
                booking: Some(job().booking),
                cancelled: false,
                span: Some(HALF_HOUR),
                etag: "\"7\"".into(),
                texts: Texts {
                    summary: "HVAC repair".into(),
                    description: "Customer: Dana\nParking behind".into(),
                    location: "12 Oak Street".into(),
                },
                ..gone.clone()
            }),
        ),
        (Answer::Json(200, json!({"id": job().id.as_str(), "status": "cancelled"})), Some(gone.clone())),
        (error(410, "deleted"), Some(gone)),
        (error(404, "notFound"), None),
    ];
    for (answer, expected) in cases {
        let (google, server) = google(move |_| answer.clone()).await;
        assert_eq!(google.get(&place("sam@example.com"), &job().id).await.unwrap(), expected);
        assert_eq!(server.asked()[0].path, "/calendar/v3/calendars/sam%40example.com/events/abc123def456");
    }
}

#[tokio::test]
async fn get_does_not_take_a_stray_page_for_an_absent_event() {
    let html = |status| Answer::Text(status, "Content-Type: text/html\r\n", "<html>".into());
    for answer in [html(404), html(410), html(200), Answer::Json(200, json!({})), Answer::Json(200, json!({"id": "another1"}))] {
        let (google, _server) = google(move |_| answer.clone()).await;
        let outcome = google.get(&place("sam"), &job().id).await;
        assert!(matches!(outcome, Err(Fault::Unknown(_))), "{outcome:?}");
    }
    let (google, _server) = google(|_| error(403, "forbidden")).await;
    assert!(matches!(google.get(&place("sam"), &job().id).await, Err(Fault::Refused(_))));
}

#[tokio::test]
async fn the_same_calendar_has_one_claim_key() {
    let (google, _server) = google(|_| Answer::Silence).await;
    assert_eq!(google.claim_key(&place("primary")), "google:owner@example.com");
    assert_eq!(google.claim_key(&place("Owner@Example.com")), "google:owner@example.com");
    let elsewhere = ringbook::calendar::Place { business: slug("another"), ..place("owner@example.com") };
    assert_eq!(google.claim_key(&elsewhere), "google:owner@example.com");
}
