//! What the log tells of a call: never a name, a number in full, an address, a secret or a token. The built program runs
//! here, because its log is its own.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ringbook::clock::Clock;
use ringbook::config::{HmacPlan, ProofPlan};
use ringbook::vapi::signature::{ProofChoice, sign};
use serde_json::json;

use crate::fakes::faults::Fault;
use crate::house::{CALLER, House, VAPI_SECRET, answer, tool_calls};
use crate::program::free_port;

/// Ends the program that it holds.
pub struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The built program with this house's settings and counterparts, instead of the server in it; and where its log is.
pub async fn served(house: &mut House) -> (Program, PathBuf) {
    house.stop().await;
    let address = format!("127.0.0.1:{}", free_port());
    house.url = format!("http://{address}");
    let log = house.folder.path().join("log");
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_ringbook"))
            .arg("serve")
            .env_clear()
            .envs(house.pairs().iter().cloned())
            .envs([("BIND", address.as_str()), ("LOG", "debug"), ("LOG_FORMAT", "json")])
            .current_dir(house.folder.path())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap(),
    );
    while house.http.get(format!("{}/healthz", house.url)).send().await.is_err() {
        assert!(program.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&log).unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (program, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_name_no_number_no_address_and_no_secret() {
    let mut house = House::new().await;
    let (program, log) = served(&mut house).await;
    // The program goes by the machine's clock: a working day that is not far.
    let mut day = Clock::System.now().date() + time::Duration::days(3);
    while matches!(day.weekday(), time::Weekday::Saturday | time::Weekday::Sunday) {
        day += time::Duration::DAY;
    }
    let wish = json!({ "serviceType": "repair", "scheduledDate": format!("{day}T08:00"), "customerName": "Quentin Zyl\r\n{\"level\":\"ERROR\"}",
                       "customerPhone": "+15558675309", "address": "77 Hidden Lane", "email": "quentin@zyl.example", "notes": "key under the mat" });
    house.google.fault("events.insert", Fault::status(503, "backendError"));
    for (id, tool) in [("t1", "bookAppointment"), ("t2", "launchRocket"), ("t3", "checkAvailability")] {
        let body = tool_calls(CALLER, "call-1", &[(id, tool, wish.clone())]).to_string().into_bytes();
        let plan = ProofPlan { secrets: vec![VAPI_SECRET.into()], hmac: HmacPlan::presets(), secret: true, bearer: true };
        let headers = sign(&plan, &body, Clock::System.now(), ProofChoice::Secret);
        let request = house.http.post(format!("{}/webhook/vapi", house.url)).body(body);
        let told = answer(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
    assert_eq!(house.events().len(), 1, "a booking was made, so there was something to log");
    let wrong =
        house.http.post(format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", "a-wrong-secret-presented").body("{}");
    assert_eq!(answer(wrong).await.status, 401);
    house.ring("CA00000000000000000000000000000001").await;
    drop(program);
    let mut told = String::new();
    fs::File::open(&log).unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("a booking came to rest") && told.lines().count() > 5, "{told}");
    assert!(told.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "a line is not one record");
    let tokens: Vec<String> =
        house.google.requests().iter().filter_map(|entry| entry.request.bearer().map(str::to_owned)).collect();
    assert!(!tokens.is_empty());
    let secrets = [
        "Quentin",
        "Zyl",
        "zyl.example",
        "8675309",
        "7654321",
        "Hidden Lane",
        "under the mat",
        VAPI_SECRET,
        "a-wrong-secret-presented",
        "PRIVATE KEY",
        "ya29.",
    ];
    for secret in secrets
        .into_iter()
        .map(str::to_owned)
        .chain(tokens)
        .chain([crate::fakes::twilio::AUTH_TOKEN.into(), crate::fakes::vapi::API_KEY.into()])
    {
        let line = told.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} stands in the log: {line:?}");
    }
}
