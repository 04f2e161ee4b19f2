//! A person is erased: nothing of their number and name is left in the database file, what lies at Twilio and Vapi is deleted
//! there, and everybody else's bookings are as they were.

use std::time::Duration;

use ringbook::clock::Clock;
use serde_json::{Value, json};
use time::{Date, Weekday};

use crate::fakes::faults::Fault;
use crate::house::{CALLER, House, Plan, SAM};
use crate::orders::ordered;
use crate::promises::{confirmed, said};
use crate::ringing::SID;

const BOOK: &str = "bookAppointment";
const STRANGER: &str = "+15551112222";
/// By the parts that nothing else contains; the number as signalled and as it is said.
const CANARIES: [&str; 7] =
    ["5557654321", "555-765-4321", "Zylberstein", "Hidden Lane", "under the mat", "zyl.example", "pomegranate"];

/// A Monday that is still to come, wherever the machine's clock stands: commands go by that.
fn monday() -> Date {
    let days = std::iter::successors(Some(Clock::System.now().date()), |day| day.next_day());
    days.skip(2).find(|day| day.weekday() == Weekday::Monday).unwrap()
}

fn wish(start: &str, name: &str) -> Value {
    json!({ "serviceType": "repair", "scheduledDate": start, "technician": "sam", "customerName": name })
}

/// A caller who books, is talked about, and leaves a message; and another one who books.
async fn a_day() -> (House, Date, String) {
    let house = Plan::new().at(monday().with_hms(14, 0, 0).unwrap().assume_utc()).build().await;
    let tuesday = monday().next_day().unwrap();
    house.ring(SID).await;
    let call = house.row().await.vapi_call_id.unwrap().to_string();
    let details = json!({ "serviceType": "repair", "scheduledDate": format!("{tuesday}T08:00"), "technician": "sam",
        "customerName": "Quentin Zylberstein", "address": "77 Hidden Lane", "email": "q@zyl.example", "notes": "The key is under the mat" });
    assert!(said(&house.tool(&call, "t1", BOOK, details).await).contains("You're booked"));
    let other = house.tool_of(STRANGER, "call-2", "t1", BOOK, wish(&format!("{tuesday}T15:00"), "Dana Miller")).await;
    assert!(said(&other).contains("You're booked"));
    // What somebody else says of them is about them, too.
    let mention = json!({ "serviceType": "repair", "requestedDate": tuesday.to_string(), "notes": "or call 555-765-4321" });
    said(&house.tool_of(STRANGER, "call-2", "t2", "checkAvailability", mention).await);
    house.reports(&call, "User: I am Quentin Zylberstein, the code is pomegranate, my number is 555-765-4321.").await;
    let recording = [("RecordingSid", "RE1"), ("RecordingUrl", "https://api.twilio.com/RE1"), ("RecordingDuration", "17")];
    house.twilio.add_recording("RE1");
    house.says("voicemail", &recording).await;
    house.status(&[("CallStatus", "completed")]).await;
    house.jobs_run().await;
    house.until("all is noted", async || house.story("call-2")["steps"].to_string().contains("checkAvailability")).await;
    house.until("the webhooks are recorded", async || house.grip().await.count("webhooks").await == 7).await;
    house.until("the call is noted", async || house.story(&call)["steps"].to_string().contains("Hidden Lane")).await;
    (house, tuesday, call)
}

/// What of the canaries stands in the database file or its log.
fn left(house: &House) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for file in ["ringbook.db", "ringbook.db-wal"] {
        let bytes = std::fs::read(house.folder.path().join(file)).unwrap_or_default();
        let is_in = |canary: &&&str| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        found.extend(CANARIES.iter().filter(is_in).map(|canary| (file, *canary)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_person_is_left_in_the_database_file() {
    let (house, tuesday, _) = a_day().await;
    assert!(!left(&house).is_empty());
    let told = ordered(&house, &["forget", CALLER]);
    assert!(told.contains("1 bookings anonymised") && told.contains("1 voicemails deleted"), "{told}");
    assert!(told.contains("6 recorded webhooks deleted"), "{told}");
    assert_eq!(house.grip().await.count("webhooks").await, 1, "that of somebody else's booking");
    assert_eq!(left(&house), [], "{told}");
    let rows = confirmed(&house).await;
    let of = |name: &str| rows.iter().find(|row| row.customer_name == name).unwrap().clone();
    assert_eq!(
        (rows.len(), of("").wall_clock, of("Dana Miller").wall_clock),
        (2, format!("{tuesday} 08:00"), format!("{tuesday} 15:00"))
    );
    assert!(told.contains(&format!("repair with sam for abc-hvac, code {}", of("").confirmation)), "{told}");
    assert!(!told.contains(&of("Dana Miller").confirmation), "{told}");
    // The business still has to do the job.
    assert!(house.google.events(SAM).iter().any(|event| event["summary"] == "HVAC repair - Quentin Zylberstein"));
    let shown: Value = serde_json::from_str(&ordered(&house, &["bookings", "--date", &tuesday.to_string(), "--json"])).unwrap();
    assert_eq!((&shown[0]["customer_phone"], &shown[1]["customer_phone"]), (&json!(""), &json!(STRANGER)));
    assert!(ordered(&house, &["call", SID]).contains("forgotten called"), "that a call came in stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_at_vapi_and_twilio_is_deleted_there_until_it_works() {
    let (house, _, call) = a_day().await;
    house.vapi.fault("call.delete", Fault::status(503, "down"));
    ordered(&house, &["forget", CALLER]);
    house.twilio.wait_for_done("recordings.delete", 1).await;
    assert_eq!(house.twilio.recordings(), [""; 0]);
    house.has_failed_once(&format!("forget_call/{call}")).await;
    house.clock.advance(Duration::from_mins(1));
    house.until("the call is deleted", async || house.vapi.calls().iter().all(|kept| kept["id"] != call.as_str())).await;
    house.jobs_run().await;
    assert_eq!((house.twilio.count("recordings.delete"), house.vapi.count("call.delete")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_again_finds_nothing_and_a_late_report_brings_nobody_back() {
    let (house, _, call) = a_day().await;
    ordered(&house, &["forget", CALLER]);
    house.reports(&call, "User: I am Quentin Zylberstein.").await;
    assert_eq!(house.story(&call)["transcript"], json!(null));
    assert_eq!(left(&house), []);
    assert_eq!(ordered(&house, &["forget", CALLER]), "Nothing is known of this number.\n");
    assert_eq!(ordered(&house, &["forget", "+15550001111"]), "Nothing is known of this number.\n");
    assert_eq!(confirmed(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_number_may_book_again_as_somebody_new() {
    let (house, tuesday, _) = a_day().await;
    ordered(&house, &["forget", CALLER]);
    let found = said(&house.tool("call-9", "t1", "findAppointment", json!({})).await);
    assert!(found.contains("no coming appointment"), "{found}");
    let again = said(&house.tool("call-9", "t2", BOOK, wish(&format!("{tuesday}T17:30"), "Someone New")).await);
    assert!(again.contains("You're booked"), "{again}");
}
