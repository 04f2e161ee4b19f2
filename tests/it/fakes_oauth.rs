//! The fake Google's token endpoint is held to the checklist in the facts: codes and refresh tokens.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::fakes::faults::Fault;
use crate::fakes_google::{Desk, answer};

pub const CLIENT: &str = "1234-desk.apps.googleusercontent.com";
/// With what a form and a Basic header each have to encode.
pub const SECRET: &str = "GOCSPX-a:b+c&d/e%2f=";
pub const REDIRECT: &str = "https://desk.example/oauth/callback";
pub const OWNER: &str = "owner@example.com";
pub const EVENTS: &str = "calendar.events";
pub const THREE: [&str; 3] = [EVENTS, "calendar.events.freebusy", "calendar.calendarlist.readonly"];
/// The pair of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DAY: Duration = Duration::from_hours(24);

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A desk with a registered program and a person who is signed in.
pub fn office() -> Desk {
    let desk = Desk::open();
    desk.google.add_client(CLIENT, SECRET, &[REDIRECT]);
    desk.google.add_user(OWNER);
    desk
}

pub fn full(scopes: &[&str]) -> String {
    scopes.iter().map(|end| format!("https://www.googleapis.com/auth/{end}")).collect::<Vec<_>>().join(" ")
}

/// A link to the consent page; a value in `other` replaces ours, and an empty one leaves it out.
pub fn link(desk: &Desk, scopes: &[&str], other: &[(&str, &str)]) -> String {
    let scope = full(scopes);
    let mut pairs = vec![
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", &scope),
        ("state", "s/t&1"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !other.iter().any(|(given, _)| given == name));
    pairs.extend(other.iter().filter(|(_, value)| !value.is_empty()));
    Url::parse_with_params(&desk.google.auth_url(), pairs).unwrap().into()
}

/// A parameter of the address that the browser is sent to.
pub fn brought(location: &str, name: &str) -> Option<String> {
    Url::parse(location).unwrap().query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

/// Asks for consent to these scopes and gets it: the code.
pub fn consented(desk: &Desk, scopes: &[&str], other: &[(&str, &str)]) -> String {
    brought(&desk.google.consent(&link(desk, scopes, other)), "code").unwrap()
}

/// Asks at the token endpoint; a value in `other` replaces ours, and an empty one leaves it out.
async fn ask(desk: &Desk, ours: &[(&str, &str)], other: &[(&str, &str)]) -> (u16, Value) {
    let mut form = ours.to_vec();
    form.retain(|(name, _)| !other.iter().any(|(given, _)| given == name));
    form.extend(other.iter().filter(|(_, value)| !value.is_empty()));
    answer(desk.http.post(desk.google.token_url()).form(&form)).await
}

pub async fn exchange(desk: &Desk, code: &str, other: &[(&str, &str)]) -> (u16, Value) {
    let ours = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
    ];
    ask(desk, &ours, other).await
}

pub async fn refresh(desk: &Desk, token: &str, other: &[(&str, &str)]) -> (u16, Value) {
    let ours = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", CLIENT), ("client_secret", SECRET)];
    ask(desk, &ours, other).await
}

pub fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no {field}: {body}")).to_owned()
}

