//! What commands share that give an order to the running server: the business that they name, and the database in which every
//! copy of the server finds the order.

use std::sync::Arc;

use super::Failure;
use crate::business::profile::{Access, LoadFacts, Profile, load_folder};
use crate::config::{DatabaseUrl, Environment, StoreSettings, load_store};
use crate::names::Slug;
use crate::store::{self, Store};

/// The settings, and the business of this name.
///
/// # Errors
/// What is wrong with settings or files, and which businesses there are if this is none of them.
pub(super) fn named(slug: &Slug, environment: &Environment) -> Result<(StoreSettings, Arc<Profile>), Failure> {
    let settings = load_store(environment)?;
    // Which calendars there are does not matter here, so every file that is sound otherwise is accepted.
    let loaded =
        load_folder(&settings.businesses, &LoadFacts::same(Access::Embedded)).map_err(|problems| Failure::of_files(&problems))?;
    let profile = loaded.directory.by_slug(slug).ok_or_else(|| {
        let known: Vec<String> = loaded.directory.all().map(|profile| profile.slug.to_string()).collect();
        let folder = settings.businesses.display();
        Failure::Usage(format!("There is no business file {slug}.toml in {folder} (known: {}).", known.join(", ")))
    })?;
    Ok((settings, profile))
}

/// That there is a database to look into: opening a file makes one.
///
/// # Errors
/// That there is none.
pub(super) fn stands(database_url: &DatabaseUrl) -> Result<(), Failure> {
    match database_url.file() {
        Some(path) if !path.exists() => {
            let path = path.display();
            Err(Failure::Usage(format!("DATABASE_URL: there is no database at {path}; `ringbook serve` makes one.")))
        }
        _ => Ok(()),
    }
}

/// Does `work` with the database of the server.
///
/// # Errors
/// That there is none, and what failed in it.
pub(super) fn in_database<T>(
    database_url: &DatabaseUrl,
    work: impl AsyncFnOnce(&Store) -> Result<T, store::Error>,
) -> Result<T, Failure> {
    stands(database_url)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let done = runtime.block_on(async {
        let store = Store::open(database_url.expose()).await?;
        let done = work(&store).await?;
        store.close().await;
        Ok::<_, store::Error>(done)
    });
    done.map_err(|error| Failure::because("the order cannot be kept", error))
}
