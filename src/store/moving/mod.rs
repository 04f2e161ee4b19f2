//! Everything that one database holds, moved into another: row by row as it stands, sealed tokens included. Which tables there are
//! is asked of the databases themselves, so that none can be forgotten. The target gets all of it in one transaction: whoever breaks
//! off leaves a target without a row.

mod end;
mod tables;

use futures_util::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use self::end::End;
use self::tables::{Kind, Table, count};
use super::Error;
use super::row::column;

/// Rows in one statement, and values: a server takes 65,535 of them and a file 32,766.
const MAX_ROWS: usize = 500;
const MAX_VALUES: usize = 16_000;
/// How many rows pass between two words about a table.
const WORD_EVERY: u64 = 20_000;

/// Which of the two, as the command names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is moved.
    From,
    /// Where it goes.
    To,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::From => "--from",
            Self::To => "--to",
        })
    }
}

/// Why nothing was moved. Whatever it is but [`Stuck::Unsure`], the target is as it was, but for tables without rows.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// There would be nothing to move.
    #[error("--from and --to are one database")]
    Same,
    /// A server writes there, or somebody else.
    #[error("{0} is in use: stop every ringbook that runs on it, and move again")]
    InUse(Side),
    /// It is not there, or ringbook never kept anything in it.
    #[error("{0} holds no database of ringbook")]
    Nothing(Side),
    /// It was brought less far than this version brings it.
    #[error("{0} was last used by an older ringbook: start this version on it once, stop it, and move again")]
    Older(Side),
    /// It was brought further.
    #[error("{0} was used by a newer ringbook: move with that version")]
    Newer(Side),
    /// Something is kept there already.
    #[error("--to is not empty: there are rows in its table {0}. Name a new database")]
    NotEmpty(String),
    /// Somebody has changed the tables by hand.
    #[error("the tables of --from and --to are not the same: see {0}")]
    Differ(String),
    /// The target did not take every row.
    #[error("--to took {taken} of {read} rows of the table {table}, so nothing was kept")]
    LeftOut {
        /// The table.
        table: String,
        /// How many rows were sent.
        read: u64,
        /// How many of them it took.
        taken: u64,
    },
    /// The target was told to keep everything, and did not answer.
    #[error("--to did not say whether it has kept everything ({0}). Do it again: if it is not empty then, everything is there")]
    Unsure(sqlx::Error),
    /// One of the databases cannot be used.
    #[error("{0}: {1}")]
    Store(Side, Error),
    /// One of them failed.
    #[error("{0} failed: {1}")]
    Database(Side, sqlx::Error),
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The table that is being moved.
    pub table: &'a str,
    /// How many of its rows are moved.
    pub rows: u64,
    /// How many there are.
    pub of: u64,
}

/// Moves everything from the database at `from` into the one at `to`, which is made where it can be; how many rows that were.
/// Nobody else can write to either meanwhile. `tell` hears of every table at its end, and of a long one in between.
///
/// # Errors
/// Why nothing was moved.
pub async fn move_all(from: &str, to: &str, mut tell: impl FnMut(Progress<'_>)) -> Result<u64, Stuck> {
    sqlx::any::install_default_drivers();
    end::are_two_files(from, to)?;
    let mut source = End::connect(from, Side::From).await?;
    source.hold().await?;
    source.is_of_this_version().await?;
    let mut target = End::connect(to, Side::To).await?;
    if source.place == target.place {
        return Err(Stuck::Same);
    }
    target.hold().await?;
    target.bring_up_to_date().await?;
    target.is_of_this_version().await?;
    let tables = alike(source.tables().await?, &target.tables().await?)?;
    source.begin().await?;
    target.begin().await?;
    target.is_empty(&tables).await?;
    let mut moved = 0;
    for table in &tables {
        moved += copy(&mut source.connection, &mut target.connection, table, &mut tell).await?;
    }
    target.commit().await?;
    source.let_go().await;
    Ok(moved)
}

/// The tables, if both have the same.
fn alike(source: Vec<Table>, target: &[Table]) -> Result<Vec<Table>, Stuck> {
    let odd = source.iter().find(|table| !target.contains(table)).or_else(|| target.iter().find(|table| !source.contains(table)));
    let unknown = source.iter().find(|table| table.columns.iter().any(|(_, kind)| *kind == Kind::Unknown));
    match odd.or(unknown) {
        Some(table) => Err(Stuck::Differ(table.name.clone())),
        None => Ok(source),
    }
}

async fn copy(
    source: &mut AnyConnection,
    target: &mut AnyConnection,
    table: &Table,
    tell: &mut impl FnMut(Progress<'_>),
) -> Result<u64, Stuck> {
    let of = count(source, table).await.map_err(of_source)?;
    let size = (MAX_VALUES / table.columns.len().max(1)).clamp(1, MAX_ROWS);
    let (mut batch, mut rows, mut told) = (Vec::with_capacity(size), 0, 0);
    // Read as it is written: a server's answer waits in the connection until it is asked for.
    let mut answer = sqlx::query(AssertSqlSafe(table.select())).fetch(source);
    loop {
        let row = answer.try_next().await.map_err(of_source)?;
        let has_ended = row.is_none();
        batch.extend(row);
        if batch.len() == size || (has_ended && !batch.is_empty()) {
            rows += insert(target, table, &batch).await?;
            batch.clear();
        }
        if has_ended {
            break;
        }
        if rows >= told + WORD_EVERY {
            told = rows;
            tell(Progress { table: &table.name, rows, of });
        }
    }
    tell(Progress { table: &table.name, rows, of });
    Ok(rows)
}

/// Writes these rows. A trigger may leave rows out without a word, so they are counted.
async fn insert(target: &mut AnyConnection, table: &Table, rows: &[AnyRow]) -> Result<u64, Stuck> {
    let mut query = sqlx::query(AssertSqlSafe(table.insert(rows.len()))).persistent(false);
    for row in rows {
        for (number, (_, kind)) in table.columns.iter().enumerate() {
            query = match kind {
                Kind::Number => query.bind(value::<i64>(row, number)?),
                Kind::Text | Kind::Unknown => query.bind(value::<String>(row, number)?),
            };
        }
    }
    let taken = query.execute(target).await.map_err(|error| Stuck::Database(Side::To, error))?.rows_affected();
    let read = rows.len() as u64;
    if taken == read { Ok(read) } else { Err(Stuck::LeftOut { table: table.name.clone(), read, taken }) }
}

fn value<'r, T>(row: &'r AnyRow, number: usize) -> Result<Option<T>, Stuck>
where
    T: sqlx::Decode<'r, sqlx::Any> + sqlx::Type<sqlx::Any>,
{
    sqlx::Row::try_get(row, number).map_err(of_source)
}

fn of_source(error: sqlx::Error) -> Stuck {
    Stuck::Database(Side::From, error)
}

/// A number in the only row of an answer.
fn number(row: &AnyRow, name: &'static str, side: Side) -> Result<i64, Stuck> {
    column(row, name).map_err(|error| Stuck::Store(side, error))
}
