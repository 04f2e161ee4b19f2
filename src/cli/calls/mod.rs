//! `calls` and `call`: which calls came in, and how one of them went. They only read our own database.

mod list;
mod steps;
mod story;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use time::OffsetDateTime;

pub(super) use self::list::list;
pub(super) use self::story::tell;
use super::Failure;
use crate::business::profile::{Access, LoadFacts, Profile, load_folder};
use crate::config::{Environment, StoreSettings, load_store};
use crate::names::Slug;

/// Which calls are listed, and how.
#[derive(Args, Clone, Debug)]
pub struct Calls {
    /// How far back: minutes, hours or days.
    #[arg(long, value_name = "2h", value_parser = span, default_value = "24h")]
    pub since: Duration,
    /// Only this business: the name of its file without .toml.
    #[arg(long, value_name = "SLUG", value_parser = super::slug)]
    pub business: Option<Slug>,
    /// Only callers whose number ends so.
    #[arg(long, value_name = "1234", value_parser = digits)]
    pub phone_ends: Option<String>,
    /// Only those with an error answer, a fallback, a missed person, a silent or broken end, or an unfinished booking.
    #[arg(long)]
    pub failed: bool,
    /// As a JSON array, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Which call is told, and how.
#[derive(Args, Clone, Debug)]
pub struct Call {
    /// Its name at Twilio (the `CallSid`) or at Vapi.
    #[arg(value_name = "ID")]
    pub id: String,
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// The businesses whose files there are: for their names and zones.
struct Businesses(Vec<Arc<Profile>>);

impl Businesses {
    fn read(environment: &Environment) -> Result<(StoreSettings, Self), Failure> {
        let settings = load_store(environment)?;
        // Which calendars there are does not matter here, so every file that is sound otherwise is accepted.
        let loaded = load_folder(&settings.businesses, &LoadFacts::same(Access::Embedded));
        let loaded = loaded.map_err(|problems| Failure::of_files(&problems))?;
        Ok((settings, Self(loaded.directory.all().collect())))
    }

    fn of(&self, slug: Option<&Slug>) -> Option<&Profile> {
        self.0.iter().find(|profile| Some(&profile.slug) == slug).map(AsRef::as_ref)
    }
}

/// An instant by the clock of its business; of an unknown one in UTC.
fn local(profile: Option<&Profile>, instant: OffsetDateTime) -> OffsetDateTime {
    profile.map_or(instant, |profile| profile.zone.civil(instant))
}

/// "2 min 5 s".
fn length(seconds: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

fn span(text: &str) -> Result<Duration, &'static str> {
    const WRITTEN: &str = "a span is written 30m, 2h or 3d";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(WRITTEN)?;
    let number = number.parse::<u64>().ok().filter(|number| (1..=10_000).contains(number)).ok_or(WRITTEN)?;
    match unit {
        "m" => Ok(Duration::from_mins(number)),
        "h" => Ok(Duration::from_hours(number)),
        "d" => Ok(Duration::from_hours(24 * number)),
        _ => Err(WRITTEN),
    }
}

fn digits(text: &str) -> Result<String, &'static str> {
    let is_end = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_end.then(|| text.to_owned()).ok_or("the end of a number is 1 to 15 digits")
}
