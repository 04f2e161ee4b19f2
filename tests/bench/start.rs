//! From nothing to the first answer, beside a process that does nothing at all.

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::edge_program::{address, house};
use crate::sides::{Took, timed};
use crate::table::{By, Table};
use crate::wire::{Line, get};

const TIMES: usize = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

pub async fn measure(table: &mut Table) {
    let house = house().await;
    let (mut started, mut ended) = (Took::default(), Took::default());
    for _ in 0..TIMES {
        let address = address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringbook"));
        command.arg("serve").env_clear().envs(house.pairs().iter().cloned()).env("BIND", &address);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = None;
        let up = async {
            let child = child.insert(command.spawn().unwrap());
            while TcpStream::connect(&address).await.is_err() {
                assert!(child.try_wait().unwrap().is_none(), "it ended");
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Line::open(&address).await.ask(&get("/healthz")).await.must_say("ok");
        };
        started.add(timed(up).await);
        let mut child = child.unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let nothing = async { assert!(Command::new("/bin/true").status().unwrap().success()) };
        ended.add(timed(nothing).await);
    }
    table.times(("start, to the first /healthz", &started), ("the process /bin/true", &ended), By::Median, None);
}
