//! What Twilio says of an account, and of the messages that it sent lately. Nothing is changed.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::{Error, endpoint};
use super::numbers::answered;
use super::{NO_CREDENTIALS, Twilio, authorised};
use crate::config;
use crate::names::Phone;

/// How many messages are looked back at.
const MESSAGES: &str = "50";

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// It may only be called from, and send to, numbers that were verified first, and callers hear an announcement.
    pub is_trial: bool,
    /// `active`, `suspended` or `closed`.
    pub status: String,
}

impl Twilio {
    /// The account, asked with this auth token: an API key may not read it. So this also says whether the token, by which
    /// webhooks are proven, is the account's.
    ///
    /// # Errors
    /// See [`Error`]; `Refused` with 401 when it is not.
    pub async fn account(&self, twilio: &config::Twilio, token: &SecretString) -> Result<Account, Error> {
        let url = endpoint(&twilio.api_url, &format!("/2010-04-01/Accounts/{}.json", twilio.account_sid))?;
        let request = self.http.get(url).basic_auth(&twilio.account_sid, Some(token.expose_secret()));
        let account: Wire = answered(Some(request)).await?;
        Ok(Account { is_trial: account.kind.eq_ignore_ascii_case("trial"), status: account.status })
    }

    /// The codes (Twilio's error dictionary) with which messages from this number failed lately, each once, sorted.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn failures_from(&self, twilio: &config::Twilio, from: &Phone) -> Result<Vec<u32>, Error> {
        let url = endpoint(&twilio.api_url, &format!("/2010-04-01/Accounts/{}/Messages.json", twilio.account_sid))?;
        let request = self.http.get(url).query(&[("From", from.as_str()), ("PageSize", MESSAGES)]);
        let page: Page = answered(Some(authorised(request, twilio).ok_or(Error::Settings(NO_CREDENTIALS))?)).await?;
        let mut codes: Vec<u32> = page.messages.into_iter().filter_map(|message| message.error_code).collect();
        codes.sort_unstable();
        codes.dedup();
        Ok(codes)
    }
}

/// The account, as far as it matters here.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type", default)]
    kind: String,
    status: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    error_code: Option<u32>,
}
