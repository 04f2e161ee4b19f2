//! A request as a fake sees it and an answer as it sends it, whole or broken. Knows nothing of any counterpart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use serde_json::Value;

/// One request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub verb: String,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The parts of the path between slashes, decoded each on its own: an encoded slash stays inside its part.
    pub segments: Vec<String>,
    /// The query, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// Header names in lower case; of a repeated header the last value.
    pub headers: BTreeMap<String, String>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Request {
    pub fn read(request: &HttpRequest, body: &Bytes) -> Self {
        let text = |value: &actix_web::http::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            verb: request.method().to_string(),
            path: request.uri().path().to_owned(),
            segments: request.uri().path().trim_start_matches('/').split('/').map(decoded).collect(),
            query: form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned().collect(),
            headers: request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            body: body.to_vec(),
        }
    }

    /// What a browser sends when it follows a link.
    pub fn of_link(link: &str) -> Self {
        let link = url::Url::parse(link).expect("a link is an address");
        Self {
            verb: "GET".to_owned(),
            path: link.path().to_owned(),
            segments: link.path().trim_start_matches('/').split('/').map(decoded).collect(),
            query: link.query_pairs().into_owned().collect(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        }
    }

    /// The path's parts as a slice that can be matched on.
    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// All values of a query parameter.
    pub fn params(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A header, asked for in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// What follows `Bearer `.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// All of it in one line of words.
    pub fn echo(&self) -> String {
        let Self { verb, path, query, headers, .. } = self;
        format!("cannot read {verb} {path} {query:?} {headers:?} {}", String::from_utf8_lossy(&self.body))
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as a form, in the order sent.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The first value of a form field.
    pub fn field(&self, name: &str) -> Option<String> {
        first(&self.form(), name).map(str::to_owned)
    }
}

/// The first value of that name.
pub fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// A name that is given more than once.
pub fn repeated(pairs: &[(String, String)]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    pairs.iter().map(|(name, _)| name.as_str()).find(|name| !seen.insert(*name))
}

/// Percent-decoding of one path segment; `+` stays a plus there.
fn decoded(segment: &str) -> String {
    let plus = segment.replace('+', "%2B");
    form_urlencoded::parse(plus.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// What is sent back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json; charset=UTF-8", headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html>\n<html lang=en><title>Error {status}</title><p><b>{status}.</b> That's an error.</html>\n";
        Self::page(status, page.replace("{status}", &status.to_string()))
    }

    pub fn page(status: u16, page: String) -> Self {
        Self { status, content_type: "text/html; charset=UTF-8", headers: Vec::new(), body: page.into_bytes() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, content_type: "text/plain", headers: Vec::new(), body: Vec::new() }
    }

    pub fn redirect(to: &str) -> Self {
        Self { headers: vec![("location", to.to_owned())], ..Self::empty(302) }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer with its JSON changed; what is not JSON stays as it is.
    pub fn altered(mut self, alter: impl FnOnce(&mut Value)) -> Self {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            alter(&mut body);
            self.body = Value::to_string(&body).into_bytes();
        }
        self
    }
}

/// How an answer travels.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// As it should.
    Whole(Answer),
    /// The connection is reset before the first byte.
    Reset,
    /// The header and half of the body arrive, then the connection closes.
    Truncated(Answer),
    /// One byte of the body at a time, this far apart.
    Drip(Answer, Duration),
    /// A JSON object of at least so many bytes.
    Huge(usize),
}

/// The connection's socket, kept beside the server so that it can be broken on purpose.
pub struct Line(pub TcpStream);

/// Sends the answer in its manner.
pub fn send(delivery: Delivery, request: &HttpRequest) -> HttpResponse {
    match delivery {
        Delivery::Whole(answer) => head(&answer).body(answer.body),
        Delivery::Reset => reset(request),
        Delivery::Truncated(answer) => truncated(&answer),
        Delivery::Drip(answer, apart) => drip(answer, apart),
        Delivery::Huge(bytes) => huge(bytes),
    }
}

fn head(answer: &Answer) -> HttpResponseBuilder {
    let mut response = HttpResponseBuilder::new(StatusCode::from_u16(answer.status).expect("a status code"));
    if !answer.body.is_empty() {
        response.content_type(answer.content_type);
    }
    for (name, value) in &answer.headers {
        response.insert_header((*name, value.as_str()));
    }
    response
}

/// The server drops a connection whose body fails before anything was flushed; with a linger of zero that close is a reset.
fn reset(request: &HttpRequest) -> HttpResponse {
    let line: &Line = request.conn_data().expect("every connection is kept");
    let again = line.0.try_clone().and_then(tokio::net::TcpStream::from_std).expect("the socket is open");
    again.set_zero_linger().expect("linger is settable");
    HttpResponse::Ok().body(BodyStream::new(stream::once(async { Err::<Bytes, _>(broken()) })))
}

fn truncated(answer: &Answer) -> HttpResponse {
    let length = answer.body.len() as u64;
    let half = Bytes::copy_from_slice(&answer.body[..answer.body.len() / 2]);
    // The pause lets the server flush what it has before the failure closes the connection.
    let parts = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        tokio::task::yield_now().await;
        Some((Err(broken()), None))
    });
    head(answer).body(SizedStream::new(length, Box::pin(parts)))
}

fn drip(answer: Answer, apart: Duration) -> HttpResponse {
    let length = answer.body.len() as u64;
    let mut response = head(&answer);
    let bytes = stream::unfold(answer.body.into_iter(), move |mut left| async move {
        let byte = left.next()?;
        tokio::time::sleep(apart).await;
        Some((Ok::<_, std::io::Error>(Bytes::copy_from_slice(&[byte])), left))
    });
    response.body(SizedStream::new(length, Box::pin(bytes)))
}

fn huge(bytes: usize) -> HttpResponse {
    const CHUNK: usize = 16 * 1024;
    let chunks = bytes.div_ceil(CHUNK);
    let filling = (0..chunks).map(|_| Bytes::from_static(&[b'x'; CHUNK]));
    let whole = std::iter::once(Bytes::from_static(b"{\"padding\":\"")).chain(filling).chain([Bytes::from_static(b"\"}")]);
    HttpResponse::Ok()
        .content_type("application/json; charset=UTF-8")
        .body(BodyStream::new(stream::iter(whole.map(Ok::<_, std::io::Error>))))
}

fn broken() -> std::io::Error {
    std::io::Error::other("broken on purpose")
}
