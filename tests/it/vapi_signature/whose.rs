//! Whose secret it was: that of one business, or of everybody.

use ringbook::config::{Environment, Scoped, Settings, Vapi};
use ringbook::names::Slug;
use ringbook::vapi::signature::{ProofChoice, Unproven, proven_scopes};

use super::{BODY, NOW, headers, made, plan};

fn vapi(pairs: &[(&str, &str)]) -> Scoped<Vapi> {
    let enough = [
        ("SERVER_URL", "https://book.example.com"),
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_AUTH_TOKEN", "t"),
        ("VAPI_API_KEY", "k"),
        ("VAPI_PHONE_NUMBER_ID", "p"),
        ("VAPI_ASSISTANT_ID", "a"),
        ("VAPI_WEBHOOK_SECRET", "shared"),
        ("CALENDAR", "embedded"),
    ];
    let environment = Environment::from_pairs(enough.iter().chain(pairs).copied());
    Settings::load(&environment, &[slug("mine"), slug("other"), slug("third")]).unwrap().0.vapi
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

#[test]
fn a_business_with_its_own_secret_is_proven_by_that_alone() {
    let vapi = vapi(&[
        ("VAPI_WEBHOOK_SECRET__MINE", "mine"),
        ("VAPI_WEBHOOK_SECRET__OTHER", "other"),
        ("VAPI_ASSISTANT_ID__THIRD", "x"),
    ]);
    let [mine, other, third] = ["mine", "other", "third"].map(slug);
    for choice in [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret] {
        let by = |secret: &str| proven_scopes(&made(&plan(&[secret]), BODY, choice), BODY, &vapi, NOW);
        let shared = by("shared").unwrap();
        assert!(shared.covers(None) && shared.covers(Some(&third)) && shared.covers(Some(&slug("unknown"))));
        assert!(!shared.covers(Some(&mine)) && !shared.covers(Some(&other)));
        let own = by("mine").unwrap();
        assert!(own.covers(Some(&mine)));
        assert!(!own.covers(None) && !own.covers(Some(&other)) && !own.covers(Some(&third)));
        assert!(matches!(by("wrong"), Err(Unproven::Mismatch { .. })));
    }
}

#[test]
fn one_secret_for_two_businesses_proves_both() {
    let vapi = vapi(&[("VAPI_WEBHOOK_SECRET__MINE", "both"), ("VAPI_WEBHOOK_SECRET__OTHER", "both")]);
    let proof = proven_scopes(&made(&plan(&["both"]), BODY, ProofChoice::Hmac), BODY, &vapi, NOW).unwrap();
    assert!(proof.covers(Some(&slug("mine"))) && proof.covers(Some(&slug("other"))) && !proof.covers(None));
}

#[test]
fn the_reason_is_that_of_the_plan_that_found_something() {
    let vapi = vapi(&[("VAPI_HMAC_SIGNATURE_HEADER__MINE", "x-own")]);
    let verdict = proven_scopes(&headers(&[("x-own", "short")]), BODY, &vapi, NOW);
    assert!(matches!(verdict, Err(Unproven::Length { header, .. }) if header == "x-own"));
    assert!(matches!(proven_scopes(&[], BODY, &vapi, NOW), Err(Unproven::Absent { .. })));
}
