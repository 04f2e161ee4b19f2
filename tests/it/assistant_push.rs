//! `ringbook assistant`, run as a person runs it against a Vapi that remembers: what is pushed stands there, once, and nothing
//! else is touched.

use std::fs;
use std::process::Output;

use ringbook::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fakes::vapi::{API_KEY, FakeVapi};
use crate::house::{BUSINESS, VAPI_SECRET};
use crate::program::{err, out, run};

pub const SLUG: &str = "abc-hvac";
const OTHER: &str = "best-plumbing";

/// A folder with businesses, a Vapi, and the settings that `assistant` needs.
pub struct Shop {
    pub folder: TempDir,
    pub vapi: FakeVapi,
    pub settings: Vec<(String, String)>,
}

impl Shop {
    pub fn new() -> Self {
        let (folder, vapi) = (tempfile::tempdir().unwrap(), FakeVapi::start());
        fs::create_dir(folder.path().join("businesses")).unwrap();
        let settings = [
            ("SERVER_URL", "https://book.example.com".to_owned()),
            ("BUSINESSES", "businesses".to_owned()),
            ("VAPI_API_KEY", API_KEY.to_owned()),
            ("VAPI_API_URL", vapi.url()),
            ("VAPI_WEBHOOK_SECRET", VAPI_SECRET.to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let shop = Self { folder, vapi, settings };
        shop.write(SLUG, BUSINESS);
        shop
    }

    pub fn with_two() -> Self {
        let shop = Self::new();
        let other = BUSINESS.replace("ABC HVAC", "Best Plumbing").replace("+15551230000", "+15551240000");
        shop.write(OTHER, &other.replace("@abc.example", "@plumbing.example"));
        shop
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn write(&self, slug: &str, text: &str) {
        fs::write(self.folder.path().join(format!("businesses/{slug}.toml")), text).unwrap();
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = run(self.folder.path(), &[&["assistant"], arguments].concat(), &self.settings);
        let said = out(&output) + &err(&output);
        assert!(!said.contains(VAPI_SECRET) && !said.contains(API_KEY), "a secret is told: {said}");
        output
    }

    /// The exit code, and what is told to scripts.
    pub fn json(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(&[arguments, &["--json"]].concat());
        let told: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|error| panic!("{error}: {}", err(&output)));
        (output.status.code().unwrap(), told.as_array().unwrap().clone())
    }

    /// Our own look into the database; it is made when it is not there.
    pub async fn store(&self) -> Store {
        Store::open(&format!("sqlite://{}", self.folder.path().join("ringbook.db").display())).await.unwrap()
    }

    pub fn push(&self) -> Vec<Value> {
        let (code, told) = self.json(&["push"]);
        assert_eq!(code, 0, "{told:?}");
        told
    }

    /// The only assistant there is.
    pub fn only(&self) -> Value {
        let all = self.vapi.assistants.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    pub fn id(&self) -> String {
        self.only()["id"].as_str().unwrap().to_owned()
    }

    /// What the last change sent.
    fn last_sent(&self) -> Value {
        self.vapi.requests_of("assistant.update").last().unwrap().json()
    }
}

pub fn places(told: &[Value]) -> Vec<String> {
    let all = told.iter().flat_map(|seen| seen["differences"].as_array().unwrap());
    all.map(|place| place["path"].as_str().unwrap().to_owned()).collect()
}

fn fields(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn pushed_twice_there_is_one_assistant_and_the_second_time_nothing_is_sent() {
    let shop = Shop::new();
    let (code, before) = shop.json(&["diff"]);
    assert_eq!((code, before[0]["state"].as_str()), (1, Some("absent")));
    assert!(!shop.folder.path().join("ringbook.db").exists(), "looking writes nothing");
    let first = shop.push();
    assert_eq!((first[0]["state"].as_str(), first[0]["assistant_id"].as_str()), (Some("made"), Some(shop.id().as_str())));
    assert_eq!(shop.only()["metadata"], json!({ "ringbook": SLUG, "business": SLUG }));
    let second = shop.push();
    assert_eq!((second[0]["state"].as_str(), &second[0]["assistant_id"]), (Some("in_step"), &first[0]["assistant_id"]));
    assert_eq!((shop.vapi.count("assistant.create"), shop.vapi.count("assistant.update")), (1, 0));
    assert_eq!(shop.json(&["diff"]).0, 0);
    let told = out(&shop.run(&["diff"]));
    assert_eq!(told, format!("{SLUG}: {} is in step\n", shop.id()));
}

#[test]
fn what_changed_in_the_business_file_shows_and_only_that_is_sent() {
    let shop = Shop::new();
    shop.push();
    shop.write(SLUG, &format!("{BUSINESS}\n[privacy]\ndisclosure = \"A machine speaks.\""));
    let output = shop.run(&["diff"]);
    let told = out(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("firstMessage") && told.contains("A machine speaks.") && told.contains("automated assistant"),
        "{told}"
    );
    assert!(err(&output).contains("ringbook assistant push"), "{}", err(&output));
    assert_eq!(places(&shop.json(&["diff"]).1), ["firstMessage"]);
    let told = shop.push();
    assert_eq!((told[0]["state"].as_str(), &told[0]["sent"]), (Some("changed"), &json!(["firstMessage"])));
    assert_eq!(fields(&shop.last_sent()), ["firstMessage"]);
    assert_eq!(shop.json(&["diff"]).0, 0);
    shop.write(SLUG, &format!("{BUSINESS}\n[privacy]\nrecording = true\ndisclosure = \"A machine speaks, and records.\""));
    shop.push();
    assert_eq!(fields(&shop.last_sent()), ["artifactPlan", "firstMessage"]);
    assert_eq!(shop.only()["artifactPlan"]["recordingEnabled"], true);
}

#[test]
fn each_business_has_its_own_assistant() {
    let shop = Shop::with_two();
    let told = shop.push();
    let all = shop.vapi.assistants.all();
    let names: Vec<&str> = all.iter().map(|assistant| assistant["name"].as_str().unwrap()).collect();
    assert_eq!((told.len(), names), (2, vec!["ABC HVAC", "Best Plumbing"]));
    shop.write(OTHER, &BUSINESS.replace("ABC HVAC", "Better Plumbing").replace("+15551230000", "+15551240000"));
    let (code, told) = shop.json(&["diff", "--business", SLUG]);
    assert_eq!((code, told.len()), (0, 1));
    assert_eq!(shop.run(&["diff"]).status.code(), Some(1));
    assert_eq!(shop.json(&["push", "--business", OTHER]).1[0]["state"], "changed");
    assert_eq!((shop.vapi.assistants.all().len(), shop.vapi.count("assistant.update")), (2, 1));
    let nobody = shop.run(&["push", "--business", "nobody"]);
    assert!(nobody.status.code() == Some(2) && err(&nobody).contains("nobody.toml"), "{}", err(&nobody));
}

#[test]
fn an_assistant_that_was_deleted_at_vapi_is_made_anew() {
    let shop = Shop::new();
    shop.push();
    let first = shop.id();
    shop.vapi.assistants.remove(&first);
    assert_eq!(shop.json(&["diff"]).1[0]["state"], "absent");
    let told = shop.push();
    assert_eq!(told[0]["state"], "made");
    assert_ne!(shop.id(), first);
    assert_eq!(shop.push()[0]["state"], "in_step");
}

#[test]
fn without_the_database_the_assistant_is_found_by_its_mark_among_many() {
    let shop = Shop::new();
    shop.push();
    let id = shop.id();
    // Newer ones, more than come on one page; Vapi lists the newest first.
    for number in 0..45 {
        shop.vapi.assistants.put(&json!({ "name": format!("another {number}") }));
    }
    let shop = shop.set("DATABASE_URL", "sqlite://another.db");
    let told = shop.push();
    assert_eq!((told[0]["state"].as_str(), told[0]["assistant_id"].as_str()), (Some("in_step"), Some(id.as_str())));
    assert_eq!(shop.vapi.count("assistant.create"), 1);
}

#[test]
fn a_strangers_assistant_of_the_same_name_is_left_alone() {
    let shop = Shop::with_two();
    let stranger = shop
        .vapi
        .assistants
        .put(&json!({ "name": "ABC HVAC", "firstMessage": "Ahoy.", "metadata": { "ringbook": "somebody-else" } }));
    let before = shop.vapi.assistants.all()[0].clone();
    shop.push();
    shop.push();
    let all = shop.vapi.assistants.all();
    assert_eq!((all.len(), &all[0]), (3, &before));
    assert_eq!(shop.vapi.count("assistant.update") + shop.vapi.count("assistant.delete"), 0, "{stranger}");
}

#[test]
fn what_was_set_by_hand_and_is_not_ours_survives() {
    let shop = Shop::new();
    shop.push();
    shop.vapi.assistants.edit(&shop.id(), |assistant| {
        assistant["voice"] = json!({ "provider": "11labs", "voiceId": "sarah" });
        assistant["model"]["provider"] = json!("anthropic");
        assistant["model"]["model"] = json!("claude-sonnet-4-20250514");
        assistant["model"]["knowledgeBase"] = json!({ "provider": "trieve" });
        assistant["server"]["staticIpAddressesEnabled"] = json!(true);
        assistant["metadata"]["crm"] = json!(7);
    });
    assert_eq!(shop.json(&["diff"]).0, 0, "none of it is ours");
    let edited = shop.only();
    shop.write(SLUG, &BUSINESS.replace("Alex", "Robin").replace("ABC HVAC", "ABC Heating"));
    let shop = shop.set("SERVER_URL", "https://moved.example.com");
    shop.push();
    assert_eq!(fields(&shop.last_sent()), ["firstMessage", "model", "name", "server", "transcriber"]);
    let after = shop.only();
    for path in
        ["/voice", "/model/provider", "/model/model", "/model/knowledgeBase", "/server/staticIpAddressesEnabled", "/metadata"]
    {
        assert_eq!(after.pointer(path).unwrap(), edited.pointer(path).unwrap(), "{path}");
    }
    assert!(after["model"].to_string().contains("Robin") && after["server"]["url"] == "https://moved.example.com/webhook/vapi");
    assert_eq!(shop.json(&["diff"]).0, 0);
}

#[test]
fn what_was_changed_by_hand_and_is_ours_shows_and_is_set_right() {
    let shop = Shop::new();
    shop.push();
    let pushed = shop.only();
    shop.vapi.assistants.edit(&shop.id(), |assistant| {
        assistant["serverMessages"].as_array_mut().unwrap().retain(|message| message != "end-of-call-report");
        assistant["model"]["tools"][1]["async"] = json!(true);
        assistant["model"]["tools"].as_array_mut().unwrap().push(json!({ "type": "dtmf" }));
        assistant["server"]["headers"]["X-Vapi-Secret"] = json!("of another day");
    });
    let (code, told) = shop.json(&["diff"]);
    let found = places(&told);
    for path in ["model.tools[bookAppointment].async", "model.tools[8]", "serverMessages[5]", "server.headers.X-Vapi-Secret"] {
        assert!(found.contains(&path.to_owned()), "{path} in {found:?}");
    }
    assert!(code == 1 && !told[0].to_string().contains("another day"), "what stands in headers is not told");
    shop.push();
    let mut after = shop.only();
    after["updatedAt"] = pushed["updatedAt"].clone();
    assert_eq!(after, pushed);
}
