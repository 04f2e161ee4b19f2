//! The one way in which a time becomes a job: understand the wish, claim the time, let the drive carry it, and tell the
//! truth about what came of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use time::OffsetDateTime;

use super::check::OpenTimes;
use super::correct::Corrected;
use super::drive::Verdict;
use super::error::{NotOpen, Refusal};
use super::follow::Sight;
use super::order::{Order, Wish};
use super::{Desk, identity};
use crate::business::profile::Profile;
use crate::calendar::Place;
use crate::clock::Deadline;
use crate::names::BookingState;
use crate::scheduling::board::reach;
use crate::scheduling::busy::Span;
use crate::scheduling::slots::{self, Slot};
use crate::scheduling::zone::MINUTES_OF_DAY;
use crate::store::bookings::BookingRow;
use crate::store::claims::{Claim, DayLimit};

/// How many times and technicians are tried for one wish before other times are offered.
const MAX_ATTEMPTS: usize = 6;
/// How long is asked whether a confirmed booking's event still stands. Without an answer it does: nobody loses a job over a
/// calendar that is slow.
const STILL_THERE: Duration = Duration::from_secs(1);
/// How long a drive that is about to end is still waited for when its caller can no longer be told "being arranged".
const LAST_MOMENT: Duration = Duration::from_millis(150);

/// What came of a wish.
#[derive(Clone, Debug)]
pub enum Booking {
    /// The event exists.
    Made(Box<BookingRow>),
    /// It existed already, and the caller has said something of it anew.
    Again(Box<BookingRow>, Corrected),
    /// It is under way, and the caller will be told.
    Pending(Box<BookingRow>),
    /// The time is not to be had; these are, in local time.
    NotOpen {
        /// The service's name.
        service: String,
        /// The time that was wished for, if it was one.
        wished: Option<OffsetDateTime>,
        /// Why not.
        because: NotOpen,
        /// Up to three.
        others: OpenTimes,
    },
}

/// What came of one try at one time with one technician.
enum Attempt {
    Ended(Booking),
    Taken,
    Unreachable,
}

impl Desk {
    /// Books what is wished for, or says why not.
    ///
    /// # Errors
    /// A [`Refusal`] when the wish cannot be understood, or the calendar or the store cannot be asked: nothing was booked.
    pub async fn book(&self, profile: &Arc<Profile>, wish: &Wish, deadline: Deadline) -> Result<Booking, Refusal> {
        let order = self.order(profile, wish).await?;
        if let Some(row) = self.same_wish(&order).await?
            && let Attempt::Ended(booking) = self.join(profile, row, wish, deadline).await?
        {
            return Ok(booking);
        }
        let candidates = match self.candidates(&order, deadline).await? {
            Ok(slots) => slots,
            Err(because) => return self.not_open(&order, wish, because, deadline).await,
        };
        let mut unreachable = false;
        for (start, technician) in tries_of(&candidates) {
            match self.attempt(profile, &order, wish, start, technician, deadline).await? {
                Attempt::Ended(booking) => return Ok(booking),
                Attempt::Taken => {}
                Attempt::Unreachable => unreachable = true,
            }
        }
        if unreachable {
            return Err(Refusal::CalendarDown);
        }
        self.not_open(&order, wish, NotOpen::Start(slots::Refusal::Taken), deadline).await
    }

    async fn same_wish(&self, order: &Order<'_>) -> Result<Option<BookingRow>, Refusal> {
        let named = order.asked.wanted.and_then(|index| order.asked.crew.get(index)).map(|technician| technician.id.as_str());
        let (profile, service) = (order.asked.profile, order.asked.service);
        Ok(self.store.same_wish(&profile.slug, &order.caller_key, &service.name, order.same, named).await?)
    }

