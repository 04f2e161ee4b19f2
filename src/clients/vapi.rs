//! Vapi's REST API: starting the assistant on a call that Twilio has handed to us ("provider bypass",
//! docs.vapi.ai/calls/call-handling-with-vapi-and-twilio). Assistants are in
//! `assistants`: a call never makes one.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{Error, body, body_up_to, endpoint, lost, reason, report};
use crate::clock::Stopwatch;
use crate::config;
use crate::names::{CallSid, Phone, Slug, VapiCallId};
use crate::store::reports::Report;

/// The bounds of `customer.number` in Vapi's API.
const CUSTOMER_NUMBER_CHARS: std::ops::RangeInclusive<usize> = 3..=40;

/// What Twilio sends for a withheld number ("anonymous" on a keypad), without its plus: it must not look like a number.
const WITHHELD: &str = "266696687";

/// A call object holds the whole conversation, like its report.
const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;

/// A caller of whom nothing is known. Every documented bypass call has a customer, so ours never goes without one.
const ANONYMOUS: &str = "anonymous";

/// What the assistant is told about a call: `assistantOverrides.variableValues`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Variables {
    /// As it is spoken.
    pub business_name: String,
    /// E.164, or empty when it is withheld.
    pub caller_number: String,
    /// Empty when it is not known.
    pub caller_name: String,
    /// In words; empty when there is none.
    pub next_appointment: String,
    /// Whether somebody works at this moment.
    pub open_now: bool,
    /// Twilio's name of the call.
    pub call_sid: String,
}

/// A call that is waiting at Twilio for the assistant.
#[derive(Clone, Debug)]
pub struct BypassCall<'a> {
    /// Whose call; comes back in every webhook as `metadata.business`.
    pub business: &'a Slug,
    /// Twilio's name of it; comes back as `metadata.twilioCallSid`.
    pub call_sid: &'a CallSid,
    /// `From`, whatever it is.
    pub caller: &'a str,
    /// What the assistant is told.
    pub variables: &'a Variables,
}

/// What Vapi answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BypassAnswer {
    /// Its name of the call.
    pub id: VapiCallId,
    /// To be returned to Twilio.
    pub twiml: String,
    /// Where the running call can be spoken to.
    pub control_url: Option<String>,
}

/// Vapi's REST API.
#[derive(Clone, Debug)]
pub struct Vapi {
    http: Client,
}

impl Vapi {
    /// With the program's HTTP client.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// Starts the assistant on this call within `limit`. The request has no idempotency key, so it is repeated, once,
    /// only when no connection was made: a second call would speak to nobody and be paid for.
    ///
    /// # Errors
    /// See [`Error`]; the call may exist at Vapi after `Unknown` and `Unusable`.
    #[tracing::instrument(level = "debug", name = "vapi.create_call", skip_all)]
    pub async fn create_call(&self, vapi: &config::Vapi, call: &BypassCall<'_>, limit: Duration) -> Result<BypassAnswer, Error> {
        let key = vapi.api_key.as_ref().ok_or(Error::Settings("VAPI_API_KEY is not set"))?.expose_secret();
        let (url, request) = (endpoint(&vapi.api_url, "/call")?, request(vapi, call)?);
        let started = Stopwatch::start();
        let response = match self.post(&url, key, &request, limit).await {
            Err(Error::NotSent(reason)) => {
                tracing::warn!(call.sid = %call.call_sid, %reason, "no connection to Vapi, trying once more");
                self.post(&url, key, &request, started.left_of(limit)).await?
            }
            outcome => outcome?,
        };
        let status = response.status();
        let answer = body(response).await?;
        if status.is_success() {
            return read(&answer);
        }
        if status.is_server_error() {
            return Err(Error::Unknown(format!("status {}", status.as_u16())));
        }
        let Variables { caller_number, caller_name, next_appointment, .. } = call.variables;
        let sent = [key, call.caller, caller_number, caller_name, next_appointment];
        Err(Error::Refused { status: status.as_u16(), reason: refusal(&answer, &sent) })
    }

    /// How a call went; `None` while it is not over.
    ///
    /// # Errors
    /// See [`Error`]; `Refused` with 404 when Vapi has no such call.
    pub async fn report_of(&self, vapi: &config::Vapi, call: &VapiCallId) -> Result<Option<Report>, Error> {
        let response = self.about_call(vapi, Method::GET, call).await?;
        let answer = body_up_to(response, MAX_CALL_BYTES).await?;
        Ok(report::of_call(&answer))
    }

