//! `connect`: brings one business on line. The order matters: importing a number at Vapi rewrites whom Twilio asks, so the
//! number is pointed here after it; and only what is all in place can be checked. Every step may be repeated.

use std::sync::Arc;

use clap::Args;

use super::assistant::office::Office;
use super::assistant::told;
use super::check::{self, Check};
use super::twilio::pointing;
use super::{Failure, print};
use crate::business::profile::{LoadFacts, Profile, load_folder};
use crate::clients;
use crate::clients::phone_numbers::PhoneNumbers;
use crate::clients::twilio::Twilio as Client;
use crate::config::{AssistantSettings, Connect as Mode, Environment, NumberSettings, Settings};
use crate::names::Slug;
use crate::store::Store;

/// The steps in their order, as people are told of them.
const STEPS: [&str; 4] = ["the assistant at Vapi", "the number at Vapi", "the number at Twilio", "check"];
/// The number's id at Vapi, for all businesses.
const ID: &str = "VAPI_PHONE_NUMBER_ID";
/// Stands for the id that importing the number will give.
const NOT_YET: &str = "not-imported-yet";

/// Which business.
#[derive(Args, Clone, Debug)]
pub struct Connect {
    /// The name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    pub business: Slug,
}

/// Everything that the steps need.
struct Work {
    settings: Settings,
    profile: Arc<Profile>,
    http: reqwest::Client,
}

pub(super) fn run(asked: &Connect, environment: &Environment) -> Result<(), Failure> {
    let slug = &asked.business;
    // Under bypass the server does not start without the number's id; here it is what the second step finds out.
    let setting = format!("{ID}__{}", slug.as_setting_suffix());
    let is_given = [setting.as_str(), ID].iter().any(|name| environment.value(name).is_some());
    let is_for_all = environment.value(ID).is_some();
    let known = if is_for_all { environment.clone() } else { environment.clone().with(ID, NOT_YET) };
    let (settings, _) = Settings::read(&known)?;
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let directory = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?.directory;
    let folder = settings.businesses.display();
    let none = || Failure::Usage(format!("there is no business file {slug}.toml in {folder}."));
    let profile = directory.by_slug(slug).ok_or_else(none)?;
    pointing::check(&settings.server_url, &settings.twilio.of(slug).api_url)?;
    let http = clients::http().map_err(|error| Failure::because("the HTTP client cannot be built", error))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let work = Work { settings, profile, http };
    let imported = runtime.block_on(work.done(is_given))?;

    step(3)?;
    let check = Check { business: Some(slug.clone()), json: false };
    let known = match &imported {
        Some(id) => known.with(setting.as_str(), id.as_str()),
        None => known,
    };
    let checked = check::run(&check, &known);
    if let Some(id) = imported {
        print(&format!(
            "\nThe server needs to know the number's id. Put this line into its settings, and start it anew:\n\n{setting}={id}\n"
        ))?;
    }
    checked.map_err(|failure| stopped(3, slug, &failure))
}

fn step(number: usize) -> Result<(), Failure> {
    let name = STEPS.get(number).copied().unwrap_or_default();
    print(&format!("\n{} of {}: {name}\n", number + 1, STEPS.len()))
}

/// What stopped it, what was done before, and what is left.
fn stopped(at: usize, slug: &Slug, cause: &dyn std::fmt::Display) -> Failure {
    let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let (done, rest) = STEPS.split_at(at.min(STEPS.len()));
    Failure::Failed(anyhow::anyhow!(
        "{cause}\nStopped at step {} of {}. Done: {}. Not done: {}. When that is mended, run `ringbook connect {slug}` again.",
        at + 1,
        STEPS.len(),
        list(done),
        list(rest)
    ))
}

impl Work {
    /// The steps before the check; returns the id of the number at Vapi if the settings do not have it.
    async fn done(&self, id_is_given: bool) -> Result<Option<String>, Failure> {
        let slug = &self.profile.slug;
        step(0)?;
        self.assistant().await.map_err(|failure| stopped(0, slug, &failure))?;
        step(1)?;
        let imported = self.number_at_vapi(id_is_given).await.map_err(|failure| stopped(1, slug, &failure))?;
        step(2)?;
        self.number_at_twilio().await.map_err(|failure| stopped(2, slug, &failure))?;
        Ok(imported)
    }

    async fn assistant(&self) -> Result<(), Failure> {
        let slug = &self.profile.slug;
        if self.settings.vapi.of(slug).api_key.is_none() {
            return print("Left as it is: VAPI_API_KEY is not set, and VAPI_CONNECT does not need it.\n");
        }
        let store = Store::open(self.settings.database_url.expose()).await;
        let store = store.map_err(|error| Failure::because("DATABASE_URL: the database cannot be opened", error))?;
        let rows = store.pushed_assistants().await.map_err(|error| Failure::because("the database cannot be read", error))?;
        let office = Office { settings: AssistantSettings::from(&self.settings), rows, http: self.http.clone() };
        let pushed = office.push_one(&self.profile, None, &store).await;
        store.close().await;
        let pushed = pushed?;
        match pushed.error.clone() {
            Some(error) => Err(Failure::Failed(anyhow::anyhow!("{error}"))),
            None => print(&told::lines(pushed)),
        }
    }

    /// Only under bypass does Vapi start calls in the name of a number. What is there already is not imported again.
    async fn number_at_vapi(&self, id_is_given: bool) -> Result<Option<String>, Failure> {
        let slug = &self.profile.slug;
        let (vapi, twilio) = (self.settings.vapi.of(slug), self.settings.twilio.of(slug));
        if vapi.connect != Mode::Bypass {
            print("Not needed: VAPI_CONNECT is not bypass.\n")?;
            return Ok(None);
        }
        let Some(number) = self.profile.phone_numbers.first() else { return Ok(None) };
        let failed = |error: clients::Error| Failure::Failed(anyhow::anyhow!("{}", told::sentence(&error)));
        let numbers = PhoneNumbers::new(self.http.clone(), vapi).map_err(failed)?;
        if let (true, Some(id)) = (id_is_given, &vapi.phone_number_id) {
            if numbers.get(id).await.map_err(failed)?.is_none() {
                let text = "take VAPI_PHONE_NUMBER_ID out of the settings, and the number is imported";
                return Err(Failure::Failed(anyhow::anyhow!("Vapi has no number {id}: {text}.")));
            }
            print(&format!("{id} is there, as VAPI_PHONE_NUMBER_ID says.\n"))?;
            return Ok(None);
        }
        if let Some(found) = numbers.find(number).await.map_err(failed)? {
            print(&format!("{} was imported already: {}\n", number.as_str(), found.id))?;
            return Ok(Some(found.id));
        }
        let imported = numbers.import(twilio, number, slug.as_str()).await.map_err(failed)?;
        print(&format!("{} was imported: {}\n", number.as_str(), imported.id))?;
        Ok(Some(imported.id))
    }

    async fn number_at_twilio(&self) -> Result<(), Failure> {
        let (settings, client) = (NumberSettings::from(&self.settings), Client::new(self.http.clone()));
        let wrong = super::twilio::configure(None, &settings, std::slice::from_ref(&self.profile), &client).await?;
        if wrong.is_empty() { Ok(()) } else { Err(Failure::Failed(anyhow::anyhow!(wrong.join("\n")))) }
    }
}
