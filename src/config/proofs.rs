//! How Vapi's webhooks are proven: `VAPI_WEBHOOK_SECRET`, `VAPI_WEBHOOK_AUTH` and `VAPI_HMAC_*`. What the proofs mean
//! for a request is the business of `vapi::signature`.

use std::time::Duration;

use secrecy::SecretString;

use super::reader::{Owner, Read, Reader, secrets, text, words};

/// Which proofs of a Vapi webhook count, and with which secrets.
#[derive(Clone, Debug)]
pub struct ProofPlan {
    /// `VAPI_WEBHOOK_SECRET`: any of them verifies, the first signs.
    pub secrets: Vec<SecretString>,
    /// `hmac` in `VAPI_WEBHOOK_AUTH`: the plans of `VAPI_HMAC_*`, or the two presets; empty when not accepted.
    pub hmac: Vec<HmacPlan>,
    /// `secret` in `VAPI_WEBHOOK_AUTH`.
    pub secret: bool,
    /// `bearer` in `VAPI_WEBHOOK_AUTH`.
    pub bearer: bool,
}

/// One way in which Vapi may sign: what its HMAC credential is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacPlan {
    /// Lower-case.
    pub signature_header: String,
    /// Lower-case; `None` when nothing is stamped.
    pub timestamp_header: Option<String>,
    /// With `{body}`, and `{timestamp}` where there is one.
    pub payload: String,
    /// The hash.
    pub algorithm: HmacAlgorithm,
    /// How the signature is written.
    pub encoding: HmacEncoding,
    /// In front of it, e.g. `sha256=`; may be empty.
    pub prefix: String,
    /// How far a timestamp may be off, either way.
    pub tolerance: Duration,
}

impl HmacPlan {
    /// Preset 1 of the contract: `x-vapi-signature`, hex HMAC-SHA256 of the raw body.
    #[must_use]
    pub fn body_only() -> Self {
        Self {
            signature_header: "x-vapi-signature".into(),
            timestamp_header: None,
            payload: "{body}".into(),
            algorithm: HmacAlgorithm::Sha256,
            encoding: HmacEncoding::Hex,
            prefix: String::new(),
            tolerance: Duration::from_mins(5),
        }
    }

    /// Preset 2 of the contract: Vapi's own defaults, `x-signature` over `{x-timestamp}.{body}`.
    #[must_use]
    pub fn stamped() -> Self {
        Self {
            signature_header: "x-signature".into(),
            timestamp_header: Some("x-timestamp".into()),
            payload: "{timestamp}.{body}".into(),
            ..Self::body_only()
        }
    }

    /// What is accepted where no `VAPI_HMAC_*` is set.
    #[must_use]
    pub fn presets() -> Vec<Self> {
        vec![Self::body_only(), Self::stamped()]
    }
}

/// `VAPI_HMAC_ALGORITHM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacAlgorithm {
    /// `sha1`
    Sha1,
    /// `sha256`
    Sha256,
    /// `sha512`
    Sha512,
}

/// `VAPI_HMAC_ENCODING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacEncoding {
    /// `hex`, lower-case
    Hex,
    /// `base64`, standard with padding
    Base64,
}

const CUSTOM: [&str; 7] = [
    "VAPI_HMAC_SIGNATURE_HEADER",
    "VAPI_HMAC_TIMESTAMP_HEADER",
    "VAPI_HMAC_PAYLOAD",
    "VAPI_HMAC_ALGORITHM",
    "VAPI_HMAC_ENCODING",
    "VAPI_HMAC_PREFIX",
    "VAPI_HMAC_TOLERANCE_SECONDS",
];

/// The placeholders of `VAPI_HMAC_PAYLOAD`.
const BODY: &str = "{body}";
const TIMESTAMP: &str = "{timestamp}";

/// `hmac`, `secret`, `bearer`: whether each is accepted.
struct Accepted {
    hmac: bool,
    secret: bool,
    bearer: bool,
}

