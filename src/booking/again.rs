//! Asking a calendar a second time: whether it is worth it, and the pause before. A read is repeated when it failed at once:
//! a connection that had gone stale, a server that was just replaced, a limit of this second.

use std::time::Duration;

use crate::calendar::Fault;
use crate::clock::Stopwatch;

/// A failure that took longer than this has used up the caller's patience for another one.
const AT_ONCE: Duration = Duration::from_millis(700);
/// How long to wait before the second try, and up to how much more, so that many do not come back together.
const PAUSE_MS: u64 = 150;
const JITTER_MS: u64 = 100;

/// Whether a second try is worth it after this failure; if so, the pause before it has passed.
pub(super) async fn is_worth_it(watch: Stopwatch, fault: &Fault) -> bool {
    let may_pass = matches!(fault, Fault::Unknown(_)) && watch.elapsed() < AT_ONCE;
    if may_pass {
        tokio::time::sleep(Duration::from_millis(PAUSE_MS + rand::random_range(0..JITTER_MS))).await;
    }
    may_pass
}

/// The pause before another insert, with the look that belongs to it, after so many of one booking: a calendar that is out
/// of breath must not be asked faster.
pub(super) async fn pause_before_repeating(inserts: u8) {
    if inserts > 0 {
        let pause_ms = PAUSE_MS << inserts.min(4);
        tokio::time::sleep(Duration::from_millis(pause_ms + rand::random_range(0..JITTER_MS))).await;
    }
}
