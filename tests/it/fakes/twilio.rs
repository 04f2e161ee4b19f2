//! The fake Twilio REST API: accounts and calls that are redirected; messages and recordings, and numbers, stand in files of
//! their own. It sends nothing to anyone and makes no webhooks: tests post those themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::faults::{Refusal, Struck};
use super::stage::Stage;
use super::wire::{Answer, Request};
use super::{Aim, Server, Site};

pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub const AUTH_TOKEN: &str = "auth-token-of-the-tests";
pub const API_KEY_SID: &str = "SK00000000000000000000000000000001";
pub const API_KEY_SECRET: &str = "api-key-secret-of-the-tests";

const CALLS: &[&str] = &[
    "accounts.fetch",
    "messages.create",
    "messages.fetch",
    "messages.list",
    "recordings.delete",
    "calls.update",
    "numbers.list",
    "numbers.fetch",
    "numbers.update",
    "unknown",
];

/// Twilio's limits, in characters.
const TWIML_CHARS: usize = 4000;

/// A running fake; it stops when dropped.
pub struct FakeTwilio {
    twilio: Arc<Twilio>,
    server: Server,
}

impl Deref for FakeTwilio {
    type Target = Twilio;
    fn deref(&self) -> &Twilio {
        &self.twilio
    }
}

impl FakeTwilio {
    /// An account without numbers or calls.
    pub fn start() -> Self {
        let (server, twilio) = Server::start(|_| Twilio { stage: Stage::new(CALLS), state: Mutex::default() });
        Self { twilio, server }
    }

    /// For whoever changes it from elsewhere.
    pub fn itself(&self) -> Arc<Twilio> {
        Arc::clone(&self.twilio)
    }

    /// For `TWILIO_API_URL`.
    pub fn url(&self) -> String {
        self.server.url()
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) serial: usize,
    pub(super) messages: Vec<Value>,
    pub(super) numbers: BTreeMap<String, Map<String, Value>>,
    live_calls: BTreeMap<String, bool>,
    pub(super) refused: BTreeMap<String, u32>,
    pub(super) undelivered: BTreeMap<String, u32>,
    pub(super) recordings: BTreeSet<String>,
    /// Beside the first: their tokens.
    pub(super) accounts: BTreeMap<String, String>,
    pub(super) short_pages: Option<usize>,
    /// Of the first account: its type and its status, where they are not the usual ones.
    account: Option<(String, String)>,
}

/// Twilio itself.
pub struct Twilio {
    stage: Stage,
    pub(super) state: Mutex<State>,
}

impl Deref for Twilio {
    type Target = Stage;
    fn deref(&self) -> &Stage {
        &self.stage
    }
}

pub(super) type Form = BTreeMap<String, String>;

impl Twilio {
    /// Another account, such as a subaccount: numbers can be in it.
    pub fn add_account(&self, sid: &str, token: &str) {
        self.state.lock().unwrap().accounts.insert(sid.to_owned(), token.to_owned());
    }

    /// What the first account is shown as: `Full` or `Trial`, and `active`, `suspended` or `closed`.
    pub fn set_account(&self, kind: &str, status: &str) {
        self.state.lock().unwrap().account = Some((kind.to_owned(), status.to_owned()));
    }

    /// An API key may not read it.
    fn fetch_account(&self, sid: &str, request: &Request) -> Result<Answer, Answer> {
        if request.header("authorization") == Some(basic(API_KEY_SID, API_KEY_SECRET).as_str()) {
            return Err(error(401, 20003));
        }
        let usual = ("Full".to_owned(), "active".to_owned());
        let (kind, status) = self.state.lock().unwrap().account.clone().filter(|_| sid == ACCOUNT_SID).unwrap_or(usual);
        Ok(Answer::json(200, &json!({"sid": sid, "friendly_name": "An account", "type": kind, "status": status})))
    }

    /// A call that is in progress, so that it can be redirected.
    pub fn add_call(&self, sid: &str) {
        self.state.lock().unwrap().live_calls.insert(sid.to_owned(), true);
    }

    /// The call is over: updates are refused with 21220 from now on.
    pub fn end_call(&self, sid: &str) {
        self.state.lock().unwrap().live_calls.insert(sid.to_owned(), false);
    }

    /// The updates of one call that were taken, in order: the form's fields.
    pub fn call_updates(&self, sid: &str) -> Vec<Form> {
        let taken = |entry: &super::journal::Entry| entry.outcome == Some(200) && entry.about.iter().any(|about| about == sid);
        self.requests_of("calls.update")
            .into_iter()
            .filter(taken)
            .map(|entry| entry.request.form().into_iter().collect())
            .collect()
    }

