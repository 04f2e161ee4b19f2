//! Google Calendar and its tokens, against a scripted server.

mod insert;
mod line;
mod pace;
mod read;
mod scripted;
mod settings;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use ringbook::calendar::cache::Cache;
use ringbook::calendar::google::Google;
use ringbook::calendar::{Inserted, NewEvent, Place};
use ringbook::clock::Clock;
use ringbook::config::{self, Scoped};
use ringbook::names::{BookingId, CalendarId, EventId, Slug};
use ringbook::scheduling::busy::Span;
use ringbook::store::Store;
use scripted::{Answer, Asked, Server};
use serde_json::{Value, json};
use time::macros::datetime;

const KEY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/google_test_key.json");

fn settings_at(url: &str) -> config::Google {
    config::Google {
        credentials: Some(KEY_FILE.into()),
        impersonate: Some("Owner@Example.com".into()),
        calendar_url: format!("{url}calendar/v3/").parse().unwrap(),
        token_url: Some(format!("{url}token").parse().unwrap()),
        client: None,
        auth_url: format!("{url}auth").parse().unwrap(),
        revoke_url: format!("{url}revoke").parse().unwrap(),
    }
}

/// With a database that nobody looks into: owners' accounts are not what is tried here.
async fn opened(settings: &Scoped<config::Google>, businesses: &[&str], clock: &Clock) -> Result<Google, String> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("ringbook.db").display())).await.unwrap();
    let known = Cache::new(Duration::ZERO, clock.clone(), None);
    Google::new(settings, businesses.iter().map(|name| slug(name)), &store, &Arc::default(), clock, known)
}

fn clock() -> Clock {
    Clock::fixed(datetime!(2026-12-01 08:00 UTC))
}

async fn google_at(server: &Server, clock: &Clock) -> Google {
    opened(&Scoped::same(settings_at(&server.url)), &["abc"], clock).await.unwrap()
}

async fn google(answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> (Google, Server) {
    let server = Server::start(answer).await;
    (google_at(&server, &clock()).await, server)
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn place(calendar: &str) -> Place {
    Place { business: slug("abc"), calendar: CalendarId::parse(calendar).unwrap() }
}

fn event_id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

fn span() -> Span {
    Span::new(datetime!(2026-12-01 14:00 UTC), datetime!(2026-12-01 16:00 UTC)).unwrap()
}

fn job() -> NewEvent {
    NewEvent {
        id: event_id("abc123def456"),
        summary: "HVAC repair - Jo".into(),
        description: "Customer: Jo\nPhone: +15551230001".into(),
        location: Some("1 Main Street".into()),
        span: span(),
        time_zone: "America/New_York".into(),
        booking: BookingId::parse("0193a1b2c3d4e5f60718293a4b5c6d7e").unwrap(),
        call_id: "call-1".into(),
        invite: None,
    }
}

/// What Google answers to an insert that went well: the event as it was sent, and more.
fn echo(asked: &Asked) -> Value {
    let mut event = asked.json();
    event["etag"] = json!("\"1\"");
    event["status"] = json!("confirmed");
    event["kind"] = json!("calendar#event");
    event
}

fn is_unknown(inserted: &Inserted) -> bool {
    matches!(inserted, Inserted::Unknown(_))
}
