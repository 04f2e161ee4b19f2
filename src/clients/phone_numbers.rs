//! Vapi's REST API for telephone numbers: `/phone-number` (docs.vapi.ai/api-reference/phone-numbers). Importing one rewrites
//! whom Twilio asks when it rings, so Twilio has to be told again afterwards. Nothing is repeated here.

use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::vapi::refusal;
use super::{Error, body, endpoint, lost};
use crate::config;
use crate::names::Phone;

/// The most that Vapi lists at once; nobody here has more.
const MOST: &str = "1000";

/// The numbers of one account at Vapi.
#[derive(Clone, Debug)]
pub struct PhoneNumbers {
    http: Client,
    api_url: Url,
    key: SecretString,
}

/// A number as Vapi has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Imported {
    /// For `VAPI_PHONE_NUMBER_ID`.
    pub id: String,
    /// E.164; a SIP address has none.
    pub number: Option<String>,
    /// `twilio` for an imported one.
    #[serde(default)]
    pub provider: String,
}

impl PhoneNumbers {
    /// Those that the key of these settings opens.
    ///
    /// # Errors
    /// That there is no key.
    pub fn new(http: Client, vapi: &config::Vapi) -> Result<Self, Error> {
        let key = vapi.api_key.clone().ok_or(Error::Settings("VAPI_API_KEY is not set"))?;
        Ok(Self { http, api_url: vapi.api_url.clone(), key })
    }

    /// The number of this id; `None` when there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, id: &str) -> Result<Option<Imported>, Error> {
        let mut url = self.address()?;
        url.path_segments_mut().map_err(|()| Error::Settings("the base address cannot be used"))?.push(id);
        match self.ask(Method::GET, url, None).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// This number, if it was imported from Twilio already.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn find(&self, number: &Phone) -> Result<Option<Imported>, Error> {
        let mut url = self.address()?;
        url.query_pairs_mut().append_pair("limit", MOST);
        let all: Vec<Imported> = self.ask(Method::GET, url, None).await?;
        Ok(all.into_iter().find(|it| it.provider == "twilio" && it.number.as_deref() == Some(number.as_str())))
    }

    /// Imports it from Twilio; its SMS stay where they are.
    ///
    /// # Errors
    /// See [`Error`]; it may have been imported after `Unknown` and `Unusable`: then [`Self::find`] finds it.
    pub async fn import(&self, twilio: &config::Twilio, number: &Phone, name: &str) -> Result<Imported, Error> {
        let token = twilio.auth_tokens.first().ok_or(Error::Settings("TWILIO_AUTH_TOKEN is not set"))?.expose_secret();
        let fields = json!({
            "provider": "twilio", "number": number, "twilioAccountSid": twilio.account_sid, "twilioAuthToken": token,
            "name": name, "smsEnabled": false,
        });
        self.sent(Method::POST, self.address()?, Some(&fields), &[self.key.expose_secret(), token]).await
    }

    fn address(&self) -> Result<Url, Error> {
        endpoint(&self.api_url, "/phone-number")
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, url: Url, fields: Option<&Value>) -> Result<T, Error> {
        self.sent(method, url, fields, &[self.key.expose_secret()]).await
    }

    /// What must not be told of a refusal is in `secrets`.
    async fn sent<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        fields: Option<&Value>,
        secrets: &[&str],
    ) -> Result<T, Error> {
        let request = self.http.request(method, url).bearer_auth(self.key.expose_secret());
        let request = if let Some(fields) = fields { request.json(fields) } else { request };
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        let answer = body(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|_unreadable| Error::Unusable("no telephone number"));
        }
        if status.is_server_error() {
            return Err(Error::Unknown(format!("status {}", status.as_u16())));
        }
        Err(Error::Refused { status: status.as_u16(), reason: refusal(&answer, secrets) })
    }
}
