//! What the process holds in memory: after its start, after many thousand deliveries of which none is like another, and while
//! thousands of connections are held open.

use futures_util::future::join_all;

use crate::edge_program::caller;
use crate::house::inbound;
use crate::slow_senders::Crowd;
use crate::sockets::SOCKETS;
use crate::stage::{Server, question};
use crate::table::Table;
use crate::wire::{form, word};

const LINES: usize = 32;
/// What is delivered in a call.
const IN_A_CALL: usize = 4;
const FEW: usize = 5_000;
const MANY: usize = 50_000;
/// What is filled by the first calls, such as the pages of the database that are kept at hand.
const BOUND: f64 = 2.0;
/// Ten times the deliveries: what is remembered of them is on the disk, and what is in memory has a bound each.
const BOUND_OF_MANY: f64 = 1.25;
/// The buffers of five thousand connections, some 16 kB each.
const CROWD_BOUND: f64 = 6.0;

pub async fn measure(table: &mut Table) {
    let server = Server::start().await;
    let at_start = server.resident();
    deliver(&server, 0, FEW).await;
    let after_few = server.resident();
    deliver(&server, FEW, MANY).await;
    let after_many = server.resident();
    let name = format!("memory after {MANY} deliveries");
    table.sizes((&name, after_many), ("after the start", at_start), Some(BOUND));
    table.sizes((&name, after_many), (&format!("after {FEW}"), after_few), Some(BOUND_OF_MANY));

    let fresh = Server::start().await;
    let before = fresh.resident();
    let crowd = Crowd::come(&fresh, SOCKETS).await;
    let beside = fresh.resident();
    crowd.go(&fresh).await;
    table.sizes((&format!("memory with {SOCKETS} slow sockets"), beside), ("without", before), Some(CROWD_BOUND));
}

/// Delivers whole calls: it rings, the assistant answers, times are asked for, it is over.
async fn deliver(server: &Server, from: usize, to: usize) {
    let calls = from / IN_A_CALL..to / IN_A_CALL;
    let sending = (0..LINES).map(|first| {
        let calls = calls.clone();
        async move {
            let mut line = server.line().await;
            for number in calls.skip(first).step_by(LINES) {
                let (who, call) = (caller(number), format!("call-{number}"));
                let ringing = form(&server.house, "/twilio/inbound", &inbound(&format!("CA{number:032x}"), &who));
                line.ask(&ringing).await.must_say("<Stream");
                line.ask(&word(&call, &who, "status-update", "in-progress")).await.must_say("{}");
                line.ask(&question(&who, &call, "t1")).await.must_say("I have");
                line.ask(&word(&call, &who, "end-of-call-report", "ended")).await.must_say("{}");
            }
        }
    });
    join_all(sending).await;
}
