//! What people do to our events in the calendar, followed in our own rows: moved, deleted, put back, given to somebody else.
//! The calendar is right, whatever it says; nothing is ever put back or inserted again here. Everything may be heard
//! twice, late, and by two copies of the server at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use time::Duration;

use super::{Desk, words};
use crate::business::profile::Profile;
use crate::calendar::{Event, Fault, Place};
use crate::names::{BookingState, EventId};
use crate::scheduling::busy::Span;
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::claims::Moved;
use crate::store::edits::Edit;
use crate::store::jobs::Job;

const MOVED: &str = "moved_in_calendar";
const DELETED: &str = "deleted_in_calendar";
const RESTORED: &str = "restored_in_calendar";
/// What a business asks for in `[notify]` to hear of jobs that collide.
const CONFLICT: &str = "calendar_conflict";
/// How often an edit is tried again over a row that changes at the same moment.
const MAX_TRIES: usize = 3;
/// How far behind and ahead of now our rows are compared with a calendar that was read from the start.
const BEHIND: Duration = Duration::days(2);
const AHEAD: Duration = Duration::days(2 * 366);

/// What came of hearing that an event has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It is the event of a booking of ours, and nothing more is to be done about it.
    Ours,
    /// It is somebody else's event.
    Foreign,
    /// It cannot be judged now: its booking is just being made, or a calendar that must be asked does not answer. It is to be
    /// heard again.
    Later,
}

/// What the calendars show of a booking.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    /// Nothing new.
    AsItWas,
    /// It is in no calendar any more; the etag of what is left.
    Deleted(String),
    /// It stands there.
    At(Place, Event),
}

impl Desk {
    /// Follows a change of `event` in `place`.
    ///
    /// # Errors
    /// When the database fails: then it is to be heard again.
    pub async fn follow(&self, profile: &Profile, place: &Place, event: &Event) -> Result<Followed, store::Error> {
        for _try in 0..MAX_TRIES {
            let Some(row) = self.row_of(place, event).await? else { return Ok(Followed::Foreign) };
            let sight = match row.state {
                BookingState::Confirmed => self.sight(profile, &row, place, event).await,
                BookingState::Cancelled if !event.cancelled && self.is_deleted_by_a_person(&row).await? => {
                    Ok(Sight::At(place.clone(), event.clone()))
                }
                BookingState::Claimed | BookingState::Inserting | BookingState::Moving => {
                    let as_asked = !event.cancelled && new_time(&row, event).is_none();
                    // Its drive does not look at where the event stands, so this must be heard again when that has ended.
                    return Ok(if as_asked { Followed::Ours } else { Followed::Later });
                }
                _ => return Ok(Followed::Ours),
            };
            match sight {
                Ok(sight) => {
                    if self.note(profile, &row, sight).await? == Moved::Made {
                        return Ok(Followed::Ours);
                    }
                }
                Err(_unknown) => return Ok(Followed::Later),
            }
        }
        Ok(Followed::Later)
    }

