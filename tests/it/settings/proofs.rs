//! What proves a sender, and what opens a calendar.

use std::fs;
use std::time::Duration;

use ringbook::config::{HmacAlgorithm, HmacEncoding, HmacPlan};

use super::{good, load, problems, slugs, warnings};

#[test]
fn a_setting_of_another_hmac_credential_replaces_both_presets() {
    let plan = |changes: &[(&str, &str)]| good(changes, &[]).vapi.everyone().proofs.hmac.clone();
    assert_eq!(plan(&[("VAPI_HMAC_ENCODING", "hex")]), [HmacPlan::stamped()]);
    let custom = [
        ("VAPI_HMAC_SIGNATURE_HEADER", "X-Hub-Signature-256"),
        ("VAPI_HMAC_PAYLOAD", "{body}"),
        ("VAPI_HMAC_ALGORITHM", "SHA512"),
        ("VAPI_HMAC_ENCODING", "base64"),
        ("VAPI_HMAC_PREFIX", "sha512="),
        ("VAPI_HMAC_TOLERANCE_SECONDS", "60"),
    ];
    let expected = HmacPlan {
        signature_header: "x-hub-signature-256".into(),
        timestamp_header: None,
        payload: "{body}".into(),
        algorithm: HmacAlgorithm::Sha512,
        encoding: HmacEncoding::Base64,
        prefix: "sha512=".into(),
        tolerance: Duration::from_mins(1),
    };
    assert_eq!(plan(&custom), [expected]);
    for payload in ["{timestamp}", "{body}{url}", "{method}{body}", "{svix-id}.{timestamp}.{body}", "{{body}}", "body"] {
        assert_eq!(problems(&[("VAPI_HMAC_PAYLOAD", payload)], &[]).len(), 1, "{payload}");
    }
    let unsigned = problems(&[("VAPI_HMAC_PAYLOAD", "{body}"), ("VAPI_HMAC_TIMESTAMP_HEADER", "x-time")], &[]);
    assert!(unsigned.len() == 1 && unsigned[0].starts_with("VAPI_HMAC_TIMESTAMP_HEADER "), "{unsigned:?}");
    assert_eq!(problems(&[("VAPI_HMAC_SIGNATURE_HEADER", "x-timestamp")], &[]).len(), 1, "one header for two things");
}

#[test]
fn accepted_proofs_are_a_list_that_is_not_empty() {
    assert_eq!(problems(&[("VAPI_WEBHOOK_AUTH", " , ")], &[]).len(), 1);
    let proofs = good(&[("VAPI_WEBHOOK_AUTH", "Bearer, secret")], &[]).vapi.everyone().proofs.clone();
    assert!(proofs.bearer && proofs.secret && proofs.hmac.is_empty());
    let found = warnings(&[("VAPI_WEBHOOK_AUTH", "secret"), ("VAPI_HMAC_PREFIX", "v1=")], &[]);
    assert!(found.len() == 1 && found[0].starts_with("VAPI_HMAC_PREFIX is set, but"), "{found:?}");
}

#[test]
fn google_needs_a_file_that_can_be_read() {
    let google = ("CALENDAR", "google");
    let found = problems(&[google], &["abc-hvac"]);
    assert!(found.len() == 1 && found[0].starts_with("GOOGLE_CALENDAR_CREDENTIALS is missing: CALENDAR=google"), "{found:?}");
    let client = [google, ("GOOGLE_CLIENT_ID", "id"), ("GOOGLE_CLIENT_SECRET", "s")];
    let keyless = problems(&client, &["abc-hvac"]);
    assert!(
        keyless.len() == 1 && keyless[0].starts_with("ENCRYPTION_KEY is missing") && keyless[0].contains("keygen"),
        "{keyless:?}"
    );
    let key = ("ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let settings = good(&[client[0], client[1], client[2], key], &["abc-hvac"]);
    assert!(settings.vault.has_key() && settings.google.everyone().client.as_ref().is_some_and(|client| client.id == "id"));
    assert!(!format!("{settings:?}").contains("AAAA"));
    for half in &client[1..] {
        let found = problems(&[google, *half, key], &["abc-hvac"]);
        assert!(found.iter().any(|sentence| sentence.contains("an OAuth client needs both")), "{found:?}");
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.json");
    let path = file.to_str().unwrap();
    assert_eq!(problems(&[google, ("GOOGLE_CALENDAR_CREDENTIALS", path)], &[]).len(), 1);
    assert_eq!(problems(&[google, ("GOOGLE_CALENDAR_CREDENTIALS", folder.path().to_str().unwrap())], &[]).len(), 1);
    for odd in ["{}", "not JSON", r#"{"client_email":"a@b","private_key":""}"#] {
        fs::write(&file, odd).unwrap();
        let found = problems(&[google, ("GOOGLE_CALENDAR_CREDENTIALS", path)], &[]);
        assert!(found.len() == 1 && found[0].contains("client_email and private_key"), "{found:?}");
    }
    fs::write(&file, r#"{"client_email":"a@b","private_key":"-"}"#).unwrap();
    let settings = good(
        &[google, ("GOOGLE_CALENDAR_CREDENTIALS", path), ("GOOGLE_IMPERSONATE__OTHER", "o@example.com")],
        &["abc-hvac", "other"],
    );
    assert_eq!(settings.google.of(&slugs(&["other"])[0]).impersonate.as_deref(), Some("o@example.com"));
    assert_eq!(settings.google.of(&slugs(&["other"])[0]).credentials.as_deref(), Some(file.as_path()));
    assert_eq!(settings.google.of(&slugs(&["abc-hvac"])[0]).impersonate, None);
    assert!(load(&[("GOOGLE_CALENDAR_CREDENTIALS", "/not/there")], &[]).is_ok(), "the embedded calendar opens no file");
}
