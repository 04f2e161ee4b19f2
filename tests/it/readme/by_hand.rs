//! The lines that a person is told to type, typed against the demo, in the order of the page; what the page shows must come.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use ringbook::config::table::SETTINGS;
use tempfile::TempDir;

use super::ledger::to_type;
use super::newcomer::{build, put_stand_ins};
use super::page::{blocks, chapter, file};

/// The demo's last line before it waits.
const READY: &str = "Ctrl-C ends it.";
/// Printed between the blocks.
const MARK: &str = "\u{1e}";

/// A command that finds none of the settings, and no proxy, of whoever runs the tests.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in SETTINGS.iter().map(|setting| setting.name).chain(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// The demo while it waits; ended as a person ends it.
struct Demo {
    child: Child,
    printed: Vec<String>,
    folder: TempDir,
}

impl Demo {
    /// Typed as the page says it, in a checkout in which the program was built.
    fn start(line: &str, checkout: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put_stand_ins(&checkout.join("bin"));
        let typed = format!("PATH=$PWD/bin:$PATH\nexec {line}");
        let mut bash = clean("bash");
        bash.arg("-c").arg(typed).current_dir(checkout).env("TMPDIR", folder.path()).stdout(Stdio::piped());
        let mut demo = Self { child: bash.spawn().unwrap(), printed: Vec::new(), folder };
        let lines = BufReader::new(demo.child.stdout.take().unwrap()).lines();
        for line in lines.map(Result::unwrap) {
            let is_ready = line == READY;
            demo.printed.push(line);
            if is_ready {
                return demo;
            }
        }
        panic!("the demo ended: {:#?}", demo.printed);
    }

    fn exports(&self) -> impl Iterator<Item = &str> {
        self.printed.iter().map(String::as_str).filter(|line| line.starts_with("export "))
    }

    fn interrupt(&mut self) -> ExitStatus {
        Command::new("bash").arg("-c").arg(format!("kill -INT {}", self.child.id())).status().unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line without what differs from run to run: dates, codes, ports, made-up values, and the width of a table.
fn masked(line: &str) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    if let Some((name, _)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
        return format!("export {name}");
    }
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = |word: &str| word.len() == 6 && word.bytes().all(|byte| b"AFHJKLMRUWXY2346789".contains(&byte));
    let is_date =
        |word: &str| word.len() == 10 && word.split('-').map(str::len).eq([4, 2, 2]) && is_number(&word.replace('-', ""));
    let mut text = String::new();
    let mut before = "";
    for piece in line.split_inclusive(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_'));
        let rest = &piece[word.len()..];
        match word {
            _ if DAYS.contains(&word) => text.push_str("DAY"),
            _ if MONTHS.contains(&word) => text.push_str("MONTH"),
            _ if MONTHS.contains(&before) && is_number(word) => text.push('N'),
            _ if is_code(word) => text.push_str("CODE"),
            _ if is_date(word) => text.push_str("DATE"),
            _ if text.ends_with("127.0.0.1:") && is_number(word) => text.push_str("PORT"),
            // A year is said only when it is not this one's.
            _ if text.ends_with("MONTH N, ") && is_number(word) => text.truncate(text.len() - 2),
            _ if matches!(rest, "─" | "═" | " ") && word.is_empty() && text.ends_with(rest) => continue,
            _ => text.push_str(word),
        }
        text.push_str(rest);
        before = word;
    }
    text.trim().to_owned()
}

/// Whether `shown` is what was `printed`, where a line `…` in it stands for any lines.
fn shows(shown: &str, printed: &[String]) -> bool {
    let shown: Vec<String> = shown.trim_end().lines().map(masked).collect();
    let printed: Vec<String> = printed.iter().map(|line| masked(line)).collect();
    let mut parts = shown.split(|line| line == "…");
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let mut starts = 0..=rest.len().saturating_sub(part.len());
        let is_here = |start: &usize| rest[*start..].starts_with(part);
        let found = if parts.peek().is_none() { starts.rfind(is_here) } else { starts.find(is_here) };
        let Some(start) = found else { return false };
        rest = &rest[start + part.len()..];
        if parts.peek().is_none() && part.is_empty() {
            return true;
        }
    }
    rest.is_empty()
}

#[test]
fn what_is_shown_is_compared_without_what_changes() {
    assert_eq!(masked("on Friday, January 1, 2027 at 8 AM, code M6X7AY"), masked("on Monday, November 23 at 8 AM, code 2346AF"));
    assert_ne!(masked("Monday, November 23 at 8 AM"), masked("Monday, November 23 at 9 AM"));
    assert_eq!(masked("export DAY=2026-11-23"), "export DAY");
    assert_eq!(masked(" ────  2026-12-01   http://127.0.0.1:40123/x"), "─ DATE http://127.0.0.1:PORT/x");
    let printed = ["a", "b", "c", "b", "d"].map(str::to_owned);
    for shown in ["a\nb\nc\nb\nd", "…", "a\n…\nd", "…\nb\nd", "a\n…\nc\n…", "…\nc\n…"] {
        assert!(shows(shown, &printed), "{shown}");
    }
    for shown in ["a\nb", "b\n…", "…\nc", "a\n…\nx\n…", "…\nd\n…\nc\n…"] {
        assert!(!shows(shown, &printed), "{shown}");
    }
}

#[test]
fn the_demo_and_the_lines_to_type_show_what_the_page_says() {
    let page = file("README.md");
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let intro = blocks(chapter(&page, "Two commands"));
    let lines = to_type(&page, "Two commands");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let mut demo = Demo::start(&lines[0].text, folder.path());
    let shown = intro.iter().find(|block| block.text.contains(READY)).expect("what the demo prints");
    assert!(shows(&shown.text, &demo.printed), "the demo printed\n{}", demo.printed.join("\n"));

    let by_hand = blocks(chapter(&page, "Try it by hand"));
    let typed: Vec<String> = to_type(&page, "Try it by hand").into_iter().map(|block| block.text).collect();
    assert!(typed.len() >= 9, "{typed:#?}");
    let mut script = format!("set -euo pipefail\n{}\n", demo.exports().collect::<Vec<_>>().join("\n"));
    for block in typed {
        script.extend([block.as_str(), "\nprintf '", MARK, "'\n"]);
    }

    let ran = clean("bash").arg("-c").arg(&script).current_dir(folder.path()).env("TMPDIR", folder.path()).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success() && err.is_empty(), "{}\n{out}\n{err}", ran.status);

    let mut printed = out.split(MARK);
    for (index, block) in by_hand.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let lines: Vec<String> = printed.next().unwrap().lines().map(str::to_owned).collect();
        let shown = by_hand.get(index + 1).filter(|next| next.follows && next.language == "text");
        let shown = shown.map_or("", |next| next.text.as_str());
        assert!(shows(shown, &lines), "{}\nprinted\n{}\nand the page shows\n{shown}", block.text, lines.join("\n"));
    }
    let answers: Vec<&str> = out.split(MARK).flat_map(str::lines).filter(|line| line.contains("\"book-1\"")).collect();
    assert!(answers[0] == answers[1], "the same request, the same answer: {answers:#?}");

    assert!(demo.interrupt().success());
    assert_eq!(std::fs::read_dir(demo.folder.path()).unwrap().count(), 0, "the demo leaves nothing behind");
}
