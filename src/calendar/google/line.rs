//! The connection to Google: TLS, and a limit on how long one answer may be. It knows nothing of calendars and tokens.
//!
//! google-calendar3 reads every answer to its end into memory, and its client type leaves no room to wrap a body. So the
//! limit sits in the connection, where the bytes pass: HTTP/1 carries one answer at a time, and HTTP/2 says in each frame
//! to which answer it belongs. A connection with an answer that is too long breaks off, which is an unknown outcome.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use google_calendar3::hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

/// The longest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 5 * 1024 * 1024;

/// The longest that TCP and TLS may take together. Shorter than a call's own limit, so that a host that cannot be reached
/// is known to have been sent nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Below the four minutes after which Google closes a silent connection.
const POOL_IDLE: Duration = Duration::from_secs(55);
/// How often a live HTTP/2 connection is asked whether it still is.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long the answer to that may take.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Opens connections: https anywhere, plain http to this machine only.
#[derive(Clone, Debug)]
pub struct Line(HttpsConnector<HttpConnector>);

impl Line {
    /// With the roots that the system trusts, or the bundled ones where it has none.
    ///
    /// # Errors
    /// When no TLS configuration can be made.
    pub fn new() -> Result<Self, String> {
        let provider = rustls::crypto::aws_lc_rs::default_provider;
        let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider()).or_else(|cause| {
            tracing::warn!(%cause, "the system has no root certificates; the bundled ones are used");
            HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider())
        });
        let tls = tls.map_err(|cause| format!("TLS cannot be set up: {cause}"))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Every version has to be enabled: the library's own snippet, HTTP/2 alone, panics against an http server.
        Ok(Self(tls.https_or_http().enable_all_versions().wrap_connector(tcp)))
    }

    /// A client with its own pool of such connections. They live and die with the runtime that it is used on.
    #[must_use]
    pub fn client<B>(&self) -> Client<Self, B>
    where
        B: google_calendar3::hyper::body::Body + Send + 'static + Unpin,
        B::Data: Send,
        B::Error: Into<Failure>,
    {
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(self.clone())
    }
}

/// Whether a bearer may travel to this address: https, or plain http that does not leave the machine.
#[must_use]
pub fn is_private(scheme: &str, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let loopback =
        host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    scheme == "https" || (scheme == "http" && loopback)
}

impl Service<Uri> for Line {
    type Response = TokioIo<Metered>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        if !is_private(address.scheme_str().unwrap_or_default(), address.host().unwrap_or_default()) {
            return Box::pin(std::future::ready(Err("plain http is for this machine only".into())));
        }
        let connecting = self.0.call(address);
        Box::pin(async move {
            let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await??;
            let meter = if stream.connected().is_negotiated_h2() { Meter::Http2(Frames::default()) } else { Meter::Http1(0) };
            Ok(TokioIo::new(Metered { stream: TokioIo::new(stream), meter }))
        })
    }
}

/// A connection that breaks off when one answer on it grows past [`MAX_ANSWER_BYTES`].
#[derive(Debug)]
pub struct Metered {
    stream: Stream,
    meter: Meter,
}

#[derive(Debug)]
enum Meter {
    /// Bytes read since the last request was written.
    Http1(usize),
    Http2(Frames),
}

impl Meter {
    fn pass(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Http1(read) => {
                *read = read.saturating_add(bytes.len());
                *read <= MAX_ANSWER_BYTES
            }
            Self::Http2(frames) => frames.pass(bytes),
        }
    }
}

/// Counts the bytes of each answer in what an HTTP/2 server sends (RFC 9113, section 4.1: length, type, flags, stream).
#[derive(Debug, Default)]
pub struct Frames {
    header: Vec<u8>,
    payload_left: usize,
    answers: HashMap<[u8; 4], usize>,
}

impl Frames {
    /// Takes the next bytes off the connection; `false` as soon as one answer is longer than [`MAX_ANSWER_BYTES`].
    pub fn pass(&mut self, mut bytes: &[u8]) -> bool {
        const HEADER_BYTES: usize = 9;
        loop {
            let payload = bytes.len().min(self.payload_left);
            self.payload_left -= payload;
            bytes = bytes.get(payload..).unwrap_or_default();
            let (header, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
            self.header.extend_from_slice(header);
            bytes = rest;
            if let [l0, l1, l2, kind, flags, stream @ ..] = self.header.as_slice()
                && let Ok(stream) = <[u8; 4]>::try_from(stream)
            {
                self.payload_left = usize::from(*l0) << 16 | usize::from(*l1) << 8 | usize::from(*l2);
                let (kind, flags) = (*kind, *flags);
                self.header.clear();
                if !self.begin(kind, flags, stream) {
                    return false;
                }
            }
            if bytes.is_empty() {
                return true;
            }
        }
    }

    fn begin(&mut self, kind: u8, flags: u8, stream: [u8; 4]) -> bool {
        const DATA: u8 = 0;
        const HEADERS: u8 = 1;
        const RST_STREAM: u8 = 3;
        const END_STREAM: u8 = 1;
        if kind == DATA {
            let read = self.answers.entry(stream).or_default();
            *read = read.saturating_add(self.payload_left);
            if *read > MAX_ANSWER_BYTES {
                return false;
            }
        }
        if kind == RST_STREAM || (matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0) {
            self.answers.remove(&stream);
        }
        true
    }
}

impl Connection for Metered {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let sane = self.meter.pass(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(if sane { Ok(()) } else { Err(io::Error::other("an answer is too long")) })
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Meter::Http1(read) = &mut self.meter {
            *read = 0;
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
