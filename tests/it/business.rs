//! Business files: what they mean, what they default to, and what is refused about them.

mod folders;
mod refused;

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use ringbook::business::hours::parse_span;
use ringbook::business::profile::{Access, LoadFacts, Loaded, Occasion, Problem, Profile, load_folder, parse};
use ringbook::business::routing::Directory;
use ringbook::names::{CalendarId, Phone, Slug};
use ringbook::scheduling::hours::WallSpan;
use time::macros::date;

/// The least that a business needs.
const LEAST: &str = r#"
name = "ABC HVAC"
phone_numbers = ["+15551230000"]
time_zone = "america/new_york"
[hours]
monday = ["08:00-12:00", "12:30-20:00"]
[[services]]
name = "repair"
duration_minutes = 120
"#;

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn embedded() -> LoadFacts {
    LoadFacts::same(Access::Embedded)
}

fn business(text: &str) -> Profile {
    parse(&slug("abc-hvac"), text, &embedded()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The file with some keys in front, where they belong to no table, and some behind.
fn with(top: &str, rest: &str) -> String {
    format!("{top}\n{LEAST}\n{rest}")
}

fn problems(text: &str, access: Access) -> Vec<Problem> {
    parse(&slug("abc-hvac"), text, &LoadFacts::same(access)).err().unwrap_or_default()
}

/// Exactly one problem, at this key, whose sentence holds these words.
fn refuses(text: &str, key: &str, words: &str) {
    let problems = problems(text, Access::Embedded);
    let [problem] = problems.as_slice() else { panic!("{key}: {problems:#?}\n{text}") };
    assert_eq!((problem.file.as_str(), problem.key.as_str()), ("abc-hvac.toml", key), "{problem}");
    assert!(problem.text.contains(words), "{problem}");
    assert!(problem.to_string().starts_with(&format!("abc-hvac.toml: {key}: ")), "{problem}");
    assert!(!problem.to_string().contains('\n'));
}

fn span(from: u16, to: u16) -> WallSpan {
    WallSpan { from_minute: from, to_minute: to }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn everything_but_the_least_has_its_default() {
    let it = business(LEAST);
    assert_eq!((it.slug.as_str(), it.name.as_str(), it.zone.name()), ("abc-hvac", "ABC HVAC", "America/New_York"));
    assert_eq!(it.event_summary, "{service} - {customer}");
    assert_eq!(it.opening.week.0[0], vec![span(480, 720), span(750, 1200)]);
    assert!(it.opening.week.0[1..].iter().all(Vec::is_empty) && it.opening.exceptions.is_empty());
    assert!(it.test_callers.is_empty() && it.emergency.phrases.is_empty() && it.emergency.to.is_none());
    assert!(it.transfer.to.is_none() && it.transfer.hours.is_none() && it.transfer.after_hours_to.is_none());
    assert_eq!(it.transfer.ring, Duration::from_secs(20));
    assert_eq!(it.notify.on.len(), 6);
    assert_eq!(
        (it.windows.morning, it.windows.afternoon, it.windows.evening),
        (span(480, 720), span(720, 1020), span(1020, 1200))
    );
    assert_eq!((it.rules.slot_step, it.rules.minimum_notice), (Duration::from_mins(30), Duration::from_hours(1)));
    assert_eq!((it.rules.horizon_days, it.rules.buffer, it.rules.max_jobs_per_day), (60, Duration::from_mins(30), 0));
    assert!(!it.rules.all_day_free_blocks && !it.booking_rules.require_address && !it.booking_rules.invite_caller);
    assert_eq!(it.booking_rules.hold, Duration::from_mins(2));
    assert_eq!((it.limits.calls_per_caller_per_hour, it.limits.bookings_per_caller_per_day), (10, 3));
    assert_eq!(it.limits.tool_calls_per_call_per_minute, 60);
    assert_eq!((it.privacy.recording, it.privacy.disclosure.as_str()), (false, "You're speaking with an automated assistant."));
    assert_eq!(it.phrases.fallback, "Thanks for calling ABC HVAC. One moment, I'm getting a person.");
    assert_eq!(it.phrases.calendar_down, "I can't see the calendar right now, so nothing is booked.");
    assert_eq!(it.phrases.pending, "I'm arranging that. It is not confirmed yet; I will tell you in a moment.");
    let [itself] = it.technicians.as_slice() else { panic!("{:?}", it.technicians) };
    assert_eq!((itself.id.as_str(), &itself.name, itself.opening.clone()), ("abc-hvac", &None, it.opening.clone()));
    assert_eq!(itself.calendar, CalendarId::parse("abc-hvac"));
}

#[test]
fn the_example_of_the_contract_is_read_as_it_is_written() {
    let it = business(&with(
        r#"event_summary = "HVAC {service} - {customer}"
        test_callers = ["+15550001111"]"#,
        r#"
        [transfer]
        to = "+15551239999"
        hours = ["08:00-21:00"]
        after_hours_to = ""
        [emergency]
        phrases = ["Gas smell", "carbon monoxide"]
        say = "If you smell gas, leave the house and call 911."
        [notify]
        on = ["voicemail", "calendar_conflict"]
        [[exceptions]]
        from = "2026-12-25"
        to = "2026-12-26"
        reason = "Christmas"
        [[exceptions]]
        from = 2026-12-31
        hours = ["08:00-24:00"]
        [rules]
        buffer_minutes = 0
        all_day_free_blocks = true
        [[technicians]]
        id = "sam"
        services = ["Repair"]
        hours = { tuesday = ["00:00-24:00"] }
        exceptions = [{ from = "2026-12-24", reason = "vacation" }]
        [[technicians]]
        id = "kim"
        name = "Kim Lee"
        exceptions = [{ from = "2026-12-24" }]
        [phrases]
        fallback = """Hello,
            this is {name}."""
        "#,
    ));
    assert_eq!(it.emergency.phrases, ["gas smell", "carbon monoxide"]);
    assert_eq!(it.notify.on.into_iter().collect::<Vec<_>>(), [Occasion::Voicemail, Occasion::CalendarConflict]);
    assert_eq!(it.transfer.hours, Some(vec![span(480, 1260)]));
    assert_eq!(it.phrases.fallback, "Hello, this is ABC HVAC.");
    assert_eq!((it.rules.buffer, it.rules.all_day_free_blocks), (Duration::ZERO, true));
    assert_eq!((it.opening.exceptions[0].from, it.opening.exceptions[0].to), (date!(2026 - 12 - 25), date!(2026 - 12 - 26)));
    assert_eq!((it.opening.exceptions[1].from, it.opening.exceptions[1].to), (date!(2026 - 12 - 31), date!(2026 - 12 - 31)));
    assert_eq!(it.opening.exceptions[1].hours, [span(480, 1440)]);
    let [sam, kim] = it.technicians.as_slice() else { panic!("{:?}", it.technicians) };
    assert_eq!((sam.name.as_deref(), kim.name.as_deref()), (Some("sam"), Some("Kim Lee")));
    assert_eq!((sam.calendar.clone(), kim.calendar.clone()), (CalendarId::parse("sam"), CalendarId::parse("kim")));
    assert_eq!(sam.services.iter().collect::<Vec<_>>(), ["repair"]);
    assert_eq!(sam.opening.week.0[1], [span(0, 1440)]);
    assert_eq!((sam.opening.exceptions.len(), sam.opening.narrowed_by.len()), (1, 2));
    assert_eq!(kim.opening.week, it.opening.week);
    assert_eq!((kim.opening.exceptions.len(), kim.opening.narrowed_by.len()), (3, 0));
    assert_eq!(kim.opening.exceptions[0].from, date!(2026 - 12 - 24), "the own ones come first");
}

#[test]
fn the_example_file_is_clean_for_every_kind_of_calendar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assistant/businesses");
    for access in [Access::Embedded, Access::Connected, Access::ServiceAccount, Access::Impersonating] {
        let Loaded { directory, warnings } =
            load_folder(&folder, &LoadFacts::same(access)).unwrap_or_else(|all| panic!("{all:#?}"));
        assert_eq!(warnings, Vec::<String>::new());
        let it = directory.by_slug(&slug("abc-hvac")).unwrap();
        assert_eq!(it.phone_numbers, [Phone::e164("+15551230000").unwrap()]);
        assert_eq!(it.service_names(), ["repair", "maintenance", "installation"]);
        assert_eq!(it.technicians.len(), 2);
        assert!(it.opening.week.0[..6].iter().all(|day| !day.is_empty()) && it.opening.week.0[6].is_empty());
        assert_eq!(it.service(Some("My AC is broken!")).unwrap().name, "repair");
    }
}

#[test]
fn a_service_account_is_told_every_calendar_and_primary_only_if_it_acts_for_somebody() {
    let sam = |id: &str| with("", &format!("[[technicians]]\nid = \"sam\"\ncalendar_id = \"{id}\""));
    for access in [Access::ServiceAccount, Access::Impersonating] {
        let missing = problems(LEAST, access);
        assert_eq!(missing[0].key, "calendar_id");
        assert!(missing[0].text.contains("service account"), "{missing:#?}");
        assert_eq!(problems(&sam(""), access)[0].key, "technicians[0].calendar_id");
        assert!(problems(&sam("sam@example.com"), access).is_empty());
    }
    let primary = problems(&sam("Primary"), Access::ServiceAccount);
    assert_eq!(primary[0].key, "technicians[0].calendar_id");
    assert!(primary[0].text.contains("GOOGLE_IMPERSONATE"), "{primary:#?}");
    assert_eq!(problems(&with("calendar_id = \"primary\"", ""), Access::ServiceAccount)[0].key, "calendar_id");
    assert!(problems(&sam("primary"), Access::Impersonating).is_empty());
    assert!(problems(&sam("primary"), Access::Connected).is_empty());
    assert!(problems(LEAST, Access::Connected).is_empty());
    assert_eq!(problems(&sam("not a calendar"), Access::Connected)[0].key, "technicians[0].calendar_id");
    let it = parse(&slug("abc-hvac"), &sam("sam@example.com"), &LoadFacts::same(Access::Connected)).unwrap();
    assert_eq!(it.technicians[0].calendar, CalendarId::parse("sam@example.com"));
    assert_eq!(business(&sam("sam@example.com")).technicians[0].calendar, CalendarId::parse("sam"), "embedded: one each");
}

#[test]
fn two_technicians_never_share_a_calendar() {
    let both =
        "[[technicians]]\nid = \"sam\"\ncalendar_id = \"A@x.com\"\n[[technicians]]\nid = \"kim\"\ncalendar_id = \"a@x.com\"";
    refuses(&with("", both), "technicians[1].calendar_id", "technicians[0].calendar_id is the same calendar");
}

#[test]
fn a_directory_finds_a_business_by_slug_and_number() {
    let other = LEAST.replace("[\"+15551230000\"]", "[\"+15551230001\", \"+15551230002\"]");
    let folder = folder(&[("b.toml", LEAST), ("a.toml", &other)]);
    let directory = load_folder(folder.path(), &embedded()).unwrap().directory;
    let number = |text: &str| Phone::e164(text).unwrap();
    assert_eq!(directory.all().map(|it| it.slug.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(directory.by_number(&number("+15551230002")).unwrap().slug, slug("a"));
    assert_eq!(directory.by_slug(&slug("b")).unwrap().phone_numbers, [number("+15551230000")]);
    assert!(directory.owns(&number("+15551230001")) && !directory.owns(&number("+15551230003")));
    assert!(directory.by_number(&number("+15551230003")).is_none() && directory.by_slug(&slug("c")).is_none());
    assert!(directory.only().is_none(), "never the first of several");
    assert!(Directory::new(Vec::new()).only().is_none());
    assert_eq!(Directory::new(vec![business(LEAST)]).only().unwrap().slug, slug("abc-hvac"));
}

#[test]
fn a_service_is_meant_by_name_by_alias_or_by_a_phrase_with_exactly_one() {
    let it = business(&with(
        "",
        r#"
        [[services]]
        name = "Tune-Up"
        aliases = ["maintenance", "check up", "broken filter"]
        duration_minutes = 60
        "#,
    ));
    for (said, meant) in [
        ("repair", "repair"),
        (" REPAIR ", "repair"),
        ("AC Repair", "repair"),
        ("a repair, please!", "repair"),
        ("tune up", "Tune-Up"),
        ("TUNE-UP", "Tune-Up"),
        ("yearly check-up and maintenance", "Tune-Up"),
        ("my broken filter", "Tune-Up"),
    ] {
        assert_eq!(it.service(Some(said)).map(|service| service.name.as_str()), Ok(meant), "{said}");
    }
    for said in ["repairs", "plumbing", "repair and maintenance", "tune", "up tune", "", "  ", "!!", "broken"] {
        assert_eq!(it.service(Some(said)).unwrap_err().offered, "repair or Tune-Up", "{said}");
    }
    assert!(it.service(None).is_err());
}

#[test]
fn a_business_with_one_service_needs_no_name_but_no_other_name_is_taken_for_it() {
    let it = business(LEAST);
    assert_eq!(it.service(None).unwrap().name, "repair");
    assert_eq!(it.service(Some(" ")).unwrap().name, "repair");
    assert_eq!(it.service(Some("haircut")).unwrap_err().offered, "repair");
}

#[test]
fn technicians_and_windows_are_found_by_their_words() {
    let people = "[[technicians]]\nid = \"sam\"\nservices = [\"sale\"]\n[[technicians]]\nid = \"k-1\"\nname = \"Kim Lee\"";
    let it = business(&with("", &format!("[[services]]\nname = \"sale\"\nduration_minutes = 5\n{people}")));
    assert_eq!(it.technician("SAM").unwrap().id, "sam");
    assert_eq!(it.technician(" kim  lee ").unwrap().id, "k-1");
    assert_eq!(it.technician("K-1").unwrap().id, "k-1");
    assert!(it.technician("kim").is_none() && it.technician("").is_none());
    let ids =
        |service: &str| it.technicians_for(it.service(Some(service)).unwrap()).map(|one| one.id.as_str()).collect::<Vec<_>>();
    assert_eq!((ids("repair"), ids("sale")), (vec!["k-1"], vec!["sam", "k-1"]));
    assert_eq!(it.window("Morning"), Some(span(480, 720)));
    assert_eq!(it.window("in the afternoon"), Some(span(720, 1020)));
    assert_eq!(it.window("EVENING"), Some(span(1020, 1200)));
    assert!(["", "any", "night", "morning or evening", "mornings"].iter().all(|said| it.window(said).is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_can_break_the_reader(
        text in any::<String>(),
        at in 0..LEAST.len(),
        piece in "[\\[\\]{}=\"'a-z0-9:.,\n -]{0,30}",
        cut in 0_usize..20,
    ) {
        let _ = problems(&text, Access::Embedded);
        let end = (at + cut).min(LEAST.len());
        let edited = format!("{}{piece}{}", &LEAST[..at], &LEAST[end..]);
        for problem in problems(&edited, Access::ServiceAccount) {
            prop_assert!(!problem.text.is_empty() && !problem.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_span_is_read_exactly_if_it_lies_in_one_day(from in 0_u16..2000, to in 0_u16..2000) {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let legal = from < to && to <= 1440;
        prop_assert_eq!(parse_span(&format!("{}-{}", clock(from), clock(to))), legal.then_some(span(from, to)));
    }
}
