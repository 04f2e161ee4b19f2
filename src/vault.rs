//! What must not be readable in a copy of the database: sealed with XChaCha20-Poly1305 under `ENCRYPTION_KEY`, and bound
//! to what it is for and whose it is, so that a sealed text that is moved to another row does not open there. No I/O.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use crate::names::Slug;

/// The bytes of a key.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// The form of a sealed text; another one would be another way to seal.
const FORM: &str = "v1";
/// How many characters name a key.
const KEY_ID_CHARS: usize = 8;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A refresh token of Google's.
    RefreshToken,
    /// An access token of Google's, while it lasts.
    AccessToken,
    /// The verifier that belongs to a consent under way (PKCE).
    PkceVerifier,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh-token",
            Self::AccessToken => "access-token",
            Self::PkceVerifier => "pkce-verifier",
        }
    }
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no key to seal with.
    #[error("ENCRYPTION_KEY is not set")]
    NoKey,
    /// It was sealed under a key that is not among those of `ENCRYPTION_KEY` any more.
    #[error("it was sealed under a key that ENCRYPTION_KEY does not hold any more")]
    UnknownKey,
    /// It is damaged, or belongs to another business or purpose.
    #[error("it is damaged, or belongs somewhere else")]
    Damaged,
}

/// The keys of `ENCRYPTION_KEY`: the first seals, all open.
#[derive(Debug, Default)]
pub struct Vault {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    /// Tells keys apart without telling anything about them.
    id: String,
    bytes: SecretBox<[u8; KEY_BYTES]>,
}

impl Vault {
    /// A vault with these keys, the first of them for sealing.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = [u8; KEY_BYTES]>) -> Self {
        Self { keys: keys.into_iter().map(Key::new).collect() }
    }

    /// Whether anything can be sealed.
    #[must_use]
    pub fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// [`SealError::NoKey`] without a key.
    pub fn seal(&self, purpose: Purpose, business: &Slug, secret: &SecretString) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::NoKey)?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let bound = bound_to(purpose, business, &key.id);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: bound.as_bytes() };
        // It fails only for messages of many gigabytes.
        let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_too_long| SealError::Damaged)?;
        let text = [nonce.as_slice(), &sealed].concat();
        Ok(format!("{FORM}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(text)))
    }

    /// Opens what was sealed for this purpose and business.
    ///
    /// # Errors
    /// A [`SealError`].
    pub fn open(&self, purpose: Purpose, business: &Slug, sealed: &str) -> Result<SecretString, SealError> {
        let mut parts = sealed.split('.');
        let (Some(FORM), Some(id), Some(text), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(SealError::Damaged);
        };
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_foreign| SealError::Damaged)?;
        let (nonce, message) = text.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let bound = bound_to(purpose, business, id);
        let payload = Payload { msg: message, aad: bound.as_bytes() };
        let opened = key.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_wrong| SealError::Damaged)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_foreign| SealError::Damaged)
    }

    /// The same secret under the first key; `None` when it lies under that one already.
    ///
    /// # Errors
    /// A [`SealError`].
    pub fn reseal(&self, purpose: Purpose, business: &Slug, sealed: &str) -> Result<Option<String>, SealError> {
        let current = self.keys.first().ok_or(SealError::NoKey)?;
        if sealed.split('.').nth(1) == Some(current.id.as_str()) {
            return Ok(None);
        }
        self.seal(purpose, business, &self.open(purpose, business, sealed)?).map(Some)
    }
}

impl Key {
    fn new(bytes: [u8; KEY_BYTES]) -> Self {
        let digest = hex::encode(Sha256::new().chain_update("ringbook key id\0").chain_update(bytes).finalize());
        Self { id: digest.chars().take(KEY_ID_CHARS).collect(), bytes: SecretBox::new(Box::new(bytes)) }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }
}

fn bound_to(purpose: Purpose, business: &Slug, key_id: &str) -> String {
    format!("ringbook/{FORM}/{}/{business}/{key_id}", purpose.as_str())
}
