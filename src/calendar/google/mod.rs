//! Google Calendar through google-calendar3, whose types and chrono end in this folder. It asks and tells; it never
//! decides what a booking does, and never repeats a call but once after a rejected token.

mod breaker;
mod free_busy;
pub mod line;
mod list;
mod pace;
mod read;
pub mod retry_after;
mod wire;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use google_calendar3::common::{Body, Client};
use tokio::time::MissedTickBehavior;
use url::Url;

use super::auth::Tokens;
use super::cache::Cache;
use super::{Fault, Place};
use crate::clock::Clock;
use crate::config::{self, Scoped};
use crate::names::{CalendarId, Slug};
use crate::store::Store;
use line::Line;
use pace::{Pace, Paces};

/// How often the tokens' remaining time is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Google's own name for the calendar of whoever asks.
const PRIMARY: &str = "primary";

/// The calendars of all businesses at Google; clones share everything.
#[derive(Clone, Debug)]
pub struct Google(Arc<Accounts>);

struct Accounts {
    client: Client<Line>,
    shared: Option<Account>,
    own: BTreeMap<Slug, Account>,
    chosen: RwLock<BTreeMap<(Slug, String), CalendarId>>,
    known: Cache,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("shared", &self.shared).field("own", &self.own).finish_non_exhaustive()
    }
}

/// Whose tokens open a business's calendars, and where they are asked for.
#[derive(Clone, Debug)]
struct Account {
    tokens: Tokens,
    /// Ends in a slash.
    calendar_url: String,
    pace: Arc<Pace>,
}

impl Google {
    /// One account per business that has `GOOGLE_*` settings of its own, and one for all others. Files are read and
    /// checked now; connections are made with the first call, on the runtime of that call.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn new(
        settings: &Scoped<config::Google>,
        businesses: impl Iterator<Item = Slug>,
        clock: &Clock,
        store: &Store,
        known: Cache,
    ) -> Result<Self, String> {
        let line = Line::new()?;
        let paces = Paces::new(clock.clone(), store.clone());
        let token_client = line.client::<String>();
        let open = |settings: &config::Google| {
            let tokens = Tokens::open(settings, token_client.clone(), clock.clone())?;
            let pace = paces.of(tokens.address());
            Ok(Account { tokens, calendar_url: checked(&settings.calendar_url)?, pace })
        };
        let mut own = BTreeMap::new();
        for (business, settings) in settings.own() {
            let account = open(settings).map_err(|problem: String| format!("for the business {business}: {problem}"))?;
            own.insert(business.clone(), account);
        }
        let everyone = settings.everyone();
        let somebody_shares = businesses.into_iter().any(|business| !own.contains_key(&business));
        let shared = (somebody_shares || everyone.credentials.is_some()).then(|| open(everyone)).transpose()?;
        Ok(Self(Arc::new(Accounts { client: line.client::<Body>(), shared, own, chosen: RwLock::default(), known })))
    }

    /// What was seen of the calendars a moment ago.
    pub(super) fn known(&self) -> &Cache {
        &self.0.known
    }

    /// Keeps every account's token fresh, for ever: renewed in the background from 5 minutes before its end.
    pub async fn keep_tokens_fresh(self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for account in self.0.own.values().chain(&self.0.shared) {
                account.tokens.keep_fresh();
            }
        }
    }

    /// What two bookings must share to collide: `google:` and the calendar's id, lower-case, with `primary` resolved to the
    /// address of the user that the account acts for.
    #[must_use]
    pub fn claim_key(&self, place: &Place) -> String {
        let named = place.calendar.as_str();
        let calendar = match self.account(&place.business) {
            Ok(account) if named == PRIMARY => account.tokens.address().to_owned(),
            _ => named.to_lowercase(),
        };
        format!("google:{calendar}")
    }

    /// The calendar that the owner chose for this technician.
    #[must_use]
    pub fn chosen(&self, business: &Slug, technician: &str) -> Option<CalendarId> {
        let chosen = self.0.chosen.read().unwrap_or_else(PoisonError::into_inner);
        chosen.get(&(business.clone(), technician.to_owned())).cloned()
    }

    fn account(&self, business: &Slug) -> Result<&Account, Fault> {
        let account = self.0.own.get(business).or(self.0.shared.as_ref());
        account.ok_or_else(|| Fault::Refused("no Google account is set up for this business".into()))
    }
}

fn checked(url: &Url) -> Result<String, String> {
    let safe = line::is_private(url.scheme(), url.host_str().unwrap_or_default()) && url.path().ends_with('/');
    safe.then(|| url.to_string())
        .ok_or(format!("GOOGLE_CALENDAR_URL ({url}) is not an https address (or on this machine) that ends in a slash"))
}
