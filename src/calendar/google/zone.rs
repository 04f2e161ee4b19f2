//! The time zone of a calendar, as Google shows it to whoever may read events.

use super::super::encode::calendar_segment;
use super::super::{Fault, Place};
use super::Google;
use super::failure::Failure;

impl Google {
    /// The calendar's zone, IANA; `None` when Google names none.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read.
    pub async fn zone_of(&self, place: &Place) -> Result<Option<String>, Fault> {
        let calendar = calendar_segment(&place.calendar)?;
        // The envelope of a list names it, and needs no scope beyond those that bookings need.
        let outcome = self.call("events.list", &place.business, move |hub, mut wire| {
            let calendar = calendar.clone();
            async move {
                let call = hub.events().list(&calendar).delegate(&mut wire).max_results(1);
                Ok(call.param("fields", "timeZone").doit().await?.1)
            }
        });
        Ok(outcome.await.map_err(Failure::into_fault)?.time_zone)
    }
}
