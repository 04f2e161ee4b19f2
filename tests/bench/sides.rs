//! How long the sides of a comparison took. They are timed in turn, so that whatever else the machine does meets both.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use ringbook::clock::Stopwatch;

/// How long one side took, each time, in rounds.
#[derive(Clone, Debug)]
pub struct Took(Vec<Vec<Duration>>);

impl Default for Took {
    fn default() -> Self {
        Self(vec![Vec::new()])
    }
}

impl Took {
    pub fn add(&mut self, took: Duration) {
        self.0.last_mut().unwrap().push(took);
    }

    /// What follows is another round.
    pub fn next_round(&mut self) {
        self.0.push(Vec::new());
    }

    pub fn median(&self) -> Duration {
        at_percent(50, self.0.concat())
    }

    pub fn p99(&self) -> Duration {
        at_percent(99, self.0.concat())
    }

    /// How many times the p99 of the other side: in the round in the middle, because a compiler that starts on the same machine
    /// in one of them decides its p99.
    pub fn p99_beside(&self, other: &Self) -> f64 {
        let p99 = |round: &Vec<Duration>| at_percent(99, round.clone()).as_secs_f64();
        let mut ratios: Vec<f64> = self.0.iter().zip(&other.0).map(|(one, other)| p99(one) / p99(other)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
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

/// The smallest time that so many percent did not exceed.
fn at_percent(percent: usize, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100) - 1]
}

/// How long it takes.
pub async fn timed(work: impl Future<Output = ()>) -> Duration {
    let watch = Stopwatch::start();
    work.await;
    watch.elapsed()
}
