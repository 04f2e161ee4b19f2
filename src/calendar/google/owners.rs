//! The accounts that owners connect, or may connect: one for each business with an OAuth client. Businesses come while the server
//! runs; the account of one that is gone stays until the end, and nobody asks for it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hyper_util::client::legacy::Client;

use super::super::auth::{Connected, Source};
use super::super::oauth::OauthClient;
use super::Account;
use super::line::Line;
use crate::clock::Clock;
use crate::config::{self, Scoped};
use crate::names::Slug;
use crate::store::Store;
use crate::vault::Vault;

/// Makes them, and keeps them.
pub(super) struct Owners {
    pub settings: Scoped<config::Google>,
    pub http: Client<Line, String>,
    pub store: Store,
    pub vault: Arc<Vault>,
    pub clock: Clock,
    pub accounts: RwLock<BTreeMap<Slug, Account>>,
}

impl Owners {
    /// From now on the owners of these can connect, too.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn welcome(&self, businesses: impl Iterator<Item = Slug>) -> Result<(), String> {
        for business in businesses {
            if self.of(&business).is_some() {
                continue;
            }
            let settings = self.settings.of(&business);
            let Some(client) = OauthClient::new(settings, self.http.clone())? else { continue };
            let connected =
                Connected::new(business.clone(), client, self.store.clone(), Arc::clone(&self.vault), self.clock.clone());
            let account = Account::new(Source::Connected(Box::new(connected)), settings, &self.clock)?;
            self.accounts.write().unwrap_or_else(PoisonError::into_inner).entry(business).or_insert(account);
        }
        Ok(())
    }

    /// The account of this business.
    pub fn of(&self, business: &Slug) -> Option<Account> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(business).cloned()
    }

    /// All of them.
    pub fn all(&self) -> Vec<(Slug, Account)> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.iter().map(|(business, account)| (business.clone(), account.clone())).collect()
    }
}
