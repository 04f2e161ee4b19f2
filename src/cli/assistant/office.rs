//! What is known of the assistants before Vapi is asked, and pushing one.

use serde_json::Value;

use super::super::Failure;
use super::told::{self, Seen};
use crate::assistant::push::{Known, push};
use crate::assistant::{Proof, Webhook, receptionist};
use crate::business::profile::Profile;
use crate::clients;
use crate::clients::assistants::Assistants;
use crate::clock::Clock;
use crate::config::AssistantSettings;
use crate::names::Slug;
use crate::store::Store;
use crate::store::assistants::AssistantRow;

/// The word with which a credential is taken out again.
const NO_CREDENTIAL: &str = "none";

/// Everything that is known before Vapi is asked.
pub(in crate::cli) struct Office {
    pub settings: AssistantSettings,
    pub rows: Vec<AssistantRow>,
    pub http: reqwest::Client,
}

impl Office {
    pub fn row(&self, business: &Slug) -> Option<&AssistantRow> {
        self.rows.iter().find(|row| row.business == *business)
    }

    pub fn known<'a>(&'a self, business: &'a Slug) -> Known<'a> {
        let set = self.settings.vapi.of(business).assistant_id.as_ref();
        Known { business, set, pushed: self.row(business) }
    }

    pub fn vapi(&self, business: &Slug) -> Result<Assistants, clients::Error> {
        Assistants::new(self.http.clone(), self.settings.vapi.of(business))
    }

    pub fn credential(&self, business: &Slug) -> Option<&str> {
        self.row(business)?.credential.as_deref()
    }

    pub fn proof(&self, business: &Slug, credential: Option<&str>) -> Result<Proof, Failure> {
        let plan = &self.settings.vapi.of(business).proofs;
        Proof::by(plan, credential).ok_or_else(|| Failure::Usage(told::needs_credential(business)))
    }

    pub fn wanted(&self, profile: &Profile, proof: Proof) -> Result<Value, Failure> {
        let url = self.settings.server_url.route("/webhook/vapi");
        let webhook = Webhook { url, reply_budget: self.settings.tool_reply_budget, proof };
        receptionist(profile, &webhook).map_err(|error| Failure::because("assistant/receptionist.json is no JSON", error))
    }

    /// Brings one to Vapi, with this credential, or the one that is remembered.
    pub async fn push_one(&self, profile: &Profile, asked: Option<&str>, store: &Store) -> Result<Seen, Failure> {
        let slug = &profile.slug;
        let credential = match asked {
            Some(NO_CREDENTIAL) => None,
            Some(id) => Some(id),
            None => self.credential(slug),
        };
        let mut here = self.wanted(profile, self.proof(slug, credential)?)?;
        if let (Some(NO_CREDENTIAL), Some(server)) = (asked, here.get_mut("server").and_then(Value::as_object_mut)) {
            server.insert("credentialId".to_owned(), Value::Null);
        }
        let known = self.known(slug);
        let now = Clock::System.now();
        let pushed = async { push(&self.vapi(slug)?, store, known, &here, credential, now).await }.await;
        Ok(match pushed {
            Ok(pushed) => Seen::pushed(known, credential, pushed),
            Err(error) => Seen::not_pushed(slug, &error),
        })
    }
}
