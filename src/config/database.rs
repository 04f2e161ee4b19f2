//! `DATABASE_URL`, and the settings of commands that only look into the database.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::environment::Environment;
use super::folder;
use super::problems::Problems;
use super::reader::Reader;

/// How the address of a file begins.
const FILE: &str = "sqlite://";
/// How the address of a PostgreSQL server begins.
const SERVERS: [&str; 2] = ["postgres://", "postgresql://"];
/// As PostgreSQL's own programs know them.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// What a command needs that only looks into the database.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// `DATABASE_URL`.
    pub database_url: DatabaseUrl,
    /// `BUSINESSES`: the folder of business files.
    pub businesses: PathBuf,
}

/// The settings of commands that only look into the database.
///
/// # Errors
/// Every mistake in them at once.
pub fn load_store(environment: &Environment) -> Result<StoreSettings, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let database_url = reader.always("DATABASE_URL", None, url);
    let businesses = folder::setting(&mut reader);
    let settings = database_url.and_then(|database_url| Ok(StoreSettings { database_url, businesses: businesses? }));
    reader.finish(settings).map(|(settings, _)| settings)
}

/// Where everything is kept. The address of a server may hold its password, so it is shown without.
#[derive(Clone)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    /// The address, if it is one.
    ///
    /// # Errors
    /// What is wrong with it, to follow its name. The address itself is not repeated: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        url(text)
    }

    /// The whole address, for whoever opens it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The file that it names, where it does not name a server.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.expose().strip_prefix(FILE).map(Path::new)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(self.expose()) {
            Ok(url) if self.file().is_none() => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "postgres://{}@{}{port}{}", url.username(), url.host_str().unwrap_or_default(), url.path())
            }
            _ => f.write_str(self.expose()),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn url(value: &str) -> Result<DatabaseUrl, &'static str> {
    let url = if SERVERS.iter().any(|scheme| value.starts_with(scheme)) { server(value) } else { file(value) };
    url.map(|url| DatabaseUrl(url.into()))
}

/// Only the scheme and the path are kept: how the file is opened is the store's affair.
fn file(value: &str) -> Result<String, &'static str> {
    if value.contains(":memory:") || value.contains("mode=memory") {
        return Err("must name a file: what is kept in memory only is lost with the process");
    }
    let example = "must be sqlite:// and the path of a file, e.g. sqlite://ringbook.db or sqlite:///var/lib/ringbook/ringbook.db, \
                   or postgres://USER:PASSWORD@HOST/DATABASE";
    let path = value.strip_prefix(FILE).ok_or(example)?;
    let path = path.strip_suffix("?mode=rwc").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') || path.contains(['?', '#']) { Err(example) } else { Ok(format!("{FILE}{path}")) }
}

/// The address of a server, as it came. What it says must be understood: an option that is ignored would be one to rely on.
fn server(value: &str) -> Result<String, &'static str> {
    let example = "must be postgres://USER:PASSWORD@HOST:PORT/DATABASE (characters of the password that mean something in an address, \
                   e.g. / @ # ? %, are written as %2F %40 %23 %3F %25)";
    let url = Url::parse(value).map_err(|_unreadable| example)?;
    let (database, has_server) = (url.path().trim_start_matches('/'), url.host_str().is_some_and(|host| !host.is_empty()));
    if !has_server || url.username().is_empty() || url.fragment().is_some() || database.is_empty() || database.contains('/') {
        return Err(example);
    }
    for (name, value) in url.query_pairs() {
        match &*name {
            "sslmode" if SSL_MODES.contains(&&*value) => {}
            "sslmode" => return Err("has an sslmode that is none of disable, allow, prefer, require, verify-ca, verify-full"),
            "host" if value.starts_with('/') => {}
            "host" => {
                return Err("has a host= that is not the folder of a socket: write the server's name in front of the database");
            }
            "sslrootcert" | "sslcert" | "sslkey" => {}
            _ => return Err("has an option that is none of sslmode, sslrootcert, sslcert, sslkey and host: leave it out"),
        }
    }
    Ok(value.to_owned())
}
