//! What happens in one life of the whole program, drawn from a seed: who asks for what, how often it is delivered, how Google
//! fails meanwhile, who edits the calendar, and when the server ends. Pure.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::fakes::faults::Fault;
use crate::fakes::stage::Moment;
use crate::promises::place;

/// How many times are fought for.
const PLACES: usize = 4;
const CALLERS: [&str; 3] = ["+15557654321", "+15551112222", "+15553334444"];

/// One delivery of a tool call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    pub caller: &'static str,
    pub id: String,
    pub start: String,
}

/// What somebody does in the calendar, at the next such call.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    pub call: &'static str,
    pub moment: Moment,
    /// They take our events out, or else put one of their own at the time that is asked for.
    pub takes_out: bool,
}

/// How the server ends, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Lives,
    /// In good order, after the answers.
    Stops,
    /// The moment that such a call arrives at Google.
    DiesAt(&'static str),
}

/// Deliveries at the same time, and what befalls them.
#[derive(Clone, Debug)]
pub struct Act {
    pub asks: Vec<Ask>,
    /// What goes wrong, and whether it does as long as this act lasts.
    pub faults: Vec<(&'static str, Fault, bool)>,
    /// The next read does not show what was inserted.
    pub lags: bool,
    pub edit: Option<Edit>,
    pub end: End,
}

/// The acts of this seed.
pub fn drawn(seed: u64) -> Vec<Act> {
    let mut random = StdRng::seed_from_u64(seed);
    let acts = random.random_range(2..5);
    (0..acts).map(|number| act(&mut random, number)).collect()
}

fn act(random: &mut StdRng, number: usize) -> Act {
    let start = place(random.random_range(0..PLACES));
    let caller = *CALLERS.choose(random).unwrap();
    let ask = |caller, id: &str| Ask { caller, id: format!("t{number}{id}"), start: start.clone() };
    let mut asks = vec![ask(caller, "a")];
    if random.random_ratio(1, 3) {
        asks.extend(vec![ask(caller, "a"); random.random_range(1..4)]);
    }
    if random.random_ratio(1, 4) {
        asks.push(ask(caller, "b"));
    }
    if random.random_ratio(1, 3) {
        asks.push(ask(CALLERS.choose(random).unwrap(), "c"));
    }
    let mut faults = Vec::new();
    for call in ["events.list", "events.insert", "events.get", "events.delete", "freebusy.query"] {
        let odds = if call == "events.insert" { 2 } else { 5 };
        if random.random_ratio(1, odds) {
            faults.push((call, fault(random, call), random.random_ratio(1, 5)));
        }
    }
    let edit = random.random_ratio(1, 4).then(|| Edit {
        call: ["events.list", "events.insert", "events.get"].choose(random).unwrap(),
        moment: *[Moment::Before, Moment::After].choose(random).unwrap(),
        takes_out: random.random_ratio(1, 2),
    });
    let end = match random.random_range(0..8) {
        0 => End::Stops,
        1 => End::DiesAt(["events.list", "events.insert", "events.get"].choose(random).unwrap()),
        _ => End::Lives,
    };
    Act { asks, faults, lags: random.random_ratio(1, 6), edit, end }
}

fn fault(random: &mut StdRng, call: &str) -> Fault {
    let limited = |seconds| Fault::Status { code: 429, reason: "rateLimitExceeded", retry_after: Some(seconds), html: false };
    let mut all = vec![
        Fault::status(500, "backendError"),
        Fault::Status { code: 503, reason: "", retry_after: None, html: true },
        Fault::status(403, "forbidden"),
        limited(1),
        limited(60),
        Fault::ResetBeforeCommit,
        Fault::TruncatedAfterCommit,
        Fault::Html200,
        Fault::Empty200,
    ];
    match call {
        "events.insert" => all.extend([
            Fault::status(409, "duplicate"),
            Fault::ResetAfterCommit,
            Fault::status_after_commit(500, "backendError"),
            Fault::status_after_commit(408, "timeout"),
            Fault::wrong_event(),
            Fault::HangAfterCommit,
            Fault::HangBeforeCommit,
        ]),
        "events.delete" => all.extend([Fault::ResetAfterCommit, Fault::status_after_commit(503, "backendError")]),
        _ => all.push(Fault::HangBeforeCommit),
    }
    all.choose(random).unwrap().clone()
}
