//! Whether a webhook really comes from Vapi. Pure: headers, the raw body, a plan and the present instant go in, and a
//! verdict comes out. It parses no JSON, and no secret and no signature ever leaves it.

mod make;
mod scopes;
mod text;
mod unproven;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use crate::clock::epoch_ms;
use crate::config::{HmacEncoding, HmacPlan, ProofPlan};
pub use make::{ProofChoice, sign};
pub use scopes::{Proof, proven_scopes};
use text::{SignedText, tag_bytes};
pub use unproven::Unproven;

/// The header of the shared secret (`server.secret`, or a Bearer credential with this header name and no prefix).
const SECRET_HEADER: &str = "x-vapi-secret";
/// The header of the bearer token.
const BEARER_HEADER: &str = "authorization";
/// Larger timestamps are milliseconds: as seconds this one lies in the year 5138, as milliseconds in 1973.
const LARGEST_SECONDS: i64 = 100_000_000_000;
/// As many digits as an instant in milliseconds can have; more are not a time.
const MAX_TIMESTAMP_DIGITS: usize = 15;

/// Whether this plan proves the request: at least one of its headers is there, and every one that is there is valid.
/// `headers` have lower-case names.
///
/// # Errors
/// The first thing that is wrong. What costs nothing is looked at before the body is hashed.
pub fn prove(headers: &[(String, Vec<u8>)], body: &[u8], plan: &ProofPlan, now: OffsetDateTime) -> Result<(), Unproven> {
    let headers = Headers(headers);
    let mut proofs = 0;
    if plan.secret
        && let Some(presented) = headers.single(SECRET_HEADER)?
    {
        matches_a_secret(SECRET_HEADER, presented, &plan.secrets)?;
        proofs += 1;
    }
    if plan.bearer
        && let Some(presented) = headers.single(BEARER_HEADER)?
    {
        matches_a_secret(BEARER_HEADER, bearer_token(presented)?, &plan.secrets)?;
        proofs += 1;
    }
    // All signatures are read before the first is computed: a second header that is no good costs no hash.
    let signed: Vec<Signed<'_>> =
        plan.hmac.iter().map(|plan| read_signed(headers, plan, now)).filter_map(Result::transpose).collect::<Result<_, _>>()?;
    for signed in &signed {
        signed.check(body, &plan.secrets)?;
        proofs += 1;
    }
    if proofs == 0 { Err(Unproven::Absent { accepted: accepted(plan) }) } else { Ok(()) }
}

/// The headers of a request, by lower-case name.
#[derive(Clone, Copy)]
struct Headers<'a>(&'a [(String, Vec<u8>)]);

impl<'a> Headers<'a> {
    /// The value without the white space around it; an empty header is an absent one. Two of one name are refused even
    /// when they are the same, or one is empty: what stands in front of us may have looked at the other.
    fn single(self, name: &str) -> Result<Option<&'a [u8]>, Unproven> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| trimmed(value));
        let first = values.next();
        if values.next().is_some() {
            return Err(Unproven::Twice { header: name.to_owned() });
        }
        Ok(first.filter(|value| !value.is_empty()))
    }
}

/// A signature header that is there and well formed, not yet checked.
struct Signed<'a> {
    plan: &'a HmacPlan,
    tag: Vec<u8>,
    timestamp: &'a [u8],
}

impl Signed<'_> {
    fn check(&self, body: &[u8], secrets: &[SecretString]) -> Result<(), Unproven> {
        let text = SignedText { payload: &self.plan.payload, timestamp: self.timestamp, body };
        let matches = secrets.iter().any(|secret| text.verifies(self.plan.algorithm, secret, &self.tag));
        if matches { Ok(()) } else { Err(Unproven::Mismatch { header: self.plan.signature_header.clone() }) }
    }
}

