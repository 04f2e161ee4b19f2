//! The same way in a real browser: Chromium keeps the cookie, follows Google's answer across sites, obeys our headers and
//! sends our forms. `tests/prepare.sh` installs it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use super::{CLIENT, OWNER, account, furnish, link, plan};
use crate::fakes::journal::PATIENCE;
use crate::house::{ALEX, SAM};
use crate::program::free_port;
use crate::promises::repair_by_sam;

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A browser with a profile of its own, and the program that drives it.
struct Chromium {
    driver: Child,
    client: Client,
    profile: TempDir,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // A browser outlives a driver that is killed, so their whole group is.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.driver.wait();
    }
}

impl Chromium {
    async fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there: tests/prepare.sh installs chromium-driver");
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
        let port = said.find_map(|line| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned()));
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--window-size=420,900",
        ];
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = arguments.into_iter().chain([folder.as_str()]).collect();
        let wishes = json!({ "goog:chromeOptions": { "args": arguments } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wishes.as_object().unwrap().clone());
        let client = builder.connect(&format!("http://127.0.0.1:{}", port.unwrap())).await.expect("a browser starts");
        Self { driver, client, profile }
    }

    async fn click(&self, css: &str) {
        self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.unwrap();
    }

    /// Waits until a page with this heading is open: a click returns before the next page is there.
    async fn shows(&self, heading: &str) {
        let mut shown = String::new();
        let waiting = async {
            while shown != heading {
                // Asked in one step, because an element that was found may belong to the page that is just being left.
                let text = self.client.execute("return document.querySelector('h1')?.textContent ?? ''", Vec::new()).await;
                shown = text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{heading} is not shown, but {shown}");
    }

    async fn choose(&self, field: &str, calendar: &str) {
        let select = self.client.find(Locator::Css(&format!("select[name=\"{field}\"]"))).await.unwrap();
        select.select_by_value(calendar).await.unwrap();
    }

    async fn close(self) {
        self.client.clone().close().await.unwrap();
        assert!(self.profile.path().exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_clicks_from_the_link_to_the_calendars_and_out_again() {
    let port = free_port();
    // Another site than the fake Google's 127.0.0.1, as it is in life.
    let server = format!("http://localhost:{port}");
    let house = plan().set("SERVER_URL", &server).set("BIND", &format!("127.0.0.1:{port}")).build().await;
    furnish(&house);
    let browser = Chromium::start().await;
    let link = link(&house).await;
    browser.client.goto(&link).await.unwrap();
    browser.shows("Connect Google Calendar to ABC HVAC").await;
    let button = browser.client.find(Locator::Css("#continue")).await.unwrap();
    let colour = button.css_value("background-color").await.unwrap();
    assert!(colour.starts_with("rgb") && colour != "rgba(0, 0, 0, 0)", "the style is let in by its digest: {colour}");
    let seen = browser.client.execute("return document.cookie", Vec::new()).await.unwrap();
    assert_eq!(seen, "", "no script sees the cookie");

    browser.click("#continue").await;
    browser.shows(&format!("{CLIENT} wants access to your Google Account")).await;
    assert_eq!(browser.client.find(Locator::Css("#account")).await.unwrap().text().await.unwrap(), OWNER);
    browser.click("#allow").await;
    browser.shows("Whose calendar is which?").await;
    assert_eq!(browser.client.current_url().await.unwrap().as_str(), format!("{server}/oauth/calendars"));
    let cookie = browser.client.get_named_cookie("__Host-ringbook").await.unwrap();
    assert_eq!((cookie.secure(), cookie.http_only(), cookie.path()), (Some(true), Some(true), Some("/")));

    browser.choose("calendar.sam", SAM).await;
    browser.choose("calendar.alex", ALEX).await;
    browser.click("#save").await;
    browser.shows("Done: callers can book now").await;
    let booked = house.tool("call-1", "t1", "bookAppointment", repair_by_sam("2026-11-24T08:00")).await;
    assert!(!booked.is_error() && house.google.events(SAM).len() == 1, "{booked:?}");

    browser.client.goto(&link).await.unwrap();
    browser.shows("Google Calendar of ABC HVAC").await;
    browser.click("summary").await;
    browser.click("#disconnect").await;
    browser.shows("Disconnected").await;
    assert_eq!((account(&house).await, house.google.granted(CLIENT, OWNER)), (None, None));
    browser.close().await;
}
