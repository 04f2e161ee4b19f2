//! `TWILIO_*`.

use secrecy::SecretString;
use url::Url;

use super::address;
use super::reader::{Owner, Read, Reader, secrets, text};

/// `TWILIO_*`.
#[derive(Clone, Debug)]
pub struct Twilio {
    /// `TWILIO_ACCOUNT_SID`.
    pub account_sid: String,
    /// `TWILIO_AUTH_TOKEN`: any of them verifies, the first is used for REST without an API key.
    pub auth_tokens: Vec<SecretString>,
    /// Whether the tokens were given for this business alone: then no other token proves its requests.
    pub auth_is_own: bool,
    /// `TWILIO_API_KEY_SID`, `TWILIO_API_KEY_SECRET`.
    pub api_key: Option<(String, SecretString)>,
    /// `TWILIO_MESSAGING_SERVICE_SID`.
    pub messaging_service_sid: Option<String>,
    /// `TWILIO_API_URL`, ending in a slash.
    pub api_url: Url,
}

pub(super) fn read(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<Twilio> {
    let account_sid = reader.always("TWILIO_ACCOUNT_SID", owner, text);
    if let Ok(sid) = &account_sid
        && !is_account_sid(sid)
    {
        reader.odd("TWILIO_ACCOUNT_SID does not look like one: it is AC and 32 digits from 0 to f.".to_owned());
    }
    // Tokens, keys and senders belong to an account: a business with another account inherits none of them.
    let other_account = is_other_account(reader, owner);
    if other_account && reader.own("TWILIO_AUTH_TOKEN", owner).is_none() {
        let [sid, token] = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"].map(|name| super::spelling::full_name(name, owner));
        reader.wrong(format!("{token} is missing: {sid} is another account, whose requests are signed with its own token."));
    }
    let auth_tokens = auth_tokens(reader, owner);
    let api_key = api_key(reader, owner, !other_account);
    let sender = "TWILIO_MESSAGING_SERVICE_SID";
    let sender = if other_account { reader.own(sender, owner) } else { reader.given(sender, owner) };
    let api_url = reader.always("TWILIO_API_URL", owner, address::base);
    Ok(Twilio {
        account_sid: account_sid?,
        auth_tokens: auth_tokens?,
        auth_is_own: owner.is_some() && reader.own("TWILIO_AUTH_TOKEN", owner).is_some(),
        api_key: api_key?,
        messaging_service_sid: sender.map(|sender| sender.value.to_owned()),
        api_url: api_url?,
    })
}

/// `TWILIO_AUTH_TOKEN`: what signs and verifies.
pub(super) fn auth_tokens(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<Vec<SecretString>> {
    reader.always("TWILIO_AUTH_TOKEN", owner, secrets)
}

fn is_other_account(reader: &Reader<'_>, owner: Owner<'_>) -> bool {
    let account = |owner| reader.given("TWILIO_ACCOUNT_SID", owner).map(|given| given.value);
    account(owner) != account(None)
}

/// Both halves come from the same place: half of one key and half of another open nothing.
fn api_key(reader: &mut Reader<'_>, owner: Owner<'_>, inherits: bool) -> Read<Option<(String, SecretString)>> {
    let places = if inherits { vec![owner, None] } else { vec![owner] };
    for place in places {
        match ["TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET"].map(|name| reader.own(name, place)) {
            [Some(sid), Some(secret)] => return Ok(Some((sid.value.to_owned(), secret.value.to_owned().into()))),
            [Some(half), None] | [None, Some(half)] => {
                let both = "an API key is TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET together";
                return Err(reader.wrong(format!("{} is set without its other half: {both}.", half.name)));
            }
            [None, None] => {}
        }
    }
    Ok(None)
}

fn is_account_sid(sid: &str) -> bool {
    sid.strip_prefix("AC").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
