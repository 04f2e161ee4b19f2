//! Requests as only enemies and broken proxies write them, byte by byte over TCP: refused, cut off in time, never half believed.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::ringing::is_assistant;

/// A second request, smuggled behind the first.
const SECOND: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
/// Longer than anything slow is borne with.
const PATIENCE: Duration = Duration::from_secs(8);

async fn send(house: &House, bytes: &str) -> TcpStream {
    let mut connection = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    // A refusal may come, and close, before everything is sent.
    let _ = connection.write_all(bytes.as_bytes()).await;
    connection
}

/// Everything that comes back until the other side closes.
async fn until_closed(house: &House, bytes: &str) -> String {
    let mut connection = send(house, bytes).await;
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open after {:?}: {}", PATIENCE, String::from_utf8_lossy(&answer));
    String::from_utf8(answer).unwrap()
}

/// The first answer on a connection that stays open.
async fn first(house: &House, bytes: &str) -> String {
    let mut connection = send(house, bytes).await;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, connection.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8(answer[..read].to_vec()).unwrap()
}

fn with_headers(headers: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused_and_its_connection_closed() {
    let house = House::new().await;
    let many = "x-many: 1\r\n".repeat(200);
    for headers in [
        format!("x: {}\r\n", "x".repeat(20_000)),
        format!("x: {}\r\n", "x".repeat(65_536)),
        format!("x: {}\r\n", "x".repeat(300_000)),
        many,
    ] {
        let answer = until_closed(&house, &with_headers(&headers)).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{} bytes: {answer}", headers.len());
    }
    let target = format!("GET /healthz?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000));
    assert!(until_closed(&house, &target).await.starts_with("HTTP/1.1 431 "));
    let usual = first(&house, &with_headers(&format!("x: {}\r\n", "x".repeat(8_000)))).await;
    assert!(usual.starts_with("HTTP/1.1 200 "), "{usual}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_two_readers_could_read_in_two_ways_is_refused_whole() {
    let house = House::new().await;
    let post = "POST /webhook/vapi HTTP/1.1\r\nHost: x\r\n";
    for request in [
        format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}"),
        format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello{SECOND}"),
        format!("{post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello{SECOND}"),
        format!("{post}Content-Length: +5\r\n\r\nhello{SECOND}"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n{SECOND}"),
        format!("{post}x-folded: a\r\n b\r\nContent-Length: 0\r\n\r\n{SECOND}"),
        format!("POST /webhook/vapi HTTP/1.1\r\n\r\n{SECOND}"),
        "\u{16}\u{3}\u{1} hello\r\n\r\n".to_owned(),
    ] {
        let answer = until_closed(&house, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "a second request was executed: {request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_arrive_is_cut_off() {
    let house = House::new().await;
    let watch = Stopwatch::start();
    let (half, nothing) = tokio::join!(until_closed(&house, "GET /healthz HTTP/1.1\r\nHost: x\r\n"), until_closed(&house, ""));
    assert!(half.starts_with("HTTP/1.1 408 ") && nothing.starts_with("HTTP/1.1 408 "), "{half} {nothing}");
    assert!(watch.elapsed() < Duration::from_millis(6_500), "{:?}", watch.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_and_other_paths_are_nothing_here() {
    let house = House::new().await;
    let secret = "x-vapi-secret: please-echo-me\r\n";
    for verb in ["GET", "PUT", "DELETE", "TRACE", "OPTIONS", "PATCH"] {
        for path in ["/webhook/vapi", "/twilio/inbound"] {
            let answer = first(&house, &format!("{verb} {path} HTTP/1.1\r\nHost: x\r\n{secret}Content-Length: 0\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 405 "), "{verb} {path}: {answer}");
            assert!(!answer.contains("please-echo-me"), "{answer}");
        }
    }
    for path in [
        "//webhook/vapi",
        "/webhook/vapi/",
        "/webhook%2fvapi",
        "/x/../webhook/vapi",
        "/webhook/vapi%00",
        "/",
        "/metrics",
        "/admin/",
    ] {
        let answer = first(&house, &format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twilio_that_hangs_up_on_us_changes_nothing_for_the_call() {
    let house = House::new().await;
    let held = house.vapi.hold("call.create");
    let leaves = tokio::time::timeout(Duration::from_millis(700), house.says("inbound", &[])).await;
    assert!(leaves.is_err(), "the connection is dropped while Vapi is asked");
    held.reached(1).await;
    held.release();
    house.until("the call is connected", async || house.row().await.twiml.is_some()).await;
    let again = house.says("inbound", &[]).await;
    assert!(is_assistant(&again), "{again}");
    assert_eq!((house.vapi.count("call.create"), house.row().await.twiml), (1, Some(again)));
}
