//! The database on a PostgreSQL server, which several copies of ringbook share.
//!
//! Their writers come one after the other: every batch begins with the same lock, which it has until it has ended. So over all
//! copies the writes stand in one order, each of them sees everything that was written before it, and what is argued about the
//! one writer of a file holds here as well: a question that is asked within a write is still answered when it acts. Readers do not
//! wait for that lock.
//!
//! Since one copy could hold up all others, nothing here waits without an end: the server ends a transaction whose copy has
//! fallen silent, and a copy gives up a server that has.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Executor, Row};
use tokio::time::timeout;

use super::Error;
use super::opened::{ACQUIRE_TIMEOUT, Opened, going_along};
use super::readers::{Readers, silent};
use super::unusable::{Server, Unusable};
use super::writer::Place;

/// Begins a batch when no other copy is writing. The number is "ringbook" in ASCII, so that nobody else in this database
/// takes the same one. The lock is its own statement, and it comes first: what the next statements see is what stands once it is
/// held.
pub(super) const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(8244241983190560619)";
/// The same right kept from one transaction to the next, for as long as the connection lasts; and no limits for what is done in them.
pub(super) const HOLD: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '5s'; \
                               SET synchronous_commit = 'on'; SELECT pg_advisory_lock(8244241983190560619)";
/// How long a batch may take, the wait for other copies included. Only a network that swallows everything makes it this long: the
/// server's own limits end sooner, and say more.
pub(super) const BATCH_PATIENCE: Duration = Duration::from_secs(10);

/// What every connection is told. A copy that falls silent in the middle of a batch (a machine that is gone, or paused) loses its
/// transaction, and the lock with it, after 3 s: sooner than the others give up waiting for that lock, after 5 s. The limit of
/// statements is beyond that, so that of the two the one is heard that says more; none of ours takes anything like it. Connections
/// of a machine that is gone are found out within a minute. Who has turned off that a commit waits for the disk would lose what
/// callers were promised, so here it always waits.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '3s'; SET lock_timeout = '5s'; SET statement_timeout = '6s'; \
                       SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; \
                       SELECT set_config('application_name', 'ringbook', false) WHERE current_setting('application_name') = ''; \
                       SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
/// The same while the schema is brought up to date: an index over many rows takes its time, and another copy may be at it already.
const MIGRATING: &str = "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '60s'; SET statement_timeout = 0";
/// How long a read may take: the server's limit for a statement, and a moment for its way.
const READ_PATIENCE: Duration = Duration::from_secs(7);
/// How long the server may take to let us in when we start.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Readers beside the one writer. More than a file has: each of them waits for the network as well.
const READERS: u32 = 8;
/// Connections of the one writer, who uses one at a time. After each use sqlx asks the server whether it is still well (0.9, 2026), which a
/// server that is gone leaves without an answer for a quarter of an hour: another stands in meanwhile.
const WRITERS: u32 = 4;
/// The oldest version that its makers mended in 2026.
const OLDEST: i32 = 140_000;

/// Reaches the server that `url` names, and brings the schema of its database up to date.
pub(super) async fn open(url: &str) -> Result<Opened, Error> {
    let (mut first, server) = connect(url).await?;
    bring_up_to_date(&mut first, &server).await?;
    first.close().await?;
    let writing = pool(WRITERS).connect(url).await?;
    let readers = Readers::of_server(pool(READERS).connect(url).await?, READ_PATIENCE);
    Ok(Opened { readers, writing, place: Place::Server })
}

/// One connection to the server that `url` names, which can keep what is kept.
pub(super) async fn connect(url: &str) -> Result<(AnyConnection, Server), Error> {
    let options = PgConnectOptions::from_str(url).map_err(|error| Unusable::Address(error.to_string()))?;
    let server = Server::of(&options);
    let mut first = match timeout(CONNECT_PATIENCE, AnyConnection::connect(url)).await {
        Ok(connected) => connected.map_err(|error| server.because(&error))?,
        Err(_elapsed) => return Err(server.because(&silent()).into()),
    };
    suits(&mut first, &server).await?;
    Ok((first, server))
}

/// Makes the tables that are missing.
pub(super) async fn bring_up_to_date(first: &mut AnyConnection, server: &Server) -> Result<(), Error> {
    first.execute(MIGRATING).await?;
    // Of several copies that start at once the first does it, under a lock that sqlx takes; the others find it done. `run` does
    // not take a connection by reference in a future that is sent (sqlx 0.9, 2026).
    let migrated = migrations().run_direct(None, first, false).await;
    migrated.map_err(|error| server.because_of_schema(error))
}

/// What makes the tables.
pub(super) fn migrations() -> Migrator {
    going_along(sqlx::migrate!("src/store/migrations/postgres"))
}

/// Takes out of the tables what was deleted from them, while others go on reading and writing. What stands in the server's own log
/// and in its backups passes with them.
pub(super) async fn compact(writing: &AnyPool) -> Result<bool, Error> {
    let mut connection = writing.acquire().await?;
    connection.execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
    let done = connection.execute("VACUUM").await;
    // Not back into the pool, where its patience would have no end.
    connection.close().await?;
    done?;
    Ok(true)
}

/// That everything which is kept can be kept there.
async fn suits(first: &mut AnyConnection, server: &Server) -> Result<(), Error> {
    let asked = "SELECT current_setting('server_version') AS version, CAST(current_setting('server_version_num') AS INTEGER) AS number, \
                 current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby";
    let row = sqlx::query(asked).fetch_one(first).await?;
    if row.try_get::<i32, _>("number")? < OLDEST {
        let version = row.try_get("version")?;
        return Err(Unusable::TooOld { server: server.clone(), version, oldest: OLDEST / 10_000 }.into());
    }
    let encoding: String = row.try_get("encoding")?;
    if encoding != "UTF8" {
        return Err(Unusable::Encoding { server: server.clone(), encoding }.into());
    }
    if row.try_get::<bool, _>("standby")? { Err(Unusable::Standby(server.clone()).into()) } else { Ok(()) }
}

fn pool(connections: u32) -> AnyPoolOptions {
    // A server hangs up: when it restarts, when another takes its place. Asked first, it is connected to again, and nobody hears of it.
    let options = AnyPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(true);
    options.after_connect(|connection, _| {
        Box::pin(async move {
            connection.execute(SESSION).await?;
            Ok(())
        })
    })
}
