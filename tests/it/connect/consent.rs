//! What is asked of Google, and what of it is kept.

use ringbook::calendar::oauth::SCOPES;
use ringbook::connect::scopes::{PERMISSIONS, missing};

use super::{Browser, CLIENT, OWNER, account, house, link};
use crate::house::SAM;
use crate::promises::until;

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_is_asked_for_with_a_state_a_challenge_and_for_good() {
    let house = house().await;
    let browser = Browser::new(&house);
    let link = link(&house).await;
    let urls = [browser.go(&link).await.consent_link(), browser.go(&link).await.consent_link()];
    let read = |url: &str| url::Url::parse(url).unwrap().query_pairs().into_owned().collect::<std::collections::BTreeMap<_, _>>();
    let [one, other] = urls.map(|url| read(&url));
    for (name, value) in [
        ("client_id", CLIENT),
        ("redirect_uri", "https://book.example.com/oauth/callback"),
        ("response_type", "code"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert_eq!(one["scope"].split(' ').collect::<Vec<_>>(), SCOPES);
    assert!(one["state"].len() == 43 && one["state"] != other["state"] && one["code_challenge"] != other["code_challenge"]);
}

#[test]
fn every_scope_is_explained() {
    assert_eq!(PERMISSIONS.map(|permission| permission.scope), SCOPES);
    assert!(PERMISSIONS.iter().all(|permission| !permission.what.is_empty() && !permission.why.is_empty()));
    assert_eq!(missing(&SCOPES.map(str::to_owned).into()), []);
    assert_eq!(missing(&[SCOPES[1].to_owned(), "openid".to_owned()].into()), [PERMISSIONS[0], PERMISSIONS[2]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_something_is_nowhere_in_the_database() {
    let mut house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let opened = browser.go(&link).await;
    let state = opened.consent_link().split_once("state=").unwrap().1.split('&').next().unwrap().to_owned();
    let second = browser.go(&link).await;
    browser.go(&house.google.consent(&second.consent_link())).await;
    let csrf = browser.go("/oauth/calendars").await.csrf().to_owned();
    let (cookie, link) = (browser.cookie().unwrap(), link.split_once("link=").unwrap().1.to_owned());
    let tokens: Vec<String> = house.google.refresh_tokens(OWNER);
    assert_eq!(tokens.len(), 1);
    drop(browser);
    house.stop().await;
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap().to_str().unwrap().starts_with("ringbook.db") {
            kept.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(OWNER), "the account is there");
    for secret in [cookie, link, state, csrf].into_iter().chain(tokens) {
        assert!(!holds(&secret), "{secret} can be read in the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_leaves_takes_nothing_along() {
    let house = house().await;
    let browser = Browser::new(&house);
    let back = house.google.consent(&browser.go(&link(&house).await).await.consent_link());
    let held = house.google.hold_after("token");
    let leaves = tokio::time::timeout(std::time::Duration::from_millis(500), browser.go(&back)).await;
    assert!(leaves.is_err(), "the browser is closed while Google is asked");
    held.reached(1).await;
    held.release();
    until(&house, "the account to be connected", async || account(&house).await.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_again_replaces_what_was_kept() {
    let house = house().await;
    let browser = Browser::new(&house);
    browser.settle(&link(&house).await).await;
    let first = account(&house).await.unwrap();
    house.clock.advance(std::time::Duration::from_mins(1));
    let page = browser.go(&link(&house).await).await;
    assert!(page.body.contains("Connect again"));
    assert_eq!(browser.go(&house.google.consent(&page.consent_link())).await.status, 303);
    let second = account(&house).await.unwrap();
    assert!(second.generation > first.generation && second.refresh_token != first.refresh_token);
    assert!(browser.go("/oauth/calendars").await.body.contains(&format!("value=\"{SAM}\" selected")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_consent_for_testing_is_kept_with_it() {
    let house = house().await;
    house.google.mark_testing(CLIENT);
    assert_eq!(Browser::new(&house).connect(&link(&house).await).await.status, 303);
    assert_eq!(account(&house).await.unwrap().ends_at, Some(house.clock.now() + time::Duration::days(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_lost_is_said_with_the_way_to_connect_it_again() {
    let house = house().await;
    let browser = Browser::new(&house);
    browser.settle(&link(&house).await).await;
    let store = house.store().await;
    assert!(store.lose_account(&account(&house).await.unwrap(), "invalid_grant", Vec::new(), house.clock.now()).await.unwrap());
    store.close().await;
    let page = browser.go(&link(&house).await).await;
    assert!(page.status == 200 && page.body.contains("Google does not let us in any more"), "{page:?}");
    assert!(page.body.contains("owner@abc.example was connected on Monday, November 23"), "{page:?}");
    assert_eq!(browser.go(&house.google.consent(&page.consent_link())).await.status, 303);
    assert_eq!(account(&house).await.unwrap().lost, None);
}
