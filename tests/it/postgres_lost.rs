//! A PostgreSQL server that hangs up, falls silent, or is held up by another copy: nobody waits without an end, what is told is
//! what is there, and everything goes on by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::names::{BookingState, CallSid};
use ringbook::store::claims::{Claim, Limits};
use ringbook::store::{Error, Store};
use serde_json::json;
use sqlx::{Connection, Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::house::{CALLED, House, Plan};
use crate::postgres::{Database, database, server};
use crate::promises::{come_to_rest, place, promises_kept, repair_by_sam, said};
use crate::ringing::{OTHERS_TURN, SID};
use crate::store::{NINE, NOW, claim, start_of};
use crate::transfer::{THROUGH, asks, told, with_call};

const BOOK: &str = "bookAppointment";
/// Longer than anything here may wait.
const LONG: Duration = Duration::from_secs(15);
/// How a connection ends a transaction.
const COMMIT: &[u8] = b"COMMIT\0";

/// What becomes of a connection on which a word is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is cut before the word arrives.
    CutBefore,
    /// The word arrives, and the connection is cut instead of an answer.
    CutAfter,
    /// The word arrives, and nothing comes back on any connection.
    Silence,
}

/// A wire to the server, which can fail.
struct Wire {
    url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    plan: Mutex<Option<(&'static [u8], Fate)>>,
    /// How often the word is still let through.
    before: AtomicUsize,
    is_silent: AtomicBool,
}

impl Wire {
    async fn to(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let url = database.url().replace(&format!(":{}/", server().port), &format!(":{port}/"));
        let ours = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server().port)).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let is_cut = Arc::new(AtomicBool::new(false));
                tokio::spawn(ask(from_client, to_server, Arc::clone(&ours), Arc::clone(&is_cut)));
                tokio::spawn(answer(from_server, to_client, Arc::clone(&ours), is_cut));
            }
        });
        Self { url, state }
    }

    /// The connection on which `word` is sent the next time but `before` has this fate.
    fn plan(&self, word: &'static [u8], before: usize, fate: Fate) {
        self.state.before.store(before, Ordering::SeqCst);
        *self.state.plan.lock().unwrap() = Some((word, fate));
    }

    fn is_still_planned(&self) -> bool {
        self.state.plan.lock().unwrap().is_some()
    }

    fn speak_again(&self) {
        self.state.is_silent.store(false, Ordering::SeqCst);
    }
}

