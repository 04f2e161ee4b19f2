//! What is remembered: calls, answers, bookings, jobs. The database is the arbiter of every race; nothing here waits on
//! the network. One set of statements serves both databases, what differs stands in the migration folders.

pub mod bookings;
pub mod calls;
mod claims;
pub mod deliveries;
pub mod events;
pub mod jobs;
pub mod offers;
mod row;
mod vapi_calls;

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyPool, Executor, Transaction};

/// Readers beside the one writer.
const READERS: u32 = 4;
/// How long a statement waits for a connection: longer than a burst of writes, shorter than a caller's patience.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// What every `SQLite` connection is told. FULL: what was acknowledged survives a power cut. The busy time-out is for
/// other processes (`ringbook bookings`, a backup); within this one there is a single writer.
const SQLITE_PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000; PRAGMA foreign_keys = ON;";

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    writer: AnyPool,
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached or refuses the statement.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
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
        let url = if url.contains('?') { format!("{url}&mode=rwc") } else { format!("{url}?mode=rwc") };
        let writer = pool(1).connect(&url).await?;
        sqlx::migrate!("src/store/migrations/sqlite").run(&writer).await?;
        let readers = pool(READERS).connect(&url).await?;
        Ok(Self { readers, writer })
    }

    /// Whether the database answers and can be written.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("UPDATE jobs SET attempts = attempts WHERE key = ''").execute(&self.writer).await?;
        Ok(())
    }

    /// Closes all connections: what is in the write-ahead log goes into the database file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that writes: it takes its lock at the start, so that it cannot fail half-way for want of one.
    async fn begin_write(&self) -> Result<Transaction<'static, Any>, Error> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).after_connect(|connection, _| {
        Box::pin(async move {
            connection.execute(SQLITE_PRAGMAS).await?;
            Ok(())
        })
    })
}
