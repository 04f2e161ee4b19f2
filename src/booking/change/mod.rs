//! A change of mind: whose appointment it is, cancelling it, and moving it to another time. The new time is held before the
//! old one is given up, and what a person makes of the event in the meantime is noticed and said.

mod carry;
mod drive;
mod tries;
pub mod whose;
pub mod words;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::Desk;
use super::check::{Asked, OpenTimes};
use super::error::{NotOpen, Refusal};
use super::follow::home_of;
use crate::business::profile::Profile;
use crate::clock::Deadline;
use crate::names::{BookingState, ToolCallId};
use crate::scheduling::board::reach;
use crate::scheduling::busy::Span;
use crate::scheduling::slots;
use crate::store::bookings::BookingRow;
use crate::store::changes::{Cause, Change};
pub(super) use drive::Verdict;
pub(super) use tries::Tries;
pub use whose::Claimed;

/// What came of a wish to change an appointment.
#[derive(Clone, Debug)]
pub enum ChangeOfMind {
    /// It has the time that was wished for.
    Moved(Box<BookingRow>),
    /// It is out of the calendar.
    Cancelled(Box<BookingRow>),
    /// It is under way, and the caller will be told.
    Pending(Box<BookingRow>),
    /// The time is not to be had; these are, in local time. The appointment stays as it is.
    NotOpen {
        /// The appointment.
        row: Box<BookingRow>,
        /// The time that was wished for.
        wished: OffsetDateTime,
        /// Why not.
        because: NotOpen,
        /// Up to three.
        others: OpenTimes,
    },
    /// A person has moved it in the meantime: so it stands now.
    Elsewhere(Box<BookingRow>),
    /// A person has deleted it in the meantime.
    Gone(Box<BookingRow>),
}

/// A wish to change an appointment, as the model put it.
#[derive(Clone, Debug, Default)]
pub struct WishToChange {
    /// Whose it is said to be.
    pub claimed: Claimed,
    /// `scheduledDate`, for another time.
    pub time: Option<String>,
    /// The tool call that brought it.
    pub tool_call: Option<ToolCallId>,
}

impl Desk {
    /// Takes the caller's appointment out of the calendar.
    ///
    /// # Errors
    /// A [`Refusal`] when it is not clear which, not theirs to change, or the calendar cannot be asked: then it stands.
    pub async fn cancel(&self, profile: &Arc<Profile>, wish: &WishToChange, deadline: Deadline) -> Result<ChangeOfMind, Refusal> {
        let row = self.the_one(profile, &wish.claimed).await?;
        if row.state == BookingState::Cancelled {
            return Ok(ChangeOfMind::Cancelled(Box::new(row)));
        }
        let (row, seen) = self.changeable(profile, row, deadline).await?;
        if row.state == BookingState::Cancelled {
            return Ok(ChangeOfMind::Gone(Box::new(row)));
        }
        let change = Change { state: BookingState::Cancelling, ..self.unchanged(wish, &row) };
        self.begin(profile, row, change, seen, deadline).await
    }

    /// Gives the caller's appointment another time.
    ///
    /// # Errors
    /// As [`Desk::cancel`].
    pub async fn reschedule(
        &self,
        profile: &Arc<Profile>,
        wish: &WishToChange,
        deadline: Deadline,
    ) -> Result<ChangeOfMind, Refusal> {
        let start = self.start_meant(profile, &wish.claimed.caller, wish.time.as_deref()).await?;
        let row = self.the_one(profile, &wish.claimed).await?;
        let (row, seen) = match row.state {
            BookingState::Cancelled => return Ok(ChangeOfMind::Gone(Box::new(row))),
            _ => self.changeable(profile, row, deadline).await?,
        };
        if row.state == BookingState::Cancelled {
            return Ok(ChangeOfMind::Gone(Box::new(row)));
        }
        let length = row.span.end - row.span.start;
        let span = Span { start, end: start + length };
        if span.same_seconds(&row.span) {
            return Ok(ChangeOfMind::Moved(Box::new(row)));
        }
        let asked = asked_anew(profile, &row)?;
        let because = if let Some(because) = self.judge_anew(&asked, &row, start).await? {
            because
        } else {
            let change = self.to_another_time(profile, wish, &row, span);
            match self.begin(profile, row.clone(), change, seen, deadline).await? {
                ChangeOfMind::NotOpen { because, .. } => because,
                outcome => return Ok(outcome),
            }
        };
        self.other_times(&asked, wish, row, start, because, deadline).await
    }

