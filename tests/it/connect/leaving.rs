//! The way out: Google is told, everything is forgotten, and nobody else loses anything by it.

use super::{Browser, CLIENT, OWNER, account, account_of, furnish, house, link, link_of, plan, to_be_connected};
use crate::fakes::faults::Fault;
use crate::house::{ALEX, SAM};
use crate::promises::until;

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_forgotten_and_the_access_goes_back_to_google() {
    let house = house().await;
    let browser = Browser::new(&house);
    let page = browser.settle(&link(&house).await).await;
    assert!(account(&house).await.is_some() && house.google.count("revoke") == 0);
    let left = browser.post("/oauth/disconnect", &[("csrf", page.csrf())]).await;
    assert_eq!((left.status, left.title(), house.google.count("revoke")), (200, "Disconnected", 1));
    let again = browser.post("/oauth/disconnect", &[("csrf", page.csrf())]).await;
    assert_eq!((again.status, again.title()), (409, "No Google account is connected"));
    let back = browser.go(&house.google.consent(&left.consent_link())).await;
    assert_eq!(back.status, 303, "whoever left may come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_that_cannot_be_told_is_told_later() {
    let house = house().await;
    let browser = Browser::new(&house);
    let page = browser.settle(&link(&house).await).await;
    house.google.fault("revoke", Fault::status(503, "backendError"));
    house.google.fault("revoke", Fault::status(500, "backendError"));
    let left = browser.post("/oauth/disconnect", &[("csrf", page.csrf())]).await;
    assert!(left.status == 200 && left.body.contains("we keep asking"), "{left:?}");
    assert_eq!(account(&house).await, None, "it is forgotten here at once");
    until(&house, "Google to be told", async || house.google.granted(CLIENT, OWNER).is_none()).await;
    assert_eq!(house.google.count("revoke"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_before_google_was_told_stays_connected() {
    let house = house().await;
    let browser = Browser::new(&house);
    let page = browser.settle(&link(&house).await).await;
    house.google.fault("revoke", Fault::status(503, "backendError"));
    let held = house.google.hold("revoke");
    let form = [("csrf", page.csrf())];
    let leaving = browser.post("/oauth/disconnect", &form);
    let release = async {
        held.reached(1).await;
        held.release();
    };
    let (left, ()) = tokio::join!(leaving, release);
    let back = browser.go(&house.google.consent(&left.consent_link())).await;
    assert_eq!(back.status, 303, "{back:?}");
    let page = browser.go("/oauth/calendars").await;
    assert_eq!(browser.choose(&page, SAM, ALEX).await.status, 200);
    house.clock.advance(std::time::Duration::from_mins(10));
    house.jobs_run().await;
    assert_eq!((house.google.count("revoke"), house.google.granted(CLIENT, OWNER).is_some()), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_business_with_the_same_account_stays_connected() {
    let other = to_be_connected().replace("+15551230000", "+15551230001").replace("ABC HVAC", "Other");
    let house = plan().business("other", &other).build().await;
    furnish(&house);
    let (one, two) = (Browser::new(&house), Browser::new(&house));
    let page = one.settle(&link(&house).await).await;
    let second = two.settle(&link_of(&house, "other").await).await;
    let left = one.post("/oauth/disconnect", &[("csrf", page.csrf())]).await;
    assert!(left.status == 200 && left.body.contains("Another business"), "{left:?}");
    assert_eq!((account(&house).await, house.google.count("revoke")), (None, 0));
    assert!(account_of(&house, "other").await.is_some() && house.google.granted(CLIENT, OWNER).is_some());
    let last = two.post("/oauth/disconnect", &[("csrf", second.csrf())]).await;
    assert_eq!((last.status, house.google.count("revoke"), house.google.granted(CLIENT, OWNER)), (200, 1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_owner_has_ended_it_at_google_can_be_left_all_the_same() {
    let house = house().await;
    let browser = Browser::new(&house);
    let page = browser.settle(&link(&house).await).await;
    house.google.revoke_by_user(OWNER);
    let left = browser.post("/oauth/disconnect", &[("csrf", page.csrf())]).await;
    assert_eq!((left.status, left.title(), account(&house).await), (200, "Disconnected", None));
}
