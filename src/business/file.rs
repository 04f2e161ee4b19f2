//! The wire form of a business file: its TOML as tables whose keys are taken one by one, with their types. Nothing stops at
//! the first mistake: every wrong or unknown key becomes a [`Problem`], so that the owner mends the file once.
//!
//! A derived deserialiser would refuse unknown keys as well, but end at the first one.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::rc::Rc;

use config::{FileFormat, Format, Map, Value, ValueKind};

use crate::names::Phone;

/// A business file is a page or two; this much is a mistake.
pub(super) const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The furthest that a misspelt key may be from the one it is taken for.
const LIKELY_MEANT: f64 = 0.8;

/// What is wrong with a business file, in one sentence with how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}: {}{text}", Prefix(key))]
pub struct Problem {
    /// Which file.
    pub file: String,
    /// Which key, such as `services[0].duration_minutes`, counted from 0; empty where it is the file itself.
    pub key: String,
    /// What is wrong, and what to write instead. Telephone numbers are never in it: it is logged.
    pub text: String,
}

struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}: ", self.0) }
    }
}

/// Collects what is wrong with one file, and what is merely odd, while its tables are read.
#[derive(Clone, Debug)]
pub(super) struct Problems {
    file: Rc<str>,
    found: Rc<RefCell<Vec<Problem>>>,
    odd: Rc<RefCell<Vec<Problem>>>,
}

impl Problems {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.into(), found: Rc::default(), odd: Rc::default() }
    }

    /// Something with which the file cannot be used.
    pub(super) fn add(&self, key: impl Into<String>, text: impl Into<String>) {
        self.found.borrow_mut().push(self.problem(key, text));
    }

    /// Something with which it can, but not as the owner may think.
    pub(super) fn warn(&self, key: impl Into<String>, text: impl Into<String>) {
        self.odd.borrow_mut().push(self.problem(key, text));
    }

    /// How much is wrong so far: what was found to be wrong is not said to be missing as well.
    pub(super) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// What is wrong so far; the second time nothing.
    pub(super) fn take(&self) -> Vec<Problem> {
        self.found.take()
    }

    /// What is odd so far, as sentences; the second time nothing.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        self.odd.take().iter().map(ToString::to_string).collect()
    }

    fn problem(&self, key: impl Into<String>, text: impl Into<String>) -> Problem {
        Problem { file: self.file.to_string(), key: key.into(), text: text.into() }
    }
}

/// A table of the file. Keys are taken out of it; what is left at [`Table::finish`] is unknown.
#[derive(Debug)]
pub(super) struct Table {
    path: String,
    values: Map<String, Value>,
    taken: Vec<&'static str>,
    problems: Problems,
}

impl Table {
    /// `None` when the text is not TOML at all; the problem says where.
    pub(super) fn parse(text: &str, problems: &Problems) -> Option<Self> {
        if text.len() > MAX_FILE_BYTES {
            problems.add("", format!("the file is longer than {MAX_FILE_BYTES} bytes; keep a business in a page or two"));
            return None;
        }
        match FileFormat::Toml.parse(None, text) {
            Ok(values) => Some(Self { path: String::new(), values, taken: Vec::new(), problems: problems.clone() }),
            Err(error) => {
                problems.add("", syntax_problem(&error.to_string()));
                None
            }
        }
    }

    /// Whether nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The full name of a key of this table.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reports what is wrong with a key of this table.
    pub(super) fn wrong(&self, key: &str, text: impl Into<String>) {
        self.problems.add(self.key(key), text);
    }

    /// Where the problems of this file go.
    pub(super) fn problems(&self) -> Problems {
        self.problems.clone()
    }

    /// Reports every key that nobody took.
    pub(super) fn finish(self) {
        let mut unknown: Vec<&String> = self.values.keys().collect();
        unknown.sort();
        for key in unknown {
            let near = |known: &&&'static str| strsim::jaro_winkler(key, known);
            let meant = self.taken.iter().max_by(|a, b| near(a).total_cmp(&near(b))).filter(|known| near(known) >= LIKELY_MEANT);
            let hint = meant.map_or("remove it".to_owned(), |meant| format!("did you mean `{meant}`?"));
            self.wrong(key, format!("there is no such key; {hint}"));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<ValueKind> {
        self.taken.push(key);
        self.values.remove(key).map(|value| value.kind)
    }

    /// A text, its white space made single spaces: what is spoken or shown stands on one line. Empty is absent.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            ValueKind::String(text) => Some(one_line(&text)).filter(|text| !text.is_empty()),
            _ => self.unfit(key, "a text in quotation marks"),
        }
    }

