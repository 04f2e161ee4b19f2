//! Twilio's REST API: sending an SMS. Twilio has no idempotency key, so what might have been sent is never sent again.

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Error, body, endpoint, lost};
use crate::config;
use crate::names::Phone;

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

    /// Deletes a recording. One that is gone already is no failure.
    ///
    /// # Errors
    /// See [`Error`]; it may be repeated after each of them.
    pub async fn delete_recording(&self, twilio: &config::Twilio, recording: &str) -> Result<(), Error> {
        let mut url = endpoint(&twilio.api_url, &format!("/2010-04-01/Accounts/{}/Recordings", twilio.account_sid))?;
        let path = url.path_segments_mut();
        path.map_err(|()| Error::Settings("the base address cannot be used"))?.push(&format!("{recording}.json"));
        let request = authorised(self.http.delete(url), twilio).ok_or(Error::Settings("TWILIO_AUTH_TOKEN is not set"))?;
        let response = request.send().await.map_err(|error| lost(&error))?;
        match response.status().as_u16() {
            200..=299 | 404 => Ok(()),
            status @ (429 | 500..) => Err(Error::Unknown(format!("status {status}"))),
            status => Err(Error::Refused { status, reason: "the recording cannot be deleted".into() }),
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
