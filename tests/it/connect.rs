//! An owner joins a Google account in a browser: what these tests share, and the whole way from the link to the last click.

mod calendars;
mod chromium;
mod command;
mod consent;
mod leaving;
mod links;
mod quiet;
mod refused;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Client, RequestBuilder, redirect};
use ringbook::config::ServerUrl;
use ringbook::connect::new_link;
use ringbook::names::Slug;
use ringbook::store::accounts::AccountRow;

use crate::fakes::google_access::Role;
use crate::house::{ALEX, BUSINESS, House, Plan, SAM, SLUG};
use crate::promises::{DOWN, repair_by_sam};

pub const CLIENT: &str = "client-1.apps.googleusercontent.com";
pub const CLIENT_SECRET: &str = "GOCSPX-secret-of-the-tests";
pub const OWNER: &str = "owner@abc.example";
/// Everybody may look into it, the owner may not write.
pub const HOLIDAYS: &str = "holidays@abc.example";

/// The example business, whose owner is to choose the calendars.
pub fn to_be_connected() -> String {
    BUSINESS.lines().filter(|line| !line.starts_with("calendar_id")).collect::<Vec<_>>().join("\n")
}

/// No service account, but an OAuth client and a key.
pub fn plan() -> Plan {
    Plan::new()
        .business(SLUG, &to_be_connected())
        .set("GOOGLE_CALENDAR_CREDENTIALS", "")
        .set("GOOGLE_CLIENT_ID", CLIENT)
        .set("GOOGLE_CLIENT_SECRET", CLIENT_SECRET)
        .set("ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
}

/// A Google at which the owner has an account with some calendars.
pub fn furnish(house: &House) {
    let redirect = format!("{}/oauth/callback", house.setting("SERVER_URL"));
    house.google.add_client(CLIENT, CLIENT_SECRET, &[&redirect]);
    house.google.add_user(OWNER);
    house.google.give_calendar(OWNER, SAM, "Jobs of Sam", "America/New_York", Role::Owner);
    house.google.give_calendar(OWNER, ALEX, "Alex <b>Smith</b>", "Europe/Paris", Role::Writer);
    house.google.give_calendar(OWNER, HOLIDAYS, "Holidays", "America/New_York", Role::Reader);
}

pub async fn house() -> House {
    let house = plan().build().await;
    furnish(&house);
    house
}

/// A link to the pages of a business, as the command makes it.
pub async fn link_of(house: &House, slug: &str) -> String {
    let store = house.store().await;
    let server = ServerUrl::parse(house.setting("SERVER_URL")).unwrap();
    let link = new_link(&store, &server, &Slug::parse(slug).unwrap(), house.clock.now()).await.unwrap();
    store.close().await;
    link
}

pub async fn link(house: &House) -> String {
    link_of(house, SLUG).await
}

pub async fn account_of(house: &House, slug: &str) -> Option<AccountRow> {
    let store = house.store().await;
    let account = store.google_account(&Slug::parse(slug).unwrap()).await.unwrap();
    store.close().await;
    account
}

pub async fn account(house: &House) -> Option<AccountRow> {
    account_of(house, SLUG).await
}

/// What came back.
#[derive(Clone)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.body.split_once("<body>").map_or(self.body.as_str(), |(_, shown)| shown);
        write!(f, "{} {:?}\n{shown}", self.status, self.headers)
    }
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The page as it is read, without its style and tags.
    pub fn title(&self) -> &str {
        self.between("<h1>", "</h1>")
    }

    /// Where the button to Google leads.
    pub fn consent_link(&self) -> String {
        self.between("id=\"continue\" href=\"", "\"").replace("&#38;", "&")
    }

    /// The token of the page's forms.
    pub fn csrf(&self) -> &str {
        self.between("name=\"csrf\" value=\"", "\"")
    }

    pub fn between(&self, start: &str, end: &str) -> &str {
        let rest = self.body.split_once(start).unwrap_or_else(|| panic!("no {start} in {self:?}")).1;
        rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {self:?}")).0
    }

    /// What the cookie holds that came with it.
    pub fn cookie(&self) -> Option<&str> {
        let cookie = self.headers.get(SET_COOKIE)?.to_str().unwrap();
        Some(cookie.split(';').next().unwrap().split_once('=').unwrap().1)
    }
}

/// A browser without scripts: keeps its cookie and follows nothing by itself.
pub struct Browser<'a> {
    house: &'a House,
    http: Client,
    cookie: Mutex<Option<String>>,
}

