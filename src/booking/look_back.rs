//! The look back after a booking was confirmed: an entry that a person made in the very instant of the booking is found, and
//! the business told. Nothing is undone here, and nobody waits for it.

use super::Desk;
use super::follow::home_of;
use crate::business::profile::Profile;
use crate::calendar::Fault;
use crate::names::{BookingId, BookingState};
use crate::store;

/// Why it is not known what stands beside a booking.
#[derive(Debug, thiserror::Error)]
pub enum Unseen {
    /// The calendar did not say.
    #[error(transparent)]
    Calendar(#[from] Fault),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Desk {
    /// Looks at the time of a confirmed booking as it was looked at before, with one question, and tells the business once of
    /// each entry of somebody else's that stands over it. One that has moved on or has ended is left alone.
    ///
    /// # Errors
    /// [`Unseen`] when it must be looked again.
    pub async fn look_back(&self, profile: &Profile, booking: BookingId) -> Result<(), Unseen> {
        let is_there =
            |row: &store::bookings::BookingRow| row.state == BookingState::Confirmed && row.span.end > self.clock.now();
        let Some(row) = self.store.booking(booking).await?.filter(is_there) else { return Ok(()) };
        let entries = self.calendars.entries(&home_of(&row), row.span, profile.rules.all_day_free_blocks).await?;
        for entry in entries {
            // Jobs that share a time do so because a person moved one there, which is told where that is followed.
            if let Some(id) = &entry.id
                && self.store.booking_of_event(id).await?.is_some_and(|other| other.business == row.business)
            {
                continue;
            }
            let name = entry.id.as_ref().map_or_else(|| entry.span.start.unix_timestamp().to_string(), ToString::to_string);
            if self.warn_of_overlap(profile, &row, &name, entry.span).await? {
                tracing::info!(booking.id = %row.id, business = %row.business, "somebody put an entry over a job while it was booked");
            }
        }
        Ok(())
    }
}
