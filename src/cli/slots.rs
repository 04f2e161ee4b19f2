//! `slots`: what callers would be offered on a day, and why not the rest. It asks what the server asks, and changes nothing.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use super::progress::Progress;
use super::{Failure, print};
use crate::app;
use crate::booking::Desk;
use crate::booking::error::Refusal as Unclear;
use crate::booking::survey::{Survey, View};
use crate::business::profile::{LoadFacts, Profile, Technician, load_folder};
use crate::clock::{Clock, Deadline};
use crate::config::{Environment, Settings};
use crate::ground::Ground;
use crate::names::Slug;
use crate::scheduling::reasons::{Considered, Obstacle};
use crate::scheduling::slots::{Reason, Refusal};
use crate::scheduling::speech::{spoken_date, spoken_time, spoken_times};
use crate::scheduling::zone::Local;
use crate::store::Store;
use crate::suspects::Suspects;

/// How long the calendars may take: nobody is waiting on the telephone.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is asked.
#[derive(Args, Clone, Debug)]
pub struct Slots {
    /// The business: the name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    pub business: Slug,
    /// What is to be done: a service's name or one of its aliases.
    #[arg(long, value_name = "NAME")]
    pub service: String,
    /// The day, where the business is.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::day)]
    pub date: Date,
    /// This start alone, by the clock of the business.
    #[arg(long, value_name = "HH:MM", value_parser = super::minute)]
    pub at: Option<u16>,
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// The answer, as scripts read it.
#[derive(Serialize)]
struct Answer<'a> {
    business: &'a Slug,
    service: &'a str,
    minutes: u64,
    date: String,
    time_zone: &'a str,
    paused: bool,
    offered: Vec<String>,
    /// Why nothing is offered.
    because: Option<String>,
    /// Who does not work at all that day.
    away: Vec<Person<'a>>,
    starts: Vec<Row<'a>>,
}

/// One start.
#[derive(Serialize)]
struct Row<'a> {
    start: String,
    /// `offered`, `open`, `held` or a reason.
    state: &'static str,
    because: Option<String>,
    technicians: Vec<Person<'a>>,
}

/// One technician at one start.
#[derive(Serialize)]
struct Person<'a> {
    id: &'a str,
    /// `free` or a reason.
    state: &'static str,
    because: Option<String>,
}

pub(super) fn run(asked: &Slots, environment: &Environment) -> Result<(), Failure> {
    let (settings, _) = Settings::read(environment)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    runtime.block_on(look(asked, settings))
}

async fn look(asked: &Slots, settings: Settings) -> Result<(), Failure> {
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let loaded = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?;
    let gone = |error| Failure::because("DATABASE_URL: the database cannot be read", error);
    let store = Store::open(settings.database_url.expose()).await.map_err(gone)?;
    loaded.directory.keep_up(&store).await.map_err(gone)?;
    let profile = loaded.directory.by_slug(&asked.business).ok_or_else(|| {
        let folder = settings.businesses.display();
        Failure::Usage(format!("There is no business file {}.toml in {folder}.", asked.business))
    })?;
    let starts = asked.at.map(|minute| starts_at(&profile, asked.date, minute)).transpose()?;
    let ground = Ground {
        settings: settings.into(),
        directory: loaded.directory,
        store: store.clone(),
        clock: Clock::System,
        suspects: Suspects::new(),
        runtime: tokio::runtime::Handle::current(),
    };
    let desk = Desk::new(&ground, app::calendars(&ground).await?);
    let view = View { service: &asked.service, date: asked.date, starts: starts.as_deref() };
    let progress = Progress::of("Asking the calendars", asked.json);
    let survey = desk.survey(&profile, view, Deadline::after(PATIENCE)).await.map_err(|refusal| match refusal {
        Unclear::ServiceUnknown { offered } => Failure::Usage(format!("--service: {} does {offered}.", profile.name)),
        other => Failure::because("the day cannot be looked at", other),
    })?;
    store.close().await;
    drop(progress);
    let now = ground.clock.now();
    if asked.json { print(&(json(asked, &profile, &survey, now)? + "\n")) } else { print(&text(asked, &profile, &survey, now)) }
}

/// What the clock of the business means by this, once or, when the clocks are put back, twice.
fn starts_at(profile: &Profile, date: Date, minute: u16) -> Result<Vec<OffsetDateTime>, Failure> {
    match profile.zone.local_minute(date, minute) {
        Local::One(start) => Ok(vec![start]),
        Local::Twice(first, second) => Ok(vec![first, second]),
        Local::Missing => Err(Failure::Usage(format!("--at: on {date} the clocks are put forward over that time."))),
    }
}

/// What a start is to callers, as one word for scripts and in words for people.
fn state(survey: &Survey<'_>, seen: &Considered) -> (&'static str, Option<String>) {
    if let Some(refusal) = &seen.refused {
        let word = match refusal {
            Refusal::Past => "past",
            Refusal::BeyondHorizon { .. } => "beyond_horizon",
            Refusal::Closed { .. } => "closed",
            Refusal::OutsideHours => "outside_hours",
            Refusal::TooSoon => "too_soon",
            Refusal::Taken => "taken",
            Refusal::Unreachable => "calendar_unreadable",
        };
        let text = match refusal {
            Refusal::TooSoon => "shorter notice than the file allows".to_owned(),
            Refusal::Taken => "nobody is free".to_owned(),
            Refusal::Closed { reason: Some(reason) } => format!("closed: {reason}"),
            other => other.to_string(),
        };
        return (word, Some(text));
    }
    let callers = survey.held.get(&seen.start).copied().unwrap_or_default();
    let words = match callers {
        0 => None,
        1 => Some("another caller thinks about it: said last".to_owned()),
        callers => Some(format!("{callers} other callers think about it: said last")),
    };
    match (survey.offered.contains(&seen.start), callers) {
        (true, _) => ("offered", words),
        (false, 0) => ("open", None),
        (false, _) => ("held", words),
    }
}

