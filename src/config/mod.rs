//! Settings: read once, from the environment and then `.env`, checked together, and typed. The only place that reads
//! the environment.

mod address;
mod assistant;
mod collector;
mod database;
mod environment;
mod files;
mod folder;
mod google;
mod login;
mod numbers;
mod problems;
mod proofs;
mod reader;
mod redis;
mod scoped;
mod settings;
mod spelling;
pub mod table;
mod twilio;
mod vapi;

use secrecy::SecretString;

pub use address::{ServerUrl, is_loopback};
pub use assistant::{AssistantSettings, load_assistant};
pub use collector::{COLLECTOR_NAMES, Collector, load_collector};
pub use database::{DatabaseUrl, StoreSettings, load_store};
pub use environment::Environment;
pub use files::{FilesSettings, load_files};
pub use folder::{known_businesses, load_folder_name, slugs_in};
pub use google::{CalendarKind, Google, GoogleClient};
pub use login::{LoginSettings, load_login};
pub use numbers::{NumberSettings, load_numbers};
pub use problems::Problems;
pub use proofs::{HmacAlgorithm, HmacEncoding, HmacPlan, ProofPlan};
use reader::Reader;
pub use redis::RedisUrl;
pub use scoped::Scoped;
pub use settings::{LogFormat, Settings};
pub use twilio::Twilio;
pub use vapi::{Connect, Vapi};

use crate::names::Slug;

/// `TWILIO_AUTH_TOKEN`: the first of them signs.
///
/// # Errors
/// That it is missing.
pub fn load_twilio_signing(environment: &Environment) -> Result<Vec<SecretString>, Problems> {
    load_twilio_signing_of(environment, None)
}

/// The same for one business, which may have tokens of its own.
///
/// # Errors
/// That they are missing.
pub fn load_twilio_signing_of(environment: &Environment, business: Option<&Slug>) -> Result<Vec<SecretString>, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let tokens = twilio::auth_tokens(&mut reader, business);
    reader.finish(tokens).map(|(tokens, _)| tokens)
}

/// `SERVER_URL`, for commands that need nothing else of the server.
///
/// # Errors
/// That it is missing or wrong.
pub fn load_server_url(environment: &Environment) -> Result<ServerUrl, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let url = reader.always("SERVER_URL", None, ServerUrl::parse);
    reader.finish(url).map(|(url, _)| url)
}

/// How a message is signed as Vapi signs it.
///
/// # Errors
/// Every mistake in the settings of the proofs at once.
pub fn load_vapi_signing(environment: &Environment) -> Result<ProofPlan, Problems> {
    load_vapi_signing_of(environment, None)
}

/// The same for one business, which may have a secret and a plan of its own.
///
/// # Errors
/// Every mistake in the settings of the proofs at once.
pub fn load_vapi_signing_of(environment: &Environment, business: Option<&Slug>) -> Result<ProofPlan, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let plan = proofs::read(&mut reader, business);
    reader.finish(plan).map(|(plan, _)| plan)
}
