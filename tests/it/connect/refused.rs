//! The ways in which Google's answer may be wrong: each is told on a page, and nothing is stored.

use super::{Browser, CLIENT, OWNER, Page, account, account_of, house, link, link_of, plan, to_be_connected};
use crate::fakes::faults::Fault;
use crate::house::{House, SLUG};

/// The address with one of its parameters changed; `None` takes it out.
fn with_parameter(url: &str, name: &str, value: Option<&str>) -> String {
    let mut changed = url::Url::parse(url).unwrap();
    let others: Vec<(String, String)> = changed.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).extend_pairs(value.map(|value| (name, value)));
    changed.into()
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

/// Asserts the refusal, and that nothing came of it.
async fn refused(house: &House, page: &Page, status: u16) {
    assert_eq!(page.status, status, "{page:?}");
    assert!(!page.title().is_empty() && page.header("location").is_empty() && page.cookie().is_none(), "{page:?}");
    assert_eq!(account(house).await, None, "something was stored after {}", page.title());
    assert!(!page.body.contains("evil") && !page.body.contains("4/0"), "what was sent is repeated: {}", page.body);
}

/// Asserts that the way is still open: the same link brings the account in.
async fn still_works(house: &House, browser: &Browser<'_>, link: &str) {
    let back = browser.connect(link).await;
    assert_eq!((back.status, account(house).await.is_some()), (303, true), "{back:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_missing_forged_doubled_or_ended_is_refused() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let consent = browser.go(&link).await.consent_link();
    let back = house.google.consent(&consent);
    let state = parameter(&back, "state");
    let forged = "A".repeat(43);
    for wrong in [None, Some(""), Some("evil<script>"), Some(forged.as_str())] {
        refused(&house, &browser.go(&with_parameter(&back, "state", wrong)).await, 400).await;
    }
    refused(&house, &browser.go(&format!("{back}&state={state}")).await, 400).await;
    assert_eq!(house.google.count("token"), 0, "the code was not touched");
    house.clock.advance(std::time::Duration::from_secs(601));
    refused(&house, &browser.go(&back).await, 400).await;
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once() {
    let house = house().await;
    let (browser, first) = (Browser::new(&house), link(&house).await);
    let back = house.google.consent(&browser.go(&first).await.consent_link());
    assert_eq!(browser.go(&back).await.status, 303);
    let before = account(&house).await;
    let again = browser.go(&back).await;
    assert_eq!((again.status, account(&house).await), (400, before.clone()), "{again:?}");
    // The same code on another way of the same owner.
    let other = Browser::new(&house);
    let consent = other.go(&link(&house).await).await.consent_link();
    let replayed = other.go(&with_parameter(&back, "state", Some(&parameter(&consent, "state")))).await;
    assert_eq!((replayed.status, replayed.title()), (400, "Google did not accept this"));
    assert_eq!(account(&house).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_only_in_the_browser_where_the_way_began() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let back = house.google.consent(&browser.go(&link).await.consent_link());
    let stranger = Browser::new(&house);
    refused(&house, &stranger.go(&back).await, 403).await;
    assert_eq!(stranger.go(&link).await.status, 200);
    refused(&house, &stranger.go(&back).await, 403).await;
    stranger.take(Some(&"A".repeat(43)));
    refused(&house, &stranger.go(&back).await, 403).await;
    assert_eq!(house.google.count("token"), 0, "the code was not touched");
    assert_eq!(browser.go(&back).await.status, 303, "the right browser goes on all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_only_for_the_business_where_the_way_began() {
    let other = to_be_connected().replace("+15551230000", "+15551230001").replace("ABC HVAC", "Other");
    let house = plan().business("other", &other).build().await;
    super::furnish(&house);
    let browser = Browser::new(&house);
    let back = house.google.consent(&browser.go(&link(&house).await).await.consent_link());
    assert_eq!(browser.go(&link_of(&house, "other").await).await.status, 200);
    refused(&house, &browser.go(&back).await, 403).await;
    assert_eq!(account_of(&house, "other").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_does_not_fit_is_refused() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let consent = browser.go(&link).await.consent_link();
    let other = with_parameter(&consent, "code_challenge", Some(&"B".repeat(43)));
    refused(&house, &browser.go(&house.google.consent(&other)).await, 400).await;
    assert_eq!(house.google.count("token"), 1, "Google was asked and refused");
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_says_no_is_told_and_may_say_yes_later() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let told = browser.go(&house.google.decline(&browser.go(&link).await.consent_link())).await;
    refused(&house, &told, 403).await;
    assert_eq!(told.title(), "Google was told no");
    let back = browser.go(&house.google.consent(&told.consent_link())).await;
    assert_eq!((back.status, account(&house).await.is_some()), (303, true), "the page offers the way again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_another_error_or_without_a_code_is_refused() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let answers = [
        &[("error", Some("evil<script>"))][..],
        &[("error", Some("server_error")), ("code", None)],
        &[("code", None)],
        &[("code", Some(""))],
        &[("error", Some(""))],
    ];
    for changes in answers {
        let back = house.google.consent(&browser.go(&link).await.consent_link());
        let changed = changes.iter().fold(back, |url, (name, value)| with_parameter(&url, name, *value));
        let page = browser.go(&changed).await;
        refused(&house, &page, 400).await;
        assert_eq!(page.title(), "Google could not go on");
    }
    assert_eq!(house.google.count("token"), 0, "no code was exchanged");
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_unticked_is_named_and_nothing_is_stored() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    for (scopes, words) in [
        (&["calendar.events"][..], &["View and edit events"][..]),
        (
            &["calendar.events.freebusy", "calendar.calendarlist.readonly"],
            &["See the availability", "See the list of Google calendars"],
        ),
    ] {
        house.google.revoke_by_user(OWNER);
        house.google.untick(scopes);
        let page = browser.connect(&link).await;
        refused(&house, &page, 403).await;
        let named = |word: &&str| page.body.contains(*word);
        assert!(words.iter().all(named), "{words:?}: {page:?}");
        assert_eq!(page.body.matches('\u{201c}').count(), words.len(), "only what is missing is named: {}", page.body);
        assert!(!page.consent_link().is_empty());
    }
    house.google.untick(&[]);
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refresh_token_nothing_is_stored() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let consent = with_parameter(&browser.go(&link).await.consent_link(), "access_type", Some("online"));
    let page = browser.go(&house.google.consent(&consent)).await;
    refused(&house, &page, 400).await;
    assert_eq!(page.title(), "Google gave too little");
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_that_does_not_answer_leaves_the_link_unspent() {
    let house = house().await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    for call in ["token", "calendarList.list"] {
        house.google.fault(call, Fault::status(503, "backendError"));
        let page = browser.connect(&link).await;
        refused(&house, &page, 503).await;
        assert_eq!(page.title(), "Google did not answer", "{call}");
    }
    house.google.fault("calendarList.list", Fault::status(403, "accessNotConfigured"));
    let page = browser.connect(&link).await;
    refused(&house, &page, 400).await;
    assert_eq!(Browser::new(&house).go(&link).await.status, 200, "the link is unspent");
    still_works(&house, &browser, &link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_elsewhere_by_what_stands_in_an_address() {
    let house = house().await;
    let browser = Browser::new(&house);
    let more = "&return_to=https://evil.example&redirect=https://evil.example&next=//evil.example";
    let opened = browser.go(&format!("{}{more}", link(&house).await)).await;
    assert!(opened.status == 200 && !opened.body.contains("evil"), "{}", opened.body);
    let back = browser.go(&format!("{}{more}", house.google.consent(&opened.consent_link()))).await;
    assert_eq!((back.status, back.header("location")), (303, "https://book.example.com/oauth/calendars"));
    let asked = house.google.requests_of("token").pop().unwrap();
    assert!(asked.request.field("redirect_uri").is_some_and(|uri| uri == "https://book.example.com/oauth/callback"));
    assert_eq!(
        (house.google.granted(CLIENT, OWNER).unwrap().len(), account_of(&house, SLUG).await.unwrap().scopes.split(' ').count()),
        (3, 3)
    );
}
