//! Links and the sessions that they open: for one browser, for a time, and never somebody else's.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Browser, OWNER, Page, account, account_of, furnish, house, link, link_of, plan, to_be_connected};
use crate::house::{House, Plan, SLUG};
use crate::orders::ordered;

const UNKNOWN: &str = "/oauth/login?link=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_ours_alone() {
    let house = house().await;
    let page = Browser::new(&house).go(&link(&house).await).await;
    let cookie = page.header("set-cookie");
    let parts: Vec<&str> = cookie.split("; ").collect();
    assert!(parts[0].starts_with("__Host-ringbook=") && parts[0].len() == "__Host-ringbook=".len() + 43, "{cookie}");
    assert_eq!(parts[1..], ["Path=/", "Max-Age=1800", "Secure", "HttpOnly", "SameSite=Lax"], "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_forbids_scripts_frames_referrers_and_memory() {
    let house = house().await;
    let browser = Browser::new(&house);
    let mut pages = vec![
        browser.go(UNKNOWN).await,
        browser.go("/oauth/callback").await,
        browser.go("/oauth/calendars").await,
        browser.post("/oauth/calendars", &[]).await,
        browser.post("/oauth/disconnect", &[]).await,
        browser.go(&link(&house).await).await,
    ];
    pages.push(browser.go("/oauth/calendars").await);
    pages.push(browser.connect(&link(&house).await).await);
    pages.push(browser.go("/oauth/calendars").await);
    assert_eq!(pages.iter().map(|page| page.status).collect::<Vec<_>>(), [403, 400, 403, 403, 403, 200, 409, 303, 200]);
    for page in &pages {
        let headers =
            ["cache-control", "referrer-policy", "x-content-type-options", "x-frame-options"].map(|name| page.header(name));
        assert_eq!(headers, ["no-store", "no-referrer", "nosniff", "DENY"], "{}", page.title());
        let policy = page.header("content-security-policy");
        for part in
            ["default-src 'none'", "style-src 'sha256-", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && page.header("content-type").starts_with("text/html"), "{policy}");
        let active = ["<script", " style=", " onclick", " onload", "javascript:", " src=", "@import", "url("];
        assert!(!active.iter().any(|active| page.body.contains(active)), "{page:?}");
    }
}

