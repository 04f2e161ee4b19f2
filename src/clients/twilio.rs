//! Twilio's REST API: sending an SMS, and redirecting a call that is running. Twilio has no idempotency key, so what might have
//! been done is never done again here.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Error, body, endpoint, lost};
use crate::config;
use crate::names::{CallSid, Phone};

/// Twilio refuses longer ones (21617).
const MAX_SMS_CHARS: usize = 1_600;

/// Twilio's code for missing credentials, used here when they are missing already in our settings.
const NO_PERMISSION: u32 = 20_003;

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

    /// Sends `text` to `to`, from the messaging service where one is set, otherwise from `from`. What is longer than
    /// 1,600 characters is cut.
    ///
    /// # Errors
    /// [`SmsError`], which says whether another try is right.
    pub async fn send_sms(&self, twilio: &config::Twilio, from: &Phone, to: &Phone, text: &str) -> Result<(), SmsError> {
        let text: String = text.chars().take(MAX_SMS_CHARS).collect();
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
            200..=299 => Ok(()),
            // Turned away before anything was looked at.
            status @ (429 | 503) => Err(SmsError::NotSent(format!("status {status}"))),
            status @ 500..=599 => Err(SmsError::Uncertain(format!("status {status}"))),
            status => {
                Err(SmsError::Refused { code: code(&body(response).await.unwrap_or_default()).unwrap_or(u32::from(status)) })
            }
        }
    }

    /// Has this TwiML followed from now on in a call that is running, within `limit`: whatever it was connected to ends.
    ///
    /// # Errors
    /// See [`Error`]: after `Unknown` it may have been done; `Refused` is also the answer for a call that is over (21220).
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

fn code(answer: &[u8]) -> Option<u32> {
    serde_json::from_slice::<Refusal>(answer).ok()?.code
}
