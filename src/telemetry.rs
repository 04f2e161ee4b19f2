//! Where the log goes and how it looks: to stderr, so that what a command prints on stdout stays its own. With the feature `otel`
//! the same spans go to a collector as well.

#[cfg(feature = "otel")]
mod otlp;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::calendar::auth::TELLS_SECRETS;
use crate::config::{LogFormat, Settings};

/// What is logged where the filter cannot be read.
const FALLBACK: &str = "info";

/// The log target whose debug lines contain every number that it reads.
const TELLS_NUMBERS: &str = "rlibphonenumber";

/// What is left to do when nothing happens any more. It may take two seconds, and needs the runtime still.
pub type Farewell = Box<dyn FnOnce()>;

/// Begins logging for a server, and sending its spans where the settings name a collector. Belongs on the main runtime.
#[must_use]
pub fn init_server(settings: &Settings) -> Farewell {
    #[cfg(feature = "otel")]
    if let Some(collector) = &settings.collector {
        return otlp::init(collector, settings);
    }
    init(&settings.log, settings.log_format);
    Box::new(|| ())
}

/// Begins logging. `log` is a filter as `tracing` reads it; one that cannot be read is `info`, and a warning says so.
/// Only the first call of a process counts.
pub fn init(log: &str, format: LogFormat) {
    let (filter, fault) = read(log);
    let begun = tracing_subscriber::registry().with(filter).with(lines(format)).try_init();
    if begun.is_ok() {
        tell(fault);
    }
}

/// The filter, and what is wrong with it.
fn read(log: &str) -> (EnvFilter, Option<ParseError>) {
    let (filter, fault) = match EnvFilter::builder().parse(log) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(FALLBACK), Some(error)),
    };
    ([TELLS_SECRETS, TELLS_NUMBERS].into_iter().fold(filter, silenced), fault)
}

fn tell(fault: Option<ParseError>) {
    if let Some(error) = fault {
        tracing::warn!(%error, "LOG cannot be read as a filter; logging at {FALLBACK}");
    }
}

/// What writes a record.
fn lines<S: Subscriber + for<'span> LookupSpan<'span>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    // A stderr that was closed costs its lines; saying so on stderr would cost the request in which it happens.
    let layer = tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(io::stderr);
    match format {
        LogFormat::Json => layer.json().boxed(),
        // On a terminal the layer itself heeds NO_COLOR.
        LogFormat::Pretty if io::stderr().is_terminal() => layer.boxed(),
        LogFormat::Pretty => layer.with_ansi(false).boxed(),
    }
}

/// A library that tells what it is given is never listened to, whatever the filter says.
fn silenced(filter: EnvFilter, target: &str) -> EnvFilter {
    let silence = format!("{target}=off").parse();
    silence.map_or_else(|_| EnvFilter::new(FALLBACK), |directive| filter.add_directive(directive))
}

/// From now on a panic is a record like any other. Where it happened is told, and what it says only if those are fixed words:
/// others may quote what a caller said.
pub fn note_panics() {
    panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        let at = panic.location().map(ToString::to_string);
        tracing::error!(
            panic.at = at,
            panic.says = fixed_words(panic),
            panic.backtrace = backtrace,
            "a part of the program died"
        );
    }));
}

fn fixed_words(panic: &PanicHookInfo<'_>) -> &'static str {
    panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)")
}
