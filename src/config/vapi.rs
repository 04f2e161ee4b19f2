//! `VAPI_*`, but for the proofs of its webhooks.

use secrecy::SecretString;
use url::Url;

use super::address;
use super::proofs::{self, ProofPlan};
use super::reader::{Owner, Read, Reader, secret, text};
use crate::names::AssistantId;

/// `VAPI_*`.
#[derive(Clone, Debug)]
pub struct Vapi {
    /// `VAPI_API_KEY`.
    pub api_key: Option<SecretString>,
    /// `VAPI_API_URL`, ending in a slash.
    pub api_url: Url,
    /// `VAPI_CONNECT`.
    pub connect: Connect,
    /// `VAPI_ASSISTANT_ID`.
    pub assistant_id: Option<AssistantId>,
    /// `VAPI_PHONE_NUMBER_ID`.
    pub phone_number_id: Option<String>,
    /// `VAPI_STREAM_URL`, without a trailing slash.
    pub stream_url: String,
    /// `VAPI_SIP_URI`.
    pub sip_uri: Option<String>,
    /// How its webhooks are proven.
    pub proofs: ProofPlan,
    /// Whether the plan, or its secret, was given for this business alone: then no other secret proves its messages.
    pub proofs_are_own: bool,
}

/// `VAPI_CONNECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// `POST /call` with `phoneCallProviderBypassEnabled`; its TwiML is returned.
    Bypass,
    /// `<Connect><Stream>`.
    Stream,
    /// `<Dial><Sip>`.
    Sip,
}

/// The words for [`Connect`], and which settings each way cannot do without.
const WAYS: [(&str, Connect, &[&str]); 3] = [
    ("bypass", Connect::Bypass, &["VAPI_API_KEY", "VAPI_PHONE_NUMBER_ID"]),
    ("stream", Connect::Stream, &[]),
    ("sip", Connect::Sip, &["VAPI_SIP_URI"]),
];

pub(super) fn read(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<Vapi> {
    let api_key = reader.optional("VAPI_API_KEY", owner, secret);
    let api_url = reader.always("VAPI_API_URL", owner, address::base);
    let connect = connect(reader, owner);
    let assistant_id = reader.optional("VAPI_ASSISTANT_ID", owner, |id| {
        AssistantId::parse(id).ok_or("must be at most 200 characters of ASCII without spaces")
    });
    let phone_number_id = reader.optional("VAPI_PHONE_NUMBER_ID", owner, text);
    let stream_url = reader.always("VAPI_STREAM_URL", owner, address::stream);
    let sip_uri = reader.optional("VAPI_SIP_URI", owner, sip_uri);
    let proofs = proofs::read(reader, owner);
    Ok(Vapi {
        api_key: api_key?,
        api_url: api_url?,
        connect: connect?,
        assistant_id: assistant_id?,
        phone_number_id: phone_number_id?,
        stream_url: stream_url?,
        sip_uri: sip_uri?,
        proofs: proofs?,
        proofs_are_own: proofs::are_own(reader, owner),
    })
}

/// Demands what each business's way of connecting a caller cannot do without.
pub(super) fn check_needs(reader: &mut Reader<'_>) {
    let served = reader.served();
    for (word, way, needs) in WAYS {
        // A word that cannot be read is told where it is read; here it needs nothing.
        let owners: Vec<Owner<'_>> =
            served.iter().copied().filter(|owner| connect(reader, *owner).is_ok_and(|c| c == way)).collect();
        for need in needs {
            // Nobody knows this one before the number is at Vapi.
            let found_out = if *need == "VAPI_PHONE_NUMBER_ID" { ", and `ringbook connect` prints it" } else { "" };
            reader.demand(need, &owners, &format!("VAPI_CONNECT={word} needs it{found_out}"));
        }
    }
}

fn connect(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<Connect> {
    reader.choice("VAPI_CONNECT", owner, &WAYS.map(|(word, way, _)| (word, way)))
}

fn sip_uri(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).unwrap_or_default();
    let sane = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    sane.then(|| text.to_owned()).ok_or("must begin with sip: or sips: and have no spaces, e.g. sip:front-desk@sip.vapi.ai")
}
