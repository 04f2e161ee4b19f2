//! Sync tokens of the fake Google's `events.list`: what has changed since, and which questions may be asked so. A token
//! belongs to one calendar and to the parameters of the listing that gave it.

use super::google::{Google, State};
use super::google_access as access;
use super::wire::{Answer, Request};

/// What a token cannot be combined with; a first listing with one of these gives no token either.
const FORBIDDEN: &[&str] =
    &["iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMax", "timeMin", "updatedMin"];

/// These say how an answer is written, not what is in it, or where it goes on.
const ASIDE: &[&str] = &["alt", "fields", "pageToken", "prettyPrint"];

/// Names and values, sorted.
pub(super) type Parameters = Vec<(String, String)>;

/// A token that was given.
#[derive(Clone, Debug)]
pub(super) struct SyncToken {
    calendar: String,
    asked: Parameters,
    /// Its holder knows all changes up to this number.
    known: u64,
    expired: bool,
}

impl Google {
    /// All sync tokens are too old from now on.
    pub fn expire_sync_tokens(&self) {
        self.state().sync_tokens.values_mut().for_each(|token| token.expired = true);
    }
}

impl State {
    /// Up to which change the asker knows this calendar, if a token says so.
    pub fn synced(&self, calendar: &str, request: &Request) -> Result<Option<u64>, Answer> {
        let Some(text) = request.param("syncToken") else { return Ok(None) };
        let token = self.sync_tokens.get(text).filter(|token| token.calendar == calendar);
        let token = token.ok_or_else(|| access::error(400, "invalid", "Invalid sync token value."))?;
        if token.expired {
            return Err(access::refusal(410, "fullSyncRequired"));
        }
        if token.asked != without_token(request) {
            let message = "Sync token cannot be used with parameters other than those of the first listing.";
            return Err(access::error(400, "invalid", message));
        }
        Ok(Some(token.known))
    }

    /// The token that the last page of this listing will carry.
    pub fn next_sync_token(&mut self, calendar: &str, request: &Request, known: u64) -> Option<String> {
        if FORBIDDEN.iter().any(|name| request.param(name).is_some()) {
            return None;
        }
        let text = format!("sync-{:08}=", self.next());
        let token = SyncToken { calendar: calendar.to_owned(), asked: without_token(request), known, expired: false };
        self.sync_tokens.insert(text.clone(), token);
        Some(text)
    }
}

/// Refuses what cannot stand beside a sync token. Deletions are always told, so not to want them is refused as well.
pub(super) fn check_combination(request: &Request) -> Result<(), Answer> {
    if request.param("syncToken").is_none() {
        return Ok(());
    }
    let forbidden = FORBIDDEN.iter().find(|name| request.param(name).is_some());
    let hides = request.param("showDeleted").is_some_and(|shows| shows != "true").then_some(&"showDeleted");
    match forbidden.or(hides) {
        Some(name) => Err(access::error(400, "invalid", &format!("Sync token cannot be used with the parameter {name}."))),
        None => Ok(()),
    }
}

/// All that says what is asked for.
pub(super) fn parameters(request: &Request) -> Parameters {
    let mut all: Parameters = request.query.iter().filter(|(name, _)| !ASIDE.contains(&name.as_str())).cloned().collect();
    all.sort();
    all
}

fn without_token(request: &Request) -> Parameters {
    let mut all = parameters(request);
    all.retain(|(name, _)| name != "syncToken");
    all
}
