//! Carrying one booking from where it stands to its end: does what the machine asks for, keeps every move in the ledger
//! before it acts on it, and reports what came of it. Runs on the main runtime, whoever waits and whoever has left.

mod asking;

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::follow::home_of;
use super::machine::{Action, Happened, Standing, Way, is_finished};
use super::{Desk, callers, identity, order, words};
use crate::business::profile::Profile;
use crate::calendar::{Fault, NewEvent, Place};
use crate::clock::{Deadline, Stopwatch};
use crate::meters;
use crate::names::{BookingId, BookingState};
use crate::scheduling::busy::Span;
use crate::store::bookings::BookingRow;
use crate::store::claims::{Move, Moved};
use crate::store::jobs::Job;
use crate::store::{self};

/// How long an event must be missing before no insert can still be on its way.
const LONG_MISSING: Duration = Duration::MINUTE;
/// A bound on the steps of one drive: the machine ends long before; a mistake in it must not turn into a loop.
const MAX_STEPS: usize = 24;

/// When a booking that was left for later is taken up again, the first time.
pub(super) const TAKE_UP_AFTER: Duration = Duration::seconds(5);
/// How long a pause may be that the calendar asks for where nobody waits at the telephone: well within a job's lease.
const UNHURRIED: std::time::Duration = std::time::Duration::from_secs(10);

/// How a drive ended.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// The event exists.
    Booked(Box<BookingRow>),
    /// The time is not to be had.
    Taken,
    /// Nothing was booked, and the calendar cannot be asked.
    Unreachable,
    /// Nothing more is known now.
    Later,
}

/// What a drive holds in its hands.
struct Drive<'a> {
    desk: &'a Desk,
    profile: &'a Profile,
    row: BookingRow,
    place: Place,
    standing: Standing,
    /// Until when somebody waits.
    deadline: Deadline,
    /// How long the last move has been in the ledger.
    noted: Stopwatch,
    /// Why the last insert brought nothing, if the calendar asked for a pause.
    out_of_breath: Option<Fault>,
}

impl Desk {
    /// Starts a drive of this booking, or joins the one that runs. `wanted`: somebody waits for it, until the deadline.
    pub(super) fn drive(
        &self,
        profile: &Arc<Profile>,
        row: &BookingRow,
        wanted: bool,
        deadline: Deadline,
    ) -> Result<crate::inflight::Running<Verdict>, crate::inflight::Full> {
        self.drives.join(row.id, || {
            let (desk, profile, row) = (self.clone(), Arc::clone(profile), row.clone());
            async move {
                let id = row.id;
                Drive::new(&desk, &profile, row, wanted, deadline).run().await.unwrap_or_else(|error| {
                    tracing::error!(booking.id = %id, error = %error, "the ledger failed in the middle of a booking");
                    Verdict::Later
                })
            }
        })
    }

    /// Makes sure that somebody takes this booking up at `at` and brings it to its end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_settled(&self, id: BookingId, at: OffsetDateTime) -> Result<(), store::Error> {
        self.store.ensure_job(&format!("settle/{id}"), &Job::Settle { booking: id }, at).await
    }

    /// Finishes a booking that nobody waits for; `true` when it needs nothing more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle(&self, profile: &Arc<Profile>, id: BookingId) -> Result<bool, store::Error> {
        let Some(row) = self.store.booking(id).await? else { return Ok(true) };
        if is_finished(row.state) {
            return Ok(true);
        }
        if matches!(row.state, BookingState::Moving | BookingState::Cancelling) {
            self.settle_change(profile, &row).await?;
        } else if let Ok(running) = self.drive(profile, &row, row.promised, Deadline::after(UNHURRIED)) {
            let _whatever = running.outcome().await;
        }
        Ok(self.store.booking(id).await?.is_none_or(|row| is_finished(row.state)))
    }
}

impl<'a> Drive<'a> {
    fn new(desk: &'a Desk, profile: &'a Profile, row: BookingRow, wanted: bool, deadline: Deadline) -> Self {
        // An insert may have been on its way when the work was cut off: the ledger says only that one was about to be sent.
        let in_doubt = row.in_doubt || row.state == BookingState::Inserting;
        let place = home_of(&row);
        let BookingRow { state, generation, seen, .. } = row;
        let standing = Standing { state, generation, in_doubt, seen, inserts: 0, wanted, way: Way::LookFirst, hurried: true };
        Self { desk, profile, row, place, standing, deadline, noted: Stopwatch::start(), out_of_breath: None }
    }

    async fn run(mut self) -> Result<Verdict, store::Error> {
        self.standing.way = self.way().await;
        let (first, mut action) = self.standing.take_up();
        self.keep(first, "taken_up", self.row.missing_since).await?;
        for _ in 0..MAX_STEPS {
            let happened = match action {
                Action::Look => self.look().await,
                Action::Insert => self.insert().await,
                Action::LookAndInsert => self.look_and_insert().await,
                Action::Get => self.get().await,
                Action::Delete => self.delete().await,
                Action::TellBooked => return self.end(Verdict::Booked(Box::new(self.row.clone()))).await,
                Action::TellTaken => return self.end(Verdict::Taken).await,
                Action::TellUnreachable => return self.end(Verdict::Unreachable).await,
                Action::LeaveForLater => return self.end(Verdict::Later).await,
            };
            self.standing.hurried = !self.row.promised && !self.deadline.left().is_zero();
            let (next, then) = self.standing.after(happened);
            self.keep(next, happened.cause(), self.missing_since(happened, then)).await?;
            action = then;
        }
        self.end(Verdict::Later).await
    }

