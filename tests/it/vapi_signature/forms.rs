//! How a proof must be written: each other form is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringbook::config::{HmacEncoding, HmacPlan, ProofPlan};
use ringbook::vapi::signature::{Unproven, prove};

use super::{BODY, NOW, headers, plan, signature, verdict};

#[test]
fn a_signature_of_the_wrong_form_is_refused_whatever_it_is() {
    let good = signature();
    let bytes = hex::decode(&good).unwrap();
    let bad = [
        good[..63].to_owned(),
        format!("{good}0"),
        good.to_ascii_uppercase(),
        good.replacen(&good[..1], "g", 1),
        STANDARD.encode(&bytes),
        format!("sha256={good}"),
        format!("{good},{good}"),
        format!("{good} {good}"),
        format!("\"{good}\""),
        "\u{e9}".repeat(32),
        format!("{}\n", &good[..63]),
        "0".repeat(64),
    ];
    for value in bad {
        let verdict = verdict(&[("x-vapi-signature", &value)]);
        assert!(verdict.is_err() && !matches!(verdict, Err(Unproven::Absent { .. })), "{value}: {verdict:?}");
    }
    for value in [format!(" {good}"), format!("{good}\t"), format!(" \t {good} \t")] {
        assert_eq!(verdict(&[("x-vapi-signature", &value)]), Ok(()), "white space around a value is not part of it");
    }
}

#[test]
fn a_prefix_must_stand_there_exactly_once() {
    let hmac = HmacPlan { prefix: "sha256=".into(), ..HmacPlan::body_only() };
    let plan = ProofPlan { hmac: vec![hmac], ..plan(&["secret"]) };
    let good = signature();
    let check = |value: &str| prove(&headers(&[("x-vapi-signature", value)]), BODY, &plan, NOW);
    assert_eq!(check(&format!("sha256={good}")), Ok(()));
    for bad in
        [good.clone(), format!("sha256=sha256={good}"), format!("SHA256={good}"), format!("sha256= {good}"), "sha256=".into()]
    {
        assert!(check(&bad).is_err(), "{bad}");
    }
}

#[test]
fn base64_is_strict() {
    let hmac = HmacPlan { encoding: HmacEncoding::Base64, ..HmacPlan::body_only() };
    let plan = ProofPlan { hmac: vec![hmac], ..plan(&["secret"]) };
    let good = STANDARD.encode(hex::decode(signature()).unwrap());
    let check = |value: &str| prove(&headers(&[("x-vapi-signature", value)]), BODY, &plan, NOW);
    assert_eq!(check(&good), Ok(()));
    // 43 letters carry 258 bits for 256: the last letter has spellings that a lax reader takes for the same bytes.
    let last = good.as_bytes()[42];
    for other in (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').filter(|letter| *letter != last) {
        assert!(check(&format!("{}{}=", &good[..42], char::from(other))).is_err());
    }
    for bad in [good.trim_end_matches('=').to_owned(), format!("{good}="), good.replace('=', "A"), signature()] {
        assert!(check(&bad).is_err(), "{bad}");
    }
}
