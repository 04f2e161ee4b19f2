//! What one business has for itself: settings with its name behind them.
use secrecy::ExposeSecret;

use super::{ACCOUNT, OTHER_ACCOUNT, exposed, good, load, problems, slugs, warnings};

#[test]
fn a_suffix_must_be_a_business_and_only_three_groups_have_one() {
    let found = problems(&[("TWILIO_AUTH_TOKEN__ABC", "t"), ("BIND__ABC_HVAC", "0.0.0.0:1")], &["abc-hvac", "other"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("BIND__ABC_HVAC cannot be"), "{found:?}");
    assert!(found[1].contains("TWILIO_AUTH_TOKEN__ABC_HVAC, TWILIO_AUTH_TOKEN__OTHER"), "{found:?}");
    let none = problems(&[("VAPI_API_KEY__ABC", "t")], &[]);
    assert!(none.len() == 1 && none[0].contains("no business file"), "{none:?}");
    assert!(load(&[("TWILIO_AUTH_TOKEN__ABC", "")], &[]).is_ok(), "an empty one is absent");
}

#[test]
fn a_business_has_its_own_settings_and_everybodys_for_the_rest() {
    let changes = [
        ("TWILIO_MESSAGING_SERVICE_SID", "MG1"),
        ("TWILIO_AUTH_TOKEN__ABC_HVAC", "own-1, own-2,"),
        ("VAPI_ASSISTANT_ID__ABC_HVAC", "own-assistant"),
        ("VAPI_WEBHOOK_SECRET__OTHER", "other-secret"),
    ];
    let settings = good(&changes, &["abc-hvac", "other", "third"]);
    let [abc, other, third] = [0, 1, 2].map(|at| slugs(&["abc-hvac", "other", "third"])[at].clone());
    let twilio = settings.twilio.of(&abc);
    assert_eq!(exposed(&twilio.auth_tokens), ["own-1", "own-2"]);
    assert!(twilio.auth_is_own && twilio.messaging_service_sid.as_deref() == Some("MG1") && twilio.account_sid == ACCOUNT);
    assert_eq!(exposed(&settings.twilio.of(&third).auth_tokens), ["twilio-token"]);
    assert!(!settings.twilio.of(&third).auth_is_own && settings.twilio.own().count() == 1);
    assert_eq!(settings.vapi.of(&abc).assistant_id.as_ref().unwrap().as_str(), "own-assistant");
    assert!(!settings.vapi.of(&abc).proofs_are_own, "another assistant is no other proof");
    assert_eq!(exposed(&settings.vapi.of(&abc).proofs.secrets), ["hook-secret"]);
    assert!(settings.vapi.of(&other).proofs_are_own);
    assert_eq!(exposed(&settings.vapi.of(&other).proofs.secrets), ["other-secret"]);
    assert_eq!(settings.vapi.of(&other).assistant_id.as_ref().unwrap().as_str(), "assistant-1");
    assert_eq!(settings.google.own().count(), 0);
}

#[test]
fn a_plan_that_is_given_for_one_business_is_its_own_even_with_everybodys_secret() {
    let settings = good(&[("VAPI_WEBHOOK_AUTH__ABC_HVAC", "bearer")], &["abc-hvac"]);
    let vapi = settings.vapi.of(&slugs(&["abc-hvac"])[0]).clone();
    assert!(vapi.proofs_are_own && vapi.proofs.bearer && !vapi.proofs.secret && vapi.proofs.hmac.is_empty());
}

#[test]
fn another_twilio_account_inherits_nothing_that_belongs_to_an_account() {
    let shared = [
        ("TWILIO_API_KEY_SID", "SK1"),
        ("TWILIO_API_KEY_SECRET", "key-secret"),
        ("TWILIO_MESSAGING_SERVICE_SID", "MG1"),
        ("TWILIO_ACCOUNT_SID__ABC_HVAC", OTHER_ACCOUNT),
    ];
    let found = problems(&shared, &["abc-hvac"]);
    assert!(found.len() == 1 && found[0].starts_with("TWILIO_AUTH_TOKEN__ABC_HVAC is missing"), "{found:?}");
    let settings = good(&[&shared[..], &[("TWILIO_AUTH_TOKEN__ABC_HVAC", "own")]].concat(), &["abc-hvac"]);
    let own = settings.twilio.of(&slugs(&["abc-hvac"])[0]);
    assert!(own.api_key.is_none() && own.messaging_service_sid.is_none());
    let (sid, secret) = settings.twilio.everyone().api_key.as_ref().unwrap();
    assert_eq!((sid.as_str(), secret.expose_secret()), ("SK1", "key-secret"));
}

#[test]
fn half_an_api_key_is_a_mistake_wherever_the_other_half_is() {
    let found = problems(&[("TWILIO_API_KEY_SID", "SK1"), ("TWILIO_API_KEY_SECRET__ABC_HVAC", "s")], &["abc-hvac"]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn an_odd_account_sid_is_only_a_warning() {
    let found = warnings(&[("TWILIO_ACCOUNT_SID", "AC123")], &["abc-hvac"]);
    assert!(found.len() == 1 && found[0].starts_with("TWILIO_ACCOUNT_SID "), "{found:?}");
}

#[test]
fn each_way_to_connect_needs_its_own_settings() {
    let none = [("VAPI_API_KEY", ""), ("VAPI_PHONE_NUMBER_ID", ""), ("VAPI_ASSISTANT_ID", "")];
    let cases: [(&str, &[&str]); 2] = [("bypass", &["VAPI_API_KEY", "VAPI_PHONE_NUMBER_ID"]), ("sip", &["VAPI_SIP_URI"])];
    for (way, needs) in cases {
        for businesses in [&[][..], &["abc-hvac", "other"][..]] {
            let found = problems(&[&none[..], &[("VAPI_CONNECT", way)]].concat(), businesses);
            let how = |need: &str| if need == "VAPI_PHONE_NUMBER_ID" { ", and `ringbook connect` prints it" } else { "" };
            let expected: Vec<String> =
                needs.iter().map(|need| format!("{need} is missing: VAPI_CONNECT={way} needs it{}.", how(need))).collect();
            assert_eq!(found, expected);
        }
    }
    let settings = good(&[("VAPI_CONNECT", "sip"), ("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai")], &[]);
    assert_eq!(settings.vapi.everyone().sip_uri.as_deref(), Some("sip:front-desk@sip.vapi.ai"));
}

#[test]
fn a_need_is_checked_for_every_business_with_what_it_has() {
    let changes = [("VAPI_PHONE_NUMBER_ID", ""), ("VAPI_PHONE_NUMBER_ID__ABC_HVAC", "a"), ("VAPI_CONNECT__THIRD", "sip")];
    let found = problems(&changes, &["abc-hvac", "other", "third"]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("VAPI_PHONE_NUMBER_ID is missing for some businesses")
            && found[0].contains("VAPI_PHONE_NUMBER_ID__OTHER.")
    );
    assert!(found[1].starts_with("VAPI_SIP_URI is missing for some businesses") && found[1].contains("VAPI_SIP_URI__THIRD."));
    let each = [("VAPI_PHONE_NUMBER_ID", ""), ("VAPI_PHONE_NUMBER_ID__ABC_HVAC", "a"), ("VAPI_PHONE_NUMBER_ID__OTHER", "b")];
    assert!(good(&each, &["abc-hvac", "other"]).vapi.everyone().phone_number_id.is_none());
}
