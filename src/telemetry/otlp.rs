//! Spans for a collector of OpenTelemetry: what was done for each request, in batches, from a thread of its own. Only our own spans
//! and records leave, with the fields that the log has, never those of a library. No caller waits for any of it: what cannot be
//! sent is dropped, and the log says so once.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use secrecy::ExposeSecret;
use tokio::runtime::Handle;
use tracing::{Level, Metadata};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::Farewell;
use crate::clients;
use crate::config::{Collector, Settings};

/// As whom a server is shown that was given no name.
const SERVICE: &str = env!("CARGO_PKG_NAME");
/// How the SDK calls one that has no name.
const NAMELESS: &str = "unknown_service";
/// How long a collector may take for a batch: what the standard says where nobody says otherwise.
const LIMIT: Duration = Duration::from_secs(10);
/// How long the end of the program waits for the last batch.
const LAST: Duration = Duration::from_secs(2);
/// What is read of a collector's answer; it has next to nothing to say.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Whoever looks every few seconds whether the server is there; nothing is done for them.
const PROBES: [&str; 2] = ["/healthz", "/metrics"];
/// The span of a request, as `requests` calls it.
const REQUEST: &str = "request";
/// Spans that go by a field: the name, and which field.
const BY_FIELD: [(&str, &str); 3] = [("google", "google.method"), ("job", "job.kind"), ("tool", "tool")];
/// Spans of what others do for us begin so.
const OTHERS: [&str; 3] = ["google", "twilio", "vapi"];
/// Which status a request was answered with.
const STATUS: &str = "http.status";
/// What the log calls a thing, and what everybody calls it who looks at spans (opentelemetry.io/docs/specs/semconv/http, 2026).
const CUSTOMARY: [(&str, &str); 3] =
    [("http.method", "http.request.method"), ("http.path", "url.path"), (STATUS, "http.response.status_code")];

/// Begins logging and sending. Where nothing can be sent, the log says why, and goes on alone.
pub(super) fn init(collector: &Collector, settings: &Settings) -> Farewell {
    let (provider, error) = match provider(collector) {
        Ok(provider) => (provider, None),
        Err(error) => (SdkTracerProvider::builder().build(), Some(error)),
    };
    let spans = OpenTelemetryLayer::new(provider.tracer(SERVICE))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(filter_fn(leaves).with_max_level_hint(LevelFilter::DEBUG));
    let (filter, fault) = super::read(&settings.log);
    let lines = super::lines(settings.log_format).with_filter(filter);
    if Registry::default().with(spans).with(lines).try_init().is_ok() {
        super::tell(fault);
        match error {
            None => tracing::info!(collector = collector.traces.host_str(), "spans are sent to a collector"),
            Some(error) => tracing::warn!(%error, "no spans can be sent"),
        }
    }
    Box::new(move || {
        if provider.shutdown_with_timeout(LAST).is_err() {
            tracing::info!("the last spans could not be sent in time");
        }
    })
}

/// What leaves: each step, and what was worth a line at `info`.
fn leaves(what: &Metadata<'_>) -> bool {
    let is_ours = what.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    is_ours && *what.level() <= if what.is_span() { Level::DEBUG } else { Level::INFO }
}

fn provider(collector: &Collector) -> anyhow::Result<SdkTracerProvider> {
    let post = Post { http: clients::http()?, runtime: Handle::current(), is_lost: AtomicBool::new(false) };
    let headers = collector.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(post)
        .with_endpoint(collector.traces.as_str())
        .with_headers(headers.collect())
        .build()?;
    let builder = SdkTracerProvider::builder().with_sampler(Sampler::TraceIdRatioBased(collector.share));
    Ok(builder.with_resource(resource(collector)).with_batch_exporter(Shown(exporter)).build())
}

/// Who we are. `OTEL_RESOURCE_ATTRIBUTES` may say more of it.
fn resource(collector: &Collector) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let found = Resource::builder().with_attribute(version.clone()).build();
    let is_nameless = found.get(&Key::from("service.name")).is_none_or(|name| name.as_str().starts_with(NAMELESS));
    let given = collector.service_name.clone();
    match given.or_else(|| is_nameless.then(|| SERVICE.to_owned())) {
        Some(name) => Resource::builder().with_attribute(version).with_service_name(name).build(),
        None => found,
    }
}

