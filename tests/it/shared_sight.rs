//! Two copies of the server share on Redis what they saw of the calendars: what that saves, and that nothing becomes wrong when
//! Redis is gone, frozen, or full of nonsense.

use std::collections::BTreeMap;
use std::time::Duration;

use ringbook::clock::Stopwatch;
use serde_json::json;

use crate::follow::at_once;
use crate::follow_copies::Copy;
use crate::house::{CALLER, House, Plan, SAM};
use crate::promises::{promises_kept, repair_by_sam, said, when, with};
use crate::redis_server::RedisServer;

const ASKED: &str = "freebusy.query";
const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";
const DAY: &str = "2026-11-24";
/// How looks and marks are called.
const LOOKS: &str = "ringbook:busy:";
const MARKS: &str = "ringbook:changed:";
/// A caller waits longer than this without noticing.
const SOON: Duration = Duration::from_secs(2);
/// How long what was seen serves: once and again it passes before the calendars are read again whatever Google says, which shows
/// the followers what was booked, as a change.
const REMEMBERED: Duration = Duration::from_secs(20);

/// Two copies of one house. Questions go to the first or to the other.
struct Copies {
    redis: RedisServer,
    house: House,
    first: String,
    copy: Copy,
    asked: usize,
}

impl Copies {
    async fn new() -> Self {
        let redis = RedisServer::start();
        let remembered = REMEMBERED.as_secs().to_string();
        let house = Plan::new().set("REDIS_URL", &redis.url()).set("FREEBUSY_CACHE_SECONDS", &remembered).build().await;
        let copy = Copy::of(&house).await;
        // Both have begun to follow: from now on nothing changes by itself.
        house.google.wait_for_done("events.sync", 4).await;
        let first = house.url.clone();
        Self { redis, house, first, copy, asked: 0 }
    }

    async fn asks_first(&mut self) -> String {
        self.house.url.clone_from(&self.first);
        self.asks().await
    }

    async fn asks_other(&mut self) -> String {
        self.house.url.clone_from(&self.copy.url);
        self.asks().await
    }

    /// When Sam is free.
    async fn asks(&mut self) -> String {
        self.asked += 1;
        let wish = with(when(DAY), &json!({ "technician": "sam" }));
        said(&self.house.tool("call-1", &format!("ask-{}", self.asked), CHECK, wish).await)
    }

    /// Books Sam's eight o'clock with the first.
    async fn books_eight(&mut self) {
        self.house.url.clone_from(&self.first);
        let answer = said(&self.house.tool("call-2", "book", BOOK, repair_by_sam("2026-11-24T08:00")).await);
        assert!(answer.contains("You're booked"), "{answer}");
    }

    /// The mark of each calendar's last change.
    fn marks(&self) -> BTreeMap<String, String> {
        let of = |key: String| (key.clone(), self.redis.asked(&["GET", &key]));
        self.redis.keys(MARKS).into_iter().map(of).collect()
    }

    fn questions(&self) -> usize {
        self.house.google.count(ASKED)
    }

