//! Where spans go: the names are OpenTelemetry's own (opentelemetry.io/docs/specs/otel/protocol/exporter, 2026), which whole
//! platforms set for all that they run. So what is wrong with them is a warning, and never keeps the telephone from being answered.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::environment::Environment;
use super::problems::Problems;
use super::reader::{Given, Reader};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The names that are read here.
pub const COLLECTOR_NAMES: [&str; 7] = [ENDPOINT, TRACES_ENDPOINT, PROTOCOL, HEADERS, SERVICE_NAME, SAMPLER, SAMPLER_ARG];

/// The way of sending that is built in.
const SPOKEN: &str = "http/protobuf";

/// Who takes spans.
#[derive(Clone)]
pub struct Collector {
    /// Where they are posted.
    pub traces: Url,
    /// What is sent along: often a key.
    pub headers: Vec<(String, SecretString)>,
    /// As whom ringbook is shown, if that was said.
    pub service_name: Option<String>,
    /// Which part of the requests is sent, from 0 to 1.
    pub share: f64,
}

/// An address may have a key in its path.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Collector")
            .field("host", &self.traces.host_str())
            .field("headers", &names)
            .field("service_name", &self.service_name)
            .field("share", &self.share)
            .finish()
    }
}

/// The collector, if there is one and this program `can_send`; the warnings are for the log.
///
/// # Errors
/// None that this group can make: what is wrong here is a warning.
pub fn load_collector(environment: &Environment, can_send: bool) -> Result<(Option<Collector>, Vec<String>), Problems> {
    let mut reader = Reader::new(environment, &[]);
    let collector = read(&mut reader, can_send);
    reader.finish(Ok(collector))
}

pub(super) fn read(reader: &mut Reader<'_>, can_send: bool) -> Option<Collector> {
    let Given { name, value } = reader.own(TRACES_ENDPOINT, None).or_else(|| reader.own(ENDPOINT, None))?;
    if !can_send {
        reader.odd(format!(
            "{name} is set, but has no effect: this ringbook was built without OpenTelemetry, see `cargo build --release --features otel`."
        ));
        return None;
    }
    let Some(traces) = address(value, name == TRACES_ENDPOINT) else {
        reader.odd(format!(
            "{name} is not an address of a collector, so no spans are sent: set it to e.g. http://127.0.0.1:4318, without a user name."
        ));
        return None;
    };
    if reader.own(PROTOCOL, None).is_some_and(|protocol| protocol.value != SPOKEN) {
        reader.odd(format!("{PROTOCOL} has no effect: ringbook speaks {SPOKEN}, which collectors take at port 4318."));
    }
    let (headers, share) = (headers(reader), share(reader));
    let service_name = reader.own(SERVICE_NAME, None).map(|given| given.value.to_owned());
    Some(Collector { traces, headers, service_name, share })
}

/// An address for spans alone is taken as it is, one for everything gets their path.
fn address(text: &str, is_whole: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if !is_web || url.fragment().is_some() {
        return None;
    }
    match url.query() {
        _ if is_whole => Some(url),
        Some(_) => None,
        None => Url::parse(&format!("{}/v1/traces", url.as_str().trim_end_matches('/'))).ok(),
    }
}

/// `name=value`, separated by commas, values as in addresses.
fn headers(reader: &mut Reader<'_>) -> Vec<(String, SecretString)> {
    let Some(Given { value, .. }) = reader.own(HEADERS, None) else { return Vec::new() };
    let pairs: Vec<&str> = value.split(',').map(str::trim).filter(|pair| !pair.is_empty()).collect();
    let read: Vec<(String, SecretString)> = pairs.iter().filter_map(|pair| header(pair)).collect();
    if read.len() < pairs.len() {
        reader.odd(format!("{HEADERS} is not understood: write name=value, several separated by commas."));
    }
    read
}

fn header(pair: &str) -> Option<(String, SecretString)> {
    // What forms write for a space, and between fields, stands for itself here.
    let pair = pair.replace('+', "%2B").replace('&', "%26");
    let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    (!name.is_empty() && !value.is_empty()).then(|| (name, value.into()))
}

/// Nothing that others begin is carried on here, so whether a parent decides makes no difference.
fn share(reader: &mut Reader<'_>) -> f64 {
    let Some(Given { value: sampler, .. }) = reader.own(SAMPLER, None) else { return 1.0 };
    match sampler.strip_prefix("parentbased_").unwrap_or(sampler) {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let share = reader.own(SAMPLER_ARG, None).map_or(Some(1.0), |given| given.value.parse().ok());
            share.filter(|share| (0.0..=1.0).contains(share)).unwrap_or_else(|| {
                reader.odd(format!("{SAMPLER_ARG} is not a number from 0 to 1, so all spans are sent."));
                1.0
            })
        }
        _ => {
            reader.odd(format!(
                "{SAMPLER} is not known here, so all spans are sent: always_on, always_off and traceidratio are, with or without parentbased_."
            ));
            1.0
        }
    }
}
