//! `DATABASE_URL`, and the settings of commands that only look into the database.

use std::path::PathBuf;

use super::environment::Environment;
use super::folder;
use super::problems::Problems;
use super::reader::Reader;

/// What a command needs that only looks into the database.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `DATABASE_URL`: `sqlite://` and a path.
    pub database_url: String,
    /// `BUSINESSES`: the folder of business files.
    pub businesses: PathBuf,
}

/// The settings of commands that only look into the database.
///
/// # Errors
/// Every mistake in them at once.
pub fn load_store(environment: &Environment) -> Result<StoreSettings, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let database_url = reader.always("DATABASE_URL", None, url);
    let businesses = folder::setting(&mut reader);
    let settings = database_url.and_then(|database_url| Ok(StoreSettings { database_url, businesses: businesses? }));
    reader.finish(settings).map(|(settings, _)| settings)
}

/// `sqlite://` and the path of a file. Only the scheme and the path are kept: how the file is opened is the store's affair.
pub(super) fn url(value: &str) -> Result<String, &'static str> {
    if value.starts_with("postgres://") || value.starts_with("postgresql://") {
        return Err("names a Postgres server, which this version cannot use yet: give sqlite:// and the path of a file");
    }
    if value.contains(":memory:") || value.contains("mode=memory") {
        return Err("must name a file: what is kept in memory only is lost with the process");
    }
    let example = "must be sqlite:// and the path of a file, e.g. sqlite://ringbook.db or sqlite:///var/lib/ringbook/ringbook.db";
    let path = value.strip_prefix("sqlite://").ok_or(example)?;
    let path = path.strip_suffix("?mode=rwc").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) {
        Err(example)
    } else {
        Ok(format!("sqlite://{path}"))
    }
}