    /// Compares our bookings in `place` with a calendar that was read from the start: those whose events it did not show are
    /// asked for one by one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reconcile(&self, profile: &Profile, place: &Place, shown: &BTreeSet<EventId>) -> Result<Followed, store::Error> {
        let now = self.clock.now();
        let span = Span { start: now.saturating_sub(BEHIND), end: now.saturating_add(AHEAD) };
        let mut followed = Followed::Ours;
        for row in self.rows_in(place, span).await? {
            if row.state != BookingState::Confirmed || row.span.end <= now || shown.contains(&row.event_id) {
                continue;
            }
            match self.calendars.get(place, &row.event_id).await {
                // A calendar may not show an event yet; one that never had it has nothing to say.
                Ok(None) => {}
                Err(fault) if is_for_good(&fault) => {}
                Ok(Some(event)) => {
                    if self.follow(profile, place, &event).await? == Followed::Later {
                        followed = Followed::Later;
                    }
                }
                Err(_unknown) => followed = Followed::Later,
            }
        }
        Ok(followed)
    }

    /// Tells the business once of somebody else's event that overlaps a job of ours in the same calendar.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn warn_of_overlaps(&self, profile: &Profile, place: &Place, event: &Event) -> Result<Followed, store::Error> {
        let now = self.clock.now();
        let Some(span) = event.span.filter(|span| span.end > now) else { return Ok(Followed::Foreign) };
        let near = Span { start: span.start.saturating_sub(BEHIND), end: span.end };
        let mut followed = Followed::Foreign;
        for row in self.rows_in(place, near).await?.into_iter().filter(|row| row.span.overlaps(&span)) {
            match row.state {
                BookingState::Confirmed => {
                    self.warn_of_overlap(profile, &row, event.id.as_str(), span).await?;
                }
                // It may still find this event in its way and be given up.
                BookingState::Claimed | BookingState::Inserting => followed = Followed::Later,
                _ => {}
            }
        }
        Ok(followed)
    }

    /// Tells the business of one entry over one job, whoever finds it: `false` when it has been told already.
    pub(super) async fn warn_of_overlap(
        &self,
        profile: &Profile,
        row: &BookingRow,
        entry: &str,
        span: Span,
    ) -> Result<bool, store::Error> {
        let now = self.clock.now();
        let job = job_of_conflict(profile, words::overlapped(profile, row, span, profile.zone.date(now)));
        self.store.enqueue(&format!("{CONFLICT}/{entry}/{}", row.id), &job, now).await
    }

    /// What the calendars show of a confirmed booking whose event was seen as `event` in `place`.
    ///
    /// # Errors
    /// A [`Fault`] when a calendar that must be asked does not answer.
    pub(super) async fn sight(&self, profile: &Profile, row: &BookingRow, place: &Place, event: &Event) -> Result<Sight, Fault> {
        let home = home_of(row);
        let is_home = self.calendars.claim_key(&home) == self.calendars.claim_key(place);
        match (is_home, event.cancelled) {
            (true, false) => Ok(Sight::At(place.clone(), event.clone())),
            // What is moved to another calendar is deleted in its own.
            (true, true) => {
                let found = self.find_elsewhere(profile, row, place).await?;
                Ok(found.unwrap_or_else(|| Sight::Deleted(event.etag.clone())))
            }
            // What it left behind in a calendar from which we followed it already.
            (false, true) => Ok(Sight::AsItWas),
            (false, false) => match self.calendars.get(&home, &row.event_id).await {
                Ok(Some(at_home)) if !at_home.cancelled => Ok(Sight::AsItWas),
                Err(fault) if !is_for_good(&fault) => Err(fault),
                _ => Ok(Sight::At(place.clone(), event.clone())),
            },
        }
    }

    /// The calendar of somebody else at this business in which the booking's event stands now.
    async fn find_elsewhere(&self, profile: &Profile, row: &BookingRow, but: &Place) -> Result<Option<Sight>, Fault> {
        let but = self.calendars.claim_key(but);
        let mut others = self.places_of(profile);
        others.retain(|place| self.calendars.claim_key(place) != but);
        let mut unknown = None;
        for (place, asked) in others.iter().zip(join_all(others.iter().map(|p| self.calendars.get(p, &row.event_id))).await) {
            match asked {
                Ok(Some(event)) if !event.cancelled && event.booking == Some(row.id) => {
                    return Ok(Some(Sight::At(place.clone(), event)));
                }
                Err(fault) if !is_for_good(&fault) => unknown = Some(fault),
                // A calendar that cannot be read for good must not keep a deleted job alive.
                _ => {}
            }
        }
        unknown.map_or(Ok(None), Err)
    }

    /// Writes down what was seen of a booking.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn note(&self, profile: &Profile, row: &BookingRow, sight: Sight) -> Result<Moved, store::Error> {
        let (next, cause) = match sight {
            Sight::AsItWas => return Ok(Moved::Made),
            Sight::Deleted(etag) => (BookingRow { state: BookingState::Cancelled, etag, ..row.clone() }, DELETED),
            Sight::At(place, event) => {
                let cause = if row.state == BookingState::Cancelled { RESTORED } else { MOVED };
                (self.row_at(profile, row, &place, &event), cause)
            }
        };
        if next == *row {
            return Ok(Moved::Made);
        }
        let now = self.clock.now();
        let text = words::collided(profile, &next, profile.zone.date(now));
        let key = format!("{CONFLICT}/{}/{}/{}", next.id, next.calendar, next.span.start.unix_timestamp());
        let evidence = format!("{} {}", next.event_id, next.etag);
        let conflict = (key, job_of_conflict(profile, text));
        let moved = self.store.follow_edit(&Edit { was: row, now: &next, cause, evidence: &evidence, conflict }, now).await?;
        self.calendars.forget_busy(&home_of(row));
        self.calendars.forget_busy(&home_of(&next));
        if moved == Moved::Made && (next.state, next.span, &next.calendar) != (row.state, row.span, &row.calendar) {
            tracing::info!(booking.id = %row.id, business = %row.business, booking.cause = cause, "a booking was edited in the calendar");
        }
        Ok(moved)
    }

    /// The row of a booking whose event stands there.
    fn row_at(&self, profile: &Profile, row: &BookingRow, place: &Place, event: &Event) -> BookingRow {
        let claim_key = self.calendars.claim_key(place);
        let home = home_of(row);
        let mut next = BookingRow { state: BookingState::Confirmed, etag: event.etag.clone(), ..row.clone() };
        if self.calendars.claim_key(&home) != claim_key {
            let is_there = |place: Place| self.calendars.claim_key(&place) == claim_key;
            let mut crew = profile.technicians.iter();
            let technician = crew.find(|technician| self.place_of(profile, technician).is_some_and(is_there));
            next.technician = technician.map_or(row.technician.clone(), |technician| technician.id.clone());
            next.calendar = place.calendar.clone();
        }
        if let Some(span) = new_time(row, event) {
            next.span = span;
            next.free_at = span.end + (row.free_at - row.span.end);
            profile.zone.name().clone_into(&mut next.zone);
            next.wall_clock = words::wall_clock(profile.zone.civil(span.start));
        }
        // Whatever own keys it had to take where it stood before: the store gives it new ones where it must.
        next.claim_key = claim_key;
        row.booked_by().clone_into(&mut next.caller_key);
        next
    }

    /// The booking whose event this is. A copy that somebody made of it carries its mark, but has an id of its own; of a
    /// deleted one nothing is left but its id.
    async fn row_of(&self, place: &Place, event: &Event) -> Result<Option<BookingRow>, store::Error> {
        if !event.cancelled && event.booking.is_none() {
            return Ok(None);
        }
        let row = self.store.booking_of_event(&event.id).await?;
        Ok(row.filter(|row| row.business == place.business && (event.cancelled || event.booking == Some(row.id))))
    }

    async fn is_deleted_by_a_person(&self, row: &BookingRow) -> Result<bool, store::Error> {
        Ok(self.store.last_cause(row.id).await?.is_some_and(|cause| cause == DELETED))
    }

    /// Our live bookings in this calendar that start in `span`.
    async fn rows_in(&self, place: &Place, span: Span) -> Result<Vec<BookingRow>, store::Error> {
        let key = self.calendars.claim_key(place);
        let mut rows = self.store.bookings_between(&place.business, span).await?;
        rows.retain(|row| row.state.is_live() && self.calendars.claim_key(&home_of(row)) == key);
        Ok(rows)
    }
}

/// The event's time, if it is another than the row's.
fn new_time(row: &BookingRow, event: &Event) -> Option<Span> {
    event.span.filter(|span| !span.same_seconds(&row.span))
}

/// The calendar in which the row says that its event stands.
pub(super) fn home_of(row: &BookingRow) -> Place {
    Place { business: row.business.clone(), calendar: row.calendar.clone() }
}

/// Whether asking again in a moment is of no use.
fn is_for_good(fault: &Fault) -> bool {
    matches!(fault, Fault::Refused(_))
}

fn job_of_conflict(profile: &Profile, text: String) -> Job {
    Job::Notify { business: profile.slug.clone(), occasion: CONFLICT.into(), text }
}
