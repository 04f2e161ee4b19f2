//! Why a call to Google brought nothing, and what that means for whoever asked.

use std::time::Duration;

use super::super::Fault;

/// The shortest pause after a limit of this second that names none, and how much more it may be.
const BACK_OFF_MS: u64 = 300;

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
    pub(super) fn lost(cause: &str) -> Self {
        Self::Lost { status: None, cause: cause.to_owned(), wait: None }
    }

    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Said { status, .. } => Some(*status),
            Self::Lost { status, .. } => *status,
            Self::NoToken(_) | Self::NotConnected | Self::Held(_) => None,
        }
    }

    /// For the numbers: what came of it in a word, and why.
    pub(super) fn in_words(&self) -> (&'static str, &str) {
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
    pub(super) fn is_spent_quota(&self) -> bool {
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

/// The pause before a second try where Google names none.
fn back_off() -> Duration {
    Duration::from_millis(BACK_OFF_MS + rand::random_range(0..BACK_OFF_MS))
}
