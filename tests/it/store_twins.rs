//! The two databases are one: the same tables with the same columns, changed by migrations of the same names, and texts that
//! compare alike.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, Connection, Row};

use crate::shelf::{On, Place};

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

#[test]
fn every_migration_is_there_for_both_databases() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(format!("{}/src/store/migrations/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(names("sqlite").len() > 10);
    assert_eq!(names("sqlite"), names("postgres"));
}
