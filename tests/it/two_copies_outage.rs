//! The PostgreSQL server of two copies is stopped and started again while callers book: everybody hears a sentence in time, nothing
//! that was told is lost, and it goes on by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use ringbook::clock::Stopwatch;

use crate::edge_killed::{is_booked, taken_over};
use crate::edge_program::{BOOK, Life, caller, plan, time_of, wish};
use crate::full::rounds;
use crate::house::Answer;
use crate::postgres::Server;
use crate::promises::said;
use crate::ringing::is_person;
use crate::two_copies::Two;

/// The budget of an answer, and what a machine that is busy with other tests takes beside it.
const IN_TIME: Duration = Duration::from_secs(7);
/// Within this time the service is back once the server accepts connections.
const BACK: Duration = Duration::from_secs(5);
const LINES: usize = 4;
/// As many bookings as the days ahead have room for.
const PLACES: usize = 400;

/// What callers were told, and how many places are taken.
#[derive(Default)]
struct Told {
    next: AtomicUsize,
    is_over: AtomicBool,
    answers: std::sync::Mutex<Vec<(usize, Answer)>>,
}

impl Told {
    fn count(&self, of: impl Fn(&Answer) -> bool) -> usize {
        self.answers.lock().unwrap().iter().filter(|(_, answer)| of(answer)).count()
    }
}

/// One caller after the other, until it is over.
async fn call_and_call(two: &Two, life: &Life, told: &Told) {
    while !told.is_over.load(Ordering::SeqCst) {
        let number = told.next.fetch_add(1, Ordering::SeqCst);
        assert!(number < PLACES, "no place is left");
        let (who, watch) = (caller(number), Stopwatch::start());
        let answer = life.book(&two.house, &who, &wish("sam", &time_of(number))).await.expect("an answer");
        assert!(watch.elapsed() < IN_TIME, "{who} waited for {:?}", watch.elapsed());
        // One line that can be spoken, whatever has happened.
        said(&answer);
        let is_error = answer.is_error();
        told.answers.lock().unwrap().push((number, answer));
        if is_error {
            // Nobody asks again in the same instant.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(), "waited in vain for {what}");
}

/// The server goes, callers hear of it, it comes back, and they book again at both copies.
async fn outage(two: &Two, server: &Server, told: &Told, round: usize) {
    let before = told.count(is_booked);
    until("bookings", || told.count(is_booked) >= before + 4).await;
    let failed = told.count(Answer::is_error);
    tokio::task::block_in_place(|| server.stop());
    until("somebody who hears of it", || told.count(Answer::is_error) >= failed + LINES).await;
    let (watch, sid) = (Stopwatch::start(), format!("CA{round:032x}"));
    let rung = two.one.rings(&two.house, &sid, &caller(PLACES + round)).await;
    assert!(is_person(&rung.body) && watch.elapsed() < IN_TIME, "{rung:?} after {:?}", watch.elapsed());
    tokio::task::block_in_place(|| server.begin_again());
    let watch = Stopwatch::start();
    for (number, life) in [&two.one, &two.other].into_iter().enumerate() {
        for attempt in 0.. {
            let (call, id) = (format!("back-{round}-{number}"), format!("t{attempt}"));
            let question = crate::promises::when(time_of(0).split('T').next().unwrap());
            let answer = life.tool(&two.house, &caller(PLACES), (&call, &id), "checkAvailability", question).await;
            if !answer.is_error() {
                break;
            }
            assert!(watch.elapsed() < BACK, "it is not back after {:?}: {answer:?}", watch.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert!(watch.elapsed() < BACK, "it took {:?} to be back", watch.elapsed());
    let after = told.count(is_booked);
    until("bookings after it", || told.count(is_booked) >= after + 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_stopped_and_started_under_load_loses_nothing_that_was_told() {
    let server = Server::alone().await;
    let two = Two::of(plan().set("DATABASE_URL", &server.url()).build().await).await;
    let told = Told::default();
    let calling = join_all((0..LINES).map(|line| {
        let life = if line % 2 == 0 { &two.one } else { &two.other };
        call_and_call(&two, life, &told)
    }));
    let trouble = async {
        for round in 0..rounds(2, 5) {
            outage(&two, &server, &told, round).await;
        }
        told.is_over.store(true, Ordering::SeqCst);
    };
    tokio::join!(calling, trouble);
    let answers = told.answers.into_inner().unwrap();
    let booked: BTreeSet<String> = answers.iter().filter(|(_, answer)| is_booked(answer)).map(|(who, _)| caller(*who)).collect();
    // Whoever heard of a failure asks again, in the same words.
    let asked: BTreeMap<String, _> = answers.iter().map(|(who, _)| (caller(*who), wish("sam", &time_of(*who)))).collect();
    for (number, answer) in answers.iter().filter(|(_, answer)| is_booked(answer)) {
        assert_eq!(two.one.book(&two.house, &caller(*number), &asked[&caller(*number)]).await.as_ref(), Some(answer), "{BOOK}");
    }
    let Two { mut house, one, other } = two;
    one.kill();
    other.kill();
    taken_over(&mut house, &asked, booked).await;
    house.stop().await;
}
