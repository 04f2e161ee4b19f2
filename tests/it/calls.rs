//! The main job, end to end: a caller is connected, asks for a time and gets it in the calendar.

use serde_json::json;

use crate::house::{House, SAM};

fn book(start: &str) -> serde_json::Value {
    json!({ "serviceType": "AC Repair", "scheduledDate": start, "customerName": "Dana Miller", "technician": "sam", "notes": "no heat" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_asks_for_a_time_and_gets_it_in_the_calendar() {
    let house = House::new().await;
    let twiml = house.ring("CA00000000000000000000000000000001").await;
    assert_eq!((twiml.status, twiml.content_type.as_str()), (200, "text/xml"));
    let check = json!({ "serviceType": "repair", "requestedDate": "2026-11-24", "timeWindow": "morning" });
    let open = house.tool("call-1", "t1", "checkAvailability", check).await.sentence();
    assert!(open.contains("Tuesday, November 24 at 8 AM"), "{open}");
    let booked = house.tool("call-1", "t2", "bookAppointment", book("2026-11-24T08:00")).await.sentence();
    assert!(booked.contains("You're booked for repair on Tuesday, November 24 at 8 AM with Sam"), "{booked}");
    let events = house.google.events(SAM);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["summary"], "HVAC repair - Dana Miller");
}
