//! What must hold when several come at once, when a delivery is repeated, when somebody proves with another's secret, and
//! when the ground is pulled away.

use std::time::Duration;

use serde_json::json;

use crate::fakes::faults::Fault;
use crate::house::{BUSINESS, CALLER, House, Plan, SAM, SLUG, inbound};
use crate::promises::until;
use crate::shelf::On;

const SID: &str = "CA00000000000000000000000000000077";

fn repair_by_sam(hour: u8) -> serde_json::Value {
    let start = format!("2026-11-24T{hour:02}:00");
    json!({ "serviceType": "tune-up", "scheduledDate": start, "technician": "sam", "customerName": "Dana Miller" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_limit_holds_against_callers_who_come_at_once() {
    let text = BUSINESS.replacen("[[services]]", "[rules]\nmax_jobs_per_day = 1\n[[services]]", 1);
    let house = Plan::new().business(SLUG, &text).build().await;
    let asking = [8, 10, 13, 15, 17, 18].map(|hour| {
        let house = &house;
        async move {
            let (caller, call) = (format!("+155500000{hour:02}"), format!("call-{hour}"));
            house.tool_of(&caller, &call, "t1", "bookAppointment", repair_by_sam(hour)).await.sentence()
        }
    });
    let sentences = futures_util::future::join_all(asking).await;
    let booked = sentences.iter().filter(|sentence| sentence.contains("You're booked")).count();
    assert_eq!((booked, house.google.events(SAM).len()), (1, 1), "{sentences:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_booking_has_one_job_however_often_it_is_taken_up() {
    let house = House::new().await;
    house.google.fault_always("events.insert", Fault::status(500, "backendError"));
    let pending = house.tool("call-1", "t1", "bookAppointment", repair_by_sam(8)).await.sentence();
    assert!(pending.contains("not confirmed yet"), "{pending}");
    // Each time it is taken up the insert is sent three times.
    until(&house, "the booking to be taken up twice more", async || house.google.count("events.insert") >= 9).await;
    let store = house.store().await;
    let later = house.clock.now() + Duration::from_hours(9);
    let first = store.lease_job(later, Duration::from_secs(1)).await.unwrap();
    let second = store.lease_job(later, Duration::from_secs(1)).await.unwrap();
    store.close().await;
    assert!(first.is_some() && second.is_none(), "{first:?} and {second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_end_of_a_leg_is_answered_as_the_first_time() {
    let house = Plan::new().set("VAPI_CONNECT", "sip").set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai").build().await;
    house.ring(SID).await;
    let leg = |sid: &'static str| [&inbound(SID, CALLER)[..], &[("DialCallSid", sid), ("DialCallStatus", "failed")]].concat();
    let first = house.twilio("/twilio/dial-ended", &leg("CA0001")).await;
    assert!(first.body.contains("+15551239999"), "{first:?}");
    assert_eq!(house.twilio("/twilio/dial-ended", &leg("CA0001")).await, first);
    let next = house.twilio("/twilio/dial-ended", &leg("CA0002")).await;
    assert!(next.body.contains("<Record"), "the person did not answer: {next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_businesss_secret_reaches_no_call_of_another() {
    let other = BUSINESS.replace("+15551230000", "+15557770000").replace("abc.example", "xyz.example");
    let house = Plan::new().business("xyz", &other).set("TWILIO_AUTH_TOKEN__XYZ", "their-token").build().await;
    let ours = house.ring(SID).await;
    let theirs: Vec<(&str, &str)> =
        inbound(SID, CALLER).map(|(name, value)| (name, if name == "To" { "+15557770000" } else { value })).to_vec();
    let answer = house.twilio_signed("/twilio/inbound", &theirs, "their-token").await;
    assert!(answer.status == 200 && answer.body != ours.body && !answer.body.contains("Stream"), "{answer:?}");
    let over = [&theirs[..], &[("CallStatus", "completed")]].concat();
    let over: Vec<_> = over.into_iter().filter(|pair| *pair != ("CallStatus", "ringing")).collect();
    assert_eq!(house.twilio_signed("/twilio/status", &over, "their-token").await.status, 204);
    let row = house.call(SID).await.unwrap();
    assert!(row.ended_at.is_none() && row.status == "ringing", "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_once_the_database_file_is_gone() {
    let house = House::on(On::Sqlite).await;
    house.tool("call-1", "t1", "bookAppointment", repair_by_sam(8)).await;
    for name in ["ringbook.db", "ringbook.db-wal", "ringbook.db-shm"] {
        let _absent = std::fs::remove_file(house.folder.path().join(name));
    }
    let answer = house.tool("call-1", "t2", "bookAppointment", repair_by_sam(10)).await;
    assert!(answer.is_error() && answer.sentence().contains("nothing is confirmed"), "{answer:?}");
    assert_eq!((house.google.events(SAM).len(), house.get("/readyz").await.status), (1, 503));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_comes_late_wakes_no_call_that_is_over() {
    let house = House::new().await;
    house.ring(SID).await;
    for status in ["completed", "in-progress"] {
        let form = inbound(SID, CALLER).map(|(name, value)| (name, if name == "CallStatus" { status } else { value }));
        assert_eq!(house.twilio("/twilio/status", &form).await.status, 204);
    }
    let row = house.call(SID).await.unwrap();
    assert!(row.status == "completed" && row.ended_at.is_some(), "{row:?}");
}
