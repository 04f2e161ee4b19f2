//! A whole installation that is sound, for a doctor to look at: the real server behind a proxy, its fakes, and the built program
//! that checks them all. Mistakes are planted in it one by one, and taken out again.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes::google_access::Role;
use crate::fakes::twilio::{API_KEY_SECRET, AUTH_TOKEN};
use crate::fakes::vapi::API_KEY;
use crate::house::{ALEX, BUSINESS, CALLED, House, Plan, SAM, SLUG, VAPI_SECRET};
use crate::passage::{Passage, Way};
use crate::program::{err, out, run};

pub const NUMBER_ID: &str = "phone-number-1";

pub struct Clinic {
    pub house: House,
    /// In front of the server.
    pub door: Passage,
    pub to_twilio: Passage,
    pub to_vapi: Passage,
    /// The number at Twilio.
    pub sid: String,
    /// In the place of the house's.
    pub settings: Vec<(String, String)>,
    sound: Option<(Value, Value)>,
}

impl Clinic {
    /// Nothing is pushed or pointed yet.
    pub async fn empty() -> Self {
        let [door, to_twilio, to_vapi] = [(); 3].map(|()| Passage::open());
        let plan = Plan::new().set("SERVER_URL", &door.url).set("VAPI_ASSISTANT_ID", "");
        let house = plan.build().await;
        door.lead_to(&house.url);
        to_twilio.lead_to(&house.twilio.url());
        to_vapi.lead_to(&house.vapi.url());
        house.vapi.numbers.put(NUMBER_ID, CALLED);
        // The house owns the number already; only its name is not known.
        let sid = (1..10).map(|n| format!("PN{n:032x}")).find(|sid| house.twilio.has_number(sid)).unwrap();
        let mut clinic = Self { house, door, to_twilio, to_vapi, sid, settings: Vec::new(), sound: None };
        clinic.restore();
        clinic
    }

    /// All of it in place.
    pub async fn sound() -> Self {
        let mut clinic = Self::empty().await;
        let output = clinic.run(&["connect", SLUG]);
        assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
        clinic.sound = Some((clinic.house.twilio.number(&clinic.sid), clinic.assistant()));
        let (code, findings) = clinic.findings();
        let complaints: Vec<&Value> = findings.iter().filter(|finding| finding["state"] != "ok").collect();
        assert!(code == Some(0) && complaints.is_empty() && findings.len() > 20, "{complaints:#?}");
        clinic
    }

    /// The only assistant at Vapi.
    pub fn assistant(&self) -> Value {
        self.house.vapi.assistants.all()[0].clone()
    }

    pub fn assistant_id(&self) -> String {
        self.assistant()["id"].as_str().unwrap().to_owned()
    }

    pub fn edit_assistant(&self, change: impl FnOnce(&mut Value)) {
        self.house.vapi.assistants.edit(&self.assistant_id(), change);
    }

