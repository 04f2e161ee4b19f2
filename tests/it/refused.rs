//! Both webhooks against senders who waste our time: bodies without an end, and proofs that keep failing.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::vapi::signature::ProofChoice;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fakes::twilio::AUTH_TOKEN;
use crate::house::{House, Plan};
use crate::ringing::{form, is_person};

const CHUNKED: &str = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Longer than a refusal may take to close its connection.
const PATIENCE: Duration = Duration::from_secs(5);

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap()
}

/// Sends the head and then chunk after chunk for as long as the other side takes them; what came back.
async fn send_without_end(house: &House, route: &str, header: &str) -> String {
    let (mut reader, mut writer) = connect(house).await.into_split();
    writer.write_all(format!("POST {route} HTTP/1.1\r\n{header}{CHUNKED}").as_bytes()).await.unwrap();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let sending = tokio::spawn(async move { while writer.write_all(chunk.as_bytes()).await.is_ok() {} });
    let mut answer = Vec::new();
    // The end may be a reset: whoever does not read what is sent resets.
    let closed = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer)).await.is_ok();
    let stopped = tokio::time::timeout(PATIENCE, sending).await.is_ok();
    assert!(closed && stopped, "a body without an end holds its connection for ever");
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_refused_and_its_connection_closed() {
    let house = House::new().await;
    let refusals = [
        ("/twilio/inbound", "", 413),
        ("/twilio/status", "", 413),
        ("/webhook/vapi", "", 413),
        ("/webhook/vapi", "Content-Encoding: gzip\r\n", 415),
        ("/nowhere", "", 404),
        ("/healthz", "", 404),
    ];
    for (route, header, status) in refusals {
        let answer = send_without_end(&house, route, header).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{route} {header}: {answer}");
    }
    assert!(is_person(&house.says("fallback", &[]).await), "everybody else is served");
}

/// Announces more than is sent, and waits; what came back until the connection was closed.
async fn send_half(house: &House, route: &str) -> String {
    let mut connection = connect(house).await;
    let head = format!("POST {route} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{\"half\":");
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let closed = tokio::time::timeout(2 * PATIENCE, connection.read_to_string(&mut answer)).await;
    assert!(closed.is_ok_and(|read| read.is_ok()), "{route}: still open");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_arrives_is_given_up() {
    let house = Plan::new().set("CONNECT_BUDGET_MS", "500").build().await;
    let watch = Stopwatch::start();
    let (twilio, vapi) = tokio::join!(
        async {
            let answer = send_half(&house, "/twilio/inbound").await;
            (answer, watch.elapsed())
        },
        send_half(&house, "/webhook/vapi"),
    );
    assert!(twilio.0.starts_with("HTTP/1.1 400 ") && vapi.starts_with("HTTP/1.1 400 "), "{twilio:?} {vapi}");
    assert!(twilio.1 < Duration::from_secs(4), "{:?}", twilio.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_however_well_it_is_signed() {
    let house = House::new().await;
    let encoded = |form: &[(&str, &str)]| form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().len();
    let bare = encoded(&form(&[("Padding", "")]));
    let (full, over) = ("x".repeat(64 * 1024 - bare), "x".repeat(64 * 1024 + 1 - bare));
    assert!(is_person(&house.says("fallback", &[("Padding", &full)]).await));
    let refused = house.twilio("/twilio/fallback", &form(&[("Padding", &over)])).await;
    assert_eq!((refused.status, refused.body.as_str()), (413, ""));
    let message = |padding: usize| json!({ "message": { "type": "transcript", "padding": "x".repeat(padding) } }).to_string();
    let bare = message(0).len();
    for (bytes, status) in [(4 * 1024 * 1024, 200), (4 * 1024 * 1024 + 1, 413)] {
        let body = message(bytes - bare).into_bytes();
        assert_eq!(house.vapi_bytes(body, crate::house::VAPI_SECRET, ProofChoice::Hmac).await.status, status, "{bytes} bytes");
    }
}

/// One failed proof at each door: status, body, and whether the connection was closed.
async fn fail(house: &House, route: &str) -> (u16, String, bool) {
    let request = house.http.post(format!("{}{route}", house.url)).header("X-Twilio-Signature", "wrong").body("{}");
    let response = request.header("x-vapi-secret", "wrong").send().await.unwrap();
    let closed = response.headers().get("connection").is_some_and(|value| value == "close");
    (response.status().as_u16(), response.text().await.unwrap(), closed)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_whose_proofs_keep_failing_is_cut_off_and_served_when_it_proves_itself() {
    for (route, status) in [("/twilio/inbound", 403), ("/webhook/vapi", 401)] {
        let house = House::new().await;
        let mut bodies = std::collections::BTreeSet::new();
        for failure in 0..62 {
            let (answered, body, closed) = fail(&house, route).await;
            assert_eq!((answered, closed), (status, failure >= 60), "{route} failure {failure}");
            bodies.insert(body);
        }
        assert_eq!(bodies.len(), 1, "{route}: the same words, cut off or not");
        let body = bodies.first().unwrap();
        let expected = if status == 403 {
            body.is_empty()
        } else {
            serde_json::from_str::<serde_json::Value>(body).unwrap()["error"].is_string()
        };
        assert!(expected && !body.contains(AUTH_TOKEN) && !body.contains("wrong"), "{route}: {body}");
        assert!(is_person(&house.says("fallback", &[]).await));
        assert_eq!(house.vapi(&json!({ "message": { "type": "hang" } })).await.status, 200);
        let (_, _, closed) = fail(&house, route).await;
        assert!(closed, "a valid proof does not clear the account");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_doors_keep_one_account_of_failures() {
    let house = House::new().await;
    for _ in 0..30 {
        assert!(!fail(&house, "/twilio/inbound").await.2);
        assert!(!fail(&house, "/webhook/vapi").await.2);
    }
    assert!(fail(&house, "/webhook/vapi").await.2 && fail(&house, "/twilio/inbound").await.2);
}
