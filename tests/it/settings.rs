//! Settings: complete, checked together, and silent about their values.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use proptest::prelude::*;
use ringbook::config::table::{Absent, SETTINGS, Setting};
use ringbook::config::{
    CalendarKind, Connect, Environment, HmacAlgorithm, HmacEncoding, HmacPlan, LogFormat, Problems, ServerUrl, Settings,
    known_businesses, load_store, load_twilio_signing, load_vapi_signing, slugs_in,
};
use ringbook::names::Slug;
use secrecy::ExposeSecret;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const OTHER_ACCOUNT: &str = "ACfedcba9876543210fedcba9876543210";

/// What a server needs at least.
const ENOUGH: [(&str, &str); 8] = [
    ("SERVER_URL", "https://book.example.com"),
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", "twilio-token"),
    ("VAPI_API_KEY", "vapi-key"),
    ("VAPI_PHONE_NUMBER_ID", "phone-1"),
    ("VAPI_ASSISTANT_ID", "assistant-1"),
    ("VAPI_WEBHOOK_SECRET", "hook-secret"),
    ("CALENDAR", "embedded"),
];

/// [`ENOUGH`], changed: an empty value takes a setting away.
fn with(changes: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(ENOUGH.iter().chain(changes).copied())
}

fn slugs(names: &[&str]) -> Vec<Slug> {
    names.iter().map(|name| Slug::parse(name).unwrap()).collect()
}

fn load(changes: &[(&str, &str)], businesses: &[&str]) -> Result<(Settings, Vec<String>), Problems> {
    Settings::load(&with(changes), &slugs(businesses))
}

fn good(changes: &[(&str, &str)], businesses: &[&str]) -> Settings {
    load(changes, businesses).unwrap().0
}

fn problems(changes: &[(&str, &str)], businesses: &[&str]) -> Vec<String> {
    load(changes, businesses).map(|_| ()).unwrap_err().iter().map(str::to_owned).collect()
}

fn warnings(changes: &[(&str, &str)], businesses: &[&str]) -> Vec<String> {
    load(changes, businesses).unwrap().1
}

fn exposed<S: ExposeSecret<str>>(secrets: &[S]) -> Vec<&str> {
    secrets.iter().map(ExposeSecret::expose_secret).collect()
}

#[test]
fn the_example_file_lists_every_setting_in_order_with_its_default() {
    let mut expected = String::new();
    for Setting { name, absent, meaning } in SETTINGS {
        let (note, line) = match absent {
            Absent::Refused => (" (required)".to_owned(), format!("{name}=")),
            Absent::Off => (" (off by default)".to_owned(), format!("# {name}=")),
            Absent::Means(value) => (String::new(), format!("# {name}={value}")),
            Absent::Depends(words) => (format!(" ({words})"), format!("# {name}=")),
        };
        write!(expected, "\n# {meaning}{note}\n{line}\n").unwrap();
    }
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).unwrap();
    let body = file.find("\n\n").map(|end| &file[end + 1..]).unwrap();
    assert_eq!(body, expected);
}

#[test]
fn the_example_file_as_it_is_reports_exactly_what_must_be_filled_in() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
    let environment = Environment::default().with_file(&example).unwrap();
    let problems = Settings::load(&environment, &[]).unwrap_err();
    let missing: BTreeSet<&str> =
        problems.iter().filter_map(|line| line.split_once(" is missing").map(|(name, _)| name)).collect();
    assert_eq!(problems.iter().count(), missing.len());
    let needed = [
        "SERVER_URL",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "VAPI_WEBHOOK_SECRET",
        "VAPI_API_KEY",
        "VAPI_PHONE_NUMBER_ID",
        "GOOGLE_CALENDAR_CREDENTIALS",
    ];
    assert_eq!(missing, BTreeSet::from(needed));
}

