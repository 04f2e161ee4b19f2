//! The whole program, over real HTTP, lives through what some seeds draw: Google fails, answers are lost, deliveries are
//! doubled, people edit the calendar, the server ends. Whatever was said is true in the end.

mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use ringbook::names::BookingState;
use ringbook::store::bookings::BookingRow;
use tokio::runtime::Runtime;

use crate::faults::in_time;
use crate::full::rounds;
use crate::house::{Answer, House, SAM};
use crate::promises::{DOWN, PENDING, come_to_rest, confirmed, late_words, promises_kept, repair_by_sam, said, until};
use schedule::{Act, Ask, Edit, End, drawn};

const BOOK: &str = "bookAppointment";
/// So many lives at the same time.
const AT_ONCE: usize = 6;
/// A life that takes longer than this hangs.
const LONGEST: Duration = Duration::from_mins(2);

/// One life, and what was heard in it.
struct Life {
    house: House,
    heard: Vec<(Ask, Answer)>,
    has_died: bool,
}

impl Life {
    async fn begin() -> Self {
        Self { house: House::new().await, heard: Vec::new(), has_died: false }
    }

    async fn ask(house: &House, ask: &Ask) -> Answer {
        let call = format!("call-of-{}", ask.caller);
        in_time(house.tool_of(ask.caller, &call, &ask.id, BOOK, repair_by_sam(&ask.start))).await
    }

    async fn play(&mut self, act: &Act) {
        self.set_the_stage(act);
        let told = match act.end {
            End::DiesAt(call) => self.dying_at(call, &act.asks).await,
            End::Lives | End::Stops => Some(self.told(&act.asks).await),
        };
        self.all_is_well_again();
        if act.end == End::Stops {
            self.house.stop().await;
            self.begin_again().await;
        }
        let told = match told {
            Some(told) => told,
            // Whoever was cut off asks again.
            None => self.told(&act.asks).await,
        };
        self.heard.extend(act.asks.iter().cloned().zip(told));
    }

    fn set_the_stage(&self, act: &Act) {
        let google = &self.house.google;
        for (call, fault, lasts) in act.faults.clone() {
            if lasts { google.fault_always(call, fault) } else { google.fault(call, fault) }
        }
        google.lag_reads(u32::from(act.lags));
        if let Some(Edit { call, moment, takes_out }) = act.edit {
            let start = act.asks[0].start.clone();
            google.on(call, moment, move |google| {
                if takes_out {
                    for event in google.events(SAM).iter().filter(|event| event["extendedProperties"].is_object()) {
                        google.staff_deletes(SAM, event["id"].as_str().unwrap());
                    }
                } else {
                    let edge = |time: String| serde_json::json!({ "dateTime": time, "timeZone": "America/New_York" });
                    let event = serde_json::json!({ "start": edge(format!("{start}:00")), "end": edge(format!("{start}:59")) });
                    google.staff_adds_event(SAM, &event);
                }
            });
        }
    }

    fn all_is_well_again(&self) {
        self.house.google.clear_faults();
        self.house.google.catch_up();
    }

    async fn told(&self, asks: &[Ask]) -> Vec<Answer> {
        join_all(asks.iter().map(|ask| Self::ask(&self.house, ask))).await
    }

    /// `None` when the server died before everybody was answered.
    async fn dying_at(&mut self, call: &'static str, asks: &[Ask]) -> Option<Vec<Answer>> {
        let count = self.house.google.count(call) + 1;
        let told = {
            let asking = std::pin::pin!(self.told(asks));
            let arriving = std::pin::pin!(self.house.google.wait_for(call, count));
            match select(asking, arriving).await {
                Either::Left((told, _)) => Some(told),
                Either::Right(_) => None,
            }
        };
        self.has_died = true;
        self.house.crash().await;
        self.all_is_well_again();
        self.begin_again().await;
        told
    }

    /// What was left half done is taken up at the start if it is older than any caller waits.
    async fn begin_again(&mut self) {
        self.house.clock.advance(Duration::from_mins(2));
        self.house.restart().await;
    }

    /// Everything comes to its end, what people did in the calendar included.
    async fn rest(&self) {
        come_to_rest(&self.house).await;
        until(&self.house, "rows that agree with the calendar", async || {
            let there = self.house.google.events(SAM).into_iter().filter(|event| event["extendedProperties"].is_object());
            let events: BTreeSet<String> = there.map(|event| event["id"].as_str().unwrap().to_owned()).collect();
            let rows = confirmed(&self.house).await;
            events == rows.iter().map(|row| row.event_id.to_string()).collect()
        })
        .await;
        promises_kept(&self.house).await;
    }

