//! The TwiML that Vapi hands out for a bypassed call: checked, and returned byte for byte, except that a `<Connect>`
//! without an `action` gets ours. It is never built or understood beyond that: what is in it is Vapi's affair.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::twiml::is_xml_character;

/// Twilio takes no larger document (11750).
const MAX_TWIML_BYTES: usize = 64 * 1024;

/// Why a document is not passed on: Twilio would drop the call over it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Over 64 kB, with our attribute or without.
    #[error("the TwiML is larger than 64 kB")]
    TooLarge,
    /// Not well-formed; Twilio's error 12100.
    #[error("the TwiML is not well-formed: {0}")]
    Malformed(String),
    /// Another root than `<Response>`; Twilio's error 12102.
    #[error("the TwiML's root is not <Response>")]
    WrongRoot,
}

/// The document with `action` on every `<Connect>` that has none, so that the call comes back to us when its stream
/// ends. White space in front is dropped: Twilio wants the declaration to be the first byte.
///
/// # Errors
/// [`Unusable`] when Twilio could not use it.
pub fn adopt(twiml: &str, action: &str) -> Result<String, Unusable> {
    let twiml = twiml.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if twiml.len() > MAX_TWIML_BYTES {
        return Err(Unusable::TooLarge);
    }
    if !twiml.chars().all(is_xml_character) {
        return Err(Unusable::Malformed("a forbidden character".into()));
    }
    let attribute = format!(" action=\"{}\"", quick_xml::escape::escape(action));
    let mut adopted = String::with_capacity(twiml.len() + attribute.len());
    let mut copied = 0;
    for at in connects_without_action(twiml)? {
        adopted.push_str(twiml.get(copied..at).unwrap_or_default());
        adopted.push_str(&attribute);
        copied = at;
    }
    adopted.push_str(twiml.get(copied..).unwrap_or_default());
    if adopted.len() > MAX_TWIML_BYTES { Err(Unusable::TooLarge) } else { Ok(adopted) }
}

/// Reads the whole document; where, behind the element's name, an `action` is to be written.
fn connects_without_action(twiml: &str) -> Result<Vec<usize>, Unusable> {
    let mut reader = Reader::from_str(twiml);
    reader.config_mut().check_comments = true;
    let (mut depth, mut roots, mut places) = (0_usize, 0_usize, Vec::new());
    loop {
        let from = position(&reader);
        let event = reader.read_event().map_err(malformed)?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let has_action = checked_attributes(tag)?;
                let name = tag.name();
                if depth == 0 {
                    roots += 1;
                    if name.as_ref() != "Response" || roots > 1 {
                        return Err(Unusable::WrongRoot);
                    }
                } else if depth == 1 && name.as_ref() == "Connect" && !has_action {
                    let at = from + "<Connect".len();
                    let found = twiml.get(from..at) == Some("<Connect");
                    places.push(found.then_some(at).ok_or_else(|| Unusable::Malformed("an element out of place".into()))?);
                }
                depth += usize::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Decl(_) if from != 0 => return Err(Unusable::Malformed("a declaration in the middle".into())),
            Event::DocType(_) => return Err(Unusable::Malformed("a document type".into())),
            Event::GeneralRef(reference) => {
                let known = matches!(reference.as_ref(), "amp" | "lt" | "gt" | "quot" | "apos");
                let legal = reference.resolve_char_ref().map_err(malformed)?.is_some_and(is_xml_character);
                if depth == 0 || !(known || legal) {
                    return Err(Unusable::Malformed("an unknown entity".into()));
                }
            }
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => {
                return Err(Unusable::Malformed("text outside the root".into()));
            }
            Event::CData(_) if depth == 0 => return Err(Unusable::Malformed("text outside the root".into())),
            Event::Eof if depth == 0 && roots == 1 => return Ok(places),
            Event::Eof if depth == 0 => return Err(Unusable::WrongRoot),
            Event::Eof => return Err(Unusable::Malformed("an element is not closed".into())),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// Whether there is an `action`; every attribute must be written properly, and none twice.
fn checked_attributes(tag: &BytesStart<'_>) -> Result<bool, Unusable> {
    let mut has_action = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(malformed)?;
        let value = quick_xml::escape::unescape(attribute.value.as_ref()).map_err(malformed)?;
        if attribute.value.contains('<') || !value.chars().all(is_xml_character) {
            return Err(Unusable::Malformed("a forbidden character in an attribute".into()));
        }
        has_action |= attribute.key.as_ref() == "action";
    }
    Ok(has_action)
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn malformed(error: impl std::fmt::Display) -> Unusable {
    Unusable::Malformed(error.to_string())
}
