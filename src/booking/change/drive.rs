//! Carrying one change from where it stands to its end: does what the machine asks for, and writes the end into the ledger.
//! Runs on the main runtime, whoever waits and whoever has left.

use std::time::Duration as Patience;

use time::Duration;

use super::super::follow::home_of;
use super::super::machine::Looked;
use super::super::machine::changing::{Aim, Changing, End, Met, Step};
use super::super::{Desk, callers, words};
use super::words as change_words;
use crate::business::profile::Profile;
use crate::calendar::{Changed, Event, Fault, Place, Rewrite, Texts};
use crate::clock::{Stopwatch, epoch_ms};
use crate::meters;
use crate::names::BookingState;
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::changes::{Cause, Change, EndOfChange};
use crate::store::claims::Moved;
use crate::store::jobs::Job;

/// How long after a request it cannot arrive any more.
const LONG_AGO: Duration = Duration::MINUTE;
/// How long a request's own answer is waited for.
const SEND_PATIENCE: Patience = Patience::from_millis(2500);
/// How long after it was noted a request may still be sent without being noted anew. A program that stood still for longer
/// may have been believed dead, and somebody else may have ended the change.
const FRESH: Patience = Patience::from_secs(15);
/// A bound on the steps: the machine ends long before; a mistake in it must not turn into a loop.
const MAX_STEPS: usize = 24;

/// How a drive ended.
#[derive(Clone, Debug)]
pub(in super::super) enum Verdict {
    /// The change is over; so the booking stands now.
    Ended(End, Box<BookingRow>),
    /// Nothing more is known now.
    Later,
}

/// What a drive holds in its hands.
pub(super) struct Drive<'a> {
    desk: &'a Desk,
    profile: &'a Profile,
    /// As the ledger has it: moving or cancelling.
    row: BookingRow,
    change: Change,
    standing: Changing,
    place: Place,
    /// The event as it was seen last; its texts are needed to change them.
    seen: Option<Event>,
    /// How long the ledger has known of the request that is sent next; `None` when it does not know of it yet.
    noted: Option<Stopwatch>,
}

impl<'a> Drive<'a> {
    pub(super) fn new(desk: &'a Desk, profile: &'a Profile, row: BookingRow, change: Change, standing: Changing) -> Self {
        let place = home_of(&row);
        // With its beginning the first request was noted; one that was left behind may have been sent long ago.
        let noted = (!standing.in_doubt).then(Stopwatch::start);
        Self { desk, profile, row, change, standing, place, seen: None, noted }
    }

    /// With the event as it was just read: then a first request needs no other question.
    pub(super) fn having_seen(self, seen: Option<Event>) -> Self {
        Self { seen, ..self }
    }

    pub(super) async fn run(mut self) -> Result<Verdict, store::Error> {
        let (standing, mut step) = self.standing.take_up();
        self.standing = standing;
        for _ in 0..MAX_STEPS {
            let met = match step {
                Step::Look => Met::Look(self.look().await),
                Step::Send => self.send().await?,
                Step::Get => self.get().await,
                Step::End(end) => return self.end(end).await,
                Step::LeaveForLater => break,
            };
            (self.standing, step) = self.standing.after(met);
        }
        tracing::info!(booking.id = %self.row.id, business = %self.row.business, "a change of a booking is left for later");
        Ok(Verdict::Later)
    }

    async fn look(&self) -> Looked {
        let all_day = self.profile.rules.all_day_free_blocks;
        match self.desk.calendars.look(&self.place, self.change.span, &self.row.event_id, all_day).await {
            Ok(others) if others.iter().any(|other| other.overlaps(&self.change.span)) => Looked::Taken,
            Ok(_) => Looked::Free,
            Err(fault) => self.unclear("look", &fault, Looked::Unknown),
        }
    }

