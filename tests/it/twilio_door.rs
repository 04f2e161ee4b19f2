//! Twilio's door over HTTP: whoever cannot sign for our public address gets an empty 403 from every route, and nothing happens.

use std::collections::BTreeSet;

use ringbook::twilio::signature::sign;
use ringbook::vapi::signature::ProofChoice;

use crate::fakes::twilio::AUTH_TOKEN;
use crate::house::{Answer, BUSINESS, House, Plan, SLUG, VAPI_SECRET, answer};
use crate::ringing::{SID, find, form, is_assistant, is_person};

const PUBLIC: &str = "https://book.example.com";
const SIGNATURE: &str = "X-Twilio-Signature";
/// Where the routes are mounted: a new one is found here and held to the same.
const MOUNTED: &str = include_str!("../../src/twilio/mod.rs");

type Pairs = Vec<(String, String)>;

fn owned(form: &[(&str, &str)]) -> Pairs {
    form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn everything() -> Pairs {
    owned(&form(&[("RecordingSid", "RE1"), ("CallStatus", "completed"), ("DialCallStatus", "no-answer")]))
}

fn request(house: &House, path: &str, pairs: &Pairs) -> reqwest::RequestBuilder {
    house.http.post(format!("{}{path}", house.url)).form(pairs)
}

async fn post(house: &House, path: &str, pairs: &Pairs, headers: &[(&str, &str)]) -> Answer {
    answer(headers.iter().fold(request(house, path, pairs), |request, (name, value)| request.header(*name, *value))).await
}

fn is_refused(answer: &Answer) -> bool {
    (answer.status, answer.body.as_str()) == (403, "")
}

async fn nothing_happened(house: &House) {
    assert!(house.call(SID).await.is_none());
    assert_eq!((house.jobs().await, house.recordings().await), (vec![], vec![]));
    assert_eq!((house.vapi.requests().len(), house.twilio.requests().len(), house.alerts.requests().len()), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_listens_to_an_unproven_request() {
    let quoted: BTreeSet<&str> = MOUNTED.split('"').filter(|text| text.starts_with("/twilio/")).collect();
    let routes =
        ["connect-ended", "dial-ended", "fallback", "inbound", "status", "voicemail"].map(|route| format!("/twilio/{route}"));
    assert_eq!(quoted.into_iter().collect::<Vec<_>>(), routes, "a new route belongs into this list");
    let (house, pairs) = (House::new().await, everything());
    for path in &routes {
        let good = sign(&format!("{PUBLIC}{path}"), &pairs, AUTH_TOKEN);
        let elsewhere = sign(&format!("https://evil.example{path}"), &pairs, AUTH_TOKEN);
        let as_received = sign(&format!("{}{path}", house.url), &pairs, AUTH_TOKEN);
        let plain = sign(&format!("{}{path}", PUBLIC.replace("https", "http")), &pairs, AUTH_TOKEN);
        let wrong_token = sign(&format!("{PUBLIC}{path}"), &pairs, "another-token");
        let (padless, lower) = (good.trim_end_matches('='), good.to_lowercase());
        for signature in ["", "garbage", padless, &lower, &elsewhere, &as_received, &plain, &wrong_token, &good[..27]] {
            let answer = post(&house, path, &pairs, &[(SIGNATURE, signature)]).await;
            assert!(is_refused(&answer), "{path} {signature:?}: {answer:?}");
        }
        assert!(is_refused(&post(&house, path, &pairs, &[]).await), "{path} without any");
        for [first, second] in [[good.as_str(), good.as_str()], [&good, "garbage"], ["garbage", &good]] {
            let answer = post(&house, path, &pairs, &[(SIGNATURE, first), (SIGNATURE, second)]).await;
            assert!(is_refused(&answer), "{path} twice");
        }
        let get = answer(house.http.get(format!("{}{path}", house.url)).header(SIGNATURE, &good)).await;
        assert!([404, 405].contains(&get.status), "{path}: {get:?}");
    }
    nothing_happened(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_counts_and_their_order_does_not() {
    let (house, pairs, path) = (House::new().await, owned(&form(&[])), "/twilio/status");
    let good = sign(&format!("{PUBLIC}{path}"), &pairs, AUTH_TOKEN);
    let mut changed = pairs.clone();
    changed[2].1.push('x');
    let mut added = pairs.clone();
    added.push(("Extra".into(), String::new()));
    for tampered in [changed, added, pairs[1..].to_vec()] {
        assert!(is_refused(&post(&house, path, &tampered, &[(SIGNATURE, &good)]).await), "{tampered:?}");
    }
    nothing_happened(&house).await;
    let reversed: Pairs = pairs.iter().rev().cloned().collect();
    assert_eq!(post(&house, path, &reversed, &[(SIGNATURE, &good)]).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_configured_address_counts_whatever_proxies_and_callers_say() {
    let (house, pairs, path) = (House::new().await, owned(&form(&[])), "/twilio/fallback");
    let spoofed = [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "1234"),
        ("Forwarded", "host=evil.example;proto=http"),
        ("X-Original-URL", "/elsewhere"),
    ];
    let good = sign(&format!("{PUBLIC}{path}"), &pairs, AUTH_TOKEN);
    assert_eq!(post(&house, path, &pairs, &[&spoofed[..], &[(SIGNATURE, &good)]].concat()).await.status, 200);
    for foreign in ["https://evil.example", "http://evil.example", "http://evil.example:1234"] {
        let signature = sign(&format!("{foreign}{path}"), &pairs, AUTH_TOKEN);
        assert!(is_refused(&post(&house, path, &pairs, &[&spoofed[..], &[(SIGNATURE, &signature)]].concat()).await), "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_address_with_a_port_and_a_path_in_front_is_signed_whole() {
    let public = "https://book.example.com:8443/ring/bell";
    let house = Plan::new().set("SERVER_URL", &format!("{public}/")).build().await;
    let (pairs, path) = (owned(&form(&[])), "/twilio/fallback");
    // Twilio drops the port of a voice webhook over https before it signs, but not always.
    for (signed, status) in [
        (public, 200),
        ("https://book.example.com/ring/bell", 200),
        ("https://book.example.com:8443", 403),
        ("https://book.example.com:443/ring/bell", 403),
        (PUBLIC, 403),
    ] {
        let signature = sign(&format!("{signed}{path}"), &pairs, AUTH_TOKEN);
        assert_eq!(post(&house, path, &pairs, &[(SIGNATURE, &signature)]).await.status, status, "{signed}");
    }
    let said = house.says("fallback", &[("CallSid", "CA2"), ("From", "+15550009999")]).await;
    assert_eq!(find(&said, "Dial").attributes["action"], format!("{public}/twilio/dial-ended"));
    let connected = house.says("inbound", &[("CallSid", "CA3")]).await;
    assert_eq!(find(&connected, "Connect").attributes["action"], format!("{public}/twilio/connect-ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_is_signed_as_it_came() {
    let (house, pairs) = (House::new().await, owned(&form(&[])));
    let path = "/twilio/fallback?a=%20+x%2B&b=";
    let good = sign(&format!("{PUBLIC}{path}"), &pairs, AUTH_TOKEN);
    assert_eq!(post(&house, path, &pairs, &[(SIGNATURE, &good)]).await.status, 200);
    for other in
        ["/twilio/fallback?a=%20%20x%2B&b=", "/twilio/fallback?a=%20+x%2B", "/twilio/fallback?b=&a=%20+x%2B", "/twilio/fallback"]
    {
        assert!(is_refused(&post(&house, other, &pairs, &[(SIGNATURE, &good)]).await), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_key_and_another_algorithm_are_refused() {
    let (house, pairs, path) = (House::new().await, owned(&form(&[])), "/twilio/fallback");
    let good = sign(&format!("{PUBLIC}{path}"), &pairs, AUTH_TOKEN);
    for (settings, status) in [
        ("", 200),
        ("algorithm=HMAC_SHA1", 200),
        ("key=SK1,algorithm=HMAC_SHA1", 403),
        ("algorithm=HMAC_SHA256", 403),
        (" key=SK1", 403),
    ] {
        let headers = [(SIGNATURE, good.as_str()), ("X-Twilio-Webhooks-Signature-Settings", settings)];
        assert_eq!(post(&house, path, &pairs, &headers).await.status, status, "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_form_needs_its_hash_in_the_signed_address() {
    let house = House::new().await;
    let hashed = "/twilio/status?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for (path, body, status) in
        [(hashed, "{}", 204), (hashed, "{ }", 403), ("/twilio/status", "{}", 403), ("/twilio/status", "", 403)]
    {
        let signature = sign(&format!("{PUBLIC}{path}"), &[], AUTH_TOKEN);
        let request = house.http.post(format!("{}{path}", house.url)).header("Content-Type", "application/json").body(body);
        assert_eq!(answer(request.header(SIGNATURE, signature)).await.status, status, "{path} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_token_of_a_rotation_proves_and_a_retired_one_does_not() {
    let house = Plan::new().set("TWILIO_AUTH_TOKEN", &format!("{AUTH_TOKEN}, new-token")).build().await;
    for (token, status) in [(AUTH_TOKEN, 200), ("new-token", 200), ("retired-token", 403), ("", 403)] {
        let call = form(&[("CallSid", "CA2")]);
        assert_eq!(house.twilio_signed("/twilio/fallback", &call, token).await.status, status, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_with_its_own_token_is_proven_by_it_alone_and_it_proves_nobody_else() {
    let other = BUSINESS.replace("+15551230000", "+15551240000").replace("@abc.example", "@own.example");
    let house = Plan::new().business("own-co", &other).set("TWILIO_AUTH_TOKEN__OWN_CO", "own-token").build().await;
    let cases = [
        ("+15551230000", AUTH_TOKEN, 200),
        ("+15551230000", "own-token", 403),
        ("+15551240000", "own-token", 200),
        ("+15551240000", AUTH_TOKEN, 403),
        ("+15550000000", AUTH_TOKEN, 200),
        ("+15550000000", "own-token", 403),
    ];
    for (to, token, status) in cases {
        let answer = house.twilio_signed("/twilio/fallback", &form(&[("To", to)]), token).await;
        assert_eq!(answer.status, status, "{to} {token}");
    }
    let mut twice = form(&[]);
    twice.push(("To", "+15551240000"));
    for (token, status) in [(AUTH_TOKEN, 200), ("own-token", 403)] {
        let answer = house.twilio_signed("/twilio/fallback", &twice, token).await;
        assert_eq!(answer.status, status, "the first To is whose call it is");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_counterparts_proof_opens_the_others_door() {
    let house = House::new().await;
    let body = serde_json::json!({ "message": { "type": "status-update", "status": "ended", "call": { "id": "v1" } } });
    let headers = [("x-vapi-secret", VAPI_SECRET), ("Authorization", VAPI_SECRET)];
    assert!(is_refused(&post(&house, "/twilio/inbound", &everything(), &headers).await));
    let signature = sign(&format!("{PUBLIC}/webhook/vapi"), &[], AUTH_TOKEN);
    let request = house.http.post(format!("{}/webhook/vapi", house.url)).header(SIGNATURE, signature).body(body.to_string());
    assert_eq!(answer(request).await.status, 401);
    assert_eq!(house.vapi_bytes(body.to_string().into_bytes(), AUTH_TOKEN, ProofChoice::Hmac).await.status, 401);
    nothing_happened(&house).await;
    assert!(house.call("v1").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_gets_the_same_twiml_and_does_nothing_again() {
    let house = House::new().await;
    let first = house.says("inbound", &[]).await;
    house.clock.advance(std::time::Duration::from_hours(24 * 30));
    assert_eq!(house.says("inbound", &[]).await, first, "a signature has no date, so its call must not be made again");
    assert!(is_assistant(&first));
    assert_eq!(house.vapi.count("call.create"), 1);
    assert!(is_person(&house.says("fallback", &[("To", "+15551230000")]).await));
    assert_eq!(SLUG, house.row().await.business.unwrap().as_str());
}
