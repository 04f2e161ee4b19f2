//! Whose appointment it is. The number that the call comes from says so; from any other one it takes the confirmation code
//! and the name. A code that does not exist and a name that does not fit sound alike.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::super::error::Refusal;
use super::super::{Caller, Desk};
use crate::business::profile::Profile;
use crate::names::BookingState;
use crate::store::bookings::BookingRow;

/// How many characters a confirmation code has, at least, once what is no letter and no digit is left out.
const CODE_CHARS: usize = 6;
/// How long an appointment that was cancelled is still spoken of as one.
const JUST_CANCELLED: Duration = Duration::from_mins(10);

/// Whose appointment it is said to be, as the model put it.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// Who calls.
    pub caller: Caller,
    /// `confirmationId`
    pub code: Option<String>,
    /// `customerName`
    pub name: Option<String>,
}

impl Desk {
    /// The caller's coming appointments, soonest first, as they stand in the calendar; never none.
    ///
    /// # Errors
    /// A [`Refusal`] when there are none, or they are not this caller's to hear of.
    pub async fn appointments(&self, profile: &Arc<Profile>, claimed: &Claimed) -> Result<Vec<BookingRow>, Refusal> {
        let rows = self.claimed(profile, claimed).await?;
        let standing = try_join_all(rows.into_iter().map(|row| self.as_it_stands(profile, row))).await?;
        let rows: Vec<_> = standing.into_iter().map(|(row, _)| row).filter(|row| row.state.is_live()).collect();
        if rows.is_empty() { Err(Refusal::NoAppointment) } else { Ok(rows) }
    }

    /// The one appointment that is meant; one that was cancelled a moment ago where there is no other.
    pub(super) async fn the_one(&self, profile: &Profile, claimed: &Claimed) -> Result<BookingRow, Refusal> {
        let mut rows = self.claimed(profile, claimed).await?;
        if rows.iter().any(|row| row.state.is_live()) {
            rows.retain(|row| row.state.is_live());
        }
        match rows.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Refusal::NoAppointment),
            [latest, ..] if !latest.state.is_live() => Ok(latest.clone()),
            several => Err(Refusal::WhichAppointment { rows: several.to_vec() }),
        }
    }

    async fn claimed(&self, profile: &Profile, claimed: &Claimed) -> Result<Vec<BookingRow>, Refusal> {
        let now = self.clock.now();
        let Some(code) = claimed.code.as_deref().map(plain_code).filter(|code| !code.is_empty()) else {
            let signalled = claimed.caller.signalled.as_ref().ok_or(Refusal::CodeAndNameMissing)?;
            let rows = self.store.appointments_of(&profile.slug, signalled, now, now - JUST_CANCELLED).await?;
            return if rows.is_empty() { Err(Refusal::NoAppointment) } else { Ok(rows) };
        };
        let row = if code.len() >= CODE_CHARS { self.store.booking_of_code(&profile.slug, &code).await? } else { None };
        let is_theirs = |row: &BookingRow| claimed.caller.signalled.as_ref().is_some_and(|phone| is_of(row, phone.as_str()));
        if let Some(row) = row.as_ref().filter(|row| is_theirs(row)) {
            return self.coming(row);
        }
        let name = claimed.name.as_deref().ok_or(Refusal::CodeAndNameMissing)?;
        // Whoever guesses too often is told nothing any more, right or wrong.
        if !self.tries.allow(&profile.slug, &claimed.caller) {
            return Err(Refusal::TooManyTries);
        }
        let row = row.filter(|row| is_same_name(name, &row.customer_name)).ok_or(Refusal::NoAppointment)?;
        self.coming(&row)
    }

    fn coming(&self, row: &BookingRow) -> Result<Vec<BookingRow>, Refusal> {
        let is_there = row.state != BookingState::Released && row.span.end > self.clock.now();
        if is_there { Ok(vec![row.clone()]) } else { Err(Refusal::NoAppointment) }
    }
}

/// Whether this number is the one that booked it, or the one that it was booked for.
fn is_of(row: &BookingRow, phone: &str) -> bool {
    row.customer_phone.as_str() == phone || row.booked_by() == phone
}

/// A code as it was given out, whatever a model made of the spelling.
fn plain_code(said: &str) -> String {
    said.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_uppercase()).collect()
}

/// Whether the two are one name: every word of the shorter one is in the longer one, and there is one.
fn is_same_name(said: &str, known: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        let plain = |char: char| if char.is_alphanumeric() { char } else { ' ' };
        name.to_lowercase().chars().map(plain).collect::<String>().split_whitespace().map(str::to_owned).collect()
    };
    let (said, known) = (words(said), words(known));
    let (short, long) = if said.len() <= known.len() { (said, known) } else { (known, said) };
    !short.is_empty() && short.iter().all(|word| long.contains(word))
}
