//! The database in a file. Nobody else writes to it but commands and a backup, so its one writer waits for nobody for long.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};

use super::Error;
use super::file::OpenedFile;
use super::opened::{ACQUIRE_TIMEOUT, Opened, going_along};
use super::readers::Readers;
use super::row::column;
use super::writer::Place;

/// Readers beside the one writer.
const READERS: u32 = 4;
/// What every connection is told. FULL: what was acknowledged survives a power cut. The busy time-out is for
/// other processes (`ringbook bookings`, a backup); within this one there is a single writer.
const PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000; PRAGMA foreign_keys = ON;";

/// What a connection is told from which on nobody else gets into the file: in this mode one that anybody has open is refused.
pub(super) const HOLD: &str = "PRAGMA busy_timeout = 1000; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE";

/// How often, and how long after one another, the write-ahead log is tried to be emptied while others read it.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Opens the file that `url` names, creates it when absent, and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<Opened, Error> {
    let path = url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default().to_owned();
    let url = format!("sqlite://{path}?mode=rwc");
    // Once by hand: a pool tries until its patience ends, and then tells of that instead of the cause.
    let mut first = AnyConnection::connect(&url).await?;
    first.execute(PRAGMAS).await?;
    first.close().await?;
    let writing = pool(1).connect(&url).await?;
    let turn = turn_at(path.clone().into()).await.map_err(sqlx::Error::Io)?;
    migrations().run(&writing).await?;
    drop(turn);
    let readers = Readers::of_file(pool(READERS).connect(&url).await?);
    let file = OpenedFile::at(path.into()).map_err(sqlx::Error::Io)?;
    Ok(Opened { readers, writing, place: Place::File(file) })
}

/// What makes the tables.
pub(super) fn migrations() -> Migrator {
    going_along(sqlx::migrate!("src/store/migrations/sqlite"))
}

/// The right to bring the schema up to date, until it is dropped: two programs that open a new file at the same moment would both
/// make its tables. Its folder is what is locked, not the file: closing a file takes `SQLite`'s own locks of it away.
async fn turn_at(path: PathBuf) -> std::io::Result<File> {
    let lock = move || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    // It may have to wait, which a thread of the runtime must not.
    tokio::task::spawn_blocking(lock).await.map_err(std::io::Error::other)?
}

/// Rewrites the file without what was deleted from it, and empties the write-ahead log; `false` when somebody else was reading all
/// the time, so that the log still holds it.
pub(super) async fn compact(writing: &AnyPool) -> Result<bool, Error> {
    let mut connection = writing.acquire().await?;
    connection.execute("VACUUM").await?;
    for _try in 0..TRIES {
        let row = connection.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        if column::<i64>(&row, "busy")? == 0 {
            return Ok(true);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(false)
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
