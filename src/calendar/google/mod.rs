//! Google Calendar through google-calendar3, whose types and chrono end in this folder. It asks and tells; it never
//! decides what a booking does, and never repeats a call but once after a rejected token.

mod breaker;
pub mod changes;
mod consent;
mod failure;
mod free_busy;
mod guarded;
pub mod line;
mod list;
mod owners;
mod pace;
mod picker;
mod read;
pub mod retry_after;
pub mod watch;
mod wire;
mod write;
mod zone;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use google_calendar3::common::{Body, Client};
use tokio::time::MissedTickBehavior;
use url::Url;

use super::auth::{Connected, ServiceAccount, Source, Tokens};
use super::cache::Cache;
use super::oauth::OauthClient;
use super::{Fault, Place};
use crate::clock::{Clock, Stopwatch};
use crate::config::{self, Scoped};
use crate::names::{CalendarId, Slug};
use crate::store::{self, Store};
use crate::vault::Vault;
use line::Line;
use owners::Owners;
use pace::Paces;
pub use picker::ListedCalendar;

/// How often the tokens' remaining time is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often the store is asked what owners connected and chose: another copy of the server may have seen to it.
const RELOAD: Duration = Duration::from_secs(5);
/// Google's own name for the calendar of whoever asks.
const PRIMARY: &str = "primary";

/// The calendars of all businesses at Google; clones share everything.
#[derive(Clone, Debug)]
pub struct Google(Arc<Accounts>);

struct Accounts {
    client: Client<Line>,
    store: Store,
    /// The service account for everybody.
    shared: Option<Account>,
    /// Service accounts of single businesses.
    own: BTreeMap<Slug, Account>,
    owners: Owners,
    /// What the owners chose: business and technician.
    chosen: RwLock<BTreeMap<(Slug, String), CalendarId>>,
    known: Cache,
    paces: Paces,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shared, own, owners, .. } = self;
        let connected = owners.all();
        f.debug_struct("Accounts")
            .field("shared", shared)
            .field("own", own)
            .field("connected", &connected)
            .finish_non_exhaustive()
    }
}

/// Whose tokens open a business's calendars, and where they are asked for.
#[derive(Clone, Debug)]
struct Account {
    tokens: Tokens,
    /// Ends in a slash.
    calendar_url: Arc<str>,
}

impl Account {
    fn new(source: Source, settings: &config::Google, clock: &Clock) -> Result<Self, String> {
        Ok(Self { tokens: Tokens::new(source, clock.clone()), calendar_url: checked(&settings.calendar_url)?.into() })
    }

    /// Whether an owner's consent stands behind it.
    fn is_connected(&self) -> bool {
        self.tokens.connected().is_some_and(|connected| connected.address().is_some())
    }
}

