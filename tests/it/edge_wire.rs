//! Senders who send as little as they can for as long as they can, who hide a header behind half a line break, and who send
//! little that would become much: over TCP, byte by byte, at every door.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::future::join_all;
use ringbook::clock::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{CALLER, House, Plan, VAPI_SECRET, answer, tool_calls};
use crate::promises::{promises_kept, repair, said};

/// Longer than a slow sender is borne with.
const AT_MOST: Duration = Duration::from_secs(10);
/// How long anybody else waits while slow senders are there.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Sends this, then one piece after the other with pauses, until the other side closes: what came back, and when it closed.
async fn drip(house: &House, head: &str, piece: &'static str, pause: Duration) -> (String, Duration) {
    let watch = Stopwatch::start();
    let (mut reader, mut writer) = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap().into_split();
    writer.write_all(head.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(pause);
        loop {
            ticks.tick().await;
            if writer.write_all(piece.as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(AT_MOST + Duration::from_secs(5), reader.read_to_end(&mut answer)).await;
    let took = watch.elapsed();
    dripping.abort();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let end = closed.unwrap_or_else(|_late| panic!("still open after {took:?}: {head:?} {text}"));
    // Whoever is cut off while still sending is reset.
    let is_over = end.as_ref().map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_whole| true);
    assert!(is_over, "{end:?}: {text}");
    (text, took)
}

/// Somebody else is answered at once, all the while.
async fn others_are_served(house: &House) {
    for number in 0..6 {
        let watch = Stopwatch::start();
        let wish = repair(&crate::promises::place(number));
        let sentence = said(&house.tool("call-1", &format!("t{number}"), "bookAppointment", wish).await);
        assert!(sentence.contains("You're booked") && watch.elapsed() < 2 * AT_ONCE, "{:?}: {sentence}", watch.elapsed());
        tokio::time::sleep(AT_ONCE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_line_by_line_are_cut_off_while_others_are_served() {
    let house = House::new().await;
    let heads = ["GET /healthz HTTP/1.1\r\nHost: x\r\n", "POST /webhook/vapi HTTP/1.1\r\nHost: x\r\n", "POST /twilio/inbound"];
    let slow = (0..300).map(|number| drip(&house, heads[number % 2], "x-more: 1\r\n", Duration::from_millis(500)));
    let slower = (0..60).map(|_| drip(&house, heads[2], "a", Duration::from_millis(900)));
    let (slow, slower, ()) = tokio::join!(join_all(slow), join_all(slower), others_are_served(&house));
    for (answer, took) in slow.into_iter().chain(slower) {
        assert!(took < AT_MOST && (answer.is_empty() || answer.starts_with("HTTP/1.1 408 ")), "{took:?}: {answer}");
    }
    assert_eq!(promises_kept(&house).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_a_byte_at_a_time_is_cut_off_at_every_door() {
    let house = House::new().await;
    let doors = [
        ("POST /webhook/vapi", 400),
        ("POST /twilio/inbound", 400),
        ("POST /twilio/status", 400),
        ("POST /oauth/calendars", 0),
        ("POST /oauth/disconnect", 0),
        ("POST /google/notifications", 0),
        ("POST /nowhere", 404),
        ("POST /healthz", 404),
        ("GET /healthz", 200),
        ("GET /readyz", 200),
        ("GET /oauth/login?link=x", 0),
    ];
    let slow = doors.iter().flat_map(|(door, status)| {
        let form = "Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let counted = format!("{door} HTTP/1.1\r\n{form}Content-Length: 4000\r\n\r\n");
        let chunked = format!("{door} HTTP/1.1\r\n{form}Transfer-Encoding: chunked\r\n\r\n");
        [(counted, "x"), (chunked, "1\r\nx\r\n")].map(|(head, piece)| {
            let house = &house;
            async move { (*door, *status, drip(house, &head, piece, Duration::from_secs(1)).await) }
        })
    });
    let (slow, ()) = tokio::join!(join_all(slow), others_are_served(&house));
    for (door, status, (answer, took)) in slow {
        assert!(took < AT_MOST, "{door}: {took:?}");
        let expected = if status == 0 { "HTTP/1.1 4".to_owned() } else { format!("HTTP/1.1 {status} ") };
        assert!(answer.is_empty() || answer.starts_with(&expected), "{door}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() <= 1, "the body was read as a request: {door}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_hides_behind_half_a_line_break() {
    let house = House::new().await;
    let second = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    // A lone line feed ends a line here: whatever stands behind it counts, and what it makes ambiguous is refused.
    for head in [
        format!("POST /webhook/vapi HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\r\n\r\n{second}"),
        format!(
            "POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nx-a: b\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello{second}"
        ),
        format!("POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nContent-Length: 5\nContent-Length: 50\r\n\r\nhello{second}"),
        format!("POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nx-a: b\rContent-Length: 5\r\n\r\nhello{second}"),
        format!("POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nx-a: b\n c: d\r\nContent-Length: 0\r\n\r\n{second}"),
        format!("POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello{second}"),
        format!(
            "POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;\nx\r\nhello\r\n0\r\n\r\n{second}"
        ),
    ] {
        let (answer, _) = drip(&house, &head, "", AT_MOST).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "a second request was executed: {head:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_compressed_is_unpacked() {
    let house = Plan::new().set("VAPI_WEBHOOK_AUTH", "hmac,secret").build().await;
    // A gzip header before a wish that would be good if anybody read past it.
    let body = tool_calls(CALLER, "call-1", &[("t1", "bookAppointment", repair("2026-11-24T08:00"))]).to_string();
    let bomb: Vec<u8> = [vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], vec![0; 60_000]].concat();
    for encoding in ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "x-unheard-of"] {
        for bytes in [bomb.clone(), body.clone().into_bytes()] {
            let request = house.http.post(format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", VAPI_SECRET);
            let refused = answer(request.header("content-encoding", encoding).body(bytes)).await;
            assert_eq!(refused.status, 415, "{encoding}: {refused:?}");
        }
        let request = house.http.post(format!("{}/twilio/inbound", house.url)).header("content-encoding", encoding);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(bomb.clone());
        assert_eq!(answer(request).await.status, 403, "{encoding}");
    }
    let twice = house.http.post(format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", VAPI_SECRET);
    let twice = twice.header("content-encoding", "identity").header("content-encoding", "gzip").body(bomb.clone());
    assert!(matches!(answer(twice).await.status, 400 | 415));
    let plain = house.http.post(format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", VAPI_SECRET).body(bomb);
    assert_eq!(answer(plain).await.status, 400, "without the header it is nothing but no JSON");
    assert!(house.bookings().await.is_empty());
}