    async fn send(&mut self) -> Result<Met, store::Error> {
        if self.seen.is_none() && self.standing.aim == Aim::Move {
            // What people have written into the event must be known, or it would be written over.
            self.seen = self.desk.seen_at_once(&self.row).await;
        }
        let etag = self.seen.as_ref().map_or(&self.change.etag, |event| &event.etag).clone();
        let is_noted = self.noted.take().is_some_and(|noted| noted.elapsed() < FRESH);
        if !is_noted || etag != self.change.etag {
            self.note(&etag).await?;
        }
        let sending = async {
            match self.standing.aim {
                Aim::Move => self.desk.calendars.rewrite(&self.place, &self.row.event_id, &etag, &self.rewrite()).await,
                Aim::Cancel => self.desk.calendars.take_out(&self.place, &self.row.event_id, &etag).await,
            }
        };
        let changed = tokio::time::timeout(SEND_PATIENCE, sending).await;
        self.desk.calendars.forget_busy(&self.place);
        Ok(match changed {
            Ok(Changed::Done(event)) => {
                self.seen = Some(event);
                Met::Done
            }
            Ok(Changed::Gone) if self.standing.aim == Aim::Cancel => Met::Gone,
            // Whether a person deleted it or moved it to another calendar is to be seen.
            Ok(Changed::Gone | Changed::Edited) => Met::Edited,
            Ok(Changed::NotDone(fault)) => self.unclear("change", &fault, Met::NotDone),
            Ok(Changed::Unknown(fault)) => self.unclear("change", &fault, Met::Unknown),
            Err(_elapsed) => Met::Unknown,
        })
    }

    /// Notes a request before it is sent: whoever else is at this change must not think that none is on its way.
    async fn note(&mut self, etag: &str) -> Result<(), store::Error> {
        let now = self.desk.clock.now();
        if self.desk.store.send_change_again(self.row.id, etag, now).await? == Moved::Elsewhere {
            return Err(store::Error::Unreadable("change: somebody else has ended it"));
        }
        (self.change.etag, self.change.sent_at) = (etag.to_owned(), now);
        Ok(())
    }

    async fn get(&mut self) -> Met {
        let event = match self.desk.calendars.get(&self.place, &self.row.event_id).await {
            // A calendar may not show an event yet, or not to us any more.
            Ok(None) => return Met::FoundUnknown,
            Ok(Some(event)) => event,
            Err(fault) => return self.unclear("get", &fault, Met::FoundUnknown),
        };
        let met = self.meaning_of(&event);
        self.seen = Some(event);
        met
    }

    fn meaning_of(&self, event: &Event) -> Met {
        let stands_at = |span| event.span.is_some_and(|found| found.same_seconds(span));
        if event.cancelled {
            Met::Gone
        } else if self.standing.aim == Aim::Move && stands_at(&self.change.span) {
            Met::FoundAsWished
        } else if stands_at(&self.row.span) {
            let for_long = self.desk.clock.now() - self.change.sent_at >= LONG_AGO;
            Met::FoundAsBefore { edited: event.etag != self.change.etag, for_long }
        } else {
            Met::FoundElsewhere
        }
    }

    fn rewrite(&self) -> Rewrite {
        let texts = self.seen.as_ref().map_or_else(Texts::default, |event| event.texts.clone());
        let texts = Some(texts).filter(|texts| *texts != Texts::default());
        let words = texts.map(|texts| words::rewritten(self.profile, &self.row, &self.as_wished(), &texts)).unwrap_or_default();
        Rewrite { time: Some((self.change.span, self.change.zone.clone())), ..words }
    }

    /// The booking as it is when the change has been made.
    fn as_wished(&self) -> BookingRow {
        let row = self.row.clone();
        match self.standing.aim {
            Aim::Cancel => BookingRow { state: BookingState::Cancelled, ..row },
            Aim::Move => BookingRow {
                state: BookingState::Confirmed,
                span: self.change.span,
                free_at: self.change.free_at,
                claim_key: self.change.claim_key.clone(),
                zone: self.change.zone.clone(),
                wall_clock: self.change.wall_clock.clone(),
                preferred: self.change.preferred.clone(),
                etag: self.seen.as_ref().map_or_else(String::new, |event| event.etag.clone()),
                ..row
            },
        }
    }