/// Sends spans as people want to see them.
#[derive(Debug)]
struct Shown(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Shown {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let batch: Vec<SpanData> = batch.into_iter().filter_map(shown).collect();
        if batch.is_empty() { Ok(()) } else { self.0.export(batch).await }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// The span under the name that people look for.
fn shown(mut span: SpanData) -> Option<SpanData> {
    if span.name == REQUEST {
        return request(span);
    }
    if OTHERS.iter().any(|other| span.name.starts_with(other)) {
        span.span_kind = SpanKind::Client;
    }
    let by = BY_FIELD.iter().find(|(name, _)| span.name == *name);
    if let Some(word) = by.and_then(|(_, field)| field_of(&span, field)) {
        span.name = format!("{} {}", span.name, word.as_str()).into();
    }
    Some(span)
}

/// A request goes by its method, and by its path where that is one of ours: strangers may ask for anything.
fn request(mut span: SpanData) -> Option<SpanData> {
    let text = |name| field_of(&span, name).map(|value| value.as_str().into_owned()).unwrap_or_default();
    let (method, path) = (text("http.method"), text("http.path"));
    if PROBES.contains(&path.as_str()) {
        return None;
    }
    // Numbers without a sign come as text.
    let (status, took) = (text(STATUS).parse::<u16>().unwrap_or_default(), text("duration_ms").parse().ok());
    // What goes on after the answer holds the span open; the caller waited only until here.
    if let Some(end) = took.and_then(|ms| span.start_time.checked_add(Duration::from_millis(ms))) {
        span.end_time = end;
    }
    if status >= 500 {
        span.status = Status::error("");
    }
    span.name = if matches!(status, 404 | 405) { method.into() } else { format!("{method} {path}").into() };
    span.span_kind = SpanKind::Server;
    for attribute in &mut span.attributes {
        if attribute.key.as_str() == STATUS {
            attribute.value = Value::I64(status.into());
        }
        if let Some((_, customary)) = CUSTOMARY.iter().find(|(ours, _)| attribute.key.as_str() == *ours) {
            attribute.key = Key::from_static_str(customary);
        }
    }
    Some(span)
}

fn field_of<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|attribute| &attribute.value)
}

/// Carries batches to the collector over the program's own HTTP client, whose connections live on the main runtime.
#[derive(Debug)]
struct Post {
    http: reqwest::Client,
    runtime: Handle,
    is_lost: AtomicBool,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Post {
    fn send_bytes<'post, 'sending>(&'post self, request: Request<Bytes>) -> Sending<'sending>
    where
        'post: 'sending,
        Self: 'sending,
    {
        Box::pin(async move {
            let sent = self.runtime.spawn(exchange(self.http.clone(), request)).await;
            let outcome = sent.unwrap_or_else(|_ending| Err("the program is ending".to_owned()));
            self.note(outcome.as_ref().err());
            outcome.map_err(Into::into)
        })
    }
}

impl Post {
    /// Says once that nothing arrives, and once that it does again.
    fn note(&self, fault: Option<&String>) {
        match (fault, self.is_lost.swap(fault.is_some(), Ordering::Relaxed)) {
            (Some(cause), false) => {
                tracing::warn!(
                    cause,
                    "spans do not reach the collector (OTEL_EXPORTER_OTLP_ENDPOINT) and are dropped until they do"
                );
            }
            (None, true) => tracing::info!("spans reach the collector again"),
            _ => {}
        }
    }
}

/// Sends one batch. The error is a few words without the address, which may hold a key.
async fn exchange(http: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let mut request = reqwest::Request::try_from(request).map_err(|_invalid| "it cannot be addressed".to_owned())?;
    *request.timeout_mut() = Some(LIMIT);
    let answer = http.execute(request).await.map_err(|error| clients::chain(&error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("it answers with status {}", status.as_u16()));
    }
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return Err("it answers with a web page".to_owned());
    }
    let body = clients::body_up_to(answer, MAX_ANSWER_BYTES).await.map_err(|error| error.to_string())?;
    Response::builder().status(status.as_u16()).body(body.into()).map_err(|error| error.to_string())
}
