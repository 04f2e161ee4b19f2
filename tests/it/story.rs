//! A messy call, told afterwards: what was heard, asked, decided, sent to the calendar and answered, in the order of time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{CALLER, House, Plan};
use crate::orders::ordered;
use crate::program::run;
use crate::promises::{PENDING, come_to_rest, confirmed, repair_by_sam, said};
use crate::ringing::{OWNER, PERSON, SID, is_person, is_voicemail};
use crate::shelf::On;

const BOOK: &str = "bookAppointment";
const ONGOING: (&str, &str) = ("CallStatus", "in-progress");

impl House {
    /// Vapi's report of a call, as it sends one when the call is over.
    pub async fn reports(&self, call: &str, transcript: &str) {
        let report = json!({ "message": {
            "type": "end-of-call-report",
            "endedReason": "phone-call-provider-closed-websocket",
            "startedAt": "2026-11-23T14:00:01.000Z", "endedAt": "2026-11-23T14:02:06.500Z",
            "cost": 0.1275,
            "analysis": { "summary": "Dana wants her heating repaired.", "successEvaluation": "true" },
            "artifact": {
                "transcript": transcript,
                "recording": { "stereoUrl": "https://storage.vapi.example/stereo.wav", "mono": { "combinedUrl": "https://storage.vapi.example/mono.wav" } },
                "messages": [{ "role": "system", "message": "Be brief." }],
            },
            "call": { "id": call, "customer": { "number": CALLER } },
        }});
        assert_eq!(self.vapi(&report).await.json(), json!({}));
    }

    /// The story of a call as scripts read it.
    pub fn story(&self, call: &str) -> Value {
        serde_json::from_str(&ordered(self, &["call", call, "--json"])).unwrap()
    }

    /// Whether no call has this name.
    pub fn story_is_missing(&self, call: &str) -> bool {
        run(self.folder.path(), &["call", call], self.pairs()).status.code() == Some(1)
    }

    /// A little later.
    fn later(&self) {
        self.clock.advance(Duration::from_secs(10));
    }
}

/// Asserts that these stand in the text, one after the other.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not told in its place:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

