//! The connections for what only reads. A statement on them ends within its time, also when the database has gone silent in the
//! middle of an answer: whoever asked hears that it failed, and the connection is given up.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyPool, Describe, Either, Execute, Executor, SqlStr};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::step;

/// Connections to read with. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    pool: AnyPool,
    patience: Duration,
}

/// That a database did not answer in time.
pub(super) fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}

impl Readers {
    /// Of a file: it always answers, however slow the disk is.
    pub(super) fn of_file(pool: AnyPool) -> Self {
        Self { pool, patience: Duration::MAX }
    }

    /// Of a server, which is waited for so long.
    pub(super) fn of_server(pool: AnyPool, patience: Duration) -> Self {
        Self { pool, patience }
    }

    /// Closes them all.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn answer<'q>(self, query: impl Execute<'q, Any> + 'q) -> Result<Vec<Either<AnyQueryResult, AnyRow>>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        match timeout(self.patience, connection.fetch_many(query).try_collect()).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                // Not back into the pool, which would ask it whether it is well, and wait for that.
                drop(connection.detach());
                Err(silent())
            }
        }
    }
}

impl<'p> Executor<'p> for &Readers {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let answer = self.clone().answer(query).instrument(step(|| tracing::debug_span!("store.read")));
        stream::once(answer).map_ok(|steps| stream::iter(steps.into_iter().map(Ok))).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let answer = self.clone().answer(query).instrument(step(|| tracing::debug_span!("store.read")));
        async move { Ok(answer.await?.into_iter().find_map(Either::right)) }.boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        let pool = self.pool.clone();
        async move { pool.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, sqlx::Error>>
    where
        'p: 'e,
    {
        let pool = self.pool.clone();
        async move { pool.describe(sql).await }.boxed()
    }
}