    /// Writes the end down, with what follows from it.
    async fn end(self, end: End) -> Result<Verdict, store::Error> {
        let now = self.desk.clock.now();
        let (mut next, cause) = match (end, self.standing.aim) {
            (End::Done, Aim::Move) => (self.as_wished(), "moved"),
            (End::Done, Aim::Cancel) if self.change.cause == Cause::Wish => (self.as_wished(), "cancelled"),
            (End::Done, Aim::Cancel) => (self.as_wished(), self.change.cause.as_str()),
            (End::Taken, _) => (self.as_before(), "new_time_taken"),
            (End::Unchanged, _) => (self.as_before(), "not_changed"),
            (End::Elsewhere | End::Gone, _) => (self.as_before(), "edited_by_a_person"),
        };
        let today = self.profile.zone.date(now);
        let act = format!("{}/{}/{}", self.row.id, self.change.state.as_str(), epoch_ms(self.change.sent_at));
        let outcome = change_words::outcome(self.profile, &self.change, end, &next, today);
        let outcome = callers::heard_only_if_test(self.profile, &next, outcome);
        let is_told = end == End::Done && self.change.cause == Cause::Wish;
        let confirm = is_told.then(|| (format!("confirm/{act}"), change_words::confirmation(self.profile, &next, today)));
        let confirm = confirm.and_then(|job| callers::unless_test(self.profile, &next, job));
        let evidence = format!("{} {}", next.event_id, next.etag);
        let written = EndOfChange {
            was: &self.row,
            now: &next,
            cause,
            evidence: &evidence,
            tell: (format!("told/{act}"), Job::Tell(outcome)),
            confirm,
        };
        if self.desk.store.end_change(&written, now).await? == Moved::Elsewhere {
            return Ok(Verdict::Later);
        }
        tracing::info!(booking.id = %self.row.id, business = %self.row.business, booking.cause = cause, "a change of a booking came to its end");
        match (end, self.standing.aim) {
            (End::Done, Aim::Move) => meters::booking(&self.row.business, "moved"),
            (End::Done, Aim::Cancel) => meters::booking(&self.row.business, "cancelled"),
            (End::Taken | End::Unchanged, _) => meters::booking(&self.row.business, "not_changed"),
            (End::Elsewhere | End::Gone, _) => meters::booking(&self.row.business, "edited_by_a_person"),
        }
        if let (End::Elsewhere | End::Gone, Some(event)) = (end, &self.seen) {
            self.follow(&next, event).await?;
            next = self.desk.store.booking(next.id).await?.unwrap_or(next);
        }
        let end = match (end, next.state) {
            // Deleted in its calendar, it stands in another one.
            (End::Gone, BookingState::Confirmed) => End::Elsewhere,
            _ => end,
        };
        Ok(Verdict::Ended(end, Box::new(next)))
    }

    /// What a person made of the event is what stands.
    async fn follow(&self, row: &BookingRow, event: &Event) -> Result<(), store::Error> {
        match self.desk.sight(self.profile, row, &self.place, event).await {
            Ok(sight) => self.desk.note(self.profile, row, sight).await.map(drop),
            Err(fault) => {
                self.unclear("sight", &fault, ());
                Ok(())
            }
        }
    }

    fn as_before(&self) -> BookingRow {
        BookingRow { state: BookingState::Confirmed, ..self.row.clone() }
    }

    fn unclear<T>(&self, what: &str, fault: &Fault, met: T) -> T {
        tracing::warn!(booking.id = %self.row.id, business = %self.row.business, calendar.asked = what, cause = %fault, "the calendar gave no clear answer");
        met
    }
}
