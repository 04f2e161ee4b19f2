//! The fake Google's token endpoint: assertions are checked for real, and a real client gets through it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use google_calendar3::yup_oauth2::{CustomHyperClientBuilder, ServiceAccountAuthenticator};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ringbook::clock::Clock;
use serde_json::{Value, json};

use crate::fakes::faults::Fault;
use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::google_token::{Assertion, private_key};
use crate::fakes_google::{Desk, NOON, answer};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn claims(desk: &Desk) -> Value {
    let now = NOON.unix_timestamp();
    let scope = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.freebusy";
    json!({"iss": SERVICE_ACCOUNT, "aud": desk.google.token_url(), "scope": scope, "iat": now, "exp": now + 3600})
}

fn signed(header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = private_key();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn exchange(desk: &Desk, assertion: &str) -> (u16, Value) {
    let form = [("grant_type", GRANT), ("assertion", assertion)];
    answer(desk.http.post(desk.google.token_url()).form(&form)).await
}

async fn exchange_claims(desk: &Desk, change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let mut claims = claims(desk);
    change(&mut claims);
    exchange(desk, &signed(&json!({"alg": "RS256", "typ": "JWT"}), &claims)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_assertion_gets_a_token_that_lives_an_hour_with_its_scopes() {
    let mut desk = Desk::open();
    let (status, body) = exchange_claims(&desk, |_| ()).await;
    assert_eq!((status, &body["expires_in"], &body["token_type"]), (200, &json!(3599), &json!("Bearer")));
    assert_eq!(body.get("refresh_token"), None);
    desk.bearer = body["access_token"].as_str().unwrap().to_owned();
    let events = |desk: &Desk| answer(desk.request("GET", "calendars/sam@example.com/events"));
    assert_eq!(events(&desk).await.0, 200);
    assert_eq!(answer(desk.request("GET", "users/me/calendarList")).await.0, 403);
    desk.clock.advance(std::time::Duration::from_secs(3599));
    assert_eq!(events(&desk).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_must_be_signed_by_our_key_with_rs256() {
    let desk = Desk::open();
    let good = signed(&json!({"alg": "RS256"}), &claims(&desk));
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let mut other = claims(&desk);
    other["sub"] = "owner@example.com".into();
    let foreign = signed(&json!({"alg": "RS256"}), &other);
    let (foreign_part, _) = foreign.rsplit_once('.').unwrap();
    let bad = [
        format!("{foreign_part}.{signature}"),
        format!("{signed_part}."),
        signed_part.to_owned(),
        signed(&json!({"alg": "none"}), &claims(&desk)),
        signed(&json!({"alg": "HS256"}), &claims(&desk)),
        String::new(),
    ];
    for assertion in bad {
        let (status, body) = exchange(&desk, &assertion).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{assertion}");
    }
    assert_eq!(exchange(&desk, &good).await.0, 200);
    assert_eq!(desk.google.assertions().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn issuer_audience_times_and_scope_are_checked() {
    let desk = Desk::open();
    let now = NOON.unix_timestamp();
    let refused = async |change: fn(&mut Value, i64)| {
        let (status, body) = exchange_claims(&desk, |claims| change(claims, now)).await;
        (status, body["error"].as_str().unwrap_or("").to_owned())
    };
    let invalid_grant = (400, "invalid_grant".to_owned());
    assert_eq!(refused(|claims, _| claims["iss"] = "other@example.com".into()).await, invalid_grant);
    assert_eq!(refused(|claims, _| claims["aud"] = "https://oauth2.googleapis.com/token".into()).await, invalid_grant);
    assert_eq!(refused(|claims, now| claims["exp"] = json!(now + 3601)).await, invalid_grant);
    assert_eq!(refused(|claims, now| claims["exp"] = json!(now)).await, invalid_grant);
    assert_eq!(
        refused(|claims, now| (claims["iat"], claims["exp"]) = (json!(now + 301), json!(now + 3600))).await,
        invalid_grant
    );
    assert_eq!(refused(|claims, _| claims["iat"] = Value::Null).await, invalid_grant);
    assert_eq!(refused(|claims, _| claims["scope"] = "".into()).await, (400, "invalid_scope".to_owned()));
    assert_eq!(desk.google.assertions(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_for_a_user_needs_delegation_and_is_recorded() {
    let desk = Desk::open();
    let for_owner = |claims: &mut Value| claims["sub"] = "owner@example.com".into();
    let (status, body) = exchange_claims(&desk, for_owner).await;
    assert_eq!((status, &body["error"]), (401, &json!("unauthorized_client")));
    desk.google.allow_delegation_for("owner@example.com");
    assert_eq!(exchange_claims(&desk, for_owner).await.0, 200);
    let scope = claims(&desk)["scope"].as_str().unwrap().to_owned();
    assert_eq!(desk.google.assertions(), [Assertion { sub: Some("owner@example.com".into()), scope }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_grant_or_no_assertion_is_refused() {
    let desk = Desk::open();
    for (form, error) in
        [(vec![("grant_type", "password")], "unsupported_grant_type"), (vec![("grant_type", GRANT)], "invalid_request")]
    {
        let (status, body) = answer(desk.http.post(desk.google.token_url()).form(&form)).await;
        assert_eq!((status, &body["error"]), (400, &json!(error)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_fails_as_told() {
    let desk = Desk::open();
    let minted = async || exchange_claims(&desk, |_| ()).await;
    desk.google.fault("token", Fault::status(400, "invalid_grant"));
    let (status, body) = minted().await;
    let expected = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!((status, body), (400, expected));
    desk.google.fault("token", Fault::status(503, "internal_failure"));
    assert_eq!(minted().await.0, 503);
    desk.google.fault("token", Fault::token_with_control_byte());
    assert!(minted().await.1["access_token"].as_str().unwrap().bytes().any(|byte| byte.is_ascii_control()));
    desk.google.fault("token", Fault::token_without_expiry());
    let (status, body) = minted().await;
    assert_eq!((status, body["access_token"].is_string(), body.get("expires_in")), (200, true, None));
    desk.google.fault("token", Fault::Html200);
    assert_eq!(minted().await, (200, Value::Null));
    desk.google.fault("token", Fault::HangBeforeCommit);
    let hanging = tokio::spawn(desk.http.post(desk.google.token_url()).send());
    desk.google.wait_for("token", 6).await;
    assert_eq!(minted().await.0, 200);
    assert!(!hanging.is_finished());
    hanging.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn yup_oauth2_gets_a_token_with_the_key_file() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let desk = Desk::open();
    // yup-oauth2 signs by the machine's clock, not by ours.
    desk.google.judge_assertions_by(Clock::System);
    desk.google.allow_delegation_for("owner@example.com");
    let key = google_calendar3::yup_oauth2::parse_service_account_key(desk.google.service_account_json()).unwrap();
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let authenticator = ServiceAccountAuthenticator::with_client(key, CustomHyperClientBuilder::from(client));
    let authenticator = authenticator.subject("owner@example.com").build().await.unwrap();
    let token = authenticator.token(&["https://www.googleapis.com/auth/calendar.events"]).await.unwrap();
    assert!(token.token().unwrap().starts_with("ya29."));
    let scope = "https://www.googleapis.com/auth/calendar.events".to_owned();
    assert_eq!(desk.google.assertions(), [Assertion { sub: Some("owner@example.com".into()), scope }]);
}
