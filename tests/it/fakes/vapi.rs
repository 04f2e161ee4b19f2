//! The fake Vapi REST API: calls that are made by provider bypass, their control addresses,
//! and assistants. It never rings anyone.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use uuid::Uuid;

use super::faults::{Refusal, Struck};
use super::stage::Stage;
use super::vapi_assistants::Assistants;
use super::vapi_numbers::PhoneNumbers;
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

/// The private key that is accepted.
pub const API_KEY: &str = "vapi-private-key-of-the-tests";

const CALLS: &[&str] = &[
    "call.create",
    "call.get",
    "call.delete",
    "assistant.create",
    "assistant.list",
    "assistant.get",
    "assistant.update",
    "assistant.delete",
    "number.create",
    "number.list",
    "number.get",
    "control",
    "unknown",
];

/// A running fake; it stops when dropped.
pub struct FakeVapi {
    vapi: Arc<Vapi>,
    server: Server,
}

impl Deref for FakeVapi {
    type Target = Vapi;
    fn deref(&self) -> &Vapi {
        &self.vapi
    }
}

impl FakeVapi {
    pub fn start() -> Self {
        let (server, vapi) = Server::start(|url| Vapi {
            url: url.to_owned(),
            stage: Stage::new(CALLS),
            calls: Mutex::default(),
            assistants: Assistants::default(),
            numbers: PhoneNumbers::default(),
        });
        Self { vapi, server }
    }

    /// For `VAPI_API_URL`.
    pub fn url(&self) -> String {
        self.server.url()
    }
}

/// Vapi itself.
pub struct Vapi {
    url: String,
    stage: Stage,
    calls: Mutex<BTreeMap<String, Value>>,
    /// What its dashboard shows.
    pub assistants: Assistants,
    /// The same, of telephone numbers.
    pub numbers: PhoneNumbers,
}

impl Deref for Vapi {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Vapi {
    /// The calls as `GET /call/{id}` shows them, in no useful order.
    pub fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap().values().cloned().collect()
    }

    /// What was posted to one call's control address, in order.
    pub fn controls(&self, call: &str) -> Vec<Value> {
        let to_call = |entry: &super::journal::Entry| entry.about.iter().any(|about| about == call);
        self.stage.requests_of("control").into_iter().filter(to_call).map(|entry| entry.json()).collect()
    }

    /// The call is over: its control address answers 404 from now on.
    pub fn end_call(&self, id: &str, reason: &str) {
        let mut calls = self.calls.lock().unwrap();
        let call = calls.get_mut(id).unwrap_or_else(|| panic!("no call {id}"));
        call["status"] = "ended".into();
        call["endedReason"] = reason.into();
    }

    /// What Vapi knows of a call when it is over.
    pub fn tell_of_call(&self, id: &str, fields: &Value) {
        let mut calls = self.calls.lock().unwrap();
        let call = calls.get_mut(id).unwrap_or_else(|| panic!("no call {id}"));
        call.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }

    fn create_call(&self, body: &Value) -> Result<Answer, Answer> {
        check(body)?;
        let id = Uuid::new_v4().to_string();
        let host = &self.url;
        let mut call = json!({
            "id": id, "orgId": "org-of-the-tests", "type": "inboundPhoneCall", "status": "queued", "customer": body["customer"],
            "phoneNumberId": body["phoneNumberId"], "assistantId": body["assistantId"], "assistantOverrides": body["assistantOverrides"],
            "phoneCallProvider": "twilio", "phoneCallTransport": "pstn",
            "monitor": {"listenUrl": format!("{}/{id}/listen", host.replacen("http", "ws", 1)), "controlUrl": format!("{host}/{id}/control")},
        });
        if body["phoneCallProviderBypassEnabled"] == true {
            let twiml = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"wss://example.vapi.ai/{id}/transport\"/></Connect></Response>"
            );
            call["phoneCallProviderDetails"] = json!({"twiml": twiml});
        }
        self.calls.lock().unwrap().insert(id, call.clone());
        Ok(Answer::json(201, &call))
    }

    fn control(&self, id: &str, body: &Value) -> Answer {
        let known = ["say", "add-message", "control", "end-call", "transfer", "handoff", "send-transport-message"];
        let live = self.calls.lock().unwrap().get(id).is_some_and(|call| call["status"] != "ended");
        if !live {
            return error(404, "Not Found", "Call not found or already ended");
        }
        match body["type"].as_str() {
            Some("add-message") if !is_chat_message(&body["message"]) => error(400, "Bad Request", "Invalid message"),
            Some(kind) if known.contains(&kind) => Answer::json(200, &json!({"success": true})),
            _ => error(400, "Bad Request", "Invalid message type"),
        }
    }
}

