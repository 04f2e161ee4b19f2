//! One call to Google: its token, its time limit, its one repetition, and what came of it. What an outcome means for a
//! booking is decided by its callers.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use google_calendar3::common::{self, Delegate, Retry};
use google_calendar3::{CalendarHub, Error};
use serde_json::Value;
use tracing::Instrument;
use tracing::field::Empty;

use super::super::auth::Token;
use super::failure::Failure;
use super::line::Line;
use super::pace::{Pace, Urgency};
use super::{Account, Google, retry_after};
use crate::clock::Stopwatch;
use crate::meters;
use crate::names::Slug;

pub(super) type Hub = CalendarHub<Line>;

pub(super) const AGENT: &str = "ringbook";
/// A reason longer than this is not one of Google's.
const MAX_REASON_CHARS: usize = 60;

/// Keeps what the library's error type throws away.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Seen>>);

#[derive(Clone, Default)]
struct Seen {
    status: Option<u16>,
    reason: Option<String>,
    retry_after: Option<String>,
}

impl Delegate for Wire {
    fn http_failure(&mut self, answer: &common::Response, body: Option<&Value>) -> Retry {
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let seen = Seen { status: Some(answer.status().as_u16()), reason: body.and_then(reason), retry_after };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        // The library's own repetition has no limit and would send a POST again.
        Retry::Abort
    }
}

/// The reason of Google's envelope; where newer services leave the list out, the status word.
fn reason(body: &Value) -> Option<String> {
    let error = body.get("error")?;
    let word = error.pointer("/errors/0/reason").or_else(|| error.get("status"))?.as_str()?;
    let sane = !word.is_empty()
        && word.len() <= MAX_REASON_CHARS
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    sane.then(|| word.to_owned())
}

impl Google {
    /// Makes one call. It runs as a task of its own: a caller who goes away does not tear it, and a panic of the library is
    /// an unknown outcome. A rejected token is renewed and the call made once more; nothing else is repeated.
    pub(super) async fn call<T, F, Answer>(&self, method: &'static str, business: &Slug, make: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Hub, Wire) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = common::Result<T>> + Send + 'static,
    {
        self.call_as(Urgency::Awaited, method, business, make).await
    }

    /// The same, for others than those who wait to hear what is open.
    pub(super) async fn call_as<T, F, Answer>(
        &self,
        urgency: Urgency,
        method: &'static str,
        business: &Slug,
        make: F,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Fn(Hub, Wire) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = common::Result<T>> + Send + 'static,
    {
        let account = self.account(business).map_err(Failure::NoToken)?;
        let (client, business, watch) = (self.0.client.clone(), business.clone(), Stopwatch::start());
        let pace = self.0.paces.of(&account.tokens);
        let kept = Arc::clone(&pace);
        let step =
            tracing::debug_span!("google", google.method = method, %business, google.outcome = Empty, google.reason = Empty);
        let noted = step.clone();
        let work = async move {
            let token = account.tokens.token().await.map_err(Failure::NoToken)?;
            match attempt(account.hub(client.clone(), &token), &make, &kept, urgency).await {
                Err(failure) if failure.status() == Some(401) => {
                    let token = account.tokens.instead_of(&token).await.map_err(Failure::NoToken)?;
                    attempt(account.hub(client, &token), &make, &kept, urgency).await
                }
                outcome => outcome,
            }
        };
        let reported = async move {
            let outcome =
                AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_panic| Err(Failure::lost("the library panicked")));
            let (ended, reason) = outcome.as_ref().err().map_or(("ok", ""), Failure::in_words);
            meters::google(method, ended, reason, watch.elapsed());
            noted.record("google.outcome", ended).record("google.reason", reason);
            if let Err(failure) = &outcome {
                report(method, &business, failure, watch);
                if failure.is_spent_quota() {
                    pace.tell_quota_is_spent(&business).await;
                }
            }
            outcome
        };
        tokio::spawn(reported.instrument(step)).await.unwrap_or_else(|_cancelled| Err(Failure::lost("the program is ending")))
    }
}

impl Account {
    pub(super) fn hub(&self, client: common::Client<Line>, token: &Token) -> Hub {
        let mut hub = CalendarHub::new(client, token.clone());
        hub.base_url(self.calendar_url.to_string());
        hub.root_url(self.calendar_url.to_string());
        hub.user_agent(AGENT.to_owned());
        hub
    }
}

/// One request, in its turn.
pub(super) async fn attempt<T, Answer>(
    hub: Hub,
    make: &impl Fn(Hub, Wire) -> Answer,
    pace: &Pace,
    urgency: Urgency,
) -> Result<T, Failure>
where
    Answer: Future<Output = common::Result<T>>,
{
    pace.keep(urgency, |limit| request(hub, make, limit, pace)).await
}

async fn request<T, Answer>(hub: Hub, make: &impl Fn(Hub, Wire) -> Answer, limit: Duration, pace: &Pace) -> Result<T, Failure>
where
    Answer: Future<Output = common::Result<T>>,
{
    let wire = Wire::default();
    let error = match tokio::time::timeout(limit, make(hub, wire.clone())).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_elapsed) => return Err(Failure::lost("no answer in time")),
    };
    let Seen { status, reason, retry_after } = wire.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let wait = retry_after.and_then(|value| retry_after::read(&value, pace.now()));
    Err(match (error, status, reason) {
        // 408 comes from something in between that waited for our request.
        (_, Some(status @ 400..=499), Some(reason)) if status != 408 => Failure::Said { status, reason, wait },
        (_, Some(status), reason) => {
            Failure::Lost { status: Some(status), cause: reason.unwrap_or_else(|| "not in Google's words".into()), wait }
        }
        (Error::HttpError(error), None, _) if error.is_connect() => Failure::NotConnected,
        (Error::HttpError(_), None, _) => Failure::lost("the connection broke"),
        (Error::JsonDecodeError(..), None, _) => Failure::lost("an answer that cannot be read"),
        _ => Failure::lost("the library gave up"),
    })
}

fn report(method: &'static str, business: &Slug, failure: &Failure, watch: Stopwatch) {
    let (status, duration_ms) = (failure.status(), watch.elapsed_ms());
    let reason = match failure {
        Failure::Said { reason, .. } | Failure::Lost { cause: reason, .. } => reason.clone(),
        Failure::NoToken(_) | Failure::NotConnected | Failure::Held(_) => failure.to_string(),
    };
    if matches!(failure, Failure::Held(_)) {
        // One line for each call of an outage would drown the one that says what is wrong.
        tracing::debug!(google.method = method, google.reason = reason, %business, "a call to Google was held back");
    } else if failure.is_expected() {
        tracing::info!(google.method = method, google.status = status, google.reason = reason, %business, duration_ms, "Google said no");
    } else {
        tracing::warn!(google.method = method, google.status = status, google.reason = reason, %business, duration_ms, "a call to Google failed");
    }
}
