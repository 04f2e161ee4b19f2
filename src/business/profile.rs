//! One business as its file describes it (`assistant/businesses/<slug>.toml`), checked once and then only read. It is read
//! in `sections`, found in its folder by `folder`, and asked in a caller's words in `asked`.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

pub use super::asked::ServiceUnknown;
pub use super::file::Problem;
pub use super::folder::{Access, LoadFacts, Loaded, load_folder, parse};
pub use super::standing::Pause;
use time::OffsetDateTime;

use crate::names::{CalendarId, Phone, Slug};
use crate::scheduling::hours::{Opening, WallSpan};
use crate::scheduling::slots::Rules;
use crate::scheduling::speech::spoken_date_time;
use crate::scheduling::zone::Zone;

/// One business.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name of its file.
    pub slug: Slug,
    /// As it is spoken.
    pub name: String,
    /// The Twilio numbers that ring here; at least one.
    pub phone_numbers: Vec<Phone>,
    /// Where its hours are meant.
    pub zone: Zone,
    /// With `{service}` and `{customer}`.
    pub event_summary: String,
    /// Their bookings are titled TEST and removed after 10 minutes; the limits per caller do not count for them.
    pub test_callers: BTreeSet<Phone>,
    /// The person that callers are put through to.
    pub transfer: Transfer,
    /// What is said and done when a caller is in danger.
    pub emergency: Emergency,
    /// Whom to tell by SMS, and of what.
    pub notify: Notify,
    /// The business's own hours and exceptions.
    pub opening: Opening,
    /// What "morning", "afternoon" and "evening" mean here.
    pub windows: Windows,
    /// How times are offered; the part that scheduling needs.
    pub rules: Rules,
    /// The rest of `[rules]`: what a booking must have.
    pub booking_rules: BookingRules,
    /// At least one.
    pub services: Vec<Service>,
    /// At least one: a business without technicians is its own.
    pub technicians: Vec<Technician>,
    /// Who is not served by the assistant.
    pub callers: Callers,
    /// How much one caller and one call may ask.
    pub limits: Limits,
    /// Recording, and what is said about it.
    pub privacy: Privacy,
    /// The fixed sentences.
    pub phrases: Phrases,
    /// Callers go straight to a person: never from the file.
    pub pause: Option<Pause>,
}

/// `[transfer]`.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Absent: callers reach voicemail instead.
    pub to: Option<Phone>,
    /// How long it rings.
    pub ring: Duration,
    /// Every day; `None` is always.
    pub hours: Option<Vec<WallSpan>>,
    /// Outside the hours.
    pub after_hours_to: Option<Phone>,
}

impl Profile {
    /// The person who is to be reached at this hour, if there is one.
    #[must_use]
    pub fn transfer_number(&self, now: OffsetDateTime) -> Option<&Phone> {
        let minute = self.zone.minute_of_day(now);
        let is_within = |spans: &Vec<WallSpan>| spans.iter().any(|span| span.contains_minute(minute));
        let within_hours = self.transfer.hours.as_ref().is_none_or(is_within);
        if within_hours { self.transfer.to.as_ref() } else { self.transfer.after_hours_to.as_ref() }
    }
}

impl Profile {
    /// How many calls of this number the assistant takes in an hour; `None` is no limit, as for test callers.
    #[must_use]
    pub fn calls_per_hour(&self, caller: &Phone) -> Option<NonZeroU32> {
        NonZeroU32::new(self.limits.calls_per_caller_per_hour).filter(|_| !self.test_callers.contains(caller))
    }

    /// This instant as the clock on the wall of the business shows it: "Monday, November 23 at 9 AM".
    #[must_use]
    pub fn spoken(&self, now: OffsetDateTime) -> String {
        let local = self.zone.civil(now);
        spoken_date_time(local, local.date())
    }
}

