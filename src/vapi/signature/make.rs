//! Proofs that we make ourselves, as Vapi would: for hand-made requests and for the demonstration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::text::SignedText;
use super::{BEARER_HEADER, SECRET_HEADER};
use crate::config::{HmacEncoding, HmacPlan, ProofPlan};

/// A way to prove a message that we send ourselves, as Vapi would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofChoice {
    /// Preset 1: `x-vapi-signature` over the body.
    Hmac,
    /// Preset 2: `x-signature` over timestamp and body.
    Stamped,
    /// `x-vapi-secret`.
    Secret,
    /// `Authorization: Bearer`.
    Bearer,
    /// The first plan of `VAPI_HMAC_*`, or of the presets where there is none.
    Custom,
}

impl ProofChoice {
    /// What a plan is served best by: its own signature, preset 1 where it has the presets, else what it accepts.
    #[must_use]
    pub fn usual(plan: &ProofPlan) -> Self {
        match plan.hmac.first() {
            Some(first) if *first == HmacPlan::body_only() => Self::Hmac,
            Some(_) => Self::Custom,
            None if plan.secret => Self::Secret,
            None => Self::Bearer,
        }
    }
}

/// The headers that prove a message to whoever has this plan. Made with the first secret; none without one, and none for
/// [`ProofChoice::Custom`] where the plan accepts no signature.
#[must_use]
pub fn sign(plan: &ProofPlan, body: &[u8], now: OffsetDateTime, choice: ProofChoice) -> Vec<(String, String)> {
    let Some(secret) = plan.secrets.first() else { return Vec::new() };
    match choice {
        ProofChoice::Hmac => signature_headers(&HmacPlan::body_only(), secret, body, now),
        ProofChoice::Stamped => signature_headers(&HmacPlan::stamped(), secret, body, now),
        ProofChoice::Custom => plan.hmac.first().map(|hmac| signature_headers(hmac, secret, body, now)).unwrap_or_default(),
        ProofChoice::Secret => vec![(SECRET_HEADER.to_owned(), secret.expose_secret().to_owned())],
        ProofChoice::Bearer => vec![(BEARER_HEADER.to_owned(), format!("Bearer {}", secret.expose_secret()))],
    }
}

fn signature_headers(plan: &HmacPlan, secret: &SecretString, body: &[u8], now: OffsetDateTime) -> Vec<(String, String)> {
    let stamp = now.unix_timestamp().to_string();
    let text = SignedText { payload: &plan.payload, timestamp: stamp.as_bytes(), body };
    let tag = text.tag(plan.algorithm, secret);
    let signature = match plan.encoding {
        HmacEncoding::Hex => hex::encode(tag),
        HmacEncoding::Base64 => STANDARD.encode(tag),
    };
    let mut headers = vec![(plan.signature_header.clone(), format!("{}{signature}", plan.prefix))];
    headers.extend(plan.timestamp_header.clone().map(|header| (header, stamp)));
    headers
}
