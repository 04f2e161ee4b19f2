//! Twilio's REST API: sending an SMS and asking what became of it, redirecting a call that is running, deleting a recording.
//! Twilio has no idempotency key, so what might have been done is never done again here.

pub mod account;
pub mod numbers;

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use super::{Error, body, endpoint, lost};
use crate::config;
use crate::names::{CallSid, Phone};

/// Twilio refuses longer ones (21617). Counted as it is sent: a letter beyond the first 65,536 counts twice.
const MAX_SMS_UNITS: usize = 1_600;

/// Twilio's code for missing credentials, used here when they are missing already in our settings.
const NO_PERMISSION: u32 = 20_003;

/// The same in words.
const NO_CREDENTIALS: &str = "TWILIO_AUTH_TOKEN is not set";

/// Why an SMS is not known to be on its way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// Certainly not sent; a later try is right.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Twilio will not send it, now or later.
    #[error("Twilio refused with code {code}")]
    Refused {
        /// From Twilio's error dictionary, or the HTTP status where there is none.
        code: u32,
    },
    /// It may have been sent: trying again could tell somebody twice.
    #[error("it is not known whether it was sent: {0}")]
    Uncertain(String),
}

/// What Twilio says of a message that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It arrived.
    Arrived,
    /// It did not, with the code of Twilio's error dictionary; 0 where there is none.
    Failed {
        /// From Twilio's error dictionary.
        code: u32,
    },
    /// Nothing more is known: it is on its way, or its network never says.
    Open,
}

/// Twilio's REST API.
#[derive(Clone, Debug)]
pub struct Twilio {
    http: Client,
}

impl Twilio {
    /// With the program's HTTP client.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// Sends `text` to `to`, from the messaging service where one is set, otherwise from `from`; returns Twilio's name of the
    /// message, if its answer can be read. What is longer than 1,600 characters is cut.
    ///
    /// # Errors
    /// [`SmsError`], which says whether another try is right.
    #[tracing::instrument(level = "debug", name = "twilio.send_sms", skip_all)]
    pub async fn send_sms(
        &self,
        twilio: &config::Twilio,
        from: &Phone,
        to: &Phone,
        text: &str,
    ) -> Result<Option<String>, SmsError> {
        let text = in_plain_letters(text);
        let sender = match &twilio.messaging_service_sid {
            Some(service) => ("MessagingServiceSid", service.as_str()),
            None => ("From", from.as_str()),
        };
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", twilio.account_sid);
        let url = endpoint(&twilio.api_url, &path).map_err(|error| SmsError::NotSent(error.to_string()))?;
        let request = authorised(self.http.post(url), twilio).ok_or(SmsError::Refused { code: NO_PERMISSION })?;
        let response = request.form(&[("To", to.as_str()), sender, ("Body", &text)]).send().await;
        let response = response.map_err(|error| match lost(&error) {
            Error::NotSent(reason) => SmsError::NotSent(reason),
            other => SmsError::Uncertain(other.to_string()),
        })?;
        match response.status().as_u16() {
            // It is on its way, whatever the rest of the answer says.
            200..=299 => Ok(body(response).await.ok().and_then(|answer| serde_json::from_slice::<Taken>(&answer).ok()?.sid)),
            // Turned away before anything was looked at.
            status @ (429 | 503) => Err(SmsError::NotSent(format!("status {status}"))),
            status @ 500..=599 => Err(SmsError::Uncertain(format!("status {status}"))),
            status => {
                Err(SmsError::Refused { code: code(&body(response).await.unwrap_or_default()).unwrap_or(u32::from(status)) })
            }
        }
    }

