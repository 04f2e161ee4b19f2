//! The control address of a running call: saying something while the caller is on the line, and transferring a call whose line
//! is Vapi's (docs.vapi.ai/calls/call-features, "add-message", "say", "transfer"). Whoever knows the address may speak in that call, so no key goes with
//! it, it is never logged, and it is called only where Vapi itself is: it comes out of a body.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use url::{Host, Url};

use super::{Error, lost};
use crate::config;
use crate::names::Phone;

/// The domain under which all control addresses are; their hosts vary by region and by call.
const DOMAIN: &str = "vapi.ai";

/// A live call takes a message at once; later than this nobody knows any more whether it did.
const LIMIT: Duration = Duration::from_secs(5);

/// A control address that may be called.
#[derive(Clone)]
pub struct ControlUrl(Url);

impl ControlUrl {
    /// Only https under `vapi.ai`; this machine itself only where `api_url`, Vapi's REST API, is on it as well.
    #[must_use]
    pub fn parse(text: &str, api_url: &Url) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_vapis = match url.host() {
            Some(Host::Domain(name)) => name == DOMAIN || name.strip_suffix(DOMAIN).is_some_and(|before| before.ends_with('.')),
            _ => false,
        };
        let is_ours = config::is_loopback(&url) && config::is_loopback(api_url) && matches!(url.scheme(), "http" | "https");
        ((is_vapis && url.scheme() == "https") || is_ours).then_some(Self(url))
    }
}

impl std::fmt::Debug for ControlUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlUrl(…)")
    }
}

/// The control addresses of all calls.
#[derive(Clone, Debug)]
pub struct Control {
    http: Client,
}

impl Control {
    /// With the program's HTTP client.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// Tells the assistant something, and makes it speak of it at once. Never repeated here: what was lost may have been
    /// heard.
    ///
    /// # Errors
    /// See [`Error`]: `NotSent` and `Refused` are sure not to have been heard; `Settings` and `Unusable` never happen.
    pub async fn add_message(&self, url: &ControlUrl, content: &str) -> Result<(), Error> {
        let message = json!({
            "type": "add-message",
            "message": { "role": "system", "content": content },
            "triggerResponseEnabled": true,
        });
        self.post(url, &message, LIMIT).await
    }

    /// Has this very sentence spoken, within `limit`.
    ///
    /// # Errors
    /// As [`Control::add_message`].
    pub async fn say(&self, url: &ControlUrl, content: &str, limit: Duration) -> Result<(), Error> {
        self.post(url, &json!({ "type": "say", "content": content }), limit).await
    }

    /// Has `content` spoken and the call transferred to this number, within `limit`: for calls whose telephone line is Vapi's.
    ///
    /// # Errors
    /// As [`Control::add_message`]: after `NotSent` and `Refused` the caller still speaks with the assistant.
    pub async fn transfer(&self, url: &ControlUrl, number: &Phone, content: &str, limit: Duration) -> Result<(), Error> {
        let destination = json!({ "type": "number", "number": number });
        self.post(url, &json!({ "type": "transfer", "destination": destination, "content": content }), limit).await
    }

    #[tracing::instrument(level = "debug", name = "vapi.control", skip_all)]
    async fn post(&self, url: &ControlUrl, message: &Value, limit: Duration) -> Result<(), Error> {
        let sent = self.http.post(url.0.clone()).json(message).timeout(limit.min(LIMIT)).send().await;
        match sent.map_err(|error| lost(&error))?.status().as_u16() {
            200..=299 => Ok(()),
            status @ 500.. => Err(Error::Unknown(format!("status {status}"))),
            status => Err(Error::Refused { status, reason: "the call does not take it".into() }),
        }
    }
}
