//! `ringbook twilio`: the built program finds the numbers of the businesses at Twilio, says where they point, and points them
//! here. What it says of what went wrong is one sentence, without any secret.

use std::fs;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fakes::faults::Fault;
use crate::fakes::twilio::{ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, FakeTwilio};
use crate::house::{BUSINESS, CALLED, SLUG};
use crate::program::{err, out, run};

const HERE: &str = "https://book.example.com/twilio/inbound#rc=2&rp=ct,5xx&ct=2000&rt=6000";
pub const FALLBACK: &str = "https://book.example.com/twilio/fallback";
pub const BIN: &str = "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef";
const DEMO: &str = "https://demo.twilio.com/welcome/voice/";
const OTHER_ACCOUNT: &str = "AC00000000000000000000000000000002";
const OTHER_TOKEN: &str = "auth-token-of-the-other";
const OTHER_NUMBER: &str = "+15554440000";

/// Where somebody sits who sets numbers up.
pub struct Office {
    folder: TempDir,
    pub twilio: FakeTwilio,
    settings: Vec<(String, String)>,
}

impl Office {
    /// One business, whose number still plays Twilio's welcome.
    pub fn new() -> (Self, String) {
        let office = Self { folder: tempfile::tempdir().unwrap(), twilio: FakeTwilio::start(), settings: Vec::new() };
        fs::create_dir(office.folder.path().join("businesses")).unwrap();
        let sid = office.twilio.add_number(CALLED);
        office.twilio.set_number(&sid, "voice_url", DEMO);
        let url = office.twilio.url();
        let office = office
            .set("SERVER_URL", "https://book.example.com")
            .set("BUSINESSES", "businesses")
            .set("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
            .set("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
            .set("TWILIO_API_URL", &url);
        (office.business(SLUG, BUSINESS), sid)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn business(self, slug: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(format!("businesses/{slug}.toml")), text).unwrap();
        self
    }

    /// A second business with an account of its own; returns its number's sid.
    fn with_another(self) -> (Self, String) {
        self.twilio.add_account(OTHER_ACCOUNT, OTHER_TOKEN);
        let sid = self.twilio.add_number_to(OTHER_ACCOUNT, OTHER_NUMBER);
        let office = self
            .business("other-place", &BUSINESS.replace(CALLED, OTHER_NUMBER))
            .set("TWILIO_ACCOUNT_SID__OTHER_PLACE", OTHER_ACCOUNT)
            .set("TWILIO_AUTH_TOKEN__OTHER_PLACE", OTHER_TOKEN);
        (office, sid)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = run(self.folder.path(), &[&["twilio"], arguments].concat(), &self.settings);
        for secret in [AUTH_TOKEN, API_KEY_SECRET, OTHER_TOKEN, &STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"))] {
            assert!(
                !out(&output).contains(secret) && !err(&output).contains(secret),
                "a secret: {}{}",
                out(&output),
                err(&output)
            );
        }
        output
    }

    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{arguments:?}: {}", out(&output));
        out(&output)
    }

    /// What is said by a command that fails.
    fn failed(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}{}", out(&output), err(&output));
        err(&output)
    }

    pub fn fields(&self, sid: &str, names: &[&str]) -> Vec<String> {
        let number = self.twilio.number(sid);
        names.iter().map(|name| number[*name].as_str().unwrap_or("null").to_owned()).collect()
    }

    pub fn posts(&self) -> usize {
        self.twilio.count("numbers.update")
    }
}

const ALL: [&str; 6] =
    ["voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method", "status_callback", "status_callback_method"];

