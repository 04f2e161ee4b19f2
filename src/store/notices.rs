//! Words between the copies of the server at one PostgreSQL server, by its LISTEN and NOTIFY. A word may be lost, and where the
//! database is a file there are none: whoever waits for one also looks by himself, and nothing is decided by a word alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use uuid::Uuid;

use super::Store;

/// Where the copies speak.
pub(super) const CHANNEL: &str = "ringbook";
/// Words that are not heard yet by whoever listens here; past that the oldest are lost.
const MAX_HEARD: usize = 1_024;
/// Words that are not said yet; past that they are lost.
const MAX_TO_SAY: usize = 256;
/// How long the server may take to let us in, or to say that it is still there.
const PATIENCE: Duration = Duration::from_secs(5);
/// When nothing was heard or said for so long, the server is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(30);
/// When nobody could be reached, it is tried again so long after.
const PAUSE: Duration = Duration::from_secs(1);

/// What one copy tells the others. Everything in it is a digest or drawn by lot: a server's log shows nothing with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The delivery under the key with this [`digest`] has its answer, or was given up.
    Answered(String),
    /// Something changed in a calendar.
    Changed {
        /// The [`digest`] of what it is known by to everybody.
        calendar: String,
        /// The name of this change.
        change: String,
    },
}

/// The words of this copy. Clones share them.
#[derive(Clone)]
pub(super) struct Notices(Option<Arc<Line>>);

/// The line to a server.
struct Line {
    url: String,
    /// Our name: our own words come back to us.
    name: String,
    talk: OnceLock<Talk>,
}

/// A line that is in use; it ends with the last who has it.
struct Talk {
    heard: broadcast::Sender<Word>,
    to_say: mpsc::Sender<Word>,
    is_open: Arc<AtomicBool>,
    task: AbortHandle,
}

/// Hears the other copies from the moment on in which it was made.
#[derive(Debug)]
pub struct Ear(Option<(broadcast::Receiver<Word>, Arc<AtomicBool>)>);

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notices")
    }
}

impl Store {
    /// Hears what the other copies say from now on.
    #[must_use]
    pub fn ear(&self) -> Ear {
        Ear(self.notices.0.as_deref().map(|line| {
            let talk = line.talk();
            (talk.heard.subscribe(), Arc::clone(&talk.is_open))
        }))
    }

    /// Says this to the other copies soon, unless they cannot be reached.
    pub fn say(&self, word: Word) {
        if let Some(line) = &self.notices.0 {
            // Nothing hangs on a word.
            let _lost = line.talk().to_say.try_send(word);
        }
    }
}

impl Ear {
    /// Whether words come at present. It may seem so where somebody in between swallows them.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, is_open)| is_open.load(Ordering::Relaxed))
    }

    /// The next word; `None` when some were lost. Without a line it never comes.
    pub async fn word(&mut self) -> Option<Word> {
        let heard = match &mut self.0 {
            Some((heard, _)) => heard.recv().await,
            None => future::pending().await,
        };
        match heard {
            Err(broadcast::error::RecvError::Closed) => future::pending().await,
            heard => heard.ok(),
        }
    }

    /// Waits for this word, or one that may have been it; `patience` at most.
    pub async fn hears(&mut self, word: &Word, patience: Duration) {
        let heard = async { while self.word().await.is_some_and(|heard| heard != *word) {} };
        let _told = timeout(patience, heard).await;
    }
}

impl Notices {
    /// Where there is nobody else.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// To the copies at this server; the line is opened when it is first wanted.
    pub(super) fn at(url: &str) -> Self {
        Self(Some(Arc::new(Line { url: url.to_owned(), name: Uuid::new_v4().simple().to_string(), talk: OnceLock::new() })))
    }

    /// The same word for a statement that says it when it is committed; `None` where there is nobody to hear it.
    pub(super) fn payload(&self, word: &Word) -> Option<String> {
        self.0.as_ref().map(|line| word.payload(&line.name))
    }

    /// Ends the line.
    pub(super) fn close(&self) {
        if let Some(talk) = self.0.as_ref().and_then(|line| line.talk.get()) {
            talk.task.abort();
        }
    }
}

impl Line {
    fn talk(&self) -> &Talk {
        self.talk.get_or_init(|| {
            let (heard, _) = broadcast::channel(MAX_HEARD);
            let (to_say, waiting) = mpsc::channel(MAX_TO_SAY);
            let is_open = Arc::new(AtomicBool::new(false));
            let speaker =
                Speaker { url: self.url.clone(), name: self.name.clone(), heard: heard.clone(), is_open: Arc::clone(&is_open) };
            let task = tokio::spawn(speaker.talk(waiting)).abort_handle();
            Talk { heard, to_say, is_open, task }
        })
    }
}

/// Who holds the line.
struct Speaker {
    url: String,
    name: String,
    heard: broadcast::Sender<Word>,
    is_open: Arc<AtomicBool>,
}

impl Speaker {
    /// Until nobody has anything to say any more; connects again whenever the line is lost.
    async fn talk(self, mut to_say: mpsc::Receiver<Word>) {
        let mut was_open = true;
        while let Err(error) = self.talk_once(&mut to_say).await {
            // Said once for each time that it is lost.
            if self.is_open.swap(false, Ordering::Relaxed) || was_open {
                tracing::warn!(%error, "the other copies of the server are not heard now: what they do is noticed a little later");
                was_open = false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn talk_once(&self, to_say: &mut mpsc::Receiver<Word>) -> Result<(), sqlx::Error> {
        let mut line = in_time(PgListener::connect(&self.url)).await?;
        line.eager_reconnect(false);
        in_time(line.listen(CHANNEL)).await?;
        self.is_open.store(true, Ordering::Relaxed);
        loop {
            tokio::select! {
                heard = line.try_recv() => match heard? {
                    Some(heard) => self.hear(heard.payload()),
                    None => return Err(super::readers::silent()),
                },
                word = to_say.recv() => {
                    let Some(word) = word else { return Ok(()) };
                    let say = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(word.payload(&self.name));
                    in_time(say.execute(&mut line)).await?;
                }
                () = tokio::time::sleep(QUIET) => {
                    let _still_there = in_time(sqlx::query("SELECT 1").execute(&mut line)).await?;
                }
            }
        }
    }

    fn hear(&self, payload: &str) {
        if let Some(word) = Word::read(payload, &self.name) {
            // Nobody may be listening.
            let _unheard = self.heard.send(word);
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_elapsed| Err(super::readers::silent()))
}

impl Word {
    /// That the delivery under this key needs no more waiting for.
    #[must_use]
    pub fn answered(key: &str) -> Self {
        Self::Answered(digest(key))
    }

    fn payload(&self, name: &str) -> String {
        match self {
            Self::Answered(key) => format!("{name} answered {key}"),
            Self::Changed { calendar, change } => format!("{name} changed {calendar} {change}"),
        }
    }

    /// `None` for our own, and for what another version may say.
    fn read(payload: &str, name: &str) -> Option<Self> {
        let parts: Vec<&str> = payload.split(' ').collect();
        match parts.as_slice() {
            [speaker, ..] if *speaker == name => None,
            [_, "answered", key] => Some(Self::Answered((*key).to_owned())),
            [_, "changed", calendar, change] => {
                Some(Self::Changed { calendar: (*calendar).to_owned(), change: (*change).to_owned() })
            }
            _ => None,
        }
    }
}

/// A short name of something that is nobody else's business.
#[must_use]
pub fn digest(text: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(text.as_bytes()));
    digest.truncate(32);
    digest
}
