//! A database of one test, of either kind; and how one test becomes a test on both.

use ringbook::names::BookingId;
use ringbook::store::Store;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

use crate::postgres;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// Where houses keep everything that do not say otherwise: in files, but for `tests/run --postgres`.
    #[expect(clippy::disallowed_methods, reason = "asks which database is tried")]
    pub fn of_houses() -> Self {
        if std::env::var("RINGBOOK_TESTS_DATABASE").is_ok_and(|value| value == "postgres") {
            Self::Postgres
        } else {
            Self::Sqlite
        }
    }
}

/// Where a test keeps everything. What it holds is gone with it.
#[derive(Debug)]
pub enum Place {
    File(TempDir),
    Server(postgres::Database),
}

impl Place {
    pub async fn new(on: On) -> Self {
        match on {
            On::Sqlite => Self::File(tempfile::tempdir().unwrap()),
            On::Postgres => Self::Server(postgres::database().await),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite://{}", folder.path().join("ringbook.db").display()),
            Self::Server(database) => database.url().to_owned(),
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }
}

/// An open database of one test.
pub struct Shelf {
    place: Place,
    pub store: Store,
}

impl Shelf {
    pub async fn on(on: On) -> Self {
        let place = Place::new(on).await;
        let store = place.open().await;
        Self { place, store }
    }

    /// Another process at the same database, while this one lives.
    pub async fn other(&self) -> Store {
        self.place.open().await
    }

    pub async fn reopened(self) -> Self {
        self.store.close().await;
        let store = self.place.open().await;
        Self { place: self.place, store }
    }

    /// The recorded moves of a booking, in their order.
    pub async fn moves(&self, id: BookingId) -> Vec<(String, String, String, String)> {
        let statement = "SELECT from_state, to_state, cause, evidence FROM booking_moves WHERE booking = $1 ORDER BY seq";
        sqlx::query_as(statement).bind(id.to_string()).fetch_all(&mut self.connection().await).await.unwrap()
    }

    /// A connection as nobody of ringbook has it.
    pub async fn connection(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.place.url()).await.unwrap()
    }
}

/// Makes two tests out of each function named: one on either database, run as it is said. What they take is made by its `on`.
macro_rules! on_both {
    (#[$run:meta] $ground:ident; $($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[$run]
            async fn $name() {
                super::$name(super::$ground::on($crate::shelf::On::Sqlite).await).await;
            })+
        }
        mod on_postgres {
            $(#[$run]
            async fn $name() {
                super::$name(super::$ground::on($crate::shelf::On::Postgres).await).await;
            })+
        }
    };
}
pub(crate) use on_both;