pub(super) fn read(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<ProofPlan> {
    let secrets = reader.always("VAPI_WEBHOOK_SECRET", owner, secrets);
    let accepted = reader.always("VAPI_WEBHOOK_AUTH", owner, accepted);
    let custom = CUSTOM.into_iter().find_map(|name| reader.given(name, owner)).map(|given| given.name);
    let hmac = if custom.is_some() { custom_plan(reader, owner).map(|plan| vec![plan]) } else { Ok(HmacPlan::presets()) };
    if let (Some(name), Ok(Accepted { hmac: false, .. })) = (custom, &accepted) {
        reader.odd(format!("{name} is set, but VAPI_WEBHOOK_AUTH does not list hmac, so no signature is accepted."));
    }
    let Accepted { hmac: accepts_hmac, secret, bearer } = accepted?;
    let hmac = hmac?;
    Ok(ProofPlan { secrets: secrets?, hmac: if accepts_hmac { hmac } else { Vec::new() }, secret, bearer })
}

/// Whether the business gives any part of its plan itself.
pub(super) fn are_own(reader: &Reader<'_>, owner: Owner<'_>) -> bool {
    let parts = ["VAPI_WEBHOOK_SECRET", "VAPI_WEBHOOK_AUTH"].into_iter().chain(CUSTOM);
    owner.is_some() && parts.into_iter().any(|name| reader.own(name, owner).is_some())
}

fn accepted(value: &str) -> Result<Accepted, &'static str> {
    let mut accepted = Accepted { hmac: false, secret: false, bearer: false };
    for word in words(value) {
        match word.to_ascii_lowercase().as_str() {
            "hmac" => accepted.hmac = true,
            "secret" => accepted.secret = true,
            "bearer" => accepted.bearer = true,
            _ => return Err("must be a list of hmac, secret and bearer, separated by commas"),
        }
    }
    let any = accepted.hmac || accepted.secret || accepted.bearer;
    any.then_some(accepted).ok_or("must list at least one of hmac, secret and bearer: without a proof every webhook is refused")
}

fn custom_plan(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<HmacPlan> {
    let payload = reader.always("VAPI_HMAC_PAYLOAD", owner, payload);
    let stamped = payload.as_ref().is_ok_and(|payload| payload.contains(TIMESTAMP));
    let signature_header = reader.always("VAPI_HMAC_SIGNATURE_HEADER", owner, header_name);
    let timestamp_header = reader.always("VAPI_HMAC_TIMESTAMP_HEADER", owner, header_name);
    let given = reader.given("VAPI_HMAC_TIMESTAMP_HEADER", owner);
    if let (Some(given), false, true) = (given, stamped, payload.is_ok()) {
        // A timestamp that is not signed can be changed by anybody; taking it for a protection would be worse than none.
        reader.wrong(format!(
            "{} has no effect unless VAPI_HMAC_PAYLOAD has {TIMESTAMP} in it: remove one or add the other.",
            given.name
        ));
    }
    if let (Ok(signature), Ok(timestamp), true) = (&signature_header, &timestamp_header, stamped)
        && signature == timestamp
    {
        reader.wrong("VAPI_HMAC_TIMESTAMP_HEADER and VAPI_HMAC_SIGNATURE_HEADER must be two different headers.");
    }
    let hashes = [("sha1", HmacAlgorithm::Sha1), ("sha256", HmacAlgorithm::Sha256), ("sha512", HmacAlgorithm::Sha512)];
    let algorithm = reader.choice("VAPI_HMAC_ALGORITHM", owner, &hashes);
    let encodings = [("hex", HmacEncoding::Hex), ("base64", HmacEncoding::Base64)];
    let encoding = reader.choice("VAPI_HMAC_ENCODING", owner, &encodings);
    let prefix = reader.optional("VAPI_HMAC_PREFIX", owner, text);
    let tolerance = reader.number("VAPI_HMAC_TOLERANCE_SECONDS", owner, 1..=3600, "seconds");
    let timestamp_header = timestamp_header?;
    Ok(HmacPlan {
        signature_header: signature_header?,
        timestamp_header: stamped.then_some(timestamp_header),
        payload: payload?,
        algorithm: algorithm?,
        encoding: encoding?,
        prefix: prefix?.unwrap_or_default(),
        tolerance: Duration::from_secs(tolerance?),
    })
}

fn payload(value: &str) -> Result<String, &'static str> {
    let rest = value.replace(BODY, "").replace(TIMESTAMP, "");
    if rest.contains(['{', '}']) {
        return Err("may have {body} and {timestamp} in it and nothing else in braces; set Vapi's payloadFormat likewise");
    }
    if !value.contains(BODY) {
        return Err("must have {body} in it: what is not signed is not proven");
    }
    Ok(value.to_owned())
}

/// The token of RFC 9110, section 5.6.2, in lower case, as the headers of a request are compared.
fn header_name(value: &str) -> Result<String, &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    value.bytes().all(legal).then(|| value.to_ascii_lowercase()).ok_or("must be the name of a header, without spaces or a colon")
}
