//! What a caller corrects of a booking that they have: a name, a number, an address, a note. The event is changed, what people
//! have written into it stays, and nothing is said to be corrected that is not.

use super::Desk;
use super::follow::home_of;
use super::order::Wish;
use super::words;
use crate::business::profile::Profile;
use crate::calendar::{Changed, Event, Fault, Place, Rewrite};
use crate::clock::Deadline;
use crate::names::Phone;
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::claims::Moved;

/// How often a correction is tried over an event that is edited at the same moment.
const MAX_TRIES: usize = 3;

/// What can be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// `customerName`
    Name,
    /// `customerPhone`
    Phone,
    /// `address`
    Address,
    /// `notes`
    Notes,
}

/// What came of what a caller said anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Corrected {
    /// It was the same as before.
    #[default]
    Nothing,
    /// The event has these anew.
    Written(Vec<Detail>),
    /// The booking stands, but this could not be written into its event.
    NotWritten,
}

impl Desk {
    /// Writes what the wish says anew into a confirmed booking that is the same wish.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn correct(
        &self,
        profile: &Profile,
        row: BookingRow,
        wish: &Wish,
        deadline: Deadline,
    ) -> Result<(BookingRow, Corrected), store::Error> {
        let (wished, details) = as_wished(profile, &row, wish);
        if details.is_empty() {
            return Ok((row, Corrected::Nothing));
        }
        let writing = self.write_corrections(profile, &row, &wished);
        match tokio::time::timeout(deadline.left(), writing).await {
            Ok(Ok(Some(row))) => Ok((row, Corrected::Written(details))),
            Ok(Ok(None)) | Err(_) => Ok((self.store.booking(row.id).await?.unwrap_or(row), Corrected::NotWritten)),
            Ok(Err(error)) => Err(error),
        }
    }

    /// The row with its corrections; `None` when they could not be written.
    async fn write_corrections(
        &self,
        profile: &Profile,
        row: &BookingRow,
        wished: &BookingRow,
    ) -> Result<Option<BookingRow>, store::Error> {
        let place = home_of(row);
        for _try in 0..MAX_TRIES {
            let event = match self.calendars.get(&place, &row.event_id).await {
                Ok(Some(event)) if !event.cancelled => event,
                Ok(_) => return Ok(None),
                Err(fault) => return Ok(not_written(row, &fault)),
            };
            match self.rewrite(profile, &place, (row, wished), &event).await {
                Changed::Done(event) => {
                    let row = BookingRow { etag: event.etag, ..wished.clone() };
                    let made = self.store.correct_booking(&row, self.clock.now()).await?;
                    return Ok((made == Moved::Made).then_some(row));
                }
                Changed::Edited => {}
                Changed::Gone => return Ok(None),
                Changed::NotDone(fault) | Changed::Unknown(fault) => return Ok(not_written(row, &fault)),
            }
        }
        Ok(None)
    }

    async fn rewrite(&self, profile: &Profile, place: &Place, (was, is): (&BookingRow, &BookingRow), event: &Event) -> Changed {
        let rewrite = words::rewritten(profile, was, is, &event.texts);
        if rewrite == Rewrite::default() {
            // It was written before, by a request whose answer was lost.
            return Changed::Done(event.clone());
        }
        self.calendars.rewrite(place, &was.event_id, &event.etag, &rewrite).await
    }
}

fn not_written(row: &BookingRow, fault: &Fault) -> Option<BookingRow> {
    tracing::warn!(booking.id = %row.id, business = %row.business, cause = %fault, "a correction could not be written");
    None
}

/// The row as the wish has it, and what is new in it. What the wish does not mention stays.
fn as_wished(profile: &Profile, row: &BookingRow, wish: &Wish) -> (BookingRow, Vec<Detail>) {
    let mut wished = row.clone();
    let mut details = Vec::new();
    let texts = [
        (Detail::Name, &wish.name, &mut wished.customer_name),
        (Detail::Address, &wish.address, &mut wished.address),
        (Detail::Notes, &wish.notes, &mut wished.notes),
    ];
    for (detail, said, known) in texts {
        if let Some(said) = said.as_ref().filter(|said| !said.is_empty() && said.to_lowercase() != known.to_lowercase()) {
            known.clone_from(said);
            details.push(detail);
        }
    }
    let home = profile.phone_numbers.first();
    let dictated = wish.phone.as_deref().zip(home).and_then(|(said, home)| Phone::dictated(said, home));
    if let Some(phone) = dictated.filter(|phone| *phone != row.customer_phone) {
        wished.customer_phone = phone;
        details.push(Detail::Phone);
    }
    (wished, details)
}
