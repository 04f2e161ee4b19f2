//! What is remembered: calls, answers, bookings, jobs. The database is the arbiter of every race; nothing here waits on
//! the network. One set of statements serves both databases, what differs stands in the migration folders.

pub mod access;
pub mod accounts;
pub mod assistants;
pub mod bookings;
pub mod callers;
pub mod calls;
pub mod changes;
pub mod claims;
pub mod deliveries;
pub mod edits;
pub mod events;
mod file;
pub mod followed;
pub mod forget;
pub mod heard;
mod job;
pub mod jobs;
pub mod legs;
pub mod oauth;
pub mod offers;
pub mod orders;
pub mod reports;
mod row;
pub mod spoken;
pub mod stories;
pub mod texts;
pub mod traces;
pub mod transfers;
pub mod voicemails;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor};

use self::file::OpenedFile;
use self::writer::Writer;

/// Readers beside the one writer.
const READERS: u32 = 4;
/// How long a statement waits for a connection: longer than a burst of writes, shorter than a caller's patience.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// What every `SQLite` connection is told. FULL: what was acknowledged survives a power cut. The busy time-out is for
/// other processes (`ringbook bookings`, a backup); within this one there is a single writer.
const SQLITE_PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000; PRAGMA foreign_keys = ON;";

/// How often, and how long after one another, the write-ahead log is tried to be emptied while others read it.
const TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    writer: Writer,
    writing: AnyPool,
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached or refuses the statement.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// What was written could not be made to last, with everything that shared its commit.
    #[error("the database failed to commit: {0}")]
    Commit(Arc<sqlx::Error>),
    /// More writes are waiting than can be served, or the writer has ended.
    #[error("the database has too much to write")]
    Overloaded,
    /// Its schema could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version cannot read.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
}

impl Store {
    /// Opens the database at `url` (`sqlite://path`), creates it when absent, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let path = url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default().to_owned();
        let url = format!("sqlite://{path}?mode=rwc");
        // Once by hand: a pool tries until its patience ends, and then tells of that instead of the cause.
        let mut first = AnyConnection::connect(&url).await?;
        first.execute(SQLITE_PRAGMAS).await?;
        first.close().await?;
        let writing = pool(1).connect(&url).await?;
        sqlx::migrate!("src/store/migrations/sqlite").run(&writing).await?;
        let readers = pool(READERS).connect(&url).await?;
        let file = OpenedFile::at(path.into()).map_err(sqlx::Error::Io)?;
        Ok(Self { readers, writer: Writer::start(writing.clone(), file), writing })
    }

    /// Whether the database answers and can be written.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let beat = "INSERT INTO heartbeat (id, beat) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET beat = heartbeat.beat + 1";
        self.execute(sqlx::query(beat)).await.map(drop)
    }

    /// Rewrites the database file without what was deleted from it, and empties the write-ahead log; `false` when somebody else
    /// was reading all the time, so that the log still holds it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compact(&self) -> Result<bool, Error> {
        let mut connection = self.writing.acquire().await?;
        connection.execute("VACUUM").await?;
        for _try in 0..TRIES {
            let row = connection.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            if row::column::<i64>(&row, "busy")? == 0 {
                return Ok(true);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        Ok(false)
    }

    /// Closes all connections: what is in the write-ahead log goes into the database file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writing.close().await;
    }

    /// Writes, all of it or nothing, and waits until it is on the disk.
    async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// One statement that writes; how many rows it changed decides who won.
    async fn execute(&self, query: Query<'static, Any, AnyArguments>) -> Result<u64, Error> {
        self.write(move |db| async move { Ok(query.execute(db).await?.rows_affected()) }.boxed()).await
    }

    /// One statement that writes and returns a row of what it changed.
    async fn execute_returning(&self, query: Query<'static, Any, AnyArguments>) -> Result<Option<AnyRow>, Error> {
        self.write(move |db| async move { Ok(query.fetch_optional(db).await?) }.boxed()).await
    }
}

fn pool(connections: u32) -> AnyPoolOptions {
    // A file does not hang up: asking each time whether it is still there would double the way to it.
    let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false);
    options.after_connect(|connection, _| {
        Box::pin(async move {
            connection.execute(SQLITE_PRAGMAS).await?;
            Ok(())
        })
    })
}
