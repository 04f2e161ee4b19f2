//! What the copies of the server tell one another through PostgreSQL, and that it is heard again after the line was cut.

use std::sync::Arc;
use std::time::Duration;

use ringbook::clock::{Clock, Stopwatch};
use ringbook::inbox::key::{Asked, Key};
use ringbook::inbox::{Answer, Inbox};
use ringbook::names::{Slug, ToolCallId};
use ringbook::store::Store;
use ringbook::store::notices::{Ear, Word};
use serde_json::json;
use sqlx::{Connection, Executor};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::follow::at_once;
use crate::follow_copies::Copy;
use crate::house::{House, SLUG};
use crate::postgres::{Database, database};
use crate::promises::{repair_by_sam, said, when, with};
use crate::shelf::On;
use crate::store::NOW;

const LONG: Duration = Duration::from_secs(20);
const CHECK: &str = "checkAvailability";

async fn copy(database: &Database) -> Store {
    Store::open(database.url()).await.unwrap()
}

fn word(number: usize) -> Word {
    Word::Changed { calendar: format!("calendar{number}"), change: "change".into() }
}

/// An ear into which words come.
async fn open_ear(store: &Store) -> Ear {
    let ear = store.ear();
    at_once("the line to open", async || ear.is_open()).await;
    ear
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_says_the_others_hear_and_it_does_not_hear_itself() {
    let database = database().await;
    let (speaker, listener) = (copy(&database).await, copy(&database).await);
    let (mut own, mut ear) = (open_ear(&speaker).await, open_ear(&listener).await);
    speaker.say(word(1));
    listener.say(word(2));
    assert_eq!(timeout(LONG, ear.word()).await.unwrap(), Some(word(1)));
    assert_eq!(timeout(LONG, own.word()).await.unwrap(), Some(word(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_with_the_transaction_that_keeps_it_and_one_given_up_as_well() {
    let database = database().await;
    let (worker, waiter) = (copy(&database).await, copy(&database).await);
    let mut ear = open_ear(&waiter).await;
    let ever = OffsetDateTime::UNIX_EPOCH;
    for key in ["id/a/call/t1", "id/a/call/t2"] {
        assert!(worker.begin_delivery(key, "asked", "worker", None, (ever, NOW)).await.unwrap());
    }
    assert_eq!(worker.finish_delivery("id/a/call/t1", "asked", "answer", None, NOW).await.unwrap(), "answer");
    assert_eq!(timeout(LONG, ear.word()).await.unwrap(), Some(Word::answered("id/a/call/t1")));
    assert_eq!(waiter.delivery("id/a/call/t1", ever).await.unwrap().unwrap().answer.as_deref(), Some("answer"));
    worker.forget_delivery("id/a/call/t2", "worker").await.unwrap();
    assert_eq!(timeout(LONG, ear.word()).await.unwrap(), Some(Word::answered("id/a/call/t2")));
    assert_eq!(waiter.delivery("id/a/call/t2", ever).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_line_was_cut_words_are_heard_again() {
    let database = database().await;
    let (speaker, listener) = (copy(&database).await, copy(&database).await);
    let (mut ear, _own) = (open_ear(&listener).await, open_ear(&speaker).await);
    let mut connection = database.connection().await;
    connection
        .execute(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
    let mut number = 0;
    let heard = async {
        loop {
            number += 1;
            speaker.say(word(number));
            if timeout(Duration::from_millis(200), ear.word()).await.is_ok() {
                break;
            }
        }
    };
    timeout(LONG, heard).await.expect("the line comes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_one_copy_wakes_the_other_at_once() {
    const ROUNDS: u32 = 8;
    let database = database().await;
    let (worker, waiter) = (copy(&database).await, copy(&database).await);
    let (_ears, clock) = ((open_ear(&worker).await, open_ear(&waiter).await), Clock::fixed(NOW));
    let (slug, end, begun) = (Slug::parse(SLUG).unwrap(), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let looker = copy(&database).await;
    let inbox = |store: &Store| Inbox::new(store.clone(), clock.clone(), Handle::current());
    let (worker, waiter) = (inbox(&worker), inbox(&waiter));
    let mut delay = Duration::ZERO;
    for round in 0..ROUNDS {
        let asked = Asked {
            business: &slug,
            call: Some("call-1"),
            caller: "+15557654321",
            tool: "bookAppointment",
            acts: true,
            wish: "",
        };
        let key = Key::with_id(&asked, &ToolCallId::parse(&format!("t{round}")).unwrap());
        let text = key.text.clone();
        let (ours, starts) = (Arc::clone(&end), Arc::clone(&begun));
        let work = move || async move {
            starts.notify_one();
            ours.notified().await;
            Answer { text: "done".into(), sticks: true, acted: false }
        };
        let working = worker.once(key.clone(), "asked".into(), work).unwrap();
        let working = tokio::spawn(working.outcome());
        begun.notified().await;
        let nothing = || async { panic!("another copy is at it") };
        let waiting = tokio::spawn(waiter.once(key, "asked".into(), nothing).unwrap().outcome());
        // Whoever works has said so once, half a second later: the other is waiting.
        let is_waited_for = async || {
            let row = looker.delivery(&text, OffsetDateTime::UNIX_EPOCH).await.unwrap();
            row.is_some_and(|row| row.held.beat > 0)
        };
        at_once("the other to wait", is_waited_for).await;
        let watch = Stopwatch::start();
        end.notify_one();
        assert_eq!(&*waiting.await.unwrap().unwrap().unwrap().text, "done");
        delay += watch.elapsed();
        working.await.unwrap().unwrap().unwrap();
    }
    // Who only looks four times a second learns of it 125 ms late on the average.
    assert!(delay < Duration::from_millis(50) * ROUNDS, "{delay:?} in {ROUNDS} rounds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_books_the_other_soon_does_not_offer() {
    let mut house = House::on(On::Postgres).await;
    let copy = Copy::of(&house).await;
    house.google.wait_for_done("events.sync", 4).await;
    let (first, other) = (house.url.clone(), copy.url.clone());
    let sam = || with(when("2026-11-24"), &json!({ "technician": "sam" }));
    house.url.clone_from(&other);
    assert!(said(&house.tool("call-1", "t0", CHECK, sam()).await).contains("at 8 AM"));
    house.url.clone_from(&first);
    said(&house.tool("call-2", "t1", "bookAppointment", repair_by_sam("2026-11-24T08:00")).await);
    house.url.clone_from(&other);
    let asked = std::sync::atomic::AtomicU32::new(1);
    at_once("the other copy to hear of it", async || {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        !said(&house.tool("call-1", &format!("again-{number}"), CHECK, sam()).await).contains("at 8 AM")
    })
    .await;
}
