//! From bytes to a proven request: size limit, then signature, then form. Holding a [`Verified`] means that Twilio
//! sent it; there is no other way to get one. Nothing is read out of a body before its signature was checked.

use std::fmt;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use secrecy::ExposeSecret;

use super::Station;
use super::form::Form;
use super::recorded;
use super::signature::{self, Content};
use crate::body::{self, BodyFault};
use crate::clock::Stopwatch;
use crate::names::Phone;
use crate::recorder::{self, Heard};
use crate::suspects::Standing;

/// Twilio's forms are under 2 kB; this is what the contract allows.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request that Twilio signed.
#[derive(Debug)]
pub struct Verified {
    form: Form,
    received: Stopwatch,
}

impl Verified {
    /// What it says.
    #[must_use]
    pub fn into_form(self) -> Form {
        self.form
    }

    /// Runs since its first byte was seen: every answer has a budget.
    #[must_use]
    pub fn received(&self) -> Stopwatch {
        self.received
    }
}

/// Why a request is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// No whole body.
    Body(BodyFault),
    /// No valid signature.
    Unproven,
    /// No valid signature, and too many of them from this address.
    CutOff,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body(BodyFault::TooLarge) => "the body is too large",
            Self::Body(BodyFault::Broken) => "the body did not arrive",
            Self::Unproven | Self::CutOff => "no valid signature",
        })
    }
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyFault::Broken) => StatusCode::BAD_REQUEST,
            Self::Unproven | Self::CutOff => StatusCode::FORBIDDEN,
        }
    }

    /// Empty: whoever cannot prove himself learns nothing. The connection stays open only after a plain refusal; in the
    /// other cases the rest of a body may still be on its way.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if *self != Self::Unproven {
            response.force_close();
        }
        response.finish()
    }
}

impl FromRequest for Verified {
    type Error = Rejection;
    type Future = LocalBoxFuture<'static, Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload, received) = (request.clone(), payload.take(), Stopwatch::start());
        Box::pin(async move {
            let Some(station) = request.app_data::<Data<Station>>() else { return Err(Rejection::Unproven) };
            let patience = station.settings.connect_budget;
            let body = body::read(&request, payload, MAX_BODY_BYTES, patience).await.map_err(Rejection::Body)?;
            let pairs = if is_form(&request) { signature::pairs(&body) } else { Vec::new() };
            if is_proven(station, &request, &pairs, &body) {
                let form = Form::from_pairs(&pairs);
                let (at, call_sid) = (station.clock.now(), form.call_sid.clone());
                let heard = Heard { vapi_call_id: None, call_sid, body, cut: recorded::cut, at, since: received };
                let whose = recorder::note(&request, heard);
                if let Some(profile) = station.business(&form) {
                    whose.is(&profile.slug);
                }
                return Ok(Self { form, received });
            }
            Err(refuse(station, &request, &pairs))
        })
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The tokens of everybody prove what concerns a business without its own; a business's own tokens prove only what
/// concerns its own numbers.
fn is_proven(station: &Station, request: &HttpRequest, pairs: &[(String, String)], body: &[u8]) -> bool {
    let mut headers = request.headers().get_all("x-twilio-signature");
    let (Some(header), None) = (headers.next(), headers.next()) else { return false };
    let Ok(header) = header.to_str() else { return false };
    if is_signed_otherwise(request) {
        return false;
    }
    let content = if is_form(request) { Content::Form(pairs) } else { Content::Other(body) };
    let number = pairs.iter().find(|(name, _)| name == "To").and_then(|(_, to)| Phone::e164(to));
    let own = number.and_then(|number| station.directory.by_number(&number));
    let twilio = own.map_or(station.settings.twilio.everyone(), |profile| station.settings.twilio.of(&profile.slug));
    let url = public_url(station, request);
    twilio.auth_tokens.iter().any(|token| signature::verify(&url, content, header, token.expose_secret()))
}

/// A `SharedKey` or another algorithm (Twilio's webhook settings of 2026) replaces the Auth Token; none can be set up
/// here, and a header must not choose how it is checked.
fn is_signed_otherwise(request: &HttpRequest) -> bool {
    let otherwise = |setting: &str| match setting.trim().split_once('=') {
        Some(("key", id)) => !id.trim().is_empty(),
        Some(("algorithm", name)) => !name.trim().eq_ignore_ascii_case("HMAC_SHA1"),
        _ => false,
    };
    let mut headers = request.headers().get_all("x-twilio-webhooks-signature-settings");
    headers.any(|value| value.to_str().map_or(true, |settings| settings.split(',').any(otherwise)))
}

/// The address that Twilio was told, with the path and query as they came; `Host` and `X-Forwarded-*` have no say.
fn public_url(station: &Station, request: &HttpRequest) -> String {
    station.settings.server_url.route(request.uri().path_and_query().map_or("/", |path_and_query| path_and_query.as_str()))
}

/// Counts and logs a failed proof, as much of it as helps to mend a setting: names but no values, no signature.
fn refuse(station: &Station, request: &HttpRequest, pairs: &[(String, String)]) -> Rejection {
    let peer = request.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    if station.suspects.failed(peer) == Standing::CutOff {
        return Rejection::CutOff;
    }
    let names: Vec<String> = pairs.iter().take(40).map(|(name, _)| name.chars().take(40).collect()).collect();
    let urls = signature::candidates(&public_url(station, request)).map(|url| redacted(&url));
    tracing::warn!(
        peer.address = %peer,
        twilio.signature_headers = request.headers().get_all("x-twilio-signature").count(),
        twilio.signed_otherwise = is_signed_otherwise(request),
        twilio.is_form = is_form(request),
        twilio.parameters = ?names,
        twilio.urls = ?urls,
        "refused a request without a valid Twilio signature; compare the address with SERVER_URL and the number's settings"
    );
    Rejection::Unproven
}

/// The address with the values of its query hidden.
fn redacted(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
    let names: Vec<String> =
        query.split('&').map(|pair| pair.split_once('=').map_or(pair.to_owned(), |(name, _)| format!("{name}=…"))).collect();
    format!("{path}?{}", names.join("&"))
}
