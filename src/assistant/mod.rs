//! The assistant as code: what Vapi is to know of each business, whether it does, and bringing it there. It speaks with nobody
//! on the telephone, and changes nothing at Vapi that ringbook does not write itself.

pub mod difference;
mod prompt;
pub mod push;
mod template;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use self::template::{fill, plain};
use crate::business::profile::Profile;
use crate::config::ProofPlan;
use crate::names::Slug;

const RECEPTIONIST: &str = include_str!("../../assistant/receptionist.json");

/// The longest name of an assistant at Vapi.
const MAX_NAME_CHARS: usize = 40;
/// How much longer than our own budget Vapi waits for an answer: the way there and back, and a handshake.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(6);
/// In whose metadata the slug stands: by this an assistant is found again.
const MARK: &str = "ringbook";

/// How Vapi proves to us that it is Vapi.
#[derive(Clone, Debug)]
pub enum Proof {
    /// With a credential that was made in its dashboard; this is its id.
    Credential(String),
    /// With the secret itself, in this header.
    Header {
        /// The header.
        name: &'static str,
        /// What stands in it.
        value: SecretString,
    },
}

/// The header of a plain secret.
const SECRET_HEADER: &str = "X-Vapi-Secret";
/// The header of a bearer token.
const BEARER_HEADER: &str = "Authorization";

impl Proof {
    /// How it can be proven by this plan: a credential if there is one, else the first secret in a header. `None` where only
    /// signatures are accepted, which need a credential.
    #[must_use]
    pub fn by(plan: &ProofPlan, credential: Option<&str>) -> Option<Self> {
        if let Some(id) = credential {
            return Some(Self::Credential(id.to_owned()));
        }
        let secret = plan.secrets.first()?;
        if plan.secret {
            return Some(Self::Header { name: SECRET_HEADER, value: secret.clone() });
        }
        let value = || format!("Bearer {}", secret.expose_secret()).into();
        plan.bearer.then(|| Self::Header { name: BEARER_HEADER, value: value() })
    }

    /// The same with nothing in it that must not be shown.
    #[must_use]
    pub fn to_be_shown(self) -> Self {
        match self {
            Self::Credential(id) => Self::Credential(id),
            Self::Header { name, .. } => Self::Header { name, value: "(the secret of VAPI_WEBHOOK_SECRET)".to_owned().into() },
        }
    }
}

/// Where the assistant asks.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The address of our route.
    pub url: String,
    /// Within this we answer.
    pub reply_budget: Duration,
    /// How Vapi proves itself there.
    pub proof: Proof,
}

impl Webhook {
    /// Vapi's server object. `null` is what must not be there. A repetition is harmless: everything is answered once.
    fn server(&self, retries: u8) -> Value {
        let wait = self.reply_budget + TIMEOUT_MARGIN;
        let timeout = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let in_header = |wanted: &str| match &self.proof {
            Proof::Header { name, value } if *name == wanted => Some(value.expose_secret()),
            _ => None,
        };
        let credential = match &self.proof {
            Proof::Credential(id) => Some(("credentialId".to_owned(), Value::from(id.as_str()))),
            Proof::Header { .. } => None,
        };
        let server = json!({
            "url": self.url,
            "timeoutSeconds": timeout,
            "headers": { SECRET_HEADER: in_header(SECRET_HEADER), BEARER_HEADER: in_header(BEARER_HEADER) },
            "backoffPlan": {
                "type": "exponential", "maxRetries": retries, "baseDelaySeconds": 1, "excludedStatusCodes": [400, 401, 403, 404, 413],
            },
        });
        // A credential that somebody chose in the dashboard is left there.
        server.as_object().cloned().into_iter().flatten().chain(credential).collect()
    }
}

/// The assistant of a business as Vapi is to have it: the fields that are ours, and `null` for what must not be there.
///
/// # Errors
/// When `assistant/receptionist.json` is no JSON: it is part of the program.
pub fn receptionist(profile: &Profile, webhook: &Webhook) -> Result<Value, serde_json::Error> {
    let template: Value = serde_json::from_str(RECEPTIONIST)?;
    let name = plain(&profile.name);
    Ok(fill(template, &|word| {
        Some(match word {
            "title" => name.chars().take(MAX_NAME_CHARS).collect::<String>().trim_end().into(),
            // A sentence ends behind it.
            "name" => name.trim_end_matches('.').into(),
            "slug" => profile.slug.as_str().into(),
            "disclosure" => disclosure(profile).into(),
            "prompt" => prompt::prompt(profile).into(),
            "keyterms" => keyterms(profile).into(),
            "recording" => profile.privacy.recording.into(),
            "server" => webhook.server(3),
            // A caller waits for this one.
            "tool_server" => webhook.server(1),
            _ => return None,
        })
    }))
}

/// What some laws want callers to know before they say anything.
fn disclosure(profile: &Profile) -> String {
    let mut said = plain(&profile.privacy.disclosure);
    if !said.ends_with(['.', '!', '?']) {
        said.push('.');
    }
    if profile.privacy.recording && !said.to_lowercase().contains("record") {
        return format!("{said} This call is recorded.");
    }
    said
}

/// Words that are hard to hear for whoever does not know them.
fn keyterms(profile: &Profile) -> Vec<String> {
    let people = profile.technicians.iter().filter_map(|technician| technician.name.as_deref());
    let services = profile.services.iter().map(|service| service.name.as_str());
    let mut terms: Vec<String> = Vec::new();
    for term in std::iter::once(profile.name.as_str()).chain(people).chain(services).map(plain) {
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms
}

/// Whose assistant this is, by its metadata; `None` for one that is not ours.
fn marked(assistant: &Value) -> Option<Slug> {
    assistant.get("metadata")?.get(MARK)?.as_str().and_then(Slug::parse)
}