fn tags(page: &Page) -> usize {
    page.body.matches("<h1>").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_spends_nothing_and_a_head_opens_nothing() {
    let house = house().await;
    let link = link(&house).await;
    let looked = Browser::new(&house).look(&link).await;
    assert_eq!((looked.status, looked.cookie(), looked.body.as_str()), (200, None, ""));
    assert_eq!(Browser::new(&house).look(UNKNOWN).await.status, 200, "a HEAD does not tell which links are good");
    for _ in 0..3 {
        let preview = Browser::new(&house).go(&link).await;
        assert_eq!((preview.status, tags(&preview)), (200, 1));
    }
    assert_eq!(Browser::new(&house).connect(&link).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_link_opens_nothing_in_another_browser() {
    let house = house().await;
    Browser::new(&house).settle(&link(&house).await).await;
    let link = link(&house).await;
    let (owner, early) = (Browser::new(&house), Browser::new(&house));
    let opened = early.go(&link).await;
    assert_eq!(owner.connect(&link).await.status, 303);
    let late = Browser::new(&house).go(&link).await;
    assert_eq!((late.status, late.title(), late.cookie()), (403, "This link was used already", None));
    let kept = account(&house).await;
    assert_eq!(early.go("/oauth/calendars").await.status, 403, "a session from before is closed as well");
    let form = [("csrf", opened.csrf())];
    assert_eq!(early.post("/oauth/disconnect", &form).await.status, 403);
    assert_eq!(early.go(&house.google.consent(&opened.consent_link())).await.status, 403);
    assert_eq!(account(&house).await, kept);
    assert_eq!((owner.go(&link).await.status, owner.go("/oauth/calendars").await.status), (200, 200), "its own browser stays in");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_browsers_that_come_back_at_once_one_connects() {
    let house = house().await;
    let link = link(&house).await;
    let (one, other) = (Browser::new(&house), Browser::new(&house));
    let backs = [&one, &other].map(async |browser: &Browser<'_>| house.google.consent(&browser.go(&link).await.consent_link()));
    let [first, second] = backs;
    let (first, second) = (first.await, second.await);
    let held = house.google.hold_after("calendarList.list");
    let both = async { tokio::join!(one.go(&first), other.go(&second)) };
    let release = async {
        held.reached(2).await;
        held.release();
    };
    let ((a, b), ()) = tokio::join!(both, release);
    assert_eq!(BTreeSet::from([a.status, b.status]), BTreeSet::from([303, 403]), "{a:?} {b:?}");
    assert!(account(&house).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_somebody_else_has_planted_is_never_taken_up() {
    let house = house().await;
    let (link, attacker) = (link(&house).await, Browser::new(&house));
    attacker.go(&link).await;
    let planted = attacker.cookie().unwrap();
    let victim = Browser::new(&house);
    victim.take(Some(&planted));
    let opened = victim.go(&link).await;
    let fresh = victim.cookie().unwrap();
    assert_ne!(planted, fresh, "every opening has a session of its own");
    let back = victim.go(&house.google.consent(&opened.consent_link())).await;
    assert_eq!(back.status, 303);
    assert_ne!(victim.cookie().unwrap(), fresh, "and another one once the account is connected");
    for old in [&planted, &fresh] {
        attacker.take(Some(old));
        assert_eq!(attacker.go("/oauth/calendars").await.status, 403);
    }
    assert_eq!(victim.go("/oauth/calendars").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lasts_seven_days_and_a_session_thirty_minutes() {
    let house = house().await;
    let (link, browser) = (link(&house).await, Browser::new(&house));
    house.clock.advance(Duration::from_mins(7 * 24 * 60 - 10));
    assert_eq!(browser.settle(&link).await.status, 200);
    house.clock.advance(Duration::from_secs(599));
    assert_eq!(browser.go("/oauth/calendars").await.status, 200);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.go("/oauth/calendars").await.status, 403, "no session outlives its link");
    let late = Browser::new(&house).go(&link).await;
    assert_eq!((late.status, late.title()), (403, "This link has ended"));

    let second = super::link(&house).await;
    let page = browser.go(&second).await;
    house.clock.advance(Duration::from_secs(1799));
    assert_eq!(browser.go("/oauth/calendars").await.status, 200);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.go("/oauth/calendars").await.status, 403);
    let form = [("csrf", page.csrf())];
    assert_eq!(browser.post("/oauth/disconnect", &form).await.status, 403);
    assert_eq!(browser.go(&second).await.status, 200, "an unspent link opens again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_link_has_twenty_sessions_at_most_and_the_oldest_goes() {
    let house = house().await;
    let (link, browsers) = (link(&house).await, (0..22).map(|_| Browser::new(&house)).collect::<Vec<_>>());
    for browser in &browsers {
        assert_eq!(browser.go(&link).await.status, 200);
        house.clock.advance(Duration::from_secs(1));
    }
    let mut open = Vec::new();
    for browser in &browsers {
        open.push(browser.go("/oauth/calendars").await.status == 409);
    }
    assert_eq!(open, [vec![false; 2], vec![true; 20]].concat());
    // Each page offers a way to Google; those are counted as well.
    let last = browsers.last().unwrap();
    let first_way = last.go("/oauth/calendars").await.consent_link();
    for _ in 0..20 {
        house.clock.advance(Duration::from_secs(1));
        last.go("/oauth/calendars").await;
    }
    let back = house.google.consent(&first_way);
    assert_eq!(last.go(&back).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_guessing_is_cut_off_and_who_has_a_link_is_not() {
    let house = house().await;
    let guesser = Browser::new(&house);
    let mut closed = 0;
    for _ in 0..70 {
        let page = guesser.go(UNKNOWN).await;
        assert_eq!((page.status, page.title()), (403, "This link is not known"));
        closed += usize::from(page.header("connection") == "close");
    }
    assert!((5..=11).contains(&closed), "{closed} of 70 answers closed the connection");
    assert_eq!(guesser.connect(&link(&house).await).await.status, 303, "who has a link is not limited");
}

async fn nothing_there(house: &House) {
    let browser = Browser::new(house);
    for path in ["/oauth/login", UNKNOWN, "/oauth/callback?state=x&code=y", "/oauth/calendars"] {
        let page = browser.go(path).await;
        assert_eq!((page.status, page.title()), (404, "There is nothing here"), "{path}");
    }
    for path in ["/oauth/calendars", "/oauth/disconnect"] {
        assert_eq!(browser.post(path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(browser.look(UNKNOWN).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_or_google_there_is_nothing() {
    nothing_there(&House::new().await).await;
    nothing_there(&Plan::new().set("CALENDAR", "embedded").build().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_from_outside_are_written_and_never_run() {
    let name = "A & B <script>alert(1)</script>";
    let house = plan().business(SLUG, &super::to_be_connected().replace("ABC HVAC", name)).build().await;
    furnish(&house);
    let browser = Browser::new(&house);
    let opened = browser.go(&link(&house).await).await;
    browser.go(&house.google.consent(&opened.consent_link())).await;
    let chosen = browser.go("/oauth/calendars").await;
    for page in [&opened, &chosen] {
        assert!(page.body.contains("A &#38; B &#60;script&#62;") && !page.body.contains("<script"), "{page:?}");
    }
    assert!(chosen.body.contains("Alex &#60;b&#62;Smith") && !chosen.body.contains("<b>Smith"), "{}", chosen.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_business_that_came_while_the_server_ran_connects_as_any_other() {
    let house = house().await;
    let folder = house.folder.path().join("businesses");
    let other = to_be_connected().replace("+15551230000", "+15551230001").replace("ABC HVAC", "Other");
    std::fs::write(folder.join("other.toml"), other).unwrap();
    ordered(&house, &["reload"]);
    house.until("it is served", async || house.get("/readyz/other").await.status != 404).await;
    Browser::new(&house).settle(&link_of(&house, "other").await).await;
    let kept = account_of(&house, "other").await.unwrap();
    assert_eq!((kept.address.as_str(), account(&house).await), (OWNER, None));
}
