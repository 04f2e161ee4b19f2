//! The telephone numbers of an account: finding one, and saying whom Twilio asks when it rings. Setting the same again changes
//! nothing, so whatever fails here may be repeated.

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::{Error, body, endpoint, lost};
use super::{NO_CREDENTIALS, Twilio, authorised, code, resource};
use crate::config;
use crate::names::Phone;

/// The most pages of a list that are read: Twilio looks for the number itself, so one is the rule.
const MAX_PAGES: usize = 50;

/// What a resource of this kind is called in an address.
const KIND: &str = "IncomingPhoneNumbers";

/// An address that Twilio asks, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Empty when nobody is asked.
    pub url: String,
    /// `POST` or `GET`.
    pub method: String,
}

/// Whom Twilio asks when a number rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointing {
    /// What to do with a call.
    pub voice: Webhook,
    /// The same, when that gave no TwiML.
    pub fallback: Webhook,
    /// Who is told when a call has ended.
    pub status: Webhook,
}

/// A number of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Twilio's name of it, `PN…`.
    pub sid: String,
    /// Whom it asks.
    pub pointing: Pointing,
    /// A TwiML application, which goes before all of it. Setting one takes the trunk away.
    pub application: Option<String>,
    /// A SIP trunk, which goes before all of it. Setting one takes the application away.
    pub trunk: Option<String>,
    /// Whether it takes calls.
    pub takes_calls: bool,
    /// Whether SMS can be sent from it.
    pub sends_sms: bool,
}

impl Number {
    /// Whether it is as it would be made: asks these, and nothing goes before them.
    #[must_use]
    pub fn is_as(&self, wanted: &Pointing) -> bool {
        self.pointing == *wanted && self.application.is_none() && self.trunk.is_none()
    }
}

impl Twilio {
    /// The number of this account that is exactly this one; `None` when the account does not own it.
    ///
    /// # Errors
    /// See [`Error`]: then it is not known.
    pub async fn number(&self, twilio: &config::Twilio, number: &Phone) -> Result<Option<Number>, Error> {
        let own = format!("/2010-04-01/Accounts/{}/", twilio.account_sid);
        let first =
            self.http.get(endpoint(&twilio.api_url, &format!("{own}{KIND}.json"))?).query(&[("PhoneNumber", number.as_str())]);
        let mut page: Page = answered(authorised(first, twilio)).await?;
        for _ in 0..MAX_PAGES {
            // Twilio also finds numbers in which this one is contained.
            if let Some(found) = page.incoming_phone_numbers.into_iter().find(|found| found.phone_number == number.as_str()) {
                return Ok(Some(found.into()));
            }
            let Some(next) = page.next_page_uri else { return Ok(None) };
            // The credentials go to our account alone, whatever an answer says.
            if !next.starts_with(&own) {
                return Err(Error::Unusable("the address of a list's next page"));
            }
            page = answered(authorised(self.http.get(endpoint(&twilio.api_url, &next)?), twilio)).await?;
        }
        Err(Error::Unusable("a list without an end"))
    }

    /// The number of this name, as it is now.
    ///
    /// # Errors
    /// See [`Error`]: then it is not known.
    pub async fn number_again(&self, twilio: &config::Twilio, sid: &str) -> Result<Number, Error> {
        let request = self.http.get(resource(twilio, KIND, sid)?);
        answered::<Wire>(authorised(request, twilio)).await.map(Number::from)
    }

    /// Lets a number, which was seen as `now`, ask these from now on, and nothing go before them; returns it as Twilio then
    /// shows it.
    ///
    /// # Errors
    /// See [`Error`]: after `Unknown` it may have been done. To do it again is safe.
    pub async fn point_number(&self, twilio: &config::Twilio, now: &Number, wanted: &Pointing) -> Result<Number, Error> {
        let Pointing { voice, fallback, status } = wanted;
        let mut form = vec![
            ("VoiceUrl", voice.url.as_str()),
            ("VoiceMethod", &voice.method),
            ("VoiceFallbackUrl", &fallback.url),
            ("VoiceFallbackMethod", &fallback.method),
            ("StatusCallback", &status.url),
            ("StatusCallbackMethod", &status.method),
        ];
        // Each of the two is named only to be cleared: to set one takes the other away.
        form.extend(now.application.as_ref().map(|_| ("VoiceApplicationSid", "")));
        form.extend(now.trunk.as_ref().map(|_| ("TrunkSid", "")));
        let request = self.http.post(resource(twilio, KIND, &now.sid)?).form(&form);
        answered::<Wire>(authorised(request, twilio)).await.map(Number::from)
    }
}

/// What Twilio answers to a request; `None` is one that nobody could be authorised for.
pub(super) async fn answered<T: DeserializeOwned>(request: Option<RequestBuilder>) -> Result<T, Error> {
    let response = request.ok_or(Error::Settings(NO_CREDENTIALS))?.send().await.map_err(|error| lost(&error))?;
    match response.status().as_u16() {
        200..=299 => serde_json::from_slice(&body(response).await?).map_err(|_unreadable| Error::Unusable("a number")),
        status @ 500..=599 => Err(Error::Unknown(format!("status {status}"))),
        status => {
            let code = code(&body(response).await.unwrap_or_default());
            Err(Error::Refused { status, reason: code.map_or_else(String::new, |code| code.to_string()) })
        }
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct Page {
    incoming_phone_numbers: Vec<Wire>,
    next_page_uri: Option<String>,
}

/// A number, as far as it matters here; what is not set is null or empty.
#[derive(Deserialize)]
struct Wire {
    sid: String,
    phone_number: String,
    voice_url: Option<String>,
    voice_method: Option<String>,
    voice_fallback_url: Option<String>,
    voice_fallback_method: Option<String>,
    status_callback: Option<String>,
    status_callback_method: Option<String>,
    voice_application_sid: Option<String>,
    trunk_sid: Option<String>,
    capabilities: Option<Capabilities>,
}

/// What a number is good for; what is not said is taken to be so.
#[derive(Deserialize)]
struct Capabilities {
    voice: Option<bool>,
    sms: Option<bool>,
}

impl From<Wire> for Number {
    fn from(wire: Wire) -> Self {
        let webhook = |url: Option<String>, method: Option<String>| Webhook {
            url: url.unwrap_or_default(),
            method: given(method).unwrap_or_else(|| "POST".to_owned()),
        };
        let pointing = Pointing {
            voice: webhook(wire.voice_url, wire.voice_method),
            fallback: webhook(wire.voice_fallback_url, wire.voice_fallback_method),
            status: webhook(wire.status_callback, wire.status_callback_method),
        };
        let can = |which: fn(&Capabilities) -> Option<bool>| wire.capabilities.as_ref().and_then(which).unwrap_or(true);
        Self {
            takes_calls: can(|all| all.voice),
            sends_sms: can(|all| all.sms),
            sid: wire.sid,
            pointing,
            application: given(wire.voice_application_sid),
            trunk: given(wire.trunk_sid),
        }
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
