//! Who may do what at the fake Google: bearers, scopes, and the calendars shared with an account. It changes nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::google_calls::CALLS;
use super::wire::{Answer, Request};

/// What every scope's address begins with.
const SCOPES: &str = "https://www.googleapis.com/auth/";

/// An access token that was handed out.
#[derive(Clone, Debug)]
pub struct Token {
    pub until: OffsetDateTime,
    /// The user that is acted for, or the service account itself.
    pub who: String,
    /// Full scope addresses.
    pub scopes: BTreeSet<String>,
    /// A service account that acts for nobody: it may not invite anyone.
    pub alone: bool,
    /// The program that a user let act; it loses the token with the grant.
    pub client: Option<String>,
}

/// What an account may do with a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Reader,
    Writer,
    Owner,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }

    pub fn read(name: &str) -> Option<Self> {
        [Self::Reader, Self::Writer, Self::Owner].into_iter().find(|role| role.name() == name)
    }
}

/// The full address of a scope given by its end, such as `calendar.events`.
pub fn scope(end: &str) -> String {
    format!("{SCOPES}{end}")
}

/// The end of a scope's address.
pub fn end_of(scope: &str) -> &str {
    scope.strip_prefix(SCOPES).unwrap_or(scope)
}

/// Whether some call of the fake accepts it.
pub fn is_known(scope: &str) -> bool {
    scope.strip_prefix(SCOPES).is_some_and(|end| CALLS.iter().any(|call| accepted(call).contains(&end)))
}

/// The scopes that a call accepts, by the discovery document.
fn accepted(call: &str) -> &'static [&'static str] {
    match call {
        "freebusy.query" => &["calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy"],
        "events.insert" | "events.patch" | "events.update" | "events.delete" => {
            &["calendar", "calendar.events", "calendar.events.owned", "calendar.app.created"]
        }
        "events.get" | "events.list" | "events.sync" | "events.watch" => &[
            "calendar",
            "calendar.events",
            "calendar.events.owned",
            "calendar.app.created",
            "calendar.readonly",
            "calendar.events.readonly",
            "calendar.events.owned.readonly",
            "calendar.events.freebusy",
            "calendar.events.public.readonly",
        ],
        "calendarList.list" => &["calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly"],
        "calendars.get" => {
            &["calendar", "calendar.readonly", "calendar.calendars", "calendar.calendars.readonly", "calendar.app.created"]
        }
        // Whatever can open a channel, of events or of anything else.
        "channels.stop" => &[
            "calendar",
            "calendar.acls",
            "calendar.acls.readonly",
            "calendar.app.created",
            "calendar.calendarlist",
            "calendar.calendarlist.readonly",
            "calendar.events",
            "calendar.events.freebusy",
            "calendar.events.owned",
            "calendar.events.owned.readonly",
            "calendar.events.public.readonly",
            "calendar.events.readonly",
            "calendar.readonly",
            "calendar.settings.readonly",
        ],
        _ => &[],
    }
}

impl Token {
    pub fn may(&self, call: &str) -> bool {
        accepted(call).iter().any(|end| self.scopes.contains(&scope(end)))
    }
}

/// The bearer of a request if it is one of ours and alive.
pub fn alive<'a>(
    tokens: &'a std::collections::BTreeMap<String, Token>,
    request: &Request,
    now: OffsetDateTime,
) -> Option<&'a Token> {
    tokens.get(request.bearer()?).filter(|token| now < token.until)
}

/// Calendar v3's error envelope.
pub fn error(code: u16, reason: &str, message: &str) -> Answer {
    let domain = match reason {
        "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded" | "accessNotConfigured" => "usageLimits",
        _ => "global",
    };
    let one = json!({"domain": domain, "reason": reason, "message": message});
    let answer = Answer::json(code, &json!({"error": {"code": code, "message": message, "errors": [one]}}));
    if code == 401 {
        answer.with_header("www-authenticate", "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"")
    } else {
        answer
    }
}

/// The same with Google's own words for the reason.
pub fn refusal(code: u16, reason: &str) -> Answer {
    let message = match reason {
        "authError" => "Invalid Credentials",
        "insufficientPermissions" => return insufficient(),
        "rateLimitExceeded" => "Rate Limit Exceeded",
        "userRateLimitExceeded" => "User Rate Limit Exceeded",
        "quotaExceeded" => "Calendar usage limits exceeded.",
        "backendError" => "Backend Error",
        "forbidden" => "Forbidden",
        "forbiddenForServiceAccounts" => "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
        "notFound" => "Not Found",
        "duplicate" => "The requested identifier already exists.",
        "deleted" => "Resource has been deleted",
        "fullSyncRequired" => "Sync token is no longer valid, a full sync is required.",
        "updatedMinTooLongAgo" => "The requested minimum modification time lies too far in the past.",
        "channelIdNotUnique" => "Channel id not unique",
        "conditionNotMet" => "Precondition Failed",
        other => other,
    };
    error(code, reason, message)
}

/// Any other query parameter is answered 501, so that nothing is ignored by silence.
pub fn known_parameters(request: &Request, known: &[&str]) -> Result<(), Answer> {
    match request.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((unknown, _)) => Err(error(501, "notImplemented", &format!("the fake does not know {unknown}"))),
        None => Ok(()),
    }
}

fn insufficient() -> Answer {
    let detail = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domain": "googleapis.com"});
    error(403, "insufficientPermissions", "Insufficient Permission").altered(|body: &mut Value| {
        body["error"]["status"] = "PERMISSION_DENIED".into();
        body["error"]["details"] = json!([detail]);
    })
}
