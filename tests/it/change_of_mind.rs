//! A change of mind, as a caller has it: finding, cancelling and moving an appointment, with nobody else in the way.

use serde_json::{Value, json};

use crate::fakes::stage::Moment;
use crate::house::{CALLER, House, SAM};
use crate::promises::{come_to_rest, confirmed, messages, older, promises_kept, repair, repair_by_sam, said, with};

const BOOK: &str = "bookAppointment";
pub const FIND: &str = "findAppointment";
pub const CANCEL: &str = "cancelAppointment";
pub const MOVE: &str = "rescheduleAppointment";
const STRANGER: &str = "+15551112222";

/// Books a repair by Sam; returns its confirmation code.
pub async fn booked(house: &House, caller: &str, start: &str) -> String {
    let call = format!("booking-{caller}-{start}");
    let sentence = said(&house.tool_of(caller, &call, "t1", BOOK, repair_by_sam(start)).await);
    assert!(sentence.contains("You're booked"), "{sentence}");
    sentence.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned()
}

pub fn to(start: &str) -> Value {
    json!({ "scheduledDate": start })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_finds_cancels_and_books_the_same_time_again() {
    let house = House::new().await;
    let code = booked(&house, CALLER, "2026-11-24T08:00").await;
    let found = said(&house.tool("call-1", "t1", FIND, json!({})).await);
    assert_eq!(
        found,
        format!(
            "The caller has one coming appointment: repair on Tuesday, November 24 at 8 AM with Sam, confirmation code {code}."
        )
    );
    let old = house.google.events(SAM)[0]["id"].clone();
    let gone = said(&house.tool("call-1", "t2", CANCEL, json!({})).await);
    assert_eq!(gone, "Your repair on Tuesday, November 24 at 8 AM is cancelled.");
    assert_eq!(promises_kept(&house).await.len(), 0);
    assert!(said(&house.tool("call-1", "t3", FIND, json!({})).await).contains("no coming appointment"));
    // The id of the deleted event stays burned: the same wish is a new booking with a new event.
    let again = said(&house.tool("call-1", "t4", BOOK, repair_by_sam("2026-11-24T08:00")).await);
    assert!(again.contains("You're booked") && !again.contains(&code), "{again}");
    assert_eq!(promises_kept(&house).await.len(), 1);
    assert_ne!(house.google.events(SAM)[0]["id"], old);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_cancellation_is_told_again_and_touches_nothing_else() {
    let house = House::new().await;
    booked(&house, CALLER, "2026-11-24T08:00").await;
    let first = said(&house.tool("call-1", "t1", CANCEL, json!({})).await);
    assert_eq!(said(&house.tool("call-1", "t1", CANCEL, json!({})).await), first);
    assert_eq!(said(&house.tool("call-1", "t2", CANCEL, json!({})).await), first);
    assert_eq!(said(&house.tool("call-2", "t1", CANCEL, json!({})).await), first);
    assert_eq!(house.google.count("events.delete"), 1);
    assert_eq!(messages(&house, 1).await.len(), 1, "one SMS, however often it is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_keeps_the_event_the_code_and_the_technician_and_may_overlap_the_old_time() {
    let house = House::new().await;
    let code = booked(&house, CALLER, "2026-11-24T08:00").await;
    let event = house.google.events(SAM)[0].clone();
    house.google.staff_patches(
        SAM,
        event["id"].as_str().unwrap(),
        &json!({ "description":
        format!("{}\nGate code 12", event["description"].as_str().unwrap()), "summary": "VIP: Dana" }),
    );
    let moved = said(&house.tool("call-1", "t1", MOVE, to("2026-11-24T09:00")).await);
    assert_eq!(
        moved,
        format!("Your repair is now on Tuesday, November 24 at 9 AM with Sam. Your confirmation code is still {code}.")
    );
    let row = promises_kept(&house).await.remove(0);
    assert_eq!(
        (row.confirmation.as_str(), row.technician.as_str(), row.wall_clock.as_str()),
        (code.as_str(), "sam", "2026-11-24 09:00")
    );
    let now = house.google.events(SAM)[0].clone();
    assert_eq!((&now["id"], &now["summary"], house.google.events(SAM).len()), (&event["id"], &json!("VIP: Dana"), 1));
    let description = now["description"].as_str().unwrap();
    assert!(
        description.contains("Gate code 12") && description.contains("Preferred time: Tuesday, November 24 at 9 AM"),
        "{description}"
    );
    // The old time is somebody else's now, the new one is not.
    assert!(
        said(&house.tool_of(STRANGER, "call-2", "t1", BOOK, repair_by_sam("2026-11-24T09:00")).await).contains("already taken")
    );
    assert!(
        said(&house.tool("call-1", "t1", MOVE, to("2026-11-24T09:00")).await).contains("is now on"),
        "the same id, the same answer"
    );
    assert!(
        said(&house.tool("call-1", "t2", MOVE, to("2026-11-24T09:00")).await).contains("9 AM"),
        "the same wish, the same success"
    );
    assert_eq!(house.google.count("events.patch"), 1);
    let texts: Vec<String> = messages(&house, 1).await.iter().map(|sms| sms["body"].as_str().unwrap().to_owned()).collect();
    assert!(texts[0].starts_with("ABC HVAC: Your repair is now on Tuesday, November 24 at 9 AM"), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_not_to_be_had_leaves_the_appointment_and_offers_others() {
    let house = House::new().await;
    booked(&house, CALLER, "2026-11-24T08:00").await;
    booked(&house, STRANGER, "2026-11-24T12:30").await;
    for (start, why) in [
        ("2026-11-24T12:30", "12:30 PM is already taken."),
        ("2026-11-24T06:00", "is outside our hours for repair."),
        ("2027-11-24T08:00", "We take bookings up to"),
    ] {
        let sentence = said(&house.tool("call-1", &format!("t-{start}"), MOVE, to(start)).await);
        assert!(sentence.contains(why) && sentence.contains("Your repair stays on Tuesday, November 24 at 8 AM."), "{sentence}");
    }
    let past = house.tool("call-1", "past", MOVE, to("2026-11-01T08:00")).await;
    assert!(past.is_error() && said(&past).contains("in the past"), "{past:?}");
    house.google.on("events.list", Moment::Before, |google| {
        let at = time::macros::datetime!(2026-11-24 15:00 -5);
        drop(google.staff_adds(SAM, at, at + time::Duration::HOUR));
    });
    let looked = said(&house.tool("call-1", "looked", MOVE, to("2026-11-24T15:00")).await);
    assert!(looked.contains("3 PM is already taken. Your repair stays on") && looked.contains("I do have"), "{looked}");
    assert_eq!(promises_kept(&house).await.len(), 2);
    assert_eq!(house.google.count("events.patch"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_appointments_the_caller_is_asked_which_one() {
    let house = House::new().await;
    let first = booked(&house, CALLER, "2026-11-24T08:00").await;
    let second = booked(&house, CALLER, "2026-11-25T08:00").await;
    let which = house.tool("call-1", "t1", CANCEL, json!({})).await;
    let sentence = said(&which);
    assert!(which.is_error() && sentence.contains(&first) && sentence.contains(&second), "{sentence}");
    let spelled: String = second.to_lowercase().chars().flat_map(|char| [char, '-']).collect();
    assert!(said(&house.tool("call-1", "t2", CANCEL, json!({ "confirmationId": spelled })).await).contains("November 25"));
    let rows = promises_kept(&house).await;
    assert_eq!((rows.len(), rows[0].confirmation.as_str()), (1, first.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_form_says_success_or_not_with_the_time_and_the_code() {
    let house = House::new().await;
    let code = booked(&house, CALLER, "2026-11-24T08:00").await;
    // It names no call, so nobody knows who calls: the code and the name say whose it is.
    let by = |more: Value| with(json!({ "confirmationId": code, "customerName": "Dana Miller" }), &more);
    let moved = older(&house.function(MOVE, by(to("2026-11-24T09:00"))).await);
    assert_eq!((&moved["success"], &moved["confirmationId"]), (&json!(true), &json!(code)));
    assert_eq!(moved["scheduledDate"], "2026-11-24T09:00:00-05:00");
    let found = older(&house.function(FIND, by(json!({}))).await);
    assert_eq!(found["appointments"][0]["scheduledDate"], "2026-11-24T09:00:00-05:00");
    assert_eq!(older(&house.function(CANCEL, by(json!({}))).await)["success"], true);
    assert_eq!(older(&house.function(MOVE, by(json!({}))).await)["success"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_move_and_book_of_one_booking_at_once_end_in_one_clear_state() {
    for round in 0..4 {
        let house = House::new().await;
        booked(&house, CALLER, "2026-11-24T08:00").await;
        let (cancelled, moved, again) = tokio::join!(
            house.tool("call-1", "t1", CANCEL, json!({})),
            house.tool("call-1", "t2", MOVE, to("2026-11-24T15:00")),
            house.tool("call-1", "t3", BOOK, repair("2026-11-24T08:00")),
        );
        come_to_rest(&house).await;
        let rows = promises_kept(&house).await;
        let said = [&cancelled, &moved, &again].map(said);
        let times: Vec<&str> = rows.iter().map(|row| row.wall_clock.as_str()).collect();
        // Whoever was told that it moved finds it there, unless it was cancelled after that.
        assert!(rows.len() <= 2, "{round}: {said:?} {times:?}");
        if said[1].contains("is now on") && !said[0].contains("is cancelled") {
            assert!(times.contains(&"2026-11-24 15:00"), "{round}: {said:?} {times:?}");
        }
        if said[0].contains("is cancelled") && !said[1].contains("is now on") {
            assert!(!times.contains(&"2026-11-24 15:00"), "{round}: {said:?} {times:?}");
        }
        assert_eq!(confirmed(&house).await.len(), rows.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_corrects_is_written_into_the_event_and_said() {
    let house = House::new().await;
    let code = booked(&house, CALLER, "2026-11-24T08:00").await;
    let event = house.google.events(SAM)[0].clone();
    let noted = format!("{}\nDog in the yard", event["description"].as_str().unwrap());
    house.google.staff_patches(SAM, event["id"].as_str().unwrap(), &json!({ "description": noted }));
    let corrected = with(
        repair_by_sam("2026-11-24T08:00"),
        &json!({ "customerName": "Dana Mueller", "address": "12 Oak Street", "notes": "Second floor" }),
    );
    let sentence = said(&house.tool("call-1", "t2", BOOK, corrected.clone()).await);
    assert_eq!(
        sentence,
        format!(
            "You're booked for repair on Tuesday, November 24 at 8 AM with Sam. Your confirmation code is {code}. I have changed the \
             name to Dana Mueller, the address to 12 Oak Street and the notes."
        )
    );
    let now = house.google.events(SAM)[0].clone();
    let description = now["description"].as_str().unwrap();
    assert_eq!(
        (&now["id"], &now["summary"], &now["location"]),
        (&event["id"], &json!("HVAC repair - Dana Mueller"), &json!("12 Oak Street"))
    );
    assert!(description.contains("Customer: Dana Mueller\n") && !description.contains("Dana Miller"), "{description}");
    assert!(description.contains("Notes: Second floor\n") && description.contains("Dog in the yard"), "{description}");
    let row = promises_kept(&house).await.remove(0);
    assert_eq!(
        (row.customer_name.as_str(), row.address.as_str(), row.notes.as_str()),
        ("Dana Mueller", "12 Oak Street", "Second floor")
    );
    // Said once more it is nothing new.
    let again = said(&house.tool("call-1", "t3", BOOK, corrected).await);
    assert!(!again.contains("I have changed"), "{again}");
    assert_eq!(house.google.count("events.patch"), 1);
}
