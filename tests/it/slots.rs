//! `ringbook slots`: the built program says what a caller would hear, and of every other start why not. Beside it runs a server
//! with the same database and the same Google.

use std::collections::BTreeMap;
use std::fs;

use ringbook::clock::Clock;
use ringbook::scheduling::zone::Zone;
use serde_json::{Value, json};
use time::{Date, Duration};

use crate::fakes::google::SERVICE_ACCOUNT;
use crate::house::{ALEX, House, Plan, SAM, SLUG};
use crate::program::{err, out, run};
use crate::promises::said;

fn zone() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

fn name_of(day: Date) -> String {
    day.weekday().to_string().to_lowercase()
}

/// The days of the test, seen from today: a program of its own goes by the machine's clock.
struct Days {
    /// Both work, Alex until noon.
    day: Date,
    /// The business is closed on this day of the week.
    closed: Date,
    tomorrow: Date,
}

impl Days {
    fn of_today() -> Self {
        let today = zone().date(Clock::System.now());
        let [day, closed, tomorrow] = [5, 6, 1].map(|days| today + Duration::days(days));
        Self { day, closed, tomorrow }
    }

    fn business(&self) -> String {
        let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let open = week.iter().filter(|day| **day != name_of(self.closed));
        let hours = open.map(|day| format!("{day} = [\"08:00-18:00\"]")).collect::<Vec<_>>().join("\n");
        format!(
            r#"
            name = "ABC HVAC"
            phone_numbers = ["+15551230000"]
            time_zone = "America/New_York"
            [hours]
            {hours}
            [rules]
            minimum_notice_minutes = 2880
            horizon_days = 30
            max_jobs_per_day = 1
            hold_seconds = 86400
            [[services]]
            name = "maintenance"
            aliases = ["tune-up"]
            duration_minutes = 60
            [[technicians]]
            id = "sam"
            name = "Sam"
            calendar_id = "{SAM}"
            [[technicians]]
            id = "alex"
            name = "Alex"
            calendar_id = "{ALEX}"
            hours = {{ {} = ["08:00-12:00"] }}
            "#,
            name_of(self.day)
        )
    }

    /// Sam has one job at 10, Alex an event of his own at 8.
    async fn house(&self) -> House {
        let house = Plan::new().at(Clock::System.now()).business(SLUG, &self.business()).build().await;
        let eight = zone().bound(self.day, 480);
        house.google.staff_adds(ALEX, eight, eight + Duration::HOUR);
        let job = json!({ "serviceType": "tune-up", "scheduledDate": format!("{}T10:00", self.day), "customerName": "Dana Miller",
            "technician": "Sam" });
        assert!(said(&house.tool("call-1", "t1", "bookAppointment", job).await).contains("You're booked"));
        house
    }
}

/// The answer for scripts.
fn seen(house: &House, date: Date, more: &[&str]) -> Value {
    let date = date.to_string();
    let arguments = [&["slots", SLUG, "--service", "tune-up", "--date", &date, "--json"], more].concat();
    let output = run(house.folder.path(), &arguments, house.pairs());
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{}", out(&output));
    serde_json::from_str(&out(&output)).unwrap()
}

/// Of each start: what it is to callers, and to Sam and Alex.
fn states(seen: &Value) -> BTreeMap<String, [String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let starts = seen["starts"].as_array().unwrap().iter();
    starts
        .map(|start| {
            let crew = &start["technicians"];
            (text(&start["start"])[11..16].to_owned(), [&start["state"], &crew[0]["state"], &crew[1]["state"]].map(text))
        })
        .collect()
}

