//! Asking a calendar a second time: whether it is worth it, and the pause before. A read is repeated when it failed at once:
//! a connection that had gone stale, a server that was just replaced, a limit of this second. A pause that the calendar
//! asks for is kept where the caller's time allows it; otherwise there is no second try.

use std::time::Duration;

use crate::calendar::Fault;
use crate::clock::{Deadline, Stopwatch};

/// A failure that took longer than this has used up the caller's patience for another one.
const AT_ONCE: Duration = Duration::from_millis(700);
/// How long to wait before the second try, and up to how much more, so that many do not come back together.
const PAUSE_MS: u64 = 150;
const JITTER_MS: u64 = 100;
/// What must be left after a pause for the try itself.
const ROOM: Duration = Duration::from_millis(250);

/// Whether a second try is worth it after this failure; if so, the pause before it has passed.
pub(super) async fn is_worth_it(watch: Stopwatch, fault: &Fault, deadline: Deadline) -> bool {
    let pause = match fault {
        Fault::Unknown(_) if watch.elapsed() < AT_ONCE => Duration::from_millis(PAUSE_MS),
        Fault::NotNow { wait: Some(wait), .. } => *wait,
        Fault::Unknown(_) | Fault::NotNow { wait: None, .. } | Fault::Refused(_) => return false,
    };
    if !fits(pause, deadline) {
        return false;
    }
    tokio::time::sleep(pause + jitter()).await;
    true
}

/// Whether the calendar may be asked again after this failure while somebody waits. One that only failed may; one that asks
/// for a pause may after it, if there is time.
pub(super) fn is_in_time(fault: &Fault, deadline: Deadline) -> bool {
    match fault {
        Fault::NotNow { wait, .. } => wait.is_some_and(|wait| fits(wait, deadline)),
        Fault::Unknown(_) | Fault::Refused(_) => true,
    }
}

/// The pause before another insert, with the look that belongs to it, after so many of one booking: a calendar that is out
/// of breath must not be asked faster, nor before the pause is over that it asked for.
pub(super) async fn pause_before_repeating(inserts: u8, out_of_breath: Option<Fault>) {
    if inserts > 0 {
        let asked_for = if let Some(Fault::NotNow { wait, .. }) = out_of_breath { wait } else { None };
        let pause = Duration::from_millis(PAUSE_MS << inserts.min(4)).max(asked_for.unwrap_or_default());
        tokio::time::sleep(pause + jitter()).await;
    }
}

fn fits(pause: Duration, deadline: Deadline) -> bool {
    pause + ROOM <= deadline.left()
}

fn jitter() -> Duration {
    Duration::from_millis(rand::random_range(0..JITTER_MS))
}
