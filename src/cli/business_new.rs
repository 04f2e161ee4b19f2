//! `business new`: a business file with every key explained, from what is said on the command line.

use clap::{Args, Subcommand};

use super::{Failure, print};
use crate::business::draft::{Draft, Error};
use crate::business::hours::parse_span;
use crate::business::profile::{Access, LoadFacts, Profile};
use crate::config::{Environment, load_folder_name};
use crate::names::{Phone, Slug};
use crate::scheduling::hours::{WallSpan, Week};
use crate::scheduling::zone::Zone;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The shortest name of a weekday that is taken for one.
const SHORT: usize = 3;
const SERVICE: &str = "a service is written as its name and its minutes, such as \"repair=120\"";
const HOURS: &str = "hours are written as \"mon-fri 08:00-17:00\", \"mon,wed 08:00-12:00,13:00-17:00\" or \"daily 00:00-24:00\"";

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Business {
    /// Write a business file into the folder BUSINESSES, with a note for every key. A file that is there is never overwritten.
    ///
    /// The file is left there only if ringbook can read it, and if it fits beside the others.
    #[command(after_help = "\
Examples:
  ringbook business new abc-hvac --number +15551230000 --zone America/New_York
  ringbook business new abc-hvac --name \"ABC HVAC\" --number +15551230000 --zone America/New_York --transfer-to +15551239999 \\
    --service repair=120 --service \"tune-up=60\" --hours \"mon-fri 08:00-12:00,12:30-17:00\" --hours \"sat 09:00-14:00\"

Setting: BUSINESSES.")]
    New(New),
}

/// The new business.
#[derive(Args, Debug)]
pub struct New {
    /// Its short name in commands and settings, which becomes that of its file: a to z, 0 to 9 and inner dashes.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    slug: Slug,
    /// Its name, as callers hear it; the short name in capitals when it is not given.
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// A Twilio number that rings there, with + and country code; may be given several times.
    #[arg(long, value_name = "+1…", required = true, value_parser = phone)]
    number: Vec<Phone>,
    /// Its time zone, as Continent/City.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Zone,
    /// The person to whom callers are put through; without one they leave a message.
    #[arg(long, value_name = "+1…", value_parser = phone)]
    transfer_to: Option<Phone>,
    /// What can be booked, and how many minutes it takes; may be given several times.
    #[arg(long, value_name = "NAME=MINUTES", default_value = "visit=60", value_parser = service)]
    service: Vec<(String, u32)>,
    /// When jobs are done; may be given several times, for different days. A day that is missing is closed.
    #[arg(long, value_name = "DAYS SPANS", default_value = "mon-fri 08:00-17:00", value_parser = hours)]
    hours: Vec<Hours>,
}

/// The same hours on some days.
#[derive(Clone, Debug)]
struct Hours {
    /// From Monday, 0, to Sunday.
    days: Vec<usize>,
    spans: Vec<WallSpan>,
}

pub(super) fn run(what: &Business, environment: &Environment) -> Result<(), Failure> {
    let Business::New(new) = what;
    let folder = load_folder_name(environment)?;
    let draft = Draft {
        name: new.name.clone().unwrap_or_else(|| name_of(&new.slug)),
        phone_numbers: new.number.clone(),
        time_zone: new.zone.name().to_owned(),
        transfer_to: new.transfer_to.clone(),
        services: new.service.clone(),
        week: week(&new.hours)?,
    };
    // Whose calendars they will be is decided later, so nothing is asked of them yet.
    let written = draft.write(&folder, &new.slug, &LoadFacts::same(Access::Embedded));
    let (path, profile) = written.map_err(|error| match error {
        Error::Unwritable { .. } => Failure::Failed(anyhow::anyhow!("BUSINESSES: {error}.")),
        Error::Exists(_) => Failure::Usage(format!("{error}.")),
        Error::Misfits(_) => Failure::Usage(error.to_string()),
    })?;
    print(&format!("{} is written.\n{}", path.display(), summary(&profile)))
}