fn expired_or_revoked() -> (u16, Value) {
    (400, json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_brings_both_tokens_and_says_what_was_granted() {
    let mut desk = office();
    let code = consented(&desk, &THREE, &[]);
    let (status, body) = exchange(&desk, &code, &[]).await;
    assert_eq!((status, &body["expires_in"], &body["token_type"]), (200, &json!(3599), &json!("Bearer")), "{body}");
    let mut granted: Vec<_> = body["scope"].as_str().unwrap().split(' ').collect();
    granted.sort_unstable();
    let mut asked = full(&THREE).split(' ').map(str::to_owned).collect::<Vec<_>>();
    asked.sort_unstable();
    assert_eq!(granted, asked);
    assert_eq!(body.get("refresh_token_expires_in"), None);
    assert_eq!(desk.google.refresh_tokens(OWNER), [text(&body, "refresh_token")]);
    desk.bearer = text(&body, "access_token");
    let listed = |desk: &Desk| answer(desk.request("GET", "users/me/calendarList"));
    assert_eq!(listed(&desk).await.0, 200);
    desk.clock.advance(Duration::from_secs(3599));
    assert_eq!(listed(&desk).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_for_ten_minutes() {
    let desk = office();
    let code = consented(&desk, &THREE, &[]);
    desk.clock.advance(Duration::from_secs(599));
    assert_eq!(exchange(&desk, &code, &[]).await.0, 200);
    let again = exchange(&desk, &code, &[]).await;
    assert_eq!((again.0, text(&again.1, "error").as_str()), (400, "invalid_grant"));
    let late = consented(&desk, &THREE, &[]);
    desk.clock.advance(Duration::from_mins(10));
    assert_eq!(exchange(&desk, &late, &[]).await.1["error"], "invalid_grant");
    assert_eq!(exchange(&desk, "4/0never", &[]).await.1["error"], "invalid_grant");
    assert_eq!(desk.google.refresh_tokens(OWNER).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_belongs_to_its_address_its_verifier_and_its_program() {
    let desk = office();
    desk.google.add_client("other", "secret", &[REDIRECT]);
    let long = "v".repeat(129);
    let refused: [(Pairs<'_>, u16, &str); 8] = [
        (&[("redirect_uri", "https://desk.example/oauth/callback/")], 400, "redirect_uri_mismatch"),
        (&[("redirect_uri", "")], 400, "invalid_request"),
        (&[("code_verifier", "")], 400, "invalid_grant"),
        (&[("code_verifier", CHALLENGE)], 400, "invalid_grant"),
        (&[("code_verifier", &long)], 400, "invalid_grant"),
        (&[("client_id", "other"), ("client_secret", "secret")], 400, "invalid_grant"),
        (&[("client_secret", "")], 400, "invalid_request"),
        (&[("client_id", "")], 400, "invalid_request"),
    ];
    for (other, status, error) in refused {
        let code = consented(&desk, &THREE, &[]);
        let (found, body) = exchange(&desk, &code, other).await;
        assert_eq!((found, text(&body, "error").as_str()), (status, error), "{other:?}");
    }
    assert!(desk.google.refresh_tokens(OWNER).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_without_a_method_is_plain_without_a_word() {
    let desk = office();
    let plain = consented(&desk, &THREE, &[("code_challenge_method", "")]);
    assert_eq!(exchange(&desk, &plain, &[]).await.0, 400, "the verifier behind the hash does not open it");
    let plain = consented(&desk, &THREE, &[("code_challenge_method", "")]);
    assert_eq!(exchange(&desk, &plain, &[("code_verifier", CHALLENGE)]).await.0, 200);
    let without = consented(&desk, &THREE, &[("code_challenge_method", ""), ("code_challenge", "")]);
    assert_eq!(exchange(&desk, &without, &[]).await.1["error"], "invalid_grant");
    let without = consented(&desk, &THREE, &[("code_challenge_method", ""), ("code_challenge", "")]);
    assert_eq!(exchange(&desk, &without, &[("code_verifier", "")]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_comes_with_the_first_consent_or_when_asked_again_and_only_for_offline_access() {
    let desk = office();
    let lasts = async |other: &[(&str, &str)]| {
        let code = consented(&desk, &THREE, other);
        exchange(&desk, &code, &[]).await.1["refresh_token"].is_string()
    };
    assert!(lasts(&[("prompt", "")]).await, "the first consent");
    assert!(!lasts(&[("prompt", "")]).await);
    assert!(lasts(&[]).await, "prompt=consent");
    assert!(!lasts(&[("access_type", "")]).await);
    assert!(!lasts(&[("access_type", "online")]).await);
    desk.google.revoke_by_user(OWNER);
    assert!(lasts(&[("prompt", "")]).await, "after a revocation it is the first again");
    desk.google.revoke_by_user(OWNER);
    assert!(!lasts(&[("prompt", ""), ("access_type", "")]).await);
    assert!(!lasts(&[("prompt", "")]).await, "the first consent is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_with_401_in_the_form_and_in_the_header() {
    let desk = office();
    let token = desk.google.grant(CLIENT, OWNER, &THREE);
    for (id, secret, status) in [(CLIENT, "wrong", 401), ("never", SECRET, 401), (CLIENT, SECRET, 200)] {
        let by_form = refresh(&desk, &token, &[("client_id", id), ("client_secret", secret)]).await;
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = desk.http.post(desk.google.token_url()).basic_auth(encoded(id), Some(encoded(secret))).form(&form);
        let by_header = answer(request).await;
        for (found, body) in [by_form, by_header] {
            assert_eq!(found, status, "{body}");
            assert!(status == 200 || body["error"] == "invalid_client", "{body}");
        }
    }
    desk.google.change_client_secret(CLIENT, "another");
    assert_eq!(refresh(&desk, &token, &[]).await.1["error"], "invalid_client");
    desk.google.delete_client(CLIENT);
    let (status, body) = refresh(&desk, &token, &[("client_secret", "another")]).await;
    assert_eq!((status, text(&body, "error").as_str()), (401, "deleted_client"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_brings_an_access_token_alone() {
    let mut desk = office();
    let token = desk.google.grant(CLIENT, OWNER, &THREE);
    desk.google.token_life(Duration::from_mins(1));
    let (status, body) = refresh(&desk, &token, &[]).await;
    assert_eq!((status, &body["expires_in"], body.get("refresh_token")), (200, &json!(60), None), "{body}");
    assert_eq!(body["scope"].as_str().unwrap().split(' ').count(), 3);
    desk.bearer = text(&body, "access_token");
    let listed = |desk: &Desk| answer(desk.request("GET", "users/me/calendarList"));
    assert_eq!(listed(&desk).await.0, 200);
    desk.clock.advance(Duration::from_mins(1));
    assert_eq!(listed(&desk).await.0, 401);
    let (_, fewer) = refresh(&desk, &token, &[("scope", &full(&[EVENTS]))]).await;
    assert_eq!(fewer["scope"], full(&[EVENTS]));
    assert_eq!(refresh(&desk, &token, &[("scope", &full(&["calendar"]))]).await.1["error"], "invalid_scope");
    desk.google.add_client("other", "secret", &[]);
    let (status, body) = refresh(&desk, &token, &[("client_id", "other"), ("client_secret", "secret")]).await;
    assert_eq!((status, text(&body, "error").as_str()), (401, "unauthorized_client"));
    assert_eq!(refresh(&desk, "1//never", &[]).await, expired_or_revoked());
    assert_eq!((desk.google.refreshes(), desk.google.count("token")), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_in_testing_gets_lives_for_seven_days() {
    let desk = office();
    desk.google.mark_testing(CLIENT);
    let (_, body) = exchange(&desk, &consented(&desk, &THREE, &[]), &[]).await;
    assert_eq!(body["refresh_token_expires_in"], 7 * 24 * 3600);
    desk.google.publish(CLIENT);
    let (_, published) = exchange(&desk, &consented(&desk, &THREE, &[]), &[]).await;
    assert_eq!(published.get("refresh_token_expires_in"), None);
    let old = text(&body, "refresh_token");
    desk.clock.advance(Duration::from_secs(7 * 24 * 3600 - 1));
    assert_eq!(refresh(&desk, &old, &[]).await.0, 200);
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh(&desk, &old, &[]).await, expired_or_revoked(), "publishing does not prolong it");
    assert_eq!(refresh(&desk, &text(&published, "refresh_token"), &[]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_not_used_for_half_a_year_dies() {
    let desk = office();
    let (used, unused) = (desk.google.grant(CLIENT, OWNER, &THREE), desk.google.grant(CLIENT, OWNER, &THREE));
    desk.clock.advance(DAY * 100);
    assert_eq!(refresh(&desk, &used, &[]).await.0, 200);
    desk.clock.advance(DAY * 100);
    assert_eq!(refresh(&desk, &used, &[]).await.0, 200);
    assert_eq!(refresh(&desk, &unused, &[]).await, expired_or_revoked());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hundred_and_first_refresh_token_kills_the_oldest() {
    let desk = office();
    desk.google.add_user("other@example.com");
    let other = desk.google.grant(CLIENT, "other@example.com", &THREE);
    let tokens: Vec<_> = (0..101).map(|_| desk.google.grant(CLIENT, OWNER, &THREE)).collect();
    assert_eq!(refresh(&desk, &tokens[0], &[]).await, expired_or_revoked());
    for live in [&tokens[1], &tokens[100], &other] {
        assert_eq!(refresh(&desk, live, &[]).await.0, 200);
    }
    assert_eq!(desk.google.refresh_tokens(OWNER), tokens[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_can_be_meant_for_codes_for_refreshes_or_for_one_person() {
    let desk = office();
    desk.google.add_user("other@example.com");
    let (ours, other) = (desk.google.grant(CLIENT, OWNER, &THREE), desk.google.grant(CLIENT, "other@example.com", &THREE));
    desk.google.fault_always_in("token", "refresh_token", Fault::status(503, "internal_failure"));
    assert_eq!(refresh(&desk, &ours, &[]).await.0, 503);
    assert_eq!(exchange(&desk, &consented(&desk, &THREE, &[]), &[]).await.0, 200);
    desk.google.clear_faults();
    desk.google.fault_always_in("token", OWNER, Fault::status(400, "invalid_rapt"));
    let (status, body) = refresh(&desk, &ours, &[]).await;
    assert_eq!((status, &body["error"], &body["error_subtype"]), (400, &json!("invalid_grant"), &json!("invalid_rapt")));
    assert_eq!(refresh(&desk, &other, &[]).await.0, 200);
    desk.google.fault_in("token", "other@example.com", Fault::token_with_control_byte());
    assert!(text(&refresh(&desk, &other, &[]).await.1, "access_token").bytes().any(|byte| byte.is_ascii_control()));
    desk.google.fault_in("token", "other@example.com", Fault::token_without_expiry());
    assert_eq!(refresh(&desk, &other, &[]).await.1.get("expires_in"), None);
    desk.google.fault_in("token", "other@example.com", Fault::Html200);
    assert_eq!(refresh(&desk, &other, &[]).await, (200, Value::Null));
}
