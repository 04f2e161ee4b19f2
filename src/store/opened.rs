//! A database that was opened, whichever kind it is.

use std::time::Duration;

use sqlx::AnyPool;
use sqlx::migrate::Migrator;

use super::readers::Readers;
use super::writer::Place;
use super::{Error, postgres, sqlite};

/// How long a statement waits for a connection: longer than a burst of writes, shorter than a caller's patience.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// A database whose schema is up to date.
pub(super) struct Opened {
    /// For what only reads.
    pub readers: Readers,
    /// For the one who writes.
    pub writing: AnyPool,
    /// What its writer minds.
    pub place: Place,
}

/// Which kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// In a file.
    File,
    /// On a PostgreSQL server.
    Server,
}

/// Opens the database at `url`, by its scheme.
pub(super) async fn open(url: &str) -> Result<Opened, Error> {
    sqlx::any::install_default_drivers();
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres::open(url).await
    } else {
        sqlite::open(url).await
    }
}

/// The same migrations, for a database that a newer version may have brought further: migrations only add, and what they add has
/// a default, so that the version before goes on beside the new one while copies are replaced one by one, and can take its place
/// again.
pub(super) fn going_along(mut migrations: Migrator) -> Migrator {
    migrations.set_ignore_missing(true);
    migrations
}
