//! Addresses: ours, as the counterparts are told, and theirs. Plain http is for the machine itself only; what travels
//! further carries names, numbers and secrets.

use std::net::SocketAddr;

use url::{Host, Url};

/// What is wrong with an address: the end of a sentence that begins with the setting's name.
pub type Fault = &'static str;

const NOT_SECURE: Fault =
    "must be an https:// address; http:// is accepted for this machine itself only (localhost, 127.0.0.1, [::1])";

/// The public base address, without a trailing slash, user name, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    /// Takes the address letter by letter as it is written: Twilio signs those letters, not a normal form of them.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim().trim_end_matches('/');
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(NOT_SECURE)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be written in ASCII without spaces");
        }
        if text.contains(['?', '#']) {
            return Err(
                "must not have a query or a fragment: give scheme, host and, if there is one, the path in front of our routes",
            );
        }
        let url = outgoing(text)?;
        let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default();
        if url.path().trim_end_matches('/') != path {
            return Err("must be written plainly: no backslashes, and no . or .. in its path");
        }
        Ok(Self(text.to_owned()))
    }

    /// The base address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The public address of one of our routes; `path` begins with a slash.
    #[must_use]
    pub fn route(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// Whether it leads to this machine itself.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An address that is called as it is, with its query if it has one.
pub(super) fn outgoing(text: &str) -> Result<Url, Fault> {
    checked(text, "https", "http", NOT_SECURE)
}

/// An address to which paths are appended; it ends in a slash.
pub(super) fn base(text: &str) -> Result<Url, Fault> {
    let mut url = without_query(outgoing(text)?)?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The address of a media stream, to which `/` and the assistant id are appended.
pub(super) fn stream(text: &str) -> Result<String, Fault> {
    let fault = "must be a wss:// address; ws:// is accepted for this machine itself only";
    let url = without_query(checked(text, "wss", "ws", fault)?)?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn checked(text: &str, secure: &str, plain: &str, not_secure: Fault) -> Result<Url, Fault> {
    let url = Url::parse(text).ok().ok_or("is not an address: write it with its scheme and host")?;
    if url.scheme() != secure && !(url.scheme() == plain && is_loopback(&url)) {
        return Err(not_secure);
    }
    // The parser drops an empty user name, so the letters are looked at as well.
    let host = text.split_once("//").map_or("", |(_, rest)| rest).split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if host.contains('@') {
        return Err("must not have a user name or a password in it");
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (#...)");
    }
    Ok(url)
}

fn without_query(url: Url) -> Result<Url, Fault> {
    if url.query().is_some() { Err("must not have a query (?...)") } else { Ok(url) }
}

/// An address to listen on.
pub(super) fn socket(value: &str) -> Result<SocketAddr, &'static str> {
    value.parse().ok().ok_or("must be an IP address and a port, e.g. 0.0.0.0:8080 or [::]:8080")
}
