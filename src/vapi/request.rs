//! From bytes to a proven message: size limit, then proof on the raw bytes, then JSON. Holding a [`Proven`] means that
//! somebody who knows the secret sent it; there is no other way to get one.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::Station;
use super::message::{Message, Unreadable};
use super::recorded;
use super::signature::{self, Proof, Unproven};
use crate::body::{self, BodyFault};
use crate::clock::{Deadline, Stopwatch};
use crate::recorder::{self, Heard, Whose};
use crate::suspects::Standing;

/// An `end-of-call-report` carries the whole conversation; this is what the contract allows.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// A body that takes longer is cut off.
const BODY_PATIENCE: Duration = Duration::from_secs(8);

/// A message whose proof was valid, and whom the proof speaks for.
#[derive(Debug)]
pub struct Proven {
    /// What Vapi says.
    pub message: Message,
    /// Whose messages it proves.
    pub proof: Proof,
    /// When the answer must be out.
    pub deadline: Deadline,
    /// To be told whose call it is, for the record.
    pub recorded: Whose,
}

/// Why a request is not listened to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Rejection {
    /// No whole body.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// The body is compressed: what was signed could not be told from what is read.
    #[error("the body is compressed; send it as it is")]
    Encoded,
    /// No valid proof.
    #[error("no valid proof; see VAPI_WEBHOOK_SECRET and VAPI_WEBHOOK_AUTH")]
    Unproven {
        /// Too many of them came from this address.
        cut_off: bool,
    },
    /// Proven, but not a message.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unproven { .. } => StatusCode::UNAUTHORIZED,
            Self::Body(BodyFault::Broken) | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Body(_) | Self::Encoded | Self::Unproven { cut_off: true }) {
            response.force_close();
        }
        response.json(json!({ "error": self.to_string() }))
    }
}

impl FromRequest for Proven {
    type Error = Rejection;
    type Future = LocalBoxFuture<'static, Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload, since) = (request.clone(), payload.take(), Stopwatch::start());
        Box::pin(async move {
            let station = request.app_data::<Data<Station>>().ok_or(Rejection::Unproven { cut_off: false })?;
            let deadline = Deadline::after(station.settings.tool_reply_budget);
            if is_encoded(&request) {
                return Err(Rejection::Encoded);
            }
            let body = body::read(&request, payload, MAX_BODY_BYTES, BODY_PATIENCE).await?;
            let proof = signature::proven_scopes(&headers(&request), &body, &station.settings.vapi, station.clock.now())
                .map_err(|unproven| refuse(station, &request, &unproven))?;
            let message = Message::read(&body)?;
            let recorded = if recorded::is_worth(&message.kind) {
                let (vapi_call_id, call_sid) = (message.about.call_id.clone(), message.about.call_sid.clone());
                let at = station.clock.now();
                recorder::note(&request, Heard { vapi_call_id, call_sid, body, cut: recorded::cut, at, since })
            } else {
                Whose::default()
            };
            Ok(Self { message, proof, deadline, recorded })
        })
    }
}

fn is_encoded(request: &HttpRequest) -> bool {
    let encoding =
        request.headers().get(CONTENT_ENCODING).map(actix_web::http::header::HeaderValue::as_bytes).unwrap_or_default();
    !(encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity"))
}

fn headers(request: &HttpRequest) -> Vec<(String, Vec<u8>)> {
    request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Counts and logs a failed proof: which check failed, never what was presented.
fn refuse(station: &Station, request: &HttpRequest, unproven: &Unproven) -> Rejection {
    let peer = request.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let cut_off = station.suspects.failed(peer) == Standing::CutOff;
    if !cut_off {
        tracing::warn!(peer.address = %peer, cause = %unproven, "refused a Vapi webhook without a valid proof");
    }
    Rejection::Unproven { cut_off }
}
