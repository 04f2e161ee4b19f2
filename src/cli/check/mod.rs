//! `check`: the doctor. It looks at every setting and asks every calendar, says what is wrong and how to mend it, and
//! leaves nothing behind.

mod account;
mod assistant;
mod calendars;
mod finding;

use std::sync::Arc;

use clap::Args;
use tokio::runtime::Handle;

use super::{Failure, print};
use crate::app;
use crate::booking::Desk;
use crate::business::profile::{LoadFacts, Loaded, Profile, load_folder};
use crate::calendar::{Calendars, shared};
use crate::clock::Clock;
use crate::config::{Environment, RedisUrl, Settings};
use crate::ground::Ground;
use crate::names::Slug;
use crate::store::{self, Store};
use crate::suspects::Suspects;
use finding::Findings;

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

pub(super) fn run(asked: &Check, environment: &Environment) -> Result<(), Failure> {
    let (settings, warnings) = Settings::read(environment)?;
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let loaded = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?;
    if let Some(slug) = &asked.business
        && loaded.directory.by_slug(slug).is_none()
    {
        let folder = settings.businesses.display();
        return Err(Failure::Usage(format!("--business: there is no business file {slug}.toml in {folder}.")));
    }
    let mut findings = Findings::default();
    findings.ok(None, "settings", "all of them can be read");
    for warning in warnings.into_iter().chain(loaded.warnings.iter().cloned()) {
        findings.warning(None, "settings", warning, "");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    runtime.block_on(look(asked, settings, loaded, &mut findings))?;
    print(&if asked.json { findings.json()? + "\n" } else { findings.lines() })?;
    match findings.wrongs() {
        0 => Ok(()),
        1 => Err(Failure::Failed(anyhow::anyhow!("One thing is wrong: a call would not work."))),
        wrongs => Err(Failure::Failed(anyhow::anyhow!("{wrongs} things are wrong: a call would not work."))),
    }
}

/// Everything that has to be asked.
async fn look(asked: &Check, settings: Settings, loaded: Loaded, findings: &mut Findings) -> Result<(), Failure> {
    let store = match Store::open(settings.database_url.expose()).await {
        Ok(store) => store,
        Err(error) => {
            let remedy = match error {
                store::Error::Unusable(_) => "see that, or name another server in DATABASE_URL",
                _ => "DATABASE_URL must name a place that ringbook may write to",
            };
            findings.wrong(None, "database", error.to_string(), remedy);
            return Ok(());
        }
    };
    match store.ping().await {
        Ok(()) => findings.ok(None, "database", format!("{} can be written", settings.database_url)),
        Err(error) => findings.wrong(None, "database", error.to_string(), "see whether there is room, and the right to write"),
    }
    let ground = Ground {
        settings: Arc::new(settings),
        directory: loaded.directory,
        store: store.clone(),
        clock: Clock::System,
        suspects: Suspects::new(),
        runtime: Handle::current(),
    };
    if let Some(url) = &ground.settings.redis_url {
        redis(url, findings).await;
    }
    let calendars = app::calendars(&ground).await?;
    let desk = Desk::new(&ground, calendars.clone());
    if let Calendars::Google(google) = &calendars {
        account::clients(&ground, google, findings).await;
        account::how_many(&ground, findings).await?;
    }
    let wanted = |profile: &Arc<Profile>| asked.business.as_ref().is_none_or(|slug| *slug == profile.slug);
    for profile in ground.directory.all().filter(wanted) {
        assistant::of(&ground, &profile, findings).await?;
        if matches!(calendars, Calendars::Google(_)) {
            account::of(&ground, &profile, findings).await?;
        }
        calendars::of(&desk, &calendars, &profile, &ground.clock, findings).await;
    }
    store.close().await;
    Ok(())
}

/// Calls work without it.
async fn redis(url: &RedisUrl, findings: &mut Findings) {
    match shared::reach(url).await {
        Ok(()) => findings.ok(None, "redis", format!("{url} answers")),
        Err(cause) => {
            let mend =
                "see whether it runs there and lets ringbook in; until then each copy of the server asks Google for itself";
            findings.warning(None, "redis", format!("{url} cannot be used: {cause}"), mend);
        }
    }
}
