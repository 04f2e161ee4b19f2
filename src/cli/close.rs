//! `close` and `open`: dates on which a business takes no jobs, in force at once.

use std::sync::Arc;

use clap::Args;
use time::Date;

use super::{Failure, bookings, business, note, print};
use crate::business::profile::Profile;
use crate::clock::Clock;
use crate::config::Environment;
use crate::names::Slug;
use crate::scheduling::busy::Span;
use crate::scheduling::zone::MINUTES_OF_DAY;
use crate::store::bookings::BookingRow;
use crate::store::orders::Closure;

/// Which business, and which of its dates.
#[derive(Args, Clone, Debug)]
pub struct Days {
    /// The business: the name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    pub business: Slug,
    /// The first date, where the business is.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::day)]
    pub from: Date,
    /// The last date, which counts as well; the same day when it is not given.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::day)]
    pub to: Option<Date>,
}

/// Which business is closed, when and why.
#[derive(Args, Clone, Debug)]
pub struct Close {
    /// Which business, and when.
    #[command(flatten)]
    pub days: Days,
    /// Why; callers who ask for such a day hear it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
}

impl Days {
    fn last(&self) -> Result<Date, Failure> {
        let (from, to) = (self.from, self.to.unwrap_or(self.from));
        if to < from { Err(Failure::Usage(format!("--to: {to} lies before {from}."))) } else { Ok(to) }
    }
}

/// The longest reason, in characters: it is spoken.
const MAX_REASON_CHARS: usize = 100;

pub(super) fn close(asked: &Close, environment: &Environment) -> Result<(), Failure> {
    let (days, to) = (&asked.days, asked.days.last()?);
    let reason = asked.reason.trim().to_owned();
    if reason.chars().any(char::is_control) || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::Usage(format!("--reason: one line of at most {MAX_REASON_CHARS} characters, for it is spoken.")));
    }
    let (settings, profile) = business::named(&days.business, environment)?;
    let now = Clock::System.now();
    if to < profile.zone.date(now) {
        note(&format!("{to} is past where {} is.", profile.name));
    }
    let closure = Closure { business: profile.slug.clone(), from: days.from, to, reason };
    let whole = Span { start: profile.zone.start_of_day(days.from), end: profile.zone.bound(to, MINUTES_OF_DAY) };
    let mut booked = business::in_database(&settings.database_url, async |store| {
        store.keep_closure(&closure, now).await?;
        // After it: what is booked before the closure is in force is shown, too.
        store.bookings_between(&profile.slug, whole).await
    })?;
    booked.retain(|row| row.state.is_live());
    print(&format!("{} is closed {}.\n", profile.name, dates(days.from, to)))?;
    if booked.is_empty() {
        return print("Nothing is booked then.\n");
    }
    print("What is booked then stays booked:\n")?;
    print(&table(&profile, &booked))
}

pub(super) fn open(asked: &Days, environment: &Environment) -> Result<(), Failure> {
    let to = asked.last()?;
    let (settings, profile) = business::named(&asked.business, environment)?;
    let now = Clock::System.now();
    let lifted = business::in_database(&settings.database_url, async |store| {
        store.lift_closures(&profile.slug, asked.from, to, now).await
    })?;
    let text = match lifted.as_slice() {
        [] => format!("{} was not closed by `ringbook close` {}.\n", profile.name, dates(asked.from, to)),
        _ => format!("{} is open as usual again {}.\n", profile.name, dates(asked.from, to)),
    };
    print(&text)?;
    let in_file = |exception: &&crate::scheduling::hours::Exception| exception.from <= to && exception.to >= asked.from;
    match profile.opening.exceptions.iter().find(in_file) {
        Some(exception) => print(&format!("Its file has other hours {} all the same.\n", dates(exception.from, exception.to))),
        None => Ok(()),
    }
}

fn dates(from: Date, to: Date) -> String {
    if from == to { format!("on {from}") } else { format!("from {from} to {to}") }
}

fn table(profile: &Arc<Profile>, rows: &[BookingRow]) -> String {
    let rows: Vec<(&Profile, &BookingRow)> = rows.iter().map(|row| (profile.as_ref(), row)).collect();
    bookings::table(&rows)
}
