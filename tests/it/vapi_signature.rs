//! Proofs of Vapi's webhooks: everything that is nearly right is refused, and everything that is right is not.

mod forms;
mod stamped;
mod whose;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use ringbook::config::{Environment, HmacAlgorithm, HmacEncoding, HmacPlan, ProofPlan, load_vapi_signing};
use ringbook::vapi::signature::{ProofChoice, Unproven, prove, sign};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-12-01 14:30:00 UTC);
const BODY: &[u8] = br#"{"message":{"type":"tool-calls"}}"#;
const EVERY_CHOICE: [ProofChoice; 5] =
    [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret, ProofChoice::Bearer, ProofChoice::Custom];

type Headers = Vec<(String, Vec<u8>)>;

/// All proofs accepted, with these secrets.
fn plan(secrets: &[&str]) -> ProofPlan {
    let secrets = secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
    ProofPlan { secrets, hmac: HmacPlan::presets(), secret: true, bearer: true }
}

fn headers(lines: &[(&str, &str)]) -> Headers {
    lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn made(plan: &ProofPlan, body: &[u8], choice: ProofChoice) -> Headers {
    sign(plan, body, NOW, choice).into_iter().map(|(name, value)| (name, value.into_bytes())).collect()
}

/// The value of preset 1 for [`BODY`], made with `secret`.
fn signature() -> String {
    sign(&plan(&["secret"]), BODY, NOW, ProofChoice::Hmac).remove(0).1
}

fn verdict(lines: &[(&str, &str)]) -> Result<(), Unproven> {
    prove(&headers(lines), BODY, &plan(&["secret"]), NOW)
}

#[test]
fn signatures_are_those_that_other_programs_make() {
    // printf '%s' 'The quick brown fox jumps over the lazy dog' | openssl dgst -sha256 -hmac key, and so on.
    let body = b"The quick brown fox jumps over the lazy dog";
    let known = [
        (HmacAlgorithm::Sha1, "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
        (HmacAlgorithm::Sha256, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"),
        (
            HmacAlgorithm::Sha512,
            "b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a",
        ),
    ];
    for (algorithm, hex_tag) in known {
        for (encoding, text) in
            [(HmacEncoding::Hex, hex_tag.to_owned()), (HmacEncoding::Base64, STANDARD.encode(hex::decode(hex_tag).unwrap()))]
        {
            let hmac = HmacPlan { algorithm, encoding, prefix: "v=".into(), ..HmacPlan::body_only() };
            let plan = ProofPlan { hmac: vec![hmac], ..plan(&["key"]) };
            assert_eq!(sign(&plan, body, NOW, ProofChoice::Custom), [("x-vapi-signature".to_owned(), format!("v={text}"))]);
            assert_eq!(prove(&headers(&[("x-vapi-signature", &format!("v={text}"))]), body, &plan, NOW), Ok(()));
        }
    }
}

#[test]
fn the_stamped_preset_signs_the_timestamp_a_dot_and_the_body() {
    let plain = ProofPlan { hmac: vec![HmacPlan::body_only()], ..plan(&["secret"]) };
    let text = [b"1796135400.", BODY].concat();
    let over_text = sign(&plain, &text, NOW, ProofChoice::Hmac).remove(0).1;
    let stamped = sign(&plain, BODY, NOW, ProofChoice::Stamped);
    assert_eq!(stamped, [("x-signature".to_owned(), over_text), ("x-timestamp".to_owned(), "1796135400".to_owned())]);
}

#[test]
fn every_way_to_sign_is_a_way_to_prove_with_any_live_secret() {
    for secrets in [&["new", "old"][..], &["old", "new"], &["new"]] {
        for choice in EVERY_CHOICE {
            let signer = plan(&["new"]);
            assert_eq!(prove(&made(&signer, BODY, choice), BODY, &plan(secrets), NOW), Ok(()), "{choice:?} {secrets:?}");
        }
    }
    for choice in EVERY_CHOICE {
        let expired = made(&plan(&["old"]), BODY, choice);
        assert!(matches!(prove(&expired, BODY, &plan(&["new"]), NOW), Err(Unproven::Mismatch { .. })), "{choice:?}");
    }
}

#[test]
fn an_empty_header_is_an_absent_one_and_no_proof_at_all_is_refused() {
    for lines in
        [&[][..], &[("x-vapi-signature", "")], &[("x-vapi-secret", " \t")], &[("x-signature", ""), ("authorization", "")]]
    {
        let Err(Unproven::Absent { accepted }) = verdict(lines) else { panic!("{lines:?}") };
        assert_eq!(accepted, "x-vapi-signature, x-signature, x-vapi-secret, authorization");
    }
    assert_eq!(verdict(&[("x-vapi-signature", &signature()), ("x-vapi-secret", "")]), Ok(()));
}

#[test]
fn a_proof_that_is_given_twice_is_refused_even_if_both_are_good() {
    let good = signature();
    let stamped = made(&plan(&["secret"]), BODY, ProofChoice::Stamped);
    let bad = "0".repeat(64);
    for pair in [[&good, &bad], [&bad, &good], [&good, &good], [&good, &String::new()], [&String::new(), &String::new()]] {
        let lines = pair.map(|value| ("x-vapi-signature", value.as_str()));
        assert!(matches!(verdict(&lines), Err(Unproven::Twice { .. })), "{pair:?}");
    }
    for (name, value) in [("x-vapi-secret", "secret"), ("authorization", "Bearer secret")] {
        assert!(matches!(verdict(&[(name, value), (name, value)]), Err(Unproven::Twice { .. })));
    }
    let twice_stamped = [&stamped[..], &stamped[1..]].concat();
    assert!(matches!(prove(&twice_stamped, BODY, &plan(&["secret"]), NOW), Err(Unproven::Twice { .. })));
}

#[test]
fn every_proof_that_is_there_must_be_valid() {
    let all: Headers = [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret, ProofChoice::Bearer]
        .into_iter()
        .flat_map(|choice| made(&plan(&["secret"]), BODY, choice))
        .collect();
    assert_eq!(prove(&all, BODY, &plan(&["secret"]), NOW), Ok(()));
    for at in 0..all.len() {
        let mut spoiled = all.clone();
        let last = spoiled[at].1.last_mut().unwrap();
        *last = if *last == b'1' { b'2' } else { b'1' };
        assert!(prove(&spoiled, BODY, &plan(&["secret"]), NOW).is_err(), "{}", spoiled[at].0);
    }
    let mixed = [made(&plan(&["new"]), BODY, ProofChoice::Hmac), made(&plan(&["old"]), BODY, ProofChoice::Secret)].concat();
    assert_eq!(prove(&mixed, BODY, &plan(&["old", "new"]), NOW), Ok(()), "each by any of the live secrets");
}

#[test]
fn only_what_is_accepted_counts_and_only_that_can_spoil_it() {
    let secret_only = ProofPlan { hmac: Vec::new(), bearer: false, ..plan(&["secret"]) };
    for choice in [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Bearer] {
        let unasked = made(&plan(&["secret"]), BODY, choice);
        assert!(matches!(prove(&unasked, BODY, &secret_only, NOW), Err(Unproven::Absent { .. })), "{choice:?}");
    }
    let with_noise =
        headers(&[("x-vapi-secret", "secret"), ("authorization", "Basic x"), ("x-signature", "x"), ("x-signature", "y")]);
    assert_eq!(prove(&with_noise, BODY, &secret_only, NOW), Ok(()));
    let nothing = ProofPlan { secret: false, ..secret_only };
    assert!(prove(&with_noise, BODY, &nothing, NOW).is_err());
}

#[test]
fn a_secret_must_be_met_whole_and_an_empty_one_meets_nothing() {
    for value in ["secre", "secrets", "Secret", "secret,secret", "sécret"] {
        assert!(matches!(verdict(&[("x-vapi-secret", value)]), Err(Unproven::Mismatch { .. })), "{value}");
    }
    for secrets in [&[][..], &[""]] {
        for lines in [
            &[("x-vapi-secret", "")][..],
            &[("authorization", "Bearer ")],
            &[("authorization", "Bearer")],
            &[("x-vapi-secret", "x")],
        ] {
            assert!(prove(&headers(lines), BODY, &plan(secrets), NOW).is_err(), "{secrets:?} {lines:?}");
        }
        // What an HMAC with an empty key makes.
        let open = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        assert!(prove(&headers(&[("x-vapi-signature", open)]), b"", &plan(secrets), NOW).is_err());
    }
    assert!(sign(&plan(&[]), BODY, NOW, ProofChoice::Hmac).is_empty());
}

#[test]
fn the_bearer_scheme_is_read_in_either_case_and_nothing_else_is_a_bearer() {
    for value in ["Bearer secret", "bearer secret", "BEARER secret", "Bearer  secret"] {
        assert_eq!(verdict(&[("authorization", value)]), Ok(()), "{value}");
    }
    for value in ["secret", "Basic secret", "Bearersecret", "Bearer", "Bearer secret x", "Bearer Secret", "Bearer, secret"] {
        assert!(verdict(&[("authorization", value)]).is_err(), "{value}");
    }
}

#[test]
fn placeholders_in_a_body_are_only_letters() {
    let hmac = HmacPlan { payload: "{timestamp}:{body}:{timestamp}".into(), ..HmacPlan::stamped() };
    let plan = ProofPlan { hmac: vec![hmac], ..plan(&["secret"]) };
    let body = b"a {timestamp} and a {body}";
    let signed = made(&plan, body, ProofChoice::Custom);
    assert_eq!(prove(&signed, body, &plan, NOW), Ok(()));
    let replaced = [b"a ".as_slice(), &signed[1].1, b" and a {body}"].concat();
    assert!(prove(&signed, &replaced, &plan, NOW).is_err());
}

#[test]
fn a_weaker_hash_and_twilios_signature_are_refused() {
    let sha1 = HmacPlan { algorithm: HmacAlgorithm::Sha1, ..HmacPlan::body_only() };
    let weaker = ProofPlan { hmac: vec![sha1], ..plan(&["secret"]) };
    let signed = made(&weaker, BODY, ProofChoice::Custom);
    assert!(matches!(prove(&signed, BODY, &plan(&["secret"]), NOW), Err(Unproven::Length { .. })));
    assert!(matches!(verdict(&[("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")]), Err(Unproven::Absent { .. })));
}

#[test]
fn the_reason_never_shows_what_was_presented_or_expected() {
    let good = signature();
    let cases = [
        ("x-vapi-signature", "hidden".to_owned()),
        ("x-vapi-signature", "0".repeat(64)),
        ("x-vapi-signature", good.to_ascii_uppercase()),
        ("x-vapi-secret", "hidden".to_owned()),
        ("authorization", "hidden hidden".to_owned()),
        ("authorization", "Bearer hidden".to_owned()),
    ];
    for (name, value) in cases {
        let reason = verdict(&[(name, &value)]).unwrap_err();
        let shown = format!("{reason} {reason:?}");
        assert!(shown.contains(name), "{shown}");
        assert!(!shown.contains("hidden") && !shown.contains(&good) && !shown.contains(&value), "{shown}");
        assert!(!shown.contains("\"secret\"") && !shown.to_lowercase().contains(&good), "{shown}");
    }
}

#[test]
fn what_is_signed_by_default_is_what_the_settings_accept() {
    for auth in ["hmac", "secret", "bearer", "secret,bearer", "hmac,secret,bearer"] {
        for extra in [None, Some(("VAPI_HMAC_ENCODING", "base64"))] {
            let pairs = [Some(("VAPI_WEBHOOK_SECRET", "s")), Some(("VAPI_WEBHOOK_AUTH", auth)), extra];
            let plan = load_vapi_signing(&Environment::from_pairs(pairs.into_iter().flatten())).unwrap();
            assert_eq!(prove(&made(&plan, BODY, ProofChoice::usual(&plan)), BODY, &plan, NOW), Ok(()), "{auth} {extra:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_flipped_bit_fails(body in prop::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), bit in 0..8u8, which in 0..5usize) {
        let signer = plan(&["secret"]);
        let choice = EVERY_CHOICE[which];
        let signed = made(&signer, &body, choice);
        prop_assert_eq!(prove(&signed, &body, &signer, NOW), Ok(()));
        if !matches!(choice, ProofChoice::Secret | ProofChoice::Bearer) {
            let mut other = body.clone();
            other[at.index(body.len())] ^= 1 << bit;
            prop_assert!(prove(&signed, &other, &signer, NOW).is_err());
        }
        let mut other = signed.clone();
        let line = at.index(other.len());
        let byte = at.index(other[line].1.len());
        // The scheme `Bearer` may be written in either case, which is one bit.
        prop_assume!(!(choice == ProofChoice::Bearer && bit == 5 && byte < 6));
        other[line].1[byte] ^= 1 << bit;
        prop_assert!(prove(&other, &body, &signer, NOW).is_err(), "{:?}", other);
    }

    #[test]
    fn arbitrary_headers_never_panic_and_never_prove(values in prop::collection::vec((0..6usize, prop::collection::vec(any::<u8>(), 0..200)), 0..6)) {
        let names = ["x-vapi-signature", "x-signature", "x-timestamp", "x-vapi-secret", "authorization", "x-own"];
        let lines: Headers = values.into_iter().map(|(name, value)| (names[name].to_owned(), value)).collect();
        let own = HmacPlan { signature_header: "x-own".into(), encoding: HmacEncoding::Base64, prefix: "v1,".into(), ..HmacPlan::body_only() };
        let mut plan = plan(&["a secret that nobody guesses"]);
        plan.hmac.push(own);
        prop_assert!(prove(&lines, BODY, &plan, NOW).is_err());
    }
}
