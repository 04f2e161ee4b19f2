//! `reload`: the business files read again by every copy of the server. They are judged here first, as the server will.

use super::{Failure, business, note, print};
use crate::business::profile::{LoadFacts, load_folder};
use crate::config::{Environment, load_files};

pub(super) fn run(environment: &Environment) -> Result<(), Failure> {
    let settings = load_files(environment)?;
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let loaded = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?;
    for warning in &loaded.warnings {
        note(warning);
    }
    business::in_database(&settings.database_url, async |store| store.ask_to_reload().await)?;
    let businesses = match loaded.directory.all().count() {
        1 => "The business file is sound".to_owned(),
        many => format!("All {many} business files are sound"),
    };
    print(&format!("{businesses}: every running server reads them within seconds, and says in its log what came of it.\n"))
}