pub fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_pointed_here_once_and_a_second_run_changes_nothing() {
    let (office, sid) = Office::new();
    says(&office.done(&["show"]), &["ABC HVAC (abc-hvac), +15551230000", DEMO, "Calls do not come here"]);
    assert_eq!(office.posts(), 0);
    let first = office.done(&["configure"]);
    says(&first, &[&format!("before     {DEMO} (POST)"), &format!("now        {HERE} (POST)"), "before     nothing", FALLBACK]);
    assert_eq!(office.fields(&sid, &ALL), [HERE, "POST", FALLBACK, "POST", "https://book.example.com/twilio/status", "POST"]);
    let second = office.done(&["configure", "--business", SLUG]);
    says(&second, &["Nothing to change", HERE]);
    assert_eq!(office.posts(), 1);
    says(&office.done(&["show"]), &["Calls come here."]);
    let shown: Value = serde_json::from_str(&office.done(&["show", "--json"])).unwrap();
    let expected = json!([{ "business": SLUG, "number": CALLED, "account_sid": ACCOUNT_SID, "sid": sid, "points_here": true,
        "voice_url": HERE, "voice_method": "POST", "voice_fallback_url": FALLBACK, "voice_fallback_method": "POST",
        "status_callback": "https://book.example.com/twilio/status", "status_callback_method": "POST", "voice_application_sid": null,
        "trunk_sid": null }]);
    assert_eq!(shown, expected);

    // Somebody worked in Vapi's dashboard; and a longer wait of ours takes a longer wait of Twilio's.
    office.twilio.set_number(&sid, "voice_url", "https://user:hidden@api.vapi.ai/twilio/inbound_call");
    let office = office.set("CONNECT_BUDGET_MS", "9000");
    let again = office.done(&["configure"]);
    says(&again, &["user:…@api.vapi.ai", "rt=10000", "as before"]);
    assert!(!again.contains("hidden"), "{again}");
    assert_eq!(office.posts(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_or_an_application_that_goes_before_is_named_and_taken_off() {
    for (field, sid_there, words) in
        [("trunk_sid", "TK77", "SIP trunk TK77"), ("voice_application_sid", "AP88", "TwiML application AP88")]
    {
        let (office, sid) = Office::new();
        office.done(&["configure"]);
        office.twilio.set_number(&sid, field, sid_there);
        let shown = office.done(&["show"]);
        says(&shown, &["WARNING", words, "Calls do not come here"]);
        let shown: Value = serde_json::from_str(&office.done(&["show", "--json"])).unwrap();
        assert_eq!((&shown[0]["points_here"], &shown[0][field]), (&json!(false), &json!(sid_there)));
        says(&office.done(&["configure"]), &["WARNING", words, "It was taken off; to undo that"]);
        assert_eq!(office.fields(&sid, &[field, "voice_url"]), ["", HERE]);
        let form = office.twilio.requests_of("numbers.update").last().unwrap().request.form();
        let cleared: Vec<_> = form.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(cleared.len(), 1, "the other one is not even named: {cleared:?}");
        says(&office.done(&["configure"]), &["Nothing to change"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_somebody_elses_is_said_plainly_and_the_others_are_pointed_all_the_same() {
    let (office, sid) = Office::new();
    let two = BUSINESS.replace("[\"+15551230000\"]", "[\"+1555123000\", \"+15551230000\"]");
    let office = office.business(SLUG, &two);
    // Twilio finds every number in which the one is contained, page by page.
    office.twilio.short_pages(1);
    let longer = office.twilio.add_number("+155512300009");
    let told = office.failed(&["configure"], 1);
    says(&told, &["does not own +1555123000:", ACCOUNT_SID, "TWILIO_ACCOUNT_SID__ABC_HVAC"]);
    assert_eq!(told.lines().count(), 1);
    assert_eq!(
        (office.fields(&sid, &["voice_url"]), office.fields(&longer, &["voice_url"])),
        (vec![HERE.into()], vec![String::new()])
    );
    let shown = office.run(&["show", "--json"]);
    assert_eq!(
        (shown.status.code(), serde_json::from_str::<Value>(&out(&shown)).unwrap().as_array().unwrap().len()),
        (Some(1), 1)
    );
    // Once it is there, it is found on the third page.
    let shorter = office.twilio.add_number("+1555123000");
    let before = office.twilio.count("numbers.list");
    office.done(&["configure"]);
    assert_eq!((office.fields(&shorter, &["voice_url"]), office.twilio.count("numbers.list") - before), (vec![HERE.into()], 4));
    assert_eq!(office.fields(&longer, &["voice_url"]), [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_business_is_looked_for_in_its_own_account() {
    let ((office, sid), other) = {
        let (office, sid) = Office::new();
        let (office, other) = office.with_another();
        ((office, sid), other)
    };
    let only = office.done(&["configure", "--business", "other-place"]);
    says(&only, &[OTHER_NUMBER, OTHER_ACCOUNT, "before     nothing"]);
    assert_eq!(
        (office.fields(&sid, &["voice_url"]), office.fields(&other, &["voice_url"])),
        (vec![DEMO.into()], vec![HERE.into()])
    );
    let both = office.done(&["configure"]);
    says(&both, &[CALLED, OTHER_NUMBER, "Nothing to change"]);
    assert_eq!((office.fields(&sid, &["voice_url"]), office.posts()), (vec![HERE.into()], 2));
    let basic = |user: &str, token: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{token}")));
    let updates = office.twilio.requests_of("numbers.update");
    let used: Vec<_> = updates.iter().map(|entry| entry.request.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(used, [basic(OTHER_ACCOUNT, OTHER_TOKEN), basic(ACCOUNT_SID, AUTH_TOKEN)]);

    let with_key = office.set("TWILIO_API_KEY_SID", API_KEY_SID).set("TWILIO_API_KEY_SECRET", API_KEY_SECRET);
    with_key.done(&["show", "--business", SLUG]);
    let last = with_key.twilio.requests().last().unwrap().clone();
    assert_eq!(last.request.header("authorization"), Some(basic(API_KEY_SID, API_KEY_SECRET).as_str()));
    assert!(last.request.path.contains(ACCOUNT_SID), "the account stays in the path");
    let wrong = with_key.set("TWILIO_AUTH_TOKEN__OTHER_PLACE", "wrong-token");
    let told = wrong.failed(&["show", "--business", "other-place"], 1);
    says(&told, &["does not accept TWILIO_AUTH_TOKEN__OTHER_PLACE for the account", OTHER_ACCOUNT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_at_twilio_is_one_sentence_and_changes_nothing() {
    let (office, sid) = Office::new();
    let refused = |code, reason| Fault::Status { code, reason, retry_after: None, html: false };
    for (call, fault, words) in [
        ("numbers.list", refused(429, "20429"), "no more requests at this moment"),
        ("numbers.list", refused(403, "20003"), "does not accept TWILIO_AUTH_TOKEN"),
        ("numbers.list", refused(503, "20500"), "no answer (status 503)"),
        ("numbers.list", Fault::ResetBeforeCommit, "no answer (failed"),
        ("numbers.list", Fault::Html200, "answer cannot be used"),
        (
            "numbers.update",
            Fault::Echo { code: 400, reason: "21402" },
            "https://www.twilio.com/docs/errors/21402 says why. Nothing was changed.",
        ),
        ("numbers.update", refused(429, "20429"), "try again in a minute. Nothing was changed."),
        ("numbers.update", Fault::ResetBeforeCommit, "run this again, which is safe"),
    ] {
        office.twilio.fault(call, fault);
        let told = office.failed(&["configure"], 1);
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        says(&told, &[words, SLUG, CALLED]);
        assert_eq!(office.fields(&sid, &["voice_url"]), [DEMO]);
    }
    // The answer was lost, but what was asked for was done: it shows.
    office.twilio.fault("numbers.update", Fault::ResetAfterCommit);
    says(&office.done(&["configure"]), &[&format!("now        {HERE}")]);

    let office = office.set("TWILIO_AUTH_TOKEN", "wrong-token-of-somebody");
    let told = office.failed(&["show"], 1);
    says(&told, &["Twilio does not accept TWILIO_AUTH_TOKEN for the account", ACCOUNT_SID]);
    assert!(!told.contains("wrong-token"), "{told}");
    let office = office.set("TWILIO_API_URL", "http://127.0.0.1:9");
    says(&office.failed(&["configure"], 1), &["Twilio cannot be reached"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_before_twilio_is_asked() {
    let (office, _) = Office::new();
    let (office, _) = office.with_another();
    for (arguments, words) in [
        (&["configure", "--fallback-url", BIN][..], "--business"),
        (&["configure", "--fallback-url", "http://old.example.com"], "https://"),
        (&["configure", "--business", SLUG, "--fallback-url", "https://a_b.example.com"], "underscore"),
        (&["configure", "--business", "nobody"], "nobody.toml"),
        (&["show", "--business", "nobody"], "nobody.toml"),
        (&["point"], "point"),
    ] {
        says(&office.failed(arguments, 2), &[words]);
    }
    // A Twilio that is not on this machine cannot reach it.
    let here = office.twilio.url();
    let office = office.set("SERVER_URL", "http://127.0.0.1:8080").set("TWILIO_API_URL", "https://twilio.invalid");
    says(&office.failed(&["configure"], 2), &["this machine itself"]);
    assert_eq!(office.twilio.requests().len(), 0);
    let office = office.set("TWILIO_API_URL", &here);
    office.done(&["show"]);
    let office = office.set("SERVER_URL", "https://my_host.example.com");
    says(&office.failed(&["configure"], 2), &["underscore"]);
    let office = office.set("SERVER_URL", "").set("TWILIO_AUTH_TOKEN", "");
    let told = office.failed(&["show"], 2);
    says(&told, &["SERVER_URL is missing", "TWILIO_AUTH_TOKEN is missing"]);
    assert!(!told.contains("VAPI_") && !told.contains("GOOGLE_"), "only what is used: {told}");
}
