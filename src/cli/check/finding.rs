//! What a look at one thing found, for people and for scripts.

use std::fmt::Write;

use serde::Serialize;

use super::super::Failure;
use crate::names::Slug;

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it should.
    Ok,
    /// A call would work, but somebody should know.
    Warning,
    /// A call would not work.
    Wrong,
}

/// One line of the doctor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Whose; `None` for what belongs to all.
    pub business: Option<Slug>,
    /// What was looked at.
    pub subject: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub text: String,
    /// How to mend it; empty when there is nothing to mend.
    pub mend: String,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub fn ok(&mut self, business: Option<&Slug>, subject: &'static str, text: impl Into<String>) {
        self.add(business, subject, State::Ok, text.into(), String::new());
    }

    pub fn warning(&mut self, business: Option<&Slug>, subject: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.add(business, subject, State::Warning, text.into(), mend.into());
    }

    pub fn wrong(&mut self, business: Option<&Slug>, subject: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.add(business, subject, State::Wrong, text.into(), mend.into());
    }

    fn add(&mut self, business: Option<&Slug>, subject: &'static str, state: State, text: String, mend: String) {
        self.0.push(Finding { business: business.cloned(), subject, state, text, mend });
    }

    /// How many things stand in the way of a call.
    pub fn wrongs(&self) -> usize {
        self.0.iter().filter(|finding| finding.state == State::Wrong).count()
    }

    pub fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.0).map_err(|error| Failure::because("the findings cannot be written as JSON", error))
    }

    /// The same for people.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for Finding { business, subject, state, text, mend } in &self.0 {
            let mark = match state {
                State::Ok => "ok     ",
                State::Warning => "warning",
                State::Wrong => "WRONG  ",
            };
            let whose = business.as_ref().map(|business| format!("{business}, ")).unwrap_or_default();
            // A string takes whatever is written to it.
            let _ = writeln!(lines, "{mark}  {whose}{subject}: {text}");
            if !mend.is_empty() {
                let _ = writeln!(lines, "         -> {mend}");
            }
        }
        lines
    }
}
