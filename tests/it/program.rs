//! The built program as a process of its own: started with nothing but what a test gives it, told to end, and never left behind.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::fakes::journal::PATIENCE;
use crate::house::{Answer, answer};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A port that nobody listens on, and that nobody gets who does not ask for it by number: the machine gives out higher ones.
pub fn free_port() -> u16 {
    let port = 20_000 + rand::random::<u16>() % 12_000;
    if TcpListener::bind(("127.0.0.1", port)).is_ok() { port } else { free_port() }
}

fn command(folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbook"));
    command.args(arguments).env_clear().envs(environment.iter().cloned()).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub fn run(folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Output {
    command(folder, arguments, environment).output().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A process that runs; it is killed when dropped.
pub struct Program {
    child: Child,
    http: reqwest::Client,
}

impl Program {
    pub fn start(folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let child = command(folder, arguments, environment).spawn().unwrap();
        Self { child, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// What it prints, up to and with the first line that begins so.
    pub fn prints_until(&mut self, begins: &str) -> (String, BufReader<ChildStdout>) {
        let mut reader = BufReader::new(self.child.stdout.take().unwrap());
        let mut printed = String::new();
        loop {
            let before = printed.len();
            let read = reader.read_line(&mut printed).unwrap();
            assert!(read > 0, "it ended before it printed {begins:?}: {printed}{}", self.last_words());
            if printed[before..].starts_with(begins) {
                return (printed, reader);
            }
        }
    }

    /// Waits until it answers that it is healthy.
    pub async fn is_up(&mut self, url: &str) {
        let up = async {
            while self.health(url).await != Some(200) {
                assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.last_words());
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, up).await.is_ok(), "it does not come up");
    }

    /// The status of `/healthz`; `None` when nobody answers.
    pub async fn health(&self, url: &str) -> Option<u16> {
        let asked = self.http.get(format!("{url}/healthz")).timeout(Duration::from_secs(1)).send().await;
        asked.ok().map(|response| response.status().as_u16())
    }

    /// Waits until load balancers are turned away.
    pub async fn is_draining(&self, url: &str) {
        let drains = async {
            while self.health(url).await == Some(200) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, drains).await.is_ok(), "it goes on as if nothing had been said");
    }

    pub async fn post(&self, url: &str, body: &Value, headers: &[(String, String)]) -> Answer {
        self.post_text(url, &body.to_string(), headers).await
    }

    pub async fn post_text(&self, url: &str, body: &str, headers: &[(String, String)]) -> Answer {
        let request = self.http.post(url).body(body.to_owned());
        answer(headers.iter().fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// Tells it to end, as an init system does.
    pub fn terminate(&self) {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(told.success());
    }

    /// Tells it that its files have changed, as an init system does.
    pub fn hang_up(&self) {
        let told = Command::new("sh").args(["-c", &format!("kill -HUP {}", self.child.id())]).status().unwrap();
        assert!(told.success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ending = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(PATIENCE, ending).await.expect("it does not end")
    }

    /// What it wrote to stderr; only for a process that has ended.
    pub fn last_words(&mut self) -> String {
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = self.child.kill();
            stderr.read_to_string(&mut words).unwrap();
        }
        words
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
