//! What a drive asks the calendar, and what the answers mean to the machine. It decides nothing.

use std::time::Duration;

use super::super::again;
use super::super::machine::{Happened, Looked, Sent};
use super::{Drive, UNHURRIED};
use crate::calendar::{Deleted, Event, Fault, Inserted};
use crate::clock::{Deadline, Stopwatch};
use crate::scheduling::busy::Span;

/// How long an insert's own answer is waited for.
const INSERT_PATIENCE: Duration = Duration::from_millis(2500);
/// How long after it was noted an insert may still be sent, a pause included that the calendar asked for. A program that
/// stood still for longer may have been believed dead, and what is missing for a minute counts as never sent.
const FRESH: Duration = Duration::from_secs(15);

impl Drive<'_> {
    pub(super) async fn look(&mut self) -> Happened {
        // Here and not before the insert: between a look and its insert a person could take the time.
        again::pause_before_repeating(self.standing.inserts, self.out_of_breath.take()).await;
        Happened::Look(self.looked(self.ask_what_stands().await))
    }

    pub(super) async fn insert(&mut self) -> Happened {
        let inserted = self.ask_to_insert().await;
        Happened::Insert(self.sent(inserted))
    }

    /// Both in one round trip: the event stands only if the look saw nobody else there.
    pub(super) async fn look_and_insert(&mut self) -> Happened {
        again::pause_before_repeating(self.standing.inserts.saturating_sub(1), self.out_of_breath.take()).await;
        let (looked, inserted) = tokio::join!(self.ask_what_stands(), self.ask_to_insert());
        let looked = self.looked(looked);
        Happened::Both(looked, self.sent(inserted))
    }

    async fn ask_what_stands(&self) -> Result<Vec<Span>, Fault> {
        let all_day = self.profile.rules.all_day_free_blocks;
        let (watch, look) =
            (Stopwatch::start(), || self.desk.calendars.look(&self.place, self.row.span, &self.row.event_id, all_day));
        let looked = look().await;
        match &looked {
            Err(fault) if again::is_worth_it(watch, fault, self.patience()).await => look().await,
            _ => looked,
        }
    }

    fn looked(&self, looked: Result<Vec<Span>, Fault>) -> Looked {
        match looked {
            Ok(others) if others.iter().any(|other| other.overlaps(&self.row.span)) => {
                // It was offered all the same: what was seen of this calendar is old.
                self.desk.calendars.forget_busy(&self.place);
                Looked::Taken
            }
            Ok(_) => Looked::Free,
            Err(fault) => self.unknown("look", &fault, Looked::Unknown),
        }
    }

    async fn ask_to_insert(&self) -> Inserted {
        if self.noted.elapsed() > FRESH {
            return Inserted::NotSent(Fault::Unknown("it stood still for too long before it was sent".into()));
        }
        let event = self.event();
        let inserted = tokio::time::timeout(INSERT_PATIENCE, self.desk.calendars.insert(&self.place, &event)).await;
        self.desk.calendars.forget_busy(&self.place);
        // It is on its way all the same: whether it arrived can be asked for by its id, while the caller still waits.
        inserted.unwrap_or_else(|_elapsed| Inserted::Unknown(Fault::Unknown("no answer yet".into())))
    }

    fn sent(&mut self, inserted: Inserted) -> Sent {
        match inserted {
            Inserted::Placed(event) => {
                self.row.etag = event.etag;
                Sent::Placed
            }
            Inserted::Duplicate => Sent::Duplicate,
            Inserted::Refused(cause) => self.unknown("insert", &Fault::Refused(cause), Sent::Refused),
            Inserted::NotSent(fault) if again::is_in_time(&fault, self.patience()) => self.out_of_breath(fault, Sent::NotSent),
            Inserted::NotSent(fault) => self.out_of_breath(fault, Sent::Refused),
            Inserted::Unknown(fault) => self.out_of_breath(fault, Sent::Unknown),
        }
    }

    fn out_of_breath(&mut self, fault: Fault, sent: Sent) -> Sent {
        let sent = self.unknown("insert", &fault, sent);
        self.out_of_breath = matches!(fault, Fault::NotNow { .. }).then_some(fault);
        sent
    }

    /// Until when second tries make sense. Once the caller was told that it is being arranged, there is time.
    fn patience(&self) -> Deadline {
        if self.deadline.left().is_zero() { Deadline::after(UNHURRIED) } else { self.deadline }
    }

    pub(super) async fn get(&mut self) -> Happened {
        if let Some(fault) = self.out_of_breath.take()
            && !again::is_worth_it(Stopwatch::start(), &fault, self.patience()).await
        {
            return self.unknown("get", &fault, Happened::FoundUnknown);
        }
        // Before it is asked for: the answer says nothing of what came after.
        let for_long = self.is_missing_for_long();
        match self.desk.calendars.get(&self.place, &self.row.event_id).await {
            Ok(None) => Happened::FoundNothing { for_long },
            Ok(Some(event)) if event.cancelled => Happened::FoundDeleted,
            Ok(Some(event)) => self.found(event),
            Err(fault) => self.unknown("get", &fault, Happened::FoundUnknown),
        }
    }

    fn found(&mut self, event: Event) -> Happened {
        if event.booking != Some(self.row.id) {
            return Happened::FoundForeign;
        }
        self.row.etag = event.etag;
        Happened::FoundOurs
    }

    pub(super) async fn delete(&self) -> Happened {
        let for_long = self.is_missing_for_long();
        let deleted = self.desk.calendars.delete(&self.place, &self.row.event_id).await;
        self.desk.calendars.forget_busy(&self.place);
        match deleted {
            Ok(Deleted::Gone) => Happened::DeleteDone,
            Ok(Deleted::NeverThere) => Happened::DeleteNothing { for_long },
            Err(fault) => self.unknown("delete", &fault, Happened::DeleteUnknown),
        }
    }

    fn unknown<T>(&self, what: &str, fault: &Fault, happened: T) -> T {
        tracing::warn!(booking.id = %self.row.id, business = %self.row.business, calendar.asked = what, cause = %fault, "the calendar gave no clear answer");
        happened
    }
}
