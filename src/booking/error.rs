//! Why a wish cannot be acted on. Each variant is a fact; what the caller hears is in `words.rs`.

use time::{Date, OffsetDateTime};

use crate::scheduling::hours::WallSpan;
use crate::scheduling::slots;
use crate::store;
use crate::store::bookings::BookingRow;

/// What a door of this station refuses, or what failed inside. Nothing was booked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No service, or none of ours, among several.
    #[error("no such service")]
    ServiceUnknown {
        /// Those there are, as spoken.
        offered: String,
    },
    /// No date.
    #[error("no date")]
    DateMissing,
    /// Not a date.
    #[error("not a date")]
    DateUnclear,
    /// A date or a time that lies behind us.
    #[error("the time is past")]
    Past {
        /// The date now, where the business is.
        today: Date,
    },
    /// No time to book.
    #[error("no time")]
    TimeMissing,
    /// Not a date with a time.
    #[error("not a time")]
    TimeUnclear,
    /// The clocks skip this time.
    #[error("the clocks skip this time")]
    TimeSkipped,
    /// The clocks show this time twice, or its two readings were both offered: which one?
    #[error("this time has two meanings")]
    TimeTwice {
        /// Both, in local time.
        meanings: [OffsetDateTime; 2],
    },
    /// None of morning, afternoon and evening.
    #[error("no such window")]
    WindowUnknown,
    /// Nobody of that name.
    #[error("no such technician")]
    TechnicianUnknown {
        /// Those there are.
        offered: Vec<String>,
    },
    /// That technician does not do this.
    #[error("the technician does not do this")]
    TechnicianUnable {
        /// As spoken.
        technician: String,
        /// The service.
        service: String,
    },
    /// No name.
    #[error("no name")]
    NameMissing,
    /// No number, and the caller's is withheld.
    #[error("no telephone number")]
    PhoneMissing,
    /// Not a number.
    #[error("not a telephone number")]
    PhoneUnclear,
    /// This business needs an address.
    #[error("no address")]
    AddressMissing,
    /// From this number it takes the confirmation code and the name.
    #[error("no confirmation code, or no name")]
    CodeAndNameMissing,
    /// The caller has no coming appointment, or none that fits what they said.
    #[error("no such appointment")]
    NoAppointment,
    /// The caller has several: which one?
    #[error("several appointments")]
    WhichAppointment {
        /// All of them.
        rows: Vec<BookingRow>,
    },
    /// Too many codes and names were tried.
    #[error("too many tries")]
    TooManyTries,
    /// Its time has come already.
    #[error("the appointment has begun")]
    HasBegun,
    /// The calendar cannot be asked, so the appointment stands as it stood. It may pass.
    #[error("the calendar cannot be asked to change it")]
    NotChanged,
    /// Somebody else is changing it at this moment. It may pass.
    #[error("the appointment is just being changed")]
    JustChanging,
    /// Whoever it is with is not in the business's file any more.
    #[error("the appointment is with nobody who can be asked for")]
    NotByTelephone,
    /// The calendar cannot be asked. It may pass.
    #[error("the calendar cannot be asked")]
    CalendarDown,
    /// The database failed. It may pass.
    #[error("the store failed: {0}")]
    Store(#[from] store::Error),
}

impl Refusal {
    /// Whether the same wish may be granted a moment later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::CalendarDown | Self::Store(_) | Self::JustChanging | Self::NotChanged)
    }
}

/// Why a time that can be understood is not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpen {
    /// A whole day has nothing.
    Day(slots::Reason),
    /// A window of a day has nothing.
    Window(slots::Reason),
    /// One start is not possible.
    Start(slots::Refusal),
}

impl NotOpen {
    /// Why the day, or this window of it, has nothing.
    #[must_use]
    pub fn of(reason: slots::Reason, window: Option<WallSpan>) -> Self {
        if window.is_some() { Self::Window(reason) } else { Self::Day(reason) }
    }
}
