//! A snapshot of the process environment and of `.env`, taken once. It never writes to the environment, and it never
//! shows a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::{fmt, fs, io};

use super::problems::Problems;
use super::table::Setting;

/// Names and values, as they were when the program started.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
}

impl Environment {
    /// The process environment, then `.env` in the working directory; what the process has wins, even when it is empty.
    ///
    /// # Errors
    /// A line of `.env` that cannot be read, a `.env` that cannot be opened, and a setting that is not UTF-8.
    pub fn read() -> Result<Self, Problems> {
        Self::from_process(std::env::vars_os())?.with_file(Path::new(".env"))
    }

    /// These values and no others: for tests, and for a server that is started with made-up ones.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { values: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// Adds what a file in the form of `.env` has and this snapshot has not; of two lines for one name the first counts
    /// that is not empty. A file that does not exist adds nothing.
    ///
    /// # Errors
    /// The first line that cannot be read, by its number and without its value; or why the file cannot be opened.
    pub fn with_file(mut self, path: &Path) -> Result<Self, Problems> {
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(Problems::one(format!("{shown} cannot be read: {error}."))),
        };
        // Some editors begin a file with a byte order mark, which would become part of the first name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            let Ok((name, value)) = line else { return Err(Problems::one(malformed(&shown.to_string(), text))) };
            // `ringbook keygen >> .env` leaves the empty line of the example above the one that it adds.
            if !value.is_empty() {
                self.values.entry(name).or_insert(value);
            }
        }
        Ok(self)
    }

    /// The same with one value more, in the place of another of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// The value of that name without surrounding space; `None` when absent or empty, which is the same thing.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The names that have a value, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter(|(_, value)| !value.trim().is_empty()).map(|(name, _)| name.as_str())
    }

    fn from_process(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, Problems> {
        let mut values = BTreeMap::new();
        let mut problems = Problems::default();
        for (name, value) in variables {
            // Names that are not UTF-8 are none of ours, and what other programs put into theirs is their affair.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => {
                    values.insert(name, value);
                }
                Err(_) if is_ours(&name) => problems.add(format!("{name} is not UTF-8 text; set it again.")),
                Err(_) => {}
            }
        }
        problems.none_or(Self { values })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// `NAME` or `NAME__SLUG` of a setting of ours.
fn is_ours(name: &str) -> bool {
    Setting::named(name.split_once("__").map_or(name, |(base, _)| base)).is_some()
}

/// Names the line at which reading stops. The reader says what the line holds, which may be a secret, but not where it
/// is. Its beginning is the end of the longest run of lines that can be read: a quoted value may span several.
fn malformed(file: &str, text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let reads = |count: usize| {
        let prefix: String = lines.iter().take(count).copied().collect();
        dotenvy::from_read_iter(prefix.as_bytes()).all(|line| line.is_ok())
    };
    let good = (0..lines.len()).rev().find(|count| reads(*count)).unwrap_or(0);
    let name = lines.get(good).and_then(|line| line.split_once('=')).map(|(name, _)| name.trim());
    let name = name.filter(|name| is_ours(name)).map(|name| format!(" ({name})")).unwrap_or_default();
    format!(
        "{file}, line {}{name}, cannot be read: write NAME=value, and put a value with spaces, quotes, $ or # into single quotes.",
        good + 1
    )
}
