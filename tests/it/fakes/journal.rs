//! What arrived at a fake, in order, and ways to wait for it without sleeping. It never drops or changes an entry.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::wire::Request;

/// Longer than any test should need, shorter than a person's patience: past it the test fails and says what had arrived.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The call in the counterpart's own terms, such as `events.insert`.
    pub call: &'static str,
    /// The calendars (or the number, the call id) it was about.
    pub about: Vec<String>,
    /// The request itself.
    pub request: Request,
    /// Whether its credentials were good when it arrived.
    pub trusted: bool,
    /// The status that the work behind it ended with, whatever the client then saw; `None` while it has not been done.
    pub outcome: Option<u16>,
}

impl Entry {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        self.request.json()
    }
}

/// All requests of one fake.
#[derive(Debug)]
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
    changes: watch::Sender<u64>,
}

impl Journal {
    pub fn new() -> Self {
        Self { entries: Mutex::new(Vec::new()), changes: watch::Sender::new(0) }
    }

    /// Notes an arrival and returns its place.
    pub fn arrived(&self, entry: Entry) -> usize {
        let place = {
            let mut entries = self.entries.lock().unwrap();
            entries.push(entry);
            entries.len() - 1
        };
        self.changes.send_modify(|version| *version += 1);
        place
    }

    /// Notes that the work was done.
    pub fn done(&self, place: usize, status: u16) {
        self.entries.lock().unwrap()[place].outcome = Some(status);
        self.changes.send_modify(|version| *version += 1);
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// Waits until `enough` says so; panics with the journal when that takes too long.
    pub async fn wait_until(&self, what: &str, enough: impl Fn(&[Entry]) -> bool) {
        let mut changes = self.changes.subscribe();
        let waiting = async {
            while !enough(&self.entries()) {
                changes.changed().await.expect("the journal outlives its waiters");
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(came, "waited in vain for {what}; there were:{}", self.listing());
    }

    fn listing(&self) -> String {
        self.entries().iter().fold(String::new(), |mut lines, entry| {
            let _ = write!(lines, "\n  {} {} -> {:?}", entry.request.verb, entry.call, entry.outcome);
            lines
        })
    }
}
