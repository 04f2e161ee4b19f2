//! What was ordered for a business since its file was written: closed dates, and calls that are taken in person.

use time::OffsetDateTime;

use super::profile::Profile;
use crate::scheduling::hours::Exception;
use crate::store::orders::Orders;

/// Callers go straight to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Until then, if it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
}

impl Profile {
    /// The same business with what was ordered for it: on a closed date nobody works, whatever the hours of anybody are.
    #[must_use]
    pub(super) fn under(&self, orders: &Orders) -> Self {
        let of_us = orders.closures.iter().filter(|closure| closure.business == self.slug);
        let closed: Vec<Exception> = of_us
            .map(|closure| Exception { from: closure.from, to: closure.to, hours: Vec::new(), reason: closure.reason.clone() })
            .collect();
        let mut profile = self.clone();
        let technicians = profile.technicians.iter_mut().map(|technician| &mut technician.opening);
        for opening in std::iter::once(&mut profile.opening).chain(technicians) {
            // The first that covers a date counts.
            opening.exceptions.splice(0..0, closed.iter().cloned());
        }
        let pause = orders.pauses.iter().find(|pause| pause.business == self.slug);
        profile.pause = pause.map(|pause| Pause { ends_at: pause.ends_at });
        profile
    }

    /// Whether callers go straight to a person now.
    #[must_use]
    pub fn is_paused(&self, now: OffsetDateTime) -> bool {
        self.pause.is_some_and(|pause| pause.ends_at.is_none_or(|ends_at| now < ends_at))
    }
}
