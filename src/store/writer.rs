//! The one who writes. Writes queue here and share commits: while one batch is being flushed to the disk the next one
//! gathers, so that a hundred callers at once cost a few flushes and not a hundred. Nobody hears of a write before it is
//! on the disk, and a write goes on when the one who asked for it has left.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::file::OpenedFile;
use super::opened::Kind;
use super::readers::silent;
use super::{Error, postgres};
use crate::clock::Stopwatch;

/// Writes that wait for their turn; past that the store is overloaded, and says so at once.
const MAX_WAITING: usize = 4_096;
/// Writes that share one commit: few enough that the first of them does not wait long for the last.
const MAX_BATCH: usize = 128;

/// How long a batch takes in more of them: where each statement has a way to go, the others who write there wait for their turn.
const MAX_TURN: Duration = Duration::from_millis(500);

/// Begins a batch in a file. The right to write is taken at once: who reads first would be refused it later.
pub(super) const BEGIN_FILE: &str = "BEGIN IMMEDIATE";

/// What is sent to the writer.
struct Write {
    /// Its statements, until they are begun; whether they went well.
    work: Option<Work>,
    /// Tells the one who waits, once it is known whether the commit went well.
    tell: Box<dyn FnOnce(Result<(), Arc<sqlx::Error>>) + Send>,
}

type Work = Box<dyn for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, bool> + Send>;

/// Where the database is, which decides how a batch begins and how long it is waited for.
#[derive(Debug)]
pub(super) enum Place {
    /// In a file.
    File(OpenedFile),
    /// On a PostgreSQL server.
    Server,
}

impl Place {
    fn begin(&self) -> &'static str {
        match self {
            Self::File(_) => BEGIN_FILE,
            Self::Server => postgres::BEGIN,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Server => Kind::Server,
        }
    }

    fn patience(&self) -> Duration {
        match self {
            // A disk may be slow, but it answers; and what is cut off in the middle of its flush is not told apart from it.
            Self::File(_) => Duration::MAX,
            Self::Server => postgres::BATCH_PATIENCE,
        }
    }
}

/// The queue to the writer. Clones share it; the writer ends with the last of them.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Write>);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the one writer of this database.
    pub(super) fn start(pool: AnyPool, place: Place) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(write_all(pool, place, waiting));
        Self(queue)
    }

    /// Does `work` in a transaction, all of it or nothing, and waits until it is on the disk.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel::<Result<T, Error>>();
        let result = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&result);
        let work: Work = Box::new(move |connection| {
            let work = AssertUnwindSafe(work(connection)).catch_unwind();
            Box::pin(async move {
                let result = work.await.unwrap_or(Err(Error::Unreadable("write: its work panicked")));
                let went_well = result.is_ok();
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                went_well
            })
        });
        let tell = move |committed: Result<(), Arc<sqlx::Error>>| {
            let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
            let result = committed.map_err(Error::Commit).and_then(|()| result.unwrap_or(Err(Error::Overloaded)));
            // Whoever has left does not want to know.
            let _gone = tell.send(result);
        };
        let write = Write { work: Some(work), tell: Box::new(tell) };
        self.0.try_send(write).map_err(|_full_or_ended| Error::Overloaded)?;
        told.await.map_err(|_ended| Error::Overloaded)?
    }
}

async fn write_all(pool: AnyPool, place: Place, mut waiting: mpsc::Receiver<Write>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while !batch.is_empty() || waiting.recv_many(&mut batch, MAX_BATCH).await > 0 {
        // What had no turn in this one begins the next.
        let (ended, committed) = match write_batch(&pool, &place, &mut batch).await {
            Ok(written) => (written, Ok(())),
            Err(error) => (batch.len(), Err(Arc::new(error))),
        };
        for write in batch.drain(..ended) {
            (write.tell)(committed.clone());
        }
    }
}

/// Writes these together; how many of them had their turn.
async fn write_batch(pool: &AnyPool, place: &Place, batch: &mut [Write]) -> Result<usize, sqlx::Error> {
    if let Place::File(file) = place {
        file.stands()?;
    }
    let mut connection = pool.acquire().await?;
    let written = timeout(place.patience(), write_together(&mut connection, place, batch)).await;
    let written = written.unwrap_or_else(|_elapsed| Err(silent()));
    match (&written, place) {
        (Ok(_), _) => {}
        // `SQLite` ends a transaction by itself when the disk is full, and the connection goes on counting it as open (sqlx 0.9,
        // 2026): every later one would fail on it, long after there is room again.
        (Err(_), Place::File(_)) => {
            let _whatever = connection.close().await;
        }
        // Not closed politely, and not back into the pool, which would ask it whether it is well: it may not answer. With the
        // connection the server drops the transaction and its lock.
        (Err(_), Place::Server) => drop(connection.detach()),
    }
    written
}

/// What goes wrong in one write is undone without touching the others. The end of each is said to the database at once with the
/// beginning of the next, and said of the last one too: `PostgreSQL` answers the commit of a transaction that it has given up as if
/// all were well, but not this.
async fn write_together(connection: &mut AnyConnection, place: &Place, batch: &mut [Write]) -> Result<usize, sqlx::Error> {
    let mut transaction = connection.begin_with(place.begin()).await?;
    transaction.execute("SAVEPOINT one").await?;
    let (begun, mut written) = (Stopwatch::start(), 0);
    for work in batch.iter_mut().map_while(|write| write.work.take()) {
        let went_well = work(&mut transaction).await;
        transaction.execute(if went_well { "RELEASE one; SAVEPOINT one" } else { "ROLLBACK TO one" }).await?;
        written += 1;
        if begun.elapsed() >= MAX_TURN {
            break;
        }
    }
    transaction.commit().await?;
    Ok(written)
}
