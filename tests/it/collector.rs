//! Where spans go, as it is read from OpenTelemetry's own names: what is understood, and that nothing about them keeps a server from
//! starting or stays without effect in silence.

use ringbook::config::{COLLECTOR_NAMES, Collector, Environment, load_collector};
use secrecy::ExposeSecret;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

fn read(pairs: &[(&str, &str)], can_send: bool) -> (Option<Collector>, Vec<String>) {
    load_collector(&Environment::from_pairs(pairs.iter().copied()), can_send).unwrap()
}

/// What is read beside a good address.
fn good(pairs: &[(&str, &str)]) -> Collector {
    let (collector, warnings) = read(&[&[(ENDPOINT, "http://collector:4318")], pairs].concat(), true);
    assert!(warnings.is_empty(), "{warnings:?}");
    collector.unwrap()
}

/// The one warning beside a good address; the spans are sent all the same.
fn odd(pairs: &[(&str, &str)]) -> (Collector, String) {
    let (collector, warnings) = read(&[&[(ENDPOINT, "http://collector:4318")], pairs].concat(), true);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    (collector.unwrap(), warnings[0].clone())
}

#[test]
fn without_an_address_nothing_is_sent_whatever_else_is_set() {
    let others: Vec<(&str, &str)> =
        COLLECTOR_NAMES.into_iter().filter(|name| !name.ends_with("ENDPOINT")).map(|name| (name, "nonsense")).collect();
    assert_eq!(others.len(), 5);
    for can_send in [true, false] {
        let (collector, warnings) = read(&others, can_send);
        assert!(collector.is_none() && warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn an_address_that_this_program_can_do_nothing_with_is_named() {
    for name in [ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
        let (collector, warnings) = read(&[(name, "http://collector:4318")], false);
        assert!(collector.is_none());
        assert_eq!(
            warnings,
            [format!(
                "{name} is set, but has no effect: this ringbook was built without OpenTelemetry, see `cargo build --release --features otel`."
            )]
        );
    }
}

#[test]
fn spans_go_below_the_address_or_exactly_where_their_own_says() {
    for (given, posted) in [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://otlp.example.com/otlp/", "https://otlp.example.com/otlp/v1/traces"),
    ] {
        let (collector, _) = read(&[(ENDPOINT, given)], true);
        assert_eq!(collector.unwrap().traces.as_str(), posted);
    }
    let own = good(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://spans.example.com/in?for=us")]);
    assert_eq!(own.traces.as_str(), "https://spans.example.com/in?for=us");
}

#[test]
fn what_is_no_address_is_told_and_not_repeated() {
    let wrong = [
        "collector:4318",
        "grpc://collector:4317",
        "http://user:hidden@collector:4318",
        "http://collector/?key=hidden",
        "hidden",
    ];
    for given in wrong {
        let (collector, warnings) = read(&[(ENDPOINT, given)], true);
        assert!(collector.is_none(), "{given}");
        assert!(warnings.len() == 1 && warnings[0].starts_with(ENDPOINT) && !warnings[0].contains("hidden"), "{warnings:?}");
    }
}

#[test]
fn headers_are_read_as_the_standard_writes_them_and_never_shown() {
    let headers = "Authorization=Basic%20aGlkZGVu=, x-team = a+b&c ,";
    let collector = good(&[("OTEL_EXPORTER_OTLP_HEADERS", headers), ("OTEL_SERVICE_NAME", "front-desk")]);
    let read: Vec<(&str, &str)> = collector.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(read, [("Authorization", "Basic aGlkZGVu="), ("x-team", "a+b&c")]);
    assert_eq!(collector.service_name.as_deref(), Some("front-desk"));
    let shown = format!("{collector:?}");
    assert!(shown.contains("Authorization") && !shown.contains("aGlkZGVu"), "{shown}");

    let (collector, warning) = odd(&[("OTEL_EXPORTER_OTLP_HEADERS", "aGlkZGVu,x-team=us")]);
    assert_eq!(collector.headers.len(), 1);
    assert!(warning.starts_with("OTEL_EXPORTER_OTLP_HEADERS ") && !warning.contains("aGlkZGVu"), "{warning}");
}

#[test]
fn the_share_of_requests_that_is_sent_is_the_samplers() {
    let share =
        |sampler: &str, argument: &str| good(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]).share;
    let close = |one: f64, other: f64| (one - other).abs() < f64::EPSILON;
    assert!(close(good(&[]).share, 1.0));
    for prefix in ["", "parentbased_"] {
        assert!(close(share(&format!("{prefix}always_on"), "0.5"), 1.0));
        assert!(close(share(&format!("{prefix}always_off"), ""), 0.0));
        assert!(close(share(&format!("{prefix}traceidratio"), "0.25"), 0.25));
        assert!(close(share(&format!("{prefix}traceidratio"), ""), 1.0));
    }
    for (sampler, argument, named) in [
        ("traceidratio", "1.5", "OTEL_TRACES_SAMPLER_ARG "),
        ("traceidratio", "half", "OTEL_TRACES_SAMPLER_ARG "),
        ("jaeger_remote", "", "OTEL_TRACES_SAMPLER "),
    ] {
        let (collector, warning) = odd(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        assert!(close(collector.share, 1.0) && warning.starts_with(named), "{warning}");
    }
}

#[test]
fn another_way_of_sending_than_the_one_that_is_spoken_is_named() {
    good(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
    let (_, warning) = odd(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert!(warning.starts_with("OTEL_EXPORTER_OTLP_PROTOCOL has no effect"), "{warning}");
}
