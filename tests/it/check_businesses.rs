//! The doctor at home: settings, business files, the database and the calendars. Every mistake is planted, found, and said with
//! the way to mend it.

use crate::clinic::{Clinic, Mistake, each_is_found, mistake};
use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::google_access::Role;
use crate::house::{ALEX, BUSINESS, SAM, SLUG};
use crate::program::{err, free_port, out};

const TRANSFER: &str = "[transfer]\nto = \"+15551239999\"";
const NOTIFY: &str = "sms = [\"+15551238888\"]";

const IN_FILES: &[Mistake] = &[
    mistake(
        "a job longer than any opening",
        |it| it.business_with("duration_minutes = 120", "duration_minutes = 480"),
        "warning",
        "business.service",
        &["repair takes 480 minutes", "longer than 450", "duration_minutes", "abc-hvac.toml"],
    ),
    mistake(
        "no job fits",
        |it| it.business(&BUSINESS.replace("minutes = 60", "minutes = 500").replace("minutes = 120", "minutes = 610")),
        "wrong",
        "business.service",
        &["not one of them", "[hours]"],
    ),
    mistake(
        "a job that nobody does",
        |it| {
            let only = |name: &str| format!("name = \"{name}\"\nservices = [\"repair\"]");
            it.business(&BUSINESS.replace("name = \"Sam\"", &only("Sam")).replace("name = \"Alex\"", &only("Alex")));
        },
        "warning",
        "files",
        &["no technician does", "maintenance"],
    ),
    mistake("no person", |it| it.business_with(TRANSFER, ""), "warning", "business.transfer", &["no number", "[transfer]"]),
    mistake(
        "a person who is never rung",
        |it| it.business_with(TRANSFER, &format!("{TRANSFER}\nhours = []")),
        "warning",
        "business.transfer",
        &["never rung", "hours"],
    ),
    mistake(
        "a number for after hours that never come",
        |it| it.business_with(TRANSFER, "[transfer]\nafter_hours_to = \"+15551239999\""),
        "warning",
        "business.transfer",
        &["after_hours_to never rings"],
    ),
    mistake(
        "notice past the horizon",
        |it| it.business(&format!("{BUSINESS}\n[rules]\nminimum_notice_minutes = 20160\nhorizon_days = 7\n")),
        "wrong",
        "business.notice",
        &["20160", "horizon_days = 7", "abc-hvac.toml"],
    ),
    mistake("nobody is told", |it| it.business_with(NOTIFY, ""), "warning", "business.notify", &["[notify]"]),
    mistake(
        "of nothing",
        |it| it.business_with(NOTIFY, &format!("{NOTIFY}\non = []")),
        "warning",
        "business.notify",
        &["on is empty"],
    ),
    mistake(
        "an emergency and nobody to call",
        |it| {
            let text = BUSINESS.replace(TRANSFER, "");
            it.business(&format!("{text}\n[emergency]\nphrases = [\"gas smell\"]\nsay = \"Leave the house.\"\n"));
        },
        "warning",
        "business.emergency",
        &["neither [emergency] nor [transfer]", "under [emergency]"],
    ),
    mistake(
        "an emergency without words",
        |it| it.business(&format!("{BUSINESS}\n[emergency]\nphrases = [\"gas smell\"]\n")),
        "warning",
        "business.emergency",
        &["nothing is said", "say = "],
    ),
    mistake(
        "closed for ever",
        |it| it.business(&format!("{BUSINESS}\n[[exceptions]]\nfrom = \"2020-01-01\"\nto = \"2099-12-31\"\nhours = []\n")),
        "wrong",
        "business.hours",
        &["nobody works on any of the 60 days", "[[exceptions]]"],
    ),
    mistake(
        "another zone than the calendar's",
        |it| it.business_with("America/New_York", "America/Chicago"),
        "warning",
        "calendar.zone",
        &["America/New_York", "America/Chicago", "time_zone"],
    ),
    mistake(
        "a calendar that is not shared",
        |it| it.house.google.unshare(SAM, SERVICE_ACCOUNT),
        "wrong",
        "calendar",
        &[SAM, "share the calendar"],
    ),
    mistake(
        "a calendar that can only be read",
        |it| it.house.google.share(ALEX, SERVICE_ACCOUNT, Role::Reader),
        "wrong",
        "calendar",
        &[ALEX, "not written", "make changes to events"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_a_business_file_is_found() {
    each_is_found(IN_FILES).await;
}

const IN_SETTINGS: &[Mistake] = &[
    mistake("a missing setting", |it| it.set("TWILIO_AUTH_TOKEN", ""), "wrong", "settings", &["TWILIO_AUTH_TOKEN is missing"]),
    mistake("no number", |it| it.set("CONNECT_BUDGET_MS", "soon"), "wrong", "settings", &["CONNECT_BUDGET_MS"]),
    mistake("plain http", |it| it.set("SERVER_URL", "http://book.example.com"), "wrong", "settings", &["SERVER_URL", "https"]),
    mistake("a word that nobody knows", |it| it.set("VAPI_CONNECT", "carrier-pigeon"), "wrong", "settings", &["VAPI_CONNECT"]),
    mistake(
        "a file that cannot be read",
        |it| it.business_with("time_zone = \"America/New_York\"", "time_zone = \"Mars/Olympus\""),
        "wrong",
        "files",
        &["abc-hvac.toml", "time_zone"],
    ),
    mistake("no files", |it| it.set("BUSINESSES", "nowhere"), "wrong", "settings", &["BUSINESSES"]),
    mistake(
        "a silent line",
        |it| it.set("CONNECT_BUDGET_MS", "14000"),
        "warning",
        "budgets",
        &["CONNECT_BUDGET_MS is 14000 ms", "set CONNECT_BUDGET_MS to 5000"],
    ),
    mistake(
        "longer than Vapi waits",
        |it| it.set("CONNECT_BUDGET_MS", "7500"),
        "warning",
        "budgets",
        &["CONNECT_BUDGET_MS is 7500 ms", "Vapi waits 7500 ms", "assistant-request", "set CONNECT_BUDGET_MS to 5000"],
    ),
    mistake(
        "longer than Twilio can try",
        |it| it.set("CONNECT_BUDGET_MS", "10001"),
        "warning",
        "budgets",
        &["Twilio, which waits 15 s in all", "set CONNECT_BUDGET_MS to 5000"],
    ),
    mistake(
        "no time to look",
        |it| it.set("TOOL_REPLY_BUDGET_MS", "500"),
        "warning",
        "budgets",
        &["TOOL_REPLY_BUDGET_MS is 500 ms", "4000"],
    ),
    mistake(
        "a database where nothing can be written",
        |it| it.set("DATABASE_URL", "sqlite:///proc/ringbook.db"),
        "wrong",
        "database",
        &["DATABASE_URL"],
    ),
    mistake(
        "a database that is not there",
        |it| it.set("DATABASE_URL", &format!("postgres://ringbook:secret@127.0.0.1:{}/ringbook", free_port())),
        "wrong",
        "database",
        &["cannot be reached", "DATABASE_URL"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_the_settings_is_found() {
    each_is_found(IN_SETTINGS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_was_forgotten_is_pointed_out() {
    let clinic = Clinic::sound().await;
    assert!(clinic.run(&["pause", SLUG]).status.success());
    let (code, findings) = clinic.findings();
    let paused = findings.iter().find(|finding| finding["id"] == "business.paused").unwrap();
    assert_eq!((code, paused["state"].as_str()), (Some(0), Some("warning")));
    assert!(paused["mend"].as_str().unwrap().contains("ringbook resume abc-hvac"), "{paused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_to_people_in_sentences_and_ends_with_2() {
    let mut clinic = Clinic::sound().await;
    clinic.set("VAPI_CONNECT", "carrier-pigeon");
    let output = clinic.run(&["check"]);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
    assert!(err(&output).contains("VAPI_CONNECT"), "{}", err(&output));
}