impl Google {
    /// A service account for everybody and for each business that has one of its own, and for each business with an OAuth
    /// client the account that its owner connects, which then goes before. Files are read and checked now; connections are
    /// made with the first call, on the runtime of that call. [`Google::reload`] belongs before the first call.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn new(
        settings: &Scoped<config::Google>,
        businesses: impl Iterator<Item = Slug>,
        store: &Store,
        vault: &Arc<Vault>,
        clock: &Clock,
        known: Cache,
    ) -> Result<Self, String> {
        let line = Line::new()?;
        let token_client = line.client::<String>();
        let service = |settings: &config::Google| {
            let source = Source::Service(Box::new(ServiceAccount::open(settings, token_client.clone())?));
            Account::new(source, settings, clock)
        };
        let mut own = BTreeMap::new();
        for (business, settings) in settings.own().filter(|(_, settings)| settings.credentials.is_some()) {
            let account = service(settings).map_err(|problem: String| format!("for the business {business}: {problem}"))?;
            own.insert(business.clone(), account);
        }
        let everyone = settings.everyone();
        let shared = everyone.credentials.is_some().then(|| service(everyone)).transpose()?;
        let owners = Owners {
            settings: settings.clone(),
            http: token_client.clone(),
            store: store.clone(),
            vault: Arc::clone(vault),
            clock: clock.clone(),
            accounts: RwLock::default(),
        };
        owners.welcome(businesses)?;
        let (client, store, paces) = (line.client::<Body>(), store.clone(), Paces::new(clock.clone(), store.clone()));
        Ok(Self(Arc::new(Accounts { client, store, shared, own, owners, chosen: RwLock::default(), known, paces })))
    }

    /// What was seen of the calendars a moment ago.
    pub(super) fn known(&self) -> &Cache {
        &self.0.known
    }

    /// Keeps every account's token fresh, for ever: renewed in the background from 5 minutes before its end. Takes note of
    /// what owners connect and choose elsewhere, and of the `businesses` that there are now.
    pub async fn keep_fresh<All: Iterator<Item = Slug>>(self, businesses: impl Fn() -> All) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reloaded = Stopwatch::start();
        loop {
            tick.tick().await;
            if reloaded.elapsed() >= RELOAD {
                reloaded = Stopwatch::start();
                if let Err(problem) = self.welcome(businesses()) {
                    tracing::error!(problem, "the owner of a new business cannot connect a Google account");
                }
                if let Err(error) = self.reload().await {
                    tracing::error!(%error, "the connected accounts could not be read");
                }
            }
            let connected = self.0.owners.all();
            let accounts = self.0.own.values().chain(&self.0.shared).chain(connected.iter().map(|(_, account)| account));
            for account in accounts.filter(|account| account.tokens.is_of_use()) {
                account.tokens.keep_fresh();
            }
        }
    }

    /// Tells the other copies of the server which calendars changed, and hears it from them, for ever.
    pub async fn keep_told(self) {
        self.0.known.keep_told(&self.0.store).await;
    }

    /// Reads from the store which accounts are connected and which calendars were chosen.
    ///
    /// # Errors
    /// When the database fails: then everything stays as it was known.
    pub async fn reload(&self) -> Result<(), store::Error> {
        let accounts = self.0.owners.all();
        if accounts.is_empty() {
            return Ok(());
        }
        let rows = self.0.store.google_accounts().await?;
        let chosen = self.0.store.chosen_calendars().await?;
        for (business, account) in &accounts {
            let Some(connected) = account.tokens.connected() else { continue };
            let row = rows.iter().find(|row| row.business == *business);
            if connected.note(row) {
                account.tokens.forget();
            }
            if let Some(row) = row {
                connected.reseal(row).await?;
            }
        }
        let chosen = chosen.into_iter().map(|(business, technician, calendar)| ((business, technician), calendar)).collect();
        *self.0.chosen.write().unwrap_or_else(PoisonError::into_inner) = chosen;
        Ok(())
    }

    /// From now on the owners of these can connect an account, too.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn welcome(&self, businesses: impl Iterator<Item = Slug>) -> Result<(), String> {
        self.0.owners.welcome(businesses)
    }

    /// Whether the last call for this business brought an answer, and not long ago.
    #[must_use]
    pub fn answers_well(&self, business: &Slug) -> bool {
        self.account(business).is_ok_and(|account| self.0.paces.of(&account.tokens).answers_well())
    }

    /// The OAuth client with which the owner of this business connects an account.
    #[must_use]
    pub fn oauth(&self, business: &Slug) -> Option<OauthClient> {
        self.0.owners.of(business)?.tokens.connected().map(Connected::client).cloned()
    }

    /// What two bookings must share to collide: `google:` and the calendar's id, lower-case, with `primary` resolved to the
    /// address of the account or of the user that it acts for.
    #[must_use]
    pub fn claim_key(&self, place: &Place) -> String {
        let named = place.calendar.as_str();
        let calendar = match self.account(&place.business) {
            Ok(account) if named == PRIMARY => {
                account.tokens.address().unwrap_or_else(|| format!("{PRIMARY} of {}", place.business))
            }
            _ => named.to_lowercase(),
        };
        format!("google:{calendar}")
    }

    /// What is to be done before an owner can choose calendars at all; `None` when an account is connected.
    #[must_use]
    pub fn unconnected(&self, business: &Slug) -> Option<String> {
        let account = self.0.owners.of(business).filter(|account| !account.is_connected())?;
        Some(account.tokens.connected()?.refusal("no Google account is connected yet"))
    }

    /// The calendar that the owner chose for this technician.
    #[must_use]
    pub fn chosen(&self, business: &Slug, technician: &str) -> Option<CalendarId> {
        let chosen = self.0.chosen.read().unwrap_or_else(PoisonError::into_inner);
        chosen.get(&(business.clone(), technician.to_owned())).cloned()
    }

    fn account(&self, business: &Slug) -> Result<Account, Fault> {
        self.account_and_owner(business).map(|(account, _)| account)
    }

    /// The account that opens this business's calendars, and the business that it is of; `None` for everybody's.
    fn account_and_owner<'a>(&self, business: &'a Slug) -> Result<(Account, Option<&'a Slug>), Fault> {
        let Accounts { shared, own, owners, .. } = &*self.0;
        let connected = owners.of(business);
        let agreed = connected.clone().filter(Account::is_connected);
        let named = agreed.or_else(|| own.get(business).cloned()).map(|account| (account, Some(business)));
        let found = named.or_else(|| shared.clone().map(|account| (account, None)));
        // Not connected yet: it says so when it is asked.
        let found = found.or_else(|| connected.map(|account| (account, Some(business))));
        found.ok_or_else(|| Fault::Refused("no Google account is set up for this business".into()))
    }
}

fn checked(url: &Url) -> Result<String, String> {
    let safe = line::is_private(url.scheme(), url.host_str().unwrap_or_default()) && url.path().ends_with('/');
    safe.then(|| url.to_string())
        .ok_or(format!("GOOGLE_CALENDAR_URL ({url}) is not an https address (or on this machine) that ends in a slash"))
}
