//! An account that its owner connected stays connected: tokens are fresh before anybody needs them, a lost one is told of
//! once and hurts nobody else, and the database gives nothing away.

use std::time::Duration;

use futures_util::future::join_all;
use ringbook::names::Slug;
use serde_json::Value;

use crate::fakes::faults::Fault;
use crate::house::{House, Plan, SLUG};
use crate::owners::{CLIENT, CLIENT_SECRET, KEY, OWNER, SCOPES, connect, connected, known_to, plan};
use crate::promises::{DOWN, late_words, messages, repair, said, until, when};

/// Another business, with one technician.
const OTHER: &str = r#"
name = "Bright Dental"
phone_numbers = ["+15552220000"]
time_zone = "America/New_York"
[notify]
sms = ["+15552228888"]
[hours]
monday = ["08:00-20:00"]
tuesday = ["08:00-20:00"]
[[services]]
name = "cleaning"
duration_minutes = 60
"#;

async fn row(house: &House) -> ringbook::store::accounts::AccountRow {
    let store = house.store().await;
    let row = store.google_account(&Slug::parse(SLUG).unwrap()).await.unwrap().unwrap();
    store.close().await;
    row
}

/// What monitors hear of one business, or of all.
async fn ready(house: &House, path: &str) -> (u16, Vec<Value>) {
    let answer = house.get(path).await;
    (answer.status, answer.json().as_array().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_account_books() {
    let house = connected(plan()).await;
    let answer = house.tool("call-1", "t-1", "bookAppointment", repair("2026-11-24T08:00")).await;
    assert!(said(&answer).starts_with("You're booked for repair on Tuesday, November 24 at 8 AM"), "{answer:?}");
    assert_eq!(house.events().len(), 1);
    assert_eq!(ready(&house, "/readyz/abc-hvac").await, (200, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_with_an_expired_token_cause_one_refresh() {
    let house = connected(plan()).await;
    house.tool("call-0", "t", "checkAvailability", when("2026-11-24")).await;
    until_fresh(&house, 1).await;
    let held = house.google.hold("token");
    house.clock.advance(Duration::from_hours(2));
    let asking = join_all((0..100).map(|number| {
        let house = &house;
        async move { house.tool(&format!("call-{number}"), "t", "checkAvailability", when("2026-11-25")).await }
    }));
    let release = async {
        held.reached(1).await;
        held.release();
    };
    let (answers, ()) = tokio::join!(asking, release);
    assert!(answers.iter().all(|answer| !answer.is_error()), "{answers:?}");
    assert_eq!(house.google.refreshes(), 2, "the first, and one for all of them");
}

/// Waits until so many refreshes went well, without moving the clock. No house here asks for tokens in another way.
async fn until_fresh(house: &House, refreshes: usize) {
    house.google.wait_for_done("token", refreshes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_four_minutes_left_is_refreshed_before_anyone_needs_it() {
    let house = connected(plan()).await;
    until_fresh(&house, 1).await;
    house.clock.advance(Duration::from_mins(54));
    assert!(!house.tool("call-1", "t", "checkAvailability", when("2026-11-24")).await.is_error());
    assert_eq!(house.google.refreshes(), 1, "six minutes are enough");
    house.clock.advance(Duration::from_mins(2));
    until_fresh(&house, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_token_is_renewed_and_the_question_asked_again() {
    let house = connected(plan()).await;
    until_fresh(&house, 1).await;
    house.google.fault("freebusy.query", Fault::status(401, "authError"));
    assert!(!house.tool("call-1", "t", "checkAvailability", when("2026-11-24")).await.is_error());
    assert_eq!((house.google.refreshes(), house.google.count("freebusy.query")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_account_is_told_of_once_hurts_nobody_else_and_heals_without_a_restart() {
    let mut house = connected(plan().business("bright-dental", OTHER)).await;
    house.google.add_user("dentist@bright.example");
    connect(&mut house, "bright-dental", "dentist@bright.example", &[("bright-dental", "dentist@bright.example")]).await;
    until_fresh(&house, 2).await;
    house.google.revoke_by_user(OWNER);

    // In the middle of a call.
    let answer = house.tool("call-1", "t-1", "bookAppointment", repair("2026-11-24T08:00")).await;
    assert_eq!(said(&answer), DOWN);
    let answers = join_all((0..20).map(|number| {
        let house = &house;
        async move { house.tool(&format!("call-{number}"), "t-2", "checkAvailability", when("2026-11-25")).await }
    }));
    assert!(answers.await.iter().all(|answer| said(answer) == DOWN));
    let of_owner = house.google.requests_of("token").iter().filter(|entry| entry.outcome == Some(400)).count();
    assert_eq!(of_owner, 1, "nothing asks with a dead token again");

    until(&house, "the alert", async || !house.alerts.alerts().is_empty()).await;
    let sms = messages(&house, 1).await;
    assert!(sms.len() == 1 && sms[0]["body"].as_str().unwrap().contains("lost its connection"), "{sms:?}");
    let alerts = house.alerts.alerts();
    assert_eq!(
        (alerts.len(), alerts[0]["kind"].as_str(), alerts[0]["business"].as_str()),
        (1, Some("needs_reconnect"), Some(SLUG))
    );
    assert!(alerts[0]["text"].as_str().unwrap().contains("ringbook google login abc-hvac"), "{alerts:?}");

    let (status, problems) = ready(&house, "/readyz/abc-hvac").await;
    assert!(status == 503 && problems[0]["problem"].as_str().unwrap().contains("needs_reconnect"), "{problems:?}");
    assert_eq!(ready(&house, "/readyz").await.0, 200, "the other business can book");
    assert_eq!(ready(&house, "/readyz/bright-dental").await, (200, vec![]));

    // The owner agrees again, in a browser that talks to another copy of the server.
    reconnect(&house).await;
    until(&house, "the account to be of use again", async || {
        let id = format!("again-{}", house.clock.now().unix_timestamp());
        !house.tool("call-2", &id, "checkAvailability", when("2026-11-25")).await.is_error()
    })
    .await;
    // What monitors hear may be half a minute old.
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(ready(&house, "/readyz/abc-hvac").await, (200, vec![]));
    assert_eq!((house.alerts.alerts().len(), late_words(&house).len()), (1, 1), "told once");
}

/// A new consent in the store, as another copy of the server keeps it.
pub async fn reconnect(house: &House) {
    let business = Slug::parse(SLUG).unwrap();
    let token = house.google.grant(CLIENT, OWNER, &SCOPES);
    let refresh_token = crate::owners::vault().seal(ringbook::vault::Purpose::RefreshToken, &business, &token.into()).unwrap();
    let account = ringbook::store::accounts::NewAccount {
        business,
        address: OWNER.into(),
        refresh_token,
        scopes: SCOPES.join(" "),
        ends_at: None,
    };
    let store = house.store().await;
    store.connect_account(&account, house.clock.now()).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_googles_own_loses_no_account() {
    let house = connected(plan()).await;
    until_fresh(&house, 1).await;
    house.clock.advance(Duration::from_hours(2));
    house.google.fault_always("token", Fault::status(503, "backendError"));
    assert_eq!(said(&house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await), DOWN);
    house.google.clear_faults();
    assert!(!house.tool("call-1", "t-2", "checkAvailability", when("2026-11-24")).await.is_error());
    assert_eq!((row(&house).await.lost, house.alerts.alerts().len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_is_no_loss_of_the_account() {
    let house = connected(plan()).await;
    until_fresh(&house, 1).await;
    house.google.change_client_secret(CLIENT, "another");
    house.clock.advance(Duration::from_hours(2));
    assert_eq!(said(&house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await), DOWN);
    let (status, problems) = ready(&house, "/readyz/abc-hvac").await;
    assert!(status == 503 && problems[0]["problem"].as_str().unwrap().contains("invalid_client"), "{problems:?}");
    assert_eq!(row(&house).await.lost, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_without_a_refresh_token_keeps_the_one_there_is() {
    let house = connected(plan()).await;
    let before = row(&house).await;
    until_fresh(&house, 1).await;
    house.clock.advance(Duration::from_hours(2));
    assert!(!house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await.is_error());
    let after = row(&house).await;
    assert_eq!(after.refresh_token, before.refresh_token);
    assert!(after.refreshed_at > before.refreshed_at && house.google.refreshes() == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_holds_no_token() {
    let mut house = connected(plan()).await;
    house.tool("call-1", "t-1", "bookAppointment", repair("2026-11-24T08:00")).await;
    let mut secrets = house.google.refresh_tokens(OWNER);
    let bearers =
        house.google.requests().iter().filter_map(|entry| entry.request.bearer().map(str::to_owned)).collect::<Vec<_>>();
    secrets.extend(bearers);
    assert!(secrets.len() >= 2);
    let holds_any = |house: &House| {
        let bytes = house.copy_of_the_database();
        assert!(bytes.windows(4).any(|window| window == b"Dana"), "it is all there");
        secrets.iter().any(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
    };
    assert!(!holds_any(&house), "while it is served, with its write-ahead log");
    house.stop().await;
    assert!(!holds_any(&house));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_move_to_the_newest_key_by_themselves_and_the_old_one_can_go() {
    let new = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    let mut house = connected(plan()).await;
    let before = row(&house).await.refresh_token;
    house.restart_with("ENCRYPTION_KEY", &format!("{new},{KEY}")).await;
    assert_ne!(row(&house).await.refresh_token, before, "sealed again at the start");
    house.restart_with("ENCRYPTION_KEY", new).await;
    assert!(!house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await.is_error());
    house.restart_with("ENCRYPTION_KEY", KEY).await;
    assert_eq!(said(&house.tool("call-1", "t-2", "checkAvailability", when("2026-11-24")).await), DOWN);
    let (status, problems) = ready(&house, "/readyz/abc-hvac").await;
    assert!(status == 503 && problems[0]["problem"].as_str().unwrap().contains("ENCRYPTION_KEY"), "{problems:?}");
    assert_eq!(row(&house).await.lost, None, "the right key brings it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_it_is_said_what_to_do() {
    let house = plan().build().await;
    assert_eq!(said(&house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await), DOWN);
    assert_eq!(said(&house.tool("call-1", "t-2", "bookAppointment", repair("2026-11-24T08:00")).await), DOWN);
    let (status, problems) = ready(&house, "/readyz/abc-hvac").await;
    assert!(status == 503 && problems[0]["problem"].as_str().unwrap().contains("ringbook google login abc-hvac"), "{problems:?}");
}

/// The file names the calendars, which are shared with a service account and open to the owner as well.
async fn plan_of_both() -> House {
    let plan = Plan::new().set("GOOGLE_CLIENT_ID", CLIENT).set("GOOGLE_CLIENT_SECRET", CLIENT_SECRET).set("ENCRYPTION_KEY", KEY);
    let house = plan.build().await;
    known_to(&house.google);
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_account_goes_before_a_service_account() {
    let mut house = plan_of_both().await;
    assert!(!house.tool("call-1", "t-1", "checkAvailability", when("2026-11-24")).await.is_error());
    assert_eq!(house.google.refreshes(), 0, "nobody has connected yet: the service account serves");
    connect(&mut house, SLUG, OWNER, &[]).await;
    let answer = house.tool("call-2", "t-1", "bookAppointment", repair("2026-11-24T08:00")).await;
    assert!(!answer.is_error(), "{answer:?}");
    let inserts = house.google.requests_of("events.insert");
    assert!(inserts.len() == 1 && inserts[0].request.bearer().unwrap().starts_with("ya29.a0"), "an owner's token: {inserts:?}");
    assert_eq!((house.google.refreshes(), house.events().len()), (1, 1));
}
