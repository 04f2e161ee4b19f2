//! Beginning a change, waiting for it as long as its caller can, and taking one up that was left.

use std::sync::Arc;
use std::time::Duration;

use super::super::check::OpenTimes;
use super::super::error::{NotOpen, Refusal};
use super::super::machine::changing::{Aim, Changing, End};
use super::super::{Desk, book, drive as bookings};
use super::drive::{Drive, Verdict};
use super::{ChangeOfMind, place_of};
use crate::business::profile::Profile;
use crate::calendar::{Event, Place};
use crate::clock::Deadline;
use crate::inflight::Running;
use crate::names::{BookingId, BookingState};
use crate::scheduling::slots;
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::changes::{Begun, Change};

/// How long a drive that is about to end is still waited for when its caller can no longer be told "being arranged".
const LAST_MOMENT: Duration = Duration::from_millis(150);
/// How long is asked how an event stands before it is changed. Without an answer the ledger is believed: the etag, under which
/// alone it is changed, tells in the end.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Desk {
    pub(super) async fn begin(
        &self,
        profile: &Arc<Profile>,
        row: BookingRow,
        change: Change,
        seen: Option<Event>,
        deadline: Deadline,
    ) -> Result<ChangeOfMind, Refusal> {
        let limit = (change.state == BookingState::Moving).then(|| book::day_limit(profile, change.span.start)).flatten();
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
        let id = row.id;
        let Some(verdict) = self.ended_in_time(running, id, deadline).await? else {
            return Ok(ChangeOfMind::Pending(Box::new(row)));
        };
        match verdict {
            Verdict::Ended(End::Done, row) if aim == Aim::Move => Ok(ChangeOfMind::Moved(row)),
            Verdict::Ended(End::Done, row) => Ok(ChangeOfMind::Cancelled(row)),
            Verdict::Ended(End::Taken, row) => Ok(taken(*row)),
            Verdict::Ended(End::Elsewhere, row) => Ok(ChangeOfMind::Elsewhere(row)),
            Verdict::Ended(End::Gone, row) => Ok(ChangeOfMind::Gone(row)),
            Verdict::Ended(End::Unchanged, _) => Err(Refusal::NotChanged),
            Verdict::Later => self.as_decided(id, &change).await,
        }
    }

    /// What the ledger says of a change that somebody else has brought to its end.
    async fn as_decided(&self, booking: BookingId, change: &Change) -> Result<ChangeOfMind, Refusal> {
        let row = self.store.booking(booking).await?.ok_or(Refusal::JustChanging)?;
        match (row.state, change.state) {
            (BookingState::Cancelled, BookingState::Cancelling) => Ok(ChangeOfMind::Cancelled(Box::new(row))),
            (BookingState::Cancelled, _) => Ok(ChangeOfMind::Gone(Box::new(row))),
            (BookingState::Confirmed, BookingState::Moving) if row.span == change.span => Ok(ChangeOfMind::Moved(Box::new(row))),
            (BookingState::Confirmed, _) => Err(Refusal::NotChanged),
            _ => Err(Refusal::JustChanging),
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
        self.ensure_settled(booking, self.clock.now() + bookings::TAKE_UP_AFTER).await?;
        if self.store.promise_change(booking).await? {
            return Ok(None);
        }
        // Decided in this very moment: nothing was promised, and what came of it is told now.
        let outcome = tokio::time::timeout(LAST_MOMENT, running.wait()).await;
        Ok(Some(outcome.ok().and_then(Result::ok).unwrap_or(Verdict::Later)))
    }

    async fn promised(&self, booking: BookingId) -> Result<bool, Refusal> {
        self.ensure_settled(booking, self.clock.now() + bookings::TAKE_UP_AFTER).await?;
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
    pub(in super::super) async fn settle_change(&self, profile: &Arc<Profile>, row: &BookingRow) -> Result<(), store::Error> {
        let Some(change) = self.store.change_of(row.id).await? else { return Ok(()) };
        let aim = if change.state == BookingState::Moving { Aim::Move } else { Aim::Cancel };
        let standing = Changing::left(aim, change.promised);
        if let Some(running) = self.drive_change(profile, row, &change, standing, None) {
            let _whatever = running.outcome().await;
        }
        Ok(())
    }

    /// The event, if the calendar shows it without delay.
    pub(super) async fn seen_at_once(&self, place: &Place, row: &BookingRow) -> Option<Event> {
        let asked = tokio::time::timeout(AT_ONCE, self.calendars.get(place, &row.event_id)).await;
        asked.ok().and_then(Result::ok).flatten()
    }

    /// The appointment as it stands in the calendar, ready to be changed; a change of it that is under way is waited for.
    pub(in super::super) async fn changeable(
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
        let place = place_of(&row);
        let Some(event) = self.seen_at_once(&place, &row).await else { return Ok((row, None)) };
        if let Ok(sight) = self.sight(profile, &row, &place, &event).await {
            self.note(profile, &row, sight).await?;
        }
        let now = self.store.booking(row.id).await?.unwrap_or(row);
        let seen = (now.calendar == place.calendar && now.state == BookingState::Confirmed).then_some(event);
        Ok((now, seen))
    }
}
