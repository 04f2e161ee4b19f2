//! A Redis server of one test: started on a port of its own, gone with whoever started it, however that ends. It can be killed,
//! frozen, and looked into.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use redis::{Client, Connection, FromRedisValue, cmd};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::free_port;

/// Starts a server on the port $1 that keeps nothing, says its number and then what it says itself, and ends it when its standard
/// input does: that is when whoever started it is no more.
const KEEPER: &str = r#"
sh -c 'echo $$; exec redis-server "$@"' server --port "$1" --bind 127.0.0.1 --save "" --appendonly no --daemonize no </dev/null &
server=$!
read -r _
kill -KILL "$server" 2>/dev/null
wait "$server"
"#;

/// The server. It may be killed and started again.
pub struct RedisServer {
    port: u16,
    running: Mutex<Option<Running>>,
}

struct Running {
    keeper: Child,
    server: Pid,
    /// What is read by nobody fills up one day; these servers do not say that much.
    _says: Box<dyn BufRead + Send>,
}

impl RedisServer {
    pub fn start() -> Self {
        let server = Self { port: free_port(), running: Mutex::default() };
        server.start_again();
        server
    }

    /// At the same address, with nothing in it.
    pub fn start_again(&self) {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", &self.port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().unwrap();
        let mut says = BufReader::new(keeper.stdout.take().unwrap());
        let mut said = String::new();
        says.read_line(&mut said).unwrap();
        let server = Pid::from_raw(said.trim().parse().unwrap()).unwrap();
        while !said.contains("Ready to accept connections") {
            let missing = "redis-server does not start: tests/run installs it (Debian: apt-get install redis-server)";
            assert!(says.read_line(&mut said).unwrap() > 0, "{missing}\n{said}");
        }
        *self.running.lock().unwrap() = Some(Running { keeper, server, _says: Box::new(says) });
    }

    /// As it stands in the settings.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub fn kill(&self) {
        let running = self.running.lock().unwrap().take();
        drop(running);
    }

    /// From now on it takes what it is sent, and answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.running.lock().unwrap().as_ref().unwrap().server, signal).unwrap();
    }

    /// A connection as nobody of ringbook has it.
    pub fn connection(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// What it answers to these words.
    pub fn asked<T: FromRedisValue>(&self, words: &[&str]) -> T {
        cmd(words[0]).arg(&words[1..]).query(&mut self.connection()).unwrap()
    }

    /// The names of what is kept there that begin so.
    pub fn keys(&self, begin: &str) -> Vec<String> {
        self.asked(&["KEYS", &format!("{begin}*")])
    }

    /// How often it was asked for what is kept.
    pub fn questions(&self) -> usize {
        let statistics: String = self.asked(&["INFO", "commandstats"]);
        let of_gets = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_mget:calls="));
        of_gets.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A frozen server dies of this as well.
        drop(self.keeper.stdin.take());
        let _ended = self.keeper.wait();
    }
}
