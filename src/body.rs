//! A request's body, whole or not at all: under a limit of bytes and a limit of time. Both counterparts' webhooks are read
//! here, before anything is proven.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{Error, HttpMessage, HttpRequest, rt};
use futures_util::{Stream, StreamExt};

/// How long an unfinished body is held on to after its answer: longer than it takes to send that.
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
pub async fn read(request: &HttpRequest, payload: Payload, max_bytes: usize, patience: Duration) -> Result<Bytes, BodyFault> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(BodyFault::TooLarge);
    }
    tokio::time::timeout(patience, collect(payload, max_bytes)).await.unwrap_or(Err(BodyFault::Broken))
}

async fn collect(mut payload: Payload, max_bytes: usize) -> Result<Bytes, BodyFault> {
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

/// Wraps every route: has the connection closed after an answer that did not wait for the end of the body, whoever gave it.
/// actix reads on for ever when nobody holds a chunked body any more at the time of the answer; while somebody does, it
/// closes the connection soon after (actix-http 3.20, 2026).
///
/// # Errors
/// Those of the route.
pub async fn held(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return next.call(request).await;
    }
    let held = Held(Rc::new(RefCell::new(Line { payload, is_over: false })));
    request.set_payload(Payload::Stream { payload: Box::pin(held.clone()) });
    let response = next.call(request).await;
    if !held.0.borrow().is_over {
        rt::spawn(async move {
            tokio::time::sleep(HELD_ON).await;
            drop(held);
        });
    }
    response
}

/// A body that the route may drop and that is there all the same.
#[derive(Clone)]
struct Held(Rc<RefCell<Line>>);

struct Line {
    payload: Payload,
    is_over: bool,
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut line = self.0.borrow_mut();
        let polled = line.payload.poll_next_unpin(context);
        line.is_over |= matches!(polled, Poll::Ready(None));
        polled
    }
}
