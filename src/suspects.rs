//! Remembers which addresses keep failing to prove themselves, for all webhooks together. It never sees a valid
//! request: a proof is checked first, and whoever has one is not limited, because all of Vapi or Twilio may come
//! through one proxy.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Failed proofs per minute and address that are still answered and logged one by one.
const TOLERATED_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// After so many failures the addresses that have calmed down are forgotten: the table never shrinks by itself.
const FAILURES_BETWEEN_SWEEPS: u32 = 1_000;

/// The addresses whose proofs failed lately; clones share them.
#[derive(Clone, Debug)]
pub struct Suspects(Arc<Ledger>);

#[derive(Debug)]
struct Ledger {
    failures: DefaultKeyedRateLimiter<IpAddr>,
    since_sweep: AtomicU32,
}

/// How to treat a failed proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Refuse and log.
    Tolerated,
    /// Refuse, close the connection and say nothing more about it.
    CutOff,
}

impl Suspects {
    /// Nobody is suspected yet.
    #[must_use]
    pub fn new() -> Self {
        let failures = RateLimiter::keyed(Quota::per_minute(TOLERATED_PER_MINUTE));
        Self(Arc::new(Ledger { failures, since_sweep: AtomicU32::new(0) }))
    }

    /// Records that a proof from `peer` failed.
    #[must_use]
    pub fn failed(&self, peer: IpAddr) -> Standing {
        if self.0.since_sweep.fetch_add(1, Ordering::Relaxed) >= FAILURES_BETWEEN_SWEEPS {
            self.0.since_sweep.store(0, Ordering::Relaxed);
            self.0.failures.retain_recent();
        }
        if self.0.failures.check_key(&household(peer)).is_ok() { Standing::Tolerated } else { Standing::CutOff }
    }
}

impl Default for Suspects {
    fn default() -> Self {
        Self::new()
    }
}

/// The address as it is counted: an IPv6 customer owns a whole /64 and could otherwise be new with every request.
fn household(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}
