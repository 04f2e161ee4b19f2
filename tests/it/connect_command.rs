//! `ringbook connect`: everything in the right order, once, and again when it broke off or an address has changed.

use serde_json::Value;

use crate::clinic::Clinic;
use crate::fakes::faults::Fault;
use crate::fakes::twilio::Twilio;
use crate::house::{BUSINESS, CALLED, SLUG};
use crate::passage::Passage;
use crate::program::{err, out};

const SECOND: &str = "+15551230001";
const AT_VAPI: &str = "https://api.vapi.ai/twilio/inbound_call";

/// What was changed at Vapi and Twilio so far: assistants made and changed, numbers imported and pointed.
fn changes(clinic: &Clinic) -> [usize; 4] {
    let (vapi, twilio) = (&clinic.house.vapi, &clinic.house.twilio);
    [vapi.count("assistant.create"), vapi.count("assistant.update"), vapi.count("number.create"), twilio.count("numbers.update")]
}

fn voice_url(clinic: &Clinic) -> String {
    clinic.house.twilio.number(&clinic.sid)["voice_url"].as_str().unwrap().to_owned()
}

/// The number is not imported yet, and importing it does what the real Vapi does.
async fn new_customer() -> Clinic {
    let mut clinic = Clinic::empty().await;
    clinic.house.vapi.numbers.remove(crate::clinic::NUMBER_ID);
    clinic.set("VAPI_PHONE_NUMBER_ID", "");
    let twilio = clinic.house.twilio.itself();
    clinic.house.vapi.numbers.on_import(move |number| twilio.set_number(&sid_of(&twilio, number), "voice_url", AT_VAPI));
    clinic
}

/// Of a number in the account.
fn sid_of(twilio: &Twilio, number: &str) -> String {
    let sids = (1..20).map(|n| format!("PN{n:032x}"));
    sids.filter(|sid| twilio.has_number(sid)).find(|sid| twilio.number(sid)["phone_number"] == number).unwrap()
}

/// The same with a second number; returns what it is called at Twilio.
async fn with_two_numbers() -> (Clinic, String) {
    let clinic = new_customer().await;
    let sid = clinic.house.twilio.add_number(SECOND);
    clinic.business(&BUSINESS.replace(&format!("[\"{CALLED}\"]"), &format!("[\"{CALLED}\", \"{SECOND}\"]")));
    (clinic, sid)
}

