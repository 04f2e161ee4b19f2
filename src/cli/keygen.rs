//! `keygen`: fresh secrets from the operating system, as lines for `.env`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::TryRngCore;
use rand::rngs::OsRng;

use super::{Failure, print};

/// As long as the hash that signs, and as the key that encrypts.
const SECRET_BYTES: usize = 32;

pub(super) fn run() -> Result<(), Failure> {
    // Hex for the webhook secret: it is pasted into forms, where the characters of base64 sometimes get lost.
    let webhook = hex::encode(fresh()?);
    let encryption = STANDARD.encode(fresh()?);
    print(&format!("VAPI_WEBHOOK_SECRET={webhook}\nENCRYPTION_KEY={encryption}\n"))
}

fn fresh() -> Result<[u8; SECRET_BYTES], Failure> {
    let mut bytes = [0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Failure::because("the system gives no random numbers", error))?;
    Ok(bytes)
}
