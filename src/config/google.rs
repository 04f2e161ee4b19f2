//! `CALENDAR` and `GOOGLE_*`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::address;
use super::reader::{Owner, Read, Reader, secret, text, words};
use crate::vault::{KEY_BYTES, Vault};

/// What is said of a file that is something else.
const NO_KEY: &str =
    "must be the path of a service account's JSON key, with client_email and private_key, as Google hands it out";

/// `CALENDAR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarKind {
    /// `google`
    Google,
    /// `embedded`
    Embedded,
}

/// `GOOGLE_*`.
#[derive(Clone, Debug)]
pub struct Google {
    /// `GOOGLE_CALENDAR_CREDENTIALS`: the service account's JSON.
    pub credentials: Option<PathBuf>,
    /// `GOOGLE_IMPERSONATE`: the user it acts for.
    pub impersonate: Option<String>,
    /// `GOOGLE_CALENDAR_URL`, ending in a slash.
    pub calendar_url: Url,
    /// `GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`.
    pub client: Option<GoogleClient>,
    /// `GOOGLE_AUTH_URL`: the consent page.
    pub auth_url: Url,
    /// `GOOGLE_REVOKE_URL`.
    pub revoke_url: Url,
    /// `GOOGLE_TOKEN_URL`, when set: wins over the service account's `token_uri`.
    pub token_url: Option<Url>,
}

/// The OAuth web client with which owners connect their accounts.
#[derive(Clone, Debug)]
pub struct GoogleClient {
    /// `GOOGLE_CLIENT_ID`.
    pub id: String,
    /// `GOOGLE_CLIENT_SECRET`.
    pub secret: SecretString,
}

pub(super) fn kind(reader: &mut Reader<'_>) -> Read<CalendarKind> {
    reader.choice("CALENDAR", None, &[("google", CalendarKind::Google), ("embedded", CalendarKind::Embedded)])
}

pub(super) fn read(reader: &mut Reader<'_>, owner: Owner<'_>, kind: Read<CalendarKind>) -> Read<Google> {
    // The embedded calendar opens no file, so one that is not there yet is no mistake then.
    let uses_file = matches!(kind, Ok(CalendarKind::Google));
    let credentials = reader.optional("GOOGLE_CALENDAR_CREDENTIALS", owner, |path| {
        let path = PathBuf::from(path);
        if uses_file { check_key(&path).map(|()| path) } else { Ok(path) }
    });
    let impersonate = reader.optional("GOOGLE_IMPERSONATE", owner, text);
    let calendar_url = reader.always("GOOGLE_CALENDAR_URL", owner, address::base);
    let token_url = reader.optional("GOOGLE_TOKEN_URL", owner, address::outgoing);
    let auth_url = reader.always("GOOGLE_AUTH_URL", owner, address::outgoing);
    let revoke_url = reader.always("GOOGLE_REVOKE_URL", owner, address::outgoing);
    let client = client(reader, owner);
    Ok(Google {
        credentials: credentials?,
        impersonate: impersonate?,
        calendar_url: calendar_url?,
        client: client?,
        auth_url: auth_url?,
        revoke_url: revoke_url?,
        token_url: token_url?,
    })
}

/// Both of them, or neither.
fn client(reader: &mut Reader<'_>, owner: Owner<'_>) -> Read<Option<GoogleClient>> {
    let id = reader.optional("GOOGLE_CLIENT_ID", owner, text);
    let secret = reader.optional("GOOGLE_CLIENT_SECRET", owner, secret);
    match (id?, secret?) {
        (Some(id), Some(secret)) => Ok(Some(GoogleClient { id, secret })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(reader.wrong("GOOGLE_CLIENT_ID is set without GOOGLE_CLIENT_SECRET: an OAuth client needs both.")),
        (None, Some(_)) => Err(reader.wrong("GOOGLE_CLIENT_SECRET is set without GOOGLE_CLIENT_ID: an OAuth client needs both.")),
    }
}

/// `ENCRYPTION_KEY`.
pub(super) fn vault(reader: &mut Reader<'_>) -> Read<Arc<Vault>> {
    let keys = reader.optional("ENCRYPTION_KEY", None, encryption_keys)?;
    Ok(Arc::new(Vault::new(keys.unwrap_or_default())))
}

fn encryption_keys(value: &str) -> Result<Vec<[u8; KEY_BYTES]>, &'static str> {
    let key = |word: &str| STANDARD.decode(word).ok().and_then(|key| <[u8; KEY_BYTES]>::try_from(key).ok());
    let keys: Option<Vec<_>> = words(value).map(key).collect();
    keys.filter(|keys| !keys.is_empty())
        .ok_or("must be base64 of 32 bytes, or several of those separated by commas: `ringbook keygen` makes one")
}

/// Demands one of the two ways of every business whose calendar is Google's: an OAuth client, with a key for what it brings,
/// or a service account.
pub(super) fn check_needs(reader: &mut Reader<'_>, kind: Read<CalendarKind>) {
    if !matches!(kind, Ok(CalendarKind::Google)) {
        return;
    }
    let served = reader.served();
    let has_client =
        |owner: &Owner<'_>| ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"].iter().any(|name| reader.given(name, *owner).is_some());
    let (connecting, others): (Vec<Owner<'_>>, Vec<Owner<'_>>) = served.into_iter().partition(has_client);
    let why = "CALENDAR=google needs the path of a service account's JSON file, with which the calendar is shared, or \
               GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, with which owners connect a calendar in the browser";
    reader.demand("GOOGLE_CALENDAR_CREDENTIALS", &others, why);
    if !connecting.is_empty() {
        let why = "owners' Google accounts are connected with GOOGLE_CLIENT_ID, and what opens them is kept encrypted; `ringbook keygen` makes a key";
        reader.demand("ENCRYPTION_KEY", &[None], why);
    }
}

/// Whether the file is what Google hands out for a service account; its content is never shown.
fn check_key(path: &Path) -> Result<(), &'static str> {
    let text = std::fs::read_to_string(path).map_err(|_cause| "must be the path of a file that can be read")?;
    let key: Value = serde_json::from_str(&text).map_err(|_cause| NO_KEY)?;
    let has = |name: &str| key.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if has("client_email") && has("private_key") { Ok(()) } else { Err(NO_KEY) }
}
