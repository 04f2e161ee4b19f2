//! What a model gives a tool: an object, or a string that holds one, with keys in any spelling and values of any type.
//! Reading is loose where nothing can go wrong, and says so where it can.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Longer texts are cut: a calendar entry is read by a person on a telephone.
const MAX_TEXT_CHARS: usize = 500;

/// The arguments of one tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Each key once, in a spelling that does not depend on case and underscores; texts cleaned.
    Given(Vec<(String, String)>),
    /// Not an object, or an object that says one thing twice.
    Senseless,
}

impl Default for Arguments {
    fn default() -> Self {
        Self::Given(Vec::new())
    }
}

impl Arguments {
    /// The first of these arguments that holds a text; `name` in camel case finds snake case as well.
    #[must_use]
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        let Self::Given(pairs) = self else { return None };
        names.iter().find_map(|name| {
            let key = plain_key(name);
            pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
        })
    }

    /// All of it in one text that does not depend on order and spelling: what a digest is made of.
    #[must_use]
    pub fn canonical(&self) -> String {
        let Self::Given(pairs) = self else { return "senseless".into() };
        let mut lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

/// `service_type`, `serviceType` and `ServiceType` are one argument.
fn plain_key(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// A text that may be stored, logged and spoken: one line, without control and direction characters, not endless; `None`
/// when nothing is left, or when it is a placeholder that the model did not fill in.
fn clean(text: &str) -> Option<String> {
    let is_invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let spaced = text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let one_line = spaced.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = one_line.chars().take(MAX_TEXT_CHARS).collect();
    (!cut.is_empty() && !cut.contains("{{")).then_some(cut)
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgumentsVisitor)
    }
}

struct ArgumentsVisitor;

impl<'de> Visitor<'de> for ArgumentsVisitor {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or a string that holds one")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arguments, A::Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut said_twice = false;
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            let key = plain_key(&key);
            said_twice |= pairs.iter().any(|(known, _)| *known == key);
            let text = match value {
                Value::String(text) => clean(&text),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(truth) => Some(truth.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            };
            pairs.extend(text.map(|text| (key, text)));
        }
        Ok(if said_twice { Arguments::Senseless } else { Arguments::Given(pairs) })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Arguments, E> {
        if text.trim().is_empty() {
            return Ok(Arguments::default());
        }
        // A string of a string of a string … ends at serde_json's own depth of one call each: two are enough for anybody.
        let unquoted = serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
        let trimmed = unquoted.trim();
        if !trimmed.starts_with('{') {
            return Ok(Arguments::Senseless);
        }
        Ok(serde_json::from_str(trimmed).unwrap_or(Arguments::Senseless))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Arguments, E> {
        Ok(Arguments::default())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Arguments, E> {
        Ok(Arguments::Senseless)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Arguments, E> {
        Ok(Arguments::Senseless)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Arguments, E> {
        Ok(Arguments::Senseless)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Arguments, E> {
        Ok(Arguments::Senseless)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Arguments, A::Error> {
        while seq.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Arguments::Senseless)
    }
}
