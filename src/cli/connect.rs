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
use crate::names::{Phone, Slug};
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

/// What became of the numbers at Vapi.
#[derive(Default)]
struct AtVapi {
    /// Those that may be pointed here.
    ready: Vec<Phone>,
    /// A sentence for each of the others.
    failed: Vec<String>,
    /// What the settings need to know: the id of the first one.
    id: Option<String>,
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
        let at_vapi = self.numbers_at_vapi(id_is_given).await.map_err(|failure| stopped(1, slug, &failure))?;
        let AtVapi { ready, failed, id } = at_vapi;
        let mut wrong = Vec::new();
        let some_go_on = !ready.is_empty();
        if some_go_on {
            step(2)?;
            wrong = self.numbers_at_twilio(ready).await.map_err(|failure| stopped(2, slug, &failure))?;
        }
        let at = if failed.is_empty() { 2 } else { 1 };
        let mut causes = [failed, wrong].concat();
        if causes.is_empty() {
            return Ok(id);
        }
        if some_go_on && self.profile.phone_numbers.len() > causes.len() {
            causes.push("What was done for the other numbers stands above.".to_owned());
        }
        Err(stopped(at, slug, &causes.join("\n")))
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
    async fn numbers_at_vapi(&self, id_is_given: bool) -> Result<AtVapi, Failure> {
        let vapi = self.settings.vapi.of(&self.profile.slug);
        let all = || AtVapi { ready: self.profile.phone_numbers.clone(), ..AtVapi::default() };
        if vapi.connect != Mode::Bypass {
            print("Not needed: VAPI_CONNECT is not bypass.\n")?;
            return Ok(all());
        }
        let failed = |error: clients::Error| Failure::Failed(anyhow::anyhow!("{}", told::sentence(&error)));
        let numbers = PhoneNumbers::new(self.http.clone(), vapi).map_err(failed)?;
        let mut done = AtVapi::default();
        if let (true, Some(id)) = (id_is_given, &vapi.phone_number_id) {
            let Some(set) = numbers.get(id).await.map_err(failed)? else {
                let text = "take VAPI_PHONE_NUMBER_ID out of the settings, and the number is imported";
                return Err(Failure::Failed(anyhow::anyhow!("Vapi has no number {id}: {text}.")));
            };
            print(&format!("{id} is there, as VAPI_PHONE_NUMBER_ID says.\n"))?;
            let is_set = |number: &&Phone| set.number.as_deref() == Some(number.as_str());
            // Calls are started in the name of another's number: then Vapi need not know any of these.
            let Some(ours) = self.profile.phone_numbers.iter().find(is_set) else { return Ok(all()) };
            done.ready.push(ours.clone());
        }
        for number in &self.profile.phone_numbers {
            if done.ready.contains(number) {
                continue;
            }
            match self.number_at_vapi(&numbers, number).await {
                Ok((id, said)) => {
                    print(&format!("{} {said}: {id}\n", number.as_str()))?;
                    done.ready.push(number.clone());
                    done.id = done.id.or((!id_is_given).then_some(id));
                }
                Err(error) => done.failed.push(format!("{}: {}", number.as_str(), told::sentence(&error))),
            }
        }
        Ok(done)
    }

    /// The id of this number at Vapi, and how it came there.
    async fn number_at_vapi(&self, numbers: &PhoneNumbers, number: &Phone) -> Result<(String, &'static str), clients::Error> {
        if let Some(found) = numbers.find(number).await? {
            return Ok((found.id, "was imported already"));
        }
        let slug = &self.profile.slug;
        let imported = numbers.import(self.settings.twilio.of(slug), number, slug.as_str()).await?;
        Ok((imported.id, "was imported"))
    }

    /// Points these numbers here; sentences for those that are not.
    async fn numbers_at_twilio(&self, ready: Vec<Phone>) -> Result<Vec<String>, Failure> {
        let (settings, client) = (NumberSettings::from(&self.settings), Client::new(self.http.clone()));
        let profile = Arc::new(Profile { phone_numbers: ready, ..Profile::clone(&self.profile) });
        super::twilio::configure(None, &settings, &[profile], &client).await
    }
}
