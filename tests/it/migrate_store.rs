//! Everything moved from one database to another by the built program: every row of every table there and back, a business that
//! goes on where it was, and everything that stands in the way.

use std::collections::BTreeMap;
use std::process::Output;

use ringbook::clock::Clock;
use ringbook::store::Store;
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;

use crate::edge_killed::is_booked;
use crate::edge_program::{BOOK, Life, address, always_open, caller, time_of, wish};
use crate::fakes::faults::Fault;
use crate::house::{CALLER, House, SLUG};
use crate::owners::{self, connected, without_calendars};
use crate::postgres::{Database, database, empty_database};
use crate::program::{err, out, run};
use crate::promises::{promises_kept, said};
use crate::shelf::On;

/// More than one statement takes at once.
const MANY: usize = 1_203;
const FEW: usize = 7;

/// Runs the command.
fn moves(from: &str, to: &str) -> Output {
    run(&std::env::temp_dir(), &["migrate-store", "--from", from, "--to", to], &[])
}

fn moved(from: &str, to: &str) -> String {
    let output = moves(from, to);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    format!("{}{}", out(&output), err(&output))
}

/// One sentence, which never shows a password.
fn refused(from: &str, to: &str, expected: &str) {
    let output = moves(from, to);
    let said = err(&output);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("nothing was moved: ") && said.contains(expected), "{expected}: {said}");
    assert!(!said.contains("hidden-word"), "{said}");
}

fn file(folder: &TempDir, name: &str) -> String {
    format!("sqlite://{}", folder.path().join(name).display())
}

async fn hand(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.unwrap()
}

async fn order(url: &str, statement: &str) {
    let mut connection = hand(url).await;
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

/// A file with all tables, and the tables with their columns: name, whether it is a number, whether it may be null.
async fn made(url: &str) -> BTreeMap<String, Vec<(String, bool, bool)>> {
    Store::open(url).await.unwrap().close().await;
    let mut connection = hand(url).await;
    let asked = "SELECT t.name AS relation, c.name AS name, c.type AS kind, CAST(c.\"notnull\" = 0 AND c.pk = 0 AS BIGINT) AS nullable \
                 FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut tables: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in sqlx::query(asked).fetch_all(&mut connection).await.unwrap() {
        let (relation, kind): (String, String) = (row.get("relation"), row.get("kind"));
        if !relation.starts_with("_sqlx") && !relation.starts_with("sqlite_") {
            let column = (row.get("name"), kind == "BIGINT", row.get::<i64, _>("nullable") == 1);
            tables.entry(relation).or_default().push(column);
        }
    }
    connection.close().await.unwrap();
    tables
}

/// Something of everything that a column can hold.
fn text(number: usize) -> String {
    const ODD: [&str; 6] =
        ["", "O'Brien \"quoted\" \\", "línea\nand\ttab\r", "日本語 🔧", "$1 %s {}; DROP TABLE jobs; --", "\u{7f}\u{1}"];
    format!("{}{number}", ODD[number % ODD.len()])
}

/// Fills every table that there is.
async fn fill(url: &str) {
    let tables = made(url).await;
    assert!(tables.len() > 20, "{tables:?}");
    let mut connection = hand(url).await;
    connection.execute("BEGIN").await.unwrap();
    for (table, columns) in &tables {
        let rows = if table == "deliveries" { MANY } else { FEW };
        let names: Vec<String> = columns.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
        let insert = format!("INSERT INTO \"{table}\" ({}) VALUES ({})", names.join(", "), places.join(", "));
        for row in 0..rows {
            let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
            for (place, (_, is_number, is_nullable)) in columns.iter().enumerate() {
                let is_null = *is_nullable && (row + place).is_multiple_of(3);
                let number = [i64::MIN, i64::MAX, 0, -1][(row + place) % 4].wrapping_add(i64::try_from(row * 7).unwrap());
                query =
                    if *is_number { query.bind((!is_null).then_some(number)) } else { query.bind((!is_null).then(|| text(row))) };
            }
            query.execute(&mut connection).await.unwrap_or_else(|error| panic!("{table}: {error}"));
        }
    }
    connection.execute("COMMIT").await.unwrap();
    connection.close().await.unwrap();
}

