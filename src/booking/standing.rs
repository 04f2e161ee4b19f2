//! A booking as its event stands now: a person may have moved or deleted it, and what is said must be what is there.

use std::time::Duration;

use super::Desk;
use super::follow::home_of;
use crate::business::profile::Profile;
use crate::calendar::Event;
use crate::names::BookingState;
use crate::store;
use crate::store::bookings::BookingRow;

/// How long is asked. Without an answer a booking stands as the ledger has it: nobody loses a job over a calendar that is slow,
/// and the etag, under which alone an event is changed, tells in the end.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Desk {
    /// A confirmed booking as the calendar shows it, and its event, if that could be asked at once. The ledger follows. Any
    /// other booking is as it was.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn as_it_stands(
        &self,
        profile: &Profile,
        row: BookingRow,
    ) -> Result<(BookingRow, Option<Event>), store::Error> {
        if row.state != BookingState::Confirmed {
            return Ok((row, None));
        }
        let home = home_of(&row);
        let look = async {
            // Right after an insert a calendar may not show an event yet.
            let event = self.calendars.get(&home, &row.event_id).await.ok()??;
            Some((self.sight(profile, &row, &home, &event).await.ok()?, event))
        };
        let Ok(Some((sight, event))) = tokio::time::timeout(AT_ONCE, look).await else { return Ok((row, None)) };
        self.note(profile, &row, sight).await?;
        let now = self.store.booking(row.id).await?.unwrap_or(row);
        let is_at_home = now.calendar == home.calendar && now.state == BookingState::Confirmed;
        Ok((now, is_at_home.then_some(event)))
    }

    /// The event of this booking, if the calendar shows it at once.
    pub(super) async fn seen_at_once(&self, row: &BookingRow) -> Option<Event> {
        let asked = tokio::time::timeout(AT_ONCE, self.calendars.get(&home_of(row), &row.event_id)).await;
        asked.ok()?.ok()?
    }
}
