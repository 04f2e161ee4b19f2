//! Telling a late outcome: the live call hears it, or an SMS says it; a success once at most, a failure once at least, and
//! nobody but Vapi is ever spoken to.

use std::time::Duration;

use ringbook::clients::control::ControlUrl;
use ringbook::clock::Stopwatch;
use ringbook::names::{BookingId, Phone, Slug, VapiCallId};
use ringbook::store::calls::Leg;
use ringbook::store::heard::VapiCall;
use ringbook::store::jobs::{Job, Outcome};
use serde_json::json;
use url::Url;

use crate::fakes::faults::Fault;
use crate::house::{BUSINESS, CALLER, House, Plan, SLUG};
use crate::program::free_port;
use crate::ringing::SID;

const CONTROL: &str = "control";
const SMS: &str = "messages.create";
const DAY: Duration = Duration::from_hours(24);
const LEASE: Duration = Duration::from_secs(61);
const SPOKEN: &str = "Tell the caller at once: it is decided.";
const TEXT: &str = "ABC HVAC: it is decided.";

/// A house with a call that the assistant has; and that call's name at Vapi.
async fn with_live_call() -> (House, String) {
    let house = House::new().await;
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.expect("a call at Vapi").to_string();
    (house, call)
}

fn outcome(call: &str, booked: bool) -> Outcome {
    Outcome {
        business: Slug::parse(SLUG).unwrap(),
        booking: BookingId::new(),
        booked,
        call_id: call.into(),
        spoken: SPOKEN.into(),
        to: Phone::e164(CALLER).unwrap(),
        text: TEXT.into(),
        confirmation: String::new(),
    }
}

/// Makes the job that tells it, due at once; returns its key.
async fn enqueue(house: &House, outcome: Outcome) -> String {
    let (key, store) = (format!("told/{}/decided", outcome.booking), house.store().await);
    assert!(store.enqueue(&key, &Job::Tell(outcome), house.clock.now()).await.unwrap());
    store.close().await;
    key
}

async fn is_done(house: &House, key: &str) {
    house.until("it is done", async || house.job(key).await.state == "done").await;
}

/// Tells it to the end; returns how often the call was spoken to and how many SMS went out because of it.
async fn told(house: &House, outcome: Outcome) -> (usize, usize) {
    let before = (house.vapi.count(CONTROL), house.texts_to(CALLER).len());
    let key = enqueue(house, outcome).await;
    is_done(house, &key).await;
    let by_sms = format!("{key}/sms");
    if house.jobs().await.iter().any(|job| job.key == by_sms) {
        is_done(house, &by_sms).await;
    }
    (house.vapi.count(CONTROL) - before.0, house.texts_to(CALLER).len() - before.1)
}

