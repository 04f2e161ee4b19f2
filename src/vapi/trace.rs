//! What is kept of a call for people who want to know how it went: each tool call, and the report of its end. No caller waits
//! for that: traces are written beside the answer, in the same commit where they meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Instrument as _;

use super::Station;
use super::message::{About, Kind, ToolCall};
use super::reply::Reply;
use super::tools::Tool;
use crate::business::profile::Profile;
use crate::clock::{Clock, Stopwatch};
use crate::meters;
use crate::names::VapiCallId;
use crate::store::Store;
use crate::store::reports::Report;
use crate::store::traces::Trace;

/// A tool call that is being answered.
pub(super) struct Traced {
    store: Store,
    trace: Trace,
    since: Stopwatch,
    begun: Begun,
}

/// Whether a delivery's own work was begun: otherwise somebody delivered the same before.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

impl Traced {
    /// Begins when it is asked.
    pub(super) fn new(store: &Store, clock: &Clock, profile: &Profile, call_id: Option<&str>, call: &ToolCall) -> Self {
        let trace = Trace {
            business: profile.slug.clone(),
            call_id: call_id.unwrap_or_default().to_owned(),
            tool_call_id: call.raw_id.chars().filter(|c| *c != '\0').take(200).collect(),
            delivery: String::new(),
            tool: call.name.clone(),
            arguments: call.arguments.canonical(),
            answer: String::new(),
            is_error: false,
            ms: 0,
            repeated: 0,
            at: clock.now(),
        };
        Self { store: store.clone(), trace, since: Stopwatch::start(), begun: Begun::default() }
    }

    /// Remembered under this key.
    pub(super) fn under(mut self, delivery: &str) -> Self {
        delivery.clone_into(&mut self.trace.delivery);
        self
    }

    /// Tells later whether its work was begun.
    pub(super) fn begun(&self) -> Begun {
        self.begun.clone()
    }

    /// Its own work begins now.
    pub(super) fn begins(&self) {
        self.begun.0.store(true, Ordering::Relaxed);
    }

    /// It was answered so.
    pub(super) fn answered(mut self, reply: &Reply) {
        self.trace.answer.clone_from(&reply.sentence);
        (self.trace.is_error, self.trace.ms) = (reply.is_error, self.since.elapsed_ms());
        let tool = Tool::read(&self.trace.tool).map_or("unknown", Tool::name);
        meters::tool(tool, if reply.is_error { "error" } else { "result" }, self.since.elapsed());
        let Self { store, trace, .. } = self;
        let keeping = async move {
            if let Err(error) = store.keep_trace(&trace).await {
                tracing::error!(business = %trace.business, error = %error, "what was asked in a call could not be noted");
            }
        };
        tokio::spawn(keeping.in_current_span());
    }
}

impl Station {
    /// Notes that a tool call was answered as it had been before.
    pub(super) fn note_repetition(&self, begun: &Begun, delivery: String, tool: Tool, since: Stopwatch) {
        if begun.0.load(Ordering::Relaxed) {
            return;
        }
        meters::tool(tool.name(), "repeated", since.elapsed());
        let store = self.store.clone();
        let noting = async move {
            if let Err(error) = store.note_repetition(&delivery).await {
                tracing::error!(error = %error, "a repeated delivery could not be noted");
            }
        };
        self.runtime.spawn(noting.in_current_span());
    }

    /// Keeps how a call went, or sees to it that Vapi is asked some minutes after its end.
    pub(super) async fn note_end(&self, profile: &Profile, about: &About, kind: &Kind, report: Option<&Report>) {
        let (Kind::Ended { .. }, Some(call)) = (kind, &about.call_id) else { return };
        if let Err(error) = self.keep_end(profile, call, report).await {
            tracing::error!(call.id = %call, error = %error, "the report of a call could not be kept");
        }
    }

    async fn keep_end(&self, profile: &Profile, call: &VapiCallId, report: Option<&Report>) -> Result<(), crate::store::Error> {
        let now = self.clock.now();
        match report {
            Some(report) => self.store.keep_report(&profile.slug, call, report, now).await,
            None => self.store.await_report(&profile.slug, call, now).await,
        }
    }
}
