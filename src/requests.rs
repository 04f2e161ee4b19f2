//! What the log tells of every request: method, path, status, duration. Never its query, headers or body: links, codes and
//! states travel in queries, and whoever reads a log must not be able to use them.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};

use crate::clock::Stopwatch;

/// The span in which everything happens that a request sets off.
#[derive(Debug)]
pub(crate) struct RequestSpan;

/// Wraps every route.
pub(crate) fn logged() -> TracingLogger<RequestSpan> {
    TracingLogger::new()
}

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Stopwatch::start());
        let id = request.extensions().get::<RequestId>().map(tracing::field::display).map(|id| id.to_string());
        tracing::info_span!(
            "request",
            "request.id" = id,
            "http.method" = %request.method(),
            "http.path" = request.path(),
            "http.status" = Empty,
            duration_ms = Empty
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = outcome.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
        span.record("http.status", status.as_u16());
        if let Ok(response) = outcome
            && let Some(watch) = response.request().extensions().get::<Stopwatch>()
        {
            span.record("duration_ms", watch.elapsed_ms());
        }
        tracing::debug!("answered");
    }
}
