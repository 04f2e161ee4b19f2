//! What is wrong with the settings: every mistake at once, one sentence each, never with a value in it.

use std::fmt;

/// At least one mistake, unless it is still being collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// A single one.
    #[must_use]
    pub fn one(sentence: impl Into<String>) -> Self {
        Self(vec![sentence.into()])
    }

    /// Adds one. The same sentence is kept once: what every business inherits is read once for each of them.
    pub fn add(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }

    /// Adds those of somebody else.
    pub fn extend(&mut self, other: Self) {
        for sentence in other.0 {
            self.add(sentence);
        }
    }

    /// The sentences, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// `value`, if nothing was found.
    ///
    /// # Errors
    /// Itself, if there is anything in it.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}
