//! The settings of `ringbook reload`: what decides whether the business files are complete, and where the server hears of it.

use std::path::PathBuf;

use super::database::DatabaseUrl;
use super::environment::Environment;
use super::google::{self, CalendarKind, Google};
use super::problems::Problems;
use super::reader::{Read, Reader};
use super::scoped::Scoped;
use super::{database, folder};

/// What it takes to judge the business files as the server will.
#[derive(Clone, Debug)]
pub struct FilesSettings {
    /// `DATABASE_URL`: where the server hears that it is to read them.
    pub database_url: DatabaseUrl,
    /// `BUSINESSES`: the folder.
    pub businesses: PathBuf,
    /// `CALENDAR`
    pub calendar: CalendarKind,
    /// `GOOGLE_*`
    pub google: Scoped<Google>,
}

/// The settings of `ringbook reload`.
///
/// # Errors
/// Every mistake in them at once.
pub fn load_files(environment: &Environment) -> Result<FilesSettings, Problems> {
    let businesses = folder::known_businesses(environment)?;
    let mut reader = Reader::new(environment, &businesses);
    let settings = read(&mut reader);
    reader.finish(settings).map(|(settings, _)| settings)
}

fn read(reader: &mut Reader<'_>) -> Read<FilesSettings> {
    let database_url = reader.always("DATABASE_URL", None, database::url);
    let businesses = folder::setting(reader);
    let calendar = google::kind(reader);
    let google = reader.scoped("GOOGLE_", |reader, owner| google::read(reader, owner, calendar));
    Ok(FilesSettings { database_url: database_url?, businesses: businesses?, calendar: calendar?, google: google? })
}
