//! The newtypes that cross the house: each has one fallible door, so that holding one means it was checked.
//! Nothing here does I/O. Numbers of people never show in full through `Debug`: logs use it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest identifier of a counterpart that is kept; theirs are under 64 characters today.
const MAX_ID_CHARS: usize = 200;

/// Lets serde in by the same door as everybody else.
macro_rules! same_door {
    ($name:ident, $door:expr) => {
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $door(&text).ok_or(concat!("not a ", stringify!($name)))
            }
        }
    };
}

/// An opaque identifier given by somebody else: 1 to 200 printable ASCII characters without spaces.
macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        same_door!($name, $name::parse);

        impl $name {
            /// `None` unless it is 1 to 200 printable ASCII characters without spaces.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let text = text.trim();
                let sane = !text.is_empty() && text.len() <= MAX_ID_CHARS && text.bytes().all(|b| b.is_ascii_graphic());
                sane.then(|| Self(text.to_owned()))
            }

            /// The identifier as it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id! {
    /// Twilio's name of a call (`CA…`), the same on every webhook of that call.
    CallSid
}
opaque_id! {
    /// Vapi's name of a call.
    VapiCallId
}
opaque_id! {
    /// The model's name of one tool call (`toolCallId`), unique within its Vapi call.
    ToolCallId
}
opaque_id! {
    /// A calendar at its counterpart: an e-mail address, `primary`, or a technician's name in the embedded calendar.
    CalendarId
}
opaque_id! {
    /// An event in a calendar. Ours are derived: see `booking`.
    EventId
}
opaque_id! {
    /// The Vapi assistant of a business.
    AssistantId
}

/// A business: the name of its file without `.toml`; lower-case letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Slug(String);

same_door!(Slug, Slug::parse);

impl Slug {
    /// `None` unless it is 1 to 64 characters of `a-z`, `0-9` and inner dashes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let sane = (1..=64).contains(&text.len()) && text.bytes().all(legal) && !text.starts_with('-') && !text.ends_with('-');
        sane.then(|| Self(text.to_owned()))
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it stands behind `__` in a setting's name: `abc-hvac` is `ABC_HVAC`.
    #[must_use]
    pub fn as_setting_suffix(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A telephone number in E.164: `+`, a digit from 1 to 9, and 6 to 14 more digits. `Debug` shows the last four only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Phone(String);

same_door!(Phone, Phone::e164);

/// What Twilio sends as `From` when the caller withholds the number: the letters "anonymous" on a keypad.
const WITHHELD_AS_NUMBER: &str = "+266696687";

impl Phone {
    /// `None` unless it is E.164 already: for numbers that come from signalling and from files.
    #[must_use]
    pub fn e164(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let sane = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        (sane && text != WITHHELD_AS_NUMBER).then(|| Self(text.to_owned()))
    }

    /// Reads a number as people say and write it (`(555) 123-4567`), in the country of `home` where it names none.
    /// Numbers that are possible but not assigned are accepted: a test number must book, and a caller knows best. `None` for
    /// what is too short or too long for its country, and for a number without its area code, which nobody else can reach.
    #[must_use]
    pub fn dictated(text: &str, home: &Phone) -> Option<Self> {
        let util = &rlibphonenumber::PHONE_NUMBER_UTIL;
        let country = util.parse(&home.0, None).ok()?.country_code;
        // Even E.164 is read: people put a "(0)" behind the country code.
        let number = util.parse(text, util.get_region_for_country_code(country)).ok()?;
        let is_whole = util.is_possible_number_with_reason(&number) == Ok(rlibphonenumber::NumberLengthType::IsPossible);
        let text = util.format(&number, rlibphonenumber::PhoneNumberFormat::E164);
        is_whole.then(|| Self::e164(&text)).flatten()
    }

    /// The whole number: for the wire and the owner's eyes, never for a log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four digits, which may stand in a log.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+…{}", self.last_four())
    }
}

/// One of our bookings, from its claim to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BookingId(Uuid);

impl BookingId {
    /// A new one; version 7, so that rows lie in the order of their making.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// `None` unless it is a UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl Default for BookingId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for BookingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// Where a booking stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BookingState {
    /// Its time is ours in the store; the calendar knows nothing of it.
    Claimed,
    /// The calendar was asked to make the event; whether it did may be unknown.
    Inserting,
    /// The event exists.
    Confirmed,
    /// The event is being taken out again: somebody else has the time.
    Compensating,
    /// The event is being moved to another time.
    Moving,
    /// The event is being deleted.
    Cancelling,
    /// Deleted at the caller's wish.
    Cancelled,
    /// Given up before it was confirmed; holds nothing.
    Released,
}

impl BookingState {
    const ALL: [Self; 8] = [
        Self::Claimed,
        Self::Inserting,
        Self::Confirmed,
        Self::Compensating,
        Self::Moving,
        Self::Cancelling,
        Self::Cancelled,
        Self::Released,
    ];

    /// As the store and `bookings --json` spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Inserting => "inserting",
            Self::Confirmed => "confirmed",
            Self::Compensating => "compensating",
            Self::Moving => "moving",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }

    /// The reverse of [`BookingState::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the booking holds its time against others.
    #[must_use]
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Cancelled | Self::Released)
    }
}

/// What the latest look said of other people's events at the time of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Nobody could look yet.
    Nothing,
    /// There is no other.
    Free,
    /// There is another: ours must not stay.
    Taken,
    /// Nobody could look while the caller waited, who was told no: ours must not stay either.
    Hidden,
}

impl Seen {
    /// As it is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Free => "free",
            Self::Taken => "taken",
            Self::Hidden => "hidden",
        }
    }

    /// What [`Seen::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Nothing, Self::Free, Self::Taken, Self::Hidden].into_iter().find(|seen| seen.as_str() == text)
    }
}
