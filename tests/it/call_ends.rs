//! A leg of the call is over: the caller hangs up, gets a person, or leaves a message, and the business hears of it once.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use ringbook::store::calls::Leg;
use serde_json::json;

use crate::house::{BUSINESS, CALLER, House, Plan, SLUG};
use crate::ringing::{OWNER, PERSON, SID, is_goodbye, is_hang_up, is_person, is_voicemail};

const ONGOING: (&str, &str) = ("CallStatus", "in-progress");
const NO_ANSWER: (&str, &str) = ("DialCallStatus", "no-answer");

/// The call is gone, or Vapi said that it came to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_came_to_its_end_is_hung_up() {
    let house = House::new().await;
    house.ring(SID).await;
    let watch = Stopwatch::start();
    for over in ["completed", "busy", "failed", "no-answer", "canceled"] {
        assert!(is_hang_up(&house.says("connect-ended", &[("CallStatus", over)]).await), "{over}");
    }
    house.vapi_ends("assistant-ended-call").await;
    assert!(is_hang_up(&house.says("connect-ended", &[ONGOING]).await));
    assert!(watch.elapsed() < Duration::from_secs(1), "nothing is waited for: {:?}", watch.elapsed());
    assert_eq!(house.row().await.leg, Leg::Assistant);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_failed_reaches_a_person_at_once() {
    let house = House::new().await;
    let first = house.ring(SID).await.body;
    house.vapi_ends("phone-call-provider-closed-websocket").await;
    let watch = Stopwatch::start();
    assert!(is_person(&house.says("connect-ended", &[ONGOING]).await));
    assert!(watch.elapsed() < Duration::from_secs(1), "a known failure is not waited for: {:?}", watch.elapsed());
    let row = house.row().await;
    assert_eq!((row.leg, row.dialing.unwrap().as_str(), row.twiml), (Leg::Person, PERSON, Some(first)), "its first answer stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn vapis_report_is_waited_for_and_without_one_a_person_is_reached() {
    let house = House::new().await;
    house.ring(SID).await;
    let watch = Stopwatch::start();
    assert!(is_person(&house.says("connect-ended", &[ONGOING]).await), "nothing was said");
    assert!((1_500..3_000).contains(&watch.elapsed_ms()), "{}", watch.elapsed_ms());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_arrives_while_the_stream_is_ending_counts() {
    let house = House::new().await;
    house.ring(SID).await;
    let report = async {
        // The claim is about real time: Vapi closes the stream first and reports half a second later.
        tokio::time::sleep(Duration::from_millis(500)).await;
        house.vapi_ends("customer-ended-call").await;
    };
    let (said, ()) = tokio::join!(house.says("connect-ended", &[ONGOING]), report);
    assert!(is_hang_up(&said), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_does_not_answer_is_followed_by_voicemail_and_the_business_is_told_once() {
    let house = House::new().await;
    house.ring(SID).await;
    house.vapi_ends("phone-call-provider-closed-websocket").await;
    assert!(is_person(&house.says("connect-ended", &[ONGOING]).await));
    for _ in 0..2 {
        assert!(is_voicemail(&house.says("dial-ended", &[NO_ANSWER, ONGOING]).await));
    }
    assert_eq!((house.row().await.leg, house.row().await.dialing), (Leg::Voicemail, None));
    house.twilio.wait_for_done("messages.create", 1).await;
    house.jobs_run().await;
    assert_eq!(
        house.texts_to(OWNER),
        [format!("ABC HVAC: nobody answered at {PERSON} for a caller from {CALLER}, Monday, November 23 at 9 AM.")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_dial_the_leg_decides() {
    let house = Plan::new().set("VAPI_CONNECT", "sip").set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai").build().await;
    house.ring(SID).await;
    for answered in ["completed", "answered"] {
        assert!(is_hang_up(&house.says("dial-ended", &[("DialCallStatus", answered)]).await));
    }
    assert!(is_hang_up(&house.says("dial-ended", &[("DialCallStatus", "canceled"), ("CallStatus", "completed")]).await));
    assert_eq!(house.row().await.leg, Leg::Assistant);
    assert!(is_person(&house.says("dial-ended", &[("DialCallStatus", "failed"), ONGOING]).await), "the assistant's leg failed");
    assert_eq!(house.jobs().await, [], "nobody was missed yet");
    for missed in ["no-answer", "busy", "failed", "canceled", ""] {
        assert!(is_voicemail(&house.says("dial-ended", &[("DialCallStatus", missed), ONGOING]).await), "{missed}");
    }
    assert!(is_voicemail(&house.says("dial-ended", &[("CallSid", "CA9"), NO_ANSWER]).await), "a call that is not known here");
    assert_eq!(house.vapi.requests().len(), 0);
}

fn recording(sid: &str) -> [(&str, &str); 3] {
    [("RecordingSid", sid), ("RecordingUrl", "https://api.twilio.com/2010-04-01/Recordings/RE1"), ("RecordingDuration", "17")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_and_told_once_to_each_who_wants_to_hear_of_it() {
    let two = BUSINESS.replace("sms = [\"+15551238888\"]", "sms = [\"+15551238888\", \"+15551237777\"]");
    let mut house = Plan::new().business(SLUG, &two).build().await;
    assert!(is_person(&house.says("fallback", &[]).await));
    let first = recording("RE1");
    let deliveries = (0..5).map(|_| house.says("voicemail", &first));
    for said in futures_util::future::join_all(deliveries).await {
        assert!(is_goodbye(&said), "{said}");
    }
    house.twilio.wait_for_done("messages.create", 2).await;
    house.nothing_is_under_way().await;
    house.restart().await;
    assert!(is_goodbye(&house.says("voicemail", &recording("RE1")).await));
    house.jobs_run().await;
    let text = format!(
        "ABC HVAC: voicemail from {CALLER}, Monday, November 23 at 9 AM, 17 seconds: https://api.twilio.com/2010-04-01/Recordings/RE1.mp3"
    );
    for number in [OWNER, "+15551237777"] {
        assert_eq!(house.texts_to(number), std::slice::from_ref(&text));
    }
    assert_eq!(house.recordings().await, [("RE1".to_owned(), SID.to_owned(), 17)]);
    house.says("voicemail", &recording("RE2")).await;
    house.twilio.wait_for_done("messages.create", 4).await;
    assert_eq!(house.texts_to(OWNER).len(), 2, "another message");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_recorded_is_no_message() {
    let house = House::new().await;
    assert!(is_goodbye(&house.says("voicemail", &[]).await));
    assert!(is_goodbye(&house.says("voicemail", &[("To", "+15550000000"), ("RecordingSid", "RE9")]).await));
    assert_eq!(house.jobs().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_is_told_only_of_what_it_wants_to_hear() {
    let deaf = BUSINESS.replace("[hours]", "on = [\"booking_uncertain\"]\n[hours]");
    let house = Plan::new().business(SLUG, &deaf).build().await;
    house.says("fallback", &[]).await;
    house.says("dial-ended", &[NO_ANSWER]).await;
    house.says("voicemail", &recording("RE1")).await;
    assert_eq!(house.jobs().await, []);
    assert_eq!(house.recordings().await.len(), 1, "it is kept all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_caller_is_called_so_and_never_by_a_number() {
    let house = House::new().await;
    for (sid, from, shown) in
        [("RE1", "+266696687", "a withheld number"), ("RE2", "anonymous", "a withheld number"), ("RE3", "sip:b@c", "sip:b@c")]
    {
        house.says("voicemail", &[&recording(sid)[..], &[("From", from)]].concat()).await;
        house
            .until("it is told", async || house.texts_to(OWNER).iter().any(|text| text.contains(&format!("from {shown},"))))
            .await;
    }
    assert_eq!(json!(house.texts_to(OWNER).len()), json!(3));
}
