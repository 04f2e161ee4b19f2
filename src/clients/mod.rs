//! The REST APIs that we call, one file per counterpart. A client says what came of a request precisely enough that
//! the caller knows whether anything happened; it decides nothing, and never repeats what might have worked.

pub mod assistants;
pub mod control;
pub mod phone_numbers;
pub mod report;
pub mod twilio;
pub mod vapi;
pub mod webhook;

use std::time::Duration;

use reqwest::{Client, Response, redirect};
use url::{Host, Url};

/// A counterpart that does not take a connection in this time is down for a caller who is waiting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// For requests that set no shorter limit of their own.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Answers are small; a counterpart gone mad must not fill the memory.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// What is kept of a refusal's text.
const MAX_REASON_CHARS: usize = 300;

/// What stands in its place where something is not shown.
const BLANK: &str = "…";

/// The shortest number that reaches somebody.
const CALLABLE_DIGITS: usize = 7;

/// Why a request did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A setting is missing or cannot be used; nothing was sent.
    #[error("{0}")]
    Settings(&'static str),
    /// No connection, so nothing was sent.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It answered no.
    #[error("refused with status {status}: {reason}")]
    Refused {
        /// HTTP.
        status: u16,
        /// In its own words, without what was sent, long numbers and e-mail addresses.
        reason: String,
    },
    /// Nobody knows whether it was done: no answer, half an answer, or its own failure.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// It was done, but the answer lacks what is needed.
    #[error("the answer cannot be used: {0}")]
    Unusable(&'static str),
}

/// The one HTTP client of the program, to be built once and cloned: redirects are not followed (they would carry
/// credentials elsewhere), and nothing waits for ever.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http() -> Result<Client, reqwest::Error> {
    let builder = || {
        Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .user_agent(concat!("ringbook/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|error| {
        // A bare container still serves and shows its demonstration; whoever needs the outside hears why it fails.
        tracing::warn!(error = %error, "the system has no root certificates (package ca-certificates): no https address can be reached");
        builder().tls_certs_only(std::iter::empty()).build()
    })
}

/// The address of a route under a base address, with or without a slash at its end.
fn endpoint(base: &Url, path: &str) -> Result<Url, Error> {
    let loopback = match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if base.scheme() != "https" && !loopback {
        return Err(Error::Settings("only https addresses are called, except on loopback"));
    }
    let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&joined).map_err(|error| {
        tracing::error!(%error, "an address cannot be put together");
        Error::Settings("the base address cannot be used")
    })
}

/// What a failed exchange means: only a connection that never was is sure to have done nothing.
fn lost(error: &reqwest::Error) -> Error {
    let reason = chain(error);
    if error.is_connect() || error.is_builder() { Error::NotSent(reason) } else { Error::Unknown(reason) }
}

/// The whole body of an answer, up to the limit.
async fn body(response: Response) -> Result<Vec<u8>, Error> {
    body_up_to(response, MAX_ANSWER_BYTES).await
}

/// The same with a limit of its own.
pub(crate) async fn body_up_to(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::Unknown(chain(&error)))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(Error::Unknown("the answer is too large".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error and its causes in one line, without the address: queries and paths hold identifiers.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { "failed".to_owned() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Somebody else's words made fit for a log: short and on one line. They like to quote what they refuse: what stands in `sent`
/// is blanked out, and so are numbers long enough to call and whatever may be an e-mail address.
fn reason(text: &str, sent: &[&str]) -> String {
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for value in sent.iter().filter(|value| !value.is_empty()) {
        let quoted = serde_json::Value::from(*value).to_string();
        text = text.replace(value, BLANK).replace(quoted.trim_matches('"'), BLANK);
    }
    let words: Vec<&str> = text.split(' ').map(|word| if word.contains('@') { BLANK } else { word }).collect();
    without_numbers(&words.join(" ")).chars().take(MAX_REASON_CHARS).collect()
}

/// The same with every number of seven digits and more blanked out, whatever stands between them as people write numbers.
fn without_numbers(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let length = number.find(|c: char| !(c.is_ascii_digit() || " -.()/".contains(c))).unwrap_or(number.len());
        let length = number.split_at(length).0.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
        let (number, after) = number.split_at(length);
        let is_long = number.bytes().filter(u8::is_ascii_digit).count() >= CALLABLE_DIGITS;
        told.push_str(before);
        told.push_str(if is_long { BLANK } else { number });
        rest = after;
    }
    told + rest
}
