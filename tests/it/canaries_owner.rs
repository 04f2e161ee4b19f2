//! The same for an owner: the link, everything that goes to Google and comes back, and an account that is lost. And what is
//! left of a panic.

use std::process::{Command, Stdio};

use ringbook::clock::Clock;
use ringbook::config::LogFormat;
use ringbook::telemetry;
use serde_json::Value;

use crate::canaries::{Day, none_of, tells};
use crate::connect::{Browser, CLIENT_SECRET, OWNER, Page, furnish, link, plan};
use crate::edge_program::{BOOK, always_open, time_of, wish};
use crate::fakes::faults::Fault;
use crate::house::{ALEX, Answer, SAM, SLUG};
use crate::owners::without_calendars;

/// As a page of ours is kept among the errors.
fn error(page: &Page) -> Answer {
    assert!(page.status >= 400, "{page:?}");
    Answer { status: page.status, content_type: page.header("content-type").to_owned(), body: page.body.clone() }
}

fn parameter(url: &str, name: &str) -> String {
    url.split_once(&format!("{name}=")).unwrap().1.split('&').next().unwrap().replace("%2F", "/")
}

/// From the link to the last click, while Google repeats what it refuses. Returns what must not be told on the way.
async fn the_owner_connects(day: &mut Day) -> Vec<String> {
    let (mut errors, mut secrets) = (Vec::new(), Vec::new());
    {
        let (house, link) = (&day.house, link(&day.house).await);
        let (browser, stranger) = (Browser::new(house), Browser::new(house));
        let opened = browser.go(&link).await;
        secrets.extend([parameter(&link, "link"), browser.cookie().unwrap()]);
        house.google.fault("token", Fault::Echo { code: 400, reason: "invalid_grant" });
        let refused = house.google.consent(&opened.consent_link());
        let page = browser.go(&refused).await;
        secrets.extend([parameter(&refused, "state"), parameter(&refused, "code")]);
        let back = house.google.consent(&page.consent_link());
        errors.extend([error(&page), error(&stranger.go(&back).await)]);
        // The stranger has used the answer up.
        let page = browser.go(&link).await;
        let back = house.google.consent(&page.consent_link());
        assert_eq!(browser.go(&back).await.status, 303);
        secrets.extend([parameter(&back, "code"), browser.cookie().unwrap()]);
        errors.push(error(&browser.go(&back).await));
        house.google.fault("calendarList.list", Fault::Echo { code: 500, reason: "backendError" });
        errors.push(error(&browser.go("/oauth/calendars").await));
        let page = browser.go("/oauth/calendars").await;
        secrets.push(page.csrf().to_owned());
        errors.push(error(&browser.post("/oauth/calendars", &[("csrf", "another"), ("calendar.sam", SAM)]).await));
        assert_eq!(browser.choose(&page, SAM, ALEX).await.status, 200);
        errors.push(error(&stranger.go("/oauth/login?link=a-guessed-link").await));
    }
    day.errors.extend(errors);
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_comes_and_is_lost_leaves_no_address_link_code_or_token_in_the_log_or_an_error() {
    let plan = plan().business(SLUG, &without_calendars(&always_open())).at(Clock::System.now());
    let house = plan.set("LOG", "trace").build().await;
    furnish(&house);
    let mut day = Day::begin(house).await;
    let mut secrets = the_owner_connects(&mut day).await;

    let (one, other) = (wish("sam", &time_of(0)), wish("sam", &time_of(1)));
    let booked = day.house.tool("call-1", "t1", BOOK, one).await;
    assert!(booked.sentence().contains("You're booked"), "{booked:?}");
    day.house.google.fault_always("events.list", Fault::status(401, "authError"));
    day.house.google.fault_always("events.insert", Fault::status(401, "authError"));
    day.house.google.fault_always("token", Fault::Echo { code: 400, reason: "invalid_grant" });
    day.house.tool("call-1", "t2", BOOK, other).await;
    day.house.alerts.wait_for_done("alert", 1).await;
    day.house.twilio.wait_for_done("messages.create", 1).await;
    let ready = day.house.get("/readyz").await;
    assert!(ready.body.contains("connect"), "{ready:?}");
    day.note(ready);
    let mut grip = day.house.grip().await;
    grip.take_away().await;
    let link = format!("/oauth/login?link={}", secrets[0]);
    let page = Browser::new(&day.house).go(&link).await;
    day.errors.push(error(&page));
    grip.put_back().await;

    let errors = format!("{:?}", day.errors);
    let (house, told, records) = day.end();
    secrets.extend(house.google.refresh_tokens(OWNER));
    secrets.extend(house.google.requests().iter().filter_map(|entry| entry.request.bearer().map(str::to_owned)));
    let fields = ["code", "code_verifier", "refresh_token"];
    let asked = house.google.requests_of("token");
    secrets.extend(asked.iter().flat_map(|entry| fields.iter().filter_map(|field| entry.request.field(field))));
    secrets.extend([OWNER, SAM, ALEX, "ya29.", CLIENT_SECRET, house.setting("ENCRYPTION_KEY")].map(str::to_owned));
    // What the key is written for.
    secrets.push("0123456789abcdef0123456789abcdef".to_owned());
    assert!(secrets.len() > 16 && house.alerts.alerts().len() == 1, "{}", secrets.len());
    none_of(&secrets, "the log", &told);
    none_of(&secrets, "an error", &errors);
    none_of(&secrets, "an alert", &house.alerts.alerts()[0].to_string());
    none_of(&secrets, "an SMS", &house.twilio.messages()[0].to_string());
    tells(&records, "a Google account was connected", &["business"]);
    tells(&records, "a consent brought no account", &["business", "cause"]);
    tells(&records, "an owner has chosen calendars", &["business", "calendars"]);
    tells(&records, "the Google account is lost: it has to be connected again", &["business", "cause"]);
    tells(&records, "refused a request to the pages that connect a Google account", &["peer.address", "cause"]);
}

#[test]
#[ignore = "dies on purpose: another test starts it in a process of its own"]
fn two_threads_die_one_of_them_with_a_name_on_its_lips() {
    telemetry::init("info", LogFormat::Json);
    telemetry::note_panics();
    let name = "Quentin Zylberstein";
    assert!(std::thread::spawn(move || panic!("no room for {name}")).join().is_err());
    assert!(std::thread::spawn(|| panic!("these words are fixed")).join().is_err());
}

#[test]
fn a_panic_is_a_record_of_the_log_that_quotes_nobody() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "canaries_owner::two_threads_die_one_of_them_with_a_name_on_its_lips"]);
    let output = child.env("RUST_BACKTRACE", "1").stdin(Stdio::null()).output().unwrap();
    let (out, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && out.contains("1 passed"), "{out}{told}");
    let records: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2, "{told}");
    none_of(&["Quentin".to_owned()], "the log", &format!("{out}{told}"));
    let says = records.iter().map(|record| record["fields"]["panic.says"].as_str().unwrap());
    assert_eq!(says.collect::<Vec<_>>(), ["(not shown)", "these words are fixed"]);
    let at = |record: &Value| record["fields"]["panic.at"].as_str().is_some_and(|at| at.contains("canaries_owner.rs"));
    assert!(records.iter().all(|record| record["level"] == "ERROR" && at(record)), "{told}");
    assert!(records.iter().all(|record| record["fields"]["panic.backtrace"].is_string()), "it was asked for: {told}");
}
