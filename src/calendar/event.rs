//! Events: as we want them, as the calendar has them, and as they are to be changed.

use crate::names::{BookingId, EventId};
use crate::scheduling::busy::Span;

/// An event that we want to exist.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Derived by us, so that the same insert can be sent again.
    pub id: EventId,
    /// The title.
    pub summary: String,
    /// Lines of `Key: value`.
    pub description: String,
    /// The customer's address.
    pub location: Option<String>,
    /// Start and end of the job, without its buffer.
    pub span: Span,
    /// IANA.
    pub time_zone: String,
    /// Private extended property `bookingId`.
    pub booking: BookingId,
    /// Private extended property `callId`; empty when there was no call.
    pub call_id: String,
    /// An attendee's e-mail address; then Google tells them.
    pub invite: Option<String>,
}

/// An event as the calendar has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Our booking, if the event carries our mark.
    pub booking: Option<BookingId>,
    /// Deleted: its id stays burned.
    pub cancelled: bool,
    /// Absent in a tombstone, and for an all-day event.
    pub span: Option<Span>,
    /// Changes with every edit; empty where the calendar has none.
    pub etag: String,
    /// What is written in it; nothing where only its time was asked for.
    pub texts: Texts,
}

/// What is written in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The title.
    pub summary: String,
    /// May have been edited by people.
    pub description: String,
    /// Where.
    pub location: String,
}

/// A change of an event; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// Start, end, and the zone they are shown in.
    pub time: Option<(Span, String)>,
    /// The title.
    pub summary: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// Where.
    pub location: Option<String>,
}

/// What takes time from a calendar's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id; of a series, the one occurrence's. `None` where it is longer than any that we would give or name.
    pub id: Option<EventId>,
    /// When; whole, not clipped to what was asked for.
    pub span: Span,
}
