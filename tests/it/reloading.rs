//! The business files read again while the server runs: all of them, or none.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringbook::business::profile::{Access, LoadFacts};
use ringbook::business::reload::Reload;
use ringbook::business::routing::Directory;
use serde_json::json;

use crate::follow_copies::Copy;
use crate::house::{BUSINESS, CALLED, CALLER, House, Plan, SLUG, VAPI_SECRET, inbound, tool_calls};
use crate::orders::ordered;
use crate::program::{Program, err, free_port, out, run};
use crate::promises::{said, when, with};

const CHECK: &str = "checkAvailability";
const INSPECTION: &str = "\n[[services]]\nname = \"inspection\"\nduration_minutes = 30\n";

fn write(house: &House, slug: &str, text: &str) {
    fs::write(house.folder.path().join("businesses").join(format!("{slug}.toml")), text).unwrap();
}

/// Asks for the service that only the new file has.
async fn knows_the_new_file(house: &House) -> bool {
    let question = with(when("2026-11-24"), &json!({ "serviceType": "inspection" }));
    // The older form without an id asks afresh each time.
    let answer = house.function(CHECK, question).await;
    answer.json()["result"]["available"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_in_force_on_every_copy_within_seconds() {
    let mut house = House::new().await;
    let copy = Copy::of(&house).await;
    assert!(!knows_the_new_file(&house).await);
    write(&house, SLUG, &format!("{BUSINESS}{INSPECTION}"));
    assert!(!knows_the_new_file(&house).await, "nobody has asked for it");
    let told = ordered(&house, &["reload"]);
    assert!(told.starts_with("The business file is sound"), "{told}");
    for url in [house.url.clone(), copy.url.clone()] {
        house.url = url;
        house.until("the new file is in force", async || knows_the_new_file(&house).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_that_is_new_is_served_and_one_that_is_gone_is_not() {
    let house = House::new().await;
    let other = BUSINESS.replace("ABC HVAC", "Other").replace(CALLED, "+15551230001").replace("abc.example", "other.example");
    let mut call = inbound("CA1", CALLER);
    call[2].1 = "+15551230001";
    assert!(house.twilio("/twilio/inbound", &call).await.body.contains("not set up yet"));
    write(&house, "other", &other);
    ordered(&house, &["pause", "other"]);
    assert!(ordered(&house, &["reload"]).starts_with("All 2 business files are sound"));
    house
        .until("the new number is served", async || house.twilio("/twilio/inbound", &call).await.body.contains("+15551239999"))
        .await;
    fs::remove_file(house.folder.path().join("businesses/other.toml")).unwrap();
    ordered(&house, &["reload"]);
    call[0].1 = "CA2";
    house
        .until("the number is not served", async || house.twilio("/twilio/inbound", &call).await.body.contains("not set up yet"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_mistakes_change_nothing_and_every_mistake_is_named() {
    let house = House::new().await;
    write(&house, SLUG, &format!("{BUSINESS}{INSPECTION}").replace("America/New_York", "America/Nowhere"));
    write(&house, "broken", "name = 7\n");
    let refused = run(house.folder.path(), &["reload"], house.pairs());
    assert_eq!((refused.status.code(), out(&refused).as_str()), (Some(2), ""));
    for named in ["abc-hvac.toml", "time_zone", "broken.toml", "phone_numbers"] {
        assert!(err(&refused).contains(named), "{named}: {}", err(&refused));
    }
    // Even if a server is told so by somebody who has not looked.
    let folder = house.folder.path().join("businesses");
    let facts = LoadFacts::same(Access::ServiceAccount);
    let (directory, store) = (Directory::new(vec![]), house.store().await);
    let reload = Reload::new(folder, facts, directory.clone(), store.clone());
    reload.now().await;
    assert_eq!(directory.all().count(), 0);
    store.ask_to_reload().await.unwrap();
    assert!(!knows_the_new_file(&house).await);
    assert!(said(&house.tool("call-1", "t1", CHECK, when("2026-11-24")).await).contains("I have"));
    fs::remove_file(house.folder.path().join("businesses/broken.toml")).unwrap();
    write(&house, SLUG, &format!("{BUSINESS}{INSPECTION}"));
    reload.now().await;
    assert_eq!(directory.all().count(), 1);
    store.close().await;
    ordered(&house, &["reload"]);
    house.until("the mended file is in force", async || knows_the_new_file(&house).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_signal_reads_the_files_again_and_the_process_goes_on() {
    let house = Plan::new().build().await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let mut environment = house.pairs().to_vec();
    environment.push(("BIND".into(), format!("127.0.0.1:{port}")));
    environment.push(("DATABASE_URL".into(), format!("sqlite://{}", house.folder.path().join("its-own.db").display())));
    let mut program = Program::start(house.folder.path(), &["serve"], &environment);
    program.is_up(&url).await;
    write(&house, SLUG, &format!("{BUSINESS}{INSPECTION}"));
    program.hang_up();
    let question = with(when(&in_a_week()), &json!({ "serviceType": "inspection" }));
    // Each question has an id of its own: the same one would get the same answer.
    let asked = AtomicUsize::new(0);
    let headers = [("x-vapi-secret".to_owned(), VAPI_SECRET.to_owned())];
    house
        .until("the new file is in force", async || {
            let id = format!("t{}", asked.fetch_add(1, Ordering::Relaxed));
            let body = tool_calls(CALLER, &id, &[(&id, CHECK, question.clone())]);
            let answer = program.post(&format!("{url}/webhook/vapi"), &body, &headers).await;
            !answer.is_error()
        })
        .await;
    program.terminate();
    assert!(program.ended().await.success());
}

/// A date ahead by the machine's clock, as the program has it.
fn in_a_week() -> String {
    (ringbook::clock::Clock::System.now().date() + time::Duration::days(7)).to_string()
}
