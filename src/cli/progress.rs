//! What is shown on a terminal while a command works longer than a moment: what it does, how far it is and for how long. Nothing
//! where stderr is no terminal, and nothing for scripts. The line is gone again before anything else is said.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Work that ends sooner shows nothing.
const SHORT: Duration = Duration::from_secs(1);
/// Until the line is written anew.
const TICK: Duration = Duration::from_millis(250);

/// One line, as long as this lives.
#[derive(Debug)]
pub(super) struct Progress {
    how_far: Arc<Mutex<String>>,
    shown: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to show `what`; a script is shown nothing, nor is anybody without a terminal.
    pub fn of(what: &'static str, for_a_script: bool) -> Self {
        let how_far = Arc::new(Mutex::new(String::new()));
        let is_shown = !for_a_script && io::stderr().is_terminal();
        let shown = is_shown.then(|| {
            let ((ends, ended), how_far) = (mpsc::channel(), Arc::clone(&how_far));
            (ends, thread::spawn(move || show(what, &how_far, &ended)))
        });
        Self { how_far, shown }
    }

    /// How far it is, in a few words.
    pub fn reached(&self, how_far: String) {
        *self.how_far.lock().unwrap_or_else(PoisonError::into_inner) = how_far;
    }
}

/// The line is taken away before this returns.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ends, shown)) = self.shown.take() {
            drop(ends);
            // It ends by itself, whatever became of its stderr.
            let _ = shown.join();
        }
    }
}

/// Only spaces and returns: a terminal that knows no more can show it, too.
fn show(what: &str, how_far: &Mutex<String>, ended: &mpsc::Receiver<()>) {
    let (since, mut pause, mut width) = (Stopwatch::start(), SHORT, 0);
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let far = how_far.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = format!("{what}… {far}{}{} s", if far.is_empty() { "" } else { ", " }, since.elapsed().as_secs());
        let _ = write!(io::stderr(), "\r{line:<width$}");
        (pause, width) = (TICK, width.max(line.chars().count()));
    }
    if width > 0 {
        let _ = write!(io::stderr(), "\r{:width$}\r", "");
    }
}