    /// The times to try, in order, each with who could come; or why there are none.
    async fn candidates(&self, order: &Order<'_>, deadline: Deadline) -> Result<Result<Vec<Slot>, NotOpen>, Refusal> {
        let profile = order.asked.profile;
        let date = profile.zone.date(order.same.start);
        let span = reach(&profile.zone, &profile.rules, self.clock.now(), date);
        let Some(start) = order.exactly else {
            let board = self.board(&order.asked, span, deadline).await?;
            return match board.open(date, order.window) {
                Err(slots::Reason::Unreachable) => Err(Refusal::CalendarDown),
                slots => Ok(slots.map_err(|reason| NotOpen::of(reason, order.window))),
            };
        };
        // The calendars are asked at the moment of booking, one by one: here only rules, hours and our own ledger speak.
        let board = self.blank_board(&order.asked, span).await?;
        match board.judge(start) {
            Ok(slot) => Ok(Ok(vec![slot])),
            Err(slots::Refusal::Past) => Err(Refusal::Past { today: profile.zone.date(board.now) }),
            Err(slots::Refusal::Taken) if self.drop_deleted(order, start).await? => {
                let board = self.blank_board(&order.asked, span).await?;
                Ok(board.judge(start).map(|slot| vec![slot]).map_err(NotOpen::Start))
            }
            Err(because) => Ok(Err(NotOpen::Start(because))),
        }
    }

    async fn attempt(
        &self,
        profile: &Arc<Profile>,
        order: &Order<'_>,
        wish: &Wish,
        start: OffsetDateTime,
        technician: usize,
        deadline: Deadline,
    ) -> Result<Attempt, Refusal> {
        let Some(row) = self.new_row(order, wish, start, technician) else { return Ok(Attempt::Unreachable) };
        let limit = day_limit(profile, start);
        match self.store.claim_booking(&row, order.same, limit).await? {
            Claim::Ours => self.finish(profile, row, deadline).await,
            Claim::Same(row) => self.join(profile, *row, wish, deadline).await,
            Claim::Taken(_) | Claim::DayFull => Ok(Attempt::Taken),
            Claim::CodeInUse => {
                let again = BookingRow { confirmation: identity::confirmation_code(), ..row };
                match self.store.claim_booking(&again, order.same, limit).await? {
                    Claim::Ours => self.finish(profile, again, deadline).await,
                    _ => Ok(Attempt::Taken),
                }
            }
        }
    }

    /// The same wish is in the ledger already. A confirmed one is told again, if a person has not deleted it meanwhile, with what
    /// the caller has corrected of it.
    async fn join(&self, profile: &Arc<Profile>, row: BookingRow, wish: &Wish, deadline: Deadline) -> Result<Attempt, Refusal> {
        let joined = match row.state {
            BookingState::Confirmed => self.as_it_stands(profile, row).await?,
            BookingState::Moving | BookingState::Cancelling => {
                let start = row.span.start;
                let (row, _seen) = self.changeable(profile, row, deadline).await?;
                // It has another time now, or none: then this is another wish.
                Some(row).filter(|row| row.state == BookingState::Confirmed && row.span.start == start)
            }
            _ => match self.finish(profile, row, deadline).await? {
                Attempt::Ended(Booking::Made(row)) => Some(*row),
                other => return Ok(other),
            },
        };
        let Some(row) = joined else { return Ok(Attempt::Taken) };
        let (row, corrected) = self.correct(profile, row, wish, deadline).await?;
        Ok(Attempt::Ended(Booking::Again(Box::new(row), corrected)))
    }

    /// Waits for the drive of a booking, but not longer than its caller can.
    async fn finish(&self, profile: &Arc<Profile>, row: BookingRow, deadline: Deadline) -> Result<Attempt, Refusal> {
        let Ok(mut running) = self.drive(profile, &row, true, deadline) else { return self.pending(row).await };
        match tokio::time::timeout(deadline.left(), running.wait()).await {
            Ok(Ok(Verdict::Booked(row))) => return Ok(Attempt::Ended(Booking::Made(row))),
            Ok(Ok(Verdict::Taken)) => return Ok(Attempt::Taken),
            Ok(Ok(Verdict::Unreachable)) => return Ok(Attempt::Unreachable),
            Ok(Ok(Verdict::Later) | Err(_)) | Err(_) => {}
        }
        if self.store.promise_booking(row.id).await? {
            return Ok(Attempt::Ended(Booking::Pending(Box::new(row))));
        }
        // Decided in this very moment: what is in the ledger now is the truth, and nothing was promised.
        let _whatever = tokio::time::timeout(LAST_MOMENT, running.wait()).await;
        match self.store.booking(row.id).await? {
            Some(row) if row.state == BookingState::Confirmed => Ok(Attempt::Ended(Booking::Made(Box::new(row)))),
            _ => Ok(Attempt::Taken),
        }
    }

    async fn pending(&self, row: BookingRow) -> Result<Attempt, Refusal> {
        self.store.promise_booking(row.id).await?;
        Ok(Attempt::Ended(Booking::Pending(Box::new(row))))
    }

