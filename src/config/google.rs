//! `CALENDAR` and `GOOGLE_*`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use super::address;
use super::reader::{Owner, Read, Reader, text};

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
    /// `GOOGLE_TOKEN_URL`, when set: wins over the service account's `token_uri`.
    pub token_url: Option<Url>,
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
    Ok(Google { credentials: credentials?, impersonate: impersonate?, calendar_url: calendar_url?, token_url: token_url? })
}

/// Demands a service account of every business whose calendar is Google's.
pub(super) fn check_needs(reader: &mut Reader<'_>, kind: Read<CalendarKind>) {
    if !matches!(kind, Ok(CalendarKind::Google)) {
        return;
    }
    let served = reader.served();
    let client = ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"];
    let has_client = served.iter().any(|owner| client.iter().any(|name| reader.given(name, *owner).is_some()));
    let why = if has_client {
        "accounts cannot be connected in the browser yet, so GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are not enough; \
         give the path of a service account's JSON file, with which the calendar is shared"
    } else {
        "CALENDAR=google needs the path of a service account's JSON file, with which the calendar is shared"
    };
    reader.demand("GOOGLE_CALENDAR_CREDENTIALS", &served, why);
}

/// Whether the file is what Google hands out for a service account; its content is never shown.
fn check_key(path: &Path) -> Result<(), &'static str> {
    let text = std::fs::read_to_string(path).map_err(|_cause| "must be the path of a file that can be read")?;
    let key: Value = serde_json::from_str(&text).map_err(|_cause| NO_KEY)?;
    let has = |name: &str| key.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if has("client_email") && has("private_key") { Ok(()) } else { Err(NO_KEY) }
}
