//! Files that are refused: every mistake at once, with its place and what is meant.

use ringbook::business::hours::parse_span;
use ringbook::business::profile::Access;

use super::{LEAST, business, problems, refuses, span, with};

#[test]
fn every_missing_key_is_named_at_once() {
    let problems = problems("", Access::Embedded);
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["name", "phone_numbers", "time_zone", "hours", "services"]);
    assert!(problems.iter().all(|problem| problem.text.contains("required")), "{problems:#?}");
}

#[test]
fn every_unknown_key_is_named_at_once_with_the_one_that_was_meant() {
    let text = with(
        "nmae = 1\ncolour = 2",
        r#"
        [rules]
        bufer_minutes = 5
        [[exceptions]]
        from = "2026-12-25"
        huors = []
        [hours2]
        [[technicians]]
        id = "sam"
        hours = { mondy = [] }
        [transfer]
        "ring.seconds" = 1
        "#,
    );
    let problems = problems(&text, Access::Embedded);
    let mut found: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.key, problem.text)).collect();
    found.sort();
    let expected = [
        "colour there is no such key; remove it",
        "exceptions[0].huors there is no such key; did you mean `hours`?",
        "hours2 there is no such key; did you mean `hours`?",
        "nmae there is no such key; did you mean `name`?",
        "rules.bufer_minutes there is no such key; did you mean `buffer_minutes`?",
        "technicians[0].hours.mondy there is no such key; did you mean `monday`?",
        "transfer.ring.seconds there is no such key; did you mean `ring_seconds`?",
    ];
    assert_eq!(found, expected);
}

