//! `migrate-store`: everything moved from one database to another, while no server runs.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use secrecy::{ExposeSecret, SecretString};

use super::{Failure, note, print};
use crate::config::DatabaseUrl;
use crate::store::moving::{Progress, Stuck, move_all};

/// From where to where. Either may hold a password, so neither is shown.
#[derive(Args, Clone, Debug)]
pub struct MigrateStore {
    /// The database that everything is in, written as in `DATABASE_URL`.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new().map(SecretString::from))]
    pub from: SecretString,
    /// The one that everything is to be in, with nothing in it yet; a file that is absent is made.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new().map(SecretString::from))]
    pub to: SecretString,
}

pub(super) fn run(asked: &MigrateStore) -> Result<(), Failure> {
    let address = |name: &str, text: &SecretString| {
        DatabaseUrl::parse(text.expose_secret()).map_err(|wrong| Failure::Usage(format!("{name} {wrong}.")))
    };
    let (from, to) = (address("--from", &asked.from)?, address("--to", &asked.to)?);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let moved = runtime.block_on(move_all(from.expose(), to.expose(), |progress| note(&line(progress))));
    let rows = moved.map_err(|stuck| {
        let unsure = matches!(stuck, Stuck::Unsure(_));
        Failure::because(if unsure { "it is not known whether anything was moved" } else { "nothing was moved" }, stuck)
    })?;
    print(&format!(
        "All {rows} rows are in {to} now, and still in {from}.\nSet DATABASE_URL to the new address on every machine and start the \
         server there. Put the old database away, so that nobody starts on it again: what was changed in one of them would be \
         missing in the other.\n"
    ))
}

fn line(Progress { table, rows, of }: Progress<'_>) -> String {
    if rows == of { format!("{table}: {of} rows") } else { format!("{table}: {rows} of {of} rows") }
}
