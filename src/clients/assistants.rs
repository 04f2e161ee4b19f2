//! Vapi's REST API for assistants: `/assistant` and `/assistant/{id}` (docs.vapi.ai/api-reference/assistants). Changing one puts
//! whole top-level fields in the place of those that it has. Nothing is repeated here: making one has no idempotency key.

use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::vapi::refusal;
use super::{Error, body, endpoint, lost};
use crate::config;
use crate::names::AssistantId;

/// Assistants are long, and an answer has a limit.
const PAGE: usize = 20;
/// More assistants than anybody has: a list that never ends must not keep us.
const MAX_PAGES: usize = 500;

/// The assistants of one account at Vapi.
#[derive(Clone, Debug)]
pub struct Assistants {
    http: Client,
    api_url: Url,
    key: SecretString,
}

/// An assistant as Vapi has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its name at Vapi.
    pub id: AssistantId,
    /// All of it.
    pub fields: Value,
}

impl Found {
    fn read(fields: Value) -> Result<Self, Error> {
        let id = fields.get("id").and_then(Value::as_str).and_then(AssistantId::parse);
        Ok(Self { id: id.ok_or(Error::Unusable("an assistant without an id"))?, fields })
    }

    /// When it was made, as Vapi writes it: such texts sort as the times do.
    #[must_use]
    pub fn created_at(&self) -> &str {
        self.fields.get("createdAt").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Assistants {
    /// Those that the key of these settings opens.
    ///
    /// # Errors
    /// That there is no key.
    pub fn new(http: Client, vapi: &config::Vapi) -> Result<Self, Error> {
        let key = vapi.api_key.clone().ok_or(Error::Settings("VAPI_API_KEY is not set"))?;
        Ok(Self { http, api_url: vapi.api_url.clone(), key })
    }

    /// The assistant of this id; `None` when there is none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, id: &AssistantId) -> Result<Option<Found>, Error> {
        match self.ask(Method::GET, &self.address(Some(id))?, None).await {
            Ok(fields) => Found::read(fields).map(Some),
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All of them, whosever they are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn all(&self) -> Result<Vec<Found>, Error> {
        let (mut all, mut until) = (Vec::<Found>::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut url = self.address(None)?;
            url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
            if let Some(until) = &until {
                // The last one comes again, so that none of the same moment is passed over.
                url.query_pairs_mut().append_pair("createdAtLe", until);
            }
            let Value::Array(page) = self.ask(Method::GET, &url, None).await? else {
                return Err(Error::Unusable("no list of assistants"));
            };
            let is_last = page.len() < PAGE;
            let page = page.into_iter().map(Found::read).collect::<Result<Vec<_>, _>>()?;
            until = page.iter().map(|found| found.created_at().to_owned()).min();
            let before = all.len();
            for found in page {
                if !all.iter().any(|known| known.id == found.id) {
                    all.push(found);
                }
            }
            if is_last || all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// Makes one.
    ///
    /// # Errors
    /// See [`Error`]; it may exist after `Unknown` and `Unusable`.
    pub async fn create(&self, fields: &Value) -> Result<Found, Error> {
        Found::read(self.ask(Method::POST, &self.address(None)?, Some(fields)).await?)
    }

    /// Puts these top-level fields in the place of its own.
    ///
    /// # Errors
    /// See [`Error`]; it may have been done after `Unknown` and `Unusable`.
    pub async fn change(&self, id: &AssistantId, fields: &Value) -> Result<Found, Error> {
        Found::read(self.ask(Method::PATCH, &self.address(Some(id))?, Some(fields)).await?)
    }

    /// Deletes it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, id: &AssistantId) -> Result<(), Error> {
        self.ask(Method::DELETE, &self.address(Some(id))?, None).await.map(drop)
    }

    fn address(&self, id: Option<&AssistantId>) -> Result<Url, Error> {
        let mut url = endpoint(&self.api_url, "/assistant")?;
        if let (Some(id), Ok(mut path)) = (id, url.path_segments_mut()) {
            path.push(id.as_str());
        }
        Ok(url)
    }

    async fn ask(&self, method: Method, url: &Url, fields: Option<&Value>) -> Result<Value, Error> {
        let key = self.key.expose_secret();
        let request = self.http.request(method, url.clone()).bearer_auth(key);
        let request = if let Some(fields) = fields { request.json(fields) } else { request };
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        let answer = body(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|error| {
                tracing::debug!(%error, "Vapi's answer cannot be read");
                Error::Unusable("it is no JSON")
            });
        }
        if status.is_server_error() {
            return Err(Error::Unknown(format!("status {}", status.as_u16())));
        }
        Err(Error::Refused { status: status.as_u16(), reason: refusal(&answer, &[key]) })
    }
}