    /// What became of a message that Twilio took under this name.
    ///
    /// # Errors
    /// See [`Error`]: then it is not known.
    #[tracing::instrument(level = "debug", name = "twilio.delivery", skip_all)]
    pub async fn delivery(&self, twilio: &config::Twilio, sid: &str) -> Result<Delivery, Error> {
        let url = resource(twilio, "Messages", sid)?;
        let request = authorised(self.http.get(url), twilio).ok_or(Error::Settings(NO_CREDENTIALS))?;
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status.as_u16()));
        }
        let message: Message =
            serde_json::from_slice(&body(response).await?).map_err(|_unreadable| Error::Unusable("a message"))?;
        Ok(match message.status.as_str() {
            "delivered" | "read" => Delivery::Arrived,
            "failed" | "undelivered" | "canceled" => Delivery::Failed { code: message.error_code.unwrap_or(0) },
            _ => Delivery::Open,
        })
    }

    /// Deletes a recording, its audio included. One that is not there any more is deleted.
    ///
    /// # Errors
    /// See [`Error`]: then it may still be there.
    #[tracing::instrument(level = "debug", name = "twilio.delete_recording", skip_all)]
    pub async fn delete_recording(&self, twilio: &config::Twilio, sid: &str) -> Result<(), Error> {
        let url = resource(twilio, "Recordings", sid)?;
        let request = authorised(self.http.delete(url), twilio).ok_or(Error::Settings(NO_CREDENTIALS))?;
        let response = request.send().await.map_err(|error| lost(&error))?;
        match response.status().as_u16() {
            200..=299 | 404 => Ok(()),
            status => Err(refused(status)),
        }
    }

    /// Has this TwiML followed from now on in a call that is running, within `limit`: whatever it was connected to ends.
    ///
    /// # Errors
    /// See [`Error`]: after `Unknown` it may have been done; `Refused` is also the answer for a call that is over (21220).
    #[tracing::instrument(level = "debug", name = "twilio.redirect_call", skip_all)]
    pub async fn redirect_call(&self, twilio: &config::Twilio, sid: &CallSid, twiml: &str, limit: Duration) -> Result<(), Error> {
        // It comes out of a signed form, but it becomes a path: whatever is no name of a call is not asked for.
        if !sid.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Error::Settings("that is no name of a call at Twilio"));
        }
        let path = format!("/2010-04-01/Accounts/{}/Calls/{sid}.json", twilio.account_sid);
        let url = endpoint(&twilio.api_url, &path)?;
        let request = authorised(self.http.post(url), twilio).ok_or(Error::Settings("there is no token for Twilio"))?;
        let sent = request.form(&[("Twiml", twiml)]).timeout(limit).send().await;
        let response = sent.map_err(|error| lost(&error))?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            // Turned away before anything was looked at.
            status @ (429 | 503) => Err(Error::NotSent(format!("status {status}"))),
            status @ 500..=599 => Err(Error::Unknown(format!("status {status}"))),
            status => {
                let code = code(&body(response).await.unwrap_or_default()).unwrap_or(u32::from(status));
                Err(Error::Refused { status, reason: format!("Twilio's code {code}") })
            }
        }
    }
}

/// The address of one thing of the account.
fn resource(twilio: &config::Twilio, kind: &str, sid: &str) -> Result<Url, Error> {
    // A name comes from a webhook or an answer: nothing in it may lead to another address.
    if sid.is_empty() || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::Unusable("a name of Twilio's"));
    }
    endpoint(&twilio.api_url, &format!("/2010-04-01/Accounts/{}/{kind}/{sid}.json", twilio.account_sid))
}

fn refused(status: u16) -> Error {
    Error::Refused { status, reason: String::new() }
}

/// On one line, in the letters that an SMS can carry cheaply where these say the same: one curly quote makes a message cost
/// twice as much. Names keep their own letters.
fn in_plain_letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut units = 0;
    for letter in text.chars() {
        let mut own = [0; 4];
        let written = match letter {
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '`' | '\u{b4}' => "'",
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2033}' => "\"",
            '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
            '\u{2026}' => "...",
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\t' | '\n' | '\r' => " ",
            other if other.is_control() || matches!(other, '\u{200b}'..='\u{200f}' | '\u{feff}') => continue,
            _ => &*letter.encode_utf8(&mut own),
        };
        units += written.encode_utf16().count();
        if units > MAX_SMS_UNITS {
            break;
        }
        plain.push_str(written);
    }
    plain
}

/// With the API key where there is one, otherwise with the account and its first token; `None` without either.
fn authorised(request: RequestBuilder, twilio: &config::Twilio) -> Option<RequestBuilder> {
    let (user, password) = match &twilio.api_key {
        Some((sid, secret)) => (sid, secret),
        None => (&twilio.account_sid, twilio.auth_tokens.first()?),
    };
    Some(request.basic_auth(user, Some(password.expose_secret())))
}

/// Twilio explains itself as `{code, message, more_info, status}`.
#[derive(Deserialize)]
struct Refusal {
    code: Option<u32>,
}

/// A message, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    status: String,
    error_code: Option<u32>,
}

/// The answer to a message that was taken.
#[derive(Deserialize)]
struct Taken {
    sid: Option<String>,
}

fn code(answer: &[u8]) -> Option<u32> {
    serde_json::from_slice::<Refusal>(answer).ok()?.code
}
