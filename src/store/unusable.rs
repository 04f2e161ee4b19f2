//! Why a PostgreSQL server cannot be used, and what its administrator does about it. Passwords never get here: of an address only
//! the server, the database and the user are kept.

use std::fmt;

use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;

use super::Error;

/// A server, as it is named in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    at: String,
    user: String,
    database: String,
}

impl Server {
    /// The server that these options name.
    pub(super) fn of(options: &PgConnectOptions) -> Self {
        let at = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let user = options.get_username().to_owned();
        Self { at, database: options.get_database().unwrap_or(&user).to_owned(), user }
    }

    /// Why nobody got in.
    pub(super) fn because(&self, error: &sqlx::Error) -> Unusable {
        let server = self.clone();
        match code(error).as_deref() {
            Some("28P01" | "28000") => Unusable::Refused(server, error.to_string()),
            Some("3D000") => Unusable::NoDatabase(server),
            Some("42501") => Unusable::NoRight(server),
            Some("53300") => Unusable::Full(server),
            _ => Unusable::Unreachable(server, error.to_string()),
        }
    }

    /// Why the schema is not up to date.
    pub(super) fn because_of_schema(&self, error: MigrateError) -> Error {
        let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = &error else { return error.into() };
        let is_about_extension = cause.to_string().contains("btree_gist");
        match code(cause).as_deref() {
            Some("42501") if is_about_extension => Unusable::MayNotExtend(self.clone()).into(),
            // The second where the schema must not even be looked into, and counts as absent.
            Some("42501" | "3F000") => Unusable::MayNotCreate(self.clone(), cause.to_string()).into(),
            Some("0A000" | "58P01" | "22023") if is_about_extension => Unusable::NoExtension(self.clone()).into(),
            Some("55P03") => Unusable::Locked(self.clone()).into(),
            _ => error.into(),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {}", self.at)
    }
}

/// Why a PostgreSQL server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its address cannot be read.
    #[error("the address of the PostgreSQL server cannot be read: {0}")]
    Address(String),
    /// Nobody answers, or not as PostgreSQL does.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(Server, String),
    /// It knows the user not, or not with this password, or not from here.
    #[error("{0} does not let the user {user} in: {1}", user = .0.user)]
    Refused(Server, String),
    /// It has no such database.
    #[error("{0} has no database {name}; its administrator runs: CREATE DATABASE \"{name}\" OWNER \"{user}\" ENCODING 'UTF8' TEMPLATE template0",
        name = .0.database, user = .0.user)]
    NoDatabase(Server),
    /// The database is not for this user.
    #[error("{0} does not let the user {user} into the database {name}; its administrator runs: GRANT CONNECT ON DATABASE \"{name}\" TO \"{user}\"",
        name = .0.database, user = .0.user)]
    NoRight(Server),
    /// It has no connection to spare.
    #[error("{0} has no connection to spare: each copy of ringbook takes up to 12 of its max_connections")]
    Full(Server),
    /// It is older than what is cared for.
    #[error("{server} is version {version}: ringbook needs {oldest} or newer")]
    TooOld {
        /// Which.
        server: Server,
        /// As it says itself.
        version: String,
        /// The oldest that will do.
        oldest: i32,
    },
    /// It cannot keep every text.
    #[error("{server} keeps the database {name} in {encoding}, which cannot hold every name: make one with ENCODING 'UTF8'", name = .server.database)]
    Encoding {
        /// Which.
        server: Server,
        /// In what.
        encoding: String,
    },
    /// It repeats another server.
    #[error("{0} is a standby, which cannot be written: name the primary server")]
    Standby(Server),
    /// The extension is there, and the user must not switch it on.
    #[error("{0} does not let the user {user} create the extension btree_gist; its administrator runs, in the database {name}: CREATE EXTENSION btree_gist",
        name = .0.database, user = .0.user)]
    MayNotExtend(Server),
    /// The extension was not installed with the server.
    #[error(
        "{0} lacks the extension btree_gist: install what comes with PostgreSQL as \"contrib\" (Debian: in postgresql itself; Red Hat: postgresql-contrib)"
    )]
    NoExtension(Server),
    /// The user must not make tables.
    #[error("{0} does not let the user {user} make tables ({1}); its administrator runs, in the database {name}: GRANT USAGE, CREATE ON SCHEMA public TO \"{user}\"",
        name = .0.database, user = .0.user)]
    MayNotCreate(Server, String),
    /// Somebody else holds what has to be changed.
    #[error("{0}: somebody else, perhaps another copy of ringbook, has kept the database {name} from being brought up to date for a minute", name = .0.database)]
    Locked(Server),
}

/// The `SQLSTATE` of an error, where it is the server's own.
fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
