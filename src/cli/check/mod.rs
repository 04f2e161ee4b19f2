//! `check`: the doctor. It looks at every setting and asks every counterpart, says what is wrong and how to mend it, and
//! leaves nothing behind.

mod account;
mod assistant;
mod budgets;
mod business;
mod calendars;
mod clock;
mod finding;
mod number;
mod pace;
mod public;
mod redis;
mod topics;
mod twilio;

use std::io::{IsTerminal, stdout};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use tokio::runtime::Handle;

use super::progress::Progress;
use super::{Failure, print};
use crate::app;
use crate::booking::Desk;
use crate::business::profile::{LoadFacts, Loaded, Profile, load_folder};
use crate::business::routing::Directory;
use crate::calendar::Calendars;
use crate::clients;
use crate::clock::Clock;
use crate::config::{Environment, Settings};
use crate::ground::Ground;
use crate::names::Slug;
use crate::store::{self, Store};
use crate::suspects::Suspects;
use finding::Findings;

/// A counterpart that takes longer is one that does not answer. All of them are asked at once.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is looked at, and how it is told.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Only this business: the name of its file without .toml.
    #[arg(long, value_name = "SLUG", value_parser = super::slug)]
    pub business: Option<Slug>,
    /// As a JSON array, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Everything that is known before anybody is asked.
struct Patient {
    settings: Arc<Settings>,
    directory: Directory,
    /// Those that are looked at.
    profiles: Vec<Arc<Profile>>,
    http: reqwest::Client,
    clock: Clock,
}

