//! Giving an access back to Google that could not be given back when its owner left.

use super::{Done, Outbox};
use crate::names::Slug;
use crate::store;
use crate::vault::Purpose;

impl Outbox {
    pub(super) async fn give_back(&self, business: &Slug, address: &str, sealed: &str) -> Result<Done, store::Error> {
        let client = self.google.as_ref().and_then(|google| Some((google, google.oauth(business)?)));
        let Some((google, oauth)) = client else {
            return Ok(Done::Never("its business has no OAuth client any more".into()));
        };
        // Revoking one token ends the whole consent, also the one that has been given since.
        if google.consent_is_in_use(business, address, None).await? {
            tracing::info!(business = %business, "a disconnected account is connected again, so its access is not given back");
            return Ok(Done::Well);
        }
        let token = match self.settings.vault.open(Purpose::RefreshToken, business, sealed) {
            Ok(token) => token,
            Err(error) => return Ok(Done::Never(error.to_string())),
        };
        Ok(match oauth.revoke(&token).await {
            Ok(()) => Done::Well,
            Err(error) => Done::NotYet(error.to_string()),
        })
    }
}
