//! Every setting, route, command, file and chapter that the page names exists; so do the settings of the files that ship it.

use std::path::Path;
use std::process::Command;

use ringbook::config::COLLECTOR_NAMES;
use ringbook::config::table::{SETTINGS, Setting};

use super::page::{code, file};
use crate::connect;

/// Capitals with an underscore that are no settings.
const OTHERS: [&str; 3] = ["NAME__SLUG", "GOOGLE_KEY_BASE64", "BUSINESSES_FOLDER"];

fn runs(text: &str, is_part: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c| !is_part(c)).filter(|run| !run.is_empty())
}

#[test]
fn every_setting_that_is_named_exists() {
    let mut named = 0;
    for name in ["README.md", "Dockerfile", "fly.toml"] {
        let text = file(name);
        for word in runs(&text, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
            // A word of small letters with one capital in front is none.
            let is_other = OTHERS.contains(&word) || COLLECTOR_NAMES.contains(&word);
            if !word.contains('_') || !word.starts_with(|c: char| c.is_ascii_uppercase()) || is_other {
                continue;
            }
            let base = word.split_once("__").map_or(word, |(base, _)| base);
            let is_family = base.ends_with('_') && SETTINGS.iter().any(|setting| setting.name.starts_with(base));
            assert!(is_family || Setting::named(base).is_some(), "{name} names {word}");
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}

#[tokio::test]
async fn every_route_that_is_named_exists() {
    // Without an OAuth client there is nothing behind the routes that connect an account.
    let house = connect::house().await;
    let page = file("README.md");
    let mut routes: Vec<&str> = page
        .match_indices('/')
        .filter(|(at, _)| {
            page[..*at].ends_with("SERVER_URL") || page[..*at].ends_with("SERVER_URL}") || page[..*at].ends_with('`')
        })
        .filter_map(|(at, _)| runs(&page[at..], |c| c.is_ascii_lowercase() || matches!(c, '/' | '-')).next())
        .filter(|path| !path.starts_with("/etc") && !path.starts_with("/data"))
        .collect();
    routes.sort_unstable();
    routes.dedup();
    for route in ["/twilio/inbound", "/twilio/fallback", "/twilio/status", "/webhook/vapi", "/healthz", "/readyz"] {
        assert!(routes.contains(&route), "the page does not tell of {route}");
    }
    for route in routes {
        let got = house.get(route).await.status;
        let posted = house.http.post(format!("{}{route}", house.url)).send().await.unwrap().status().as_u16();
        assert!([got, posted].iter().any(|status| ![404, 405].contains(status)), "{route}: {got}, {posted}");
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let mut named: Vec<String> = Vec::new();
    for piece in code(&file("README.md")).into_iter().chain(file("Dockerfile").lines().map(str::to_owned)) {
        for (at, prefix) in piece.match_indices("ringbook ") {
            let word: String = piece[at + prefix.len()..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            if word.len() > 2 && word != "ringbook" && !word.starts_with('-') {
                named.push(word);
            }
        }
    }
    named.sort();
    named.dedup();
    let known = [
        "assistant",
        "bookings",
        "business",
        "call",
        "calls",
        "check",
        "close",
        "connect",
        "forget",
        "google",
        "keygen",
        "migrate-store",
        "open",
        "pause",
        "reload",
        "replay",
        "resume",
        "serve",
        "sign",
        "slots",
        "twilio",
    ];
    assert_eq!(named, known);
    for command in named {
        let help = Command::new(env!("CARGO_BIN_EXE_ringbook")).args([&command, "--help"]).output().unwrap();
        assert!(help.status.success(), "ringbook {command}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let page = file("README.md");
    let slug = |heading: &str| {
        let plain = heading.trim_start_matches('#').trim().to_lowercase();
        plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-')).collect::<String>().replace(' ', "-")
    };
    let headings: Vec<String> = page.lines().filter(|line| line.starts_with('#')).map(slug).collect();
    let targets: Vec<&str> = page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(targets.len() >= 5, "{targets:?}");
    for target in targets {
        match target.strip_prefix('#') {
            Some(anchor) => assert!(headings.iter().any(|heading| heading == anchor), "{target}"),
            None if target.starts_with("https://") => {}
            None => assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(target).exists(), "{target}"),
        }
    }
}
