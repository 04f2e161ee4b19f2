//! What was pushed answers: from the next call on, without a restart and without an id in the settings, unless one is set.

use serde_json::{Value, json};

use crate::house::{BUSINESS, CALLED, House, Plan, tool_calls};
use crate::program::{Program, err, out, run};
use crate::ringing::{SID, find, is_assistant, is_person};

/// Pushes with the settings of this house, and returns the assistant's id.
fn push(house: &House) -> String {
    let output = run(house.folder.path(), &["assistant", "push", "--json"], house.pairs());
    assert!(output.status.success(), "{}", err(&output));
    let told: Value = serde_json::from_str(&out(&output)).unwrap();
    told[0]["assistant_id"].as_str().unwrap().to_owned()
}

fn calls(number: u32) -> String {
    format!("{}{number}", &SID[..SID.len() - 1])
}

async fn asks_who_answers(house: &House) -> Value {
    house.vapi(&json!({ "message": { "type": "assistant-request", "phoneNumber": { "number": CALLED } } })).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_answers_the_next_call_without_a_restart() {
    let house = Plan::new().set("VAPI_ASSISTANT_ID", "").build().await;
    assert!(is_person(&house.ring(&calls(1)).await.body), "there is none yet");
    let id = push(&house);
    assert!(is_assistant(&house.ring(&calls(2)).await.body));
    assert_eq!(house.vapi.calls()[0]["assistantId"], id);
    assert_eq!(asks_who_answers(&house).await["assistantId"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_is_where_a_stream_goes() {
    let house = Plan::new().set("VAPI_ASSISTANT_ID", "").set("VAPI_CONNECT", "stream").build().await;
    let id = push(&house);
    let twiml = house.ring(&calls(1)).await.body;
    assert_eq!(find(&twiml, "Stream").attributes["url"], format!("wss://api.vapi.ai/stream/{id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_goes_before_what_was_pushed() {
    let house = House::new().await;
    push(&house);
    house.ring(&calls(1)).await;
    assert_eq!(house.vapi.calls()[0]["assistantId"], "assistant-1");
    assert_eq!(asks_who_answers(&house).await["assistantId"], "assistant-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_assistant_that_was_pushed_is_its_business_own() {
    let other = BUSINESS.replace("ABC HVAC", "Best Plumbing").replace("+15551230000", "+15551240000");
    let house =
        Plan::new().set("VAPI_ASSISTANT_ID", "").business("best-plumbing", &other.replace("@abc.", "@plumbing.")).build().await;
    let mut message = tool_calls("+15557654321", "call-1", &[("t1", "findAppointment", json!({}))]);
    message["message"]["call"].as_object_mut().unwrap().retain(|key, _| key == "id" || key == "customer");
    message["message"].as_object_mut().unwrap().remove("phoneNumber");
    let id = push(&house);
    message["message"]["call"]["assistantId"] = "assistant-of-nobody".into();
    let nobodys = house.vapi(&message).await.sentence();
    assert!(nobodys.contains("which business"), "{nobodys}");
    message["message"]["call"]["assistantId"] = id.into();
    let ours = house.vapi(&message).await.sentence();
    assert!(ours.contains("no coming appointment"), "{ours}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_an_assistant_warns_at_the_start_and_so_does_the_doctor() {
    let house = Plan::new().set("VAPI_ASSISTANT_ID", "").set("CALENDAR", "embedded").build().await;
    let checked = |house: &House| out(&run(house.folder.path(), &["check"], house.pairs()));
    let warned = checked(&house);
    assert!(warned.contains("ringbook assistant push --business abc-hvac"), "{warned}");
    let url = format!("http://127.0.0.1:{}", crate::program::free_port());
    let settings = |bind: &str, pairs: &[(String, String)]| {
        let mut pairs = pairs.to_vec();
        pairs.retain(|(name, _)| name != "BIND");
        pairs.push(("BIND".into(), bind.into()));
        pairs
    };
    let run_once = async |house: &House| {
        let pairs = settings(url.trim_start_matches("http://"), house.pairs());
        let mut program = Program::start(house.folder.path(), &["serve"], &pairs);
        program.is_up(&url).await;
        program.terminate();
        program.ended().await;
        program.last_words()
    };
    assert!(run_once(&house).await.contains("there is no assistant, so callers go straight to a person"));
    let id = push(&house);
    assert!(!run_once(&house).await.contains("there is no assistant"));
    assert!(checked(&house).contains(&format!("{id}, as it was pushed")));
}