#[test]
fn hours_that_cannot_be_are_refused() {
    let day = |hours: &str| LEAST.replace("[hours]", &format!("[hours]\ntuesday = {hours}"));
    refuses(&day(r#"["08:00-12:00", "11:59-13:00"]"#), "hours.tuesday[1]", "overlaps \"08:00-12:00\"");
    refuses(&day(r#"["12:00-13:00", "08:00-12:30"]"#), "hours.tuesday[0]", "overlaps \"08:00-12:30\"");
    refuses(&day(r#"["20:00-02:00"]"#), "hours.tuesday[0]", "crosses midnight; end it at 24:00");
    refuses(&day(r#"["08:00-08:00"]"#), "hours.tuesday[0]", "is empty");
    for no_span in
        ["8-12", "08:00", "08:00-24:01", "08:00-25:00", "08:60-09:00", "8 AM-5 PM", "24:00-24:00-", "closed", "08:00–12:00"]
    {
        refuses(&day(&format!("[\"{no_span}\"]")), "hours.tuesday[0]", "\"08:00-17:30\"");
    }
    refuses(&day(r#""08:00-12:00""#), "hours.tuesday", "a list of texts");
    refuses(&day("[800]"), "hours.tuesday[0]", "a text in quotation marks");
    refuses(&LEAST.replace(r#"["08:00-12:00", "12:30-20:00"]"#, "[]"), "hours", "opening hours are required");
    let technician = "[[technicians]]\nid = \"sam\"\n[technicians.hours]\nmonday = [\"9:00-8:00\"]";
    refuses(&with("", technician), "technicians[0].hours.monday[0]", "crosses midnight");
    refuses(&with("", "[transfer]\nhours = [\"21:00-06:00\"]"), "transfer.hours[0]", "crosses midnight");
    refuses(&with("", "[windows]\nmorning = \"12:00-08:00\""), "windows.morning", "crosses midnight");
    refuses(&with("", "[windows]\nevening = [\"17:00-20:00\"]"), "windows.evening", "a text");
}

#[test]
fn spans_that_touch_and_end_at_midnight_are_fine() {
    let it = business(&LEAST.replace(r#"["08:00-12:00", "12:30-20:00"]"#, r#"["12:00-24:00", "8:00 - 12:00"]"#));
    assert_eq!(it.opening.week.0[0], [span(480, 720), span(720, 1440)], "sorted");
    assert_eq!(parse_span("00:00-24:00"), Some(span(0, 1440)));
}

#[test]
fn dates_that_cannot_be_are_refused() {
    let exception = |rest: &str| with("", &format!("[[exceptions]]\n{rest}"));
    refuses(&exception("reason = \"x\""), "exceptions[0].from", "required");
    refuses(&exception("from = \"2026-02-30\""), "exceptions[0].from", "no date of the calendar");
    refuses(&exception("from = \"12/25/2026\""), "exceptions[0].from", "\"2026-12-25\"");
    refuses(&exception("from = \"2026-12-25T10:00\""), "exceptions[0].from", "no date");
    refuses(&exception("from = \"2026-12-25\"\nto = \"soon\""), "exceptions[0].to", "no date");
    refuses(&exception("from = \"2026-12-25\"\nto = \"2026-12-24\""), "exceptions[0].to", "before `from`");
    refuses(&with("exceptions = 3", ""), "exceptions", "[[exceptions]]");
    refuses(&format!("services = 3\n{}", LEAST.split("[[services]]").next().unwrap()), "services", "[[services]]");
}

#[test]
fn numbers_that_cannot_be_are_refused_without_showing_them() {
    let number = "+15551239998";
    refuses(&LEAST.replace("\"+15551230000\"", "\"(555) 123-0000\""), "phone_numbers[0]", "E.164");
    refuses(&LEAST.replace("[\"+15551230000\"]", "[]"), "phone_numbers", "at least one");
    refuses(&LEAST.replace("[\"+15551230000\"]", "[\"+15551230000\", \"+15551230000\"]"), "phone_numbers[1]", "already");
    for key in ["to", "after_hours_to"] {
        refuses(&with("", &format!("[transfer]\n{key} = \"555\"")), &format!("transfer.{key}"), "E.164");
        refuses(&with("", &format!("[transfer]\n{key} = \"+15551230000\"")), &format!("transfer.{key}"), "rings at abc-hvac");
    }
    refuses(&with("", "[emergency]\nto = \"911\""), "emergency.to", "E.164");
    refuses(&with("", "[emergency]\nto = \"+15551230000\""), "emergency.to", "rings at abc-hvac");
    refuses(&with("", "[notify]\nsms = [\"5\"]"), "notify.sms[0]", "E.164");
    refuses(&with("test_callers = [\"5\"]", ""), "test_callers[0]", "E.164");
    refuses(&with("", "[callers]\nblock = [\"5\"]"), "callers.block[0]", "E.164");
    refuses(&with("", "[callers]\nstraight_to_person = [\"5\"]"), "callers.straight_to_person[0]", "E.164");
    for broken in
        [format!("to = \"{number} \n"), format!("to = \"{number}\" \"{number}\""), format!("to = \"{number}x\"\n[transfer]")]
    {
        let found = problems(&with("", &format!("[transfer]\n{broken}")), Access::Embedded);
        assert!(!found.is_empty() && found.iter().all(|problem| !problem.to_string().contains("239998")), "{found:#?}");
    }
}

#[test]
fn quantities_that_cannot_be_are_refused() {
    for (table, key, value) in [
        ("rules", "slot_step_minutes", "0"),
        ("rules", "slot_step_minutes", "1441"),
        ("rules", "minimum_notice_minutes", "-1"),
        ("rules", "horizon_days", "100000"),
        ("rules", "buffer_minutes", "\"30\""),
        ("rules", "hold_seconds", "1.5"),
        ("rules", "max_jobs_per_day", "-1"),
        ("transfer", "ring_seconds", "0"),
        ("limits", "tool_calls_per_call_per_minute", "true"),
    ] {
        refuses(&with("", &format!("[{table}]\n{key} = {value}")), &format!("{table}.{key}"), "a whole number from");
    }
    for key in ["all_day_free_blocks", "require_address", "invite_caller"] {
        refuses(&with("", &format!("[rules]\n{key} = \"yes\"")), &format!("rules.{key}"), "true or false");
    }
    refuses(&with("", "[privacy]\nrecording = 1"), "privacy.recording", "true or false");
    for minutes in ["0", "1441", "-5", "\"60\"", "60.0"] {
        let text = LEAST.replace("duration_minutes = 120", &format!("duration_minutes = {minutes}"));
        refuses(&text, "services[0].duration_minutes", "a whole number from 1 to 1440");
    }
    refuses(&LEAST.replace("duration_minutes = 120", ""), "services[0].duration_minutes", "required");
}

#[test]
fn names_that_mean_two_things_are_refused() {
    let service = |rest: &str| with("", &format!("[[services]]\nduration_minutes = 5\n{rest}"));
    refuses(&service("name = \"REPAIR\""), "services[1].name", "services[0].name already");
    refuses(&service("name = \"tune-up\"\naliases = [\"Repair!\"]"), "services[1].aliases[0]", "services[0].name already");
    refuses(&service("name = \"!!\""), "services[1].name", "cannot be spoken");
    refuses(&service("aliases = []"), "services[1].name", "required");
    let people =
        |second: &str| with("", &format!("[[technicians]]\nid = \"sam\"\nname = \"Sam Smith\"\n[[technicians]]\n{second}"));
    refuses(&people("id = \"SAM\""), "technicians[1].id", "technicians[0].id already");
    refuses(&people("id = \"kim\"\nname = \"sam smith\""), "technicians[1].name", "technicians[0].name already");
    refuses(&people("id = \"kim lee\""), "technicians[1].id", "without spaces");
    refuses(&people("name = \"Kim\""), "technicians[1].id", "required");
    refuses(&people("id = \"kim\"\nservices = [\"plumbing\"]"), "technicians[1].services[0]", "no service \"plumbing\"");
    let fine = business(&service("name = \"Tune-up\"\naliases = [\"tune up\", \"check\"]"));
    assert_eq!(fine.services.len(), 2, "two spellings of one service are no clash");
}

#[test]
fn words_that_are_not_known_are_refused() {
    refuses(&LEAST.replace("america/new_york", "Mars/Base"), "time_zone", "\"Mars/Base\" is no IANA time zone");
    refuses(&LEAST.replace("america/new_york", "GMT+1"), "time_zone", "IANA");
    refuses(&with("", "[notify]\non = [\"voicemail\", \"pigeon\"]"), "notify.on[1]", "write one of voicemail, booking_uncertain");
    refuses(&with("event_summary = \"{service} for {caller}\"", ""), "event_summary", "{service} and {customer}");
    refuses(&with("", "[phrases]\npending = \"Wait, {customer\""), "phrases.pending", "{name}");
    refuses(&with("transfer = \"+15551239999\"", ""), "transfer", "a table");
    refuses(&LEAST.replace("name = \"ABC HVAC\"", "name = 5"), "name", "a text in quotation marks");
}

#[test]
fn text_that_is_not_toml_is_refused_with_the_place() {
    for text in
        ["name = ", "[hours", "a = 1\na = 2", "= 3", "name = \"x", &"[".repeat(100_000), &format!("a={}", "[".repeat(100_000))]
    {
        let problems = problems(text, Access::Embedded);
        let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
        assert!(problem.text.contains("TOML parse error at line ") && !problem.to_string().contains('\n'), "{problem}");
        assert!(problem.to_string().starts_with("abc-hvac.toml: TOML"), "{problem}");
    }
    let problems = problems(&"#".repeat(2 * 1024 * 1024), Access::Embedded);
    assert!(problems[0].text.contains("longer than"), "{problems:#?}");
}