#[test]
fn the_names_of_the_contract_stand_in_its_order() {
    let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    let contract = "SERVER_URL BIND METRICS_BIND BUSINESSES DATABASE_URL REDIS_URL ENCRYPTION_KEY TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN \
        TWILIO_API_KEY_SID TWILIO_API_KEY_SECRET TWILIO_MESSAGING_SERVICE_SID TWILIO_API_URL VAPI_API_KEY VAPI_API_URL VAPI_CONNECT \
        VAPI_ASSISTANT_ID VAPI_PHONE_NUMBER_ID VAPI_STREAM_URL VAPI_SIP_URI VAPI_WEBHOOK_SECRET VAPI_WEBHOOK_AUTH \
        VAPI_HMAC_SIGNATURE_HEADER VAPI_HMAC_TIMESTAMP_HEADER VAPI_HMAC_PAYLOAD VAPI_HMAC_ALGORITHM VAPI_HMAC_ENCODING \
        VAPI_HMAC_PREFIX VAPI_HMAC_TOLERANCE_SECONDS CALENDAR GOOGLE_CLIENT_ID GOOGLE_CLIENT_SECRET GOOGLE_CALENDAR_CREDENTIALS \
        GOOGLE_IMPERSONATE GOOGLE_CALENDAR_URL GOOGLE_AUTH_URL GOOGLE_TOKEN_URL GOOGLE_REVOKE_URL ALERT_WEBHOOK_URL \
        TOOL_REPLY_BUDGET_MS CONNECT_BUDGET_MS FREEBUSY_CACHE_SECONDS RETENTION_DAYS LOG LOG_FORMAT";
    assert_eq!(names, contract.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn what_is_required_is_enough_and_the_rest_has_the_defaults_of_the_contract() {
    let (settings, warnings) = load(&[], &["abc-hvac"]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(settings.server_url.route("/twilio/inbound"), "https://book.example.com/twilio/inbound");
    assert_eq!(settings.bind, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(settings.businesses, Path::new("assistant/businesses"));
    assert_eq!(settings.database_url.expose(), "sqlite://ringbook.db");
    assert_eq!(settings.calendar, CalendarKind::Embedded);
    assert_eq!((settings.tool_reply_budget, settings.connect_budget), (Duration::from_secs(4), Duration::from_secs(5)));
    assert_eq!((settings.log.as_str(), settings.alert_webhook_url), ("info", None));
    assert_eq!(settings.retention, Duration::from_hours(90 * 24));
    let twilio = settings.twilio.everyone();
    assert_eq!((twilio.account_sid.as_str(), twilio.api_url.as_str()), (ACCOUNT, "https://api.twilio.com/"));
    assert!(twilio.api_key.is_none() && twilio.messaging_service_sid.is_none() && !twilio.auth_is_own);
    let vapi = settings.vapi.everyone();
    assert_eq!((vapi.connect, vapi.api_url.as_str()), (Connect::Bypass, "https://api.vapi.ai/"));
    assert_eq!(vapi.stream_url, "wss://api.vapi.ai/stream");
    assert_eq!(vapi.proofs.hmac, [HmacPlan::body_only(), HmacPlan::stamped()]);
    assert!(vapi.proofs.secret && !vapi.proofs.bearer && !vapi.proofs_are_own);
    let google = settings.google.everyone();
    assert_eq!(google.calendar_url.as_str(), "https://www.googleapis.com/calendar/v3/");
    assert_eq!((&google.credentials, &google.token_url, &google.impersonate), (&None, &None, &None));
}

/// For each setting with a check, something that the check refuses.
const BAD: [(&str, &str); 33] = [
    ("SERVER_URL", "http://bad-value.example"),
    ("BIND", "bad-value"),
    ("METRICS_BIND", "bad-value"),
    ("DATABASE_URL", "bad-value"),
    ("REDIS_URL", "bad-value"),
    ("ENCRYPTION_KEY", "bad-value"),
    ("TWILIO_AUTH_TOKEN", " , ,"),
    ("TWILIO_API_KEY_SID", "bad-value"),
    ("TWILIO_API_URL", "http://bad-value.example"),
    ("VAPI_API_URL", "bad-value"),
    ("VAPI_CONNECT", "bad-value"),
    ("VAPI_ASSISTANT_ID", "bad value"),
    ("VAPI_STREAM_URL", "https://bad-value.example"),
    ("VAPI_SIP_URI", "bad-value@sip.vapi.ai"),
    ("VAPI_WEBHOOK_SECRET", ","),
    ("VAPI_WEBHOOK_AUTH", "hmac,bad-value"),
    ("VAPI_HMAC_SIGNATURE_HEADER", "bad value:"),
    ("VAPI_HMAC_TIMESTAMP_HEADER", "bad value"),
    ("VAPI_HMAC_PAYLOAD", "{timestamp}.{bad-value}.{body}"),
    ("VAPI_HMAC_ALGORITHM", "md5"),
    ("VAPI_HMAC_ENCODING", "base32"),
    ("VAPI_HMAC_TOLERANCE_SECONDS", "3601"),
    ("CALENDAR", "bad-value"),
    ("GOOGLE_CALENDAR_URL", "http://bad-value.example"),
    ("GOOGLE_AUTH_URL", "http://bad-value.example"),
    ("GOOGLE_TOKEN_URL", "ftp://bad-value.example"),
    ("GOOGLE_REVOKE_URL", "http://bad-value.example"),
    ("ALERT_WEBHOOK_URL", "http://bad-value.example"),
    ("TOOL_REPLY_BUDGET_MS", "499"),
    ("CONNECT_BUDGET_MS", "14001"),
    ("FREEBUSY_CACHE_SECONDS", "-1"),
    ("RETENTION_DAYS", "0"),
    ("LOG_FORMAT", "bad-value"),
];

#[test]
fn all_mistakes_are_told_at_once_one_sentence_each_and_without_a_value() {
    let found = problems(&BAD, &["abc-hvac", "other"]);
    for (name, _) in BAD {
        assert_eq!(found.iter().filter(|sentence| sentence.starts_with(&format!("{name} "))).count(), 1, "{name} in {found:#?}");
    }
    assert_eq!(found.len(), BAD.len(), "{found:#?}");
    for sentence in &found {
        assert!(sentence.ends_with('.') && !sentence.contains('\n') && !sentence.contains("bad-value"), "{sentence}");
    }
}

#[test]
fn each_mistake_is_told_of_a_single_business_under_its_own_name() {
    for (name, value) in BAD.into_iter().filter(|(name, _)| Setting::named(name).unwrap().may_be_own()) {
        let own = format!("{name}__ABC_HVAC");
        let found = problems(&[(&own, value)], &["abc-hvac", "other"]);
        assert!(found.iter().any(|sentence| sentence.starts_with(&format!("{own} "))), "{own}: {found:?}");
    }
}

#[test]
fn an_empty_value_is_an_absent_one() {
    let found = problems(&[("SERVER_URL", ""), ("TWILIO_AUTH_TOKEN", "   "), ("BIND", " ")], &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("SERVER_URL is missing: ") && found[1].starts_with("TWILIO_AUTH_TOKEN is missing: "));
}

#[test]
fn a_name_that_is_nearly_right_is_named_where_the_right_one_is_missing() {
    let cases = [
        ("VAPI_WEBHOOK_SECRET", "WEBHOOK_SECRET"),
        ("VAPI_WEBHOOK_SECRET", "VAPI_SECRET"),
        ("VAPI_WEBHOOK_SECRET", "vapi_webhook_secret"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_TOKEN"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKNE"),
        ("TWILIO_ACCOUNT_SID", "TWILIO_ACCOUNT_ID"),
        ("SERVER_URL", "PUBLIC_SERVER_URL"),
        ("VAPI_API_KEY", "VAPI_KEY"),
    ];
    for (right, wrong) in cases {
        let found = problems(&[(right, ""), (wrong, "something-secret")], &[]);
        assert_eq!(found, [format!("{right} is missing: {wrong} is set; ringbook reads {right}.")]);
    }
    let unlike = problems(&[("SERVER_URL", ""), ("HOME", "/root"), ("SECRET", "x"), ("GOOGLE_CALENDAR_ID", "x")], &[]);
    assert!(unlike.len() == 1 && !unlike[0].contains(" is set"), "{unlike:?}");
}

#[test]
fn an_unknown_name_in_our_groups_is_at_most_a_warning() {
    let found = warnings(&[("GOOGLE_CALENDAR_CREDENTIAL", "x")], &[]);
    assert_eq!(found, ["GOOGLE_CALENDAR_CREDENTIAL is set, but nothing reads it; ringbook reads GOOGLE_CALENDAR_CREDENTIALS."]);
    let own = warnings(&[("VAPI_ASISTANT_ID__ABC_HVAC", "x")], &["abc-hvac"]);
    assert_eq!(own, ["VAPI_ASISTANT_ID__ABC_HVAC is set, but nothing reads it; ringbook reads VAPI_ASSISTANT_ID__ABC_HVAC."]);
    let foreign = [
        ("TWILIO_PHONE_NUMBER", "x"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "x"),
        ("VAPI_PUBLIC_KEY", "x"),
        ("OTHER__THING", "x"),
        ("GOOGLE_CALENDAR_ID", "x"),
        ("TWILIO_AUTH_TOKEN_OLD", "x"),
    ];
    assert_eq!(warnings(&foreign, &[]), Vec::<String>::new());
}

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

#[test]
fn the_log_is_as_it_is_told() {
    let settings = good(&[("LOG", "warn,ringbook=trace"), ("LOG_FORMAT", "JSON")], &[]);
    assert_eq!((settings.log.as_str(), settings.log_format), ("warn,ringbook=trace", LogFormat::Json));
    assert_eq!(good(&[("LOG_FORMAT", "pretty")], &[]).log_format, LogFormat::Pretty);
}

#[test]
fn no_secret_shows_in_any_debug_output() {
    let changes = [
        ("TWILIO_AUTH_TOKEN", "hide-1"),
        ("TWILIO_API_KEY_SID", "SK1"),
        ("TWILIO_API_KEY_SECRET", "hide-2"),
        ("VAPI_API_KEY", "hide-3"),
        ("VAPI_WEBHOOK_SECRET", "hide-4"),
        ("ALERT_WEBHOOK_URL", "https://chat.example.com/hide-5"),
        ("TWILIO_AUTH_TOKEN__ABC_HVAC", "hide-6"),
    ];
    let shown = format!("{:?} {:#?}", with(&changes), good(&changes, &["abc-hvac"]));
    assert!(!shown.contains("hide-"), "{shown}");
    assert!(shown.contains("chat.example.com"), "{shown}");
    let plan = load_vapi_signing(&with(&changes)).unwrap();
    let tokens = load_twilio_signing(&with(&changes)).unwrap();
    assert!(!format!("{plan:?} {tokens:?}").contains("hide-"));
}

#[test]
fn a_command_reads_only_what_it_uses() {
    let none = Environment::default();
    assert_eq!(load_store(&none).unwrap().businesses, Path::new("assistant/businesses"));
    let token = Environment::from_pairs([("TWILIO_AUTH_TOKEN", "new, old"), ("SERVER_URL", "nonsense")]);
    assert_eq!(exposed(&load_twilio_signing(&token).unwrap()), ["new", "old"]);
    assert_eq!(exposed(&load_vapi_signing(&Environment::from_pairs([("VAPI_WEBHOOK_SECRET", "s")])).unwrap().secrets), ["s"]);
    let hint = load_vapi_signing(&Environment::from_pairs([("WEBHOOK_SECRET", "s")])).unwrap_err();
    assert!(hint.to_string().contains("WEBHOOK_SECRET is set; ringbook reads VAPI_WEBHOOK_SECRET"), "{hint}");
    assert!(load_twilio_signing(&none).is_err());
}

fn dotenv(text: &str) -> Result<Environment, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    fs::write(&file, text).unwrap();
    Environment::from_pairs([("BIND", "127.0.0.1:1"), ("LOG", "")]).with_file(&file)
}

#[test]
fn the_environment_wins_over_the_file_even_when_it_is_empty() {
    let environment =
        dotenv("\u{feff}BIND=127.0.0.1:2\nLOG=debug\nexport BUSINESSES='a folder' # ours\nBUSINESSES=second\n").unwrap();
    assert_eq!(environment.value("BIND"), Some("127.0.0.1:1"));
    assert_eq!(environment.value("LOG"), None);
    assert_eq!(environment.value("BUSINESSES"), Some("a folder"));
    assert_eq!(environment.names().collect::<Vec<_>>(), ["BIND", "BUSINESSES"]);
    let first = dotenv("\u{feff}SERVER_URL=https://a.example\n").unwrap();
    assert_eq!(first.value("SERVER_URL"), Some("https://a.example"));
    assert!(Environment::default().with_file(Path::new("not/there/.env")).is_ok());
    assert!(Environment::default().with_file(&env::temp_dir()).is_err());
}

#[test]
fn a_line_that_cannot_be_read_is_named_by_its_number_and_without_its_value() {
    let cases = [
        ("LOG=a\n# ok\nTWILIO_AUTH_TOKEN=hidden value\nBIND=x\n", 3, " (TWILIO_AUTH_TOKEN)"),
        ("SERVER_URL='two\nlines'\nhidden\n", 3, ""),
        ("A=1\n\nVAPI_API_KEY='hidden\nB=2\n", 3, " (VAPI_API_KEY)"),
        ("hidden-name=1\n", 1, ""),
        ("LOG='hidden value'\nA=1\nLOG=hidden value", 3, " (LOG)"),
    ];
    for (text, line, name) in cases {
        let found = dotenv(text).unwrap_err().to_string();
        assert!(found.contains(&format!(".env, line {line}{name},")), "{text:?}: {found}");
        assert!(!found.contains("hidden") && !found.contains('\n'), "{found}");
    }
}

#[test]
fn the_businesses_are_the_files_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["other.toml", "abc-hvac.toml", "notes.md", ".hidden"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    assert_eq!(slugs_in(folder.path()).unwrap(), slugs(&["abc-hvac", "other"]));
    fs::write(folder.path().join("Not_A_Slug.toml"), "").unwrap();
    assert!(slugs_in(folder.path()).unwrap_err().to_string().contains("Not_A_Slug.toml"));
    let absent = folder.path().join("absent");
    let changes = [("BUSINESSES", absent.to_str().unwrap()), ("BIND", "nonsense"), ("VAPI_API_KEY__ABC_HVAC", "k")];
    assert!(known_businesses(&with(&changes)).is_err());
    let found: Vec<String> = Settings::read(&with(&changes)).unwrap_err().iter().map(str::to_owned).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("BUSINESSES ") && found[1].starts_with("BIND "), "{found:?}");
}

proptest! {
    #[test]
    fn no_value_is_ever_repeated_and_none_panics(at in 0..SETTINGS.len(), value in "\\PC{0,40}", own in any::<bool>()) {
        let marked = format!("{value}Zq7");
        let name = SETTINGS[at].name;
        let name = if own { format!("{name}__ABC_HVAC") } else { name.to_owned() };
        match load(&[(&name, &marked)], &["abc-hvac"]) {
            Ok((_, warnings)) => prop_assert!(warnings.iter().all(|sentence| !sentence.contains("Zq7"))),
            Err(problems) => prop_assert!(!problems.to_string().contains("Zq7")),
        }
    }
}
