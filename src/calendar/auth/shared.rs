//! One refresh for all copies of the server: the first to need a token gets it and lays it down, sealed; the others wait a moment
//! and take it from there. Who gets it may die, and Google does not mind being asked twice: so nobody waits for long.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::connected::Connected;
use super::{EARLY, Minted};
use crate::clock::Stopwatch;
use crate::store;
use crate::store::accounts::AccountRow;
use crate::vault::Purpose;

/// How long another copy is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How often it is looked whether it has laid down a token.
const LOOK: Duration = Duration::from_millis(100);

impl Connected {
    /// A token that another copy has got, other than `rejected`, and not about to end; `None` when this copy is to get one.
    pub(super) async fn laid_down(
        &self,
        account: &AccountRow,
        rejected: Option<&SecretString>,
    ) -> Result<Option<Minted>, store::Error> {
        let mut waiting: Option<(String, Stopwatch)> = None;
        while let Some(access) = self.store.shared_access(account).await? {
            if let Some((sealed, until)) = access.token
                && let Ok(bearer) = self.vault.open(Purpose::AccessToken, &self.business, &sealed)
                && rejected.is_none_or(|rejected| rejected.expose_secret() != bearer.expose_secret())
            {
                let life = until - self.clock.now();
                if life > EARLY {
                    return Ok(Some(Minted { bearer, life: Some(life) }));
                }
            }
            let has_waited = waiting.as_ref().is_some_and(|(who, since)| *who == access.refresher && since.elapsed() >= PATIENCE);
            let is_free = access.refresher.is_empty() || access.refresher == self.copy || has_waited;
            if is_free && self.store.claim_refresh(account, &access.refresher, &self.copy).await? {
                return Ok(None);
            }
            if waiting.as_ref().is_none_or(|(who, _)| *who != access.refresher) {
                waiting = Some((access.refresher, Stopwatch::start()));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Lays a token down for the other copies that was `asked` for then; `None` tells them that none came.
    pub(super) async fn lay_down(&self, account: &AccountRow, minted: Option<&Minted>, asked: OffsetDateTime) {
        let access = minted.and_then(|minted| {
            let sealed = self.vault.seal(Purpose::AccessToken, &self.business, &minted.bearer).ok()?;
            Some((sealed, asked + minted.life?))
        });
        let access = access.as_ref().map(|(sealed, until)| (sealed.as_str(), *until));
        if let Err(error) = self.store.share_access(account, access, &self.copy).await {
            tracing::error!(business = %self.business, %error, "an access token could not be shared with other copies of the server");
        }
    }
}