fn is_here(clinic: &Clinic, sid: &str) -> bool {
    let url = clinic.house.twilio.number(sid)["voice_url"].clone();
    url.as_str().unwrap().starts_with(&format!("{}/twilio/inbound", clinic.door.url))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_numbers_of_a_business_are_brought_and_a_second_run_changes_nothing() {
    let (mut clinic, second) = with_two_numbers().await;
    let first = clinic.run(&["connect", SLUG]);
    let told = out(&first);
    assert_eq!(first.status.code(), Some(0), "{told}{}", err(&first));
    assert_eq!(changes(&clinic), [1, 0, 2, 2]);
    assert!(
        is_here(&clinic, &clinic.sid) && is_here(&clinic, &second),
        "importing rewrote them, and they were pointed here after it"
    );
    for number in [CALLED, SECOND] {
        assert!(told.contains(&format!("{number} was imported: ")), "{number}: {told}");
    }
    let numbers = clinic.house.vapi.numbers.all();
    let of_first = numbers.iter().find(|it| it["number"] == CALLED).unwrap()["id"].as_str().unwrap();
    assert!(told.contains(&format!("\nVAPI_PHONE_NUMBER_ID__ABC_HVAC={of_first}\n")), "{told}");
    assert_eq!((clinic.run(&["connect", SLUG]).status.code(), changes(&clinic)), (Some(0), [1, 0, 2, 2]));
    clinic.set("VAPI_PHONE_NUMBER_ID__ABC_HVAC", of_first);
    assert_eq!((clinic.run(&["connect", SLUG]).status.code(), changes(&clinic)), (Some(0), [1, 0, 2, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_bought_later_is_brought_beside_the_one_that_the_settings_name() {
    let (mut clinic, second) = with_two_numbers().await;
    clinic.house.vapi.numbers.put("first", CALLED);
    clinic.set("VAPI_PHONE_NUMBER_ID", "first");
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!((output.status.code(), changes(&clinic)), (Some(0), [1, 0, 1, 2]), "{}{}", out(&output), err(&output));
    assert!(is_here(&clinic, &second) && !out(&output).contains("Put this line"), "{}", out(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_fails_does_not_keep_the_others_back_and_is_not_hidden_by_them() {
    let (clinic, second) = with_two_numbers().await;
    clinic.house.vapi.fault("number.create", Fault::status(400, "This number is not yours"));
    let output = clinic.run(&["connect", SLUG]);
    let said = err(&output);
    assert_eq!((output.status.code(), changes(&clinic)), (Some(1), [1, 0, 2, 1]), "{}{said}", out(&output));
    assert!(is_here(&clinic, &second) && !is_here(&clinic, &clinic.sid), "what was not imported is left where it is");
    assert!(said.starts_with(&format!("{CALLED}: ")) && said.contains("Stopped at step 2 of 4"), "{said}");
    assert!(said.contains("the other numbers stands above") && !said.contains(SECOND), "{said}");

    clinic.house.twilio.fault("numbers.update", Fault::status(429, "20429"));
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!((output.status.code(), changes(&clinic)), (Some(1), [1, 0, 3, 2]), "{}{}", out(&output), err(&output));
    assert!(err(&output).contains("Stopped at step 3 of 4"), "{}", err(&output));
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!((output.status.code(), changes(&clinic)), (Some(0), [1, 0, 3, 3]), "{}{}", out(&output), err(&output));
    assert!(is_here(&clinic, &clinic.sid) && is_here(&clinic, &second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_is_right_and_a_second_run_changes_nothing() {
    let mut clinic = new_customer().await;
    let first = clinic.run(&["connect", SLUG]);
    let told = out(&first);
    assert_eq!(first.status.code(), Some(0), "{told}{}", err(&first));
    let steps: Vec<usize> = ["1 of 4", "2 of 4", "3 of 4", "4 of 4"].map(|step| told.find(step).unwrap()).to_vec();
    assert!(steps.is_sorted() && told.contains("A call would work."), "{told}");
    assert_eq!(changes(&clinic), [1, 0, 1, 1]);
    // Importing rewrote it, so it was pointed here after that.
    assert!(voice_url(&clinic).starts_with(&format!("{}/twilio/inbound", clinic.door.url)), "{}", voice_url(&clinic));
    let imported = clinic.house.vapi.numbers.all();
    let line = format!("VAPI_PHONE_NUMBER_ID__ABC_HVAC={}", imported[0]["id"].as_str().unwrap());
    assert!(told.lines().any(|told| told == line), "{line} in {told}");

    let again = clinic.run(&["connect", SLUG]);
    assert_eq!((again.status.code(), changes(&clinic)), (Some(0), [1, 0, 1, 1]), "{}{}", out(&again), err(&again));
    assert!(out(&again).contains("was imported already") && out(&again).contains("Nothing to change"), "{}", out(&again));
    let (name, value) = line.split_once('=').unwrap();
    clinic.set(name, value);
    let settled = clinic.run(&["connect", SLUG]);
    assert_eq!((settled.status.code(), changes(&clinic)), (Some(0), [1, 0, 1, 1]), "{}{}", out(&settled), err(&settled));
    assert!(!out(&settled).contains("Put this line"), "{}", out(&settled));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_address_has_changed_it_is_brought_to_everybody() {
    let mut clinic = Clinic::sound().await;
    let other = Passage::open();
    clinic.house.restart_with("SERVER_URL", &other.url).await;
    other.lead_to(&clinic.house.url);
    assert_eq!(clinic.findings().0, Some(1));
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    let server: Value = clinic.assistant()["server"]["url"].clone();
    assert_eq!(server, format!("{}/webhook/vapi", other.url));
    assert!(voice_url(&clinic).starts_with(&other.url), "{}", voice_url(&clinic));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_in_the_middle_says_how_far_it_came_and_can_be_repeated() {
    let clinic = new_customer().await;
    // Imported, but nobody heard of it.
    clinic.house.vapi.fault("number.create", Fault::ResetAfterCommit);
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    for words in [
        "Stopped at step 2 of 4. Done: the assistant at Vapi.",
        "Not done: the number at Vapi, the number at Twilio, check.",
        "run `ringbook connect abc-hvac` again",
    ] {
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
    assert_eq!(changes(&clinic), [1, 0, 1, 0]);

    clinic.house.twilio.fault("numbers.update", Fault::status(429, "20429"));
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(err(&output).contains("Stopped at step 3 of 4") && err(&output).contains("no more requests"), "{}", err(&output));

    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    assert_eq!((changes(&clinic), clinic.house.vapi.numbers.all().len()), ([1, 0, 1, 2], 1));
    assert!(voice_url(&clinic).starts_with(&clinic.door.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_wrong_is_the_checks_to_say() {
    let clinic = Clinic::empty().await;
    clinic.door.way(crate::passage::Way::Else(502));
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("ringbook serve") && err(&output).contains("Stopped at step 4 of 4"), "{}", err(&output));
    assert!(err(&output).contains("Done: the assistant at Vapi, the number at Vapi, the number at Twilio."), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_needs_no_number_at_vapi_imports_none_and_unknown_businesses_are_refused() {
    let mut clinic = new_customer().await;
    clinic.set("VAPI_CONNECT", "stream");
    let output = clinic.run(&["connect", SLUG]);
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("Not needed: VAPI_CONNECT is not bypass."), "{}", out(&output));
    assert_eq!(changes(&clinic), [1, 0, 0, 1]);
    let nobody = clinic.run(&["connect", "nobody"]);
    assert!(nobody.status.code() == Some(2) && err(&nobody).contains("nobody.toml"), "{}", err(&nobody));
    assert_eq!(changes(&clinic), [1, 0, 0, 1]);
}
