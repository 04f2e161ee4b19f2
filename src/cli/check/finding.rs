//! What a look at one thing found, for people and for scripts.

use std::fmt::Write;

use serde::Serialize;

use super::super::Failure;
use super::topics;
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
    /// What was looked at: stays the same from version to version.
    pub id: &'static str,
    /// Whose; `None` for what belongs to all.
    pub business: Option<Slug>,
    /// The same as `id`, for people.
    pub subject: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub text: String,
    /// Why it matters; empty when all is well.
    pub why: &'static str,
    /// How to mend it; empty when there is nothing to mend.
    pub mend: String,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub fn ok(&mut self, business: Option<&Slug>, id: &'static str, text: impl Into<String>) {
        self.add(business, id, State::Ok, text.into(), String::new());
    }

    pub fn warning(&mut self, business: Option<&Slug>, id: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.add(business, id, State::Warning, text.into(), mend.into());
    }

    pub fn wrong(&mut self, business: Option<&Slug>, id: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.add(business, id, State::Wrong, text.into(), mend.into());
    }

    fn add(&mut self, business: Option<&Slug>, id: &'static str, state: State, text: String, mend: String) {
        let (subject, why) = topics::about(id);
        let why = if state == State::Ok { "" } else { why };
        self.0.push(Finding { id, business: business.cloned(), subject, state, text, why, mend });
    }

    /// With those of another look behind them.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many things stand in the way of a call.
    pub fn wrongs(&self) -> usize {
        self.0.iter().filter(|finding| finding.state == State::Wrong).count()
    }

    pub fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.0).map_err(|error| Failure::because("the findings cannot be written as JSON", error))
    }

    /// The same for people, as a table; what is long runs on, so that a command can be copied.
    pub fn table(&self, coloured: bool) -> String {
        let whose = |finding: &Finding| match &finding.business {
            Some(business) => format!("{business}, {}", finding.subject),
            None => finding.subject.to_owned(),
        };
        let width = self.0.iter().map(|finding| whose(finding).chars().count()).max().unwrap_or_default();
        let mut lines = String::new();
        for finding in &self.0 {
            let (mark, colour) = match finding.state {
                State::Ok => ("ok     ", "32"),
                State::Warning => ("warning", "33"),
                State::Wrong => ("WRONG  ", "1;31"),
            };
            let mark = if coloured { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark.to_owned() };
            // A string takes whatever is written to it.
            let _ = writeln!(lines, "{mark}  {:<width$}  {}", whose(finding), finding.text);
            for (head, more) in [("why:", finding.why), ("mend:", finding.mend.as_str())] {
                if !more.is_empty() {
                    let _ = writeln!(lines, "         {:<width$}  {head:<5} {more}", "");
                }
            }
        }
        lines
    }
}
