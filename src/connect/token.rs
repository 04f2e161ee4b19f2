//! What opens something: links, cookies, states, forms. Random, known to the browser alone; we keep digests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::store::oauth::{Digest, NewSession};

const BYTES: usize = 32;
/// So many characters are 32 bytes in base64 without padding.
const CHARS: usize = 43;

/// 256 bits in URL-safe base64.
#[derive(Clone, Debug)]
pub(super) struct Token(SecretString);

impl Token {
    /// One that nobody has seen.
    pub fn fresh() -> Self {
        Self::of_bytes(&rand::random::<[u8; BYTES]>())
    }

    /// `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let sane = text.len() == CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        sane.then(|| Self(text.into()))
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text())
    }

    /// What the forms of the session with this cookie hold: nobody who does not know the cookie can make it, and nothing
    /// has to be kept for it to be written into a page.
    pub fn csrf(&self) -> Self {
        Self::of_bytes(&Sha256::new().chain_update("ringbook csrf\0").chain_update(self.text()).finalize())
    }

    /// A session with this cookie.
    pub fn session(&self) -> NewSession {
        NewSession { session: self.digest(), csrf: self.csrf().digest() }
    }

    /// As the browser has it; never for a log.
    pub fn text(&self) -> &str {
        self.0.expose_secret()
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }
}