/// `[emergency]`.
#[derive(Clone, Debug)]
pub struct Emergency {
    /// What is listened for, lower-case.
    pub phrases: Vec<String>,
    /// What is said then.
    pub say: String,
    /// Absent: the transfer number.
    pub to: Option<Phone>,
}

/// `[notify]`.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Who gets the SMS.
    pub sms: Vec<Phone>,
    /// Of what.
    pub on: BTreeSet<Occasion>,
}

/// What the business is told of by SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// `voicemail`
    Voicemail,
    /// `booking_uncertain`
    BookingUncertain,
    /// `transfer_missed`
    TransferMissed,
    /// `emergency`
    Emergency,
    /// `needs_reconnect`
    NeedsReconnect,
    /// `calendar_conflict`
    CalendarConflict,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Voicemail,
        Self::BookingUncertain,
        Self::TransferMissed,
        Self::Emergency,
        Self::NeedsReconnect,
        Self::CalendarConflict,
    ];

    /// As it is written in a business file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voicemail => "voicemail",
            Self::BookingUncertain => "booking_uncertain",
            Self::TransferMissed => "transfer_missed",
            Self::Emergency => "emergency",
            Self::NeedsReconnect => "needs_reconnect",
            Self::CalendarConflict => "calendar_conflict",
        }
    }

    /// The occasion of this name in a business file.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occasion| occasion.as_str() == name)
    }
}

/// `[windows]`.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// `morning`
    pub morning: WallSpan,
    /// `afternoon`
    pub afternoon: WallSpan,
    /// `evening`
    pub evening: WallSpan,
}

/// The part of `[rules]` that concerns a booking rather than its time.
#[derive(Clone, Debug)]
pub struct BookingRules {
    /// Offered times are shown to other callers last for so long.
    pub hold: Duration,
    /// No booking without an address.
    pub require_address: bool,
    /// The caller becomes an attendee when an e-mail address was given.
    pub invite_caller: bool,
    /// No calendar write unless the caller said one of these.
    pub require_spoken_intent: Vec<String>,
}

/// `[[services]]`.
#[derive(Clone, Debug)]
pub struct Service {
    /// As it is spoken.
    pub name: String,
    /// Other words for it.
    pub aliases: Vec<String>,
    /// From the file, never from the model.
    pub duration: Duration,
}

/// `[[technicians]]`.
#[derive(Clone, Debug)]
pub struct Technician {
    /// As the model names it; a business without technicians has one whose id is the slug.
    pub id: String,
    /// As it is spoken; `None` for a business without technicians.
    pub name: Option<String>,
    /// `None`: the owner's choice, or the embedded calendar.
    pub calendar: Option<CalendarId>,
    /// Names of services; empty is all.
    pub services: BTreeSet<String>,
    /// Own hours, or the business's. The business's exceptions count as well: for a technician without own hours after the
    /// own exceptions, otherwise as `narrowed_by`.
    pub opening: Opening,
}

/// `[callers]`.
#[derive(Clone, Debug)]
pub struct Callers {
    /// Not answered.
    pub block: BTreeSet<Phone>,
    /// Put through at once.
    pub straight_to_person: BTreeSet<Phone>,
}

/// `[limits]`; 0 is none.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls.
    pub calls_per_caller_per_hour: u32,
    /// Bookings.
    pub bookings_per_caller_per_day: u32,
    /// Tool calls.
    pub tool_calls_per_call_per_minute: u32,
}

/// `[privacy]`.
#[derive(Clone, Debug)]
pub struct Privacy {
    /// Whether Vapi records the audio.
    pub recording: bool,
    /// Said at the start.
    pub disclosure: String,
}

/// `[phrases]`, with `{name}` already filled in.
#[derive(Clone, Debug)]
pub struct Phrases {
    /// Before a person is dialled.
    pub fallback: String,
    /// Before a message is recorded.
    pub voicemail: String,
    /// The calendar cannot be asked.
    pub calendar_down: String,
    /// A booking takes longer than a caller can wait.
    pub pending: String,
}