fn clocks(times: &Value) -> Vec<String> {
    times.as_array().unwrap().iter().map(|time| time.as_str().unwrap()[11..16].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_start_of_a_day_is_shown_with_the_reason_of_each_technician() {
    let days = Days::of_today();
    let house = days.house().await;
    let whole = seen(&house, days.day, &[]);
    let states = states(&whole);
    let expected = [
        ("08:00", ["taken", "day_full", "calendar_busy"]),
        ("09:00", ["offered", "buffer", "free"]),
        ("09:30", ["open", "our_booking", "free"]),
        ("10:00", ["offered", "our_booking", "free"]),
        ("11:00", ["offered", "buffer", "free"]),
        ("11:30", ["taken", "day_full", "past_closing"]),
        ("12:00", ["taken", "day_full", "outside_hours"]),
        ("17:30", ["outside_hours", "past_closing", "outside_hours"]),
    ];
    for (start, expected) in expected {
        assert_eq!(states[start], expected, "{start}: {states:#?}");
    }
    assert_eq!((states.len(), &whole["minutes"], &whole["service"]), (20, &json!(60), &json!("maintenance")));
    assert_eq!(clocks(&whole["offered"]), ["09:00", "10:00", "11:00"]);
    let at = seen(&house, days.day, &["--at", "10:15"]);
    assert_eq!(clocks(&at["offered"]), ["09:00", "10:00", "11:00"]);
    let off_the_steps = [("10:15".to_owned(), ["open", "our_booking", "free"].map(str::to_owned))];
    assert_eq!(self::states(&at), BTreeMap::from(off_the_steps));

    // What the caller hears is what was shown; from then on others hear it last, as is shown as well.
    let asked = json!({ "serviceType": "tune-up", "requestedDate": days.day.to_string() });
    let heard = said(&house.tool("call-2", "t1", "checkAvailability", asked).await);
    let date = days.day.to_string();
    let shown = run(house.folder.path(), &["slots", SLUG, "--service", "maintenance", "--date", &date], house.pairs());
    assert!(heard.contains("at 9 AM, 10 AM or 11 AM"), "{heard}");
    let shown = out(&shown);
    for words in [
        "A caller hears",
        "9 AM, 9:30 AM or 10:30 AM",
        "OFFERED",
        "another caller thinks about it",
        "Sam",
        "a job of ours is there",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let held = seen(&house, days.day, &[]);
    assert_eq!(clocks(&held["offered"]), ["09:00", "09:30", "10:30"]);
    assert_eq!(self::states(&held)["11:00"][0], "held");
    let once_more = json!({ "serviceType": "tune-up", "requestedDate": days.day.to_string() });
    let other = said(&house.tool("call-3", "t1", "checkAvailability", once_more).await);
    assert!(other.contains("at 9 AM, 9:30 AM or 10:30 AM"), "to look is not to ask for it: {other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_any_time_says_why() {
    let days = Days::of_today();
    let house = days.house().await;
    let all = |seen: &Value, state: &str| {
        let states = states(seen);
        assert!(!states.is_empty() && states.values().all(|[callers, ..]| callers == state), "{state}: {states:?}");
    };
    let past = seen(&house, days.day - Duration::WEEK, &[]);
    all(&past, "past");
    assert_eq!((&past["because"], clocks(&past["offered"]).len()), (&json!("the date is in the past"), 0));
    all(&seen(&house, days.day + Duration::weeks(8), &[]), "beyond_horizon");
    let soon = seen(&house, days.tomorrow, &[]);
    let last = states(&soon).into_values().next_back().unwrap();
    assert_eq!(
        (&states(&soon)["17:00"], last),
        (&["too_soon", "free", "off"].map(str::to_owned), ["outside_hours", "past_closing", "off"].map(str::to_owned))
    );
    assert_eq!((&soon["away"][0]["id"], &soon["away"][0]["state"]), (&json!("alex"), &json!("off")));

    let closed = seen(&house, days.closed, &[]);
    assert_eq!((&closed["because"], &closed["away"][0]["state"]), (&json!("closed that day"), &json!("off")));
    assert_eq!(closed["starts"], json!([]));
    let later = days.day + Duration::WEEK;
    let ordered = ["close", SLUG, "--from", &later.to_string(), "--reason", "a wedding"];
    assert_eq!(run(house.folder.path(), &ordered, house.pairs()).status.code(), Some(0));
    let closure = seen(&house, later, &[]);
    assert_eq!((&closure["because"], &closure["away"][1]["state"]), (&json!("closed: a wedding"), &json!("closure")));
    assert_eq!(states(&seen(&house, later, &["--at", "09:00"]))["09:00"], ["closed", "closure", "closure"]);

    house.google.unshare(ALEX, SERVICE_ACCOUNT);
    let unread = seen(&house, days.day, &[]);
    assert_eq!(states(&unread)["09:00"], ["calendar_unreadable", "buffer", "calendar_unreadable"]);
    assert_eq!(unread["because"], "a calendar cannot be read");
    assert_eq!(run(house.folder.path(), &["pause", SLUG], house.pairs()).status.code(), Some(0));
    assert_eq!((&unread["paused"], &seen(&house, days.day, &[])["paused"]), (&json!(false), &json!(true)));
}

#[test]
fn the_embedded_calendar_is_looked_at_and_what_cannot_be_asked_is_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("businesses")).unwrap();
    let days = Days::of_today();
    fs::write(folder.path().join("businesses/abc-hvac.toml"), days.business()).unwrap();
    let settings: Vec<(String, String)> = [
        ("SERVER_URL", "https://book.example.com"),
        ("BUSINESSES", "businesses"),
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "twilio-token"),
        ("VAPI_CONNECT", "stream"),
        ("VAPI_WEBHOOK_SECRET", "vapi-secret"),
        ("CALENDAR", "embedded"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let date = days.day.to_string();
    let asked = |arguments: &[&str]| run(folder.path(), &[&["slots"], arguments].concat(), &settings);
    let good = asked(&[SLUG, "--service", "tune-up", "--date", &date]);
    assert!(good.status.code() == Some(0) && out(&good).contains("8 AM, 12:30 PM or 5 PM"), "{}{}", out(&good), err(&good));
    for (arguments, words) in [
        (&["nobody", "--service", "tune-up", "--date", &date][..], "nobody.toml"),
        (&[SLUG, "--service", "plumbing", "--date", &date], "--service: ABC HVAC does maintenance."),
        (&[SLUG, "--service", "tune-up", "--date", "someday"], "YYYY-MM-DD"),
        (&[SLUG, "--service", "tune-up", "--date", &date, "--at", "noon"], "HH:MM"),
        (&[SLUG, "--service", "tune-up"], "--date"),
    ] {
        let output = asked(arguments);
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
}