pub(super) fn run(asked: &Check, environment: &Environment) -> Result<(), Failure> {
    let (settings, warnings) = match Settings::read(environment) {
        Ok(read) => read,
        Err(problems) => {
            let sentences = problems.iter().map(str::to_owned).collect();
            return unread(asked, topics::SETTINGS, sentences, problems.into());
        }
    };
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let loaded = match load_folder(&settings.businesses, &facts) {
        Ok(loaded) => loaded,
        Err(problems) => {
            let sentences = problems.iter().map(ToString::to_string).collect();
            return unread(asked, topics::FILES, sentences, Failure::of_files(&problems));
        }
    };
    if let Some(slug) = &asked.business
        && loaded.directory.by_slug(slug).is_none()
    {
        let folder = settings.businesses.display();
        return Err(Failure::Usage(format!("--business: there is no business file {slug}.toml in {folder}.")));
    }
    let mut findings = Findings::default();
    findings.ok(None, topics::SETTINGS, "all of them can be read");
    for warning in warnings {
        findings.warning(None, topics::SETTINGS, warning, "`ringbook serve --help` explains every setting");
    }
    for warning in &loaded.warnings {
        findings.warning(None, topics::FILES, warning.clone(), "mend it in the business file");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let progress = Progress::of("Asking Twilio, Vapi, Google and this server", asked.json);
    runtime.block_on(look(asked, settings, loaded, &mut findings))?;
    drop(progress);
    tell(asked, environment, &findings)
}

/// Scripts get what cannot be read as findings, too; people read the sentences of the failure.
fn unread(asked: &Check, id: &'static str, sentences: Vec<String>, failure: Failure) -> Result<(), Failure> {
    if asked.json {
        let mut findings = Findings::default();
        for sentence in sentences {
            findings.wrong(None, id, sentence, "as the sentence says; `ringbook serve --help` explains every setting");
        }
        print(&(findings.json()? + "\n"))?;
    }
    Err(failure)
}

fn tell(asked: &Check, environment: &Environment, findings: &Findings) -> Result<(), Failure> {
    // https://no-color.org: any value but an empty one.
    let coloured = stdout().is_terminal() && environment.value("NO_COLOR").is_none();
    let text = if asked.json { findings.json()? + "\n" } else { findings.table(coloured) };
    print(&text)?;
    match findings.wrongs() {
        0 if asked.json => Ok(()),
        0 => print("A call would work.\n"),
        1 => Err(Failure::Failed(anyhow::anyhow!("One thing is wrong: a call would not work."))),
        wrongs => Err(Failure::Failed(anyhow::anyhow!("{wrongs} things are wrong: a call would not work."))),
    }
}

/// Everything that has to be asked, side by side, in the order in which it is told.
async fn look(asked: &Check, settings: Settings, loaded: Loaded, findings: &mut Findings) -> Result<(), Failure> {
    let wanted = |profile: &Arc<Profile>| asked.business.as_ref().is_none_or(|slug| *slug == profile.slug);
    let patient = Patient {
        settings: Arc::new(settings),
        profiles: loaded.directory.all().filter(wanted).collect(),
        directory: loaded.directory,
        http: clients::http().map_err(|error| Failure::because("the HTTP client cannot be built", error))?,
        clock: Clock::System,
    };
    let outside = async { tokio::join!(clock::of(&patient), redis::of(&patient), public::of(&patient), twilio::of(&patient)) };
    let ((clock, redis, public, twilio), inside) = tokio::join!(outside, inside(&patient));
    let (database, rest) = inside?;
    for found in [clock, database, redis, budgets::of(&patient), public, twilio, rest] {
        findings.extend(found);
    }
    Ok(())
}

/// What needs the database: first what is said of itself, then the rest.
async fn inside(patient: &Patient) -> Result<(Findings, Findings), Failure> {
    let (mut database, mut rest) = (Findings::default(), Findings::default());
    let url = &patient.settings.database_url;
    let store = match tokio::time::timeout(PATIENCE, Store::open(url.expose())).await {
        Ok(Ok(store)) => store,
        Ok(Err(error)) => {
            let mend = if matches!(error, store::Error::Unusable(_)) {
                "see that, or name another server in DATABASE_URL"
            } else {
                "DATABASE_URL must name a place that ringbook may write to"
            };
            database.wrong(None, topics::DATABASE, error.to_string(), mend);
            return Ok((database, rest));
        }
        Err(_late) => {
            database.wrong(None, topics::DATABASE, format!("{url} does not answer"), "see whether it runs, and who locks it");
            return Ok((database, rest));
        }
    };
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => database.ok(None, topics::DATABASE, format!("{url} can be written")),
        Ok(Err(error)) => {
            database.wrong(None, topics::DATABASE, error.to_string(), "see whether there is room, and the right to write");
        }
        Err(_late) => {
            database.wrong(None, topics::DATABASE, format!("{url} does not answer"), "see whether somebody else locks it");
        }
    }
    let ground = Ground {
        settings: Arc::clone(&patient.settings),
        directory: patient.directory.clone(),
        store: store.clone(),
        clock: patient.clock.clone(),
        suspects: Suspects::new(),
        runtime: Handle::current(),
    };
    let (vapi, google, businesses) =
        tokio::join!(assistant::of(patient, &store), google(patient, &ground), business::of(patient, &store));
    for found in [vapi, google?, businesses] {
        rest.extend(found);
    }
    store.close().await;
    Ok((database, rest))
}

/// Google, or the calendars that ringbook keeps itself.
async fn google(patient: &Patient, ground: &Ground) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    let calendars = app::calendars(ground).await?;
    let desk = Desk::new(ground, calendars.clone());
    if let Calendars::Google(google) = &calendars {
        account::clients(ground, google, &mut findings).await;
        account::how_many(ground, &mut findings).await?;
    }
    let all = join_all(patient.profiles.iter().map(|profile| async {
        let mut findings = Findings::default();
        if matches!(calendars, Calendars::Google(_)) {
            account::of(ground, profile, &mut findings).await?;
        }
        calendars::of(&desk, &calendars, profile, &ground.clock, &mut findings).await;
        Ok::<_, Failure>(findings)
    }));
    for found in all.await {
        findings.extend(found?);
    }
    Ok(findings)
}
