//! The calendar behind a business: Google, or the one that ringbook keeps itself. Both answer the same five questions,
//! and both say "I do not know" in a way that cannot be read as "free".

pub mod auth;
pub mod cache;
mod changed;
pub mod embedded;
mod encode;
mod event;
pub mod google;
pub mod oauth;
pub mod shared;
mod shown;
mod sight;

use std::time::Duration;

use time::OffsetDateTime;

use crate::names::{CalendarId, EventId, Slug};
use crate::scheduling::busy::Span;
use cache::Answers;
pub use event::{Entry, Event, NewEvent, Rewrite, Texts};
pub use shown::shown;

/// One calendar of one business.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Whose account opens it.
    pub business: Slug,
    /// Which one; for Google this may be `primary`.
    pub calendar: CalendarId,
}

/// What came of asking.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody knows: a time-out, a reset, an answer that cannot be read, the other side's own failure.
    #[error("the calendar did not answer: {0}")]
    Unknown(String),
    /// The calendar said no, and will say no again until somebody mends it: access, scope, quota, a missing calendar.
    #[error("the calendar refused: {0}")]
    Refused(String),
    /// The calendar asks to be left alone for a while, or is left alone: this question did nothing.
    #[error("the calendar cannot be asked now: {cause}")]
    NotNow {
        /// In words.
        cause: String,
        /// How long; `None` where a caller cannot wait for it anyhow.
        wait: Option<Duration>,
    },
}

/// What came of an insert; the difference between the last three is what promise 1 and 2 rest on.
#[derive(Clone, Debug)]
pub enum Inserted {
    /// It exists, as the calendar itself shows it.
    Placed(Event),
    /// The id is taken: by ourselves, earlier, or by a deleted event.
    Duplicate,
    /// The calendar said no; this insert did nothing.
    Refused(String),
    /// Certainly not sent, or turned away at the door; this insert did nothing.
    NotSent(Fault),
    /// Nobody knows whether it exists now.
    Unknown(Fault),
}

/// What came of taking an event out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, now or before; its id stays burned, so no insert can bring it back.
    Gone,
    /// The calendar never saw it. An insert may still be on its way.
    NeverThere,
}

/// What came of a change that counts only while the event is as it was seen.
#[derive(Clone, Debug)]
pub enum Changed {
    /// It was made; so the event stands now.
    Done(Event),
    /// Somebody edited the event meanwhile: nothing was changed.
    Edited,
    /// The event is in this calendar no more.
    Gone,
    /// The calendar said no, or was not asked: this request changed nothing.
    NotDone(Fault),
    /// Nobody knows whether it was made.
    Unknown(Fault),
}

/// The calendars of all businesses.
#[derive(Clone, Debug)]
pub enum Calendars {
    /// Google Calendar.
    Google(google::Google),
    /// Kept in our own database.
    Embedded(embedded::Embedded),
}

impl Calendars {
    /// Busy time in `span`, asked freshly, for each place on its own: a place that cannot be read is a `Fault`, never an empty list.
    /// With `all_day_free_blocks`, an all-day event is busy even if it is marked free.
    pub async fn busy(&self, places: &[Place], span: Span, all_day_free_blocks: bool) -> Answers {
        match self {
            Self::Google(google) => google.busy(places, span, all_day_free_blocks).await,
            Self::Embedded(embedded) => embedded.busy(places, span).await,
        }
    }

    /// Busy time in `span` of the `wanted` among the `crew`, which are all places of their business, as it was seen at most
    /// `FREEBUSY_CACHE_SECONDS` ago: for offers alone. Faults as in [`Calendars::busy`].
    pub async fn known_busy(&self, crew: &[Place], wanted: &[Place], span: Span, all_day_free_blocks: bool) -> Answers {
        match self {
            Self::Google(google) => google.known().busy(google, crew, wanted, span, all_day_free_blocks).await,
            Self::Embedded(embedded) => embedded.busy(wanted, span).await,
        }
    }

    /// Learns what [`Calendars::known_busy`] will be asked for, if it is not known; `span` is the first that may be.
    pub async fn foresee_busy(&self, crew: &[Place], span: Span, all_day_free_blocks: bool) {
        if let Self::Google(google) = self {
            google.known().foresee(google, crew, span, all_day_free_blocks).await;
        }
    }

    /// Something changed in this calendar: nothing that was seen of it before counts any more, in any business and any copy of the
    /// server.
    pub fn forget_busy(&self, place: &Place) {
        if let Self::Google(google) = self {
            google.known().forget(google, place);
        }
    }