/// Vapi names another control address for this call.
async fn is_controlled_at(house: &House, call: &str, address: &str) {
    let (id, business, store) = (VapiCallId::parse(call).unwrap(), Slug::parse(SLUG).unwrap(), house.store().await);
    let word = VapiCall {
        id: &id,
        sid: None,
        business: &business,
        from: CALLER,
        to: "",
        control_url: Some(address),
        ended_reason: None,
    };
    store.hear_from_vapi(&word, house.clock.now()).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_call_hears_it_once_after_its_answer_has_gone_out() {
    let (house, call) = with_live_call().await;
    for booked in [true, false] {
        let watch = Stopwatch::start();
        assert_eq!(told(&house, outcome(&call, booked)).await, (1, 0), "booked: {booked}");
        assert!(watch.elapsed() >= Duration::from_millis(500), "the answer \"being arranged\" comes first");
    }
    let message =
        json!({ "type": "add-message", "message": { "role": "system", "content": SPOKEN }, "triggerResponseEnabled": true });
    assert_eq!(house.vapi.controls(&call), [message.clone(), message]);
    let asked = house.vapi.requests_of(CONTROL);
    assert!(asked.iter().all(|entry| entry.request.header("authorization").is_none()), "no key goes with it");
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!((house.vapi.count(CONTROL), house.twilio.count(SMS), house.alerts.requests().len()), (2, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_an_answer() {
    let (house, call) = with_live_call().await;
    for fault in [Fault::Html200, Fault::Empty200, Fault::TruncatedAfterCommit, Fault::HugeBody(8 * 1024 * 1024)] {
        for booked in [true, false] {
            house.vapi.fault(CONTROL, fault.clone());
            assert_eq!(told(&house, outcome(&call, booked)).await, (1, 0), "{fault:?}, booked: {booked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_call_surely_did_not_hear_goes_by_sms() {
    let (house, call) = with_live_call().await;
    let elsewhere = format!("{}/alerts", house.alerts.url());
    for booked in [true, false] {
        for code in [400, 401, 404, 410, 429] {
            house.vapi.fault(CONTROL, Fault::status(code, "no"));
            assert_eq!(told(&house, outcome(&call, booked)).await, (1, 1), "{code}, booked: {booked}");
        }
        house.vapi.fault(CONTROL, Fault::Redirect(elsewhere.clone()));
        assert_eq!(told(&house, outcome(&call, booked)).await, (1, 1), "a redirect, booked: {booked}");
    }
    assert!(house.alerts.requests().is_empty(), "redirects are not followed");
    is_controlled_at(&house, &call, &format!("http://127.0.0.1:{}/{call}/control", free_port())).await;
    for booked in [true, false] {
        assert_eq!(told(&house, outcome(&call, booked)).await, (0, 1), "no connection, booked: {booked}");
    }
    assert_eq!(house.texts_to(CALLER), vec![TEXT; 14]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_call_may_have_heard_is_told_again_only_if_it_is_a_failure() {
    let (mut house, call) = with_live_call().await;
    let unknown = [
        Fault::status(500, "no"),
        Fault::status_after_commit(502, "no"),
        Fault::status(503, "no"),
        Fault::ResetBeforeCommit,
        Fault::ResetAfterCommit,
        Fault::HangBeforeCommit,
        Fault::HangAfterCommit,
    ];
    let asked = unknown.len() * 2;
    for fault in unknown {
        house.vapi.fault(CONTROL, fault.clone());
        house.vapi.fault(CONTROL, fault.clone());
        // Side by side, for the sake of what hangs.
        let success = enqueue(&house, Outcome { text: "Booked.".into(), ..outcome(&call, true) }).await;
        let failure = enqueue(&house, outcome(&call, false)).await;
        for key in [&success, &failure, &format!("{failure}/sms")] {
            house.until("it is kept", async || house.jobs().await.iter().any(|job| job.key == *key)).await;
            is_done(&house, key).await;
        }
    }
    house.restart().await;
    house.clock.advance(DAY);
    house.jobs_run().await;
    assert_eq!(
        (house.vapi.count(CONTROL), house.texts_to(CALLER)),
        (asked, vec![TEXT.to_owned(); asked / 2]),
        "nothing is repeated"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telling_that_a_crash_cut_short_is_repeated_only_if_it_is_a_failure() {
    for booked in [true, false] {
        let (mut house, call) = with_live_call().await;
        let held = house.vapi.hold(CONTROL);
        let key = enqueue(&house, outcome(&call, booked)).await;
        held.reached(1).await;
        house.crash().await;
        held.release();
        // Before it starts again: what was broken off is looked for at the start, and then only now and then.
        house.clock.advance(LEASE);
        house.restart().await;
        if !booked {
            is_done(&house, &key).await;
        }
        house.clock.advance(DAY);
        house.jobs_run().await;
        assert_eq!((house.vapi.count(CONTROL), house.texts_to(CALLER).len()), (1 + usize::from(!booked), 0), "booked: {booked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_with_the_assistant_no_more_gets_an_sms() {
    for booked in [true, false] {
        let (house, call) = with_live_call().await;
        let sid = house.row().await.sid.unwrap();
        let store = house.store().await;
        for leg in [Leg::Person, Leg::Voicemail] {
            store.keep_leg(&sid, leg, None, house.clock.now()).await.unwrap();
            assert_eq!(told(&house, outcome(&call, booked)).await, (0, 1), "{leg:?}");
        }
        store.keep_leg(&sid, Leg::Assistant, None, house.clock.now()).await.unwrap();
        assert_eq!(told(&house, outcome(&call, booked)).await, (1, 0), "back with the assistant");
        store.keep_call_status(&sid, "completed", true, house.clock.now()).await.unwrap();
        assert_eq!(told(&house, outcome(&call, booked)).await, (0, 1), "Twilio says that it is over");
        store.close().await;
    }
    let (house, call) = with_live_call().await;
    house.vapi_ends("customer-ended-call").await;
    assert_eq!(told(&house, outcome(&call, true)).await, (0, 1), "Vapi says that it is over");
    for unknown in ["", "another-call", "not a name"] {
        assert_eq!(told(&house, outcome(unknown, true)).await, (0, 1), "{unknown:?} is not known");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_found_by_its_twilio_name_and_never_across_businesses() {
    let other = BUSINESS.replace("+15551230000", "+15551230001").replace("@abc.example", "@other.example");
    let house = Plan::new().business("other", &other).build().await;
    house.ring(SID).await;
    assert_eq!(told(&house, outcome(SID, true)).await, (1, 0));
    house.twilio.add_number("+15551230001");
    let foreign = Outcome { business: Slug::parse("other").unwrap(), ..outcome(SID, true) };
    assert_eq!(told(&house, foreign).await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_this_machine_is_called_only_where_vapi_is_on_it() {
    let settings = [("VAPI_API_URL", "https://api.vapi.ai"), ("VAPI_CONNECT", "stream")];
    let plan = settings.iter().fold(Plan::new(), |plan, (name, value)| plan.set(name, value));
    let house = plan.build().await;
    let here = house.vapi.url();
    let addresses = [
        format!("{here}/call-1/control"),
        here.replace("127.0.0.1", "localhost"),
        format!("{}#.vapi.ai", house.alerts.url()),
        format!("{here}/.vapi.ai/control"),
        "not an address".to_owned(),
    ];
    for address in &addresses {
        is_controlled_at(&house, "call-1", address).await;
        assert_eq!(told(&house, outcome("call-1", true)).await, (0, 1), "{address}");
    }
    assert_eq!((house.vapi.requests().len(), house.alerts.requests().len()), (0, 0));
}

#[test]
fn only_vapis_own_hosts_are_control_addresses() {
    let (real, local) = (Url::parse("https://api.vapi.ai/").unwrap(), Url::parse("http://localhost:9/").unwrap());
    let may = |text: &str| [&real, &local].map(|api| ControlUrl::parse(text, api).is_some());
    for text in [
        "https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/1/control",
        "https://VAPI.ai/1",
        "https://x.vapi.ai:8443/1",
    ] {
        assert_eq!(may(text), [true, true], "{text}");
    }
    for text in ["http://127.0.0.1:5/1", "https://[::1]:5/1", "http://localhost/1"] {
        assert_eq!(may(text), [false, true], "{text}");
    }
    let foreign = [
        "http://x.vapi.ai/1",
        "wss://x.vapi.ai/1",
        "https://vapi.ai.evil.example/1",
        "https://evilvapi.ai/1",
        "https://x.vapi.ai@evil.example/1",
        "https://evil.example/x.vapi.ai",
        "https://evil.example\\.vapi.ai/1",
        "https://10.0.0.1/1",
        "https://169.254.169.254/latest",
        "http://0.0.0.0/1",
        "ftp://127.0.0.1/1",
        "file:///etc/passwd",
        "/1/control",
        "",
    ];
    for text in foreign {
        assert_eq!(may(text), [false, false], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_at_all_becomes_an_alert() {
    let house = House::new().await;
    house.twilio.refuse_messages_to(CALLER, 21610);
    let key = enqueue(&house, outcome("gone", true)).await;
    house.alerts.wait_for_done("alert", 1).await;
    let ended = async || (house.job(&key).await.state, house.job(&format!("{key}/sms")).await.state);
    house.until("both are over", async || ended().await == ("done".into(), "failed".into())).await;
    let alert = &house.alerts.alerts()[0];
    assert_eq!((alert["kind"].as_str(), alert["business"].as_str()), (Some("sms_given_up"), Some(SLUG)));
    assert!(!alert.to_string().contains(&CALLER[1..]), "{alert}");
}
