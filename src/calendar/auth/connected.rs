//! An owner's account: the refresh token lies sealed in the store, which is the truth for every copy of the server. A token
//! that Google takes no more is noted there once, with whom to tell; nothing asks with it again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use uuid::Uuid;

use super::super::Fault;
use super::super::oauth::{OauthClient, OauthError};
use super::Minted;
use crate::clock::{Clock, epoch_ms};
use crate::names::Slug;
use crate::store::accounts::AccountRow;
use crate::store::jobs::Job;
use crate::store::{self, Store};
use crate::vault::{Purpose, SealError, Vault};

/// What a business's file calls it when its owner has to connect again.
const OCCASION: &str = "needs_reconnect";
/// How old a consent is when it ends that was given to an app whose publishing status is "Testing": seven days.
const TESTING: std::ops::RangeInclusive<time::Duration> = time::Duration::hours(7 * 24 - 2)..=time::Duration::hours(7 * 24 + 26);

/// The account that the owner of one business connected, if there is one.
pub struct Connected {
    pub(super) business: Slug,
    client: OauthClient,
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    /// Our name among the copies of the server.
    pub(super) copy: String,
    /// As the store had it last.
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    address: String,
    generation: i64,
    lost: bool,
}

impl Connected {
    /// The account of this business, which may come at any time. Nothing is sent.
    #[must_use]
    pub fn new(business: Slug, client: OauthClient, store: Store, vault: Arc<Vault>, clock: Clock) -> Self {
        let copy = Uuid::new_v4().simple().to_string();
        Self { business, client, store, vault, clock, copy, known: Mutex::default() }
    }

    /// Whose it is.
    #[must_use]
    pub fn business(&self) -> &Slug {
        &self.business
    }

    /// The OAuth client that connects it.
    #[must_use]
    pub fn client(&self) -> &OauthClient {
        &self.client
    }

    /// The id of its primary calendar, lower-case; `None` while nobody has connected.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        self.known().as_ref().map(|known| known.address.to_lowercase())
    }

    /// Whether there is a consent that Google still accepts, as far as is known.
    pub(super) fn is_of_use(&self) -> bool {
        self.known().as_ref().is_some_and(|known| !known.lost)
    }

    /// Takes note of what the store has; `true` when it is another consent than before.
    pub fn note(&self, row: Option<&AccountRow>) -> bool {
        let read =
            |row: &AccountRow| Known { address: row.address.clone(), generation: row.generation, lost: row.lost.is_some() };
        let mut known = self.known();
        let before = std::mem::replace(&mut *known, row.map(read));
        before.map(|known| known.generation) != known.as_ref().map(|known| known.generation)
    }

    /// Puts the token under the key that seals now, if it lies under an older one. What does not open stays as it is: whoever
    /// asks for a token hears of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal(&self, row: &AccountRow) -> Result<(), store::Error> {
        let Ok(Some(sealed)) = self.vault.reseal(Purpose::RefreshToken, &self.business, &row.refresh_token) else {
            return Ok(());
        };
        tracing::info!(business = %self.business, "the connection was sealed under the new ENCRYPTION_KEY");
        self.store.reseal_account(&self.business, &row.refresh_token, &sealed).await
    }

    /// An access token other than `rejected`: the one that another copy of the server has got, or else a new one.
    pub(super) async fn mint(&self, rejected: Option<&SecretString>) -> Result<Minted, Fault> {
        let row = self.store.google_account(&self.business).await.map_err(unknown)?;
        let row = row.ok_or_else(|| self.refused("no Google account is connected yet"))?;
        if let Some((because, _)) = &row.lost {
            return Err(self.lost(because));
        }
        if let Some(minted) = self.laid_down(&row, rejected).await.map_err(unknown)? {
            return Ok(minted);
        }
        let asked = self.clock.now();
        let minted = self.refresh(&row).await;
        self.lay_down(&row, minted.as_ref().ok(), asked).await;
        minted
    }

    async fn refresh(&self, row: &AccountRow) -> Result<Minted, Fault> {
        let token = self.vault.open(Purpose::RefreshToken, &self.business, &row.refresh_token).map_err(sealed)?;
        match self.client.refresh(&token).await {
            Ok(grant) => {
                let renewed = grant.refresh.map(|token| self.vault.seal(Purpose::RefreshToken, &self.business, &token));
                let renewed = renewed.transpose().map_err(sealed)?;
                let now = self.clock.now();
                let ends_at = grant.ends_in.map(|ends_in| now + ends_in);
                // The token in hand is good whether or not this is kept.
                if let Err(error) = self.store.note_refreshed(row, renewed.as_deref(), ends_at, now).await {
                    tracing::error!(business = %self.business, %error, "a refresh could not be noted");
                }
                Ok(Minted { bearer: grant.access, life: grant.lives.and_then(|lives| lives.try_into().ok()) })
            }
            Err(error) if error.is_final() => Err(self.lose(row, &error).await),
            Err(OauthError::Refused(code)) => Err(Fault::Refused(format!("token: {code}"))),
            Err(OauthError::Unknown(cause)) => Err(Fault::Unknown(format!("token: {cause}"))),
        }
    }

    /// Google takes the token no more, and never will: everybody who can mend it is told, once.
    async fn lose(&self, row: &AccountRow, error: &OauthError) -> Fault {
        let (business, now) = (&self.business, self.clock.now());
        let age = now - row.connected_at;
        let hint = if TESTING.contains(&age) {
            " It lasted seven days, as consents do while the app's publishing status at Google is \"Testing\": publish it, then connect again."
        } else {
            ""
        };
        let text = format!(
            "Google no longer accepts the connection of {business} ({error}), so nothing can be booked there.{hint} \
             `ringbook google login {business}` prints a link with which the owner connects it again."
        );
        let alert = Job::Alert { what: OCCASION.into(), business: Some(business.clone()), text, since_ms: epoch_ms(now) };
        let text = "ringbook has lost its connection to your Google Calendar, so callers cannot be booked. Please ask who runs \
                    ringbook for you for a new link, and connect it again."
            .to_owned();
        let notify = Job::Notify { business: business.clone(), occasion: OCCASION.into(), text };
        let key = format!("{OCCASION}/{business}/{}", row.generation);
        let tell = vec![(format!("alert/{key}"), alert), (format!("notify/{key}"), notify)];
        match self.store.lose_account(row, &error.to_string(), tell, now).await {
            Ok(true) => tracing::error!(%business, cause = %error, "the Google account is lost: it has to be connected again"),
            Ok(false) => {}
            Err(error) => tracing::error!(%business, %error, "that the Google account is lost could not be noted"),
        }
        if let Some(known) = self.known().as_mut().filter(|known| known.generation == row.generation) {
            known.lost = true;
        }
        self.lost(&error.to_string())
    }

    fn lost(&self, because: &str) -> Fault {
        self.refused(&format!("needs_reconnect: Google no longer accepts the connection ({because})"))
    }

    fn refused(&self, what: &str) -> Fault {
        Fault::Refused(self.refusal(what))
    }

    /// What is wrong, with the way to mend it.
    #[must_use]
    pub fn refusal(&self, what: &str) -> String {
        format!("{what}; `ringbook google login {}` prints a link to connect it", self.business)
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn unknown(error: store::Error) -> Fault {
    Fault::Unknown(error.to_string())
}

fn sealed(error: SealError) -> Fault {
    Fault::Refused(format!("the connection cannot be read: {error}"))
}
