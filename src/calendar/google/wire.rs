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

use super::super::Fault;
use super::super::auth::Token;
use super::line::Line;
use super::{Account, Google};
use crate::clock::Stopwatch;
use crate::names::Slug;

pub(super) type Hub = CalendarHub<Line>;

/// The longest that one request and its answer may take.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_millis(2500);
const USER_AGENT: &str = "ringbook";
/// A reason longer than this is not one of Google's.
const MAX_REASON_CHARS: usize = 60;

/// Why a call brought nothing.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// There is no token: nothing was sent.
    NoToken(Fault),
    /// There was no connection: nothing was sent.
    NotConnected,
    /// Google refused, in its own words: a 4xx with its error envelope.
    Said {
        /// 400 to 499.
        status: u16,
        /// `errors[0].reason`.
        reason: String,
    },
    /// Nobody knows what happened at the other end.
    Lost {
        /// Absent when there was no answer.
        status: Option<u16>,
        /// Code and reason at most: never a header, a body or a token.
        cause: String,
    },
}

impl Failure {
    fn lost(cause: &str) -> Self {
        Self::Lost { status: None, cause: cause.to_owned() }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Said { status, .. } => Some(*status),
            Self::Lost { status, .. } => *status,
            Self::NoToken(_) | Self::NotConnected => None,
        }
    }

    /// Too fast, says Google: this call did nothing, and the next may succeed. 403 and 429 mean the same; the account's
    /// own limit (`quotaExceeded`, `dailyLimitExceeded`) lasts for hours and is not meant.
    pub(super) fn is_rate_limit(&self) -> bool {
        let Self::Said { status, reason } = self else { return false };
        match reason.as_str() {
            "rateLimitExceeded" | "userRateLimitExceeded" => true,
            "quotaExceeded" | "dailyLimitExceeded" => false,
            _ => *status == 429,
        }
    }

    /// What it means for somebody who only wanted to read.
    pub(super) fn into_fault(self) -> Fault {
        let passes = self.is_rate_limit();
        match self {
            Self::NoToken(fault) => fault,
            refusal @ Self::Said { .. } if !passes => Fault::Refused(refusal.to_string()),
            other => Fault::Unknown(other.to_string()),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoToken(fault) => fault.fmt(f),
            Self::NotConnected => f.write_str("no connection"),
            Self::Said { status, reason } => write!(f, "{status} {reason}"),
            Self::Lost { status: Some(status), cause } => write!(f, "{status} {cause}"),
            Self::Lost { status: None, cause } => f.write_str(cause),
        }
    }
}

/// Keeps what the library's error type throws away.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Seen>>);

#[derive(Clone, Default)]
struct Seen {
    status: Option<u16>,
    reason: Option<String>,
}

impl Delegate for Wire {
    fn http_failure(&mut self, answer: &common::Response, body: Option<&Value>) -> Retry {
        let seen = Seen { status: Some(answer.status().as_u16()), reason: body.and_then(reason) };
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
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
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
        let account = self.account(business).map_err(Failure::NoToken)?.clone();
        let (client, business) = (self.0.client.clone(), business.clone());
        let watch = Stopwatch::start();
        let work = async move {
            let attempt = |token: &Token| attempt(account.hub(client.clone(), token), &make);
            let token = account.tokens.token().await.map_err(Failure::NoToken)?;
            match attempt(&token).await {
                Err(failure) if failure.status() == Some(401) => {
                    let token = account.tokens.instead_of(&token).await.map_err(Failure::NoToken)?;
                    attempt(&token).await
                }
                outcome => outcome,
            }
        };
        let reported = async move {
            let outcome =
                AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_panic| Err(Failure::lost("the library panicked")));
            if let Err(failure) = &outcome {
                report(method, &business, failure, watch);
            }
            outcome
        };
        tokio::spawn(reported.in_current_span()).await.unwrap_or_else(|_cancelled| Err(Failure::lost("the program is ending")))
    }
}

impl Account {
    pub(super) fn hub(&self, client: common::Client<Line>, token: &Token) -> Hub {
        let mut hub = CalendarHub::new(client, token.clone());
        hub.base_url(self.calendar_url.clone());
        hub.root_url(self.calendar_url.clone());
        hub.user_agent(USER_AGENT.to_owned());
        hub
    }
}

pub(super) async fn attempt<T, Answer>(hub: Hub, make: &impl Fn(Hub, Wire) -> Answer) -> Result<T, Failure>
where
    Answer: Future<Output = common::Result<T>>,
{
    let wire = Wire::default();
    let error = match tokio::time::timeout(CALL_TIMEOUT, make(hub, wire.clone())).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_elapsed) => return Err(Failure::lost("no answer in time")),
    };
    let Seen { status, reason } = wire.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Err(match (error, status, reason) {
        // 408 comes from something in between that waited for our request.
        (_, Some(status @ 400..=499), Some(reason)) if status != 408 => Failure::Said { status, reason },
        (_, Some(status), reason) => {
            Failure::Lost { status: Some(status), cause: reason.unwrap_or_else(|| "not in Google's words".into()) }
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
        Failure::NoToken(_) | Failure::NotConnected => failure.to_string(),
    };
    // Those three are answers to a question that a booking asks on purpose.
    if matches!(status, Some(404 | 409 | 410)) {
        tracing::info!(google.method = method, google.status = status, google.reason = reason, %business, duration_ms, "Google said no");
    } else {
        tracing::warn!(google.method = method, google.status = status, google.reason = reason, %business, duration_ms, "a call to Google failed");
    }
}
