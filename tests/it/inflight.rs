//! Work that runs once per key, whoever asks for it, goes away, or panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringbook::inflight::{Died, Full, InFlight, Running};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Work that waits for a permit, counts itself and says who did it.
struct Bench {
    inflight: InFlight<&'static str, u32>,
    gate: Arc<Semaphore>,
    begun: Arc<AtomicU32>,
    done: Arc<AtomicU32>,
}

impl Bench {
    fn new(capacity: usize) -> Self {
        let inflight = InFlight::new(Handle::current(), capacity);
        Self { inflight, gate: Arc::new(Semaphore::new(0)), begun: Arc::default(), done: Arc::default() }
    }

    fn join(&self, key: &'static str) -> Result<Running<u32>, Full> {
        let (gate, begun, done) = (Arc::clone(&self.gate), Arc::clone(&self.begun), Arc::clone(&self.done));
        self.inflight.join(key, move || {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            async move {
                gate.acquire().await.unwrap().forget();
                done.fetch_add(1, Ordering::SeqCst);
                number
            }
        })
    }

    /// Lets the task run to its end; the key is free once nothing runs.
    async fn idle(&self) {
        while self.inflight.running() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn whoever_asks_while_the_work_runs_waits_for_the_same_result() {
    let bench = Bench::new(10);
    let asked: Vec<_> = (0..20).map(|_| bench.join("a").unwrap()).collect();
    assert_eq!(bench.begun.load(Ordering::SeqCst), 1);
    bench.gate.add_permits(1);
    for running in asked {
        assert_eq!(running.outcome().await, Ok(0));
    }
    bench.idle().await;
    bench.gate.add_permits(1);
    assert_eq!(bench.join("a").unwrap().outcome().await, Ok(1), "once the result is out the key is free");
}

#[tokio::test]
async fn other_keys_are_other_work() {
    let bench = Bench::new(10);
    let (one, other) = (bench.join("a").unwrap(), bench.join("b").unwrap());
    bench.gate.add_permits(2);
    assert_eq!((one.outcome().await, other.outcome().await), (Ok(0), Ok(1)));
}

#[tokio::test]
async fn clones_share_the_work() {
    let bench = Bench::new(10);
    let first = bench.join("a").unwrap();
    let clone = Bench {
        inflight: bench.inflight.clone(),
        gate: bench.gate.clone(),
        begun: bench.begun.clone(),
        done: bench.done.clone(),
    };
    let second = clone.join("a").unwrap();
    bench.gate.add_permits(1);
    assert_eq!((first.outcome().await, second.outcome().await), (Ok(0), Ok(0)));
}

#[tokio::test]
async fn who_goes_away_does_not_stop_the_work() {
    let bench = Bench::new(10);
    drop(bench.join("a").unwrap());
    let waiting = tokio::spawn(bench.join("a").unwrap().outcome());
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    bench.gate.add_permits(1);
    bench.idle().await;
    assert_eq!((bench.begun.load(Ordering::SeqCst), bench.done.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn who_stops_waiting_may_come_back() {
    let bench = Bench::new(10);
    let mut running = bench.join("a").unwrap();
    tokio::select! {
        biased;
        () = std::future::ready(()) => {}
        _ = running.wait() => panic!("nothing was done yet"),
    }
    bench.gate.add_permits(1);
    assert_eq!((running.wait().await, running.wait().await), (Ok(0), Ok(0)));
}

#[tokio::test]
async fn work_that_panics_wakes_its_waiters_and_frees_its_key() {
    let bench = Bench::new(10);
    let gate = Arc::clone(&bench.gate);
    let work = move || async move {
        gate.acquire().await.unwrap().forget();
        panic!("a panic on purpose");
    };
    let first = bench.inflight.join("a", work).unwrap();
    let second = bench.join("a").unwrap();
    assert_eq!(bench.begun.load(Ordering::SeqCst), 0, "the second one joined");
    bench.gate.add_permits(1);
    assert_eq!((first.outcome().await, second.outcome().await), (Err(Died), Err(Died)));
    assert_eq!(bench.inflight.running(), 0, "who hears of it may try again at once");
    bench.gate.add_permits(1);
    assert_eq!(bench.join("a").unwrap().outcome().await, Ok(0));
}

#[tokio::test]
async fn work_that_panics_before_it_begins_frees_its_key() {
    let bench = Bench::new(10);
    let inflight = bench.inflight.clone();
    let panics = tokio::spawn(async move {
        let never = || -> std::future::Ready<u32> { panic!("a panic on purpose") };
        inflight.join("a", never).is_ok()
    });
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(bench.inflight.running(), 0);
    bench.gate.add_permits(1);
    assert_eq!(bench.join("a").unwrap().outcome().await, Ok(0));
}

#[tokio::test]
async fn past_its_capacity_nothing_new_begins_and_what_runs_can_be_joined() {
    let bench = Bench::new(2);
    let (a, b) = (bench.join("a").unwrap(), bench.join("b").unwrap());
    assert_eq!(bench.join("c").map(drop), Err(Full));
    let again = bench.join("a").unwrap();
    bench.gate.add_permits(2);
    assert_eq!((a.outcome().await, b.outcome().await, again.outcome().await), (Ok(0), Ok(1), Ok(0)));
    bench.idle().await;
    bench.gate.add_permits(1);
    assert_eq!(bench.join("c").unwrap().outcome().await, Ok(2));
}

#[test]
fn work_on_a_runtime_that_went_down_leaves_nobody_waiting() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let inflight: InFlight<&str, u32> = InFlight::new(runtime.handle().clone(), 10);
    let running = inflight.join("a", std::future::pending).unwrap();
    runtime.shutdown_background();
    let late = inflight.join("b", std::future::pending).unwrap();
    let waiter = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(waiter.block_on(running.outcome()), Err(Died));
    assert_eq!(waiter.block_on(late.outcome()), Err(Died));
    assert_eq!(inflight.running(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_asks_at_once_is_served_by_one_piece_of_work() {
    let bench = Arc::new(Bench::new(10));
    let joined = Arc::new(AtomicU32::new(0));
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let (bench, joined) = (Arc::clone(&bench), Arc::clone(&joined));
            tokio::spawn(async move {
                let running = bench.join("a").unwrap();
                joined.fetch_add(1, Ordering::SeqCst);
                running.outcome().await
            })
        })
        .collect();
    while joined.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    bench.gate.add_permits(1);
    for asked in crowd {
        assert_eq!(asked.await.unwrap(), Ok(0));
    }
    assert_eq!(bench.begun.load(Ordering::SeqCst), 1);
}
