//! Houses whose businesses book into calendars that their owners have connected.

use std::sync::Arc;

use ringbook::names::{CalendarId, Slug};
use ringbook::store::accounts::NewAccount;
use ringbook::vault::{Purpose, Vault};

use crate::fakes::google::FakeGoogle;
use crate::fakes::google_access::Role;
use crate::house::{BUSINESS, House, Plan, SLUG};

pub const OWNER: &str = "owner@abc.example";
pub const CLIENT: &str = "1234.apps.googleusercontent.com";
pub const CLIENT_SECRET: &str = "GOCSPX-secret-of-the-tests";
pub const REDIRECT: &str = "https://book.example.com/oauth/callback";
/// Of the key of the tests: 32 bytes of 5.
pub const KEY: &str = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=";
/// Ends of the scopes that an owner agrees to.
pub const SCOPES: [&str; 3] = ["calendar.events", "calendar.events.freebusy", "calendar.calendarlist.readonly"];

/// A house in which the owner is to connect; the file names no calendar.
pub fn plan() -> Plan {
    Plan::new()
        .business(SLUG, &without_calendars(BUSINESS))
        .set("GOOGLE_CALENDAR_CREDENTIALS", "")
        .set("GOOGLE_CLIENT_ID", CLIENT)
        .set("GOOGLE_CLIENT_SECRET", CLIENT_SECRET)
        .set("ENCRYPTION_KEY", KEY)
}

/// The same file without the calendars' names.
pub fn without_calendars(business: &str) -> String {
    business.lines().filter(|line| !line.starts_with("calendar_id")).collect::<Vec<_>>().join("\n")
}

/// The program, and the owner with a calendar for each technician, as Google knows them.
pub fn known_to(google: &FakeGoogle) {
    google.add_client(CLIENT, CLIENT_SECRET, &[REDIRECT]);
    google.add_user(OWNER);
    for (calendar, name) in [(crate::house::SAM, "Sam"), (crate::house::ALEX, "Alex")] {
        google.give_calendar(OWNER, calendar, name, "America/New_York", Role::Writer);
    }
}

/// A house whose owner agreed just now and chose a calendar for each technician.
pub async fn connected(plan: Plan) -> House {
    let mut house = plan.build().await;
    known_to(&house.google);
    connect(&mut house, SLUG, OWNER, &[("sam", crate::house::SAM), ("alex", crate::house::ALEX)]).await;
    house
}

/// Keeps a consent as the pages do, while the server rests.
pub async fn connect(house: &mut House, slug: &str, owner: &str, calendars: &[(&str, &str)]) {
    house.stop().await;
    let business = Slug::parse(slug).unwrap();
    let token = house.google.grant(CLIENT, owner, &SCOPES);
    let sealed = vault().seal(Purpose::RefreshToken, &business, &token.into()).unwrap();
    let scopes = SCOPES.map(|scope| format!("https://www.googleapis.com/auth/{scope}")).join(" ");
    let account = NewAccount { business: business.clone(), address: owner.into(), refresh_token: sealed, scopes, ends_at: None };
    let store = house.store().await;
    store.connect_account(&account, house.clock.now()).await.unwrap();
    let chosen = calendars.iter().map(|(who, calendar)| ((*who).to_owned(), CalendarId::parse(calendar).unwrap()));
    store.choose_calendars(&business, chosen.collect()).await.unwrap();
    store.close().await;
    house.restart().await;
}

pub fn vault() -> Arc<Vault> {
    Arc::new(Vault::new([[5; 32]]))
}