    pub fn set_number(&self, field: &str, value: &str) {
        self.house.twilio.set_number(&self.sid, field, value);
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The business file, as the doctor reads it.
    pub fn business(&self, text: &str) {
        fs::write(self.house.folder.path().join(format!("files/{SLUG}.toml")), text).unwrap();
    }

    pub fn business_with(&self, from: &str, to: &str) {
        assert!(BUSINESS.contains(from), "{from}");
        self.business(&BUSINESS.replace(from, to));
    }

    /// Takes out every mistake.
    pub fn restore(&mut self) {
        for passage in [&self.door, &self.to_twilio, &self.to_vapi] {
            passage.way(Way::Open);
        }
        self.settings.clear();
        let (twilio, vapi) = (self.to_twilio.url.clone(), self.to_vapi.url.clone());
        let folder = self.house.folder.path().join("files");
        fs::create_dir_all(&folder).unwrap();
        self.set("BUSINESSES", &folder.display().to_string());
        self.set("TWILIO_API_URL", &twilio);
        self.set("VAPI_API_URL", &vapi);
        self.business(BUSINESS);
        self.house.twilio.clear_faults();
        self.house.vapi.clear_faults();
        self.house.vapi.latency(std::time::Duration::ZERO);
        self.house.twilio.set_account("Full", "active");
        self.house.vapi.numbers.put(NUMBER_ID, CALLED);
        for calendar in [SAM, ALEX] {
            self.house.google.share(calendar, SERVICE_ACCOUNT, Role::Writer);
        }
        for capability in ["voice", "sms"] {
            self.house.twilio.set_capability(&self.sid, capability, true);
        }
        let Some((number, assistant)) = &self.sound else { return };
        for (field, value) in number.as_object().unwrap() {
            if let (Some(text), true) =
                (value.as_str(), field.contains('_') && !["phone_number", "account_sid"].contains(&field.as_str()))
            {
                self.house.twilio.set_number(&self.sid, field, text);
            }
        }
        for field in ["trunk_sid", "voice_application_sid"] {
            self.house.twilio.set_number(&self.sid, field, "");
        }
        self.house.vapi.assistants.restore(assistant);
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut pairs = self.house.pairs().to_vec();
        for (name, value) in &self.settings {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name.clone(), value.clone()));
        }
        let output = run(self.house.folder.path(), arguments, &pairs);
        let said = out(&output) + &err(&output);
        for secret in [VAPI_SECRET, API_KEY, AUTH_TOKEN, API_KEY_SECRET] {
            assert!(!said.contains(secret), "a secret is told: {said}");
        }
        output
    }

    /// The exit code and the findings.
    pub fn findings(&self) -> (Option<i32>, Vec<Value>) {
        let output = self.run(&["check", "--json"]);
        let findings: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|error| panic!("{error}: {}", err(&output)));
        (output.status.code(), findings.as_array().unwrap().clone())
    }
}

/// A mistake, and what has to be said of it.
pub struct Mistake {
    pub what: &'static str,
    pub plant: fn(&mut Clinic),
    pub state: &'static str,
    pub id: &'static str,
    /// In what was found, or how to mend it.
    pub says: &'static [&'static str],
}

/// One line of a table of mistakes.
pub const fn mistake(
    what: &'static str,
    plant: fn(&mut Clinic),
    state: &'static str,
    id: &'static str,
    says: &'static [&'static str],
) -> Mistake {
    Mistake { what, plant, state, id, says }
}

/// Plants each of them, one at a time, and looks whether the doctor finds it.
pub async fn each_is_found(mistakes: &[Mistake]) {
    let mut clinic = Clinic::sound().await;
    let mut missed = Vec::new();
    for Mistake { what, plant, state, id, says } in mistakes {
        plant(&mut clinic);
        let (code, findings) = clinic.findings();
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let complaints: Vec<&Value> = findings.iter().filter(|finding| finding["state"] != "ok").collect();
        let told = |finding: &&&Value| {
            let said = format!("{} {}", text(finding, "text"), text(finding, "mend"));
            finding["id"] == *id && finding["state"] == *state && says.iter().all(|part| said.contains(part))
        };
        let is_found = complaints.iter().any(|finding| told(&finding));
        let can_be_mended =
            complaints.iter().all(|finding| !text(finding, "mend").is_empty() && !text(finding, "why").is_empty());
        let is_wrong = complaints.iter().any(|finding| finding["state"] == "wrong");
        let code_is_right = if is_wrong { code == Some(1) || code == Some(2) } else { code == Some(0) };
        if !(is_found && can_be_mended && code_is_right) {
            missed.push(format!("{what} ({id}, {state}, {says:?}, exit {code:?}): {complaints:#?}"));
        }
        clinic.restore();
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), mistakes.len(), missed.join("\n"));
    let (code, _) = clinic.findings();
    assert_eq!(code, Some(0), "when all are taken out, all is well");
}
