//! One of the two databases of a move: found, held against everybody else, and known to be what it should be.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};

use super::tables::{self, Table};
use super::{Side, Stuck, number};
use crate::store::opened::Kind;
use crate::store::unusable::Server;
use crate::store::{postgres, sqlite, writer};

/// Who else is in this database. A server that runs asks it for work twice a second, so it is always there.
const OTHERS: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS others FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ringbook'";
/// How often and how long after one another that is asked: who has just left is still seen for a moment.
const LOOKS: usize = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// One database of all servers: when the server came up, and the number of the database in it.
const PLACE: &str = "SELECT CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) AS TEXT) || '/' || CAST(oid AS TEXT) AS place \
                     FROM pg_database WHERE datname = current_database()";
/// One database of a move.
pub(super) struct End {
    pub connection: AnyConnection,
    /// Tells it from every other one.
    pub place: String,
    side: Side,
    kind: Kind,
    server: Option<Server>,
}

/// That two addresses of files do not name one.
pub(super) fn are_two_files(from: &str, to: &str) -> Result<(), Stuck> {
    let file = |url: &str| std::fs::metadata(path(url)?).ok().map(|file| (file.dev(), file.ino()));
    match (file(from), file(to)) {
        (Some(from), Some(to)) if from == to => Err(Stuck::Same),
        _ => Ok(()),
    }
}

/// The file that an address names.
fn path(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://").map(Path::new)
}

impl End {
    /// Finds it; a file that is moved into is made.
    pub(super) async fn connect(url: &str, side: Side) -> Result<Self, Stuck> {
        let Some(path) = path(url) else {
            let (mut connection, server) = postgres::connect(url).await.map_err(|error| Stuck::Store(side, error))?;
            let row = connection.fetch_one(PLACE).await.map_err(|error| Stuck::Database(side, error))?;
            let place = row.try_get("place").map_err(|error| Stuck::Database(side, error))?;
            return Ok(Self { connection, place, side, kind: Kind::Server, server: Some(server) });
        };
        if side == Side::From && !path.exists() {
            return Err(Stuck::Nothing(side));
        }
        let connection =
            AnyConnection::connect(&format!("{url}?mode=rwc")).await.map_err(|error| Stuck::Database(side, error))?;
        Ok(Self { connection, place: path.display().to_string(), side, kind: Kind::File, server: None })
    }

    /// From here on nobody else writes there.
    pub(super) async fn hold(&mut self) -> Result<(), Stuck> {
        let held = match self.kind {
            Kind::File => self.hold_file().await,
            Kind::Server => {
                self.is_left_alone().await?;
                self.connection.execute(sqlx::raw_sql(postgres::HOLD)).await.map(drop)
            }
        };
        held.map_err(|error| if is_held_by_another(&error) { Stuck::InUse(self.side) } else { self.failed(error) })
    }

    /// A command that just looks into the file is soon gone; a server is not.
    async fn hold_file(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute(sqlx::raw_sql(sqlite::HOLD)).await?;
        let mut begun = self.connection.execute(writer::BEGIN_FILE).await;
        for _look in 0..LOOKS {
            if !begun.as_ref().is_err_and(is_held_by_another) {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            begun = self.connection.execute(writer::BEGIN_FILE).await;
        }
        begun?;
        self.connection.execute("COMMIT").await.map(drop)
    }

    async fn is_left_alone(&mut self) -> Result<(), Stuck> {
        for _look in 0..LOOKS {
            let row = self.connection.fetch_one(OTHERS).await.map_err(|error| Stuck::Database(self.side, error))?;
            if number(&row, "others", self.side)? == 0 {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(Stuck::InUse(self.side))
    }

    /// Makes the tables that are missing.
    pub(super) async fn bring_up_to_date(&mut self) -> Result<(), Stuck> {
        let done = match &self.server {
            Some(server) => postgres::bring_up_to_date(&mut self.connection, server).await,
            None => sqlite::migrations().run_direct(None, &mut self.connection, false).await.map_err(Into::into),
        };
        done.map_err(|error| Stuck::Store(self.side, error))
    }

    /// That its tables are those of this version.
    pub(super) async fn is_of_this_version(&mut self) -> Result<(), Stuck> {
        let rows = self.connection.fetch_all("SELECT version FROM _sqlx_migrations").await;
        // Without that table there was never anything of ours.
        let Ok(rows) = rows else { return Err(Stuck::Nothing(self.side)) };
        let made: Result<BTreeSet<i64>, Stuck> = rows.iter().map(|row| number(row, "version", self.side)).collect();
        let made = made?;
        let known = match self.kind {
            Kind::File => sqlite::migrations(),
            Kind::Server => postgres::migrations(),
        };
        let known: BTreeSet<i64> = known.iter().map(|migration| migration.version).collect();
        if made == known {
            Ok(())
        } else if made.is_subset(&known) {
            Err(Stuck::Older(self.side))
        } else {
            Err(Stuck::Newer(self.side))
        }
    }

    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, Stuck> {
        let tables = tables::all(&mut self.connection, self.kind).await;
        tables.map_err(|error| self.failed(error))
    }

    /// That nothing is kept there yet; what it was born with gives way.
    pub(super) async fn is_empty(&mut self, tables: &[Table]) -> Result<(), Stuck> {
        for table in tables {
            if table.is_born_with_rows() {
                let clear = AssertSqlSafe(format!("DELETE FROM {}", table.name));
                self.run(sqlx::query(clear)).await?;
            } else if tables::count(&mut self.connection, table).await.map_err(|error| Stuck::Database(self.side, error))? > 0 {
                return Err(Stuck::NotEmpty(table.name.clone()));
            }
        }
        Ok(())
    }

    /// Begins what is done wholly or not at all, and sees one state of everything.
    pub(super) async fn begin(&mut self) -> Result<(), Stuck> {
        let begin = match self.kind {
            Kind::File => writer::BEGIN_FILE,
            Kind::Server => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        self.run(sqlx::query(begin)).await
    }

    /// Keeps what was written, and lets go.
    pub(super) async fn commit(mut self) -> Result<(), Stuck> {
        let done = self.connection.execute("COMMIT").await;
        done.map_err(Stuck::Unsure)?;
        self.let_go().await;
        Ok(())
    }

    /// Others may write again. Nothing was written here that could be lost with it.
    pub(super) async fn let_go(self) {
        let _whatever = self.connection.close().await;
    }

    async fn run(&mut self, query: sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>) -> Result<(), Stuck> {
        let done = query.execute(&mut self.connection).await;
        done.map(drop).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: sqlx::Error) -> Stuck {
        Stuck::Database(self.side, error)
    }
}

/// A file: `SQLITE_BUSY` in its variants; a server: the time-out of a lock.
fn is_held_by_another(error: &sqlx::Error) -> bool {
    const BUSY: u32 = 5;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == "55P03" || code.parse::<u32>().is_ok_and(|code| code & 0xff == BUSY))
}
