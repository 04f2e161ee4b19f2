//! The database in a file. Nobody else writes to it but commands and a backup, so its one writer waits for nobody for long.

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, Connection, Executor};

use super::Error;
use super::file::OpenedFile;
use super::opened::{ACQUIRE_TIMEOUT, Opened};
use super::readers::Readers;
use super::writer::Place;

/// Readers beside the one writer.
const READERS: u32 = 4;
/// What every connection is told. FULL: what was acknowledged survives a power cut. The busy time-out is for
/// other processes (`ringbook bookings`, a backup); within this one there is a single writer.
const PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000; PRAGMA foreign_keys = ON;";

/// Opens the file that `url` names, creates it when absent, and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<Opened, Error> {
    let path = url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default().to_owned();
    let url = format!("sqlite://{path}?mode=rwc");
    // Once by hand: a pool tries until its patience ends, and then tells of that instead of the cause.
    let mut first = AnyConnection::connect(&url).await?;
    first.execute(PRAGMAS).await?;
    first.close().await?;
    let writing = pool(1).connect(&url).await?;
    sqlx::migrate!("src/store/migrations/sqlite").run(&writing).await?;
    let readers = Readers::of_file(pool(READERS).connect(&url).await?);
    let file = OpenedFile::at(path.into()).map_err(sqlx::Error::Io)?;
    Ok(Opened { readers, writing, place: Place::File(file) })
}

fn pool(connections: u32) -> AnyPoolOptions {
    // A file does not hang up: asking each time whether it is still there would double the way to it.
    let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
    options.after_connect(|connection, _| {
        Box::pin(async move {
            connection.execute(PRAGMAS).await?;
            Ok(())
        })
    })
}
