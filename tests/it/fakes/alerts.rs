//! A place that alerts are posted to (`ALERT_WEBHOOK_URL`). It only collects.

use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Value, json};

use super::faults::{Refusal, Struck};
use super::stage::Stage;
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

/// A running sink; it stops when dropped.
pub struct FakeAlerts {
    sink: Arc<Sink>,
    server: Server,
}

impl Deref for FakeAlerts {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.sink.0
    }
}

impl FakeAlerts {
    pub fn start() -> Self {
        let (server, sink) = Server::start(|_| Sink(Stage::new(&["alert", "unknown"])));
        Self { sink, server }
    }

    /// For `ALERT_WEBHOOK_URL`.
    pub fn url(&self) -> String {
        format!("{}/alerts", self.server.url())
    }

    /// The alerts that were taken, in order; those answered with a scripted fault before the work are not among them.
    pub fn alerts(&self) -> Vec<Value> {
        self.requests_of("alert").iter().filter(|entry| entry.outcome == Some(200)).map(super::journal::Entry::json).collect()
    }
}

struct Sink(Stage);

impl Site for Sink {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn aim(&self, request: &Request) -> Aim {
        let call = if request.verb == "POST" { "alert" } else { "unknown" };
        Aim { call, about: Vec::new(), trusted: true }
    }

    fn work(&self, aim: &Aim, request: &Request, _: &[Struck]) -> Answer {
        match (aim.call, request.json().is_object()) {
            ("alert", true) => Answer::json(200, &json!({"ok": true})),
            ("alert", false) => Answer::json(400, &json!({"error": "an alert is a JSON object"})),
            _ => Answer::empty(405),
        }
    }

    fn refuse(&self, _: &Aim, refusal: &Refusal) -> Answer {
        Answer::json(refusal.code, &json!({"error": refusal.reason}))
    }
}
