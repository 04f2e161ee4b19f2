//! `X-Twilio-Signature`: made and checked here, from values alone. It knows nothing of HTTP servers, and it must never
//! be given an address rebuilt from `Host` or `X-Forwarded-*`: only the configured public one.
//!
//! Source: twilio.com/docs/usage/security and the validators of twilio-python 9.13 and twilio-node 6.2 (2026).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What came with the request besides its address.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A form: its decoded pairs, in the order in which they came, blank values included.
    Form(&'a [(String, String)]),
    /// Anything else, as raw bytes: proven through `bodySHA256` in the query.
    Other(&'a [u8]),
}

/// Whether `header` is the signature of this request under `token`. `url` is the complete public address with the
/// query exactly as it was received. Compares in constant time; both spellings of the port are tried, since Twilio's
/// own signing is not consistent about it.
#[must_use]
pub fn verify(url: &str, content: Content<'_>, header: &str, token: &str) -> bool {
    let pairs = match content {
        Content::Form(pairs) => pairs,
        Content::Other(body) if body_is_the_signed_one(url, body) => &[],
        Content::Other(_) => return false,
    };
    // The strict engine: missing padding, spaces or spare bits are another text than the one Twilio sends.
    let Ok(signature) = STANDARD.decode(header) else { return false };
    candidates(url).iter().fold(false, |proven, candidate| {
        let matches = keyed(candidate, pairs, token).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        proven | matches
    })
}

/// The signature that Twilio would send for this request; for hand-made requests and for our own demonstration.
#[must_use]
pub fn sign(url: &str, pairs: &[(String, String)], token: &str) -> String {
    keyed(without_fragment(url), pairs, token).map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// The pairs of a form body, decoded, in order, blank values kept and nothing trimmed.
#[must_use]
pub fn pairs(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// The two addresses that Twilio may have signed: without a port, and with one (its own, or the scheme's).
#[must_use]
pub fn candidates(url: &str) -> [String; 2] {
    let url = without_fragment(url);
    let Some((scheme, rest)) = url.split_once("://") else { return [url.to_owned(), url.to_owned()] };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let default_port = if scheme.eq_ignore_ascii_case("http") { "80" } else { "443" };
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of `[::1]` and of `user:password@host` are not in front of a port.
        Some((host, port)) if !port.contains([']', '@']) => (host, port),
        _ => (authority, default_port),
    };
    [format!("{scheme}://{host}{path}"), format!("{scheme}://{host}:{port}{path}")]
}

/// A fragment (`#rc=2`) is Twilio's own setting: it is neither sent nor signed.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

/// The keyed hash over the address and the pairs: sorted by name alone; a repeated name gives each of its different
/// values once, sorted. `None` never happens: HMAC takes keys of any length.
fn keyed(url: &str, pairs: &[(String, String)], token: &str) -> Option<Hmac<Sha1>> {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        by_name.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).ok()?;
    mac.update(url.as_bytes());
    for (name, values) in by_name {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    Some(mac)
}

/// Whether the query names the hash of this body, in lower-case hex, exactly once.
fn body_is_the_signed_one(url: &str, body: &[u8]) -> bool {
    let query = without_fragment(url).split_once('?').map_or("", |(_, query)| query);
    let mut named = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "bodySHA256");
    match (named.next(), named.next()) {
        (Some((_, hash)), None) => bool::from(hash.as_bytes().ct_eq(hex::encode(Sha256::digest(body)).as_bytes())),
        _ => false,
    }
}
