//! `twilio`: where the numbers of the businesses point, and pointing them here. It says before and after, and changes nothing
//! that is as it should be.

pub(super) mod pointing;
pub(super) mod words;

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, note, print};
use crate::business::profile::{Access, LoadFacts, Profile, load_folder};
use crate::clients;
use crate::clients::Error;
use crate::clients::twilio::Twilio as Client;
use crate::clients::twilio::numbers::{Number, Pointing};
use crate::config::{self, Environment, NumberSettings, load_numbers};
use crate::names::{Phone, Slug};

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Twilio {
    /// Show whom Twilio asks when a number of a business rings. Nothing is changed.
    #[command(after_help = "\
Examples:
  ringbook twilio show
  ringbook twilio show --business abc-hvac --json

Exit code 1 if a number cannot be looked at, or its account does not own it.
Settings: SERVER_URL, BUSINESSES, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET (if set, they are
used), TWILIO_API_URL, CONNECT_BUDGET_MS; those of one business as NAME__SLUG.")]
    Show(Show),
    /// Point the numbers of a business here: voice URL, fallback URL and status callback. What is right already stays untouched.
    ///
    /// A SIP trunk or a TwiML application at the number goes before the voice URL: it is taken off, and named, so that you can
    /// put it back.
    #[command(after_help = "\
Examples:
  ringbook twilio configure
  ringbook twilio configure --business abc-hvac
  ringbook twilio configure --business abc-hvac --fallback-url https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef

Run it again whenever you like, above all after you have worked at the number in Vapi's dashboard: that points it to Vapi.
Settings: as `ringbook twilio show`.")]
    Configure(Configure),
}

/// Whose numbers are looked at.
#[derive(Args, Debug)]
pub struct Show {
    /// Only this business: the name of its file without .toml.
    #[arg(long, value_name = "SLUG", value_parser = super::slug)]
    business: Option<Slug>,
    /// As a JSON array, for scripts.
    #[arg(long)]
    json: bool,
}

/// Whose numbers are pointed here.
#[derive(Args, Debug)]
pub struct Configure {
    /// Only this business: the name of its file without .toml.
    #[arg(long, value_name = "SLUG", value_parser = super::slug)]
    business: Option<Slug>,
    /// Whom Twilio asks when ringbook fails, such as a TwiML Bin, which works while this machine is down. Otherwise a TwiML Bin
    /// that stands there already stays, and anything else becomes ringbook's own fallback.
    #[arg(long, value_name = "URL", value_parser = pointing::address)]
    fallback_url: Option<String>,
}

/// A number and whose it is.
pub(super) struct Line<'a> {
    pub profile: &'a Profile,
    pub twilio: &'a config::Twilio,
    pub number: &'a Phone,
}

/// The same, as scripts read it; what is null is not set.
#[derive(Serialize)]
struct Shown<'a> {
    business: &'a Slug,
    number: &'a Phone,
    account_sid: &'a str,
    sid: &'a str,
    points_here: bool,
    voice_url: &'a str,
    voice_method: &'a str,
    voice_fallback_url: &'a str,
    voice_fallback_method: &'a str,
    status_callback: &'a str,
    status_callback_method: &'a str,
    voice_application_sid: Option<&'a str>,
    trunk_sid: Option<&'a str>,
}

pub(super) fn run(what: &Twilio, environment: &Environment) -> Result<(), Failure> {
    let (settings, warnings) = load_numbers(environment)?;
    for warning in warnings {
        note(&warning);
    }
    let business = match what {
        Twilio::Show(Show { business, .. }) | Twilio::Configure(Configure { business, .. }) => business.as_ref(),
    };
    let profiles = profiles(&settings, business)?;
    let client = Client::new(clients::http().map_err(|error| Failure::because("the HTTP client cannot be built", error))?);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let wrong = match what {
        Twilio::Show(asked) => runtime.block_on(show(asked, &settings, &profiles, &client))?,
        Twilio::Configure(asked) => {
            for profile in &profiles {
                pointing::check(&settings.server_url, &settings.twilio.of(&profile.slug).api_url)?;
            }
            if asked.fallback_url.is_some() && profiles.len() > 1 {
                let text = "--fallback-url: what it leads to speaks for one business; say with --business for which.";
                return Err(Failure::Usage(text.to_owned()));
            }
            runtime.block_on(configure(asked.fallback_url.as_deref(), &settings, &profiles, &client))?
        }
    };
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Failed(anyhow::anyhow!(wrong.join("\n")))) }
}

