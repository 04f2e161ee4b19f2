//! What is wrong with the settings is said at the start, in one sentence that names the setting.

use std::path::Path;

use ringbook::config::{self, Scoped};
use serde_json::{Value, json};

use super::{KEY_FILE, clock, opened, settings_at, slug};

async fn problem(settings: &Scoped<config::Google>) -> String {
    opened(settings, &["abc"], &clock()).await.map(drop).unwrap_err()
}

fn ours() -> config::Google {
    settings_at("http://127.0.0.1:1/")
}

/// The test key with one thing changed, in a file of its own.
fn key_with(name: &str, value: Value) -> tempfile::NamedTempFile {
    let mut key: Value = serde_json::from_slice(&std::fs::read(KEY_FILE).unwrap()).unwrap();
    key[name] = value;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), key.to_string()).unwrap();
    file
}

fn with_credentials(path: &Path) -> config::Google {
    config::Google { credentials: Some(path.into()), token_url: None, ..ours() }
}

#[tokio::test]
async fn an_unusable_key_file_is_named() {
    let nowhere = with_credentials(Path::new("/nowhere/key.json"));
    assert!(problem(&Scoped::same(nowhere)).await.starts_with("GOOGLE_CALENDAR_CREDENTIALS: /nowhere/key.json cannot be read"));
    for (name, value) in [
        ("private_key", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")),
        ("private_key", json!(7)),
        ("type", json!("authorized_user")),
    ] {
        let file = key_with(name, value);
        let said = problem(&Scoped::same(with_credentials(file.path()))).await;
        assert!(said.starts_with("GOOGLE_CALENDAR_CREDENTIALS") && !said.contains("AAAA"), "{said}");
    }
}

#[tokio::test]
async fn a_bearer_and_a_signature_travel_over_https_or_stay_on_this_machine() {
    let unsafe_token = config::Google { token_url: Some("http://example.com/token".parse().unwrap()), ..ours() };
    assert!(problem(&Scoped::same(unsafe_token)).await.starts_with("GOOGLE_TOKEN_URL"));
    let file = key_with("token_uri", json!("http://example.com/token"));
    assert!(problem(&Scoped::same(with_credentials(file.path()))).await.contains("token_uri"));
    for url in ["http://example.com/calendar/v3/", "https://example.com/calendar/v3", "http://localhost.example.com/"] {
        let odd = config::Google { calendar_url: url.parse().unwrap(), ..ours() };
        assert!(problem(&Scoped::same(odd)).await.starts_with("GOOGLE_CALENDAR_URL"), "{url}");
    }
    for url in ["http://localhost:9/", "http://[::1]:9/", "https://www.googleapis.com/calendar/v3/"] {
        let safe = config::Google { calendar_url: url.parse().unwrap(), ..ours() };
        assert!(opened(&Scoped::same(safe), &["abc"], &clock()).await.is_ok(), "{url}");
    }
}

#[tokio::test]
async fn the_business_with_the_wrong_setting_is_named() {
    let broken = with_credentials(Path::new("/nowhere/key.json"));
    let said = problem(&Scoped::same(ours()).with_own(slug("abc-hvac"), broken)).await;
    assert!(said.contains("abc-hvac") && said.contains("GOOGLE_CALENDAR_CREDENTIALS"), "{said}");
}

#[tokio::test]
async fn nothing_is_required_for_everyone_when_each_business_has_its_own() {
    let none = config::Google { credentials: None, ..ours() };
    assert!(opened(&Scoped::same(none).with_own(slug("abc"), ours()), &["abc"], &clock()).await.is_ok());
}
