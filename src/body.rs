//! A request's body, whole or not at all: under a limit of bytes and a limit of time. Both counterparts' webhooks are read
//! here, before anything is proven.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::rt;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;

/// How long an unfinished body is held on to after its refusal: longer than it takes to send the refusal.
const HELD_ON: Duration = Duration::from_secs(1);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// More bytes than allowed, announced or sent.
    #[error("the body is too large")]
    TooLarge,
    /// It broke off, or did not arrive in time.
    #[error("the body did not arrive")]
    Broken,
}

/// Reads the body of `request`: at most `max_bytes`, within `patience`.
///
/// # Errors
/// A [`BodyFault`]; the rest of the body may still be on its way, so the connection is of no further use.
pub async fn read(request: &HttpRequest, mut payload: Payload, max_bytes: usize, patience: Duration) -> Result<Bytes, BodyFault> {
    let outcome = collected(request, &mut payload, max_bytes, patience).await;
    if outcome.is_err() {
        close_soon(payload);
    }
    outcome
}

async fn collected(
    request: &HttpRequest,
    payload: &mut Payload,
    max_bytes: usize,
    patience: Duration,
) -> Result<Bytes, BodyFault> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(BodyFault::TooLarge);
    }
    tokio::time::timeout(patience, collect(payload, max_bytes)).await.unwrap_or(Err(BodyFault::Broken))
}

async fn collect(payload: &mut Payload, max_bytes: usize) -> Result<Bytes, BodyFault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_broken| BodyFault::Broken)?;
        if body.len() + chunk.len() > max_bytes {
            return Err(BodyFault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Has the connection closed although its body has not ended. actix reads on for ever when nobody holds a chunked body any
/// more at the time of the answer; while somebody does, it closes the connection soon after (actix-http 3.20, 2026).
fn close_soon(payload: Payload) {
    rt::spawn(async move {
        tokio::time::sleep(HELD_ON).await;
        drop(payload);
    });
}