    /// What was seen is too old from now on.
    fn time_passes(&self) {
        self.house.clock.advance(REMEMBERED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_to_google_serves_both_copies() {
    let mut copies = Copies::new().await;
    let answer = copies.asks_first().await;
    assert!(answer.contains("at 8 AM"), "{answer}");
    assert_eq!(copies.asks_other().await, answer);
    assert_eq!(copies.asks_other().await, answer);
    assert_eq!(copies.questions(), 1);
    copies.time_passes();
    copies.asks_other().await;
    copies.asks_first().await;
    assert_eq!(copies.questions(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_changed_the_other_does_not_offer() {
    let mut copies = Copies::new().await;
    copies.asks_first().await;
    assert!(copies.asks_other().await.contains("at 8 AM"));
    let (asked, marks) = (copies.questions(), copies.marks());
    copies.books_eight().await;
    at_once("the change to be told", async || copies.marks() != marks).await;
    let answer = copies.asks_other().await;
    assert!(!answer.contains("at 8 AM"), "{answer}");
    assert_eq!(copies.asks_first().await, answer);
    assert_eq!(copies.questions(), asked + 1, "the one look after it serves both");
    assert_eq!(promises_kept(&copies.house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_and_no_calendar_is_named_there() {
    let mut copies = Copies::new().await;
    copies.asks_first().await;
    copies.books_eight().await;
    copies.asks_first().await;
    let keys = copies.redis.keys("");
    assert!(keys.iter().any(|key| key.starts_with(LOOKS)) && keys.iter().any(|key| key.starts_with(MARKS)), "{keys:?}");
    for key in keys {
        let value: String = copies.redis.asked(&["GET", &key]);
        let left: i64 = copies.redis.asked(&["PTTL", &key]);
        assert!((1..=7_200_000).contains(&left), "{key} is there for {left} ms");
        for word in [CALLER, &CALLER[5..], SAM, "Sam", "sam", "example", "Book", "repair"] {
            assert!(!key.contains(word) && !value.contains(word), "{word} in {key}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_copy_sees_for_itself_and_with_it_again_all_is_shared() {
    let mut copies = Copies::new().await;
    let answer = copies.asks_first().await;
    copies.redis.kill();
    let watch = Stopwatch::start();
    assert_eq!(copies.asks_first().await, answer, "what it saw itself still serves");
    assert_eq!(copies.asks_other().await, answer);
    assert!(watch.elapsed() < SOON, "{:?}", watch.elapsed());
    assert_eq!(copies.questions(), 2);
    copies.books_eight().await;
    let answer = copies.asks_first().await;
    assert!(!answer.contains("at 8 AM"), "{answer}");
    assert_eq!(promises_kept(&copies.house).await.len(), 1);
    copies.redis.start_again();
    // The mark of the booking is told as soon as somebody is there to hear it.
    at_once("Redis to be used again", async || !copies.redis.keys(MARKS).is_empty()).await;
    at_once("both to use it", async || copies.redis.asked::<String>(&["CLIENT", "LIST"]).lines().count() >= 3).await;
    copies.time_passes();
    copies.asks_first().await;
    let asked = copies.questions();
    assert_eq!(copies.asks_other().await, answer);
    assert_eq!(copies.questions(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_costs_one_short_wait_and_not_one_for_each_question() {
    let mut copies = Copies::new().await;
    let answer = copies.asks_first().await;
    let (before, marks) = (copies.redis.questions(), copies.marks());
    copies.redis.freeze();
    for _ in 0..10 {
        let watch = Stopwatch::start();
        assert_eq!(copies.asks_first().await, answer);
        assert!(watch.elapsed() < SOON, "{:?}", watch.elapsed());
    }
    copies.books_eight().await;
    copies.redis.thaw();
    // What was sent to it while it was frozen it takes now.
    let asked = copies.redis.questions() - before;
    assert!(asked <= 1, "it was asked {asked} times although it did not answer");
    at_once("the booking to be told after all", async || copies.marks() != marks).await;
    let answer = copies.asks_other().await;
    assert!(!answer.contains("at 8 AM"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_in_redis_is_no_knowledge() {
    let mut copies = Copies::new().await;
    let answer = copies.asks_first().await;
    let (look, marks) = (copies.redis.keys(LOOKS).remove(0), copies.redis.keys(MARKS));
    let sound: String = copies.redis.asked(&["GET", &look]);
    let of_another_form = sound.replace("\"form\":1", "\"form\":2");
    let with_more = sound.replace("\"form\":1", "\"form\":1,\"more\":1");
    assert!(of_another_form != sound && with_more != sound, "{sound}");
    let cut = &sound[..sound.len() / 2];
    for nonsense in ["", "nonsense", "{}", "[1,2]", cut, &of_another_form, &with_more, "\u{0}\u{1}"] {
        copies.time_passes();
        let asked = copies.questions();
        let now = ringbook::clock::epoch_ms(copies.house.clock.now());
        let at = sound.split("\"at\":").nth(1).unwrap().split(',').next().unwrap();
        // As fresh as can be.
        let nonsense = nonsense.replace(at, &now.to_string());
        copies.redis.asked::<()>(&["SET", &look, &nonsense]);
        assert_eq!(copies.asks_other().await, answer, "{nonsense:?}");
        assert_eq!(copies.questions(), asked + 1, "{nonsense:?}");
        assert_eq!(copies.asks_first().await, answer, "{nonsense:?}");
        assert_eq!(copies.questions(), asked + 1, "{nonsense:?} is replaced by what was seen");
    }
    // Of another kind than texts.
    for key in marks.iter().chain([&look]) {
        copies.redis.asked::<()>(&["DEL", key]);
        copies.redis.asked::<()>(&["RPUSH", key, "a", "b"]);
    }
    copies.time_passes();
    let asked = copies.questions();
    assert_eq!((copies.asks_first().await, copies.asks_other().await), (answer.clone(), answer));
    assert_eq!(copies.questions(), asked + 2, "nobody knows whether the calendars changed, so each looks");
}
