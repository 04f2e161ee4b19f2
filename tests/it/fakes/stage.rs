//! What a fake was told to do and what has happened to it: scripted faults, gates that hold requests so that races need no
//! sleeps, and the journal. It knows nothing of the counterpart's state.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::faults::{Fault, Struck};
use super::journal::{Entry, Journal, PATIENCE};

#[derive(Clone, Debug)]
struct Rule {
    call: &'static str,
    about: Option<String>,
    fault: Fault,
    always: bool,
}

impl Rule {
    fn fits(&self, call: &str, about: &[String]) -> bool {
        covers(self.call, call) && self.about.as_ref().is_none_or(|wanted| about.contains(wanted))
    }
}

/// Stands for every call of a fake.
pub const EVERY: &str = "*";

fn covers(named: &str, call: &str) -> bool {
    named == call || named == EVERY
}

/// Before or after the work behind a request is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Holds requests until a test opens it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateState>);

#[derive(Debug)]
struct GateState {
    open: watch::Sender<bool>,
    arrived: watch::Sender<usize>,
}

/// What [`Stage::hold`] returns.
pub type Held = Gate;

impl Gate {
    pub fn new() -> Self {
        Self(Arc::new(GateState { open: watch::Sender::new(false), arrived: watch::Sender::new(0) }))
    }

    /// Waits until so many requests stand at the gate; panics when that takes too long.
    pub async fn reached(&self, count: usize) {
        let mut arrived = self.0.arrived.subscribe();
        let waiting = arrived.wait_for(|here| *here >= count);
        let came = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(came, "waited in vain for {count} requests at the gate; there were {}", *self.0.arrived.borrow());
    }

    /// Lets everybody through, now and later.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    pub(super) async fn pass(&self) {
        let mut open = self.0.open.subscribe();
        if !*open.borrow() {
            self.0.arrived.send_modify(|here| *here += 1);
        }
        // The gate is alive as long as `self` is, so this ends only when it opens.
        let _ = open.wait_for(|open| *open).await;
    }
}

type Act = Box<dyn FnOnce() + Send>;

