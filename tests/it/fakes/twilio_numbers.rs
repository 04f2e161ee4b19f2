//! The fake Twilio's numbers: found, shown page by page, and pointed elsewhere, each in its account.

use serde_json::{Map, Value, json};

use super::twilio::{ACCOUNT_SID, Form, Twilio, error};
use super::wire::{Answer, Request};

/// The settings of a number: how a form names them, and how JSON does.
const FIELDS: &[(&str, &str)] = &[
    ("FriendlyName", "friendly_name"),
    ("StatusCallback", "status_callback"),
    ("StatusCallbackMethod", "status_callback_method"),
    ("TrunkSid", "trunk_sid"),
    ("VoiceApplicationSid", "voice_application_sid"),
    ("VoiceCallerIdLookup", "voice_caller_id_lookup"),
    ("VoiceFallbackMethod", "voice_fallback_method"),
    ("VoiceFallbackUrl", "voice_fallback_url"),
    ("VoiceMethod", "voice_method"),
    ("VoiceUrl", "voice_url"),
];

/// Of a number that was never set up, Twilio shows these as null.
const NULL_AT_FIRST: &[&str] = &["trunk_sid", "voice_application_sid"];

impl Twilio {
    /// A number of the account, pointing nowhere; returns its `PN…` sid.
    pub fn add_number(&self, number: &str) -> String {
        self.add_number_to(ACCOUNT_SID, number)
    }

    /// The same in another account.
    pub fn add_number_to(&self, account: &str, number: &str) -> String {
        let mut state = self.state.lock().unwrap();
        state.serial += 1;
        let sid = format!("PN{:032x}", state.serial);
        let first = |name: &str| if NULL_AT_FIRST.contains(&name) { Value::Null } else { "".into() };
        let mut fields: Map<String, Value> = FIELDS.iter().map(|(_, name)| ((*name).to_owned(), first(name))).collect();
        for method in ["voice_method", "voice_fallback_method", "status_callback_method"] {
            fields.insert(method.into(), "POST".into());
        }
        fields.insert("capabilities".into(), json!({"voice": true, "sms": true, "mms": true}));
        fields.insert("sid".into(), sid.clone().into());
        fields.insert("account_sid".into(), account.into());
        fields.insert("phone_number".into(), number.into());
        state.numbers.insert(sid.clone(), fields);
        sid
    }

    /// Someone changed the number in the console. Names as JSON has them, such as `voice_application_sid`.
    pub fn set_number(&self, sid: &str, field: &str, value: &str) {
        assert!(FIELDS.iter().any(|(_, name)| *name == field), "a number has no {field}");
        self.state.lock().unwrap().numbers.get_mut(sid).expect("the number was added").insert(field.to_owned(), value.into());
    }

    /// The number was bought without one of `voice` and `sms`, or has got it.
    pub fn set_capability(&self, sid: &str, name: &str, has_it: bool) {
        self.state.lock().unwrap().numbers.get_mut(sid).expect("the number was added")["capabilities"][name] = has_it.into();
    }

    /// Whether there is one of this sid.
    pub fn has_number(&self, sid: &str) -> bool {
        self.state.lock().unwrap().numbers.contains_key(sid)
    }

    /// The number as JSON shows it.
    pub fn number(&self, sid: &str) -> Value {
        Value::Object(self.state.lock().unwrap().numbers[sid].clone())
    }

    /// Lists come in pages of at most so many from now on.
    pub fn short_pages(&self, size: usize) {
        self.state.lock().unwrap().short_pages = Some(size);
    }

    pub(super) fn token_of_another(&self, account: &str) -> Option<String> {
        self.state.lock().unwrap().accounts.get(account).cloned()
    }

    fn knows(&self, account: &str) -> Result<(), Answer> {
        let known = account == ACCOUNT_SID || self.token_of_another(account).is_some();
        if known { Ok(()) } else { Err(error(404, 20404)) }
    }

    pub(super) fn list_numbers(&self, account: &str, request: &Request) -> Result<Answer, Answer> {
        self.knows(account)?;
        let state = self.state.lock().unwrap();
        // Part of a number finds it, too.
        let wanted = |fields: &&Map<String, Value>| {
            let number = fields["phone_number"].as_str().unwrap();
            fields["account_sid"] == account && request.param("PhoneNumber").is_none_or(|part| number.contains(part))
        };
        let number = |name: &str| request.param(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("PageSize").unwrap_or(50).min(state.short_pages.unwrap_or(1000));
        let page = number("Page").unwrap_or(0);
        let found: Vec<_> = state.numbers.values().filter(wanted).collect();
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(request.query.iter().filter(|(name, _)| name == "PhoneNumber"))
            .append_pair("PageSize", &size.to_string())
            .append_pair("Page", &(page + 1).to_string())
            .finish();
        let next = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json?{query}");
        let next = (found.len() > (page + 1) * size).then_some(next);
        let shown: Vec<_> = found.into_iter().skip(page * size).take(size).collect();
        let list = json!({"incoming_phone_numbers": shown, "page": page, "page_size": size, "next_page_uri": next});
        Ok(Answer::json(200, &list))
    }

    pub(super) fn fetch_number(&self, account: &str, sid: &str) -> Result<Answer, Answer> {
        let state = self.state.lock().unwrap();
        let number = state.numbers.get(sid).filter(|fields| fields["account_sid"] == account);
        number.map(|fields| Answer::json(200, &Value::Object(fields.clone()))).ok_or_else(|| error(404, 20404))
    }

    pub(super) fn update_number(&self, account: &str, sid: &str, form: &Form) -> Result<Answer, Answer> {
        let mut state = self.state.lock().unwrap();
        let number = state.numbers.get_mut(sid).filter(|fields| fields["account_sid"] == account);
        let number = number.ok_or_else(|| error(404, 20404))?;
        let set = |name: &str| form.get(name).is_some_and(|value| !value.is_empty());
        let odd_host =
            |address: &str| url::Url::parse(address).is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('_')));
        if form.iter().any(|(name, value)| name.ends_with("Url") && odd_host(value)) {
            return Err(error(400, 21402));
        }
        for (name, field) in FIELDS {
            if let Some(value) = form.get(*name) {
                number.insert((*field).to_owned(), value.clone().into());
            }
        }
        // Each of the two deletes the other, and either makes VoiceUrl ignored.
        if set("VoiceApplicationSid") {
            number.insert("trunk_sid".into(), "".into());
        } else if set("TrunkSid") {
            number.insert("voice_application_sid".into(), "".into());
        }
        Ok(Answer::json(200, &Value::Object(number.clone())))
    }
}
