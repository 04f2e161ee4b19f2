//! The assistants of the fake Vapi: made, listed, changed and deleted as its API does it. A field that its published schema does
//! not know is refused, what was left out gets a default, and changing one puts whole top-level fields in the place of its own.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Map, Value, json};

use super::vapi::error;
use super::wire::{Answer, Request};

/// All of them; each is as `GET /assistant/{id}` shows it.
#[derive(Default)]
pub struct Assistants(Mutex<State>);

#[derive(Default)]
struct State {
    all: BTreeMap<String, Value>,
    /// So far: also the clock of what is made here.
    moments: u32,
}

impl State {
    fn moment(&mut self) -> String {
        self.moments += 1;
        format!("2026-11-20T08:{:02}:{:02}.000Z", self.moments / 60, self.moments % 60)
    }
}

/// What Vapi's published schema knows, and where that is from.
pub fn schema() -> Value {
    serde_json::from_str(include_str!("../../data/vapi_assistant.json")).unwrap()
}

/// Every place of `value` that the schema does not know.
pub fn unknown(value: &Value, known: &Value, path: &str) -> Vec<String> {
    match (value, known) {
        (_, Value::String(any)) if any == "any" => Vec::new(),
        (Value::Object(fields), Value::Object(known)) => {
            let places = fields.iter().flat_map(|(name, value)| match known.get(name) {
                Some(known) => unknown(value, known, &format!("{path}.{name}")),
                None => vec![format!("{path}.{name}")],
            });
            places.collect()
        }
        (Value::Array(items), Value::Array(known)) => items.iter().flat_map(|item| unknown(item, &known[0], path)).collect(),
        (Value::Object(_) | Value::Array(_), _) => vec![path.to_owned()],
        (_, Value::Bool(_)) => Vec::new(),
        _ => vec![path.to_owned()],
    }
}

/// What the API checks of an assistant, or of some of its fields.
fn check(fields: &Value) -> Result<(), Answer> {
    let bad = |messages: Vec<String>| Err(error(400, "Bad Request", &messages.join("; ")));
    if !fields.is_object() {
        return bad(vec!["Unexpected token in JSON".into()]);
    }
    let strange = unknown(fields, &schema()["fields"], "");
    if !strange.is_empty() {
        return bad(strange.iter().map(|path| format!("property {} should not exist", path.trim_start_matches('.'))).collect());
    }
    let mut wrong = Vec::new();
    if fields["name"].as_str().is_some_and(|name| name.chars().count() > 40) {
        wrong.push("name must be shorter than or equal to 40 characters".to_owned());
    }
    for tool in fields["model"]["tools"].as_array().into_iter().flatten() {
        let name = tool["function"]["name"].as_str().unwrap_or("none");
        let legal = name.len() <= 64 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
        let seconds = tool["server"]["timeoutSeconds"].as_f64().unwrap_or(20.0);
        if !legal || !(1.0..=300.0).contains(&seconds) {
            wrong.push(format!("model.tools: {name} is not valid"));
        }
    }
    let messages = schema()["serverMessages"].as_array().unwrap().clone();
    if fields["serverMessages"].as_array().is_some_and(|list| list.iter().any(|message| !messages.contains(message))) {
        wrong.push("each value in serverMessages must be one of the known ones".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { bad(wrong) }
}

/// What Vapi adds to what it is given.
fn with_defaults(assistant: &mut Value) {
    let fields = assistant.as_object_mut().unwrap();
    fields.entry("backgroundSound").or_insert_with(|| json!("office"));
    fields.entry("voice").or_insert_with(|| json!({ "provider": "vapi", "voiceId": "Elliot" }));
    fields.insert("isServerUrlSecretSet".to_owned(), false.into());
    if let Some(plan) = fields.get_mut("artifactPlan").and_then(Value::as_object_mut) {
        plan.insert("videoRecordingEnabled".to_owned(), false.into());
    }
    let tools = fields.get_mut("model").and_then(|model| model.get_mut("tools")).and_then(Value::as_array_mut);
    for tool in tools.into_iter().flatten().filter_map(Value::as_object_mut) {
        tool.entry("async").or_insert_with(|| false.into());
    }
}

fn not_found(id: &str) -> Answer {
    error(404, "Not Found", &format!("Couldn't Get Assistant. ID: {id}. Does Not Exist."))
}

impl Assistants {
    /// In the order in which they were made.
    pub fn all(&self) -> Vec<Value> {
        let mut all: Vec<Value> = self.0.lock().unwrap().all.values().cloned().collect();
        all.sort_by_key(|assistant| assistant["createdAt"].to_string());
        all
    }

    /// Somebody makes one in the dashboard; returns its id.
    pub fn put(&self, fields: &Value) -> String {
        let answer = self.create(fields);
        assert_eq!(answer.status, 201, "the dashboard takes it");
        self.all().last().unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Somebody changes one in the dashboard.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.0.lock().unwrap().all.get_mut(id).unwrap_or_else(|| panic!("no assistant {id}")));
    }

    /// As it was once.
    pub fn restore(&self, assistant: &Value) {
        let id = assistant["id"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().all.insert(id, assistant.clone());
    }

    /// Somebody deletes one in the dashboard.
    pub fn remove(&self, id: &str) {
        assert!(self.0.lock().unwrap().all.remove(id).is_some(), "no assistant {id}");
    }

    pub(super) fn create(&self, fields: &Value) -> Answer {
        if let Err(refused) = check(fields) {
            return refused;
        }
        let (mut state, id) = (self.0.lock().unwrap(), uuid::Uuid::new_v4().to_string());
        let now = state.moment();
        let mut assistant = fields.clone();
        with_defaults(&mut assistant);
        let own = json!({ "id": id, "orgId": "org-of-the-tests", "createdAt": now, "updatedAt": now });
        assistant.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        state.all.insert(id, assistant.clone());
        Answer::json(201, &assistant)
    }

    /// The newest first, 100 of them unless the request says otherwise.
    pub(super) fn list(&self, request: &Request) -> Answer {
        let limit: usize = request.param("limit").map_or(100, |limit| limit.parse().unwrap());
        let until = request.param("createdAtLe").unwrap_or("9").to_owned();
        let listed = self.all().into_iter().rev().filter(|it| it["createdAt"].as_str().unwrap() <= until.as_str());
        Answer::json(200, &listed.take(limit).collect())
    }

    pub(super) fn get(&self, id: &str) -> Answer {
        self.0.lock().unwrap().all.get(id).map_or_else(|| not_found(id), |assistant| Answer::json(200, assistant))
    }

    pub(super) fn update(&self, id: &str, fields: &Value) -> Answer {
        if let Err(refused) = check(fields) {
            return refused;
        }
        let mut state = self.0.lock().unwrap();
        let now = state.moment();
        let Some(assistant) = state.all.get_mut(id) else { return not_found(id) };
        let new: Map<String, Value> = fields.as_object().unwrap().clone();
        assistant.as_object_mut().unwrap().extend(new);
        assistant["updatedAt"] = now.into();
        with_defaults(assistant);
        Answer::json(200, assistant)
    }

    pub(super) fn delete(&self, id: &str) -> Answer {
        self.0.lock().unwrap().all.remove(id).map_or_else(|| not_found(id), |assistant| Answer::json(200, &assistant))
    }
}