fn read_signed<'a>(headers: Headers<'a>, plan: &'a HmacPlan, now: OffsetDateTime) -> Result<Option<Signed<'a>>, Unproven> {
    let header = &plan.signature_header;
    let Some(presented) = headers.single(header)? else { return Ok(None) };
    let written = presented
        .strip_prefix(plan.prefix.as_bytes())
        .ok_or_else(|| Unproven::Prefix { header: header.clone(), expected: plan.prefix.clone() })?;
    let tag = decoded(plan, written)?;
    let timestamp = match &plan.timestamp_header {
        Some(header) => fresh(headers, header, plan, now)?,
        None => &[],
    };
    Ok(Some(Signed { plan, tag, timestamp }))
}

fn decoded(plan: &HmacPlan, written: &[u8]) -> Result<Vec<u8>, Unproven> {
    let bytes = tag_bytes(plan.algorithm);
    let (expected, encoding) = match plan.encoding {
        HmacEncoding::Hex => (bytes * 2, "lower-case hex"),
        HmacEncoding::Base64 => (bytes.div_ceil(3) * 4, "standard base64"),
    };
    let header = || plan.signature_header.clone();
    if written.len() != expected {
        return Err(Unproven::Length { header: header(), bytes: written.len(), expected });
    }
    let tag = match plan.encoding {
        HmacEncoding::Hex if written.iter().any(u8::is_ascii_uppercase) => None,
        HmacEncoding::Hex => hex::decode(written).ok(),
        HmacEncoding::Base64 => STANDARD.decode(written).ok(),
    };
    tag.filter(|tag| tag.len() == bytes).ok_or_else(|| Unproven::Encoding { header: header(), encoding })
}

/// The timestamp as it stands, if it is near enough to `now`.
fn fresh<'a>(headers: Headers<'a>, header: &str, plan: &HmacPlan, now: OffsetDateTime) -> Result<&'a [u8], Unproven> {
    let name = || header.to_owned();
    let written = headers.single(header)?.ok_or_else(|| Unproven::Unstamped { header: name() })?;
    let digits = written.len() <= MAX_TIMESTAMP_DIGITS && written.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(written).ok().filter(|_| digits).and_then(|text| text.parse::<i64>().ok());
    let number = number.ok_or_else(|| Unproven::Timestamp { header: name() })?;
    let stamp_ms = if number > LARGEST_SECONDS { number } else { number * 1000 };
    let off_ms = epoch_ms(now).abs_diff(stamp_ms);
    if u128::from(off_ms) > plan.tolerance.as_millis() {
        let tolerance_seconds = plan.tolerance.as_secs();
        return Err(Unproven::Stale { header: name(), off_seconds: off_ms.div_ceil(1000), tolerance_seconds });
    }
    Ok(written)
}

/// The token of `Bearer <token>`; the scheme's letters may be of either case (RFC 9110, section 11.1).
fn bearer_token(presented: &[u8]) -> Result<&[u8], Unproven> {
    let (scheme, token) = presented.split_at_checked("Bearer ".len()).unwrap_or((presented, &[]));
    if scheme.eq_ignore_ascii_case(b"Bearer ") {
        return Ok(trimmed(token));
    }
    Err(Unproven::Prefix { header: BEARER_HEADER.to_owned(), expected: "Bearer ".to_owned() })
}

fn matches_a_secret(header: &str, presented: &[u8], secrets: &[SecretString]) -> Result<(), Unproven> {
    let secrets = secrets.iter().map(|secret| secret.expose_secret().as_bytes()).filter(|secret| !secret.is_empty());
    // No early end: how long this takes must not tell which of several secrets was nearly met.
    let matches = secrets.fold(false, |matches, secret| bool::from(secret.ct_eq(presented)) | matches);
    if matches { Ok(()) } else { Err(Unproven::Mismatch { header: header.to_owned() }) }
}

fn accepted(plan: &ProofPlan) -> String {
    let mut names: Vec<&str> = plan.hmac.iter().map(|plan| plan.signature_header.as_str()).collect();
    names.extend(plan.secret.then_some(SECRET_HEADER));
    names.extend(plan.bearer.then_some(BEARER_HEADER));
    names.join(", ")
}

/// Without the optional white space around a header's value: spaces and tabs, nothing else.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
