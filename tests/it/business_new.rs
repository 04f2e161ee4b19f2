//! `ringbook business new`: the file that it writes is the one that ringbook reads, explains every key, and takes nobody's place.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use config::{FileFormat, Format, Value, ValueKind};
use ringbook::business::profile::{Access, LoadFacts, Profile, load_folder, parse};
use ringbook::names::{Phone, Slug};
use ringbook::scheduling::hours::WallSpan;
use tempfile::TempDir;

use crate::house::BUSINESS;
use crate::program::{err, out, run};

/// Every key of a business file, tables with a dot.
const KEYS: &str = "name phone_numbers time_zone calendar_id event_summary test_callers \
    transfer.to transfer.ring_seconds transfer.hours transfer.after_hours_to emergency.phrases emergency.say emergency.to notify.sms notify.on \
    exceptions.from exceptions.to exceptions.hours exceptions.reason windows.morning windows.afternoon windows.evening \
    rules.slot_step_minutes rules.minimum_notice_minutes rules.horizon_days rules.buffer_minutes rules.hold_seconds rules.max_jobs_per_day \
    rules.all_day_free_blocks rules.require_address rules.invite_caller rules.require_spoken_intent services.name services.aliases \
    services.duration_minutes technicians.id technicians.name technicians.calendar_id technicians.services technicians.hours \
    technicians.exceptions callers.block callers.straight_to_person limits.calls_per_caller_per_hour limits.bookings_per_caller_per_day \
    limits.tool_calls_per_call_per_minute privacy.recording privacy.disclosure phrases.fallback phrases.voicemail phrases.calendar_down \
    phrases.pending hours.monday hours.tuesday hours.wednesday hours.thursday hours.friday";

const LEAST: [&str; 4] = ["--number", "+15551110000", "--zone", "America/Chicago"];

fn new(folder: &Path, slug: &str, more: &[&str]) -> Output {
    let settings = [("BUSINESSES".to_owned(), "businesses".to_owned())];
    run(folder, &[&["business", "new", slug], more].concat(), &settings)
}

fn written(folder: &TempDir, slug: &str) -> String {
    fs::read_to_string(folder.path().join(format!("businesses/{slug}.toml"))).unwrap()
}

fn read(folder: &TempDir, slug: &str) -> Profile {
    let loaded = load_folder(&folder.path().join("businesses"), &LoadFacts::same(Access::Embedded)).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    loaded.directory.by_slug(&Slug::parse(slug).unwrap()).unwrap().as_ref().clone()
}

fn files(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path().join("businesses")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every switched-off key switched on: notes have a space behind the `#`, keys have none.
fn switched_on(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => key.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn keys(before: &str, value: &Value, found: &mut BTreeSet<String>) {
    match &value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for (key, value) in table {
                keys(&format!("{before}.{key}"), value, found);
            }
        }
        ValueKind::Array(all) if all.iter().any(|one| matches!(one.kind, ValueKind::Table(_))) => {
            for one in all {
                keys(before, one, found);
            }
        }
        _ => drop(found.insert(before.trim_start_matches('.').to_owned())),
    }
}