/// The businesses that are meant.
fn profiles(settings: &NumberSettings, business: Option<&Slug>) -> Result<Vec<Arc<Profile>>, Failure> {
    // Which calendars there are does not matter here, so every file that is sound otherwise is accepted.
    let loaded =
        load_folder(&settings.businesses, &LoadFacts::same(Access::Embedded)).map_err(|problems| Failure::of_files(&problems))?;
    let wanted = |profile: &Arc<Profile>| business.is_none_or(|slug| *slug == profile.slug);
    let profiles: Vec<Arc<Profile>> = loaded.directory.all().filter(wanted).collect();
    match business {
        Some(slug) if profiles.is_empty() => {
            let folder = settings.businesses.display();
            Err(Failure::Usage(format!("--business: there is no business file {slug}.toml in {folder}.")))
        }
        _ => Ok(profiles),
    }
}

pub(super) fn lines<'a>(settings: &'a NumberSettings, profiles: &'a [Arc<Profile>]) -> impl Iterator<Item = Line<'a>> {
    profiles.iter().flat_map(|profile| {
        let twilio = settings.twilio.of(&profile.slug);
        profile.phone_numbers.iter().map(move |number| Line { profile, twilio, number })
    })
}

/// The number at Twilio, or a sentence that says why it cannot be had.
async fn found(client: &Client, line: &Line<'_>) -> Result<Number, String> {
    match client.number(line.twilio, line.number).await {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(words::not_owned(line)),
        Err(error) => Err(words::failed(line, &error)),
    }
}

async fn show(
    asked: &Show,
    settings: &NumberSettings,
    profiles: &[Arc<Profile>],
    client: &Client,
) -> Result<Vec<String>, Failure> {
    let (mut shown, mut wrong) = (Vec::new(), Vec::new());
    for line in lines(settings, profiles) {
        match found(client, &line).await {
            Ok(number) if asked.json => shown.push(json(settings, &line, &number)?),
            Ok(number) => print(&words::as_it_is(&line, &number, pointing::is_here(&settings.server_url, &number)))?,
            Err(sentence) => wrong.push(sentence),
        }
    }
    if asked.json {
        let text = serde_json::to_string_pretty(&shown);
        print(&(text.map_err(|error| Failure::because("the numbers cannot be written as JSON", error))? + "\n"))?;
    }
    Ok(wrong)
}

fn json(settings: &NumberSettings, line: &Line<'_>, number: &Number) -> Result<serde_json::Value, Failure> {
    let Number { sid, pointing, application, trunk, .. } = number;
    let shown = Shown {
        business: &line.profile.slug,
        number: line.number,
        account_sid: &line.twilio.account_sid,
        sid,
        points_here: pointing::is_here(&settings.server_url, number),
        voice_url: &words::without_password(&pointing.voice.url),
        voice_method: &pointing.voice.method,
        voice_fallback_url: &words::without_password(&pointing.fallback.url),
        voice_fallback_method: &pointing.fallback.method,
        status_callback: &words::without_password(&pointing.status.url),
        status_callback_method: &pointing.status.method,
        voice_application_sid: application.as_deref(),
        trunk_sid: trunk.as_deref(),
    };
    serde_json::to_value(shown).map_err(|error| Failure::because("a number cannot be written as JSON", error))
}

/// Points the numbers of these businesses here, and says so; sentences for those that are not.
pub(super) async fn configure(
    fallback_url: Option<&str>,
    settings: &NumberSettings,
    profiles: &[Arc<Profile>],
    client: &Client,
) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    for profile in profiles {
        let mut is_ours = false;
        for line in lines(settings, std::slice::from_ref(profile)) {
            match found(client, &line).await {
                Ok(number) => {
                    let wanted = pointing::wanted(settings, &number, fallback_url);
                    is_ours |= wanted.fallback.url.starts_with(settings.server_url.as_str());
                    wrong.extend(point(client, &line, &number, &wanted).await?);
                }
                Err(sentence) => wrong.push(sentence),
            }
        }
        if is_ours {
            print(&words::bin(profile, &settings.server_url))?;
        }
    }
    Ok(wrong)
}

/// Points one number, and says what became of it; a sentence if it is not as it should be.
async fn point(client: &Client, line: &Line<'_>, before: &Number, wanted: &Pointing) -> Result<Option<String>, Failure> {
    if before.is_as(wanted) {
        print(&words::unchanged(line, before))?;
        return Ok(None);
    }
    let after = match client.point_number(line.twilio, before, wanted).await {
        // It may have been done all the same: then it shows.
        Err(Error::Unknown(cause)) => {
            let shown = client.number_again(line.twilio, &before.sid).await.ok();
            shown.filter(|shown| shown.is_as(wanted)).ok_or(Error::Unknown(cause))
        }
        answered => answered,
    };
    let after = match after {
        Ok(after) => after,
        Err(error) => return Ok(Some(words::not_pointed(line, &error))),
    };
    print(&words::before_and_after(line, before, &after))?;
    Ok((!after.is_as(wanted)).then(|| words::not_as_wanted(line)))
}
