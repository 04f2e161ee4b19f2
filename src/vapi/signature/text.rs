//! What an HMAC covers, and the HMAC itself under each of the hashes that Vapi offers.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::config::HmacAlgorithm;

/// A payload template and what stands in it. The parts are hashed where they lie: a body may have megabytes.
#[derive(Clone, Copy)]
pub(super) struct SignedText<'a> {
    /// With `{body}` and perhaps `{timestamp}`.
    pub payload: &'a str,
    /// Exactly as its header has it.
    pub timestamp: &'a [u8],
    /// As it was received.
    pub body: &'a [u8],
}

impl SignedText<'_> {
    /// Whether `tag` was made with that secret; in constant time.
    pub fn verifies(&self, algorithm: HmacAlgorithm, secret: &SecretString, tag: &[u8]) -> bool {
        match algorithm {
            HmacAlgorithm::Sha1 => self.mac::<Hmac<Sha1>>(secret).is_some_and(|mac| mac.verify_slice(tag).is_ok()),
            HmacAlgorithm::Sha256 => self.mac::<Hmac<Sha256>>(secret).is_some_and(|mac| mac.verify_slice(tag).is_ok()),
            HmacAlgorithm::Sha512 => self.mac::<Hmac<Sha512>>(secret).is_some_and(|mac| mac.verify_slice(tag).is_ok()),
        }
    }

    /// The tag that verifies.
    pub fn tag(&self, algorithm: HmacAlgorithm, secret: &SecretString) -> Vec<u8> {
        let tag = match algorithm {
            HmacAlgorithm::Sha1 => self.mac::<Hmac<Sha1>>(secret).map(|mac| mac.finalize().into_bytes().to_vec()),
            HmacAlgorithm::Sha256 => self.mac::<Hmac<Sha256>>(secret).map(|mac| mac.finalize().into_bytes().to_vec()),
            HmacAlgorithm::Sha512 => self.mac::<Hmac<Sha512>>(secret).map(|mac| mac.finalize().into_bytes().to_vec()),
        };
        tag.unwrap_or_default()
    }

    /// `None` for an empty secret, which everybody knows. (An HMAC takes keys of every other length.)
    fn mac<M: Mac + KeyInit>(&self, secret: &SecretString) -> Option<M> {
        let key = secret.expose_secret().as_bytes();
        let mut mac = if key.is_empty() { None } else { M::new_from_slice(key).ok() }?;
        // Cut, not replaced: a body may itself have the letters `{timestamp}` in it.
        for (part, around_body) in self.payload.split("{body}").enumerate() {
            if part > 0 {
                mac.update(self.body);
            }
            for (part, letters) in around_body.split("{timestamp}").enumerate() {
                if part > 0 {
                    mac.update(self.timestamp);
                }
                mac.update(letters.as_bytes());
            }
        }
        Some(mac)
    }
}

/// How many bytes a tag has.
pub(super) fn tag_bytes(algorithm: HmacAlgorithm) -> usize {
    match algorithm {
        HmacAlgorithm::Sha1 => 20,
        HmacAlgorithm::Sha256 => 32,
        HmacAlgorithm::Sha512 => 64,
    }
}
