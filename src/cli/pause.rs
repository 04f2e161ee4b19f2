//! `pause` and `resume`: callers go straight to a person, and back to the assistant.

use clap::Args;
use time::OffsetDateTime;

use super::{Failure, business, print};
use crate::business::profile::Profile;
use crate::clock::Clock;
use crate::config::Environment;
use crate::names::Slug;
use crate::scheduling::speech::spoken_date_time;
use crate::store::orders::Pause as Order;

/// Which business takes its calls in person, and how long.
#[derive(Args, Clone, Debug)]
pub struct Pause {
    /// The business: the name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    pub business: Slug,
    /// When it ends by itself, by the clock of the business: the next time that it shows this.
    #[arg(long, value_name = "HH:MM", value_parser = super::minute)]
    pub until: Option<u16>,
}

/// Which business lets the assistant answer again.
#[derive(Args, Clone, Debug)]
pub struct Resume {
    /// The business: the name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    pub business: Slug,
}

pub(super) fn pause(asked: &Pause, environment: &Environment) -> Result<(), Failure> {
    let (settings, profile) = business::named(&asked.business, environment)?;
    let now = Clock::System.now();
    let ends_at = asked.until.map(|minute| next(&profile, minute, now));
    let order = Order { business: profile.slug.clone(), ends_at };
    business::in_database(&settings.database_url, async |store| store.keep_pause(&order, now).await)?;
    let until = ends_at.map_or_else(
        || format!("until `ringbook resume {}`", profile.slug),
        |at| format!("until {}", spoken_date_time(profile.zone.civil(at), profile.zone.date(now))),
    );
    let whom = match profile.transfer_number(now) {
        Some(number) => format!("put through to {}", number.as_str()),
        None => "asked to leave a message, for nobody can be reached at this hour by the business file".to_owned(),
    };
    print(&format!("{} is paused {until}: callers are {whom}.\n", profile.name))
}

pub(super) fn resume(asked: &Resume, environment: &Environment) -> Result<(), Failure> {
    let (settings, profile) = business::named(&asked.business, environment)?;
    let was = business::in_database(&settings.database_url, async |store| store.lift_pause(&profile.slug).await)?;
    let text = if was { "the assistant answers again" } else { "it was not paused" };
    print(&format!("{}: {text}.\n", profile.name))
}

/// When the clock of the business shows this next.
fn next(profile: &Profile, minute: u16, now: OffsetDateTime) -> OffsetDateTime {
    let today = profile.zone.date(now);
    let at = profile.zone.bound(today, minute);
    if at > now { at } else { profile.zone.bound(today.next_day().unwrap_or(today), minute) }
}
