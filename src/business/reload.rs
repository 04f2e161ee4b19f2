//! The business files read again while the server runs: all of them are good and take the place of those before, or those
//! before stay and every problem is told.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::folder::{LoadFacts, load_folder};
use super::routing::Directory;
use crate::store::orders::Notice;
use crate::store::{self, Store};

/// How often it is looked whether somebody asked for it, and what was ordered.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the files of one server again. Clones are the same.
#[derive(Clone, Debug)]
pub struct Reload {
    folder: PathBuf,
    facts: LoadFacts,
    directory: Directory,
    store: Store,
}

impl Reload {
    /// Of this folder, into this directory.
    #[must_use]
    pub fn new(folder: PathBuf, facts: LoadFacts, directory: Directory, store: Store) -> Self {
        Self { folder, facts, directory, store }
    }

    /// Reads the files again whenever somebody asks for it from outside after `asked` was the last time, for ever.
    pub async fn watch(self, mut asked: i64) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_failed = false;
        loop {
            tick.tick().await;
            let failure = self.look(&mut asked).await.err();
            if let Some(error) = failure.as_ref().filter(|_| !has_failed) {
                tracing::error!(%error, "it cannot be looked what was ordered");
            }
            has_failed = failure.is_some();
        }
    }

    /// How often it was asked for so far.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asked(&self) -> Result<i64, store::Error> {
        self.store.version_of(Notice::Files).await
    }

    async fn look(&self, asked: &mut i64) -> Result<(), store::Error> {
        // Calls look for themselves; this is for all that runs without any.
        self.directory.keep_up(&self.store).await?;
        let now = self.asked().await?;
        if now != *asked {
            *asked = now;
            self.now().await;
        }
        Ok(())
    }

    /// Reads the files again.
    pub async fn now(&self) {
        let (folder, facts) = (self.folder.clone(), self.facts.clone());
        // Files are read by threads that may wait for a disk.
        match tokio::task::spawn_blocking(move || load_folder(&folder, &facts)).await {
            Ok(Ok(loaded)) => {
                self.directory.replace(&loaded.directory);
                for warning in loaded.warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(businesses = self.directory.all().count(), "the business files were read again and are in force");
            }
            Ok(Err(problems)) => {
                for problem in &problems {
                    tracing::error!("{problem}");
                }
                tracing::error!(
                    problems = problems.len(),
                    "the business files were read again and are wrong, so those before stay in force"
                );
            }
            Err(_died) => tracing::error!("the business files could not be read again"),
        }
    }
}
