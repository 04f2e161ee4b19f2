//! The settings of `ringbook twilio`.

use std::path::PathBuf;
use std::time::Duration;

use super::address::ServerUrl;
use super::environment::Environment;
use super::folder;
use super::problems::Problems;
use super::reader::{Read, Reader};
use super::scoped::Scoped;
use super::settings::{self, Settings};
use super::twilio::{self, Twilio};

/// What it takes to see where numbers point, and to point them here.
#[derive(Clone, Debug)]
pub struct NumberSettings {
    /// `SERVER_URL`: where "here" is.
    pub server_url: ServerUrl,
    /// `BUSINESSES`: the folder.
    pub businesses: PathBuf,
    /// `TWILIO_*`
    pub twilio: Scoped<Twilio>,
    /// `CONNECT_BUDGET_MS`: how long Twilio has to wait for us at least.
    pub connect_budget: Duration,
}

/// The settings of `ringbook twilio`; the warnings are for whoever runs it.
///
/// # Errors
/// Every mistake in them at once.
pub fn load_numbers(environment: &Environment) -> Result<(NumberSettings, Vec<String>), Problems> {
    let businesses = folder::known_businesses(environment)?;
    let mut reader = Reader::new(environment, &businesses);
    let settings = read(&mut reader);
    reader.finish(settings)
}

fn read(reader: &mut Reader<'_>) -> Read<NumberSettings> {
    let server_url = reader.always("SERVER_URL", None, ServerUrl::parse);
    let businesses = folder::setting(reader);
    let twilio = reader.scoped("TWILIO_", twilio::read);
    let connect_budget = settings::connect_budget(reader);
    Ok(NumberSettings { server_url: server_url?, businesses: businesses?, twilio: twilio?, connect_budget: connect_budget? })
}

/// The same out of all of them.
impl From<&Settings> for NumberSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            server_url: settings.server_url.clone(),
            businesses: settings.businesses.clone(),
            twilio: settings.twilio.clone(),
            connect_budget: settings.connect_budget,
        }
    }
}
