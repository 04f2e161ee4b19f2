//! What a model gives a tool: an object, or a string that holds one, with keys in any spelling and values of any type.
//! Reading is loose where nothing can go wrong, and says so where it can. It takes time and space in proportion to the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Longer texts are cut: a calendar entry is read by a person on a telephone.
const MAX_TEXT_CHARS: usize = 500;
/// A string that holds a string that holds the object: more is nobody's mistake any more.
const MAX_QUOTINGS: usize = 2;
/// What a model writes where it knows nothing.
const NOTHING: [&str; 5] = ["null", "undefined", "none", "n/a", "unknown"];

/// The arguments of one tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// By key, in a spelling of letters and digits alone that does not depend on case; texts cleaned, empty ones left out.
    Given(BTreeMap<String, String>),
    /// Not an object, or an object that says two things of one name.
    Senseless,
}

impl Default for Arguments {
    fn default() -> Self {
        Self::Given(BTreeMap::new())
    }
}

impl Arguments {
    /// Reads JSON: an object, a string that holds one, or nothing (`null`, an empty string).
    #[must_use]
    pub fn read(json: &str) -> Self {
        let mut text = Cow::Borrowed(json.trim());
        for _ in 0..MAX_QUOTINGS {
            if !text.starts_with('"') {
                break;
            }
            let Ok(inner) = serde_json::from_str::<String>(&text) else { return Self::Senseless };
            text = Cow::Owned(inner.trim().to_owned());
        }
        match text.as_bytes().first() {
            Some(b'{') => serde_json::from_str::<Pairs>(&text).map_or(Self::Senseless, |pairs| pairs.0),
            Some(_) if text != "null" => Self::Senseless,
            _ => Self::default(),
        }
    }

    /// The first of these arguments that holds a text; `name` in camel case finds snake case as well.
    #[must_use]
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        let Self::Given(texts) = self else { return None };
        names.iter().find_map(|name| texts.get(&plain_key(name))).map(String::as_str)
    }

    /// All of it in one text that does not depend on order and spelling: what a digest is made of. A key holds no `=`, a text
    /// no line break, so two different wishes never make the same text.
    #[must_use]
    pub fn canonical(&self) -> String {
        let Self::Given(texts) = self else { return "senseless".into() };
        let lines: Vec<String> = texts.iter().map(|(key, text)| format!("{key}={text}")).collect();
        lines.join("\n")
    }
}

/// `service_type`, `serviceType` and `Service Type` are one argument.
fn plain_key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A text that may be stored, logged and spoken: one line, without control and direction characters, not endless; `None`
/// when nothing is left, or when it is a placeholder that the model did not fill in.
fn clean(text: &str) -> Option<String> {
    let spaced = text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c });
    let one_line = spaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = one_line.chars().take(MAX_TEXT_CHARS).collect();
    let cut = cut.trim_end();
    let is_nothing = cut.is_empty() || cut.contains("{{") || NOTHING.iter().any(|nothing| cut.eq_ignore_ascii_case(nothing));
    (!is_nothing).then(|| cut.to_owned())
}

/// Characters that nobody sees, and that turn the reading direction of those that one sees.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text of a value: strings, numbers and truth values have one.
fn text_of(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => clean(&serde_json::from_str::<String>(json).ok()?),
        b'{' | b'[' | b'n' => None,
        _ => clean(json),
    }
}

/// The pairs of an object. Values are looked at only from outside, so that neither their depth nor their size matters.
struct Pairs(Arguments);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor).map(Self)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arguments, A::Error> {
        let mut texts = BTreeMap::new();
        let mut contradicts = false;
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            let (key, Some(text)) = (plain_key(&key), text_of(value)) else { continue };
            contradicts |= !key.is_empty() && texts.insert(key, text.clone()).is_some_and(|before| before != text);
        }
        Ok(if contradicts { Arguments::Senseless } else { Arguments::Given(texts) })
    }
}
