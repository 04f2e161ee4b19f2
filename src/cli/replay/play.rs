//! Sending: each play sends the webhooks one after the other, as they came, to every server at once; several plays may run at
//! the same time.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use reqwest::Client;
use url::Url;

use super::super::progress::Progress;
use super::super::sign::Signer;
use super::lines::Line;
use crate::clients::webhook;
use crate::clock::{Clock, Stopwatch};
use crate::recorder::REPLAYED;

/// A webhook, and who proves it.
pub(super) struct Prepared {
    pub line: Line,
    pub signer: Signer,
}

/// What is sent, and whereto.
pub(super) struct Play {
    pub http: Client,
    pub webhooks: Vec<Prepared>,
    pub servers: Vec<Url>,
}

/// What came back: a status and a body, or why nothing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: Option<u16>,
    pub body: String,
}

/// All answers of one server to one webhook, equal ones together.
#[derive(Debug, Default)]
pub(super) struct Answers(pub Vec<(Answer, Vec<u64>)>);

impl Answer {
    /// Whether the server took it.
    pub(super) fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Answers {
    fn note(&mut self, answer: Answer, ms: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, times)) => times.push(ms),
            None => self.0.push((answer, vec![ms])),
        }
    }

    /// How many came.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|(_, times)| times.len()).sum()
    }

    /// How many of them say that it was taken.
    pub(super) fn taken(&self) -> usize {
        self.0.iter().filter(|(answer, _)| answer.is_taken()).map(|(_, times)| times.len()).sum()
    }
}

impl Play {
    /// Plays so often, so many at a time: of each webhook, the answers of each server.
    pub(super) async fn all(&self, times: u32, parallel: u16, progress: &Progress) -> Vec<Vec<Answers>> {
        let nothing = || self.servers.iter().map(|_| Answers::default()).collect::<Vec<_>>();
        let mut outcomes: Vec<_> = self.webhooks.iter().map(|_| nothing()).collect();
        let mut plays = stream::iter(0..times).map(|_| self.once()).buffer_unordered(usize::from(parallel));
        let mut done: u32 = 0;
        while let Some(played) = plays.next().await {
            done += 1;
            progress.reached(format!("{done} of {times} plays"));
            for (of_webhook, answers) in outcomes.iter_mut().zip(played) {
                for (of_server, (answer, ms)) in of_webhook.iter_mut().zip(answers) {
                    of_server.note(answer, ms);
                }
            }
        }
        outcomes
    }

    async fn once(&self) -> Vec<Vec<(Answer, u64)>> {
        let mut played = Vec::with_capacity(self.webhooks.len());
        for webhook in &self.webhooks {
            played.push(join_all(self.servers.iter().map(|server| self.send(webhook, server))).await);
        }
        played
    }

    async fn send(&self, webhook: &Prepared, server: &Url) -> (Answer, u64) {
        let Prepared { line, signer } = webhook;
        let watch = Stopwatch::start();
        let sent = async {
            let address = format!("{}{}", server.as_str().trim_end_matches('/'), line.path);
            let to = Url::parse(&address).map_err(|error| error.to_string())?;
            // Signed at this moment: a proof may hold for some minutes only.
            let proof = signer.headers(line.body.as_bytes(), Clock::System.now());
            let headers = [line.headers.clone(), proof, vec![(REPLAYED.to_owned(), "1".to_owned())]].concat();
            webhook::post(&self.http, &to, &headers, line.body.clone().into_bytes()).await.map_err(|error| error.to_string())
        };
        let answer = match sent.await {
            Ok((status, body)) => Answer { status: Some(status), body },
            Err(cause) => Answer { status: None, body: cause },
        };
        (answer, watch.elapsed_ms())
    }
}