/// A time outside the hours, twice delivered; a booking that takes longer than its caller can wait; a question that cannot be
/// understood; a stream that breaks, a person who does not answer, and a message.
async fn messy_call() -> (House, String) {
    let house = Plan::new().set("TOOL_REPLY_BUDGET_MS", "2000").build().await;
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    house.later();
    for _ in 0..2 {
        let refused = said(&house.tool(&call, "t1", BOOK, repair_by_sam("2026-11-24T06:00")).await);
        assert!(refused.contains("outside our hours"), "{refused}");
    }
    house.later();
    let held = house.google.hold_after("events.insert");
    assert_eq!(said(&house.tool(&call, "t2", BOOK, repair_by_sam("2026-11-24T08:00")).await), PENDING);
    house.later();
    held.release();
    come_to_rest(&house).await;
    house.until("it is told", async || house.vapi.controls(&call).len() == 1 && house.texts_to(CALLER).len() == 1).await;
    house.later();
    assert!(house.tool(&call, "t3", BOOK, json!({ "serviceType": "repair" })).await.is_error());
    house.later();
    house.reports(&call, "AI: How can I help?\nUser: My \u{1b}[31mheating is broken.").await;
    house.until("the end is kept", async || house.row().await.vapi_ended_reason.is_some()).await;
    assert!(is_person(&house.says("connect-ended", &[ONGOING]).await));
    house.later();
    assert!(is_voicemail(&house.says("dial-ended", &[("DialCallStatus", "no-answer"), ONGOING]).await));
    house.later();
    let recording =
        [("RecordingSid", "RE1"), ("RecordingUrl", "https://api.twilio.com/Recordings/RE1"), ("RecordingDuration", "17")];
    house.says("voicemail", &recording).await;
    house.until("the business hears of it", async || house.texts_to(OWNER).len() == 2).await;
    house.later();
    house.status(&[("CallStatus", "completed")]).await;
    house.jobs_run().await;
    (house, call)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messy_call_is_told_from_the_ringing_to_what_was_said() {
    let (house, call) = messy_call().await;
    house.until("all is noted", async || house.story(SID)["steps"].to_string().contains("once more")).await;
    let row = confirmed(&house).await.remove(0);
    let (by_twilio, by_vapi) = (ordered(&house, &["call", SID]), ordered(&house, &["call", &call]));
    assert_eq!(by_twilio, by_vapi, "it is one call under both names");
    in_order(
        &by_twilio,
        &[
            "A call to ABC HVAC on Monday, November 23 2026 (America/New_York).",
            &format!("At Twilio: {SID}. At Vapi: {call}."),
            "Ended: phone-call-provider-closed-websocket. Vapi's charge: $0.13.",
            &format!("Bookings: {} (confirmed).", row.confirmation),
            "09:00:00  The telephone rang: +15557654321 called +15551230000.",
            "09:00:00  The caller was connected to the assistant.",
            "09:00:10  The assistant asked for bookAppointment (",
            "customername: Dana Miller",
            "outside our hours for repair.",
            "once more with the same id, and answered the same.",
            "09:00:20  The assistant asked for bookAppointment (",
            &format!("Booking {}: repair with sam on Tuesday, November 24 at 8 AM was claimed.", row.confirmation),
            PENDING,
            "the event was sent to the calendar",
            "it is confirmed now.",
            "For the assistant of the live call, else an SMS: “What was being arranged is confirmed now.",
            "SMS to +15557654321: “ABC HVAC: Confirmed: repair",
            "The assistant asked for bookAppointment (servicetype: repair).",
            "Answered with an error after",
            &format!("The caller was put through to {PERSON}."),
            "The caller was asked to leave a message.",
            "The caller left a message of 17 seconds: https://api.twilio.com/Recordings/RE1",
            "SMS to +15551238888: “ABC HVAC: voicemail from +15557654321",
            "The call was over; Vapi's reason: phone-call-provider-closed-websocket.",
            "In short: Dana wants her heating repaired.",
            "To be heard at: https://storage.vapi.example/mono.wav",
            "What was said:\n  AI: How can I help?\n  User: My [31mheating is broken.",
        ],
    );
    assert!(!by_twilio.contains('\u{1b}'), "what a caller says does not steer the terminal");
    assert_eq!(by_twilio.matches("The assistant asked for").count(), 3, "a second delivery is no second question: {by_twilio}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_read_the_same_story() {
    let (house, call) = messy_call().await;
    house.until("all is noted", async || house.story(SID)["steps"].to_string().contains("with an error")).await;
    let story = house.story(&call);
    let row = confirmed(&house).await.remove(0);
    let booking = json!({ "id": row.id, "service": "repair", "technician": "sam", "start": "2026-11-24T08:00:00-05:00",
                          "status": "confirmed", "confirmation_id": row.confirmation });
    assert_eq!((&story["bookings"], &story["cost_usd"]), (&json!([booking]), &json!(0.1275)));
    assert_eq!((&story["from"], &story["started"]), (&json!(CALLER), &json!("2026-11-23T09:00:00-05:00")));
    let kinds: Vec<&str> = story["steps"].as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    for kind in ["rang", "connected", "asked", "booking", "answered", "told", "voicemail", "ended"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert!(story["transcript"].as_str().unwrap().contains("How can I help?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_mind_in_a_later_call_is_told_in_that_call() {
    let house = House::new().await;
    assert!(said(&house.tool("call-1", "book-1", BOOK, repair_by_sam("2026-11-24T08:00")).await).contains("You're booked"));
    house.later();
    let moved = house.tool("call-2", "move-1", "rescheduleAppointment", json!({ "scheduledDate": "2026-11-24T15:00" })).await;
    assert!(said(&moved).contains("is now on"), "{moved:?}");
    house.until("it is noted", async || house.story("call-2")["steps"].to_string().contains("is now on")).await;
    in_order(
        &ordered(&house, &["call", "call-2"]),
        &[
            "asked for rescheduleAppointment",
            "the caller wants another time",
            "the event was moved in the calendar",
            "Answered after",
        ],
    );
    assert!(!ordered(&house, &["call", "call-2"]).contains("was claimed"), "how it was booked belongs to the first call");
}

/// PostgreSQL keeps no NUL.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_characters_that_no_database_keeps_is_kept_without_them() {
    let house = Plan::new().on(On::Postgres).build().await;
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    said(
        &house
            .tool(&call, "t\u{0}1", "checkAvailability", json!({ "serviceType": "rep\u{0}air", "requestedDate": "2026-11-24" }))
            .await,
    );
    house.reports(&call, "User: My \u{0}heating is broken.").await;
    house.until("the end is kept", async || house.row().await.vapi_ended_reason.is_some()).await;
    house.until("the question is kept", async || house.story(SID)["steps"].to_string().contains("checkAvailability")).await;
    assert_eq!(house.story(&call)["transcript"], json!("User: My heating is broken."));
}
