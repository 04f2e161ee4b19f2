//! The built program in the place of a house's own server: it can be killed, stopped for a while, told to end and started anew
//! among the same fakes and at the same address. It goes by the machine's clock.

use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use ringbook::clock::{Clock, Stopwatch};
use ringbook::config::{HmacPlan, ProofPlan};
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::{Value, json};

use crate::fakes::journal::PATIENCE;
use crate::fakes::twilio::AUTH_TOKEN;
use crate::house::{Answer, BUSINESS, House, Plan, SLUG, VAPI_SECRET, inbound, tool_calls};
use crate::program::free_port;

pub const BOOK: &str = "bookAppointment";
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A house whose business never closes and whose clock begins at this moment, so that no test depends on its day.
pub async fn house() -> House {
    let mut house = plan().build().await;
    house.stop().await;
    house
}

/// What such a house is built with.
pub fn plan() -> Plan {
    Plan::new().business(SLUG, &always_open()).at(Clock::System.now())
}

/// The example business, at any hour of any day.
pub fn always_open() -> String {
    let (before, after) = (BUSINESS.split("[hours]").next().unwrap(), BUSINESS.split_once("[[services]]").unwrap().1);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours: String = days.map(|day| format!("{day} = [\"00:00-24:00\"]\n")).concat();
    let limits = "[limits]\ncalls_per_caller_per_hour = 0\nbookings_per_caller_per_day = 0\n";
    format!("{before}{limits}[hours]\n{hours}[[services]]{after}")
}

/// Times for repairs that follow one another with their buffers and lie in no hour that a clock skips.
pub fn time_of(number: usize) -> String {
    const A_DAY: usize = 8;
    let day =
        (Clock::System.now() + time::Duration::days(2)).date() + time::Duration::DAY * u16::try_from(number / A_DAY).unwrap();
    let minute = 3 * 60 + number % A_DAY * 150;
    format!("{day}T{:02}:{:02}", minute / 60, minute % 60)
}

/// A wish of this technician's time.
pub fn wish(technician: &str, start: &str) -> Value {
    json!({ "serviceType": "repair", "scheduledDate": start, "customerName": "Dana Miller", "technician": technician })
}

/// One life of the program; killed when dropped.
pub struct Life {
    child: Child,
    pub url: String,
}

impl Life {
    /// Starts it behind these words of a shell, and waits until it serves.
    pub async fn begin(house: &House, address: &str, before: &str) -> Self {
        let log = File::options().create(true).append(true).open(house.folder.path().join("log")).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{before} exec \"$0\" serve"), env!("CARGO_BIN_EXE_ringbook")]);
        command.env_clear().envs(house.pairs().iter().cloned()).env("BIND", address).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut life = Self { child, url: format!("http://{address}") };
        let up = async {
            while house.http.get(format!("{}/healthz", life.url)).send().await.is_err() {
                assert!(life.child.try_wait().unwrap().is_none(), "it ended: {}", said(house));
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, up).await.is_ok(), "it does not come up: {}", said(house));
        life
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let told = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().unwrap();
        assert!(told.success());
    }

    /// Kills it and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, and says how long that took.
    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        let watch = Stopwatch::start();
        let ending = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let status = tokio::time::timeout(Duration::from_secs(20), ending).await.expect("it does not end");
        (status, watch.elapsed())
    }

    /// One booking; `None` when no answer came.
    pub async fn book(&self, house: &House, caller: &str, wish: &Value) -> Option<Answer> {
        self.hears(house, &tool_calls(caller, &format!("call-of-{caller}"), &[("t1", BOOK, wish.clone())])).await
    }

    /// One tool call, which is answered.
    pub async fn tool(&self, house: &House, caller: &str, (call, id): (&str, &str), name: &str, arguments: Value) -> Answer {
        let answer = self.hears(house, &tool_calls(caller, call, &[(id, name, arguments)])).await;
        answer.unwrap_or_else(|| panic!("{call} {id}: no answer: {}", said(house)))
    }

    /// What Vapi sends; `None` when no answer came.
    pub async fn hears(&self, house: &House, body: &Value) -> Option<Answer> {
        let body = body.to_string();
        let plan = ProofPlan { secrets: vec![VAPI_SECRET.into()], hmac: HmacPlan::presets(), secret: true, bearer: false };
        let headers = sign(&plan, body.as_bytes(), Clock::System.now(), ProofChoice::Hmac);
        let request = house.http.post(format!("{}/webhook/vapi", self.url)).body(body);
        heard(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// What Twilio sends when it rings, which is answered.
    pub async fn rings(&self, house: &House, sid: &str, caller: &str) -> Answer {
        let form = inbound(sid, caller);
        let pairs: Vec<(String, String)> = form.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let address = format!("{}/twilio/inbound", house.setting("SERVER_URL"));
        let signature = ringbook::twilio::signature::sign(&address, &pairs, AUTH_TOKEN);
        let request = house.http.post(format!("{}/twilio/inbound", self.url)).header("X-Twilio-Signature", signature);
        heard(request.form(&pairs)).await.unwrap_or_else(|| panic!("{sid}: no answer: {}", said(house)))
    }
}

async fn heard(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.timeout(Duration::from_secs(20)).send().await.ok()?;
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type")?.to_str().unwrap().to_owned();
    Some(Answer { status, content_type, body: response.text().await.ok()? })
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address for the lives of one program.
pub fn address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// What the program wrote, its last part.
pub fn said(house: &House) -> String {
    let log = std::fs::read_to_string(house.folder.path().join("log")).unwrap_or_default();
    log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
}

/// The number of a caller.
pub fn caller(number: usize) -> String {
    format!("+1555{:07}", 2_000_000 + number)
}