    fn update_call(&self, sid: &str, form: &Form) -> Result<Answer, Answer> {
        let mut state = self.state.lock().unwrap();
        let live = state.live_calls.get_mut(sid).ok_or_else(|| error(404, 20404))?;
        if !*live {
            return Err(error(400, 21220));
        }
        let too_long = form.get("Twiml").is_some_and(|twiml| twiml.chars().count() > TWIML_CHARS);
        let both = form.contains_key("Twiml") && form.contains_key("Url");
        let known_status = form.get("Status").is_none_or(|status| ["canceled", "completed"].contains(&status.as_str()));
        if too_long || both || !known_status || form.is_empty() {
            return Err(error(400, 20001));
        }
        if form.contains_key("Status") {
            *live = false;
        }
        let status = if *live { "in-progress" } else { "completed" };
        Ok(Answer::json(200, &json!({"sid": sid, "account_sid": ACCOUNT_SID, "status": status})))
    }
}

pub(super) fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or("");
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|c| c.is_ascii_digit())
}

pub(super) fn is_sid(prefix: &str, sid: &str) -> bool {
    sid.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// Twilio's error shape with its own words, as far as they are known to us.
pub(super) fn error(status: u16, code: u32) -> Answer {
    let message = match code {
        20003 => "Authenticate",
        20404 => "The requested resource was not found",
        20429 => "Too Many Requests",
        21211 => "Invalid 'To' Phone Number",
        21220 => "Call is not in-progress. Cannot redirect.",
        21602 => "Message body is required.",
        21603 => "A 'From' phone number is required.",
        21604 => "A 'To' phone number is required.",
        21606 => "The 'From' phone number is not a valid, SMS-capable inbound phone number for your account.",
        21608 => "The number is unverified. Trial accounts cannot send messages to unverified numbers.",
        21610 => "Attempt to send to unsubscribed recipient",
        21614 => "'To' number is not a valid mobile number",
        21617 => "The concatenated message body exceeds the 1600 character limit.",
        30034 => "US A2P 10DLC - Message from an Unregistered Number",
        _ => "Invalid parameter",
    };
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::json(status, &json!({"code": code, "message": message, "more_info": more_info, "status": status}))
}

impl Site for Twilio {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn aim(&self, request: &Request) -> Aim {
        let form: Form = request.form().into_iter().collect();
        let (call, about) = match (request.verb.as_str(), request.parts().as_slice()) {
            ("GET", ["2010-04-01", "Accounts", file]) => ("accounts.fetch", sid_of(file)),
            ("GET", ["2010-04-01", "Accounts", _, "Messages.json"]) => ("messages.list", None),
            ("POST", ["2010-04-01", "Accounts", ACCOUNT_SID, "Messages.json"]) => ("messages.create", form.get("To").cloned()),
            ("GET", ["2010-04-01", "Accounts", ACCOUNT_SID, "Messages", file]) => ("messages.fetch", sid_of(file)),
            ("DELETE", ["2010-04-01", "Accounts", ACCOUNT_SID, "Recordings", file]) => ("recordings.delete", sid_of(file)),
            ("POST", ["2010-04-01", "Accounts", ACCOUNT_SID, "Calls", file]) => ("calls.update", sid_of(file)),
            ("GET", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers.json"]) => ("numbers.list", None),
            ("GET", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers", file]) => ("numbers.fetch", sid_of(file)),
            ("POST", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers", file]) => ("numbers.update", sid_of(file)),
            _ => ("unknown", None),
        };
        let mut good = vec![basic(ACCOUNT_SID, AUTH_TOKEN), basic(API_KEY_SID, API_KEY_SECRET)];
        good.extend(self.token_of_another(account_of(request)).map(|token| basic(account_of(request), &token)));
        let trusted = request.header("authorization").is_some_and(|given| good.iter().any(|good| good == given));
        Aim { call, about: about.into_iter().collect(), trusted }
    }

    fn work(&self, aim: &Aim, request: &Request, _: &[Struck]) -> Answer {
        if !aim.trusted {
            return error(401, 20003);
        }
        let form: Form = request.form().into_iter().collect();
        let about = aim.about.first().map_or("", String::as_str);
        match aim.call {
            "accounts.fetch" => self.fetch_account(about, request),
            "messages.list" => Ok(self.list_messages(request)),
            "messages.create" => self.create_message(&form),
            "messages.fetch" => self.fetch_message(about),
            "recordings.delete" => self.delete_recording(about),
            "calls.update" => self.update_call(about, &form),
            "numbers.list" => self.list_numbers(account_of(request), request),
            "numbers.fetch" => self.fetch_number(account_of(request), about),
            "numbers.update" => self.update_number(account_of(request), about, &form),
            _ => Err(error(404, 20404)),
        }
        .unwrap_or_else(|refused| refused)
    }

    fn refuse(&self, _: &Aim, refusal: &Refusal) -> Answer {
        error(refusal.code, refusal.reason.parse().unwrap_or(u32::from(refusal.code) + 20_000))
    }
}

/// Whose things are asked for.
fn account_of(request: &Request) -> &str {
    request.segments.get(2).map_or("", |account| account.trim_end_matches(".json"))
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn sid_of(file: &str) -> Option<String> {
    file.strip_suffix(".json").map(str::to_owned)
}
