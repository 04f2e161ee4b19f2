//! Thousands who hold connections open and send as little as they can: what somebody else notices, who comes with a connection
//! of their own for each request.

use std::time::Duration;

use ringbook::clock::Stopwatch;

use crate::edge_program::caller;
use crate::sides::{Took, timed};
use crate::slow_senders::Crowd;
use crate::stage::{Server, question};
use crate::table::{By, Table};
use crate::wire::{Line, word};

pub const SOCKETS: usize = 5_000;
const ROUNDS: usize = 5;
/// How long each side is measured in a round: longer than it takes until the first slow senders are cut off and come again.
const ROUND: Duration = Duration::from_secs(10);
/// What was promised: the 99th percentile at most doubles.
const BOUND: f64 = 2.0;

/// How long a word and a question took.
#[derive(Default)]
struct Client {
    words: Took,
    questions: Took,
    asked: usize,
}

impl Client {
    fn next_round(&mut self) {
        self.words.next_round();
        self.questions.next_round();
    }

    /// Asks for as long as a round takes.
    async fn ask(&mut self, server: &Server) {
        let watch = Stopwatch::start();
        while !watch.left_of(ROUND).is_zero() {
            self.asked += 1;
            let (who, call) = (caller(self.asked), format!("call-{}-{}", std::ptr::from_ref(self).addr(), self.asked));
            let (begins, ends) =
                (word(&call, &who, "status-update", "in-progress"), word(&call, &who, "end-of-call-report", "ended"));
            self.words.add(timed(anew(server, &begins, "{}")).await);
            self.questions.add(timed(anew(server, &question(&who, &call, "t1"), "I have")).await);
            anew(server, &ends, "{}").await;
        }
    }
}

async fn anew(server: &Server, request: &[u8], answer: &str) {
    Line::open(server.url()).await.ask(request).await.must_say(answer);
}

pub async fn measure(table: &mut Table) {
    let server = Server::start().await;
    let (mut alone, mut beside) = (Client::default(), Client::default());
    for round in 0..ROUNDS {
        if round > 0 {
            alone.next_round();
            beside.next_round();
        }
        alone.ask(&server).await;
        let crowd = Crowd::come(&server, SOCKETS).await;
        beside.ask(&server).await;
        assert!(server.descriptors() > SOCKETS / 2, "the crowd is not there any more: {}", server.descriptors());
        crowd.go(&server).await;
    }
    let with = format!("with {SOCKETS} slow sockets");
    table.times((&format!("status-update {with}"), &beside.words), ("the same without", &alone.words), By::P99, Some(BOUND));
    let name = format!("checkAvailability {with}");
    table.times((&name, &beside.questions), ("the same without", &alone.questions), By::P99, Some(BOUND));
}
