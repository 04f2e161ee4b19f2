//! Everything that is ever said to Twilio, from the templates in `twiml/`. Every value is cleaned of what XML 1.0
//! forbids before it is escaped: one such character makes Twilio drop the whole document, and the call with it.

use std::fmt;

use askama::Template;

use crate::names::{CallSid, Phone};

/// How long a message may be; Twilio itself would allow an hour.
const VOICEMAIL_MAX_SECONDS: u32 = 180;

/// When nothing can be rendered, which a `String` never refuses.
const HANG_UP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Hangup/></Response>";

/// Connects the caller to the assistant over a media stream.
#[must_use]
pub fn stream(url: &str, call_sid: &CallSid, caller: &str, action: &str) -> String {
    let (url, call_sid, caller, action) = (Clean::of(url), Clean::of(call_sid.as_str()), Clean::of(caller), Clean::of(action));
    rendered(&Stream { url, call_sid, caller, action })
}

/// Connects the caller to the assistant over SIP. `uri` is complete, headers included.
#[must_use]
pub fn sip(uri: &str, action: &str) -> String {
    rendered(&Sip { uri: Clean::of(uri), action: Clean::of(action) })
}

/// Says `sentence` and puts the caller through to a person.
#[must_use]
pub fn person(sentence: &str, number: &Phone, caller_id: &Phone, ring_seconds: u64, action: &str) -> String {
    let (number, caller_id) = (Clean::of(number.as_str()), Clean::of(caller_id.as_str()));
    rendered(&Person { sentence: Clean::of(sentence), number, caller_id, ring_seconds, action: Clean::of(action) })
}

/// The same without us: for Twilio to keep, and to follow while we cannot be asked. Whatever comes of the dial, it ends with
/// `goodbye`.
#[must_use]
pub fn person_alone(sentence: &str, number: &Phone, ring_seconds: u64, goodbye: &str) -> String {
    let (sentence, number, goodbye) = (Clean::of(sentence), Clean::of(number.as_str()), Clean::of(goodbye));
    rendered(&PersonAlone { sentence, number, ring_seconds, goodbye })
}

/// Says `sentence` and records a message.
#[must_use]
pub fn voicemail(sentence: &str, action: &str) -> String {
    rendered(&Voicemail { sentence: Clean::of(sentence), max_seconds: VOICEMAIL_MAX_SECONDS, action: Clean::of(action) })
}

/// Says `sentence` and hangs up.
#[must_use]
pub fn goodbye(sentence: &str) -> String {
    rendered(&Goodbye { sentence: Clean::of(sentence) })
}

/// Hangs up.
#[must_use]
pub fn hang_up() -> String {
    rendered(&HangUp)
}

/// Does not take the call.
#[must_use]
pub fn reject() -> String {
    rendered(&Reject)
}

/// A SIP address with our headers: values percent-encoded, and together below the 1,024 characters that Twilio takes
/// (21227). Header names are ours; an address that has headers already keeps them.
#[must_use]
pub fn sip_uri(base: &str, headers: &[(&str, &str)]) -> String {
    const MAX_VALUE_BYTES: usize = 300;
    let mut uri = base.to_owned();
    for (name, value) in headers {
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let encoded = encoded.replace('+', "%20");
        // Whole or not at all: half of a number is another number.
        if encoded.len() <= MAX_VALUE_BYTES {
            uri = format!("{uri}{}{name}={encoded}", if uri.contains('?') { '&' } else { '?' });
        }
    }
    uri
}

/// Whether XML 1.0 may contain this character at all, escaped or not.
#[must_use]
pub fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Text without what XML 1.0 forbids, on one line; the templates escape the rest.
struct Clean(String);

impl Clean {
    fn of(text: &str) -> Self {
        Self(text.chars().filter(|c| is_xml_character(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a TwiML template did not render");
        HANG_UP.to_owned()
    })
}

#[derive(Template)]
#[template(path = "stream.xml")]
struct Stream {
    url: Clean,
    call_sid: Clean,
    caller: Clean,
    action: Clean,
}

#[derive(Template)]
#[template(path = "sip.xml")]
struct Sip {
    uri: Clean,
    action: Clean,
}

#[derive(Template)]
#[template(path = "person.xml")]
struct Person {
    sentence: Clean,
    number: Clean,
    caller_id: Clean,
    ring_seconds: u64,
    action: Clean,
}

#[derive(Template)]
#[template(path = "person_alone.xml")]
struct PersonAlone {
    sentence: Clean,
    number: Clean,
    ring_seconds: u64,
    goodbye: Clean,
}

#[derive(Template)]
#[template(path = "voicemail.xml")]
struct Voicemail {
    sentence: Clean,
    max_seconds: u32,
    action: Clean,
}

#[derive(Template)]
#[template(path = "goodbye.xml")]
struct Goodbye {
    sentence: Clean,
}

#[derive(Template)]
#[template(path = "hang_up.xml")]
struct HangUp;

#[derive(Template)]
#[template(path = "reject.xml")]
struct Reject;
