//! The tables that a database has, as it says itself.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::store::opened;

/// Where it is noted which migrations were made. Each database has its own.
const MIGRATIONS: &str = "_sqlx_migrations";
/// Rows that a database has from its start, or from being looked at: they are no reason not to move into it, and give way.
const BORN_WITH: [&str; 2] = ["heartbeat", "notices"];

/// What a column holds. Migrations use no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// Something that this version does not know.
    Unknown,
}

/// A table with its columns, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
}

impl Table {
    /// Whether rows that are there already are nobody's.
    pub(super) fn is_born_with_rows(&self) -> bool {
        BORN_WITH.contains(&self.name.as_str())
    }

    fn named_columns(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.named_columns(), self.name)
    }

    /// So many rows in one statement.
    pub(super) fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |row: usize| {
            let values: Vec<String> = (1..=width).map(|value| format!("${}", row * width + value)).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT INTO {} ({}) VALUES {}", self.name, self.named_columns(), rows.join(", "))
    }
}

/// How many rows it has.
pub(super) async fn count(connection: &mut AnyConnection, table: &Table) -> Result<u64, sqlx::Error> {
    let asked = format!("SELECT CAST(COUNT(*) AS BIGINT) AS rows_there FROM {}", table.name);
    let row = sqlx::query(AssertSqlSafe(asked)).fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>("rows_there")?.unsigned_abs())
}

/// All tables, in the order of their names.
pub(super) async fn all(connection: &mut AnyConnection, kind: opened::Kind) -> Result<Vec<Table>, sqlx::Error> {
    let asked = match kind {
        opened::Kind::File => {
            "SELECT t.name AS relation, c.name AS name, c.type AS kind FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        }
        opened::Kind::Server => {
            "SELECT CAST(t.table_name AS TEXT) AS relation, CAST(c.column_name AS TEXT) AS name, CAST(c.data_type AS TEXT) AS kind \
             FROM information_schema.tables t JOIN information_schema.columns c \
             ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
             WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE'"
        }
    };
    let mut tables: BTreeMap<String, Vec<(String, Kind)>> = BTreeMap::new();
    for row in sqlx::query(asked).fetch_all(connection).await? {
        let kind = match row.try_get::<String, _>("kind")?.to_ascii_lowercase().as_str() {
            "bigint" => Kind::Number,
            "text" => Kind::Text,
            _ => Kind::Unknown,
        };
        tables.entry(row.try_get("relation")?).or_default().push((row.try_get("name")?, kind));
    }
    tables.remove(MIGRATIONS);
    let table = |(name, mut columns): (String, Vec<(String, Kind)>)| {
        columns.sort_by(|(one, _), (other, _)| one.cmp(other));
        Table { name, columns }
    };
    Ok(tables.into_iter().map(table).collect())
}
