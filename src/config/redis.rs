//! `REDIS_URL`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A Redis server. Its address may hold a password, so it is shown without.
#[derive(Clone)]
pub struct RedisUrl(SecretString);

impl RedisUrl {
    /// The whole address, for whoever connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(url) = Url::parse(self.expose()) else { return f.write_str("redis") };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        write!(f, "{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn url(value: &str) -> Result<RedisUrl, &'static str> {
    let example = "must be redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT, with /NUMBER behind it for another database \
                   (characters of the password that mean something in an address, e.g. / @ # ? %, are written as %2F %40 %23 %3F %25)";
    let url = Url::parse(value).map_err(|_unreadable| example)?;
    let is_known = matches!(url.scheme(), "redis" | "rediss") && url.host_str().is_some_and(|host| !host.is_empty());
    let database = url.path().trim_start_matches('/');
    let is_database = database.is_empty() || database.parse::<u16>().is_ok();
    // An option that is ignored would be one to rely on.
    let is_plain = url.query().is_none() && url.fragment().is_none();
    if is_known && is_database && is_plain { Ok(RedisUrl(value.to_owned().into())) } else { Err(example) }
}
