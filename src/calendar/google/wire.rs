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

use super::super::Fault;
use super::super::auth::Token;
use super::line::Line;
use super::pace::{Pace, Urgency};
use super::{Account, Google, retry_after};
use crate::clock::Stopwatch;
use crate::meters;
use crate::names::Slug;

pub(super) type Hub = CalendarHub<Line>;

pub(super) const AGENT: &str = "ringbook";
/// The shortest pause after a limit of this second that names none, and how much more it may be.
const BACK_OFF_MS: u64 = 300;
/// A reason longer than this is not one of Google's.
const MAX_REASON_CHARS: usize = 60;

/// Why a call brought nothing.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// There is no token: nothing was sent.
    NoToken(Fault),
    /// There was no connection: nothing was sent.
    NotConnected,
    /// The account is asked too much, or left in peace: nothing was sent. In words.
    Held(&'static str),
    /// Google refused, in its own words: a 4xx with its error envelope.
    Said {
        /// 400 to 499.
        status: u16,
        /// `errors[0].reason`.
        reason: String,
        /// What `Retry-After` asks for.
        wait: Option<Duration>,
    },
    /// Nobody knows what happened at the other end.
    Lost {
        /// Absent when there was no answer.
        status: Option<u16>,
        /// Code and reason at most: never a header, a body or a token.
        cause: String,
        /// What `Retry-After` asks for.
        wait: Option<Duration>,
    },
}

impl Failure {
    fn lost(cause: &str) -> Self {
        Self::Lost { status: None, cause: cause.to_owned(), wait: None }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Said { status, .. } => Some(*status),
            Self::Lost { status, .. } => *status,
            Self::NoToken(_) | Self::NotConnected | Self::Held(_) => None,
        }
    }

    /// For the numbers: what came of it in a word, and why.
    fn in_words(&self) -> (&'static str, &str) {
        match self {
            Self::NoToken(_) => ("not_sent", "no token"),
            Self::NotConnected => ("not_sent", "no connection"),
            Self::Held(_) => ("not_sent", "held back"),
            Self::Said { reason, .. } => ("refused", reason),
            Self::Lost { status: Some(_), cause, .. } => ("unknown", cause),
            Self::Lost { status: None, .. } => ("unknown", "no answer"),
        }
    }

    /// No word of Google's own: nobody could be reached, or nobody there was well. A refusal is an answer.
    pub(super) fn is_breakdown(&self) -> bool {
        match self {
            Self::NotConnected => true,
            Self::Lost { status, .. } => status.is_none_or(|status| status == 408 || status >= 500),
            Self::NoToken(_) | Self::Held(_) | Self::Said { .. } => false,
        }
    }

    /// The account's own limit, which lasts for hours.
    fn is_spent_quota(&self) -> bool {
        matches!(self, Self::Said { reason, .. } if matches!(reason.as_str(), "quotaExceeded" | "dailyLimitExceeded"))
    }

    /// Too fast, says Google: this call did nothing, and the next may succeed. 403 and 429 mean the same; the account's
    /// own limit lasts for hours and is not meant.
    pub(super) fn is_rate_limit(&self) -> bool {
        let Self::Said { status, reason, .. } = self else { return false };
        let too_fast = matches!(reason.as_str(), "rateLimitExceeded" | "userRateLimitExceeded");
        too_fast || (*status == 429 && !self.is_spent_quota())
    }

    /// An answer to a question that a booking asks on purpose: whether something is there, or was.
    pub(super) fn is_expected(&self) -> bool {
        matches!(self.status(), Some(404 | 409 | 410))
    }

    /// What it means for somebody who only wanted to read.
    pub(super) fn into_fault(self) -> Fault {
        let (cause, too_fast) = (self.to_string(), self.is_rate_limit());
        match self {
            Self::NoToken(fault) => fault,
            // Whoever is held back now would be held back again within a caller's time.
            Self::Held(_) => Fault::NotNow { cause, wait: None },
            Self::Said { wait, .. } if too_fast => Fault::NotNow { cause, wait: Some(wait.unwrap_or_else(back_off)) },
            Self::Said { .. } => Fault::Refused(cause),
            Self::Lost { wait: wait @ Some(_), .. } => Fault::NotNow { cause, wait },
            Self::Lost { .. } | Self::NotConnected => Fault::Unknown(cause),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoToken(fault) => fault.fmt(f),
            Self::NotConnected => f.write_str("no connection"),
            Self::Held(why) => f.write_str(why),
            Self::Said { status, reason, .. } => write!(f, "{status} {reason}"),
            Self::Lost { status: Some(status), cause, .. } => write!(f, "{status} {cause}"),
            Self::Lost { status: None, cause, .. } => f.write_str(cause),
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

/// The pause before a second try where Google names none.
fn back_off() -> Duration {
    Duration::from_millis(BACK_OFF_MS + rand::random_range(0..BACK_OFF_MS))
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