    /// Whether any of our confirmed bookings that hold this start was deleted or moved in the calendar by a person; the ledger
    /// follows.
    async fn drop_deleted(&self, order: &Order<'_>, start: OffsetDateTime) -> Result<bool, Refusal> {
        let profile = order.asked.profile;
        let mut holders = self.holders(order, start).await?;
        holders.retain(|row| row.state == BookingState::Confirmed);
        let there = try_join_all(holders.iter().map(|row| self.as_it_stands(profile, row.clone()))).await?;
        let has_gone = |(row, now): (&BookingRow, &Option<BookingRow>)| {
            now.as_ref().is_none_or(|now| (now.span, &now.calendar) != (row.span, &row.calendar))
        };
        Ok(holders.iter().zip(&there).any(has_gone))
    }

    /// Our bookings that hold this start, whoever of the crew has them.
    async fn holders(&self, order: &Order<'_>, start: OffsetDateTime) -> Result<Vec<BookingRow>, Refusal> {
        let profile = order.asked.profile;
        let span = Span::starting(start, order.asked.service.duration + profile.rules.buffer);
        let mut holders = Vec::new();
        for technician in &order.asked.crew {
            let Some(place) = self.place_of(profile, technician) else { continue };
            holders.extend(self.store.claims_between(&self.calendars.claim_key(&place), span).await?);
        }
        Ok(holders)
    }

    /// A confirmed booking as its event stands now: a person may have moved it, and what is said must be what is there. `None`
    /// when it was deleted. The ledger follows either.
    async fn as_it_stands(&self, profile: &Profile, row: BookingRow) -> Result<Option<BookingRow>, Refusal> {
        let place = Place { business: row.business.clone(), calendar: row.calendar.clone() };
        let look = async {
            match self.calendars.get(&place, &row.event_id).await? {
                Some(event) => self.sight(profile, &row, &place, &event).await,
                // Right after an insert a calendar may not show an event yet.
                None => Ok(Sight::AsItWas),
            }
        };
        let Ok(Ok(sight)) = tokio::time::timeout(STILL_THERE, look).await else { return Ok(Some(row)) };
        self.note(profile, &row, sight).await?;
        let now = self.store.booking(row.id).await?;
        Ok(now.filter(|row| row.state == BookingState::Confirmed))
    }

    async fn not_open(&self, order: &Order<'_>, wish: &Wish, because: NotOpen, deadline: Deadline) -> Result<Booking, Refusal> {
        let profile = order.asked.profile;
        let date = profile.zone.date(order.same.start);
        let mut board = self.board(&order.asked, reach(&profile.zone, &profile.rules, self.clock.now(), date), deadline).await?;
        board.held = self.held_from(profile, &wish.caller).await?;
        let mut others = order.exactly.map(|start| board.nearest(date, start)).unwrap_or_default();
        if others.is_empty() {
            others = board.coming_days(date, order.window);
        }
        let others = OpenTimes::of(others, &board);
        if let (Some(start), true) = (order.exactly, others.starts.is_empty() && others.unseen)
            && !self.holders(order, start).await?.iter().any(|row| row.state == BookingState::Confirmed)
        {
            // Whoever held it a moment ago may get it or not, and nobody can look: "taken" would be said too early.
            return Err(Refusal::CalendarDown);
        }
        if let Some(call) = &wish.caller.call_id {
            self.store.keep_offers(&profile.slug, call, &others.starts, self.clock.now()).await?;
        }
        Ok(Booking::NotOpen { service: order.asked.service.name.clone(), wished: order.exactly, because, others })
    }
}

/// `max_jobs_per_day`, for the day of this start.
pub(super) fn day_limit(profile: &Profile, start: OffsetDateTime) -> Option<DayLimit> {
    let date = profile.zone.date(start);
    let day = Span { start: profile.zone.start_of_day(date), end: profile.zone.bound(date, MINUTES_OF_DAY) };
    (profile.rules.max_jobs_per_day > 0).then_some(DayLimit { day, jobs: profile.rules.max_jobs_per_day })
}

/// Which times and technicians to try, in order.
fn tries_of(candidates: &[Slot]) -> Vec<(OffsetDateTime, usize)> {
    let tries = candidates.iter().flat_map(|slot| slot.technicians.iter().map(|index| (slot.start, *index)));
    tries.take(MAX_ATTEMPTS).collect()
}
