//! What is counted and timed for `METRICS_BIND`: all names and labels in one place. A label is a business, a word of ours or a
//! word that is known here: never anything that a caller or a counterpart sends. Where nobody installed the page, counting costs
//! next to nothing.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use crate::names::Slug;

const CALLS: &str = "ringbook_calls_total";
const TOOLS: &str = "ringbook_tool_seconds";
const GOOGLE: &str = "ringbook_google_seconds";
const GOOGLE_REQUESTS: &str = "ringbook_google_requests_total";
const BOOKINGS: &str = "ringbook_bookings_total";
const FALLBACKS: &str = "ringbook_fallback_total";
const ACCOUNT_OK: &str = "ringbook_account_ok";
const JOBS_WAITING: &str = "ringbook_jobs_waiting";

/// In seconds, close together where a caller notices: an answer of ours is good within one, and must be out within four.
const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0];

/// Google's reasons that are told apart (developers.google.com/workspace/calendar/api/guides/errors, 2026).
const REASONS: [&str; 24] = [
    "authError",
    "backendError",
    "badRequest",
    "calendarUsageLimitsExceeded",
    "conditionNotMet",
    "dailyLimitExceeded",
    "deleted",
    "duplicate",
    "forbidden",
    "forbiddenForNonOrganizer",
    "fullSyncRequired",
    "insufficientPermissions",
    "internalError",
    "invalid",
    "notFound",
    "quotaExceeded",
    "rateLimitExceeded",
    "required",
    "requiredAccessLevel",
    "timeRangeEmpty",
    "updatedMinTooLongAgo",
    "userAccessDenied",
    "userRateLimitExceeded",
    "variableTermLimitExceeded",
];

/// The page that shows them. Clones show the same: the numbers are the process's.
#[derive(Clone)]
pub struct Page(PrometheusHandle);

static PAGE: OnceLock<Page> = OnceLock::new();

impl Page {
    /// Begins to count, once in a process.
    ///
    /// # Errors
    /// When somebody else counts already.
    pub fn install() -> Result<Self, BuildError> {
        if let Some(page) = PAGE.get() {
            return Ok(page.clone());
        }
        let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
        let page = Self(handle);
        describe();
        Ok(PAGE.get_or_init(|| page).clone())
    }

    /// In Prometheus's text format.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.render()
    }

    /// Takes in what was timed since the last look, which would otherwise gather where nobody looks.
    pub fn tidy_up(&self) {
        self.0.run_upkeep();
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page")
    }
}

fn describe() {
    metrics::describe_counter!(CALLS, "Calls that rang here, by whom they were given to first");
    metrics::describe_histogram!(TOOLS, "Answers to the assistant's tool calls, in seconds");
    metrics::describe_histogram!(GOOGLE, "Calls to Google Calendar, in seconds, waiting for a turn and a token included");
    metrics::describe_counter!(GOOGLE_REQUESTS, "Calls to Google Calendar, by what came of them");
    metrics::describe_counter!(BOOKINGS, "Bookings that came to rest, and their changes");
    metrics::describe_counter!(FALLBACKS, "Callers who got a person or the voicemail instead of the assistant, by why");
    metrics::describe_gauge!(ACCOUNT_OK, "1 where the business can book, 0 where its calendar or account is in the way");
    metrics::describe_gauge!(JOBS_WAITING, "Jobs that wait to be run, for their time included");
}

/// A call rang; `None` where no business has the number.
pub fn call(business: Option<&Slug>, outcome: &'static str) {
    let business = business.map_or_else(String::new, ToString::to_string);
    metrics::counter!(CALLS, "business" => business, "outcome" => outcome).increment(1);
}

/// A tool call was answered.
pub fn tool(name: &'static str, outcome: &'static str, took: Duration) {
    metrics::histogram!(TOOLS, "tool" => name, "outcome" => outcome).record(took.as_secs_f64());
}

/// A call to Google ended; a reason that is not known here is `other`.
pub fn google(method: &'static str, outcome: &'static str, reason: &str, took: Duration) {
    let known = REASONS.into_iter().find(|known| *known == reason);
    let reason = known.unwrap_or(match reason {
        "" => "ok",
        "no token" => "no_token",
        "no connection" => "no_connection",
        "held back" => "held_back",
        "no answer" => "no_answer",
        _ => "other",
    });
    metrics::histogram!(GOOGLE, "method" => method, "outcome" => outcome).record(took.as_secs_f64());
    metrics::counter!(GOOGLE_REQUESTS, "method" => method, "reason" => reason).increment(1);
}

/// A booking came to rest, or was changed.
pub fn booking(business: &Slug, outcome: &'static str) {
    metrics::counter!(BOOKINGS, "business" => business.to_string(), "outcome" => outcome).increment(1);
}

/// A caller got the fallback.
pub fn fallback(business: &Slug, cause: &'static str) {
    metrics::counter!(FALLBACKS, "business" => business.to_string(), "cause" => cause).increment(1);
}

/// Whether a business can book.
pub fn account_ok(business: &Slug, is_ok: bool) {
    metrics::gauge!(ACCOUNT_OK, "business" => business.to_string()).set(if is_ok { 1.0 } else { 0.0 });
}

/// How many jobs wait.
pub fn jobs_waiting(count: u32) {
    metrics::gauge!(JOBS_WAITING).set(count);
}