fn obstacle(obstacle: &Obstacle) -> (&'static str, String) {
    let word = match obstacle {
        Obstacle::DayOff => "off",
        Obstacle::Closure { .. } => "closure",
        Obstacle::OutsideHours => "outside_hours",
        Obstacle::PastClosing => "past_closing",
        Obstacle::OurJob => "our_booking",
        Obstacle::Buffer => "buffer",
        Obstacle::DayFull => "day_full",
        Obstacle::Busy => "calendar_busy",
        Obstacle::Unreadable => "calendar_unreadable",
    };
    let text = match obstacle {
        Obstacle::Closure { reason: Some(reason) } => format!("closed: {reason}"),
        other => other.to_string(),
    };
    (word, text)
}

/// Why a whole day has nothing.
fn none(reason: &Reason) -> String {
    match reason {
        Reason::Closed { reason: Some(reason) } => format!("closed: {reason}"),
        other => other.to_string(),
    }
}

fn json(asked: &Slots, profile: &Profile, survey: &Survey<'_>, now: OffsetDateTime) -> Result<String, Failure> {
    let instant = |at: &OffsetDateTime| profile.zone.civil(*at).format(&Rfc3339).unwrap_or_default();
    let person = |index: usize, standing: Option<&Obstacle>| {
        let (state, because) = standing.map(obstacle).unzip();
        Some(Person { id: &survey.crew.get(index)?.id, state: state.unwrap_or("free"), because })
    };
    let starts = survey.considered.iter().map(|seen| {
        let (state, because) = state(survey, seen);
        let technicians = seen.crew.iter().filter_map(|(index, standing)| person(*index, standing.as_ref()));
        Row { start: instant(&seen.start), state, because, technicians: technicians.collect() }
    });
    let answer = Answer {
        business: &profile.slug,
        service: survey.service,
        minutes: survey.minutes,
        date: asked.date.to_string(),
        time_zone: profile.zone.name(),
        paused: profile.is_paused(now),
        offered: survey.offered.iter().map(instant).collect(),
        because: survey.none_because.as_ref().map(none),
        away: survey.away.iter().filter_map(|(index, standing)| person(*index, Some(standing))).collect(),
        starts: starts.collect(),
    };
    serde_json::to_string_pretty(&answer).map_err(|error| Failure::because("the day cannot be written as JSON", error))
}

/// The same for people.
fn text(asked: &Slots, profile: &Profile, survey: &Survey<'_>, now: OffsetDateTime) -> String {
    let today = profile.zone.date(now);
    let day = spoken_date(asked.date, today);
    let (zone, minutes) = (profile.zone.name(), survey.minutes);
    let mut text = format!("{}, {day} ({zone}): {}, {minutes} minutes.\n", profile.name, survey.service);
    if profile.is_paused(now) {
        text += "It is paused: callers go to a person, and hear none of this.\n";
    }
    // A string takes whatever is written to it.
    let _ = match &survey.none_because {
        Some(reason) => writeln!(text, "Nothing is offered that day: {}.", none(reason)),
        None => writeln!(text, "A caller hears {}.", spoken_times(&survey.offered, today)),
    };
    for (index, why) in &survey.away {
        let who = survey.crew.get(*index).map_or_else(String::new, |technician| called(technician));
        let _ = writeln!(text, "{who}: {}.", obstacle(why).1);
    }
    // What is true of every start was said of the day.
    let is_out_of_reach = |seen: &Considered| matches!(seen.refused, Some(Refusal::Past | Refusal::BeyondHorizon { .. }));
    if asked.at.is_none() && survey.considered.iter().all(is_out_of_reach) {
        return text;
    }
    text += &table(profile, survey);
    if survey.considered.iter().any(|seen| state(survey, seen) == ("open", None)) {
        text += "open: not among those that are said; who asks for it gets it.\n";
    }
    text
}

fn called(technician: &Technician) -> String {
    technician.name.clone().unwrap_or_else(|| technician.id.clone())
}

fn table(profile: &Profile, survey: &Survey<'_>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(
        ["Start".to_owned(), "Callers".to_owned()].into_iter().chain(survey.crew.iter().map(|technician| called(technician))),
    );
    for seen in &survey.considered {
        let answer = match state(survey, seen) {
            ("offered", None) => "OFFERED".to_owned(),
            ("offered", Some(words)) => format!("OFFERED ({words})"),
            (state, words) => words.unwrap_or_else(|| state.to_owned()),
        };
        let crew = (0..survey.crew.len()).map(|index| {
            let standing = seen.crew.iter().find(|(whose, _)| *whose == index);
            standing.map_or_else(String::new, |(_, it)| it.as_ref().map_or("free".to_owned(), |it| obstacle(it).1))
        });
        table.add_row([spoken_time(profile.zone.civil(seen.start)), answer].into_iter().chain(crew));
    }
    format!("{table}\n")
}
