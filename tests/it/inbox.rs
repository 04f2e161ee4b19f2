//! Heard this before? One answer for everyone who delivers a tool call, for as long as its key counts; and keys that no
//! caller can make look like another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use ringbook::clock::Clock;
use ringbook::inbox::key::{Asked, Key, Memory};
use ringbook::inbox::{Answer, Inbox};
use ringbook::names::{Slug, ToolCallId};
use ringbook::store::Store;
use time::macros::datetime;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::shelf::{On, Place, on_both};

/// An inbox over a database of its own, and work that is counted.
struct Desk {
    place: Place,
    store: Store,
    clock: Clock,
    inbox: Inbox,
    begun: Arc<AtomicU32>,
}

fn asked<'a>(business: &'a Slug, call: Option<&'a str>, caller: &'a str, wish: &'a str) -> Asked<'a> {
    Asked { business, call, caller, tool: "bookAppointment", acts: true, wish }
}

fn slug() -> Slug {
    Slug::parse("abc-hvac").unwrap()
}

fn id(text: &str) -> ToolCallId {
    ToolCallId::parse(text).unwrap()
}

fn with_id(call: &str, tool_call: &str) -> Key {
    Key::with_id(&asked(&slug(), Some(call), "+15557654321", ""), &id(tool_call))
}

fn without_id(caller: &str, wish: &str) -> Key {
    Key::without_id(&asked(&slug(), None, caller, wish))
}

impl Desk {
    async fn on(on: On) -> Self {
        let place = Place::new(on).await;
        let store = place.open().await;
        let clock = Clock::fixed(datetime!(2026-11-23 14:00 UTC));
        let inbox = Inbox::new(store.clone(), clock.clone(), Handle::current());
        Self { place, store, clock, inbox, begun: Arc::default() }
    }

    /// The same database, another process.
    async fn restart(self) -> Self {
        self.store.close().await;
        let store = self.place.open().await;
        let inbox = Inbox::new(store.clone(), self.clock.clone(), Handle::current());
        Self { store, inbox, ..self }
    }

    /// Delivers a call whose work answers with its own number.
    async fn deliver(&self, key: &Key) -> String {
        self.deliver_as(key, "asked", true, false).await
    }

    async fn deliver_as(&self, key: &Key, asked: &str, sticks: bool, acted: bool) -> String {
        let number = Arc::clone(&self.begun);
        let work = move || async move {
            let text = format!("answer {}", number.fetch_add(1, Ordering::SeqCst)).into();
            Answer { text, sticks, acted }
        };
        let running = self.inbox.once(key.clone(), asked.to_owned(), work).unwrap();
        running.outcome().await.unwrap().unwrap().text.to_string()
    }
}

on_both!(
    #[tokio::test]
    Desk;
    duplicates_wait_for_the_one_that_runs_and_get_its_bytes,
    an_answer_is_the_same_after_a_restart_and_for_other_arguments,
    what_may_pass_is_not_kept,
    work_that_was_cut_off_is_done_by_the_next_delivery,
    a_wish_without_an_id_counts_for_an_hour,
    a_question_without_an_id_shares_a_running_answer_only,
    an_act_makes_its_caller_s_other_answers_without_ids_forgotten_and_nobody_elses,
);

async fn duplicates_wait_for_the_one_that_runs_and_get_its_bytes(desk: Desk) {
    let gate = Arc::new(Semaphore::new(0));
    let join = || {
        let (gate, begun) = (Arc::clone(&gate), Arc::clone(&desk.begun));
        desk.inbox.once(with_id("v1", "t1"), "asked".into(), move || async move {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            Answer { text: format!("answer {number}").into(), sticks: true, acted: true }
        })
    };
    let waiting: Vec<_> = (0..10).map(|_| join().unwrap()).collect();
    gate.add_permits(1);
    for running in waiting {
        assert_eq!(&*running.outcome().await.unwrap().unwrap().text, "answer 0");
    }
    assert_eq!(desk.deliver(&with_id("v1", "t1")).await, "answer 0", "and so does who comes later");
}

async fn an_answer_is_the_same_after_a_restart_and_for_other_arguments(desk: Desk) {
    let key = with_id("v1", "t1");
    assert_eq!(desk.deliver(&key).await, "answer 0");
    let desk = desk.restart().await;
    assert_eq!(desk.deliver(&key).await, "answer 0");
    assert_eq!(desk.deliver_as(&key, "something else", true, true).await, "answer 0");
    desk.clock.advance(Duration::from_hours(24 * 30));
    assert_eq!(desk.deliver(&key).await, "answer 0", "an id counts for good");
    assert_eq!(desk.deliver(&with_id("v1", "t2")).await, "answer 1");
    assert_eq!(desk.deliver(&with_id("v2", "t1")).await, "answer 2");
}

async fn what_may_pass_is_not_kept(desk: Desk) {
    let key = with_id("v1", "t1");
    assert_eq!(desk.deliver_as(&key, "asked", false, false).await, "answer 0");
    assert_eq!(desk.deliver_as(&key, "asked", true, true).await, "answer 1");
    assert_eq!(desk.deliver_as(&key, "asked", false, false).await, "answer 1");
}

async fn work_that_was_cut_off_is_done_by_the_next_delivery(desk: Desk) {
    let key = with_id("v1", "t1");
    let cut_off = desk.inbox.once(key.clone(), "asked".into(), || async { panic!("a panic on purpose") }).unwrap();
    assert!(cut_off.outcome().await.is_err());
    let desk = desk.restart().await;
    assert_eq!(desk.deliver(&key).await, "answer 0");
}

