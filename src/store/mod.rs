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
pub mod moving;
pub mod notices;
pub mod oauth;
pub mod offers;
mod opened;
pub mod orders;
mod postgres;
mod readers;
pub mod reports;
mod row;
pub mod spoken;
mod sqlite;
pub mod stories;
pub mod texts;
pub mod traces;
pub mod transfers;
mod unusable;
pub mod voicemails;
pub mod webhooks;
mod writer;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool};
use tracing::{Instrument as _, Span};

use self::notices::Notices;
use self::opened::{Kind, Opened};
use self::readers::Readers;
pub use self::unusable::Unusable;
use self::writer::Writer;

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    readers: Readers,
    writer: Writer,
    writing: AnyPool,
    kind: Kind,
    notices: Notices,
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server cannot be used as it is.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// It cannot be reached or refuses the statement.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// What was written could not be begun or made to last, with everything that shared its commit. Of a server whose connection broke in that
    /// moment nobody knows: whoever asked goes by "it was not written", and what was written after all is found where it stands,
    /// as after a crash.
    #[error("the database could not keep it: {0}")]
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

/// A span of the database as a part of what it is asked for. What looks for work by itself, twice a second, has none.
fn step(span: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() { Span::none() } else { span() }
}

impl Store {
    /// Opens the database at `url` (`sqlite://path`, which is created when absent, or `postgres://…`), and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// When it cannot be opened or written.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let Opened { readers, writing, place } = opened::open(url).await?;
        let kind = place.kind();
        let notices = match kind {
            Kind::File => Notices::none(),
            Kind::Server => Notices::at(url),
        };
        Ok(Self { readers, writer: Writer::start(writing.clone(), place), writing, kind, notices })
    }

    /// Whether the database answers and can be written.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let beat = "INSERT INTO heartbeat (id, beat) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET beat = heartbeat.beat + 1";
        self.execute(sqlx::query(beat)).await.map(drop)
    }

    /// Rewrites the database without what was deleted from it; `false` when a log still holds it, because somebody else was
    /// reading all the time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compact(&self) -> Result<bool, Error> {
        match self.kind {
            Kind::File => sqlite::compact(&self.writing).await,
            Kind::Server => postgres::compact(&self.writing).await,
        }
    }

    /// Closes all connections: what is in the write-ahead log goes into the database file.
    pub async fn close(&self) {
        self.notices.close();
        self.readers.close().await;
        self.writing.close().await;
    }

    /// Writes, all of it or nothing, and waits until it is on the disk.
    async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        self.writer.write(work).instrument(step(|| tracing::debug_span!("store.write"))).await
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
