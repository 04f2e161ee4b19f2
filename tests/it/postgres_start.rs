//! Coming up on a PostgreSQL server: whatever stands in the way is one sentence, which says what its administrator does about it
//! and never the password; and several copies may come up at once.

use ringbook::store::Store;
use ringbook::store::claims::Claim;
use sqlx::{AnyConnection, Connection, Row};

use crate::house::Plan;
use crate::postgres::{Database, empty_database, server};
use crate::program::{err, free_port, out, run};
use crate::shelf::On;
use crate::store::{NINE, claim, claimed};

/// The password in every address of these tests.
const PASSWORD: &str = "hidden-word";

async fn refusal(url: &str) -> String {
    let sentence = Store::open(url).await.unwrap_err().to_string();
    assert!(!sentence.contains(PASSWORD) && !sentence.contains('\n'), "{sentence}");
    sentence
}

/// What the administrator does.
async fn administrator(database: &Database, statement: &str) {
    let mut connection = database.connection().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The address of a database, for another user.
fn as_user(database: &Database, user: &str) -> String {
    database.url().replace("//ringbook:", &format!("//{user}:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named() {
    let port = free_port();
    let sentence = refusal(&format!("postgres://ringbook:{PASSWORD}@127.0.0.1:{port}/ringbook")).await;
    assert!(sentence.starts_with(&format!("PostgreSQL at 127.0.0.1:{port} cannot be reached: ")), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_missing_database_are_told_apart() {
    let database = empty_database().await;
    administrator(&database, "CREATE ROLE locked LOGIN PASSWORD 'another'").await;
    let sentence = refusal(&as_user(&database, "locked")).await;
    assert!(sentence.contains(" does not let the user locked in: ") && sentence.contains("password"), "{sentence}");
    let missing = database.url().replace(database.name(), "not_here");
    let sentence = refusal(&missing).await;
    assert!(sentence.contains(" has no database not_here; its administrator runs: CREATE DATABASE \"not_here\""), "{sentence}");
    let (_, cure) = sentence.split_once("runs: ").unwrap();
    administrator(&database, cure).await;
    Store::open(&missing).await.unwrap().close().await;
    administrator(&database, "DROP DATABASE not_here").await;
}

/// Does what the sentence says, and returns the next one.
async fn next_refusal(database: &Database, url: &str, expected: &str) {
    let sentence = refusal(url).await;
    assert!(sentence.contains(expected), "{sentence}");
    let (_, cure) = sentence.rsplit_once(": ").unwrap();
    administrator(database, cure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_do_something_hears_what_the_administrator_runs_and_that_is_enough() {
    let database = empty_database().await;
    administrator(&database, "CREATE ROLE plain LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC").await;
    administrator(&database, &format!("REVOKE ALL ON DATABASE {} FROM PUBLIC", database.name())).await;
    let url = as_user(&database, "plain");
    next_refusal(&database, &url, "does not let the user plain into the database").await;
    next_refusal(&database, &url, "does not let the user plain make tables").await;
    next_refusal(&database, &url, "does not let the user plain create the extension btree_gist").await;
    let store = Store::open(&url).await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
    administrator(&database, "DROP OWNED BY plain; DROP ROLE plain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_hold_every_name_is_refused() {
    let database = empty_database().await;
    // Servers older than 15 have one kind of language only, and no word for it.
    let name = format!("{}_ascii", database.name());
    let create = format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    let mut connection = database.connection().await;
    let newer = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{create} LOCALE_PROVIDER libc"))).execute(&mut connection).await;
    if newer.is_err() {
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    }
    let sentence = refusal(&database.url().replace(database.name(), &name)).await;
    assert!(sentence.contains(" in SQL_ASCII, ") && sentence.contains("ENCODING 'UTF8'"), "{sentence}");
    administrator(&database, &format!("DROP DATABASE {name}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_a_newer_version_has_brought_further_serves_this_one_as_well() {
    let database = empty_database().await;
    Store::open(database.url()).await.unwrap().close().await;
    administrator(&database, "INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), TRUE, '', 0)").await;
    administrator(&database, "ALTER TABLE bookings ADD COLUMN later TEXT NOT NULL DEFAULT ''").await;
    let store = Store::open(database.url()).await.unwrap();
    let row = claim(NINE, "+15551110001");
    assert!(matches!(claimed(&store, &row).await, Claim::Ours));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_copies_that_come_up_at_once_one_brings_the_database_up_to_date_and_all_serve() {
    let database = empty_database().await;
    let url = database.url().to_owned();
    let opening: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await })
        })
        .collect();
    for opened in opening {
        let store = opened.await.unwrap().unwrap();
        store.ping().await.unwrap();
        store.close().await;
    }
    let mut connection = database.connection().await;
    let beats = sqlx::query("SELECT beat FROM heartbeat").fetch_one(&mut connection).await.unwrap();
    assert_eq!(beats.get::<i64, _>("beat"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_find_a_server_without_a_file_and_never_show_its_password() {
    let house = Plan::new().on(On::Postgres).build().await;
    let listed = run(house.folder.path(), &["bookings", "--date", "2026-11-24"], house.pairs());
    assert_eq!((listed.status.code(), err(&listed).as_str()), (Some(0), ""), "{}", out(&listed));
    let checked = run(house.folder.path(), &["check"], house.pairs());
    let shown = format!("{}{}", out(&checked), err(&checked));
    let port = server().port;
    assert!(
        shown.contains(&format!("postgres://ringbook@127.0.0.1:{port}/test_")) && shown.contains("can be written"),
        "{shown}"
    );
    let closed = free_port();
    let mut elsewhere = house.pairs().to_vec();
    elsewhere.push(("DATABASE_URL".into(), format!("postgres://ringbook:{PASSWORD}@127.0.0.1:{closed}/ringbook")));
    let stopped = run(house.folder.path(), &["serve"], &elsewhere);
    let said = format!("{}{}", out(&stopped), err(&stopped));
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    let expected = format!("DATABASE_URL: the database cannot be opened: PostgreSQL at 127.0.0.1:{closed} cannot be reached: ");
    assert!(said.lines().any(|line| line.contains(&expected)), "{said}");
    assert!(!said.contains(PASSWORD) && !shown.contains(PASSWORD), "{said}{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_known_by_its_name() {
    let database = empty_database().await;
    let store = Store::open(database.url()).await.unwrap();
    let mut connection = AnyConnection::connect(database.url()).await.unwrap();
    let asked =
        "SELECT CAST(COUNT(*) AS BIGINT) AS sessions FROM pg_stat_activity WHERE application_name = 'ringbook' AND datname = $1";
    let found = sqlx::query(asked).bind(database.name()).fetch_one(&mut connection).await.unwrap();
    assert!(found.get::<i64, _>("sessions") >= 2, "a writer and a reader");
    store.close().await;
}
