//! Addresses: where we are, where others are, and what of them is never shown.

use ringbook::config::{Environment, ServerUrl, load_store};

use super::{good, load, problems, warnings};

#[test]
fn the_public_address_is_https_plain_and_kept_letter_by_letter() {
    let good = [
        ("https://book.example.com", "https://book.example.com"),
        ("https://book.example.com/", "https://book.example.com"),
        ("https://Book.example.com:443/phone/", "https://Book.example.com:443/phone"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ];
    for (given, kept) in good {
        assert_eq!(ServerUrl::parse(given).unwrap().as_str(), kept);
    }
    let bad = [
        "",
        "https://",
        "https:///path",
        "book.example.com",
        "http://book.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "HTTPS://book.example.com",
        "https://user@book.example.com",
        "https://user:pass@book.example.com",
        "https://@book.example.com",
        "https://book.example.com?a=b",
        "https://book.example.com/#x",
        "https://book.example.com/ä",
        "https://bücher.example",
        "https://book example.com",
        "https://book.example.com/a/../b",
        "https://book.example.com\\a",
        "https://book.example.com/\ta",
        "https:book.example.com",
        "https://book.example.com:99999",
    ];
    for address in bad {
        assert!(ServerUrl::parse(address).is_err(), "{address:?}");
    }
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let addresses = [
        "TWILIO_API_URL",
        "VAPI_API_URL",
        "GOOGLE_CALENDAR_URL",
        "GOOGLE_AUTH_URL",
        "GOOGLE_TOKEN_URL",
        "GOOGLE_REVOKE_URL",
        "ALERT_WEBHOOK_URL",
    ];
    for name in addresses {
        for good in ["https://api.example.com/x", "http://127.0.0.1:9/x", "http://[::1]:9", "http://localhost:9"] {
            assert!(load(&[(name, good)], &[]).is_ok(), "{name}={good}");
        }
        for bad in [
            "http://api.example.com",
            "http://10.1.2.3",
            "https://u:p@api.example.com",
            "https://api.example.com/#x",
            "x",
            "file:///x",
        ] {
            assert_eq!(problems(&[(name, bad)], &[]).len(), 1, "{name}={bad}");
        }
    }
    assert_eq!(
        good(&[("VAPI_STREAM_URL", "ws://127.0.0.1:9/stream/")], &[]).vapi.everyone().stream_url,
        "ws://127.0.0.1:9/stream"
    );
    assert_eq!(problems(&[("VAPI_STREAM_URL", "ws://stream.example.com")], &[]).len(), 1);
    assert_eq!(
        good(&[("GOOGLE_CALENDAR_URL", "http://127.0.0.1:9/v3")], &[]).google.everyone().calendar_url.as_str(),
        "http://127.0.0.1:9/v3/"
    );
    assert_eq!(problems(&[("TWILIO_API_URL", "https://api.twilio.com/?x=1")], &[]).len(), 1);
    assert!(load(&[("ALERT_WEBHOOK_URL", "https://chat.example.com/hook?key=1")], &[]).is_ok());
}

#[test]
fn the_database_may_be_on_a_server_whose_password_is_never_shown() {
    let read = |url: &str| load_store(&Environment::from_pairs([("DATABASE_URL", url)]));
    let good = [
        ("postgres://u:hidden@db.example.com/ringbook", "postgres://u@db.example.com/ringbook"),
        ("postgresql://u:hid%40den@db:5433/x?sslmode=verify-full&sslrootcert=/etc/ca.pem", "postgres://u@db:5433/x"),
        ("postgres://u@localhost/x?host=/var/run/postgresql", "postgres://u@localhost/x"),
    ];
    for (given, shown) in good {
        let settings = read(given).unwrap();
        assert_eq!(settings.database_url.expose(), given);
        assert_eq!((settings.database_url.to_string().as_str(), settings.database_url.file()), (shown, None));
        assert!(format!("{settings:?}").contains(shown), "{settings:?}");
    }
    let bad = [
        "postgres://u:hidden@db",
        "postgres://u:hidden@db/",
        "postgres://db/hidden",
        "postgres://u:hidden/word@db/x",
        "postgres://u:hidden#word@db/x",
        "postgres://u:hidden@/x",
        "postgres://u:hidden@db/x/y",
        "postgres://u:hidden@db/x?sslmode=hidden",
        "postgres://u:hidden@db/x?channel_binding=require",
        "postgres://u:hidden@db/x?host=elsewhere",
        "postgres:hidden",
    ];
    for url in bad {
        let found = read(url).unwrap_err().to_string();
        assert!(found.starts_with("DATABASE_URL ") && !found.contains("hidden"), "{url}: {found}");
    }
}

#[test]
fn the_database_may_be_a_file() {
    let good = [
        ("sqlite://ringbook.db", "sqlite://ringbook.db"),
        ("sqlite:///var/lib/ringbook.db?mode=rwc", "sqlite:///var/lib/ringbook.db"),
    ];
    for (given, kept) in good {
        assert_eq!(load_store(&Environment::from_pairs([("DATABASE_URL", given)])).unwrap().database_url.expose(), kept);
    }
    let bad = [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://x.db?mode=memory",
        "sqlite://",
        "sqlite:x.db",
        "x.db",
        "sqlite:///tmp/",
        "sqlite://x.db?cache=shared",
        "mysql://x",
    ];
    for url in bad {
        let found = load_store(&Environment::from_pairs([("DATABASE_URL", url)])).unwrap_err();
        assert!(found.to_string().starts_with("DATABASE_URL "), "{url}: {found}");
    }
}

#[test]
fn a_redis_is_named_without_its_password_and_only_as_it_is_understood() {
    let google = [("CALENDAR", "google"), ("GOOGLE_CLIENT_ID", "client"), ("GOOGLE_CLIENT_SECRET", "hidden")];
    let of = |value: &'static str| [&google[..], &[("REDIS_URL", value), ("ENCRYPTION_KEY", crate::owners::KEY)]].concat();
    let settings = good(&of("rediss://user:hidden-word@cache.example.com:6380/3"), &[]);
    assert_eq!(settings.redis_url.as_ref().unwrap().expose(), "rediss://user:hidden-word@cache.example.com:6380/3");
    assert_eq!(settings.redis_url.as_ref().unwrap().to_string(), "rediss://cache.example.com:6380/3");
    assert!(!format!("{settings:?}").contains("hidden-word"));
    for wrong in [
        "redis://",
        "http://cache.example.com",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h?protocol=resp3",
        "rediss://h#insecure",
    ] {
        let problems = load(&of(wrong), &[]).unwrap_err().to_string();
        assert!(problems.contains("REDIS_URL must be redis://HOST:PORT"), "{wrong}: {problems}");
    }
    let idle = warnings(&[("REDIS_URL", "redis://127.0.0.1")], &[]);
    assert!(idle.iter().any(|sentence| sentence.starts_with("REDIS_URL is set, but has no effect")), "{idle:?}");
}
