//! The settings of `ringbook assistant`.

use std::path::PathBuf;
use std::time::Duration;

use super::address::ServerUrl;
use super::database::DatabaseUrl;
use super::environment::Environment;
use super::problems::Problems;
use super::reader::{Owner, Read, Reader};
use super::scoped::Scoped;
use super::settings::{self, Settings};
use super::vapi::{self, Vapi};
use super::{database, folder};
use crate::names::Slug;

/// What it takes to know an assistant, and to bring it to Vapi.
#[derive(Clone, Debug)]
pub struct AssistantSettings {
    /// `DATABASE_URL`: where it is remembered which assistant is whose.
    pub database_url: DatabaseUrl,
    /// `BUSINESSES`: the folder of business files.
    pub businesses: PathBuf,
    /// `SERVER_URL`: where the assistant asks.
    pub server_url: ServerUrl,
    /// `VAPI_*`
    pub vapi: Scoped<Vapi>,
    /// `TOOL_REPLY_BUDGET_MS`: Vapi has to wait longer than this.
    pub tool_reply_budget: Duration,
}

/// The settings of `ringbook assistant`, for one business or for all. `VAPI_API_KEY` is asked for where Vapi is.
///
/// # Errors
/// Every mistake at once.
pub fn load_assistant(
    environment: &Environment,
    business: Option<&Slug>,
    asks_vapi: bool,
) -> Result<AssistantSettings, Problems> {
    let businesses = folder::known_businesses(environment)?;
    let mut reader = Reader::new(environment, &businesses);
    if asks_vapi {
        let owners: Vec<Owner<'_>> = match business {
            Some(_) => vec![business],
            None => reader.served(),
        };
        reader.demand("VAPI_API_KEY", &owners, "set it to the private key of the dashboard at Vapi, under \"API Keys\"");
    }
    let settings = read(&mut reader);
    reader.finish(settings).map(|(settings, _)| settings)
}

fn read(reader: &mut Reader<'_>) -> Read<AssistantSettings> {
    let database_url = reader.always("DATABASE_URL", None, database::url);
    let businesses = folder::setting(reader);
    let server_url = reader.always("SERVER_URL", None, ServerUrl::parse);
    let vapi = reader.scoped("VAPI_", vapi::read);
    let tool_reply_budget = settings::tool_reply_budget(reader);
    Ok(AssistantSettings {
        database_url: database_url?,
        businesses: businesses?,
        server_url: server_url?,
        vapi: vapi?,
        tool_reply_budget: tool_reply_budget?,
    })
}

/// The same out of all of them.
impl From<&Settings> for AssistantSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            database_url: settings.database_url.clone(),
            businesses: settings.businesses.clone(),
            server_url: settings.server_url.clone(),
            vapi: settings.vapi.clone(),
            tool_reply_budget: settings.tool_reply_budget,
        }
    }
}