/// What a fake was told to do, and what has happened to it: the part that all fakes share.
pub struct Stage {
    calls: &'static [&'static str],
    rules: Mutex<Vec<Rule>>,
    holds: Mutex<Vec<(&'static str, Moment, Gate)>>,
    acts: Mutex<Vec<(&'static str, Moment, Act)>>,
    latency: Mutex<Duration>,
    to_close: AtomicUsize,
    journal: Journal,
}

impl Stage {
    /// `calls` are the names that the fake knows; a test that names another one is wrong and panics.
    pub fn new(calls: &'static [&'static str]) -> Self {
        Self {
            calls,
            rules: Mutex::default(),
            holds: Mutex::default(),
            acts: Mutex::default(),
            latency: Mutex::default(),
            to_close: AtomicUsize::new(0),
            journal: Journal::new(),
        }
    }

    /// The next such call goes wrong, once; several wait in a row. `"*"` is every call.
    pub fn fault(&self, call: &'static str, fault: Fault) {
        self.script(call, None, fault, false);
    }

    /// The next such call about this calendar (number, call id) goes wrong, once.
    pub fn fault_in(&self, call: &'static str, about: &str, fault: Fault) {
        self.script(call, Some(about), fault, false);
    }

    /// Every such call goes wrong until [`Stage::clear_faults`]; faults scripted once come first.
    pub fn fault_always(&self, call: &'static str, fault: Fault) {
        self.script(call, None, fault, true);
    }

    /// Every such call about this calendar goes wrong until [`Stage::clear_faults`].
    pub fn fault_always_in(&self, call: &'static str, about: &str, fault: Fault) {
        self.script(call, Some(about), fault, true);
    }

    fn script(&self, call: &'static str, about: Option<&str>, fault: Fault, always: bool) {
        self.must_know(call);
        self.rules.lock().unwrap().push(Rule { call, about: about.map(str::to_owned), fault, always });
    }

    /// Forgets all scripted faults; requests that already hang keep hanging.
    pub fn clear_faults(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// Holds every such call before its work is done, until released.
    pub fn hold(&self, call: &'static str) -> Held {
        self.hold_at(call, Moment::Before)
    }

    /// Holds every answer of such a call after its work was done, until released.
    pub fn hold_after(&self, call: &'static str) -> Held {
        self.hold_at(call, Moment::After)
    }

    fn hold_at(&self, call: &'static str, moment: Moment) -> Held {
        self.must_know(call);
        let gate = Gate::new();
        self.holds.lock().unwrap().push((call, moment, gate.clone()));
        gate
    }

    /// Real time that every call takes from now on.
    pub fn latency(&self, each: Duration) {
        *self.latency.lock().unwrap() = each;
    }

    /// The next so many connections are accepted and closed without a byte.
    pub fn close_connections(&self, count: usize) {
        self.to_close.store(count, Ordering::SeqCst);
    }

    pub(super) fn takes_connection(&self) -> bool {
        self.to_close.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    pub(super) fn act_at(&self, call: &'static str, moment: Moment, act: Act) {
        self.must_know(call);
        self.acts.lock().unwrap().push((call, moment, act));
    }

    /// Does, once, what a test wanted to happen at the next such call.
    pub(super) fn run_acts(&self, call: &str, moment: Moment) {
        let due: Vec<_> = self.acts.lock().unwrap().extract_if(.., |(at, when, _)| covers(at, call) && *when == moment).collect();
        for (_, _, act) in due {
            act();
        }
    }

    pub(super) async fn wait_latency(&self) {
        let each = *self.latency.lock().unwrap();
        if !each.is_zero() {
            tokio::time::sleep(each).await;
        }
    }

    pub(super) async fn pass_holds(&self, call: &str, moment: Moment) {
        let gates: Vec<Gate> = self
            .holds
            .lock()
            .unwrap()
            .iter()
            .filter(|(at, when, _)| covers(at, call) && *when == moment)
            .map(|held| held.2.clone())
            .collect();
        for gate in gates {
            gate.pass().await;
        }
    }

    /// The faults that strike this request: at most one that concerns it as a whole, and any that concern single calendars.
    pub(super) fn strike(&self, call: &str, about: &[String]) -> Vec<Struck> {
        let mut rules = self.rules.lock().unwrap();
        let mut struck: Vec<Struck> = Vec::new();
        for always in [false, true] {
            rules.retain(|rule| {
                let same_kind = |other: &Struck| match (rule.fault.is_partial(), other.fault.is_partial()) {
                    (true, true) => other.about == rule.about,
                    (partial, other) => partial == other,
                };
                let strikes = rule.always == always && rule.fits(call, about) && !struck.iter().any(same_kind);
                if strikes {
                    struck.push(Struck { fault: rule.fault.clone(), about: rule.about.clone() });
                }
                !strikes || always
            });
        }
        struck
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Everything that arrived, in order.
    pub fn requests(&self) -> Vec<Entry> {
        self.journal.entries()
    }

    /// What arrived of one call.
    pub fn requests_of(&self, call: &'static str) -> Vec<Entry> {
        self.must_know(call);
        self.requests().into_iter().filter(|entry| entry.call == call).collect()
    }

    /// How many of one call arrived.
    pub fn count(&self, call: &'static str) -> usize {
        self.requests_of(call).len()
    }

    /// Waits until so many of one call have arrived.
    pub async fn wait_for(&self, call: &'static str, count: usize) {
        self.must_know(call);
        let enough = |entries: &[Entry]| entries.iter().filter(|entry| entry.call == call).count() >= count;
        self.journal.wait_until(&format!("{count} × {call}"), enough).await;
    }

    /// Waits until the work behind so many of one call has been done well (2xx), whatever the client saw of it.
    pub async fn wait_for_done(&self, call: &'static str, count: usize) {
        self.must_know(call);
        let done = |entry: &&Entry| entry.call == call && entry.outcome.is_some_and(|status| status < 300);
        self.journal.wait_until(&format!("{count} × {call} done"), |entries| entries.iter().filter(done).count() >= count).await;
    }

    fn must_know(&self, call: &str) {
        assert!(call == EVERY || self.calls.contains(&call), "this fake has no call {call}; it has {:?}", self.calls);
    }
}
