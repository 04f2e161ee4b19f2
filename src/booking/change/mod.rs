//! A change of mind: whose appointment it is, cancelling it, and moving it to another time. The new time is held before the
//! old one is given up, and what a person makes of the event in the meantime is noticed and said.

mod drive;
mod tries;
pub mod whose;
pub mod words;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::check::{Asked, OpenTimes};
use super::error::{NotOpen, Refusal};
use super::machine::changing::{Aim, Changing, End};
use super::Desk;
use crate::business::profile::Profile;
use crate::calendar::{Event, Place};
use crate::clock::Deadline;
use crate::inflight::Running;
use crate::names::{BookingId, BookingState, ToolCallId};
use crate::scheduling::board::reach;
use crate::scheduling::busy::Span;
use crate::scheduling::slots;
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::changes::{Begun, Change};
use drive::Drive;
pub(super) use drive::Verdict;
pub(super) use tries::Tries;
pub use whose::Claimed;

/// How long a drive that is about to end is still waited for when its caller can no longer be told "being arranged".
const LAST_MOMENT: Duration = Duration::from_millis(150);

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
        let because = match self.judge_anew(&asked, &row, start).await? {
            Some(because) => because,
            None => {
                let today = profile.zone.date(self.clock.now());
                let change = Change {
                    state: BookingState::Moving,
                    span,
                    free_at: span.end + (row.free_at - row.span.end),
                    zone: profile.zone.name().to_owned(),
                    wall_clock: super::words::wall_clock(profile.zone.civil(start)),
                    preferred: super::words::at(profile.zone.civil(start), today),
                    claim_key: self.calendars.claim_key(&place_of(&row)),
                    ..self.unchanged(wish, &row)
                };
                match self.begin(profile, row.clone(), change, seen, deadline).await? {
                    // Between the two nobody else's time was seen to be free.
                    ChangeOfMind::NotOpen { because, .. } => because,
                    outcome => return Ok(outcome),
                }
            }
        };
        self.other_times(&asked, wish, row, start, because, deadline).await
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
    fn unchanged(&self, wish: &WishToChange, row: &BookingRow) -> Change {
        Change {
            state: row.state,
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

    async fn begin(
        &self,
        profile: &Arc<Profile>,
        row: BookingRow,
        change: Change,
        seen: Option<Event>,
        deadline: Deadline,
    ) -> Result<ChangeOfMind, Refusal> {
        let limit = (change.state == BookingState::Moving).then(|| super::book::day_limit(profile, change.span.start)).flatten();
        let taken = |row: BookingRow| ChangeOfMind::NotOpen {
            wished: change.span.start,
            row: Box::new(row),
            because: NotOpen::Start(slots::Refusal::Taken),
            others: OpenTimes { starts: Vec::new(), unseen: false },
        };
        match self.store.begin_change(&row, &change, limit).await? {
            Begun::Ours => {}
            Begun::Taken | Begun::DayFull => return Ok(taken(row)),
            // Somebody else has just begun to change it, or a person has: whoever asks again sees what came of that.
            Begun::Elsewhere => return Err(Refusal::JustChanging),
        }
        let aim = if change.state == BookingState::Moving { Aim::Move } else { Aim::Cancel };
        let row = BookingRow { state: change.state, ..row };
        let running = self.drive_change(profile, &row, &change, Changing::begun(aim), seen);
        let Some(verdict) = self.ended_in_time(running, row.id, deadline).await? else {
            return Ok(ChangeOfMind::Pending(Box::new(row)));
        };
        match verdict {
            Verdict::Ended(End::Done, row) if aim == Aim::Move => Ok(ChangeOfMind::Moved(row)),
            Verdict::Ended(End::Done, row) => Ok(ChangeOfMind::Cancelled(row)),
            Verdict::Ended(End::Taken, row) => Ok(taken(*row)),
            Verdict::Ended(End::Elsewhere, row) => Ok(ChangeOfMind::Elsewhere(row)),
            Verdict::Ended(End::Gone, row) => Ok(ChangeOfMind::Gone(row)),
            Verdict::Ended(End::Unchanged, _) | Verdict::Later => Err(Refusal::CalendarDown),
        }
    }

    /// What the drive came to; `None` when its caller is to be told that it is being arranged.
    async fn ended_in_time(
        &self,
        running: Option<Running<Verdict>>,
        booking: BookingId,
        deadline: Deadline,
    ) -> Result<Option<Verdict>, Refusal> {
        let Some(mut running) = running else { return Ok(self.promised(booking).await?.then_some(Verdict::Later)) };
        if let Ok(Ok(verdict @ Verdict::Ended(..))) = tokio::time::timeout(deadline.left(), running.wait()).await {
            return Ok(Some(verdict));
        }
        self.ensure_settled(booking, self.clock.now() + super::drive::TAKE_UP_AFTER).await?;
        if self.store.promise_change(booking).await? {
            return Ok(None);
        }
        // Decided in this very moment: nothing was promised, and what came of it is told now.
        let outcome = tokio::time::timeout(LAST_MOMENT, running.wait()).await;
        Ok(Some(outcome.ok().and_then(Result::ok).unwrap_or(Verdict::Later)))
    }

    async fn promised(&self, booking: BookingId) -> Result<bool, Refusal> {
        self.ensure_settled(booking, self.clock.now() + super::drive::TAKE_UP_AFTER).await?;
        Ok(!self.store.promise_change(booking).await?)
    }

    /// Starts a drive of this change, or joins the one that runs; `None` when too much is under way.
    fn drive_change(
        &self,
        profile: &Arc<Profile>,
        row: &BookingRow,
        change: &Change,
        standing: Changing,
        seen: Option<Event>,
    ) -> Option<Running<Verdict>> {
        let running = self.changes.join(row.id, || {
            let (desk, profile, row, change) = (self.clone(), Arc::clone(profile), row.clone(), change.clone());
            async move {
                let id = row.id;
                let drive = Drive::new(&desk, &profile, row, change, standing).having_seen(seen);
                drive.run().await.unwrap_or_else(|error| {
                    tracing::error!(booking.id = %id, error = %error, "the ledger failed in the middle of a change");
                    Verdict::Later
                })
            }
        });
        running.ok()
    }

    /// Goes on with a change that was left, or that was cut off.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn settle_change(&self, profile: &Arc<Profile>, row: &BookingRow) -> Result<(), store::Error> {
        let Some(change) = self.store.change_of(row.id).await? else { return Ok(()) };
        let aim = if change.state == BookingState::Moving { Aim::Move } else { Aim::Cancel };
        let standing = Changing::left(aim, change.promised);
        if let Some(running) = self.drive_change(profile, row, &change, standing, None) {
            let _whatever = running.outcome().await;
        }
        Ok(())
    }

    /// The appointment as it stands in the calendar, ready to be changed; a change of it that is under way is waited for.
    pub(super) async fn changeable(
        &self,
        profile: &Arc<Profile>,
        row: BookingRow,
        deadline: Deadline,
    ) -> Result<(BookingRow, Option<Event>), Refusal> {
        let row = match row.state {
            BookingState::Moving | BookingState::Cancelling => {
                let _whatever = tokio::time::timeout(deadline.left(), self.settle_change(profile, &row)).await;
                self.store.booking(row.id).await?.unwrap_or(row)
            }
            _ => row,
        };
        match row.state {
            BookingState::Confirmed => {}
            BookingState::Cancelled | BookingState::Released => return Ok((row, None)),
            _ => return Err(Refusal::JustChanging),
        }
        if row.span.start <= self.clock.now() {
            return Err(Refusal::HasBegun);
        }
        let seen = self.calendars.get(&place_of(&row), &row.event_id).await.ok().flatten();
        let Some(event) = seen else { return Ok((row, None)) };
        let place = place_of(&row);
        if let Ok(sight) = self.sight(profile, &row, &place, &event).await {
            self.note(profile, &row, sight).await?;
        }
        let now = self.store.booking(row.id).await?.unwrap_or(row);
        let seen = (now.calendar == place.calendar && now.state == BookingState::Confirmed).then_some(event);
        Ok((now, seen))
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

fn place_of(row: &BookingRow) -> Place {
    Place { business: row.business.clone(), calendar: row.calendar.clone() }
}
