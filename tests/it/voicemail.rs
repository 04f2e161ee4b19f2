//! Messages that callers leave: told once with a link that plays, listed with their call, and deleted at Twilio and here when
//! they are too old.

use std::time::Duration;

use ringbook::names::CallSid;
use ringbook::store::voicemails::VoicemailRow;

use crate::fakes::faults::Fault;
use crate::house::{CALLER, House, NOW, Plan};
use crate::ringing::{OWNER, SID, is_goodbye};

const DELETE: &str = "recordings.delete";
const DAY: Duration = Duration::from_hours(24);
const ADDRESS: &str = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1";

async fn left(house: &House, recording: &str, seconds: &str) {
    house.twilio.add_recording(recording);
    let form =
        [("RecordingSid", recording), ("RecordingUrl", ADDRESS), ("RecordingDuration", seconds), ("CallStatus", "completed")];
    assert!(is_goodbye(&house.says("voicemail", &form).await));
}

async fn of_the_call(house: &House) -> Vec<VoicemailRow> {
    let store = house.store().await;
    let rows = store.voicemails_of(&CallSid::parse(SID).unwrap()).await.unwrap();
    store.close().await;
    rows
}

/// The server as it is after so long a time.
async fn after(house: &mut House, time: Duration) {
    house.stop().await;
    house.clock.advance(time);
    house.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_listed_with_its_call_and_told_with_a_link_that_plays() {
    let house = House::new().await;
    futures_util::future::join_all((0..4).map(|_| left(&house, "RE1", "17"))).await;
    house.twilio.wait_for_done("messages.create", 1).await;
    house.jobs_run().await;
    let link = format!("{ADDRESS}.mp3");
    assert_eq!(
        house.texts_to(OWNER),
        [format!("ABC HVAC: voicemail from {CALLER}, Monday, November 23 at 9 AM, 17 seconds: {link}")]
    );
    let rows = of_the_call(&house).await;
    assert_eq!(rows.len(), 1);
    let VoicemailRow { recording_sid, business, url, seconds, created_at } = rows[0].clone();
    assert_eq!((recording_sid.as_str(), business.unwrap().as_str(), url, seconds), ("RE1", "abc-hvac", link, 17));
    assert_eq!(created_at, NOW);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_recording_is_no_message_and_is_deleted() {
    let house = House::new().await;
    for _ in 0..2 {
        left(&house, "RE1", "0").await;
    }
    house.twilio.wait_for_done(DELETE, 1).await;
    house.until("it is done", async || house.job("erase/RE1").await.state == "done").await;
    assert_eq!((of_the_call(&house).await, house.texts_to(OWNER), house.jobs().await.len()), (vec![], vec![], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_deleted_when_it_is_too_old_at_twilio_first_and_however_often_that_fails() {
    let mut house = Plan::new().set("RETENTION_DAYS", "30").build().await;
    left(&house, "RE1", "17").await;
    after(&mut house, DAY * 20).await;
    left(&house, "RE2", "18").await;
    assert_eq!(house.recordings().await.len(), 2);
    for fault in [Fault::status(500, "20500"), Fault::status(429, "20429"), Fault::ResetBeforeCommit] {
        house.twilio.fault(DELETE, fault);
    }
    after(&mut house, DAY * 10 + Duration::from_secs(1)).await;
    for (attempt, pause) in [(1, 2), (2, 4), (3, 8)] {
        let waits = async || {
            let job = house.jobs().await.into_iter().find(|job| job.key == "erase/RE1");
            job.is_some_and(|job| (job.attempts, job.due_in_ms) == (attempt, pause * 1_000))
        };
        house.until("the failure is noted", waits).await;
        assert_eq!((house.recordings().await.len(), house.twilio.recordings().len()), (2, 2));
        house.clock.advance(Duration::from_secs(pause.unsigned_abs()));
    }
    house.until("the row is gone", async || house.recordings().await.len() == 1).await;
    after(&mut house, DAY).await;
    house.jobs_run().await;
    let asked: Vec<_> = house.twilio.requests_of(DELETE).into_iter().flat_map(|entry| entry.about).collect();
    assert_eq!((house.twilio.recordings(), asked), (vec!["RE2".to_owned()], vec!["RE1".to_owned(); 4]));
    assert_eq!(house.recordings().await[0].0, "RE2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_somebody_deleted_at_twilio_is_forgotten_and_a_name_that_is_none_leads_nowhere() {
    let mut house = House::new().await;
    for recording in ["RE1", "../Calls/CA1", "RE2?x="] {
        let form = [("RecordingSid", recording), ("RecordingUrl", ADDRESS), ("RecordingDuration", "9")];
        house.says("voicemail", &form).await;
    }
    assert_eq!(house.recordings().await.len(), 3);
    after(&mut house, DAY * 89).await;
    house.jobs_run().await;
    assert_eq!((house.recordings().await.len(), house.twilio.count(DELETE)), (3, 0), "the default is 90 days");
    after(&mut house, DAY * 2).await;
    house.until("all rows are gone", async || house.recordings().await.is_empty()).await;
    assert_eq!((house.twilio.count(DELETE), house.twilio.count("unknown")), (1, 0));
}
