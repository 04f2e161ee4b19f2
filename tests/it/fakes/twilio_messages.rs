//! The fake Twilio's messages and recordings.

use serde_json::{Value, json};

use super::twilio::{ACCOUNT_SID, Form, Twilio, error, is_e164, is_sid};
use super::wire::{Answer, Request};

/// Twilio's limit.
const MESSAGE_CHARS: usize = 1600;

impl Twilio {
    /// Messages to this number are refused with Twilio's code: 21211, 21608, 21610, 21614, 30034, …
    pub fn refuse_messages_to(&self, number: &str, code: u32) {
        self.state.lock().unwrap().refused.insert(number.to_owned(), code);
    }

    /// The messages that were taken, in order, as JSON shows them.
    pub fn messages(&self) -> Vec<Value> {
        self.state.lock().unwrap().messages.clone()
    }

    /// Messages to this number are taken again.
    pub fn take_messages_to(&self, number: &str) {
        self.state.lock().unwrap().refused.remove(number);
    }

    /// Messages to this number are taken, and do not arrive: 30003, 30006, 30007, 30034, …
    pub fn lose_messages_to(&self, number: &str, code: u32) {
        self.state.lock().unwrap().undelivered.insert(number.to_owned(), code);
    }

    /// A recording of the account.
    pub fn add_recording(&self, sid: &str) {
        self.state.lock().unwrap().recordings.insert(sid.to_owned());
    }

    /// The recordings that are there.
    pub fn recordings(&self) -> Vec<String> {
        self.state.lock().unwrap().recordings.iter().cloned().collect()
    }

    pub(super) fn create_message(&self, form: &Form) -> Result<Answer, Answer> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let (to, body) = (field("To"), field("Body"));
        let mut state = self.state.lock().unwrap();
        let owned = |number: &str| state.numbers.values().any(|fields| fields["phone_number"] == number);
        let refusal = match (field("From"), field("MessagingServiceSid")) {
            _ if to.is_empty() => Some(21604),
            _ if !is_e164(to) => Some(21211),
            ("", "") => Some(21603),
            (from, "") if !owned(from) => Some(21606),
            (_, service) if !service.is_empty() && !is_sid("MG", service) => Some(21705),
            _ if body.is_empty() && !form.contains_key("MediaUrl") => Some(21602),
            _ if body.chars().count() > MESSAGE_CHARS => Some(21617),
            _ => state.refused.get(to).copied(),
        };
        if let Some(code) = refusal {
            return Err(error(400, code));
        }
        state.serial += 1;
        let null_if_empty = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let message = json!({
            "sid": format!("SM{:032x}", state.serial), "account_sid": ACCOUNT_SID, "to": to, "from": null_if_empty(field("From")),
            "messaging_service_sid": null_if_empty(field("MessagingServiceSid")), "body": body, "status": "queued",
            "direction": "outbound-api", "error_code": null, "error_message": null,
        });
        state.messages.push(message.clone());
        Ok(Answer::json(201, &message))
    }

    /// By the time that anybody asks, a message has arrived or not.
    pub(super) fn fetch_message(&self, sid: &str) -> Result<Answer, Answer> {
        let state = self.state.lock().unwrap();
        let mut message = state.messages.iter().find(|message| message["sid"] == sid).ok_or_else(|| error(404, 20404))?.clone();
        let lost = state.undelivered.get(message["to"].as_str().unwrap());
        message["status"] = if lost.is_some() { "undelivered" } else { "delivered" }.into();
        message["error_code"] = lost.map_or(Value::Null, |code| json!(code));
        Ok(Answer::json(200, &message))
    }

    /// Those from a number, as far as they are known to have arrived or not.
    pub(super) fn list_messages(&self, request: &Request) -> Answer {
        let sids: Vec<String> = {
            let state = self.state.lock().unwrap();
            let wanted = |message: &&Value| request.param("From").is_none_or(|from| message["from"] == from);
            state.messages.iter().filter(wanted).map(|message| message["sid"].as_str().unwrap().to_owned()).collect()
        };
        let shown: Vec<Value> = sids
            .iter()
            .filter_map(|sid| self.fetch_message(sid).ok())
            .map(|answer| serde_json::from_slice(&answer.body).unwrap())
            .collect();
        Answer::json(200, &json!({ "messages": shown, "page": 0, "next_page_uri": null }))
    }

    pub(super) fn delete_recording(&self, sid: &str) -> Result<Answer, Answer> {
        let was_there = self.state.lock().unwrap().recordings.remove(sid);
        if was_there { Ok(Answer::empty(204)) } else { Err(error(404, 20404)) }
    }
}
