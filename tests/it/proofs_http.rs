//! What is refused at the door, over HTTP: without a valid proof nothing is done and nothing is read; proven nonsense is 400.

use std::time::Duration;

use ringbook::config::{HmacPlan, ProofPlan};
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{Answer, CALLED, CALLER, House, Plan, VAPI_SECRET, answer, tool_calls};
use crate::promises::{promises_kept, repair, said};

const BOOK: &str = "bookAppointment";

fn booking() -> Value {
    tool_calls(CALLER, "call-1", &[("t1", BOOK, repair("2026-11-24T08:00"))])
}

fn request(house: &House, body: Vec<u8>) -> reqwest::RequestBuilder {
    house.http.post(format!("{}/webhook/vapi", house.url)).body(body)
}

async fn proven(house: &House, body: impl Into<Vec<u8>>) -> Answer {
    house.vapi_bytes(body.into(), VAPI_SECRET, ProofChoice::Hmac).await
}

/// Nothing was booked, kept or asked of anybody.
async fn nothing_was_done(house: &House) {
    assert!(house.bookings().await.is_empty());
    let store = house.store().await;
    let row = store.call_by_vapi_id(&ringbook::names::VapiCallId::parse("call-1").unwrap()).await.unwrap();
    store.close().await;
    assert!(row.is_none(), "{row:?}");
    // The calendars are followed by themselves.
    let by_itself = ["token", "events.sync", "events.watch"];
    let asked: Vec<_> = house.google.requests().into_iter().map(|entry| entry.call).collect();
    let asked: Vec<_> = asked.into_iter().filter(|call| !by_itself.contains(call)).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_proof_nothing_is_done_and_the_reason_is_plain() {
    let house = House::new().await;
    let body = booking().to_string().into_bytes();
    let mut changed = body.clone();
    changed[40] ^= 1;
    let signature = {
        use hmac::{KeyInit as _, Mac as _};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(VAPI_SECRET.as_bytes()).unwrap();
        mac.update(&body);
        hex::encode(mac.finalize().into_bytes())
    };
    let with = |body: &[u8], headers: &[(&str, &str)]| {
        let request = request(&house, body.to_vec());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    let refused = [
        with(&body, &[]),
        with(&body, &[("x-vapi-secret", "wrong")]),
        with(&body, &[("x-vapi-secret", "")]),
        with(&body, &[("authorization", &format!("Bearer {VAPI_SECRET}"))]),
        with(&body, &[("x-vapi-signature", &signature.to_uppercase())]),
        with(&body, &[("x-vapi-signature", &signature[..63])]),
        with(&body, &[("x-vapi-signature", &format!("sha256={signature}"))]),
        with(&changed, &[("x-vapi-signature", &signature)]),
        with(&body, &[("x-vapi-signature", &signature), ("x-vapi-signature", &signature)]),
        with(&body, &[("x-vapi-signature", &signature), ("x-vapi-secret", "wrong")]),
        with(&body, &[("x-signature", &signature)]),
        with(b"{ not even JSON", &[("x-vapi-secret", "wrong")]),
    ];
    for request in refused {
        let answer = answer(request).await;
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(answer.status == 401 && !answer.body.contains(VAPI_SECRET) && !error.is_empty(), "{answer:?}");
    }
    nothing_was_done(&house).await;
    let good = answer(with(&body, &[("x-vapi-signature", &format!(" {signature}\t"))])).await;
    assert!(said(&good).contains("You're booked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_proof_books_and_a_stamped_one_only_while_it_is_fresh() {
    let house = Plan::new().set("VAPI_WEBHOOK_AUTH", "hmac,secret,bearer").build().await;
    let choices = [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret, ProofChoice::Bearer];
    for (number, choice) in choices.into_iter().enumerate() {
        let wish = tool_calls(CALLER, "call-1", &[(&format!("t{number}"), BOOK, repair(&crate::promises::place(number)))]);
        let answer = house.vapi_bytes(wish.to_string().into_bytes(), VAPI_SECRET, choice).await;
        assert!(said(&answer).contains("You're booked"), "{choice:?}: {answer:?}");
    }
    let plan = ProofPlan { secrets: vec![VAPI_SECRET.into()], hmac: HmacPlan::presets(), secret: false, bearer: false };
    let body = booking().to_string().into_bytes();
    for (seconds, status) in [(-301, 401), (-299, 200), (299, 200), (301, 401)] {
        let headers = sign(&plan, &body, house.clock.now() + time::Duration::seconds(seconds), ProofChoice::Stamped);
        let stamped =
            headers.into_iter().fold(request(&house, body.clone()), |request, (name, value)| request.header(name, value));
        assert_eq!(answer(stamped).await.status, status, "{seconds} s off");
    }
    assert_eq!(promises_kept(&house).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_request_repeats_its_answer_and_nothing_else() {
    let house = House::new().await;
    let first = house.vapi(&booking()).await;
    house.clock.advance(Duration::from_hours(1));
    assert_eq!(house.vapi(&booking()).await, first);
    assert_eq!((promises_kept(&house).await.len(), house.google.count("events.insert")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn proven_nonsense_is_a_400_and_nothing_happens() {
    let house = House::new().await;
    let body = booking().to_string();
    let nonsense: Vec<Vec<u8>> = vec![
        b"".into(),
        b"null".into(),
        b"[]".into(),
        b"42".into(),
        b"{}".into(),
        b"{\"message\":null}".into(),
        b"{\"message\":[]}".into(),
        b"{\"messages\":{\"type\":\"tool-calls\"}}".into(),
        body.as_bytes()[..body.len() - 1].into(),
        format!("\u{feff}{body}").into_bytes(),
        format!("{body}{body}").into_bytes(),
        [&b"{\"message\":{\"type\":\"tool-calls\",\"call\":{\"id\":\"\xff\"}}}"[..]].concat(),
        format!("{{\"message\":{{}},{}", &body[1..]).into_bytes(),
        body.replacen("\"type\":\"tool-calls\"", "\"type\":\"status-update\",\"type\":\"tool-calls\"", 1).into_bytes(),
        body.replacen("\"toolCallList\":", "\"toolCallList\":[],\"toolCallList\":", 1).into_bytes(),
        body.replacen("\"call\":", "\"call\":{},\"call\":", 1).into_bytes(),
        "[".repeat(100_000).into_bytes(),
        "{\"message\":".repeat(100_000).into_bytes(),
    ];
    for bytes in nonsense {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let answer = proven(&house, bytes).await;
        assert!(answer.status == 400 && answer.json()["error"].is_string(), "{start}: {answer:?}");
        assert!(!answer.body.contains("Dana") && !answer.body.contains(CALLER), "{answer:?}");
    }
    nothing_was_done(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_in_a_field_that_nobody_reads_costs_nothing() {
    let house = House::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = booking().to_string().replacen("\"type\":", &format!("\"noise\":{deep},\"type\":"), 1);
    let answer = proven(&house, body).await;
    assert!(said(&answer).contains("You're booked"));
    let inside = format!(
        "{{\"message\":{{\"type\":\"tool-calls\",\"call\":{{\"id\":\"call-2\"}},\"toolCallList\":[{{\"id\":\"t1\",\"name\":\"{BOOK}\",\"arguments\":{{\"notes\":{deep}}}}}]}}}}"
    );
    let answer = proven(&house, inside).await;
    assert!(answer.status == 400 || answer.is_error(), "{answer:?}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_want_no_answer_get_an_empty_object() {
    let house = House::new().await;
    let kinds = [
        "status-update",
        "end-of-call-report",
        "transcript",
        "transcript[transcriptType=\"final\"]",
        "speech-update",
        "user-interrupted",
        "hang",
        "conversation-update",
        "model-output",
        "assistant.started",
        "something-new",
        "",
    ];
    for kind in kinds {
        let answer = house
            .vapi(&json!({ "message": { "type": kind, "call": { "id": "call-9" }, "timestamp": "2026-11-23T09:00:00Z" } }))
            .await;
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{kind}");
    }
    assert_eq!(house.vapi(&json!({ "type": "hang" })).await.json(), json!({}));
    assert_eq!(house.vapi(&json!({ "message": { "type": 7 } })).await.json(), json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let house = House::new().await;
    let large = vec![b' '; 5 * 1024 * 1024];
    let declared = house.vapi_bytes(large.clone(), VAPI_SECRET, ProofChoice::Secret).await;
    assert_eq!(declared.status, 413);
    // Over a plain socket, because a client that is refused early may not be able to send the rest.
    let address = house.url.trim_start_matches("http://").to_owned();
    let mut line = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /webhook/vapi HTTP/1.1\r\nhost: {address}\r\nx-vapi-secret: {VAPI_SECRET}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    for chunk in large.chunks(64 * 1024) {
        let sent = async {
            line.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
            line.write_all(chunk).await?;
            line.write_all(b"\r\n").await
        };
        if sent.await.is_err() {
            break;
        }
    }
    let mut answered = [0; 12];
    line.read_exact(&mut answered).await.unwrap();
    assert_eq!(std::str::from_utf8(&answered).unwrap(), "HTTP/1.1 413");
    let full = format!("{}{}", " ".repeat(4 * 1024 * 1024 - 8192), booking());
    assert!(said(&proven(&house, full).await).contains("You're booked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_and_other_ways_in_are_refused() {
    let house = House::new().await;
    let encoded = request(&house, booking().to_string().into_bytes())
        .header("x-vapi-secret", VAPI_SECRET)
        .header("content-encoding", "gzip");
    assert_eq!(answer(encoded).await.status, 415);
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let refused = answer(
            house.http.request(method.clone(), format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", VAPI_SECRET),
        )
        .await;
        assert!(matches!(refused.status, 404 | 405) && !refused.body.contains(VAPI_SECRET), "{method}: {refused:?}");
    }
    for path in ["/webhook/vapi/", "//webhook/vapi", "/webhook/%76api/x", "/webhook"] {
        let refused = answer(
            house.http.post(format!("{}{path}", house.url)).header("x-vapi-secret", VAPI_SECRET).body(booking().to_string()),
        )
        .await;
        assert_eq!(refused.status, 404, "{path}: {refused:?}");
    }
    nothing_was_done(&house).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"] {
        let sent = request(&house, booking().to_string().into_bytes())
            .header("x-vapi-secret", VAPI_SECRET)
            .header("content-type", content_type);
        assert!(said(&answer(sent).await).contains("You're booked"), "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_counterparts_signature_does_not_open_the_others_door() {
    let house = House::new().await;
    let form = [("CallSid", "CA00000000000000000000000000000001"), ("From", CALLER), ("To", CALLED)];
    let as_twilio = house.twilio("/webhook/vapi", &form).await;
    assert_eq!(as_twilio.status, 401);
    let body = booking().to_string().into_bytes();
    let as_vapi = house.http.post(format!("{}/twilio/inbound", house.url)).header("x-vapi-secret", VAPI_SECRET).body(body);
    let as_vapi = answer(as_vapi).await;
    assert_eq!((as_vapi.status, as_vapi.body.as_str()), (403, ""));
    nothing_was_done(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_secrets_change_both_are_good_and_then_only_the_new_one() {
    let house = Plan::new().set("VAPI_WEBHOOK_SECRET", "the-new-secret-of-the-tests,the-old-secret-of-the-tests").build().await;
    let bytes = booking().to_string().into_bytes();
    for choice in [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret] {
        for secret in ["the-new-secret-of-the-tests", "the-old-secret-of-the-tests"] {
            assert_eq!(house.vapi_bytes(bytes.clone(), secret, choice).await.status, 200, "{secret} {choice:?}");
        }
        assert_eq!(house.vapi_bytes(bytes.clone(), VAPI_SECRET, choice).await.status, 401);
    }
}
