//! Several copies of the server over one database: who begins, who waits, and who goes on when somebody falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ringbook::clock::{Clock, Stopwatch};
use ringbook::inbox::key::{Asked, Key};
use ringbook::inbox::{Answer, Inbox};
use ringbook::names::{CallSid, Slug, ToolCallId};
use ringbook::store::Store;
use ringbook::store::calls::{Connected, Leg};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::house::{House, SLUG};
use crate::ringing::SID;
use crate::store::NOW;

const TWIML: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"wss://elsewhere.example\"/></Connect></Response>";

/// Two copies' inboxes, and the database that they share.
struct Copies {
    _folder: tempfile::TempDir,
    store: Store,
    inboxes: [Inbox; 2],
    begun: Arc<AtomicU32>,
}

fn key(id: &str) -> Key {
    let slug = Slug::parse(SLUG).unwrap();
    let asked =
        Asked { business: &slug, call: Some("call-1"), caller: "+15557654321", tool: "bookAppointment", acts: true, wish: "" };
    Key::with_id(&asked, &ToolCallId::parse(id).unwrap())
}

impl Copies {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("copies.db").display());
        let store = Store::open(&url).await.unwrap();
        let other = Store::open(&url).await.unwrap();
        let clock = Clock::fixed(NOW);
        let inbox = |store: Store| Inbox::new(store, clock.clone(), Handle::current());
        let inboxes = [inbox(store.clone()), inbox(other)];
        Self { _folder: folder, store, inboxes, begun: Arc::default() }
    }

    /// Delivers a call to one of them; its work ends when it is told to, and answers with its own number.
    async fn deliver(&self, copy: usize, end: &Arc<Notify>, sticks: bool) -> String {
        let (begun, end) = (Arc::clone(&self.begun), Arc::clone(end));
        let work = move || async move {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            end.notified().await;
            Answer { text: format!("answer {number}").into(), sticks, acted: false }
        };
        let running = self.inboxes[copy].once(key("t1"), "asked".into(), work).unwrap();
        running.outcome().await.unwrap().unwrap().text.to_string()
    }

    async fn is_begun(&self, times: u32) {
        while self.begun.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }

    async fn beat(&self) -> i64 {
        self.store.delivery(&key("t1").text, OffsetDateTime::UNIX_EPOCH).await.unwrap().map_or(0, |row| row.held.beat)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_copy_is_at_another_one_waits_for_however_long_it_takes() {
    let copies = Copies::new().await;
    let end = Arc::new(Notify::new());
    let (first, second) = tokio::join!(copies.deliver(0, &end, true), async {
        copies.is_begun(1).await;
        let waiting = copies.deliver(1, &end, true);
        let work = async {
            // Longer than who is silent counts as alive.
            while copies.beat().await < 4 {
                tokio::task::yield_now().await;
            }
            end.notify_one();
        };
        tokio::join!(waiting, work).0
    });
    assert_eq!((first.as_str(), second.as_str()), ("answer 0", "answer 0"));
    assert_eq!(copies.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_copy_left_another_one_does_soon() {
    let copies = Copies::new().await;
    let ever = OffsetDateTime::UNIX_EPOCH;
    assert!(copies.store.begin_delivery(&key("t1").text, "asked", "dead", None, (ever, NOW)).await.unwrap());
    let (end, watch) = (Arc::new(Notify::new()), Stopwatch::start());
    end.notify_one();
    assert_eq!(copies.deliver(1, &end, true).await, "answer 0");
    assert!(watch.elapsed() >= Duration::from_secs(1), "a moment's silence is no death");
    assert_eq!(copies.deliver(0, &end, true).await, "answer 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_wait_for_a_dead_one_only_one_goes_on() {
    let copies = Copies::new().await;
    let ever = OffsetDateTime::UNIX_EPOCH;
    assert!(copies.store.begin_delivery(&key("t1").text, "asked", "dead", None, (ever, NOW)).await.unwrap());
    let end = Arc::new(Notify::new());
    end.notify_one();
    let (first, second) = tokio::join!(copies.deliver(0, &end, true), copies.deliver(1, &end, true));
    assert_eq!((first.as_str(), second.as_str(), copies.begun.load(Ordering::SeqCst)), ("answer 0", "answer 0", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_may_pass_is_no_answer_for_the_one_who_waits() {
    let copies = Copies::new().await;
    let end = Arc::new(Notify::new());
    let (first, second) = tokio::join!(copies.deliver(0, &end, false), async {
        copies.is_begun(1).await;
        let waiting = copies.deliver(1, &end, true);
        let work = async {
            end.notify_one();
            copies.is_begun(2).await;
            end.notify_one();
        };
        tokio::join!(waiting, work).0
    });
    assert_eq!((first.as_str(), second.as_str()), ("answer 0", "answer 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_copy_is_connecting_gets_what_that_one_connects_it_to() {
    let house = House::new().await;
    house.with_call(SID, None).await;
    let connect = async {
        let (store, sid) = (house.store().await, CallSid::parse(SID).unwrap());
        let connected = Connected { twiml: TWIML, leg: Leg::Assistant, dialing: None, vapi_call_id: None, control_url: None };
        store.keep_connection(&sid, &connected).await.unwrap();
        store.close().await;
    };
    let (answer, ()) = tokio::join!(house.says("inbound", &[]), connect);
    assert_eq!(answer, TWIML);
    assert_eq!(house.vapi.requests().len(), 0, "it is the other copy's call at Vapi");
}
