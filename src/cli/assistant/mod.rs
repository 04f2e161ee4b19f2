//! `assistant`: what Vapi is to know of a business, where it differs from what Vapi has, and bringing it there.

pub(super) mod office;
pub(super) mod told;

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use self::office::Office;
use self::told::{Seen, State};
use super::progress::Progress;
use super::{Failure, print};
use crate::assistant::difference::{differences, whole};
use crate::assistant::push::find;
use crate::business::profile::{Access, LoadFacts, Profile, load_folder};
use crate::clients;
use crate::config::{AssistantSettings, Environment, load_assistant};
use crate::names::Slug;
use crate::store::Store;

/// What is done with the assistants.
#[derive(Clone, Debug, Subcommand)]
pub enum Assistant {
    /// Print the JSON that would be pushed, with no secret in it. Asks nobody.
    ///
    /// One business: its assistant. Several: an object with one assistant for each, by the business's short name.
    #[command(after_help = "Example:\n  ringbook assistant show --business abc-hvac")]
    Show(Which),
    /// Show where the assistant at Vapi is not as it would be pushed. Changes nothing.
    ///
    /// Fields that ringbook does not write (the voice, for example) do not count, nor which model is used.
    #[command(
        after_help = "Example:\n  ringbook assistant diff --business abc-hvac\n\nExit code: 0 when all is in step, 1 when something differs (or Vapi could not be asked), 2 for bad usage or settings."
    )]
    Diff(Told),
    /// Make the assistant at Vapi, or change what differs, and remember it: calls are answered by it from then on.
    ///
    /// May be repeated: each business has one assistant, which is found again by its metadata, whatever it is called. Only the
    /// top-level fields that differ are sent; what ringbook does not write is left alone.
    #[command(
        after_help = "Examples:\n  ringbook assistant push\n  ringbook assistant push --business abc-hvac --credential 550e8400-e29b-41d4-a716-446655440000"
    )]
    Push(Push),
}

/// Whose assistants.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Only this business: the name of its file without .toml. All of them when it is not given.
    #[arg(long, value_name = "SLUG", value_parser = super::slug)]
    pub business: Option<Slug>,
}

/// Whose assistants, and how it is told.
#[derive(Args, Clone, Debug)]
pub struct Told {
    #[command(flatten)]
    which: Which,
    /// As a JSON array, for scripts.
    #[arg(long)]
    json: bool,
}

/// Whose assistants, and with which credential.
#[derive(Args, Clone, Debug)]
pub struct Push {
    #[command(flatten)]
    told: Told,
    /// The id of the credential with which Vapi signs its webhooks, made in its dashboard under "Integrations", "Server
    /// Configuration", "Add Custom Credential". It is remembered; "none" forgets it. Without one Vapi sends the plain secret, which
    /// can then be read in its dashboard.
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
}

impl Assistant {
    fn which(&self) -> &Which {
        match self {
            Self::Show(which) => which,
            Self::Diff(told) => &told.which,
            Self::Push(push) => &push.told.which,
        }
    }
}

pub(super) fn run(asked: &Assistant, environment: &Environment) -> Result<(), Failure> {
    let business = asked.which().business.as_ref();
    let settings = load_assistant(environment, business, !matches!(asked, Assistant::Show(_)))?;
    let profiles = profiles(&settings, business)?;
    let http = clients::http().map_err(|error| Failure::because("the HTTP client cannot be built", error))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    runtime.block_on(async {
        let store = store(&settings, matches!(asked, Assistant::Push(_))).await?;
        let rows = match &store {
            Some(store) => {
                store.pushed_assistants().await.map_err(|error| Failure::because("the database cannot be read", error))?
            }
            None => Vec::new(),
        };
        let office = Office { settings, rows, http };
        let done = match (asked, &store) {
            (Assistant::Push(asked), Some(store)) => office.push(asked, &profiles, store).await,
            (Assistant::Diff(asked), _) => office.diff(asked, &profiles).await,
            _ => office.show(&profiles),
        };
        if let Some(store) = store {
            store.close().await;
        }
        done
    })
}

/// The businesses that are asked for.
fn profiles(settings: &AssistantSettings, business: Option<&Slug>) -> Result<Vec<Arc<Profile>>, Failure> {
    // Which calendars there are does not matter here, so every file that is sound otherwise is accepted.
    let facts = LoadFacts::same(Access::Embedded);
    let directory = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?.directory;
    let Some(slug) = business else { return Ok(directory.all().collect()) };
    let folder = settings.businesses.display();
    let none = || Failure::Usage(format!("--business: there is no business file {slug}.toml in {folder}."));
    Ok(vec![directory.by_slug(slug).ok_or_else(none)?])
}

/// The database; where nothing is to be written, only one that is there.
async fn store(settings: &AssistantSettings, is_needed: bool) -> Result<Option<Store>, Failure> {
    let is_there = settings.database_url.file().is_none_or(Path::exists);
    if !(is_needed || is_there) {
        return Ok(None);
    }
    let store = Store::open(settings.database_url.expose()).await;
    store.map(Some).map_err(|error| Failure::because("DATABASE_URL: the database cannot be opened", error))
}

impl Office {
    fn show(&self, profiles: &[Arc<Profile>]) -> Result<(), Failure> {
        let mut all = Map::new();
        for profile in profiles {
            let proof = self.proof(&profile.slug, self.credential(&profile.slug))?.to_be_shown();
            all.insert(profile.slug.to_string(), whole(&self.wanted(profile, proof)?));
        }
        let shown = match profiles {
            [only] => all.remove(only.slug.as_str()).unwrap_or_default(),
            _ => Value::Object(all),
        };
        print(&format!("{shown:#}\n"))
    }

    async fn diff(&self, asked: &Told, profiles: &[Arc<Profile>]) -> Result<(), Failure> {
        let progress = Progress::of("Asking Vapi", asked.json);
        let mut all = Vec::new();
        for profile in profiles {
            progress.reached(format!("{} of {} assistants", all.len(), profiles.len()));
            let slug = &profile.slug;
            let here = self.wanted(profile, self.proof(slug, self.credential(slug))?)?;
            let looked = async { find(&self.vapi(slug)?, self.known(slug)).await }.await;
            all.push(match looked {
                Err(error) => Seen::failed(slug, &error),
                Ok(search) => match search.found {
                    None => Seen::new(slug, State::Absent, None),
                    Some(found) => {
                        let places = differences(&here, &found.fields);
                        let state = if places.is_empty() { State::InStep } else { State::Differs };
                        Seen { differences: places, doubles: search.doubles, ..Seen::new(slug, state, Some(found.id)) }
                    }
                },
            });
        }
        drop(progress);
        told::tell(all, asked.json)
    }

    async fn push(&self, asked: &Push, profiles: &[Arc<Profile>], store: &Store) -> Result<(), Failure> {
        let progress = Progress::of("Asking Vapi", asked.told.json);
        let mut all = Vec::new();
        for profile in profiles {
            progress.reached(format!("{} of {} assistants", all.len(), profiles.len()));
            all.push(self.push_one(profile, asked.credential.as_deref(), store).await?);
        }
        drop(progress);
        told::tell(all, asked.told.json)
    }
}
