//! The two databases are one: the same tables with the same columns, changed by migrations of the same names, and texts that
//! compare alike.

use std::collections::BTreeSet;

use ringbook::store::bookings::BookingRow;
use ringbook::store::claims::Claim;
use sqlx::{AnyConnection, Connection, Executor, Row};

use crate::shelf::{On, Place, Shelf};
use crate::store::{NINE, claim, claimed};

/// Every column: table, name, type, and whether it may be null.
async fn columns(on: On) -> BTreeSet<(String, String, String, bool)> {
    let place = Place::new(on).await;
    place.open().await.close().await;
    let asked = match on {
        On::Sqlite => {
            "SELECT t.name AS relation, c.name AS name, c.type AS kind, CAST(c.\"notnull\" = 0 AND c.pk = 0 AS BIGINT) AS nullable \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
        On::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS relation, CAST(column_name AS TEXT) AS name, CAST(UPPER(data_type) AS TEXT) AS kind, \
             CAST(CASE WHEN is_nullable = 'YES' THEN 1 ELSE 0 END AS BIGINT) AS nullable \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&place.url()).await.unwrap();
    let rows = sqlx::query(asked).fetch_all(&mut connection).await.unwrap();
    let read =
        |row: &sqlx::any::AnyRow| (row.get("relation"), row.get("name"), row.get("kind"), row.get::<i64, _>("nullable") == 1);
    let columns: BTreeSet<(String, String, String, bool)> = rows.iter().map(read).collect();
    columns.into_iter().filter(|(relation, ..)| !relation.starts_with("_sqlx") && !relation.starts_with("sqlite_")).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (file, server) = (columns(On::Sqlite).await, columns(On::Postgres).await);
    assert!(file.len() > 100, "columns are found: {}", file.len());
    assert_eq!(file.symmetric_difference(&server).collect::<Vec<_>>(), Vec::<&(String, String, String, bool)>::new());
}

#[tokio::test]
async fn every_text_of_the_server_compares_by_its_bytes() {
    let place = Place::new(On::Postgres).await;
    let mut connection = AnyConnection::connect(&place.url()).await.unwrap();
    let asked = "SELECT CAST(table_name || '.' || column_name AS TEXT) AS place FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' AND data_type = 'text' \
                 AND COALESCE(collation_name, '') <> 'C'";
    let rows = sqlx::query(asked).fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<String, _>("place")).collect::<Vec<_>>(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_keep_no_order_the_constraint_refuses_the_second() {
    let shelf = Shelf::on(On::Postgres).await;
    let rows = [("one", "+15550000001"), ("two", "+15550000002")];
    let rows = rows.map(|(key, caller)| BookingRow { claim_key: key.into(), ..claim(NINE, caller) });
    for row in &rows {
        assert!(matches!(claimed(&shelf.store, row).await, Claim::Ours));
    }
    let take = |row: &BookingRow| sqlx::AssertSqlSafe(format!("UPDATE bookings SET claim_key = 'both' WHERE id = '{}'", row.id));
    let (mut first, mut second, mut watch) = (shelf.connection().await, shelf.connection().await, shelf.connection().await);
    first.execute("BEGIN").await.unwrap();
    assert_eq!(first.execute(take(&rows[0])).await.unwrap().rows_affected(), 1);
    let taking = take(&rows[1]);
    let waiting = tokio::spawn(async move { second.execute(taking).await });
    let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while watch.fetch_optional(waits).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    first.execute("COMMIT").await.unwrap();
    let refused = waiting.await.unwrap().unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("bookings_one_job"), "{refused}");
}

#[test]
fn every_migration_is_there_for_both_databases() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(format!("{}/src/store/migrations/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(names("sqlite").len() > 10);
    assert_eq!(names("sqlite"), names("postgres"));
}