    /// Where Google fails, the look goes first: then nothing was sent, and the caller hears so at once.
    async fn way(&self) -> Way {
        let has_guest = order::guest(self.profile, &self.row).is_some();
        let goes_together = !has_guest && self.desk.calendars.invites_haste(&self.place, self.row.span).await;
        if goes_together { Way::Together } else { Way::LookFirst }
    }

    /// Keeps the move before anything is done because of it.
    async fn keep(&mut self, next: Standing, cause: &str, missing_since: Option<OffsetDateTime>) -> Result<(), store::Error> {
        let stored = |standing: &Standing| (standing.state, standing.generation, standing.in_doubt, standing.seen);
        // An insert is noted each time: whoever else is at this booking must not think that none is on its way.
        let sends = next.inserts > self.standing.inserts;
        if !sends && stored(&next) == stored(&self.standing) && missing_since == self.row.missing_since {
            self.standing = next;
            return Ok(());
        }
        let event_id = identity::event_id(&self.row.business, self.row.id, next.generation);
        let step = Move {
            was: &self.row,
            to: next.state,
            cause,
            evidence: &format!("{event_id} {}", self.row.etag),
            generation: next.generation,
            in_doubt: next.in_doubt,
            seen: next.seen,
            missing_since,
            event_id: &event_id,
            etag: &self.row.etag,
            tell: is_finished(next.state).then(|| self.outcome(next.state)),
            confirm: (next.state == BookingState::Confirmed).then(|| self.confirmation()).flatten(),
            later: (next.state == BookingState::Confirmed).then(|| self.end_of_test()).flatten(),
        };
        let noted = Stopwatch::start();
        match self.desk.store.move_booking(&step, self.desk.clock.now()).await? {
            Moved::Made if is_finished(next.state) => meters::booking(&self.row.business, next.state.as_str()),
            Moved::Made => {}
            Moved::Elsewhere => return Err(store::Error::Unreadable("booking: somebody else moved it")),
        }
        (self.row.state, self.row.generation, self.row.in_doubt, self.row.seen) = stored(&next);
        self.row.missing_since = missing_since;
        self.row.event_id = event_id;
        (self.standing, self.noted) = (next, noted);
        Ok(())
    }

    fn is_missing_for_long(&self) -> bool {
        self.row.missing_since.is_some_and(|since| self.desk.clock.now() - since >= LONG_MISSING)
    }

    /// Since when the event is missing, after this.
    fn missing_since(&self, happened: Happened, then: Action) -> Option<OffsetDateTime> {
        match happened {
            // Another insert is about to be on its way: only what is missing after it proves anything.
            _ if matches!(then, Action::Insert | Action::LookAndInsert) => None,
            Happened::FoundNothing { .. } | Happened::DeleteNothing { .. } => {
                Some(self.row.missing_since.unwrap_or_else(|| self.desk.clock.now()))
            }
            _ => self.row.missing_since,
        }
    }

    fn event(&self) -> NewEvent {
        NewEvent {
            id: self.row.event_id.clone(),
            summary: callers::title(self.profile, &self.row),
            description: words::description(&self.row),
            location: Some(self.row.address.clone()).filter(|address| !address.is_empty()),
            span: Span { start: self.row.span.start, end: self.row.span.end },
            time_zone: self.row.zone.clone(),
            booking: self.row.id,
            call_id: self.row.call_id.clone(),
            invite: order::guest(self.profile, &self.row),
        }
    }

    /// What a caller hears who was told that it is being arranged.
    fn outcome(&self, state: BookingState) -> (String, Job) {
        let row = BookingRow { state, ..self.row.clone() };
        let outcome = words::outcome(self.profile, &row, self.profile.zone.date(self.desk.clock.now()));
        let outcome = callers::heard_only_if_test(self.profile, &row, outcome);
        (format!("told/{}/{}", row.id, state.as_str()), Job::Tell(outcome))
    }

    /// What a caller gets in writing who hears in the call that it is booked.
    fn confirmation(&self) -> Option<(String, Job)> {
        let row = BookingRow { state: BookingState::Confirmed, ..self.row.clone() };
        let job = words::confirmation(self.profile, &row, self.profile.zone.date(self.desk.clock.now()));
        callers::unless_test(self.profile, &row, (format!("confirm/{}", row.id), job))
    }

    fn end_of_test(&self) -> Option<(String, Job, OffsetDateTime)> {
        callers::end_of_test(self.profile, &self.row, self.desk.clock.now())
    }

    /// What follows the end of a drive: what is left is taken up again.
    async fn end(&self, verdict: Verdict) -> Result<Verdict, store::Error> {
        let now = self.desk.clock.now();
        tracing::info!(booking.id = %self.row.id, business = %self.row.business, booking.state = self.row.state.as_str(), "a booking came to rest");
        if !is_finished(self.row.state) {
            // One job for each booking, whoever leaves it: each try of its own would call for the next ones.
            self.desk.ensure_settled(self.row.id, now + TAKE_UP_AFTER).await?;
        }
        Ok(verdict)
    }
}
