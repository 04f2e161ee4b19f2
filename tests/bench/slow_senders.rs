//! A crowd that holds connections open and sends as little as it can, as a process of its own: half of it never finishes a
//! header, half never a body, a byte a second each. Whoever is cut off comes back at once.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::Server;

pub const COMMAND: &str = "slow-senders";
const PAUSE: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Sends until it is killed; prints a line when everybody has been connected once.
pub fn send(address: &str, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let came = Arc::new(AtomicUsize::new(0));
        for number in 0..count {
            tokio::spawn(come_again(address.to_owned(), number, Arc::clone(&came)));
        }
        while came.load(Ordering::Relaxed) < count {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        println!("all are there");
        std::future::pending::<()>().await;
    });
}

async fn come_again(address: String, number: usize, came: Arc<AtomicUsize>) {
    // Not all in the same instant, neither now nor later.
    tokio::time::sleep(Duration::from_micros(400) * u32::try_from(number).unwrap()).await;
    let mut is_first = true;
    loop {
        match TcpStream::connect(&address).await {
            Ok(stream) => {
                came.fetch_add(usize::from(is_first), Ordering::Relaxed);
                is_first = false;
                drip(stream, number).await;
            }
            Err(_refused) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Sends a byte a second until the other side has had enough.
async fn drip(stream: TcpStream, number: usize) {
    let (mut reader, mut writer) = stream.into_split();
    let unfinished =
        ["POST /webhook/vapi HTTP/1.1\r\nx: ", "POST /webhook/vapi HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"];
    if writer.write_all(unfinished[number % unfinished.len()].as_bytes()).await.is_err() {
        return;
    }
    let dripping = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            if writer.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    let mut heard = [0; 512];
    let hearing = async { while reader.read(&mut heard).await.is_ok_and(|here| here > 0) {} };
    tokio::select! { () = dripping => {}, () = hearing => {} }
}

/// A crowd that is there; it leaves when dropped.
pub struct Crowd(Child);

impl Crowd {
    /// Comes, and waits until all of it is there. It gets the processor only when nobody else wants it: elsewhere it would
    /// have one of its own.
    pub async fn come(server: &Server, count: usize) -> Self {
        let ours = std::env::current_exe().unwrap();
        let script = format!("ulimit -n $(ulimit -Hn); exec nice -n 19 \"$0\" {COMMAND} \"$@\"");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(ours).arg(server.address()).arg(count.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = child.stdout.take().unwrap();
        let here = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(said).read_line(&mut line).unwrap();
            line
        });
        let line = here.await.unwrap();
        assert!(!line.is_empty(), "the slow senders died; do {count} connections exceed `ulimit -Hn`?");
        Self(child)
    }

    /// Goes, and waits until the server has noticed.
    pub async fn go(self, server: &Server) {
        drop(self);
        while server.descriptors() > 200 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
