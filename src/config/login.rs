//! The settings of `ringbook google login`.

use super::address::ServerUrl;
use super::database::DatabaseUrl;
use super::environment::Environment;
use super::google::{self, CalendarKind};
use super::problems::Problems;
use super::reader::{Read, Reader};
use super::{database, folder};
use crate::names::Slug;

/// What it takes to make a link that the server will know.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// `DATABASE_URL`: where the server looks for it.
    pub database_url: DatabaseUrl,
    /// `SERVER_URL`: where the link leads.
    pub server_url: ServerUrl,
}

/// The settings of `ringbook google login` for this business. What the link leads to needs an OAuth client and a key, so
/// they are asked for before anybody clicks.
///
/// # Errors
/// Every mistake at once, also that there is no such business.
pub fn load_login(environment: &Environment, business: &Slug) -> Result<LoginSettings, Problems> {
    let businesses = folder::known_businesses(environment)?;
    let mut reader = Reader::new(environment, &businesses);
    let settings = read(&mut reader, business);
    reader.finish(settings).map(|(settings, _)| settings)
}

fn read(reader: &mut Reader<'_>, business: &Slug) -> Read<LoginSettings> {
    let folder = folder::setting(reader);
    if let Ok(folder) = &folder
        && !reader.businesses().contains(business)
    {
        let known: Vec<&str> = reader.businesses().iter().map(Slug::as_str).collect();
        let known = if known.is_empty() { "there is none there".to_owned() } else { format!("known: {}", known.join(", ")) };
        reader.wrong(format!("There is no business file {business}.toml in {} ({known}).", folder.display()));
    } else {
        needs(reader, business);
    }
    let server_url = reader.always("SERVER_URL", None, ServerUrl::parse);
    let database_url = reader.always("DATABASE_URL", None, database::url);
    Ok(LoginSettings { database_url: database_url?, server_url: server_url? })
}

fn needs(reader: &mut Reader<'_>, business: &Slug) {
    if matches!(google::kind(reader), Ok(CalendarKind::Embedded)) {
        reader.wrong("CALENDAR is embedded, so there is no Google account to connect: set it to google.");
    }
    let why = "an owner connects a Google account through an OAuth web client, made in the Google Cloud console under \
               APIs & Services, Credentials";
    for name in ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"] {
        reader.demand(name, &[Some(business)], why);
    }
    reader.demand("ENCRYPTION_KEY", &[None], "what Google gives is kept encrypted; `ringbook keygen` makes a key");
    // What is wrong is recorded; a link needs nothing else of it.
    let _ = google::vault(reader);
}