    /// The change to this time, with the same buffer.
    fn to_another_time(&self, profile: &Profile, wish: &WishToChange, row: &BookingRow, span: Span) -> Change {
        let start = profile.zone.civil(span.start);
        Change {
            state: BookingState::Moving,
            span,
            free_at: span.end + (row.free_at - row.span.end),
            zone: profile.zone.name().to_owned(),
            wall_clock: super::words::wall_clock(start),
            preferred: super::words::at(start, profile.zone.date(self.clock.now())),
            claim_key: self.calendars.claim_key(&home_of(row)),
            ..self.unchanged(wish, row)
        }
    }

    /// Why the appointment cannot have this start, as far as rules, hours and our own ledger say.
    async fn judge_anew(&self, asked: &Asked<'_>, row: &BookingRow, start: OffsetDateTime) -> Result<Option<NotOpen>, Refusal> {
        let profile = asked.profile;
        let span = reach(&profile.zone, &profile.rules, self.clock.now(), profile.zone.date(start));
        let mut board = self.blank_board(asked, span).await?;
        board.duration = length_of(row);
        match board.judge(start) {
            Ok(_) => Ok(None),
            Err(slots::Refusal::Past) => Err(Refusal::Past { today: profile.zone.date(board.now) }),
            Err(because) => Ok(Some(NotOpen::Start(because))),
        }
    }

    async fn other_times(
        &self,
        asked: &Asked<'_>,
        wish: &WishToChange,
        row: BookingRow,
        start: OffsetDateTime,
        because: NotOpen,
        deadline: Deadline,
    ) -> Result<ChangeOfMind, Refusal> {
        let (profile, caller) = (asked.profile, &wish.claimed.caller);
        let date = profile.zone.date(start);
        let mut board = self.board(asked, reach(&profile.zone, &profile.rules, self.clock.now(), date), deadline).await?;
        board.duration = length_of(&row);
        board.held = self.held_from(profile, caller).await?;
        let mut others = board.nearest(date, start);
        if others.is_empty() {
            others = board.coming_days(date, None);
        }
        let others = OpenTimes::of(others, &board);
        if let Some(call) = &caller.call_id {
            self.store.keep_offers(&profile.slug, call, &others.starts, self.clock.now()).await?;
        }
        Ok(ChangeOfMind::NotOpen { row: Box::new(row), wished: start, because, others })
    }

    /// The change of which everything stays as it is.
    pub(super) fn unchanged(&self, wish: &WishToChange, row: &BookingRow) -> Change {
        Change {
            state: row.state,
            cause: Cause::Wish,
            span: row.span,
            free_at: row.free_at,
            claim_key: row.claim_key.clone(),
            zone: row.zone.clone(),
            wall_clock: row.wall_clock.clone(),
            preferred: row.preferred.clone(),
            promised: false,
            call_id: wish.claimed.caller.call_id.clone().unwrap_or_default(),
            tool_call_id: wish.tool_call.as_ref().map(ToString::to_string).unwrap_or_default(),
            etag: row.etag.clone(),
            sent_at: self.clock.now(),
        }
    }
}

/// The question for another time: of the same technician, for the same work.
fn asked_anew<'p>(profile: &'p Profile, row: &BookingRow) -> Result<Asked<'p>, Refusal> {
    let technician = profile.technicians.iter().find(|technician| technician.id == row.technician);
    // A service that the file does not name any more still lasts as long as it was booked for.
    let service = profile.service(Some(&row.service)).ok().or(profile.services.first());
    let (Some(technician), Some(service)) = (technician, service) else { return Err(Refusal::NotByTelephone) };
    Ok(Asked { profile, service, crew: vec![technician], wanted: None, but: Some(row.id) })
}

fn length_of(row: &BookingRow) -> Duration {
    Duration::try_from(row.span.end - row.span.start).unwrap_or_default()
}
