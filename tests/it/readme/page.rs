//! The README as a text with chapters and fenced blocks.

use std::fs;
use std::path::Path;

/// A fenced block: its language, and its lines without the indentation of the list it stands in.
#[derive(Clone, Debug)]
pub struct Block {
    pub language: String,
    pub text: String,
    /// Nothing stands between this block and the one before it.
    pub follows: bool,
}

/// A file of the project.
pub fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What stands under a heading of the second level.
pub fn chapter<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no chapter {heading}")) + 1;
    let rest = &page[start..];
    rest[3..].find("\n## ").map_or(rest, |end| &rest[..end + 3])
}

/// The headings of the second level, in order.
pub fn headings(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

/// What stands in backticks outside of blocks, line by line.
pub fn spans(text: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_inside = !is_inside;
        } else if !is_inside {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// All fenced blocks of a text, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let mut follows = false;
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            follows = false;
            continue;
        };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let inside: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .map(|line| line.strip_prefix(indentation).unwrap_or(line))
            .collect();
        blocks.push(Block { language: language.to_owned(), text: inside.join("\n"), follows });
        follows = true;
    }
    blocks
}

/// All of a text that stands in backticks or in a fenced block, piece by piece; but for blocks of mere text.
pub fn code(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut fence = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language),
            (Some(_), Some(_)) => fence = None,
            (None, Some("text")) => {}
            (None, Some(_)) => pieces.push(line.to_owned()),
            (None, None) => pieces.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    pieces
}

#[test]
fn blocks_are_found_with_their_language_and_neighbours() {
    let found = blocks("a\n```sh\none\n```\n```text\ntwo\n```\n- b\n\n  ```json\n  [\n    1\n  ]\n  ```\n");
    let found: Vec<_> = found.iter().map(|block| (block.language.as_str(), block.text.as_str(), block.follows)).collect();
    assert_eq!(found, [("sh", "one", false), ("text", "two", true), ("json", "[\n  1\n]", false)]);
    assert_eq!(chapter("# x\n\n## One\n1\n\n## Two\n2\n", "One"), "## One\n1\n");
    assert_eq!(headings("# x\n\n## One\n1\n\n## Two\n### 2\n"), ["One", "Two"]);
    assert_eq!(spans("a `b` c\n```sh\n`d`\n```\n`e`, `f g`"), ["b", "e", "f g"]);
    assert_eq!(code("a `b` c\n```sh\nd\n```\n```text\nf\n```\n`e`"), ["b", "d", "e"]);
}
