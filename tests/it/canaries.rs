//! Names, numbers, addresses, words and secrets that nobody can mistake for anything else, in everything that a day brings and
//! in everything that goes wrong on it. None of them stands in the log of the built program, however much it is told to log,
//! or in what it answers to whoever gets an error; and an operator still reads there what happened.

use serde_json::{Value, json};

use crate::edge_program::{BOOK, Life, address, plan, time_of};
use crate::fakes::faults::Fault;
use crate::fakes::google_access::Role;
use crate::fakes::{twilio, vapi};
use crate::house::{ALEX, Answer, CALLED, CALLER, House, SAM, VAPI_SECRET, answer, inbound, tool_calls};
use crate::promises::PENDING;
use ringbook::vapi::signature::ProofChoice;

/// Whoever they are and whatever they say, by the parts that nothing else contains. Numbers by the part without area code.
pub const PEOPLE: [&str; 21] = [
    "Quentin",
    "Zylberstein",
    "ZYLBERSTEIN",
    "867-5309",
    "8675309",
    "867 5309",
    "7654321",
    "765-4321",
    "5551239999",
    "5551238888",
    "5551230000",
    "Hidden Lane",
    "zyl.example",
    "under the mat",
    "pomegranate",
    "Knobbly Bottom",
    "recording-for-the-owner-only",
    SAM,
    ALEX,
    "control-of-this-call-only",
    "hook-of-the-operator-only",
];
const GUESSED: &str = "a-secret-that-somebody-guessed";
const RECORDING: &str = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/recording-for-the-owner-only";

/// A house in which the built program serves, and what it answered with an error.
pub struct Day {
    pub house: House,
    pub life: Life,
    pub errors: Vec<Answer>,
}

impl Day {
    /// Begins one among these settings; the log tells everything that it can.
    pub async fn begin(mut house: House) -> Self {
        house.stop().await;
        let life = Life::begin(&house, &address(), "").await;
        house.url.clone_from(&life.url);
        Self { house, life, errors: Vec::new() }
    }

    /// Keeps what is an error, or what monitors read.
    pub fn note(&mut self, answer: Answer) -> Answer {
        if answer.status >= 400 {
            self.errors.push(answer.clone());
        }
        answer
    }

    async fn rings(&mut self, route: &str, sid: &str, extra: &[(&str, &str)]) {
        let form =
            [&inbound(sid, CALLER)[..], &[("CallerName", "ZYLBERSTEIN Q"), ("FromCity", "Knobbly Bottom")], extra].concat();
        let answer = self.house.twilio(&format!("/twilio/{route}"), &form).await;
        assert!([200, 204].contains(&answer.status), "{answer:?}");
    }

