//! The folder of the businesses, and what the settings have to do with it.

use ringbook::business::profile::{LoadFacts, Loaded, load_folder, parse};
use ringbook::config::{CalendarKind, Google, GoogleClient, Scoped};

use super::{LEAST, embedded, folder, slug, with};

#[test]
fn the_facts_come_from_the_settings_of_each_business() {
    let google = |credentials: bool, impersonate: bool, client: bool| Google {
        credentials: credentials.then(|| "service-account.json".into()),
        impersonate: impersonate.then(|| "owner@example.com".to_owned()),
        calendar_url: url::Url::parse("http://127.0.0.1/").unwrap(),
        token_url: None,
        client: client.then(|| GoogleClient { id: "id".into(), secret: "secret".to_owned().into() }),
        auth_url: url::Url::parse("http://127.0.0.1/").unwrap(),
        revoke_url: url::Url::parse("http://127.0.0.1/").unwrap(),
    };
    let scoped = Scoped::same(google(true, false, false)).with_own(slug("own"), google(true, true, false));
    let text = with("calendar_id = \"primary\"", "");
    let facts = LoadFacts::new(CalendarKind::Google, &scoped);
    assert!(parse(&slug("own"), &text, &facts).is_ok());
    assert!(parse(&slug("other"), &text, &facts).is_err());
    for credentials in [false, true] {
        let connected = LoadFacts::new(CalendarKind::Google, &Scoped::same(google(credentials, false, true)));
        assert!(parse(&slug("other"), LEAST, &connected).is_ok(), "the owner chooses");
    }
    assert!(parse(&slug("other"), &text, &LoadFacts::new(CalendarKind::Embedded, &scoped)).is_ok());
}

#[test]
fn a_folder_names_every_problem_of_every_file() {
    let other = LEAST.replace("+15551230000", "+15551230001");
    let folder = folder(&[
        ("abc-hvac.toml", &with("colour = 1", "[transfer]\nto = \"+15551230001\"")),
        ("bad_name.toml", LEAST),
        ("other.toml", &other),
        ("third.toml", &other.replace("monday", "mondai")),
        ("zzz.toml", "[["),
        (".hidden.toml", "[["),
        ("notes.txt", "[["),
    ]);
    std::fs::write(folder.path().join("latin.toml"), b"name = \"caf\xe9\"").unwrap();
    let problems = load_folder(folder.path(), &embedded()).unwrap_err();
    let found: Vec<(String, String)> = problems
        .iter()
        .map(|problem| (problem.file.strip_prefix(folder.path().to_str().unwrap()).unwrap().to_owned(), problem.key.clone()))
        .collect();
    let expected = [
        ("/abc-hvac.toml", "colour"),
        ("/abc-hvac.toml", "transfer.to"),
        ("/bad_name.toml", ""),
        ("/latin.toml", ""),
        ("/third.toml", "hours.mondai"),
        ("/third.toml", "phone_numbers[0]"),
        ("/zzz.toml", ""),
    ];
    assert_eq!(found, expected.map(|(file, key)| (file.to_owned(), key.to_owned())), "{problems:#?}");
    assert!(problems[1].text.contains("rings at other"), "{}", problems[1]);
    assert!(problems[5].text.contains("rings at other already"), "{}", problems[5]);
}

#[test]
fn a_folder_without_businesses_is_refused() {
    let empty = folder(&[("readme.md", "")]);
    let problems = load_folder(empty.path(), &embedded()).unwrap_err();
    assert!(problems[0].to_string().contains("no business file"), "{problems:#?}");
    let problems = load_folder(&empty.path().join("absent"), &embedded()).unwrap_err();
    assert!(problems[0].to_string().contains("cannot be read") && problems[0].text.contains("BUSINESSES"), "{problems:#?}");
}

#[test]
fn what_is_set_but_not_in_effect_is_a_warning() {
    let text = with(
        "test_callers = [\"+15550001111\"]\ncalendar_id = \"x\"",
        r#"
        [rules]
        hold_seconds = 60
        require_spoken_intent = ["book"]
        [emergency]
        phrases = ["gas"]
        say = "Leave."
        to = "+15550001112"
        [callers]
        block = ["+15550001113"]
        straight_to_person = ["+15550001114"]
        [limits]
        calls_per_caller_per_hour = 1
        bookings_per_caller_per_day = 1
        tool_calls_per_call_per_minute = 5
        [privacy]
        recording = true
        disclosure = "Hi."
        [[services]]
        name = "sale"
        duration_minutes = 5
        [[technicians]]
        id = "sam"
        services = ["repair"]
        "#,
    );
    let folder = folder(&[("abc-hvac.toml", &text)]);
    let Loaded { warnings, .. } = load_folder(folder.path(), &embedded()).unwrap();
    let keys: Vec<&str> = warnings.iter().map(|warning| warning.split(": ").nth(1).unwrap()).collect();
    let expected = ["calendar_id", "services[1]"];
    assert_eq!(keys, expected, "{warnings:#?}");
    let defaults = "[rules]\nhold_seconds = 120\n[limits]\ncalls_per_caller_per_hour = 10\n[callers]\nblock = []";
    let folder = self::folder(&[("abc-hvac.toml", &with("", defaults))]);
    assert_eq!(load_folder(folder.path(), &embedded()).unwrap().warnings, Vec::<String>::new());
}