/// What the file says, and what is left to do.
fn summary(profile: &Profile) -> String {
    let slug = &profile.slug;
    let services =
        profile.services.iter().map(|service| format!("{}, {} minutes", service.name, service.duration.as_secs() / 60));
    let person = profile.transfer.to.as_ref().map_or("nobody yet ([transfer])", Phone::as_str);
    format!(
        "  name       {}\n  rings at   {}\n  time zone  {}\n  services   {}\n  a person   {person}\n\n\
         Read through it: every other key stands there with a note. Then:\n  \
         ringbook reload\n      if the server runs already\n  \
         ringbook google login {slug}\n      if its owner is to connect a Google account, once the server runs\n  \
         ringbook connect {slug}\n      the assistant, the numbers, and whether a call would work\n",
        profile.name,
        profile.phone_numbers.iter().map(Phone::as_str).collect::<Vec<_>>().join(", "),
        profile.zone.name(),
        services.collect::<Vec<_>>().join("; "),
    )
}

/// "abc-hvac" is "Abc Hvac".
fn name_of(slug: &Slug) -> String {
    let words = slug.as_str().split('-').filter(|word| !word.is_empty());
    let capitals = words.map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    capitals.collect::<Vec<_>>().join(" ")
}

fn week(all: &[Hours]) -> Result<Week, Failure> {
    let mut week = Week::default();
    for Hours { days, spans } in all {
        for day in days {
            let Some(of_day) = week.0.get_mut(*day) else { continue };
            if !of_day.is_empty() {
                let name = WEEKDAYS.get(*day).unwrap_or(&"a day");
                return Err(Failure::Usage(format!(
                    "--hours: {name} stands there twice; write its spans with a comma between them."
                )));
            }
            of_day.clone_from(spans);
        }
    }
    Ok(week)
}

fn name(text: &str) -> Result<String, &'static str> {
    let is_sayable = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_sayable { Ok(text.trim().to_owned()) } else { Err("a name is written on one line, and is not empty") }
}

/// Spaces, dashes and the like, as people write numbers, are taken out.
fn phone(text: &str) -> Result<Phone, &'static str> {
    let digits: String = text.chars().filter(|c| !" -.()".contains(*c)).collect();
    Phone::e164(&digits).ok_or("a number is written with a plus sign and the country code, such as +15551230000")
}

fn zone(text: &str) -> Result<Zone, &'static str> {
    Zone::parse(text).map_err(|_unknown| "this is no IANA time zone; write one such as America/New_York or Europe/Berlin")
}

fn service(text: &str) -> Result<(String, u32), &'static str> {
    let (called, minutes) = text.rsplit_once('=').ok_or(SERVICE)?;
    Ok((name(called).map_err(|_empty| SERVICE)?, minutes.trim().parse().map_err(|_no_number| SERVICE)?))
}

fn hours(text: &str) -> Result<Hours, &'static str> {
    let (days, spans) = text.trim().split_once(char::is_whitespace).ok_or(HOURS)?;
    let mut all = Vec::new();
    for part in days.split(',') {
        all.extend(days_of(part).ok_or(HOURS)?);
    }
    let spans: Option<Vec<WallSpan>> = spans.split(',').map(|span| parse_span(span.trim())).collect();
    Ok(Hours { days: all, spans: spans.ok_or(HOURS)? })
}

/// `fri`, `mon-fri`, `sat-mon`, `daily`.
fn days_of(text: &str) -> Option<Vec<usize>> {
    if text.eq_ignore_ascii_case("daily") {
        return Some((0..7).collect());
    }
    let day = |text: &str| {
        let text = text.to_lowercase();
        (text.len() >= SHORT).then(|| WEEKDAYS.iter().position(|day| day.starts_with(&text))).flatten()
    };
    let Some((from, to)) = text.split_once('-') else { return Some(vec![day(text)?]) };
    let (from, to) = (day(from)?, day(to)?);
    Some((0..=(to + 7 - from) % 7).map(|later| (from + later) % 7).collect())
}
