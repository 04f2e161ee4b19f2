//! Speed and memory, as ratios side by side in one run: what a thing costs beside something simple on the same machine in the
//! same minute. The built program runs as a process of its own among the stand-ins of the tests. Nothing here says how fast a
//! machine is, and no test depends on it.
//!
//! `cargo bench --bench bench` measures everything; `cargo bench --bench bench -- booking` one thing. The exit code is 1 where
//! a promised bound is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::unused_async,
    missing_docs
)]

mod bare;
mod booking;
mod growth;
mod memory;
mod price;
mod sides;
mod slow_senders;
mod sockets;
mod stage;
mod start;
mod table;
mod wire;

#[allow(dead_code)]
#[path = "../it/edge_program.rs"]
mod edge_program;
#[allow(dead_code)]
#[path = "../it/fakes/mod.rs"]
mod fakes;
#[allow(dead_code)]
#[path = "../it/house.rs"]
mod house;
#[allow(dead_code)]
#[path = "../it/postgres.rs"]
mod postgres;
#[allow(dead_code)]
#[path = "../it/program.rs"]
mod program;
#[allow(dead_code, unused_macros, unused_imports)]
#[path = "../it/shelf.rs"]
mod shelf;
#[allow(dead_code, unused_imports)]
#[path = "../it/store.rs"]
mod store;

use std::process::ExitCode;

use table::Table;

/// Everything that can be measured, in the order in which it is.
const ALL: [&str; 6] = ["start", "booking", "growth", "price", "sockets", "memory"];

fn main() -> ExitCode {
    // cargo adds an option of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // Not for people: processes that a measurement starts beside itself.
        [bare::COMMAND, folder] => bare::serve(folder),
        [slow_senders::COMMAND, address, count] => slow_senders::send(address, count.parse().unwrap()),
        [] => return measure(&ALL),
        chosen if chosen.iter().all(|name| ALL.contains(name)) => return measure(chosen),
        _ => {
            eprintln!("There is {}; without a name all are measured.", ALL.join(", "));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn measure(chosen: &[&str]) -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut table = Table::default();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for name in chosen {
            eprintln!("measuring: {name}");
            match *name {
                "start" => start::measure(&mut table).await,
                "booking" => booking::measure(&mut table).await,
                "growth" => growth::measure(&mut table).await,
                "price" => price::measure(&mut table).await,
                "sockets" => sockets::measure(&mut table).await,
                _ => memory::measure(&mut table).await,
            }
        }
    });
    println!("{table}");
    if table.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