impl<'a> Browser<'a> {
    pub fn new(house: &'a House) -> Self {
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { house, http, cookie: Mutex::default() }
    }

    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn take(&self, cookie: Option<&str>) {
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = cookie.map(str::to_owned);
    }

    /// Where an address of ours is served in a test.
    fn at_house(&self, url: &str) -> String {
        let path = url.strip_prefix(self.house.setting("SERVER_URL")).unwrap_or(url);
        assert!(path.starts_with('/'), "not an address of ours: {url}");
        format!("{}{path}", self.house.url)
    }

    /// Opens an address of ours.
    pub async fn go(&self, url: &str) -> Page {
        self.send(self.http.get(self.at_house(url))).await
    }

    pub async fn look(&self, url: &str) -> Page {
        self.send(self.http.head(self.at_house(url))).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.http.post(self.at_house(path)).form(form)).await
    }

    async fn send(&self, request: RequestBuilder) -> Page {
        let request = match self.cookie() {
            Some(cookie) => request.header(COOKIE, format!("other=1; __Host-ringbook={cookie}; last=2")),
            None => request,
        };
        let response = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let page = Page { status, headers, body: response.text().await.unwrap() };
        if let Some(cookie) = page.cookie() {
            self.take(Some(cookie));
        }
        page
    }

    /// Opens the link, agrees at Google and comes back.
    pub async fn connect(&self, link: &str) -> Page {
        let page = self.go(link).await;
        assert_eq!(page.status, 200, "{page:?}");
        self.go(&self.house.google.consent(&page.consent_link())).await
    }

    /// Connects, and chooses both calendars.
    pub async fn settle(&self, link: &str) -> Page {
        let back = self.connect(link).await;
        assert_eq!(back.status, 303, "{back:?}");
        let page = self.go("/oauth/calendars").await;
        let done = self.choose(&page, SAM, ALEX).await;
        assert_eq!((done.status, done.title()), (200, "Done: callers can book now"), "{done:?}");
        done
    }

    pub async fn choose(&self, page: &Page, sam: &str, alex: &str) -> Page {
        self.post("/oauth/calendars", &[("csrf", page.csrf()), ("calendar.sam", sam), ("calendar.alex", alex)]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_connects_chooses_is_booked_and_leaves() {
    let house = house().await;
    let browser = Browser::new(&house);
    let link = link(&house).await;
    let opened = browser.go(&link).await;
    assert_eq!((opened.status, opened.title()), (200, "Connect Google Calendar to ABC HVAC"));
    for words in ["edit events", "availability", "list of Google calendars", "verified this app", "Advanced"] {
        assert!(opened.body.contains(words), "{words}: {opened:?}");
    }
    let back = browser.go(&house.google.consent(&opened.consent_link())).await;
    assert_eq!((back.status, back.header("location")), (303, "https://book.example.com/oauth/calendars"));
    let kept = account(&house).await.unwrap();
    assert_eq!((kept.address.as_str(), &kept.lost, kept.ends_at), (OWNER, &None, None));
    assert!(!house.google.refresh_tokens(OWNER).iter().any(|token| kept.refresh_token.contains(token)), "it is sealed");

    let page = browser.go("/oauth/calendars").await;
    assert_eq!((page.status, page.title()), (200, "Whose calendar is which?"));
    let done = browser.choose(&page, SAM, ALEX).await;
    assert_eq!((done.status, done.title()), (200, "Done: callers can book now"));
    assert!(done.body.contains("<dt>Sam</dt><dd>Jobs of Sam</dd>"), "{done:?}");
    let booked = house.tool("call-1", "t1", "bookAppointment", repair_by_sam("2026-11-24T08:00")).await;
    assert!(!booked.is_error() && booked.sentence().contains("booked"), "{booked:?}");
    assert_eq!((house.google.events(SAM).len(), house.google.events(ALEX).len()), (1, 0));

    let again = browser.go(&link).await;
    assert_eq!((again.status, again.title()), (200, "Google Calendar of ABC HVAC"));
    assert!(again.body.contains("Connected as <strong>owner@abc.example</strong> since Monday, November 23."), "{again:?}");
    let left = browser.post("/oauth/disconnect", &[("csrf", again.csrf()), ("sure", "yes")]).await;
    assert_eq!((left.status, left.title()), (200, "Disconnected"), "{left:?}");
    assert_eq!((account(&house).await, house.google.granted(CLIENT, OWNER)), (None, None));
    let refused = house.tool("call-1", "t2", "bookAppointment", repair_by_sam("2026-11-25T08:00")).await;
    assert!(refused.sentence().contains(DOWN), "{refused:?}");
    assert_eq!(house.google.events(SAM).len(), 1, "what is in the calendar stays there");
}
