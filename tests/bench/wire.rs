//! The sender's side of a measurement: requests that were made and signed before, sent as bytes over connections that cost
//! next to nothing, so that what is measured is who answers.

use ringbook::clock::Clock;
use ringbook::config::{HmacPlan, ProofPlan};
use ringbook::twilio::signature::sign as sign_form;
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fakes::twilio::AUTH_TOKEN;
use crate::house::{CALLED, House, VAPI_SECRET, tool_calls};

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// Panics with the answer unless it is 200 and has this in it.
    pub fn must_say(&self, word: &str) {
        assert!(self.status == 200 && self.body.contains(word), "{} {}", self.status, self.body);
    }
}

/// A connection that is kept.
pub struct Line(TcpStream);

impl Line {
    /// To `http://host:port`.
    pub async fn open(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends a request and reads its whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Answer {
        self.0.write_all(request).await.unwrap();
        let mut read = Vec::with_capacity(1024);
        loop {
            let here = self.0.read_buf(&mut read).await.unwrap();
            assert!(here > 0, "the connection ended: {}", String::from_utf8_lossy(&read));
            if let Some(answer) = whole(&read) {
                return answer;
            }
        }
    }
}

/// The answer, once all of it is there.
fn whole(read: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(read).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = lines.filter_map(|line| line.split_once(": "));
    let length: usize = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse().ok()?;
    (body.len() == length).then(|| Answer { status, body: body.to_owned() })
}

/// A request with this path, no body, and nothing else.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: book.example.com\r\n\r\n").into_bytes()
}

fn post(path: &str, content_type: &str, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: book.example.com\r\nContent-Type: {content_type}\r\n");
    format!("{head}{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A message as Vapi sends it, signed in the first preset.
pub fn message(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let plan = ProofPlan { secrets: vec![VAPI_SECRET.into()], hmac: HmacPlan::presets(), secret: true, bearer: false };
    let headers = sign(&plan, body.as_bytes(), Clock::System.now(), ProofChoice::Hmac);
    post("/webhook/vapi", "application/json", &headers, &body)
}

/// A message about this call that wants no answer.
pub fn word(call: &str, caller: &str, kind: &str, status: &str) -> Vec<u8> {
    message(&json!({ "message": {
        "type": kind,
        "status": status,
        "endedReason": "customer-ended-call",
        "call": { "id": call, "customer": { "number": caller } },
        "phoneNumber": { "number": CALLED },
    }}))
}

/// One tool call of this call.
pub fn tool(caller: &str, call: &str, id: &str, name: &str, arguments: Value) -> Vec<u8> {
    message(&tool_calls(caller, call, &[(id, name, arguments)]))
}

/// A form as Twilio sends it, signed for the public address.
pub fn form(house: &House, route: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let url = format!("{}{route}", house.setting("SERVER_URL"));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let headers = [("X-Twilio-Signature".to_owned(), sign_form(&url, &pairs, AUTH_TOKEN))];
    post(route, "application/x-www-form-urlencoded", &headers, &body)
}
