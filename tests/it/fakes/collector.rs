//! A collector of OpenTelemetry: takes spans by OTLP over HTTP in protobuf, and nothing else. It only collects.

use std::ops::Deref;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::faults::{Refusal, Struck};
use super::stage::Stage;
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

/// A running collector; it stops when dropped.
pub struct FakeCollector {
    sink: Arc<Sink>,
    server: Server,
}

impl Deref for FakeCollector {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.sink.0
    }
}

impl FakeCollector {
    pub fn start() -> Self {
        let (server, sink) = Server::start(|_| Sink(Stage::new(&["traces", "unknown"])));
        Self { sink, server }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The batches that were taken, in order.
    pub fn batches(&self) -> Vec<ExportTraceServiceRequest> {
        let taken = self.requests_of("traces").into_iter().filter(|entry| entry.outcome == Some(200));
        taken.map(|entry| decoded(&entry.request).unwrap()).collect()
    }

    /// All spans that were taken.
    pub fn spans(&self) -> Vec<Span> {
        let resources = self.batches().into_iter().flat_map(|batch| batch.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// What this attribute of the senders is, batch by batch.
    pub fn resources(&self, name: &str) -> Vec<String> {
        let resources = self.batches().into_iter().flat_map(|batch| batch.resource_spans);
        resources.filter_map(|spans| attribute(&spans.resource?.attributes, name)).collect()
    }
}

/// An attribute in words; `None` where there is none of that name.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()? {
        AnyValue { value: Some(Value::StringValue(text)) } => Some(text.clone()),
        AnyValue { value: Some(Value::IntValue(number)) } => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

fn decoded(request: &Request) -> Option<ExportTraceServiceRequest> {
    ExportTraceServiceRequest::decode(&request.body[..]).ok()
}

struct Sink(Stage);

impl Site for Sink {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn aim(&self, request: &Request) -> Aim {
        let is_ours = request.verb == "POST" && request.path == "/v1/traces";
        Aim { call: if is_ours { "traces" } else { "unknown" }, about: Vec::new(), trusted: true }
    }

    fn work(&self, aim: &Aim, request: &Request, _: &[Struck]) -> Answer {
        let is_protobuf = request.header("content-type") == Some("application/x-protobuf");
        match (aim.call, decoded(request)) {
            ("traces", Some(batch)) if is_protobuf && !batch.resource_spans.is_empty() => Answer::empty(200),
            ("traces", _) => Answer::empty(400),
            _ => Answer::empty(404),
        }
    }

    fn refuse(&self, _: &Aim, refusal: &Refusal) -> Answer {
        Answer::empty(refusal.code)
    }
}
