//! How often one caller may book, and whose bookings are tests: titled as such, told to nobody in writing, and taken out of the
//! calendar again after a while, unless a person has made something of them.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::change::{ChangeOfMind, WishToChange};
use super::error::Refusal;
use super::order::Order;
use super::{Desk, book, words};
use crate::business::profile::Profile;
use crate::clock::Deadline;
use crate::names::{BookingId, BookingState};
use crate::scheduling::busy::Span;
use crate::scheduling::zone::MINUTES_OF_DAY;
use crate::store::bookings::BookingRow;
use crate::store::callers::CallerLimit;
use crate::store::changes::{Cause, Change};
use crate::store::claims::Limits;
use crate::store::jobs::{Job, Outcome};

/// What the title of a test begins with.
const TITLE: &str = "TEST ";
/// How long a test stands.
const TEST_LASTS: time::Duration = time::Duration::minutes(10);
/// How long the calendar is waited for when a test ends: nobody is at the telephone.
const UNHURRIED: Duration = Duration::from_secs(10);

impl Desk {
    /// What a new booking of this order is counted against.
    pub(super) fn limits(&self, order: &Order<'_>, start: OffsetDateTime) -> Limits {
        Limits { day: book::day_limit(order.asked.profile, start), caller: self.caller_limit(order) }
    }

    /// Whether the caller has made as many bookings today as the business allows; a claim decides it once more.
    pub(super) async fn has_booked_enough(&self, order: &Order<'_>) -> Result<bool, Refusal> {
        let Some(limit) = self.caller_limit(order) else { return Ok(false) };
        Ok(self.store.has_booked_enough(&order.asked.profile.slug, &order.caller_key, limit).await?)
    }

    /// `bookings_per_caller_per_day`, for today where the business is. Tests are not counted.
    fn caller_limit(&self, order: &Order<'_>) -> Option<CallerLimit> {
        let profile = order.asked.profile;
        let bookings = profile.limits.bookings_per_caller_per_day;
        if bookings == 0 || is_tester(profile, &order.caller_key) {
            return None;
        }
        let today = profile.zone.date(self.clock.now());
        let day = Span { start: profile.zone.start_of_day(today), end: profile.zone.bound(today, MINUTES_OF_DAY) };
        Some(CallerLimit { day, bookings })
    }

    /// Takes a test out of the calendar and gives its time back; `true` when nothing more is to be done. One that a person has
    /// deleted, or whose title they have made their own, is left to them.
    ///
    /// # Errors
    /// A [`Refusal`] when it is to be tried again.
    pub async fn end_test(&self, profile: &Arc<Profile>, booking: BookingId) -> Result<bool, Refusal> {
        let deadline = Deadline::after(UNHURRIED);
        let Some(row) = self.store.booking(booking).await? else { return Ok(true) };
        let (row, seen) = self.as_it_stands(profile, self.settled(profile, row, deadline).await?).await?;
        if !row.state.is_live() {
            return Ok(true);
        }
        let Some(event) = seen else { return Ok(false) };
        if !event.texts.summary.starts_with(TITLE) {
            tracing::info!(booking.id = %row.id, business = %row.business, "a test was made a real job in the calendar, and stays");
            return Ok(true);
        }
        let nobody = WishToChange::default();
        let change = Change { state: BookingState::Cancelling, cause: Cause::TestIsOver, ..self.unchanged(&nobody, &row) };
        let outcome = self.begin(profile, row, change, Some(event), deadline).await?;
        Ok(matches!(outcome, ChangeOfMind::Cancelled(_) | ChangeOfMind::Gone(_)))
    }
}

/// Whether this caller is one of `test_callers`: by the number that the call comes from, which nobody can dictate.
fn is_tester(profile: &Profile, caller: &str) -> bool {
    profile.test_callers.iter().any(|phone| phone.as_str() == caller)
}

/// Whether this booking is a test.
pub(super) fn is_test(profile: &Profile, row: &BookingRow) -> bool {
    is_tester(profile, row.booked_by())
}

/// The title of the event: a test says so.
pub(super) fn title(profile: &Profile, row: &BookingRow) -> String {
    let title = words::summary(profile, row);
    if is_test(profile, row) { format!("{TITLE}{title}") } else { title }
}

/// The key and the job that end a test, and when.
pub(super) fn end_of_test(profile: &Profile, row: &BookingRow, now: OffsetDateTime) -> Option<(String, Job, OffsetDateTime)> {
    let job = || (format!("end_test/{}", row.id), Job::EndTest { booking: row.id }, now.saturating_add(TEST_LASTS));
    is_test(profile, row).then(job)
}

/// What is sent to a caller in writing; of a test nothing is.
pub(super) fn unless_test(profile: &Profile, row: &BookingRow, job: (String, Job)) -> Option<(String, Job)> {
    (!is_test(profile, row)).then_some(job)
}

/// What a caller hears who was told that it is being arranged: of a test in the call only.
pub(super) fn heard_only_if_test(profile: &Profile, row: &BookingRow, outcome: Outcome) -> Outcome {
    if !is_test(profile, row) {
        return outcome;
    }
    Outcome { text: String::new(), confirmation: String::new(), ..outcome }
}
