//! Which calendars changed, in the order in which this copy of the server learned of it. Each change has a mark that was drawn by
//! lot, by which all copies know it: whoever hears of it twice notices.

use std::collections::{BTreeMap, HashMap};

/// The mark of the last change of each calendar, by the calendar's digest; empty where nobody knows.
pub(super) type Marks = BTreeMap<String, String>;

/// What changed so far. It grows with the number of calendars only.
#[derive(Debug, Default)]
pub(super) struct Changes {
    count: u64,
    last_of: HashMap<String, Change>,
    untold: HashMap<String, String>,
}

#[derive(Debug)]
struct Change {
    number: u64,
    mark: String,
}

impl Changes {
    /// The number of the last change.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number of the last change of any of these.
    pub fn last_of(&self, calendars: &[String]) -> u64 {
        let numbers = calendars.iter().filter_map(|calendar| Some(self.last_of.get(calendar)?.number));
        numbers.max().unwrap_or_default()
    }

    /// Whether this is the mark of its last change.
    pub fn is_last(&self, calendar: &str, mark: &str) -> bool {
        !mark.is_empty() && self.last_of.get(calendar).is_some_and(|last| last.mark == mark)
    }

    /// Something that this copy has learned by itself, which the others are to be told.
    pub fn begin(&mut self, calendar: String, mark: String) {
        self.untold.insert(calendar.clone(), mark.clone());
        self.add(calendar, mark);
    }

    /// Something that others know already, or learn by themselves.
    pub fn add(&mut self, calendar: String, mark: String) {
        self.count += 1;
        self.last_of.insert(calendar, Change { number: self.count, mark });
    }

    /// What another copy says.
    pub fn hear(&mut self, calendar: String, mark: String) {
        if !self.is_last(&calendar, &mark) {
            self.add(calendar, mark);
        }
    }

    /// The marks as they stand for all copies, which were asked for after the change with the number `since`: what came after it
    /// may be newer than they are.
    pub fn compare(&mut self, since: u64, marks: &Marks) {
        for (calendar, mark) in marks {
            let is_known = self.last_of.get(calendar).is_some_and(|last| last.mark == *mark || last.number > since);
            if !is_known {
                self.add(calendar.clone(), mark.clone());
            }
        }
    }

    /// What the others are to be told.
    pub fn take_untold(&mut self) -> HashMap<String, String> {
        std::mem::take(&mut self.untold)
    }
}
