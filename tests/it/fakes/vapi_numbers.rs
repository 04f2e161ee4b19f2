//! The telephone numbers of the fake Vapi. Importing one does at Twilio what the real one does: the number asks Vapi from then on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::vapi::error;
use super::wire::Answer;

type Hook = Box<dyn Fn(&str) + Send>;

/// All of them, by id.
#[derive(Default)]
pub struct PhoneNumbers {
    all: Mutex<BTreeMap<String, Value>>,
    on_import: Mutex<Option<Hook>>,
}

impl PhoneNumbers {
    /// As `GET /phone-number` lists them.
    pub fn all(&self) -> Vec<Value> {
        self.all.lock().unwrap().values().cloned().collect()
    }

    /// Somebody imports one in the dashboard, without any change at Twilio.
    pub fn put(&self, id: &str, number: &str) {
        let shown = json!({ "id": id, "orgId": "org-of-the-tests", "provider": "twilio", "number": number });
        self.all.lock().unwrap().insert(id.to_owned(), shown);
    }

    /// Somebody deletes one in the dashboard.
    pub fn remove(&self, id: &str) {
        assert!(self.all.lock().unwrap().remove(id).is_some(), "no number {id}");
    }

    /// What importing a number does at Twilio.
    pub fn on_import(&self, hook: impl Fn(&str) + Send + 'static) {
        *self.on_import.lock().unwrap() = Some(Box::new(hook));
    }

    pub(super) fn create(&self, fields: &Value) -> Answer {
        let text = |name: &str| fields[name].as_str().unwrap_or("");
        let number = text("number");
        let complete =
            text("provider") == "twilio" && !text("twilioAccountSid").is_empty() && !text("twilioAuthToken").is_empty();
        if !complete || !number.starts_with('+') || text("name").chars().count() > 40 {
            return error(400, "Bad Request", "phone number is not valid");
        }
        if self.all().iter().any(|known| known["number"] == number) {
            return error(400, "Bad Request", "Existing Phone Number Has Identical `twilioPhoneNumber`");
        }
        let id = uuid::Uuid::new_v4().to_string();
        self.put(&id, number);
        if let Some(hook) = &*self.on_import.lock().unwrap() {
            hook(number);
        }
        Answer::json(201, &self.all.lock().unwrap()[&id])
    }

    pub(super) fn get(&self, id: &str) -> Answer {
        let found = self.all.lock().unwrap().get(id).cloned();
        found.map_or_else(|| error(404, "Not Found", "Couldn't Find Phone Number"), |number| Answer::json(200, &number))
    }

    pub(super) fn list(&self) -> Answer {
        Answer::json(200, &Value::Array(self.all()))
    }
}