    /// Deletes a call with its recording and its transcript (`DELETE /call/{id}`, "Delete Call Data"). One that is gone
    /// already is no failure.
    ///
    /// # Errors
    /// See [`Error`]; it may be repeated after each of them.
    pub async fn delete_call(&self, vapi: &config::Vapi, call: &VapiCallId) -> Result<(), Error> {
        match self.about_call(vapi, Method::DELETE, call).await {
            Ok(_) | Err(Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    #[tracing::instrument(level = "debug", name = "vapi.about_call", skip_all)]
    async fn about_call(&self, vapi: &config::Vapi, method: Method, call: &VapiCallId) -> Result<Response, Error> {
        let key = vapi.api_key.as_ref().ok_or(Error::Settings("VAPI_API_KEY is not set"))?.expose_secret();
        let mut url = endpoint(&vapi.api_url, "/call")?;
        // The id came in a message: whatever is in it, it stays one part of the path.
        url.path_segments_mut().map_err(|()| Error::Settings("the base address cannot be used"))?.push(call.as_str());
        let response = self.http.request(method, url).bearer_auth(key).send().await.map_err(|error| lost(&error))?;
        match response.status().as_u16() {
            200..=299 => Ok(response),
            status @ 500.. => Err(Error::Unknown(format!("status {status}"))),
            status => Err(Error::Refused { status, reason: refusal(&body(response).await.unwrap_or_default(), &[key]) }),
        }
    }

    async fn post(&self, url: &Url, key: &str, request: &Value, limit: Duration) -> Result<Response, Error> {
        let sent = self.http.post(url.clone()).bearer_auth(key).json(request).timeout(limit).send().await;
        sent.map_err(|error| lost(&error))
    }
}

fn request(vapi: &config::Vapi, call: &BypassCall<'_>) -> Result<Value, Error> {
    let assistant =
        vapi.assistant_id.as_ref().ok_or(Error::Settings("no assistant was pushed, and VAPI_ASSISTANT_ID is not set"))?;
    let number = vapi.phone_number_id.as_ref().ok_or(Error::Settings("VAPI_PHONE_NUMBER_ID is not set"))?;
    Ok(json!({
        "phoneCallProviderBypassEnabled": true,
        "phoneNumberId": number,
        "assistantId": assistant,
        "customer": customer(call.caller),
        "assistantOverrides": {
            "variableValues": call.variables,
            "metadata": { "business": call.business, "twilioCallSid": call.call_sid },
        },
    }))
}

/// The caller as Vapi takes one: E.164, or any letters and digits when the check is switched off.
fn customer(caller: &str) -> Value {
    if let Some(number) = Phone::e164(caller) {
        return json!({ "number": number });
    }
    let name: String = caller.chars().filter(char::is_ascii_alphanumeric).take(*CUSTOMER_NUMBER_CHARS.end()).collect();
    let tells_nothing = name == WITHHELD || !CUSTOMER_NUMBER_CHARS.contains(&name.len());
    json!({ "number": if tells_nothing { ANONYMOUS } else { &name }, "numberE164CheckEnabled": false })
}

/// The part of Vapi's call object that is needed; everything else in it is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    id: String,
    phone_call_provider_details: Option<ProviderDetails>,
    monitor: Option<Monitor>,
}

#[derive(Deserialize)]
struct ProviderDetails {
    twiml: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Monitor {
    control_url: Option<String>,
}

fn read(answer: &[u8]) -> Result<BypassAnswer, Error> {
    let call: Call = serde_json::from_slice(answer).map_err(|error| {
        tracing::warn!(%error, "Vapi's answer to POST /call cannot be read");
        Error::Unusable("not a call object")
    })?;
    let id = VapiCallId::parse(&call.id).ok_or(Error::Unusable("no call id"))?;
    let twiml = call.phone_call_provider_details.and_then(|details| details.twiml);
    let twiml = twiml.ok_or(Error::Unusable("no phoneCallProviderDetails.twiml"))?;
    Ok(BypassAnswer { id, twiml, control_url: call.monitor.and_then(|monitor| monitor.control_url) })
}

/// Vapi explains itself as `{"message": "…"}` or `{"message": ["…", …]}`. What it may know of a caller is in `sent`.
pub(super) fn refusal(answer: &[u8], sent: &[&str]) -> String {
    let value: Value = serde_json::from_slice(answer).unwrap_or_default();
    match value.get("message") {
        Some(Value::String(message)) => reason(message, sent),
        Some(message) => reason(&message.to_string(), sent),
        None => "no reason given".to_owned(),
    }
}
