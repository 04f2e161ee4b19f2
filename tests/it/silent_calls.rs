//! The call's status, and the calls that ended without any word from Vapi: the operator and the caller hear of those.

use std::time::Duration;

use ringbook::store::calls::Leg;
use serde_json::{Value, json};

use crate::house::{CALLER, House, NOW, Plan};
use crate::ringing::{SID, is_person, is_voicemail};

const COMPLETED: (&str, &str) = ("CallStatus", "completed");
/// Vapi's own report may come after Twilio's.
const GRACE: Duration = Duration::from_secs(5);

/// Time passes and every job that is due is run; what Twilio and the operator heard of.
async fn heard_of(house: &House) -> (Vec<String>, Vec<Value>) {
    house.clock.advance(GRACE);
    house.jobs_run().await;
    (house.texts_to(CALLER), house.alerts.alerts())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_status_of_a_call_is_kept() {
    let house = House::new().await;
    house.ring(SID).await;
    house.status(&[("CallStatus", "in-progress")]).await;
    assert_eq!((house.row().await.status.as_str(), house.row().await.ended_at), ("in-progress", None));
    house.clock.advance(Duration::from_secs(90));
    house.status(&[COMPLETED]).await;
    let row = house.row().await;
    assert_eq!((row.status.as_str(), row.ended_at), ("completed", Some(NOW + Duration::from_secs(90))));
    house.status(&[("CallSid", "CA2"), COMPLETED]).await;
    assert!(house.call("CA2").await.is_none(), "a call that never rang here is not made up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_word_from_vapi_is_told_to_the_operator_and_to_the_caller_once() {
    let mut house = House::new().await;
    house.ring(SID).await;
    for status in ["in-progress", "completed", "completed"] {
        house.status(&[("CallStatus", status)]).await;
    }
    house.jobs_run().await;
    assert_eq!(house.job(&format!("silent:{SID}")).await.due_in_ms, 5_000, "Vapi's report is given its time");
    house.restart().await;
    house.clock.advance(GRACE);
    house.alerts.wait_for_done("alert", 1).await;
    house.twilio.wait_for_done("messages.create", 1).await;
    house.status(&[COMPLETED]).await;
    house.clock.advance(Duration::from_hours(24));
    house.jobs_run().await;
    let alert = json!({
        "id": format!("alert/silent/{SID}"),
        "kind": "silent_call",
        "business": "abc-hvac",
        "text": "A call ended without any word from Vapi: the assistant may not have answered. See the assistant, its server URL and its credential.",
        "since": "2026-11-23T14:00:00Z",
    });
    assert_eq!(house.alerts.alerts(), [alert]);
    let text = "Sorry, ABC HVAC could not take your call just now. Please call again, or answer this message.";
    assert_eq!(house.texts_to(CALLER), [text]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_caller_gets_no_message_but_the_operator_does() {
    let house = House::new().await;
    house.says("inbound", &[("From", "+266696687")]).await;
    house.status(&[("From", "+266696687"), COMPLETED]).await;
    house.clock.advance(GRACE);
    house.alerts.wait_for_done("alert", 1).await;
    house.jobs_run().await;
    assert_eq!((house.alerts.alerts().len(), house.twilio.requests().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_vapi_spoke_of_is_not_silent() {
    for before in [true, false] {
        let house = House::new().await;
        house.ring(SID).await;
        let id = house.row().await.vapi_call_id.unwrap();
        let speech =
            json!({ "message": { "type": "speech-update", "status": "started", "role": "assistant", "call": { "id": id } } });
        if !before {
            house.status(&[COMPLETED]).await;
        }
        assert_eq!(house.vapi(&speech).await.body, "{}");
        house.until("the word is kept", async || house.row().await.heard_from_vapi).await;
        if before {
            house.status(&[COMPLETED]).await;
        }
        assert_eq!(heard_of(&house).await, (vec![], vec![]), "before the end: {before}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_call_is_found_by_its_call_sid_when_vapi_speaks_of_it() {
    let house = Plan::new().set("VAPI_CONNECT", "stream").build().await;
    house.ring(SID).await;
    let speech = json!({ "message": { "type": "status-update", "status": "in-progress",
        "call": { "id": "vapi-1", "phoneCallProviderId": SID } } });
    assert_eq!(house.vapi(&speech).await.body, "{}");
    house.until("the word is kept", async || house.row().await.heard_from_vapi).await;
    assert_eq!(house.row().await.vapi_call_id.unwrap().as_str(), "vapi-1");
    house.status(&[COMPLETED]).await;
    assert_eq!(heard_of(&house).await, (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_person_or_a_recording_took_is_not_silent() {
    let house = House::new().await;
    assert!(is_person(&house.says("fallback", &[]).await));
    house.status(&[COMPLETED]).await;
    assert!(is_person(&house.says("fallback", &[("CallSid", "CA2")]).await));
    assert!(is_voicemail(&house.says("fallback", &[("CallSid", "CA2")]).await));
    house.status(&[("CallSid", "CA2"), COMPLETED]).await;
    assert_eq!(heard_of(&house).await, (vec![], vec![]));
    assert_eq!(house.row().await.leg, Leg::Person);
}