    /// A text that must be there.
    pub(super) fn needed_text(&mut self, key: &'static str, example: &str) -> Option<String> {
        match self.take(key) {
            Some(ValueKind::String(text)) if !text.trim().is_empty() => Some(one_line(&text)),
            Some(ValueKind::String(_)) | None => {
                self.wrong(key, format!("this is required; write for example {key} = \"{example}\""));
                None
            }
            Some(_) => self.unfit(key, "a text in quotation marks"),
        }
    }

    /// A whole number within a range.
    pub(super) fn number<N: TryFrom<i64>>(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<N> {
        match self.take(key)? {
            ValueKind::I64(number) if range.contains(&number) => N::try_from(number).ok(),
            _ => self.unfit(key, &format!("a whole number from {} to {}", range.start(), range.end())),
        }
    }

    /// A whole number that must be there.
    pub(super) fn needed_number<N: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        example: i64,
    ) -> Option<N> {
        if !self.values.contains_key(key) {
            self.wrong(key, format!("this is required; write for example {key} = {example}"));
        }
        self.number(key, range)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            ValueKind::Boolean(flag) => Some(flag),
            _ => self.unfit(key, "true or false"),
        }
    }

    /// A list of texts, each with the full name of its place; `None` when the key is absent.
    pub(super) fn list(&mut self, key: &'static str) -> Option<Vec<(String, String)>> {
        let ValueKind::Array(values) = self.take(key)? else {
            self.unfit::<()>(key, "a list of texts, such as [\"…\", \"…\"]");
            return Some(Vec::new());
        };
        let path = self.key(key);
        let mut texts = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{path}[{index}]");
            match value.kind {
                ValueKind::String(text) if !text.trim().is_empty() => texts.push((place, one_line(&text))),
                _ => self.problems.add(place, "write a text in quotation marks here, or remove it"),
            }
        }
        Some(texts)
    }

    /// A table under this key; an absent one is empty.
    pub(super) fn table(&mut self, key: &'static str) -> Self {
        let values = match self.take(key) {
            None => Map::new(),
            Some(ValueKind::Table(values)) => values,
            Some(_) => self.unfit(key, &format!("a table, such as [{}]", self.key(key))).unwrap_or_default(),
        };
        Self { path: self.key(key), values, taken: Vec::new(), problems: self.problems.clone() }
    }

    /// A list of tables under this key; an absent one is empty.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let values = match self.take(key) {
            None => Vec::new(),
            Some(ValueKind::Array(values)) => values,
            Some(_) => self.unfit(key, &format!("a list of tables, such as [[{}]]", self.key(key))).unwrap_or_default(),
        };
        let path = self.key(key);
        let mut tables = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            match value.kind {
                ValueKind::Table(values) => {
                    tables.push(Self { path, values, taken: Vec::new(), problems: self.problems.clone() });
                }
                _ => self.problems.add(path, "write a table here, or remove it"),
            }
        }
        tables
    }

    /// A telephone number; empty is absent.
    pub(super) fn phone(&mut self, key: &'static str) -> Option<Phone> {
        let text = self.text(key)?;
        phone(&self.key(key), &text, &self.problems)
    }

    /// A list of telephone numbers, each with the full name of its place.
    pub(super) fn phones(&mut self, key: &'static str) -> Vec<(String, Phone)> {
        let texts = self.list(key).unwrap_or_default();
        texts.into_iter().filter_map(|(place, text)| phone(&place, &text, &self.problems).map(|phone| (place, phone))).collect()
    }

    fn unfit<T>(&self, key: &str, fitting: &str) -> Option<T> {
        self.wrong(key, format!("this must be {fitting}"));
        None
    }
}

fn phone(place: &str, text: &str, problems: &Problems) -> Option<Phone> {
    let phone = Phone::e164(text);
    if phone.is_none() {
        problems.add(
            place,
            "this is not a telephone number in E.164; write a plus sign, the country code and the \
                 number, such as +1 and ten digits, without spaces",
        );
    }
    phone
}

/// The parser's words without its excerpt of the file, in which a telephone number may stand.
fn syntax_problem(error: &str) -> String {
    let mut lines = error.lines().filter(|line| !line.trim().is_empty());
    let (first, last) = (lines.next().unwrap_or_default(), lines.next_back());
    let place = last.map_or(String::new(), |last| format!(", {}", one_line(last)));
    format!("{}{place}; mend the text there", one_line(first))
}

/// A value as it stands in the file, cut where it is too long for a sentence.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}

/// White space of every kind as single spaces, other control characters gone: they reach a voice, TwiML and event titles.
pub(super) fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