    /// The same where another copy of the server has noticed it, and tells the others.
    pub fn forget_busy_here(&self, place: &Place) {
        if let Self::Google(google) = self {
            google.known().forget_here(google, place);
        }
    }

    /// What stands in `span` right now, asked freshly and without the event `skip`; for the moment of booking.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read.
    pub async fn look(&self, place: &Place, span: Span, skip: &EventId, all_day_free_blocks: bool) -> Result<Vec<Span>, Fault> {
        match self {
            Self::Google(google) => google.look(place, span, skip, all_day_free_blocks).await,
            Self::Embedded(embedded) => embedded.look(place, span, skip).await,
        }
    }

    /// The same with what it is, our own events included; for a look at which nobody waits.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read.
    pub async fn entries(&self, place: &Place, span: Span, all_day_free_blocks: bool) -> Result<Vec<Entry>, Fault> {
        match self {
            Self::Google(google) => google.entries(place, span, all_day_free_blocks).await,
            Self::Embedded(embedded) => embedded.entries(place, span).await,
        }
    }

    /// Makes the event, once, however often it is called with the same id.
    pub async fn insert(&self, place: &Place, event: &NewEvent) -> Inserted {
        match self {
            Self::Google(google) => google.insert(place, event).await,
            Self::Embedded(embedded) => embedded.insert(place, event).await,
        }
    }

    /// The event with this id, deleted ones included; `None` when the calendar never had it.
    ///
    /// # Errors
    /// A [`Fault`] when the calendar cannot be read.
    pub async fn get(&self, place: &Place, id: &EventId) -> Result<Option<Event>, Fault> {
        match self {
            Self::Google(google) => google.get(place, id).await,
            Self::Embedded(embedded) => embedded.get(place, id).await,
        }
    }

    /// Whether a booking may look and insert at the same time: the account answered well a moment ago, and nothing was seen
    /// there, so that the event will most likely stay.
    pub async fn invites_haste(&self, place: &Place, span: Span) -> bool {
        match self {
            Self::Google(google) => google.answers_well(&place.business) && !google.known().shows_busy(place, span).await,
            Self::Embedded(_) => true,
        }
    }

    /// Changes the event with this id, if it still has this etag.
    pub async fn rewrite(&self, place: &Place, id: &EventId, etag: &str, rewrite: &Rewrite) -> Changed {
        match self {
            Self::Google(google) => google.rewrite(place, id, etag, rewrite).await,
            Self::Embedded(embedded) => embedded.rewrite(place, id, etag, rewrite).await,
        }
    }

    /// Takes the event with this id out, if it still has this etag; `Gone` when it is out, now or before.
    pub async fn take_out(&self, place: &Place, id: &EventId, etag: &str) -> Changed {
        match self {
            Self::Google(google) => google.take_out(place, id, etag).await,
            Self::Embedded(embedded) => embedded.take_out(place, id, etag).await,
        }
    }

    /// Takes the event with this id out, however it stands.
    ///
    /// # Errors
    /// A [`Fault`] when nobody knows whether it is gone.
    pub async fn delete(&self, place: &Place, id: &EventId) -> Result<Deleted, Fault> {
        match self {
            Self::Google(google) => google.delete(place, id).await,
            Self::Embedded(embedded) => embedded.delete(place, id).await,
        }
    }

    /// What is wrong with the places that cannot be read now: the account's token, or the calendar itself.
    pub async fn probe(&self, places: &[Place], now: OffsetDateTime) -> Vec<Fault> {
        let minute = Span::starting(now, Duration::from_mins(1));
        self.busy(places, minute, false).await.into_values().filter_map(Result::err).collect()
    }

    /// What is to be done before an owner can choose calendars at all; `None` when an account is connected.
    #[must_use]
    pub fn unconnected(&self, business: &Slug) -> Option<String> {
        match self {
            Self::Google(google) => google.unconnected(business),
            Self::Embedded(_) => None,
        }
    }

    /// The calendar that the owner chose for this technician in the browser, if a file names none.
    #[must_use]
    pub fn chosen(&self, business: &Slug, technician: &str) -> Option<CalendarId> {
        match self {
            Self::Google(google) => google.chosen(business, technician),
            Self::Embedded(_) => None,
        }
    }

    /// What two bookings must share to collide: the account's calendar as it is known to everybody, `primary` resolved.
    #[must_use]
    pub fn claim_key(&self, place: &Place) -> String {
        match self {
            Self::Google(google) => google.claim_key(place),
            Self::Embedded(_) => format!("embedded:{}:{}", place.business, place.calendar),
        }
    }
}
