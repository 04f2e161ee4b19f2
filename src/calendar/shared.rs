//! What the copies of the server share on a Redis server: the last look at each window, and the mark of the last change of each
//! calendar. All of it may be gone, old or nonsense at any moment: it saves questions, and decides nothing. A server that fails or
//! is slow costs one short wait, and is left alone until it answers again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, cmd};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use super::changed::Marks;
use crate::config::RedisUrl;

/// How long a question may take. A caller waits for it, and Google is there as well.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long it may take to connect; nobody waits for it but who starts the server.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// How long a server that failed is left alone before it is connected to again.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a mark is kept, in seconds: longer than the settings let anything be remembered.
const MARK_SECONDS: u64 = 2 * 60 * 60;
/// What is said of a server of which nothing comes.
const SILENT: &str = "it does not answer in time";
/// The largest look that is passed on: what takes long to send is sooner asked for anew.
const MAX_BYTES: usize = 256 * 1024;

/// What is shared. Clones are the same.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    url: RedisUrl,
    /// Which server's looks they are: several may share one Redis.
    house: String,
    /// `None` while it is left alone. Not the manager that comes with the crate: that one lets callers wait while it connects, and
    /// keeps a connection on which nothing comes back any more.
    line: Mutex<Option<MultiplexedConnection>>,
    is_lost: Notify,
    /// Marks that the server may not have: they go ahead of every question until one is answered.
    unsaid: Mutex<HashMap<String, String>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("url", &self.0.url).finish_non_exhaustive()
    }
}

/// Whether a server can be reached there, and lets us in.
///
/// # Errors
/// A sentence without any password.
pub async fn reach(url: &RedisUrl) -> Result<(), String> {
    connect(url).await.map(drop)
}

impl Shared {
    /// Connects to this server, or goes on trying to. `house` tells apart whose looks they are.
    pub async fn open(url: &RedisUrl, house: &str) -> Self {
        let shared = Self(Arc::new(Inner {
            url: url.clone(),
            house: house.to_owned(),
            line: Mutex::default(),
            is_lost: Notify::new(),
            unsaid: Mutex::default(),
        }));
        match connect(url).await {
            Ok(line) => *shared.line() = Some(line),
            Err(cause) => shared.leave_alone(&cause),
        }
        tokio::spawn(shared.clone().stay_connected());
        shared
    }

    /// Whether it answered the last time.
    pub(super) fn is_there(&self) -> bool {
        self.line().is_some()
    }

    /// A change that the others are to be told of.
    pub(super) fn changed(&self, calendar: &str, mark: &str) {
        self.unsaid().insert(calendar.to_owned(), mark.to_owned());
    }

    /// Tells the others what they are to be told, if it can be.
    pub(super) async fn tell(&self) {
        if !self.unsaid().is_empty() {
            self.ask::<()>(|_nothing_more| ()).await;
        }
    }

    /// The marks of these calendars. `None`: nobody knows.
    pub(super) async fn marks(&self, calendars: &[String]) -> Option<Marks> {
        let question = |all: &mut Pipeline| _ = all.add_command(get(calendars, None));
        let (found,): (Vec<Option<Vec<u8>>>,) = self.ask(question).await?;
        Some(marks(calendars, &found))
    }

    /// The marks of these calendars, which all have one from now on, and the last look under this key.
    pub(super) async fn look_up(&self, key: &str, calendars: &[String]) -> Option<(Marks, Option<Vec<u8>>)> {
        let question = |all: &mut Pipeline| {
            for calendar in calendars {
                all.add_command(mark(calendar, &Uuid::new_v4().simple().to_string())).arg("NX").ignore();
            }
            all.add_command(get(calendars, Some(&self.place_of(key))));
        };
        let (found,): (Vec<Option<Vec<u8>>>,) = self.ask(question).await?;
        let look = found.get(calendars.len()).cloned().flatten();
        Some((marks(calendars, &found), look.filter(|look| look.len() <= MAX_BYTES)))
    }

    /// Keeps a look for the others.
    pub(super) async fn keep(&self, key: &str, look: &[u8], lifetime: Duration) {
        if look.len() <= MAX_BYTES {
            let lifetime = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX).max(1);
            let keep = |all: &mut Pipeline| _ = all.cmd("SET").arg(self.place_of(key)).arg(look).arg("PX").arg(lifetime).ignore();
            self.ask::<()>(keep).await;
        }
    }

    /// What is unsaid goes ahead on the same way, so that the answer is as if all of it had been said before.
    async fn ask<T: FromRedisValue>(&self, question: impl FnOnce(&mut Pipeline)) -> Option<T> {
        let mut line = self.line().clone()?;
        let (unsaid, mut all) = (self.unsaid().clone(), Pipeline::new());
        for (calendar, told) in &unsaid {
            all.add_command(mark(calendar, told)).ignore();
        }
        question(&mut all);
        let answer = match timeout(PATIENCE, all.query_async(&mut line)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_elapsed) => Err(SILENT.to_owned()),
        };
        match answer {
            Ok(answer) => {
                self.unsaid().retain(|calendar, mark| unsaid.get(calendar) != Some(mark));
                Some(answer)
            }
            Err(cause) => {
                // Of all who fail on one line the first says so.
                if self.line().take().is_some() {
                    self.leave_alone(&cause);
                }
                None
            }
        }
    }

    fn leave_alone(&self, cause: &str) {
        tracing::warn!(redis = %self.0.url, cause, "Redis is not used now: each copy of the server sees the calendars for itself");
        self.0.is_lost.notify_one();
    }

    async fn stay_connected(self) {
        loop {
            self.0.is_lost.notified().await;
            while !self.is_there() {
                tokio::time::sleep(PAUSE).await;
                if let Ok(line) = connect(&self.0.url).await {
                    *self.line() = Some(line);
                    tracing::info!(redis = %self.0.url, "Redis is used again");
                }
            }
            self.tell().await;
        }
    }

    fn place_of(&self, key: &str) -> String {
        format!("ringbook:busy:{}:{key}", self.0.house)
    }

    fn line(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsaid(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(url: &RedisUrl) -> Result<MultiplexedConnection, String> {
    let connecting = async {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut line = Client::open(url.expose())?.get_multiplexed_async_connection_with_config(&config).await?;
        // Whether somebody took the connection is not whether anybody answers on it.
        cmd("PING").exec_async(&mut line).await?;
        Ok::<_, RedisError>(line)
    };
    match timeout(CONNECT_PATIENCE, connecting).await {
        Ok(line) => line.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(SILENT.to_owned()),
    }
}

fn place_of_mark(calendar: &str) -> String {
    format!("ringbook:changed:{calendar}")
}

/// Sets a mark.
fn mark(calendar: &str, mark: &str) -> Cmd {
    let mut set = cmd("SET");
    set.arg(place_of_mark(calendar)).arg(mark).arg("EX").arg(MARK_SECONDS);
    set
}

/// Asks for marks, and for one thing more: what is not text counts as absent.
fn get(calendars: &[String], more: Option<&str>) -> Cmd {
    let mut get = cmd("MGET");
    for calendar in calendars {
        get.arg(place_of_mark(calendar));
    }
    if let Some(more) = more {
        get.arg(more);
    }
    get
}

fn marks(calendars: &[String], found: &[Option<Vec<u8>>]) -> Marks {
    let text = |mark: &Option<Vec<u8>>| mark.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    calendars.iter().cloned().zip(found.iter().map(text)).collect()
}
