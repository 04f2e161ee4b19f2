//! Settings: complete, checked together, and silent about their values.

mod addresses;
mod own;
mod proofs;
mod sources;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use ringbook::config::table::{Absent, SETTINGS, Setting};
use ringbook::config::{
    CalendarKind, Connect, Environment, HmacPlan, LogFormat, Problems, Settings, load_twilio_signing, load_vapi_signing,
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
