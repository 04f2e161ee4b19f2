//! Whose calendar is which: what is offered, what is taken, and what is not.

use ringbook::names::{CalendarId, Slug};

use super::{Browser, HOLIDAYS, OWNER, Page, furnish, house, link, plan, to_be_connected};
use crate::fakes::faults::Fault;
use crate::fakes::google_access::Role;
use crate::house::{ALEX, BUSINESS, House, SAM, SLUG};
use crate::promises::repair_by_sam;

/// What the store holds: technician and calendar.
async fn chosen(house: &House) -> Vec<(String, String)> {
    let store = house.store().await;
    let mut chosen = store.chosen_calendars().await.unwrap();
    store.close().await;
    chosen.sort();
    chosen.into_iter().map(|(_, technician, calendar)| (technician, calendar.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

/// The values that are selected, of all selects of the page.
fn selected(page: &Page) -> Vec<&str> {
    page.body.lines().filter(|line| line.contains(" selected>")).map(|line| line.split('"').nth(1).unwrap()).collect()
}

async fn connected(house: &House) -> (Browser<'_>, Page) {
    let browser = Browser::new(house);
    assert_eq!(browser.connect(&link(house).await).await.status, 303);
    let page = browser.go("/oauth/calendars").await;
    (browser, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn writable_calendars_are_offered_and_those_with_the_technicians_names_preselected() {
    let house = house().await;
    house.google.give_calendar(OWNER, "paris@abc.example", "Paris", "Europe/Paris", Role::Owner);
    house.google.give_calendar(OWNER, "detroit@abc.example", "Same hours, other name", "America/Detroit", Role::Owner);
    let (_, page) = connected(&house).await;
    assert_eq!(selected(&page), [SAM, ALEX]);
    assert!(page.body.contains(OWNER) && !page.body.contains(HOLIDAYS), "{page:?}");
    assert_eq!(page.body.matches("Nobody yet").count(), 2);
    assert_eq!(
        page.body.matches("is in the time zone Europe/Paris, the business in America/New_York").count(),
        1,
        "{}",
        page.body
    );
    assert_eq!(chosen(&house).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_of_one_gets_the_accounts_own_calendar() {
    let alone = to_be_connected();
    let house = plan().business(SLUG, alone.split_once("[[technicians]]").unwrap().0).build().await;
    furnish(&house);
    let (browser, page) = connected(&house).await;
    assert_eq!(selected(&page), [OWNER]);
    let done = browser.post("/oauth/calendars", &[("csrf", page.csrf()), ("calendar.abc-hvac", OWNER)]).await;
    assert!(done.status == 200 && done.body.contains("<dt>ABC HVAC</dt><dd>"), "{done:?}");
    let booked = house.tool("call-1", "t1", "bookAppointment", crate::promises::repair("2026-11-24T08:00")).await;
    assert_eq!((booked.is_error(), house.google.events(OWNER).len()), (false, 1), "{booked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_is_shown_again_and_can_be_changed() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    assert_eq!(browser.choose(&page, ALEX, "").await.status, 200);
    assert_eq!(chosen(&house).await, pairs(&[("sam", ALEX)]));
    let page = browser.go("/oauth/calendars").await;
    assert_eq!(selected(&page), [ALEX], "what was chosen counts, not what is guessed");
    let done = browser.choose(&page, SAM, ALEX).await;
    assert_eq!((done.status, chosen(&house).await), (200, pairs(&[("alex", ALEX), ("sam", SAM)])));
    // Connecting the same account again keeps the choice; another account makes it void.
    assert_eq!(browser.connect(&link(&house).await).await.status, 303);
    assert_eq!(chosen(&house).await.len(), 2);
    house.google.add_user("partner@abc.example");
    house.google.sign_in("partner@abc.example");
    assert_eq!(browser.connect(&link(&house).await).await.status, 303);
    assert_eq!(chosen(&house).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_be_without_a_calendar_and_all_of_them_too() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    let none = browser.choose(&page, "", "").await;
    assert_eq!((none.status, none.title()), (200, "Saved, but nobody can be booked yet"));
    let some = browser.choose(&page, "", ALEX).await;
    assert_eq!((some.status, some.title()), (200, "Done: callers can book now"));
    assert_eq!(chosen(&house).await, pairs(&[("alex", ALEX)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_cannot_stand_is_shown_again_with_the_mistake() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    let csrf = ("csrf", page.csrf());
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[csrf, ("calendar.sam", SAM), ("calendar.alex", SAM)], "Sam and Alex cannot share the calendar Jobs of Sam"),
        (&[csrf, ("calendar.sam", OWNER), ("calendar.alex", OWNER)], "Sam and Alex cannot share the calendar"),
        (
            &[csrf, ("calendar.sam", HOLIDAYS), ("calendar.alex", ALEX)],
            "Sam: this is not a calendar that this account may write to",
        ),
        (&[csrf, ("calendar.sam", "evil<script>"), ("calendar.alex", ALEX)], "Sam: this is not a calendar"),
        (&[csrf, ("calendar.sam", SAM)], "Alex: please choose"),
        (&[csrf, ("calendar.sam", SAM), ("calendar.alex", ALEX), ("calendar.alex", "")], "Alex: please choose"),
    ];
    for (form, words) in cases {
        let again = browser.post("/oauth/calendars", form).await;
        assert!(again.status == 400 && again.body.contains(words) && !again.body.contains("evil"), "{words}: {again:?}");
        assert_eq!(chosen(&house).await, [], "{words}");
        assert!(!selected(&again).is_empty() || form.len() < 3 || words.starts_with("Sam"), "what was right stays selected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_the_file_names_is_fixed_and_nobody_elses() {
    let text = BUSINESS.replace("calendar_id = \"alex@abc.example\"", "");
    let house = plan().business(SLUG, &text).build().await;
    furnish(&house);
    let (browser, page) = connected(&house).await;
    assert!(page.body.contains("Jobs of Sam (named in the business file"), "{page:?}");
    assert_eq!((selected(&page), page.body.matches("<select").count()), (vec![ALEX], 1));
    let csrf = ("csrf", page.csrf());
    let shared = browser.post("/oauth/calendars", &[csrf, ("calendar.alex", SAM)]).await;
    assert!(shared.status == 400 && shared.body.contains("cannot share the calendar Jobs of Sam"), "{shared:?}");
    let done = browser.post("/oauth/calendars", &[csrf, ("calendar.alex", ALEX), ("calendar.sam", OWNER)]).await;
    assert_eq!((done.status, chosen(&house).await), (200, pairs(&[("alex", ALEX)])), "the file wins");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_sessions_token_changes_nothing() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    browser.choose(&page, SAM, ALEX).await;
    let stranger = Browser::new(&house);
    let other = stranger.go(&link(&house).await).await;
    let forged = "A".repeat(43);
    let cookie = browser.cookie().unwrap();
    for csrf in [None, Some(""), Some("x"), Some(forged.as_str()), Some(other.csrf()), Some(cookie.as_str())] {
        let token = csrf.map(|csrf| ("csrf", csrf));
        let form: Vec<(&str, &str)> = [("calendar.sam", ALEX), ("calendar.alex", SAM)].into_iter().chain(token).collect();
        for path in ["/oauth/calendars", "/oauth/disconnect"] {
            let refused = browser.post(path, &form).await;
            assert_eq!((refused.status, refused.title()), (403, "This form cannot be taken"), "{csrf:?} {path}");
        }
    }
    let twice = browser.post("/oauth/disconnect", &[("csrf", page.csrf()), ("csrf", page.csrf())]).await;
    assert_eq!(twice.status, 403);
    assert_eq!(stranger.post("/oauth/disconnect", &[("csrf", page.csrf())]).await.status, 403);
    assert_eq!(chosen(&house).await, pairs(&[("alex", ALEX), ("sam", SAM)]));
    assert!(super::account(&house).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_more_than_16_kb_is_too_large() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    let long = "x".repeat(17_000);
    let refused = browser.post("/oauth/calendars", &[("csrf", page.csrf()), ("calendar.sam", &long)]).await;
    assert_eq!((refused.status, refused.title()), (413, "This form is too large"));
    let padded = "x".repeat(15_000);
    let taken = [("csrf", page.csrf()), ("calendar.sam", SAM), ("calendar.alex", ALEX), ("more", &padded)];
    assert_eq!(browser.post("/oauth/calendars", &taken).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_choice_spends_the_link_as_a_consent_does() {
    let house = house().await;
    Browser::new(&house).settle(&link(&house).await).await;
    let (second, owner, other) = (link(&house).await, Browser::new(&house), Browser::new(&house));
    assert_eq!((owner.go(&second).await.status, other.go(&second).await.status), (200, 200));
    let page = owner.go("/oauth/calendars").await;
    assert_eq!(other.go("/oauth/calendars").await.status, 200, "looking spends nothing");
    assert_eq!(owner.choose(&page, SAM, "").await.status, 200);
    assert_eq!((owner.go("/oauth/calendars").await.status, other.go("/oauth/calendars").await.status), (200, 403));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_that_cannot_be_asked_or_says_no_is_told() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    browser.choose(&page, SAM, ALEX).await;
    house.google.fault_always("calendarList.list", Fault::status(503, "backendError"));
    for shown in [browser.go("/oauth/calendars").await, browser.choose(&page, SAM, "").await] {
        assert_eq!((shown.status, shown.title()), (503, "Google did not answer"));
    }
    house.google.clear_faults();
    house.google.revoke_by_user(OWNER);
    let lost = browser.go("/oauth/calendars").await;
    assert_eq!((lost.status, lost.title()), (409, "Google does not let us in"));
    assert_eq!(chosen(&house).await, pairs(&[("alex", ALEX), ("sam", SAM)]));
    let back = browser.go(&house.google.consent(&lost.consent_link())).await;
    assert_eq!(back.status, 303, "the page offers the way again");
    let booked = house.tool("call-1", "t1", "bookAppointment", repair_by_sam("2026-11-24T08:00")).await;
    assert!(
        !booked.is_error() && house.google.events(SAM).len() == 1,
        "the same account again, so the choice stands: {booked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_technician_in_the_form_is_left_out() {
    let house = house().await;
    let (browser, page) = connected(&house).await;
    let form = [("csrf", page.csrf()), ("calendar.sam", SAM), ("calendar.alex", ALEX), ("calendar.evil", OWNER)];
    assert_eq!(browser.post("/oauth/calendars", &form).await.status, 200);
    assert_eq!(chosen(&house).await.len(), 2);
    let store = house.store().await;
    store
        .choose_calendars(&Slug::parse(SLUG).unwrap(), vec![("sam".into(), CalendarId::parse("gone@abc.example").unwrap())])
        .await
        .unwrap();
    store.close().await;
    assert_eq!(browser.go("/oauth/calendars").await.status, 200, "a chosen calendar that is gone is not selected");
}