/// Everything, as text: of the tables that the file has.
async fn all_of(url: &str, tables: &BTreeMap<String, Vec<(String, bool, bool)>>) -> BTreeMap<String, Vec<String>> {
    let mut connection = hand(url).await;
    let mut all = BTreeMap::new();
    for (table, columns) in tables {
        let columns: Vec<String> =
            columns.iter().map(|(name, ..)| format!("COALESCE('=' || CAST(\"{name}\" AS TEXT), 'NULL')")).collect();
        let asked = format!("SELECT {} AS line FROM \"{table}\"", columns.join(" || '|' || "));
        let rows = sqlx::query(AssertSqlSafe(asked)).fetch_all(&mut connection).await.unwrap();
        let mut lines: Vec<String> = rows.iter().map(|row| row.get("line")).collect();
        lines.sort();
        all.insert(table.clone(), lines);
    }
    connection.close().await.unwrap();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_table_goes_there_and_back() {
    let (folder, server) = (tempfile::tempdir().unwrap(), empty_database().await);
    let (first, second) = (file(&folder, "first.db"), file(&folder, "second.db"));
    let tables = made(&first).await;
    fill(&first).await;
    let before = all_of(&first, &tables).await;
    let told = moved(&first, server.url());
    for (table, rows) in &before {
        assert!(told.contains(&format!("{table}: {} rows", rows.len())), "{table}: {told}");
    }
    let rows: usize = before.values().map(Vec::len).sum();
    assert!(told.contains(&format!("All {rows} rows are in postgres://ringbook@127.0.0.1:")), "{told}");
    assert!(!told.contains("hidden-word"), "{told}");
    assert_eq!(all_of(server.url(), &tables).await, before);
    moved(server.url(), &second);
    assert_eq!(all_of(&second, &tables).await, before);
    assert_eq!(all_of(&first, &tables).await, before, "what is moved stays where it was");
    // Whatever came there is served: the schema is that of every other database.
    for url in [server.url(), &second] {
        let store = Store::open(url).await.unwrap();
        store.ping().await.unwrap();
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_breaks_off_leaves_nothing_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (file(&folder, "source.db"), file(&folder, "target.db"));
    let tables = made(&source).await;
    fill(&source).await;
    let (server, before) = (database().await, all_of(&source, &tables).await);
    made(&target).await;
    // The last table but one refuses its rows; a trigger of a file leaves them out without a word.
    order(server.url(), "ALTER TABLE voicemails ADD CONSTRAINT never CHECK (seconds = 4711)").await;
    refused(&source, server.url(), "--to failed: ");
    order(&target, "CREATE TRIGGER never BEFORE INSERT ON voicemails BEGIN SELECT RAISE(IGNORE); END").await;
    refused(&source, &target, "--to took 0 of 7 rows of the table voicemails, so nothing was kept");
    for url in [server.url(), &target] {
        let left = all_of(url, &tables).await;
        let born = ["heartbeat", "notices"];
        assert!(left.iter().all(|(table, rows)| rows.is_empty() || born.contains(&table.as_str())), "{left:?}");
    }
    order(server.url(), "ALTER TABLE voicemails DROP CONSTRAINT never").await;
    order(&target, "DROP TRIGGER never").await;
    for url in [server.url(), &target] {
        moved(&source, url);
        assert_eq!(all_of(url, &tables).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_the_way_is_one_sentence_and_nothing_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (source, server) = (file(&folder, "source.db"), empty_database().await);
    refused(&source, server.url(), "--from holds no database of ringbook");
    refused(server.url(), &source, "--from holds no database of ringbook");
    made(&source).await;
    std::os::unix::fs::symlink(folder.path().join("source.db"), folder.path().join("link.db")).unwrap();
    refused(&source, &file(&folder, "link.db"), "--from and --to are one database");
    let other_name = server.url().replace("127.0.0.1", "localhost");
    Store::open(server.url()).await.unwrap().close().await;
    refused(server.url(), &other_name, "--from and --to are one database");
    order(server.url(), "INSERT INTO opted_out (business, number, sender, refused_at) VALUES ('abc', '+1', '', 0)").await;
    refused(&source, server.url(), "--to is not empty: there are rows in its table opted_out");
    order(server.url(), "DELETE FROM opted_out").await;
    order(server.url(), "INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), TRUE, '', 0)").await;
    refused(&source, server.url(), "--to was used by a newer ringbook");
    refused(server.url(), &file(&folder, "new.db"), "--from was used by a newer ringbook");
    order(&source, "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
    refused(&source, &file(&folder, "new.db"), "--from was last used by an older ringbook");
    let wrong = moves("mysql://somewhere", &source);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).starts_with("--from must be sqlite:// and the path of a file"), "{}", err(&wrong));
}

/// A house on a file whose owner has connected, open around the clock.
async fn house() -> House {
    let plan = owners::plan().business(SLUG, &without_calendars(&always_open())).at(Clock::System.now()).on(On::Sqlite);
    let mut house = connected(plan.set("TOOL_REPLY_BUDGET_MS", "15000")).await;
    house.stop().await;
    house
}

/// The same with everything in another database.
async fn moved_to(house: &mut House, url: &str) -> Life {
    moved(house.setting("DATABASE_URL"), url);
    house.set("DATABASE_URL", url);
    Life::begin(house, &address(), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_moves_to_a_server_and_back_goes_on_where_it_was() {
    let (mut house, server, folder) = (house().await, empty_database().await, tempfile::tempdir().unwrap());
    let old = house.setting("DATABASE_URL").to_owned();
    let life = Life::begin(&house, &address(), "").await;
    // Confirmations wait for a Twilio that has too much to do.
    house.twilio.fault_always("messages.create", Fault::status(429, "20429"));
    let first = life.tool(&house, CALLER, ("call-1", "t1"), BOOK, wish("sam", &time_of(0))).await;
    let later = json!({ "scheduledDate": time_of(1) });
    let changed = life.tool(&house, CALLER, ("call-1", "t2"), "rescheduleAppointment", later.clone()).await;
    let second = life.tool(&house, &caller(1), ("call-2", "t1"), BOOK, wish("alex", &time_of(2))).await;
    let cancelled = life.tool(&house, &caller(1), ("call-2", "t2"), "cancelAppointment", json!({})).await;
    assert!(is_booked(&first) && is_booked(&second) && !changed.is_error() && !cancelled.is_error(), "{changed:?} {cancelled:?}");
    refused(&old, server.url(), "--from is in use: stop every ringbook that runs on it");
    // With what is still in its write-ahead log.
    life.kill();
    let (jobs, refreshes) = (house.jobs().await, house.google.refreshes());
    assert!(jobs.iter().any(|job| job.key.starts_with("confirm/") && job.state == "waiting"), "{jobs:?}");
    let life = moved_to(&mut house, server.url()).await;
    refused(server.url(), &file(&folder, "new.db"), "--from is in use");
    refused(&old, server.url(), "--to is in use");
    let again = async |life: &Life, house: &House| {
        let wish = wish("sam", &time_of(0));
        assert_eq!(life.tool(house, CALLER, ("call-1", "t1"), BOOK, wish).await, first);
        assert_eq!(life.tool(house, CALLER, ("call-1", "t2"), "rescheduleAppointment", later.clone()).await, changed);
        assert_eq!(life.tool(house, &caller(1), ("call-2", "t2"), "cancelAppointment", json!({})).await, cancelled);
    };
    again(&life, &house).await;
    let found = said(&life.tool(&house, CALLER, ("call-3", "t1"), "findAppointment", json!({})).await);
    assert!(found.contains("repair"), "{found}");
    house.twilio.clear_faults();
    house.until("the job is done that waited", async || !house.twilio.messages().is_empty()).await;
    let third = life.tool(&house, &caller(2), ("call-4", "t1"), BOOK, wish("alex", &time_of(3))).await;
    assert!(is_booked(&third), "the owner is still connected: {third:?}");
    assert_eq!((house.google.refreshes(), promises_kept(&house).await.len()), (refreshes, 2));
    life.kill();
    let life = moved_to(&mut house, &file(&folder, "back.db")).await;
    again(&life, &house).await;
    assert_eq!(life.tool(&house, &caller(2), ("call-4", "t1"), BOOK, wish("alex", &time_of(3))).await, third);
    assert_eq!(promises_kept(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_moves_nobody_writes_to_either() {
    let (folder, server) = (tempfile::tempdir().unwrap(), database().await);
    let source = file(&folder, "source.db");
    made(&source).await;
    let store = Store::open(&source).await.unwrap();
    refused(&source, server.url(), "--from is in use");
    store.close().await;
    // Somebody else's turn to write, that of a copy whose name is not known.
    let mut other: AnyConnection = holder(&server).await;
    refused(&source, server.url(), "--to is in use");
    other.execute("ROLLBACK").await.unwrap();
    moved(&source, server.url());
}

async fn holder(server: &Database) -> AnyConnection {
    let mut connection = server.connection().await;
    connection.execute(crate::ringing::OTHERS_TURN).await.unwrap();
    connection
}