    async fn tool(&mut self, id: &str, name: &str, arguments: Value) -> Answer {
        let answer = self.house.vapi(&about_call(tool_calls(CALLER, "call-1", &[(id, name, arguments)]))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    async fn is_refused(&mut self, body: Vec<u8>, secret: &str, status: u16) {
        let answer = self.house.vapi_bytes(body, secret, ProofChoice::Hmac).await;
        assert_eq!(self.note(answer).status, status);
    }

    /// Ends it. Returns the log, which is one record a line.
    pub fn end(self) -> (House, String, Vec<Value>) {
        self.life.kill();
        let told = std::fs::read_to_string(self.house.folder.path().join("log")).unwrap();
        let record = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: not a record: {line}"));
        let records = told.lines().map(record).collect();
        (self.house, told, records)
    }
}

/// What is known of a call at Vapi beside what is asked.
fn about_call(mut body: Value) -> Value {
    let call = &mut body["message"]["call"];
    call["id"] = "call-1".into();
    call["customer"] = json!({ "number": CALLER, "name": "Quentin Zylberstein" });
    call["monitor"] = json!({ "controlUrl": "http://127.0.0.1:9/control-of-this-call-only/control" });
    body["message"]["artifact"] = json!({
        "transcript": "User: The code is pomegranate.", "recordingUrl": RECORDING,
        "messages": [{ "role": "user", "message": "The key is under the mat, says Quentin Zylberstein." }],
    });
    body["message"]["phoneNumber"] = json!({ "number": CALLED });
    body
}

fn wish(start: &str) -> Value {
    json!({ "serviceType": "repair", "scheduledDate": start, "technician": "sam", "customerPhone": "(555) 867-5309",
            "customerName": "Quentin Zylberstein\r\n{\"level\":\"ERROR\",\"fields\":{\"message\":\"Quentin\"}}",
            "address": "77 Hidden Lane", "email": "quentin@zyl.example", "notes": "The key is under the mat" })
}

/// Asserts that none of these stands in there.
pub fn none_of(canaries: &[String], place: &str, text: &str) {
    let find = |canary: &String| Some((canary.clone(), text.lines().find(|line| line.contains(canary.as_str()))?));
    let found: Vec<_> = canaries.iter().filter_map(find).collect();
    assert!(found.is_empty(), "in {place} stand {found:#?}");
}

/// Asserts that a record with this message has all of these fields.
pub fn tells(records: &[Value], message: &str, fields: &[&str]) {
    let has_all = |record: &&Value| fields.iter().all(|field| !record["fields"][*field].is_null());
    let found = records.iter().filter(|record| record["fields"]["message"] == message).find(has_all);
    assert!(found.is_some(), "no record tells {message:?} with {fields:?}");
}

pub async fn house() -> House {
    // Everything that any library has to say.
    let mut house = plan().set("LOG", "trace").set("TOOL_REPLY_BUDGET_MS", "2500").set("GOOGLE_IMPERSONATE", SAM).build().await;
    house.google.allow_delegation_for(SAM);
    house.google.share(SAM, SAM, Role::Owner);
    house.google.share(ALEX, SAM, Role::Writer);
    let hook = format!("{}/hook-of-the-operator-only?key=hook-of-the-operator-only", house.alerts.url());
    house.restart_with("ALERT_WEBHOOK_URL", &hook).await;
    house
}

/// Everything that opens a door.
pub fn secrets(house: &House) -> Vec<String> {
    let key: Value = serde_json::from_str(&house.google.service_account_json()).unwrap();
    let key: Vec<&str> = key["private_key"].as_str().unwrap().lines().filter(|line| line.len() > 40).collect();
    let basic = data_encoding::BASE64.encode(format!("{}:{}", twilio::ACCOUNT_SID, twilio::AUTH_TOKEN).as_bytes());
    let mut secrets = vec![VAPI_SECRET.to_owned(), twilio::AUTH_TOKEN.into(), vapi::API_KEY.into(), GUESSED.into(), basic];
    secrets.extend(["ya29.", "PRIVATE KEY", "hook-of-the-operator-only"].map(str::to_owned));
    secrets.extend(key.into_iter().map(str::to_owned));
    secrets.extend(house.google.requests().iter().filter_map(|entry| entry.request.bearer().map(str::to_owned)));
    assert!(secrets.len() > 12, "{}", secrets.len());
    secrets
}

/// Calls that come and go, some while Vapi refuses them in words that repeat everything.
pub async fn the_phone_rings(day: &mut Day) {
    day.rings("inbound", "CA01", &[]).await;
    for (sid, code) in [("CA02", 400), ("CA03", 401), ("CA04", 500)] {
        day.house.vapi.fault("call.create", Fault::Echo { code, reason: "no" });
        day.rings("inbound", sid, &[]).await;
    }
    day.house.vapi.fault("call.create", Fault::ResetAfterCommit);
    day.rings("inbound", "CA05", &[]).await;
    let left = [("RecordingSid", "RE01"), ("RecordingUrl", RECORDING), ("RecordingDuration", "7")];
    // Twilio refuses the SMS that tells of it, and repeats it.
    day.house.twilio.fault("messages.create", Fault::Echo { code: 400, reason: "21211" });
    day.rings("voicemail", "CA02", &left).await;
    day.rings("dial-ended", "CA02", &[("DialCallStatus", "no-answer")]).await;
    day.rings("connect-ended", "CA01", &[]).await;
    day.rings("fallback", "CA06", &[]).await;
    day.rings("status", "CA01", &[("CallStatus", "completed")]).await;
    let form = inbound("CA07", CALLER);
    let unproven = day.house.twilio_signed("/twilio/inbound?name=Quentin", &form, GUESSED).await;
    assert_eq!(day.note(unproven).status, 403);
}

/// Tool calls, good ones and all kinds of bad ones, and what else is heard of a call.
pub async fn the_assistant_asks(day: &mut Day) {
    day.tool("t1", BOOK, wish(&time_of(0))).await;
    day.tool("t2", BOOK, wish("half past Quentin")).await;
    day.tool("t3", "launchQuentin", wish(&time_of(1))).await;
    day.tool("t4", BOOK, json!(r#"{"customerName":"Quentin Zylberstein","customerName":"Zylberstein"}"#)).await;
    day.tool("t5", "checkAvailability", json!({ "serviceType": "Quentin", "requestedDate": "pomegranate" })).await;
    day.tool("t1", BOOK, wish(&time_of(2))).await;
    let older =
        json!({ "message": { "type": "function-call", "functionCall": { "name": BOOK, "parameters": wish(&time_of(3)) } } });
    assert_eq!(day.house.vapi(&about_call(older)).await.status, 200);
    for heard in [
        json!({ "type": "transcript", "role": "user", "transcriptType": "final", "transcript": "Book it, the code is pomegranate." }),
        json!({ "type": "speech-update", "role": "user", "status": "started" }),
        json!({ "type": "conversation-update", "conversation": [{ "role": "user", "content": "pomegranate" }] }),
        json!({ "type": "end-of-call-report", "endedReason": "customer-ended-call", "summary": "Quentin said pomegranate." }),
    ] {
        assert_eq!(day.house.vapi(&about_call(json!({ "message": heard }))).await.status, 200);
    }
    // Who has booked from this number is known by name when it rings again, and Vapi is told it.
    let mut own = wish(&time_of(5));
    own.as_object_mut().unwrap().remove("customerPhone");
    day.tool("t6", BOOK, own).await;
    day.house.vapi.fault("call.create", Fault::Echo { code: 422, reason: "no" });
    day.rings("inbound", "CA09", &[]).await;
    assert!(day.house.vapi.requests().last().unwrap().request.echo().contains("Quentin"));
    let said = serde_json::to_vec(&about_call(tool_calls(CALLER, "call-1", &[("t9", BOOK, wish(&time_of(4)))]))).unwrap();
    let unread = [
        said[..said.len() / 2].to_vec(),
        b"Quentin Zylberstein, 867-5309".to_vec(),
        br#""Quentin Zylberstein""#.to_vec(),
        br#"{"message":{"type":"Quentin","type":"pomegranate"}}"#.to_vec(),
        br#"{"Zylberstein":"867-5309"}"#.to_vec(),
        [&said[..], b"Zylberstein"].concat(),
        [br#"{"message":"Quentin "#, &b"\xff"[..], br#"Zylberstein"}"#].concat(),
    ];
    for body in unread {
        day.is_refused(body, VAPI_SECRET, 400).await;
    }
    day.is_refused(said.clone(), GUESSED, 401).await;
    day.is_refused(said.repeat(4 * 1024 * 1024 / said.len() + 1), VAPI_SECRET, 413).await;
}

/// Google repeats everything in its refusals, of reads, of writes and of tokens; and then a booking takes too long.
pub async fn google_fails(day: &mut Day) {
    let faults = [
        ("events.list", 400, "invalid"),
        ("events.list", 403, "forbidden"),
        ("events.list", 403, "quotaExceeded"),
        ("events.insert", 400, "invalid"),
        ("events.insert", 503, "backendError"),
        ("events.get", 500, "backendError"),
        ("freebusy.query", 500, "backendError"),
        ("token", 400, "invalid_request"),
    ];
    for (number, (call, code, reason)) in faults.into_iter().enumerate() {
        if call == "token" {
            day.house.google.fault("events.list", Fault::status(401, "authError"));
        }
        day.house.google.fault(call, Fault::Echo { code, reason });
        day.tool(&format!("g{number}"), BOOK, wish(&time_of(8 + number))).await;
        let question = json!({ "serviceType": "repair", "requestedDate": time_of(16 + number)[..10] });
        day.tool(&format!("h{number}"), "checkAvailability", question).await;
    }
    day.house.google.clear_faults();
    let held = day.house.google.hold_after("events.insert");
    assert_eq!(day.tool("late", BOOK, wish(&time_of(30))).await.sentence(), PENDING);
    day.house.alerts.fault("alert", Fault::Echo { code: 500, reason: "no" });
    held.release();
    day.house.alerts.wait_for_done("alert", 1).await;
}

/// Nothing can be kept: every route still answers, and monitors hear why.
async fn the_database_goes(day: &mut Day) {
    let mut grip = day.house.grip().await;
    grip.take_away().await;
    day.rings("inbound", "CA08", &[]).await;
    day.rings("voicemail", "CA08", &[("RecordingSid", "RE02"), ("RecordingUrl", RECORDING)]).await;
    assert!(day.tool("d1", BOOK, wish(&time_of(40))).await.is_error());
    for path in ["/readyz", "/readyz/abc-hvac", "/oauth/login?link=pomegranate", "/webhook/vapi", "/nowhere"] {
        let answer = answer(day.house.http.get(format!("{}{path}", day.house.url))).await;
        assert!(day.note(answer).status >= 400, "{path}");
    }
    grip.put_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_which_everything_fails_leaves_nobodys_name_number_or_secret_in_the_log_or_an_error() {
    let mut day = Day::begin(house().await).await;
    the_phone_rings(&mut day).await;
    the_assistant_asks(&mut day).await;
    google_fails(&mut day).await;
    the_database_goes(&mut day).await;

    assert!(day.errors.len() >= 15, "{:?}", day.errors);
    let errors = format!("{:?}", day.errors);
    let (house, told, records) = day.end();
    let sent = house.google.requests().iter().map(|entry| entry.request.echo()).collect::<String>();
    assert!(sent.contains("Quentin Zylberstein") && sent.contains("+15558675309"), "there was something to tell");
    let secrets = secrets(&house);
    let all: Vec<String> = PEOPLE.map(str::to_owned).into_iter().chain(secrets.clone()).collect();
    none_of(&all, "the log", &told);
    none_of(&all, "an error", &errors);
    let alerts = house.alerts.requests_of("alert").iter().map(|entry| entry.json().to_string()).collect::<Vec<_>>().join("\n");
    none_of(&secrets, "an alert", &alerts);

    tells(&records, "a call is connected", &["call.sid", "business", "duration_ms"]);
    tells(&records, "the assistant cannot be reached", &["call.sid", "business", "reason"]);
    tells(&records, "a caller gets the fallback", &["call.sid", "cause", "help"]);
    tells(&records, "a booking came to rest", &["booking.id", "business", "booking.state"]);
    tells(&records, "a tool call was refused", &["business", "tool", "cause"]);
    tells(&records, "a call to Google failed", &["google.method", "google.status", "google.reason", "business"]);
    tells(&records, "refused a Vapi webhook without a valid proof", &["peer.address", "cause"]);
    tells(&records, "an SMS was handed to Twilio", &["business", "sms.to"]);
    tells(&records, "a job was given up", &["job.kind", "cause"]);
    tells(&records, "the database does not answer", &["error"]);
}
