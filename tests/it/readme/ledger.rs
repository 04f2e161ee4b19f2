//! The book of what is typed: every block and every command of the page is typed by a test, or stands here with the reason why not.

use ringbook::config::table::{Absent, SETTINGS, Setting};

use super::page::{Block, blocks, chapter, file, headings, spans};

/// The chapters that are typed against the demo, by `by_hand`; all others are typed by `walk`, in the order of the page.
pub const BY_HAND: [&str; 2] = ["Two commands", "Try it by hand"];

/// How a block that can be typed, run or read by a program is marked; `text` is what is shown.
const LANGUAGES: [&str; 5] = ["sh", "sql", "ini", "json", "text"];

/// Blocks that nobody types here.
const BLOCKS_NOT_TYPED: [(&str, &str); 2] = [
    ("tests/run", "it is what runs these tests"),
    ("cargo bench --bench bench", "it takes minutes, and measures only where nothing else runs"),
];

/// Commands within the sentences that nobody types here.
const SPANS_NOT_TYPED: [(&str, &str); 6] = [
    ("cargo bench --bench bench -- booking", "it takes minutes, and measures only where nothing else runs"),
    ("cloudflared tunnel --url http://localhost:8080", "needs the network and somebody else's program"),
    ("ngrok http 8080", "needs an account"),
    (
        "sudo systemctl enable --now ringbook",
        "needs a machine that systemd runs; the unit is verified, and what it starts is started",
    ),
    ("journalctl -u ringbook", "needs a machine that systemd runs"),
    ("ringbook serve", "it does not end; the block that says so is typed"),
];

/// Commands whose names alone are said; with their arguments they are typed elsewhere on the page.
const NAMES: [&str; 8] = [
    "ringbook business new",
    "ringbook call ID",
    "ringbook close",
    "ringbook connect",
    "ringbook pause",
    "ringbook replay",
    "ringbook sign",
    "target/release/ringbook serve",
];

/// What a command in a sentence begins with.
const PROGRAMS: [&str; 14] = [
    "ringbook ",
    "target/release/ringbook ",
    "cargo ",
    "cd ",
    "cloudflared ",
    "cp ",
    "curl ",
    "docker ",
    "fly ",
    "journalctl ",
    "ngrok ",
    "psql ",
    "sqlite3 ",
    "sudo ",
];

/// The blocks of a chapter that are to be typed, in order.
pub fn to_type(page: &str, heading: &str) -> Vec<Block> {
    let is_typed = |block: &Block| block.language != "text" && !BLOCKS_NOT_TYPED.iter().any(|(text, _)| *text == block.text);
    blocks(chapter(page, heading)).into_iter().filter(is_typed).collect()
}

/// The commands within the sentences of a chapter that are to be typed, each once.
pub fn commands(page: &str, heading: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for span in spans(chapter(page, heading)) {
        let is_command = PROGRAMS.iter().any(|program| span.starts_with(program));
        let is_excused = NAMES.contains(&span.as_str()) || SPANS_NOT_TYPED.iter().any(|(text, _)| *text == span);
        if is_command && !is_excused && !found.contains(&span) {
            found.push(span);
        }
    }
    found
}

#[test]
fn every_block_is_of_a_kind_that_somebody_types() {
    let page = file("README.md");
    // A command that is broken over two lines would be overlooked.
    let mut is_block = false;
    for line in page.lines() {
        is_block ^= line.trim_start().starts_with("```");
        assert!(is_block || line.matches('`').count().is_multiple_of(2) || line.trim() == "```", "{line}");
    }
    for heading in headings(&page) {
        for block in blocks(chapter(&page, heading)) {
            assert!(LANGUAGES.contains(&block.language.as_str()), "{heading}: {block:?}");
        }
    }
    for heading in BY_HAND {
        assert_eq!(commands(&page, heading), Vec::<String>::new(), "only blocks are typed in the chapter {heading}");
        assert!(to_type(&page, heading).iter().all(|block| block.language == "sh"), "only commands are typed there");
    }
}

#[test]
fn what_is_not_typed_is_on_the_page() {
    let page = file("README.md");
    let (all_blocks, all_spans) = (blocks(&page), spans(&page));
    for (text, reason) in BLOCKS_NOT_TYPED {
        assert!(all_blocks.iter().any(|block| block.text == text), "{text} ({reason}) is no longer on the page");
    }
    for name in SPANS_NOT_TYPED.iter().map(|(text, _)| *text).chain(NAMES) {
        assert!(all_spans.iter().any(|span| span == name), "{name} is no longer on the page");
    }
    // What can be measured alone is what the bench knows.
    let benches = file("tests/bench/main.rs");
    let sentence = page.split("A name measures one thing alone").nth(1).unwrap().split(')').next().unwrap();
    let named: Vec<String> = spans(sentence).into_iter().filter(|span| !span.contains(' ')).collect();
    assert_eq!(named.len(), 5, "{sentence}");
    for name in named.iter().map(String::as_str).chain(["booking"]) {
        assert!(benches.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn every_setting_stands_on_the_page_with_its_default() {
    let row = |setting: &Setting| {
        let without = match setting.absent {
            Absent::Refused => "required".to_owned(),
            Absent::Off => "off".to_owned(),
            Absent::Means(value) => format!("`{value}`"),
            Absent::Depends(words) => words.to_owned(),
        };
        format!("| `{}` | {without} | {} |", setting.name, setting.meaning.replace('<', "&lt;"))
    };
    let expected: Vec<String> = SETTINGS.iter().map(row).collect();
    let page = file("README.md");
    let rows: Vec<&str> = chapter(&page, "Settings").lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows, expected, "the table should be\n{}", expected.join("\n"));
}
