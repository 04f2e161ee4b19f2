//! The demonstration, as somebody sees it who has just built the program: in an empty folder, with an empty environment.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::house::{Answer, tool_calls};
use crate::program::{Program, err, free_port, out, run};

#[tokio::test(flavor = "multi_thread")]
async fn demo_once_needs_nothing_leaves_nothing_and_exits_0() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--once"], &[]);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{}", err(&output));
    assert!(said.contains("Exactly the right bookings exist."), "{said}");
    assert_eq!(said.matches("You're booked for").count(), 2, "two of three wishes came true: {said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the folder is as empty as before");
    assert_eq!(err(&output), "");
}

/// What somebody does in a second shell, with the lines that the demonstration printed.
struct Shell<'a> {
    folder: &'a Path,
    exports: Vec<(String, String)>,
}

impl Shell<'_> {
    fn export(&self, name: &str) -> &str {
        self.exports.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).expect("it was exported")
    }

    /// The headers that `ringbook sign` prints.
    fn sign(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let output = run(self.folder, &[&["sign"], arguments].concat(), &self.exports);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        out(&output).lines().map(header).collect()
    }

    async fn vapi(&self, program: &Program, body: &Value) -> Answer {
        fs::write(self.folder.join("body.json"), body.to_string()).unwrap();
        let headers = self.sign(&["vapi", "--body", "body.json"]);
        program.post(&format!("{}/webhook/vapi", self.export("SERVER_URL")), body, &headers).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_demo_prints_is_enough_to_ask_book_and_look_by_hand() {
    let (folder, thrown_away, port) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), free_port().to_string());
    let environment = [("TMPDIR".to_owned(), thrown_away.path().display().to_string())];
    let mut program = Program::start(folder.path(), &["demo", "--port", &port], &environment);
    let (printed, _stdout) = program.prints_until("export DAY=");
    let export =
        |line: &str| line.strip_prefix("export ")?.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shell = Shell { folder: folder.path(), exports: printed.lines().filter_map(export).collect() };
    let (url, day) = (shell.export("SERVER_URL").to_owned(), shell.export("DAY").to_owned());
    assert_eq!(url, format!("http://127.0.0.1:{port}"));

    // Availability, in the older form, whose answer has the times for machines.
    let parameters = json!({ "serviceType": "maintenance", "requestedDate": day, "timeWindow": "morning" });
    let question = json!({ "message": { "type": "function-call", "functionCall": { "name": "checkAvailability", "parameters": parameters } } });
    let open = shell.vapi(&program, &question).await;
    assert_eq!((open.status, open.json()["result"]["available"].as_bool()), (200, Some(true)), "{open:?}");
    let start = open.json()["result"]["slots"][0].as_str().unwrap().to_owned();
    assert!(start.starts_with(&day), "{start}");

    // A booking, and the same again.
    let wish = json!({ "serviceType": "maintenance", "scheduledDate": start, "customerName": "Robin Doe" });
    let message = tool_calls("+15550002222", "by-hand", &[("t1", "bookAppointment", wish)]);
    let booked = shell.vapi(&program, &message).await;
    assert!(booked.sentence().starts_with("You're booked for maintenance on"), "{booked:?}");
    assert_eq!(shell.vapi(&program, &message).await, booked);
    let listed = run(folder.path(), &["bookings", "--json", "--date", &day], &shell.exports);
    let listed: Value = serde_json::from_str(&out(&listed)).unwrap();
    let by_hand = |row: &&Value| row["customer_name"] == "Robin Doe";
    assert_eq!(listed.as_array().unwrap().iter().filter(by_hand).count(), 1, "{listed}");
    assert_eq!(listed.as_array().unwrap().len(), 3);

    // Without a proof, and with a proof of something else.
    let webhook = format!("{url}/webhook/vapi");
    let refused = program.post(&webhook, &message, &[]).await;
    assert!(refused.status == 401 && refused.json()["error"].is_string(), "{refused:?}");
    fs::write(folder.path().join("body.json"), "{}").unwrap();
    let foreign = shell.sign(&["vapi", "--body", "body.json"]);
    assert_eq!(program.post(&webhook, &message, &foreign).await.status, 401);

    // Twilio's side.
    let form = "CallSid=CA00000000000000000000000000000009&From=%2B15550002222&To=%2B15551230000&CallStatus=ringing";
    fs::write(folder.path().join("call.form"), form).unwrap();
    let inbound = format!("{url}/twilio/inbound");
    let form_type = ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let refused = program.post_text(&inbound, form, std::slice::from_ref(&form_type)).await;
    assert_eq!((refused.status, refused.body.as_str()), (403, ""));
    let mut headers = shell.sign(&["twilio", "--url", &inbound, "--form", "call.form"]);
    headers.push(form_type);
    let connected = program.post_text(&inbound, form, &headers).await;
    assert!(connected.status == 200 && connected.body.contains("<Stream "), "{connected:?}");

    program.terminate();
    assert_eq!(program.ended().await.code(), Some(0));
    assert_eq!(fs::read_dir(thrown_away.path()).unwrap().count(), 0, "everything that was made for it is thrown away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(folder.path(), &["demo", "--once", "--port", &port], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&port) && err(&output).lines().count() == 1, "{}", err(&output));
}