#[test]
fn what_was_said_is_in_the_file_and_the_rest_has_its_default() {
    let folder = tempfile::tempdir().unwrap();
    let output = new(folder.path(), "north-side-hvac", &LEAST);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    for words in
        ["businesses/north-side-hvac.toml is written", "+15551110000", "America/Chicago", "visit, 60 minutes", "nobody yet"]
    {
        assert!(out(&output).contains(words), "{words}: {}", out(&output));
    }
    let it = read(&folder, "north-side-hvac");
    assert_eq!(
        (it.name.as_str(), it.zone.name(), it.event_summary.as_str()),
        ("North Side Hvac", "America/Chicago", "{service} - {customer}")
    );
    assert_eq!(it.opening.week.0[4], [WallSpan::new(480, 1020).unwrap()]);
    assert!(it.opening.week.0[5].is_empty() && it.transfer.to.is_none() && it.technicians.len() == 1);

    let all = [
        &LEAST[2..],
        &["--name", "Möller \"Sons\" @hours@ \\", "--number", "+1 (555) 222-0000", "--number", "+15552220001"],
        &["--transfer-to", "+15559990000", "--service", "repair=120", "--service", "tune = up=45"],
        &["--hours", "mon-wed,fri 08:00-12:00, 12:30-17:00", "--hours", "Saturday-sun 00:00-24:00"],
    ];
    let output = new(folder.path(), "moller", &all.concat());
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let it = read(&folder, "moller");
    assert_eq!(it.name, "Möller \"Sons\" @hours@ \\");
    assert_eq!(it.phone_numbers.iter().map(Phone::as_str).collect::<Vec<_>>(), ["+15552220000", "+15552220001"]);
    assert_eq!(it.transfer.to.unwrap().as_str(), "+15559990000");
    let services: Vec<_> = it.services.iter().map(|service| (service.name.as_str(), service.duration.as_secs())).collect();
    assert_eq!(services, [("repair", 7200), ("tune = up", 2700)]);
    let days: Vec<usize> = it.opening.week.0.iter().map(Vec::len).collect();
    assert_eq!((days, it.opening.week.0[6][0].to_minute), (vec![2, 2, 2, 0, 2, 1, 1], 1440));
    assert_eq!(files(&folder), ["moller.toml", "north-side-hvac.toml"]);
    let mode = fs::metadata(folder.path().join("businesses/moller.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o444, 0o444 & !umask(&folder), "the server may be another user");
}

/// What the system takes away from every new file here.
fn umask(folder: &TempDir) -> u32 {
    let path = folder.path().join("plain");
    fs::write(&path, "").unwrap();
    0o666 & !fs::metadata(path).unwrap().permissions().mode()
}

#[test]
fn every_key_stands_in_the_file_and_each_can_be_switched_on() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(new(folder.path(), "abc", &LEAST).status.code(), Some(0));
    let (text, slug) = (written(&folder, "abc"), Slug::parse("abc").unwrap());
    let on = switched_on(&text);
    let (mut found, table) = (BTreeSet::new(), FileFormat::Toml.parse(None, &on).unwrap());
    for (key, value) in &table {
        keys(key, value, &mut found);
    }
    let expected: BTreeSet<String> = KEYS.split_whitespace().map(str::to_owned).collect();
    assert_eq!(found, expected);
    let [off, on] = [&text, &on].map(|text| {
        let [embedded, _] = [Access::Embedded, Access::Connected].map(|access| {
            parse(&slug, text, &LoadFacts::same(access)).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
        });
        embedded
    });
    // What is no example is the default.
    let rest = |it: &Profile| {
        let asked = (it.rules, &it.booking_rules, &it.windows, &it.limits, &it.notify, &it.callers);
        let said = (&it.privacy, &it.phrases, &it.event_summary, it.transfer.ring, &it.transfer.after_hours_to, &it.test_callers);
        format!("{asked:#?}{said:#?}")
    };
    assert_eq!(rest(&off), rest(&on));
    assert_eq!((on.technicians[0].id.as_str(), on.emergency.phrases.len(), on.opening.exceptions.len()), ("sam", 2, 1));
    // Every table has a note above it.
    let lines: Vec<&str> = text.lines().collect();
    let tables_without =
        lines.windows(2).filter(|pair| pair[1].trim_start_matches('#').starts_with('[') && !pair[0].starts_with("# "));
    assert_eq!(tables_without.collect::<Vec<_>>(), Vec::<&[&str]>::new());
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_of_what_cannot_stand() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("businesses")).unwrap();
    fs::write(folder.path().join("businesses/abc-hvac.toml"), BUSINESS).unwrap();
    let zone = ["--zone", "America/Chicago"];
    let number = ["--number", "+15551110000"];
    let cases: [(&str, Vec<&str>, &str); 13] = [
        ("abc-hvac", LEAST.to_vec(), "abc-hvac.toml is there already"),
        ("Not A Slug", LEAST.to_vec(), "a to z, 0 to 9"),
        ("../abc", LEAST.to_vec(), "a to z, 0 to 9"),
        ("new", [&zone[..], &["--number", "+15551230000"]].concat(), "this number rings at abc-hvac already"),
        ("new", [&zone[..], &["--number", "+15551239999"]].concat(), "this number rings at new"),
        ("new", [&LEAST[..], &["--transfer-to", "+15551110000"]].concat(), "would come back here"),
        ("new", [&LEAST[..], &["--transfer-to", "+15551230000"]].concat(), "this number rings at abc-hvac"),
        ("new", [&zone[..], &["--number", "5551110000"]].concat(), "plus sign"),
        ("new", [&number[..], &["--zone", "Chicago"]].concat(), "IANA"),
        ("new", [&LEAST[..], &["--service", "repair"]].concat(), "repair=120"),
        ("new", [&LEAST[..], &["--service", "repair=60", "--service", "Repair=90"]].concat(), "services[1].name"),
        (
            "new",
            [&LEAST[..], &["--hours", "mon-fri 09:00-17:00", "--hours", "fri 08:00-12:00"]].concat(),
            "friday stands there twice",
        ),
        ("new", [&LEAST[..], &["--hours", "mon 09:00-12:00,11:00-17:00"]].concat(), "overlaps"),
    ];
    for (slug, arguments, words) in cases {
        let output = new(folder.path(), slug, &arguments);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{slug} {arguments:?}");
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
        assert_eq!(files(&folder), ["abc-hvac.toml"], "{arguments:?}");
    }
    assert_eq!(written(&folder, "abc-hvac"), BUSINESS);
    for arguments in [&number[..], &zone[..], &["--hours", "sometimes"]] {
        assert_eq!(new(folder.path(), "new", arguments).status.code(), Some(2));
    }
    // Somebody else's mistake is theirs.
    fs::write(folder.path().join("businesses/broken.toml"), "name = ").unwrap();
    assert_eq!(new(folder.path(), "new", &LEAST).status.code(), Some(0));
    fs::write(folder.path().join("plain"), "").unwrap();
    let settings = [("BUSINESSES".to_owned(), "plain".to_owned())];
    let output = run(folder.path(), &[&["business", "new", "new"], &LEAST[..]].concat(), &settings);
    assert!(
        output.status.code() == Some(1) && err(&output).starts_with("BUSINESSES: plain cannot be written to"),
        "{}",
        err(&output)
    );
}
