//! Who stands on one consent: Google keeps one for each account and OAuth client, and ends it as a whole.

use super::Google;
use crate::names::Slug;
use crate::store;

impl Google {
    /// Whether a business, but for `leaving`, is connected with this account through the same OAuth client as `business`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consent_is_in_use(&self, business: &Slug, address: &str, leaving: Option<&Slug>) -> Result<bool, store::Error> {
        let client_of = |business: &Slug| self.oauth(business).map(|client| client.id().to_owned());
        let client = client_of(business);
        let accounts = self.0.store.google_accounts().await?;
        let stays = |other: &&Slug| Some(*other) != leaving && client_of(other) == client;
        let same = accounts.iter().filter(|account| account.address.eq_ignore_ascii_case(address));
        Ok(same.map(|account| &account.business).any(|other| stays(&other)))
    }
}