/// What a model takes as a message.
fn is_chat_message(message: &Value) -> bool {
    let role = message["role"].as_str().is_some_and(|role| ["system", "user", "assistant"].contains(&role));
    role && message["content"].as_str().is_some_and(|content| !content.trim().is_empty())
}

/// Vapi's own checks of `POST /call`.
fn check(body: &Value) -> Result<(), Answer> {
    let bad = |message: &str| Err(error(400, "Bad Request", message));
    if !body.is_object() {
        return bad("Unexpected token in JSON");
    }
    if body["assistantId"].is_string() == body["assistant"].is_object() {
        return bad("Need Either `assistantId` Or `assistant`.");
    }
    if body["phoneNumberId"].is_string() == body["phoneNumber"].is_object() {
        return bad("Need Either `phoneNumberId` Or `phoneNumber`.");
    }
    let number = body["customer"]["number"].as_str().unwrap_or("");
    if !(3..=40).contains(&number.len()) {
        return bad("customer.number must be longer than or equal to 3 and shorter than or equal to 40 characters");
    }
    let plausible = if body["customer"]["numberE164CheckEnabled"] == false { is_loose(number) } else { is_e164(number) };
    if !plausible {
        return bad(
            "customer.number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code (Eg. US: +1).",
        );
    }
    if body["customer"]["name"].as_str().is_some_and(|name| name.chars().count() > 40) {
        return bad("customer.name must be shorter than or equal to 40 characters");
    }
    Ok(())
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or("");
    (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|c| c.is_ascii_digit())
}

fn is_loose(number: &str) -> bool {
    let rest = number.strip_prefix('+').unwrap_or(number);
    !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_alphanumeric())
}

pub(super) fn error(code: u16, error: &str, message: &str) -> Answer {
    Answer::json(code, &json!({"message": message, "error": error, "statusCode": code}))
}

impl Site for Vapi {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn aim(&self, request: &Request) -> Aim {
        let (call, id) = match (request.verb.as_str(), request.parts().as_slice()) {
            ("POST", ["call"]) => ("call.create", None),
            ("GET", ["call", id]) => ("call.get", Some(*id)),
            ("DELETE", ["call", id]) => ("call.delete", Some(*id)),
            ("POST", ["assistant"]) => ("assistant.create", None),
            ("GET", ["assistant"]) => ("assistant.list", None),
            ("GET", ["assistant", id]) => ("assistant.get", Some(*id)),
            ("PATCH", ["assistant", id]) => ("assistant.update", Some(*id)),
            ("DELETE", ["assistant", id]) => ("assistant.delete", Some(*id)),
            ("POST", ["phone-number"]) => ("number.create", None),
            ("GET", ["phone-number"]) => ("number.list", None),
            ("GET", ["phone-number", id]) => ("number.get", Some(*id)),
            ("POST", [id, "control"]) => ("control", Some(*id)),
            _ => ("unknown", None),
        };
        // A control address needs no key: it is itself the secret.
        let trusted = call == "control" || request.bearer() == Some(API_KEY);
        Aim { call, about: id.into_iter().map(str::to_owned).collect(), trusted }
    }

    fn work(&self, aim: &Aim, request: &Request, _: &[Struck]) -> Answer {
        if !aim.trusted {
            let hint = "Invalid Key. Hot tip, you may be using the public key instead of the private key, or vice versa.";
            return error(401, "Unauthorized", hint);
        }
        let id = aim.about.first().map_or("", String::as_str);
        match aim.call {
            "call.create" => self.create_call(&request.json()).unwrap_or_else(|refused| refused),
            "call.get" => match self.calls.lock().unwrap().get(id) {
                Some(call) => Answer::json(200, call),
                None => error(404, "Not Found", &format!("Call with id {id} not found")),
            },
            "call.delete" => match self.calls.lock().unwrap().remove(id) {
                Some(call) => Answer::json(200, &call),
                None => error(404, "Not Found", &format!("Call with id {id} not found")),
            },
            "assistant.create" => self.assistants.create(&request.json()),
            "assistant.list" => self.assistants.list(request),
            "assistant.get" => self.assistants.get(id),
            "assistant.update" => self.assistants.update(id, &request.json()),
            "assistant.delete" => self.assistants.delete(id),
            "number.create" => self.numbers.create(&request.json()),
            "number.list" => self.numbers.list(),
            "number.get" => self.numbers.get(id),
            "control" => self.control(id, &request.json()),
            _ => error(404, "Not Found", &format!("Cannot {} {}", request.verb, request.path)),
        }
    }

    fn refuse(&self, _: &Aim, refusal: &Refusal) -> Answer {
        let kind = if refusal.code < 500 { "Bad Request" } else { "Internal Server Error" };
        error(refusal.code, kind, &refusal.reason)
    }
}