impl State {
    /// What becomes of a connection on which these bytes are sent.
    fn fate_of(&self, bytes: &[u8]) -> Option<Fate> {
        let mut plan = self.plan.lock().unwrap();
        let (word, fate) = (*plan)?;
        if !bytes.windows(word.len()).any(|window| window == word) {
            return None;
        }
        if self.before.load(Ordering::SeqCst) > 0 {
            self.before.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        *plan = None;
        Some(fate)
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Arc<State>, is_cut: Arc<AtomicBool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        match state.fate_of(&bytes[..count]) {
            _ if count == 0 => return,
            Some(Fate::CutBefore) => {
                // With both ways of `to` gone the server hangs up, and then nobody is left to answer.
                is_cut.store(true, Ordering::SeqCst);
                return;
            }
            Some(Fate::CutAfter) => is_cut.store(true, Ordering::SeqCst),
            Some(Fate::Silence) => state.is_silent.store(true, Ordering::SeqCst),
            None => {}
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Arc<State>, is_cut: Arc<AtomicBool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || is_cut.load(Ordering::SeqCst) {
            return;
        }
        if !state.is_silent.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_hung_up_meanwhile_is_not_noticed() {
    let database = database().await;
    let store = Store::open(database.url()).await.unwrap();
    for round in 0..3 {
        store.ping().await.unwrap();
        let mut administrator = database.connection().await;
        let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        administrator.execute(all).await.unwrap();
        let row = claim(NINE + time::Duration::hours(round * 4), "+15550000001");
        assert!(matches!(store.claim_booking(&row, start_of(&row), Limits::default()).await.unwrap(), Claim::Ours));
        assert_eq!(store.booking(row.id).await.unwrap(), Some(row));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_whose_commit_nobody_heard_of_is_held_and_found() {
    let database = database().await;
    let wire = Wire::to(&database).await;
    let store = Store::open(&wire.url).await.unwrap();
    let row = claim(NINE, "+15550000001");
    wire.plan(COMMIT, 0, Fate::CutAfter);
    let refused = store.claim_booking(&row, start_of(&row), Limits::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Commit(_)), "{refused:?}");
    let again = claim(NINE, "+15550000001");
    let found = store.claim_booking(&again, start_of(&again), Limits::default()).await.unwrap();
    assert!(matches!(found, Claim::Same(found) if found.id == row.id), "who asks again gets what was written");
    let unfinished = store.unfinished_bookings(NOW + time::Duration::minutes(1)).await.unwrap();
    assert_eq!(unfinished.iter().map(|row| (row.id, row.state)).collect::<Vec<_>>(), [(row.id, BookingState::Claimed)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_commit_of_a_booking_is_lost_what_is_said_is_what_is_there() {
    let database = database().await;
    let wire = Wire::to(&database).await;
    let mut house: House = Plan::new().set("DATABASE_URL", &wire.url).build().await;
    let mut number = 0;
    for fate in [Fate::CutBefore, Fate::CutAfter] {
        for lost in 0..7 {
            let wish = repair_by_sam(&place(number));
            let call = format!("call-{number}");
            number += 1;
            wire.plan(COMMIT, lost, fate);
            let first = house.tool(&call, "t1", BOOK, wish.clone()).await;
            house.clock.advance(Duration::from_mins(2));
            house.restart().await;
            come_to_rest(&house).await;
            let rows = promises_kept(&house).await;
            let is_booked = said(&first).contains("You're booked");
            assert!(!is_booked || rows.len() == number, "{fate:?} {lost}: {first:?}");
            let again = house.tool(&call, "t2", BOOK, wish).await;
            assert!(said(&again).contains("You're booked"), "{fate:?} {lost}: {first:?}, then {again:?}");
            assert_eq!(promises_kept(&house).await.len(), number, "{fate:?} {lost}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_commit_of_a_transfer_is_lost_the_caller_who_asks_again_is_put_through() {
    for fate in [Fate::CutBefore, Fate::CutAfter] {
        for lost in 0..3 {
            let database = database().await;
            let wire = Wire::to(&database).await;
            let (house, call) = with_call(Plan::new().set("DATABASE_URL", &wire.url)).await;
            wire.plan(COMMIT, lost, fate);
            let first = asks(&house, &call, "t1").await;
            assert!(!wire.is_still_planned(), "{fate:?} {lost}: {first:?}");
            assert_eq!(said(&asks(&house, &call, "t2").await), THROUGH, "{fate:?} {lost}, after {first:?}");
            assert_eq!(told(&house).len(), 1, "{fate:?} {lost}: Twilio was told once, {first:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_falls_silent_is_given_up_in_time_and_taken_up_again() {
    let database = database().await;
    let wire = Wire::to(&database).await;
    let store = Store::open(&wire.url).await.unwrap();
    let sid = CallSid::parse(SID).unwrap();
    // The last one is sent in words the first time that it is asked.
    let words: [&'static [u8]; 3] = [COMMIT, b"SAVEPOINT one\0", b"FROM calls WHERE call_sid = $1"];
    for word in words {
        wire.plan(word, 0, Fate::Silence);
        let writes = word != words[2];
        let failed = if writes {
            timeout(LONG, store.ping()).await.unwrap().is_err()
        } else {
            timeout(LONG, store.call_by_sid(&sid)).await.unwrap().is_err()
        };
        assert!(failed && !wire.is_still_planned(), "whoever is not answered hears that it failed");
        assert!(timeout(LONG, store.ping()).await.unwrap().is_err(), "it is still silent");
        wire.speak_again();
        timeout(LONG, store.ping()).await.unwrap().unwrap();
    }
    assert!(timeout(LONG, store.call_by_sid(&sid)).await.unwrap().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn vapi_is_told_in_time_that_nobody_can_answer_while_the_server_is_silent() {
    let database = database().await;
    let wire = Wire::to(&database).await;
    let house = Plan::new().set("DATABASE_URL", &wire.url).set("CONNECT_BUDGET_MS", "500").build().await;
    let ask =
        async || house.vapi(&json!({ "message": { "type": "assistant-request", "phoneNumber": { "number": CALLED } } })).await;
    assert!(ask().await.json()["assistantId"].is_string());
    wire.state.is_silent.store(true, Ordering::SeqCst);
    let since = Stopwatch::start();
    let answer = ask().await;
    assert!(since.elapsed() < Duration::from_millis(1500), "{:?}", since.elapsed());
    assert!(answer.status == 200 && answer.json()["error"].as_str().is_some_and(|said| !said.is_empty()), "{answer:?}");
    wire.speak_again();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_that_falls_silent_in_the_middle_of_a_write_holds_nobody_for_long() {
    let database = database().await;
    let wire = Wire::to(&database).await;
    let (silent, other) = (Store::open(&wire.url).await.unwrap(), Store::open(database.url()).await.unwrap());
    wire.plan(b"SAVEPOINT one\0", 0, Fate::Silence);
    let (lost, written) = tokio::join!(silent.ping(), async {
        while wire.is_still_planned() {
            tokio::task::yield_now().await;
        }
        other.ping().await
    });
    assert!(lost.is_err());
    written.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_holds_the_turn_of_all_writers_keeps_nobody_from_reading_and_writers_hear_of_it() {
    let database = database().await;
    let store = Store::open(database.url()).await.unwrap();
    let mut holder = database.connection().await;
    holder.execute(OTHERS_TURN).await.unwrap();
    let (written, read) = tokio::join!(timeout(LONG, store.ping()), async {
        let sid = CallSid::parse(SID).unwrap();
        timeout(Duration::from_secs(2), store.call_by_sid(&sid)).await
    });
    assert!(read.unwrap().unwrap().is_none());
    let refused = written.unwrap().unwrap_err().to_string();
    assert!(refused.contains("lock timeout"), "{refused}");
    holder.execute("ROLLBACK").await.unwrap();
    store.ping().await.unwrap();
    holder.close().await.unwrap();
}
