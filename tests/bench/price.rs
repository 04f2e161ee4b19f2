//! What it costs that every request is proven, heard once and kept: webhooks of all kinds in a flood, beside a server that only
//! reads them and answers `{}`, and beside one that flushes each of them to the disk before it answers.

use std::time::Duration;

use futures_util::future::join_all;

use crate::bare::{Bare, to_be_kept};
use crate::edge_program::caller;
use crate::house::inbound;
use crate::sides::{Took, timed};
use crate::stage::{Server, question};
use crate::table::{By, Table};
use crate::wire::{Line, form, word};

const ROUNDS: usize = 15;
/// Connections that send at once.
const LINES: usize = 16;
/// What each of them sends in a round.
const EACH: usize = 20;
/// Calls that they belong to.
const CALLS: usize = 128;
const IN_A_ROUND: usize = LINES * EACH;

/// One kind of webhook.
struct Kind {
    name: &'static str,
    /// In every answer to it.
    answer: &'static str,
    /// So many times the cost of a server that only reads: the body is proven and understood, and the calls that it may
    /// belong to are looked up in the database. No bound where the answer has to be kept: how much a flush costs depends on
    /// the disk.
    beside_reading: Option<f64>,
    /// So many times the cost of a flush for each. A question is kept twice (what was offered, and the answer) and a call
    /// twice (that it rang, and how it was answered); those who come together share their flushes, so on a slow disk this
    /// is below 1, and on a fast one it is the work around them. Only for what is kept.
    beside_keeping: Option<f64>,
}

const KINDS: [Kind; 4] = [
    Kind { name: "status-update", answer: "{}", beside_reading: Some(12.0), beside_keeping: None },
    Kind { name: "a repeated tool call", answer: "I have", beside_reading: Some(20.0), beside_keeping: None },
    Kind { name: "checkAvailability", answer: "I have", beside_reading: None, beside_keeping: Some(8.0) },
    Kind { name: "an inbound call (stream)", answer: "<Stream", beside_reading: None, beside_keeping: Some(4.0) },
];

pub async fn measure(table: &mut Table) {
    let server = Server::start().await;
    let bare = Bare::start(server.house.folder.path());
    let (mut to_server, mut to_bare) = (lines(server.url()).await, lines(&bare.url).await);
    for (index, kind) in KINDS.iter().enumerate() {
        let (mut ours, mut reading, mut keeping) = (Took::default(), Took::default(), Took::default());
        // The first round makes the calls known, and fills what is filled once.
        for round in 0..=ROUNDS {
            let requests: Vec<Vec<u8>> = (0..IN_A_ROUND).map(|number| request(&server, index, round, number)).collect();
            let kept: Vec<Vec<u8>> = requests.iter().map(|request| to_be_kept(request)).collect();
            let took = flood(&mut to_server, &requests, kind.answer).await;
            let beside = flood(&mut to_bare, &requests, "{}").await;
            let on_disk = if kind.beside_keeping.is_some() { flood(&mut to_bare, &kept, "{}").await } else { Duration::ZERO };
            if round > 0 {
                ours.add(took);
                reading.add(beside);
                keeping.add(on_disk);
            }
        }
        table.times((kind.name, &ours), ("a server that only reads it", &reading), By::Median, kind.beside_reading);
        if kind.beside_keeping.is_some() {
            table.times((kind.name, &ours), ("a server that flushes each", &keeping), By::Median, kind.beside_keeping);
        }
    }
}

/// The request of this number in this round. As many callers ask at once as a very busy business has: what is offered in
/// running calls is weighed for every question.
fn request(server: &Server, kind: usize, round: usize, number: usize) -> Vec<u8> {
    let (who, new) = (caller(number % CALLS), round * IN_A_ROUND + number);
    let call = format!("call-{}", number % CALLS);
    match kind {
        0 => word(&call, &who, "status-update", "in-progress"),
        1 => question(&who, &call, "t1"),
        2 => question(&who, &call, &format!("new-{new}")),
        _ => form(&server.house, "/twilio/inbound", &inbound(&format!("CA{new:032x}"), &who)),
    }
}

async fn lines(url: &str) -> Vec<Line> {
    join_all((0..LINES).map(|_| Line::open(url))).await
}

/// Sends all of them, as fast as they are answered: the time that each took on the whole.
async fn flood(lines: &mut [Line], requests: &[Vec<u8>], answer: &str) -> Duration {
    let sending = lines.iter_mut().zip(requests.chunks(EACH)).map(|(line, requests)| async move {
        for request in requests {
            line.ask(request).await.must_say(answer);
        }
    });
    let took = timed(async { drop(join_all(sending).await) }).await;
    took / u32::try_from(requests.len()).unwrap()
}