async fn a_wish_without_an_id_counts_for_an_hour(desk: Desk) {
    let key = without_id("+15557654321", "repair\n2026-12-01");
    assert_eq!(key.memory, Memory::Hour);
    assert_eq!(desk.deliver(&key).await, "answer 0");
    desk.clock.advance(Duration::from_hours(1));
    assert_eq!(desk.deliver(&key).await, "answer 0");
    let desk = desk.restart().await;
    desk.clock.advance(Duration::from_millis(1));
    assert_eq!(desk.deliver(&key).await, "answer 1");
    desk.clock.advance(Duration::from_mins(59));
    assert_eq!(desk.deliver(&key).await, "answer 1", "the new answer has an hour of its own");
}

async fn a_question_without_an_id_shares_a_running_answer_only(desk: Desk) {
    let business = slug();
    let key = Key::without_id(&Asked { acts: false, tool: "checkAvailability", ..asked(&business, None, "+15557654321", "w") });
    assert_eq!(key.memory, Memory::WhileRunning);
    assert_eq!(desk.deliver(&key).await, "answer 0");
    assert_eq!(desk.deliver(&key).await, "answer 1");
}

async fn an_act_makes_its_caller_s_other_answers_without_ids_forgotten_and_nobody_elses(desk: Desk) {
    let others =
        [without_id("+15550000001", "w"), without_id("5550000001", "w"), without_id("(555) 000-0001", "w"), with_id("v1", "t1")];
    let mine = [without_id("", "w"), without_id("", "other"), without_id("", "booked")];
    for (index, key) in others.iter().chain(&mine[..2]).enumerate() {
        assert_eq!(desk.deliver(key).await, format!("answer {index}"));
    }
    assert_eq!(desk.deliver_as(&mine[2], "asked", true, true).await, "answer 6");
    for (index, key) in others.iter().enumerate() {
        assert_eq!(desk.deliver(key).await, format!("answer {index}"), "{key:?}");
    }
    assert_eq!(desk.deliver(&mine[2]).await, "answer 6", "what was just answered stays");
    assert_eq!(desk.deliver(&mine[0]).await, "answer 7");
    assert_eq!(desk.deliver(&mine[1]).await, "answer 8");
}

#[test]
fn a_key_is_the_same_for_the_same_call_and_wish_and_for_nothing_else() {
    assert_eq!(with_id("v1", "t1"), with_id("v1", "t1"));
    assert_ne!(with_id("v1", "t1").text, with_id("v1", "t2").text);
    assert_ne!(with_id("v1", "t1").text, with_id("v2", "t1").text);
    let (one, other) = (slug(), Slug::parse("xyz").unwrap());
    assert_ne!(
        Key::with_id(&asked(&one, Some("v"), "", ""), &id("t")).text,
        Key::with_id(&asked(&other, Some("v"), "", ""), &id("t")).text
    );
    // A model numbers its calls anew in every conversation: without a call, the id alone is nobody's name.
    assert_ne!(
        Key::with_id(&asked(&one, None, "+15550000001", ""), &id("t")).text,
        Key::with_id(&asked(&one, None, "+15550000002", ""), &id("t")).text
    );
    let book = Asked { tool: "bookAppointment", ..asked(&one, None, "c", "w") };
    let schedule = Asked { tool: "scheduleHVACAppointment", ..book };
    assert_ne!(Key::without_id(&book).text, Key::without_id(&schedule).text);
}

fn chosen() -> impl Strategy<Value = String> {
    let chars = proptest::sample::select("ab/~ +0f\n".chars().collect::<Vec<_>>());
    proptest::collection::vec(chars, 0..6).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn no_text_that_somebody_chose_makes_two_keys_one(
        one in (proptest::option::of(chosen()), chosen(), chosen(), "[!-~]{1,6}"),
        other in (proptest::option::of(chosen()), chosen(), chosen(), "[!-~]{1,6}"),
    ) {
        let business = slug();
        let keys = |(call, caller, wish, tool_call): &(Option<String>, String, String, String)| {
            let asked = asked(&business, call.as_deref(), caller, wish);
            (Key::with_id(&asked, &id(tool_call)), Key::without_id(&asked))
        };
        let ((by_id, by_wish), (other_by_id, other_by_wish)) = (keys(&one), keys(&other));
        let same_call = one.0 == other.0 && (one.0.is_some() || one.1 == other.1);
        prop_assert_eq!(by_id.text == other_by_id.text, same_call && one.3 == other.3, "{:?} {:?}", by_id, other_by_id);
        let same_caller = one.1 == other.1;
        let call = |call: &Option<String>| call.clone().unwrap_or_default();
        let same_wish = same_caller && call(&one.0) == call(&other.0) && one.2 == other.2;
        prop_assert_eq!(by_wish.text == other_by_wish.text, same_wish, "{:?} {:?}", by_wish, other_by_wish);
        prop_assert_ne!(&by_id.text, &other_by_wish.text);
        prop_assert_eq!(by_wish.text.starts_with(&other_by_wish.caller), same_caller, "what is forgotten under a caller is that caller's");
    }

    #[test]
    fn a_digest_cannot_be_passed_off_as_a_text(text in ".*[^a-zA-Z0-9_+-].*") {
        let business = slug();
        let key = Key::without_id(&asked(&business, None, &text, ""));
        let shown = key.caller.split('/').nth(2).unwrap().to_owned();
        prop_assert_ne!(Key::without_id(&asked(&business, None, &shown, "")).text, key.text);
    }
}