    /// Every answer is one of the things that may be said, and true.
    async fn answers_are_true(&self) {
        let rows = self.house.bookings().await;
        for (ask, answer) in &self.heard {
            let sentence = said(answer);
            if let Some(code) = code_in(&sentence) {
                let row = rows.iter().find(|row| row.confirmation == code).unwrap_or_else(|| panic!("no row: {sentence}"));
                assert!(row.state == BookingState::Confirmed || self.is_taken_out(row), "{row:?}: {sentence}");
                assert_eq!((row.customer_phone.as_str(), start_of(row)), (ask.caller, ask.start.clone()), "{sentence}");
            } else if sentence == PENDING {
                let is_meant = |row: &&BookingRow| row.customer_phone.as_str() == ask.caller && start_of(row) == ask.start;
                assert!(rows.iter().filter(is_meant).any(|row| row.promised), "{ask:?}: {sentence}");
            } else {
                let says_no = ["othing is booked", "is not confirmed"].iter().any(|words| sentence.contains(words));
                assert!(sentence == DOWN || says_no, "{ask:?}: {sentence}");
            }
        }
    }

    /// A person has deleted its event.
    fn is_taken_out(&self, row: &BookingRow) -> bool {
        let tombstones = self.house.google.all_events(SAM).into_iter().filter(|event| event["status"] == "cancelled");
        row.state == BookingState::Cancelled && tombstones.into_iter().any(|event| event["id"] == row.event_id.as_str())
    }

    /// To whom an outcome was promised is told it, once, and nobody else is told anything.
    async fn promised_is_told(&self) {
        let rows = self.house.bookings().await;
        let promised = |row: &&BookingRow| row.promised;
        let released = |row: &&BookingRow| row.state == BookingState::Released;
        let lost = rows.iter().filter(promised).filter(released).count();
        let won = rows.iter().filter(promised).count() - lost;
        // A success that was just being told when the server died may have been heard: it is told once at most.
        let sure = if self.has_died { 0 } else { won };
        until(&self.house, "outcomes to be told", async || {
            let (codes, failures) = self.outcomes();
            failures >= lost && codes.len() >= sure
        })
        .await;
        let (codes, failures) = self.outcomes();
        assert_eq!(failures, lost, "{:?}", late_words(&self.house));
        for (code, times) in codes {
            let row = rows.iter().find(|row| row.confirmation == code).unwrap_or_else(|| panic!("told of {code}: {rows:?}"));
            assert!(row.promised && row.state != BookingState::Released && times == 1, "told {times} times: {row:?}");
        }
    }

    /// The codes that callers were told by SMS, how often each, and how many were told that nothing is booked.
    fn outcomes(&self) -> (BTreeMap<String, u32>, usize) {
        let (mut codes, mut failures) = (BTreeMap::new(), 0);
        for message in late_words(&self.house) {
            let body = message["body"].as_str().unwrap();
            match code_in(body) {
                Some(code) => *codes.entry(code).or_default() += 1,
                None => failures += usize::from(body.contains("Nothing is booked")),
            }
        }
        (codes, failures)
    }

    /// A success is told again in the same words, and whoever heard something else hears what is so now.
    async fn everybody_asks_again(&mut self) {
        let mut before: BTreeMap<Ask, Answer> = BTreeMap::new();
        for (ask, answer) in std::mem::take(&mut self.heard) {
            before.insert(ask, answer);
        }
        for (ask, answer) in before {
            let again = Self::ask(&self.house, &ask).await;
            if code_in(&said(&answer)).is_some() {
                assert_eq!(again, answer, "{ask:?}");
            }
            assert_ne!(said(&again), PENDING, "{ask:?}");
            self.heard.push((ask, again));
        }
    }
}

/// The code in "You're booked … Your confirmation code is …".
fn code_in(sentence: &str) -> Option<String> {
    let (_, code) = sentence.split_once("You're booked")?.1.split_once("confirmation code is ")?;
    Some(code.trim_end_matches('.').to_owned())
}

fn start_of(row: &BookingRow) -> String {
    row.wall_clock.replace(' ', "T")
}

async fn live(seed: u64) {
    let mut life = Life::begin().await;
    for act in drawn(seed) {
        life.play(&act).await;
    }
    life.rest().await;
    life.answers_are_true().await;
    life.promised_is_told().await;
    life.everybody_asks_again().await;
    life.rest().await;
    life.answers_are_true().await;
}

fn lived(seed: u64) {
    let life = async { tokio::time::timeout(LONGEST, live(seed)).await };
    assert!(Runtime::new().unwrap().block_on(life).is_ok(), "this life hangs");
}

#[test]
fn whatever_a_seed_draws_what_was_said_is_true_in_the_end() {
    let seeds: Vec<u64> = (0..rounds(12, 300) as u64).collect();
    for some in seeds.chunks(AT_ONCE) {
        // A thread for each, so that a failure is known by its seed.
        let begin = |seed: &u64| {
            let seed = *seed;
            (seed, std::thread::spawn(move || lived(seed)))
        };
        for (seed, life) in some.iter().map(begin).collect::<Vec<_>>() {
            assert!(life.join().is_ok(), "seed {seed}: {:#?}", drawn(seed));
        }
    }
}
