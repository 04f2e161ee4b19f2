//! `ringbook google login`: a link that the server knows, or a sentence that says what is missing.

use ringbook::store::Store;
use tempfile::TempDir;

use super::{Browser, house, plan};
use crate::house::{BUSINESS, House};
use crate::program::{err, out, run};

/// Names and values.
type Settings<'a> = &'a [(&'a str, &'a str)];

fn login(house: &House, slug: &str, without: &[&str], more: Settings<'_>) -> std::process::Output {
    let needed = ["DATABASE_URL", "SERVER_URL", "BUSINESSES", "ENCRYPTION_KEY", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"];
    let given = house.pairs().iter().filter(|(name, _)| needed.contains(&name.as_str()) && !without.contains(&name.as_str()));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Vec<(String, String)> = given.cloned().chain(more).collect();
    run(house.folder.path(), &["google", "login", slug], &environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_that_is_printed_opens_the_page_of_that_business() {
    // The program goes by the machine's clock, so the server does as well.
    #[expect(clippy::disallowed_methods, reason = "the program that was run goes by the machine's time")]
    let now = time::OffsetDateTime::now_utc();
    let house = plan().at(now).build().await;
    super::furnish(&house);
    let made = login(&house, "abc-hvac", &[], &[]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let link = out(&made);
    assert!(link.starts_with("https://book.example.com/oauth/login?link=") && link.ends_with('\n') && link.lines().count() == 1);
    assert!(err(&made).contains("7 days") && !err(&made).contains("link="), "{}", err(&made));
    let browser = Browser::new(&house);
    assert_eq!(browser.connect(link.trim()).await.status, 303);
    let second = login(&house, "abc-hvac", &[], &[]);
    assert_ne!(out(&second), link, "every link is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_setting_or_an_unknown_business_is_named_and_no_link_made() {
    let house = house().await;
    let cases: [(&str, &[&str], Settings<'_>, &str); 7] = [
        ("nowhere", &[], &[], "There is no business file nowhere.toml"),
        ("abc-hvac", &["GOOGLE_CLIENT_ID"], &[], "GOOGLE_CLIENT_ID is missing"),
        ("abc-hvac", &["GOOGLE_CLIENT_SECRET"], &[], "GOOGLE_CLIENT_SECRET is missing"),
        ("abc-hvac", &["ENCRYPTION_KEY"], &[], "ENCRYPTION_KEY is missing"),
        ("abc-hvac", &["ENCRYPTION_KEY"], &[("ENCRYPTION_KEY", "short")], "ENCRYPTION_KEY must be base64 of 32 bytes"),
        ("abc-hvac", &["SERVER_URL"], &[], "SERVER_URL is missing"),
        ("abc-hvac", &[], &[("CALENDAR", "embedded")], "CALENDAR is embedded"),
    ];
    for (slug, without, more, sentence) in cases {
        let refused = login(&house, slug, without, more);
        assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(2), ""), "{sentence}");
        assert!(err(&refused).contains(sentence), "{sentence}: {}", err(&refused));
    }
    let own = [("GOOGLE_CLIENT_ID__ABC_HVAC", "own"), ("GOOGLE_CLIENT_SECRET__ABC_HVAC", "own")];
    let made = login(&house, "abc-hvac", &["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"], &own);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    let help = run(house.folder.path(), &["google", "login", "--help"], &[]);
    assert!(help.status.code() == Some(0) && out(&help).contains("ringbook google login abc-hvac"));
    assert_eq!(run(house.folder.path(), &["google", "login", "Not A Slug"], &[]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_not_there_is_said() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("businesses")).unwrap();
    std::fs::write(folder.path().join("businesses/abc-hvac.toml"), BUSINESS).unwrap();
    let environment = [
        ("SERVER_URL", "https://book.example.com"),
        ("BUSINESSES", "businesses"),
        ("DATABASE_URL", "sqlite://new.db"),
        ("GOOGLE_CLIENT_ID", "client"),
        ("GOOGLE_CLIENT_SECRET", "secret"),
        ("ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let made = run(folder.path(), &["google", "login", "abc-hvac"], &environment);
    assert!(made.status.code() == Some(0) && err(&made).contains("new.db was made just now"), "{}", err(&made));
    let store = Store::open(&format!("sqlite://{}", folder.path().join("new.db").display())).await.unwrap();
    store.close().await;
    let again = run(folder.path(), &["google", "login", "abc-hvac"], &environment);
    assert!(again.status.code() == Some(0) && !err(&again).contains("made just now"), "{}", err(&again));
}
