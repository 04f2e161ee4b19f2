//! The built program among the stand-ins: a house whose business never closes, and one life of the program with what can be
//! read of its process.

use std::fs;

use ringbook::clock::Clock;
use serde_json::{Value, json};

use crate::edge_program::{Life, address, house};
use crate::house::House;
use crate::wire::{Line, tool};

/// As a shell starts it, with 1,024 open files that it may exceed. Callers are connected by TwiML that nobody has to be asked
/// for, and what is known of the calendars lasts for a measurement.
const SETTINGS: &str = "ulimit -Sn 1024; export VAPI_CONNECT=stream FREEBUSY_CACHE_SECONDS=3600;";

/// A server that runs; killed when dropped.
pub struct Server {
    pub house: House,
    life: Life,
}

impl Server {
    /// Starts it among counterparts that it has asked once.
    pub async fn start() -> Self {
        Self::over(house().await).await
    }

    /// The same over what this house has in its database.
    pub async fn over(house: House) -> Self {
        let synced = house.google.count("events.sync");
        let server = Self { life: Life::begin(&house, &address(), SETTINGS).await, house };
        server.house.google.wait_for_done("events.sync", synced + 2).await;
        server.line().await.ask(&question("+15550000001", "first-call", "t1")).await.must_say("I have");
        server
    }

    pub fn url(&self) -> &str {
        &self.life.url
    }

    pub fn address(&self) -> &str {
        self.url().trim_start_matches("http://")
    }

    pub async fn line(&self) -> Line {
        Line::open(self.url()).await
    }

    /// What the process holds in memory, in kB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.life.pid())).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        size.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many descriptors the process has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.life.pid())).unwrap().count()
    }
}

/// A question for open times whose answer is in memory, as far as the calendars go.
pub fn question(caller: &str, call: &str, id: &str) -> Vec<u8> {
    tool(caller, call, id, "checkAvailability", on_a_day())
}

fn on_a_day() -> Value {
    let day = (Clock::System.now() + time::Duration::days(2)).date();
    json!({ "serviceType": "repair", "requestedDate": day.to_string() })
}
