//! How long the sides of a comparison took. They are timed in turn, so that whatever else the machine does meets both.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use ringbook::clock::Stopwatch;

/// How long one side took, each time.
#[derive(Clone, Debug, Default)]
pub struct Took(Vec<Duration>);

impl Took {
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub fn median(&self) -> Duration {
        self.at_percent(50)
    }

    pub fn p99(&self) -> Duration {
        self.at_percent(99)
    }

    /// The smallest time that so many percent did not exceed.
    fn at_percent(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent).div_ceil(100) - 1]
    }
}

impl Display for Took {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of = |took: Duration| {
            let milliseconds = took.as_secs_f64() * 1000.0;
            if milliseconds < 1.0 { format!("{:.0} µs", milliseconds * 1000.0) } else { format!("{milliseconds:.1} ms") }
        };
        write!(f, "{} / {}", of(self.median()), of(self.p99()))
    }
}

/// How long it takes.
pub async fn timed(work: impl Future<Output = ()>) -> Duration {
    let watch = Stopwatch::start();
    work.await;
    watch.elapsed()
}
