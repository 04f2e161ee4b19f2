//! Where what Vapi has is not what it is to have. Only what ringbook writes is compared: fields that Vapi adds by itself, and
//! those that somebody set in its dashboard beside ours, do not count. Nothing here asks anybody.

use serde_json::{Map, Value};

/// What is chosen here when the assistant is made, and there ever after.
const CHOSEN_THERE: [&str; 2] = ["provider", "model"];
/// What stands in place of a secret.
const SECRET: &str = "(not shown)";
/// What other programs write over one.
const MASKS: [char; 3] = ['*', '•', '●'];
/// So many of these are no part of a secret.
const SHORTEST_MASK: usize = 3;
/// The words that they write in its place.
const MASK_WORDS: [&str; 3] = ["redacted", "masked", "hidden"];

/// One place.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where, such as `model.tools[bookAppointment].async`.
    pub path: String,
    /// What is to be there; `None` when nothing is.
    pub here: Option<Value>,
    /// What is there; `None` when nothing is.
    pub there: Option<Value>,
}

/// Every place at which `there`, an assistant at Vapi, is not as `here` wants it. A secret that is not shown there, but in the
/// place of which something stands that could hide it, is none: [`fields_to_send`] brings it all the same. One that is missing
/// is one, for without it nothing is proven.
#[must_use]
pub fn differences(here: &Value, there: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", &deferring(here, there), Some(there), &mut found);
    found.retain(|place| !place.is_masked());
    found
}

/// The top-level fields that differ, each whole: Vapi puts them in the place of its own. What stands in them beside ours is
/// kept. A secret that is not shown there may be an old one, so it is sent again.
#[must_use]
pub fn fields_to_send(here: &Value, there: &Value) -> Map<String, Value> {
    let here = deferring(here, there);
    let Value::Object(fields) = &here else { return Map::new() };
    let differs = |field: &str, value: &Value| {
        let mut found = Vec::new();
        compare(field, value, there.get(field), &mut found);
        !found.is_empty()
    };
    let changed = fields.iter().filter(|(field, value)| differs(field, value));
    changed.filter_map(|(field, value)| Some((field.clone(), merged(value, there.get(field))?))).collect()
}

/// The same without what must not be there: for an assistant that is new.
#[must_use]
pub fn whole(here: &Value) -> Value {
    merged(here, None).unwrap_or_default()
}

/// What we want, but for what was chosen at Vapi.
fn deferring(here: &Value, there: &Value) -> Value {
    let mut here = here.clone();
    let chosen = there.get("model").and_then(Value::as_object);
    if let (Some(ours), Some(theirs)) = (here.get_mut("model").and_then(Value::as_object_mut), chosen) {
        for key in CHOSEN_THERE {
            if let Some(value) = theirs.get(key).filter(|value| value.is_string()) {
                ours.insert(key.to_owned(), value.clone());
            }
        }
    }
    here
}

fn compare(path: &str, here: &Value, there: Option<&Value>, found: &mut Vec<Difference>) {
    let there = there.filter(|value| !value.is_null());
    match (here, there) {
        (Value::Object(ours), _) if !path_is_value(there) => {
            for (key, value) in ours {
                compare(&joined(path, key), value, there.and_then(|there| there.get(key)), found);
            }
        }
        (Value::Array(ours), Some(Value::Array(theirs))) => {
            for index in 0..ours.len().max(theirs.len()) {
                let place = format!("{path}[{}]", label(ours.get(index).or(theirs.get(index)), index));
                match ours.get(index) {
                    Some(item) => compare(&place, item, theirs.get(index), found),
                    None => found.push(Difference { path: place, here: None, there: theirs.get(index).cloned() }),
                }
            }
        }
        (Value::Array(ours), None) if ours.is_empty() => {}
        (Value::Null, None) => {}
        (here, Some(there)) if same(here, there) => {}
        (here, there) => {
            let here = Some(here.clone()).filter(|value| !value.is_null());
            found.push(Difference { path: path.to_owned(), here, there: there.cloned() });
        }
    }
}

/// Whether something is there that is no object, so that an object is to take its place.
fn path_is_value(there: Option<&Value>) -> bool {
    there.is_some_and(|there| !there.is_object())
}

/// Whether 20 and 20.0 are the same, too.
fn same(here: &Value, there: &Value) -> bool {
    here == there || here.as_f64().zip(there.as_f64()).is_some_and(|(here, there)| (here - there).abs() < f64::EPSILON)
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What people call an element, if it has a name.
fn label(element: Option<&Value>, index: usize) -> String {
    let name = element.and_then(|element| element.get("function")?.get("name")?.as_str());
    name.map_or_else(|| index.to_string(), str::to_owned)
}

/// Ours put into theirs. Arrays are ours alone. `None`: nothing is to be there.
fn merged(here: &Value, there: Option<&Value>) -> Option<Value> {
    match here {
        Value::Null => None,
        Value::Object(ours) => {
            let mut fields = there.and_then(Value::as_object).cloned().unwrap_or_default();
            for (key, value) in ours {
                match merged(value, fields.get(key)) {
                    Some(value) => drop(fields.insert(key.clone(), value)),
                    None => drop(fields.remove(key)),
                }
            }
            // What consisted only of things that must not be there is not there itself.
            (!fields.is_empty() || ours.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(items) => Some(items.iter().filter_map(|item| merged(item, None)).collect()),
        other => Some(other.clone()),
    }
}

impl Difference {
    /// Whether this is a secret of ours behind a mask, such as `***` or `[REDACTED]`; what a mask leaves to be seen must be ours.
    /// Whether Vapi hides what stands in headers is not documented (November 2026).
    fn is_masked(&self) -> bool {
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (true, Some(ours), Some(shown)) = (is_of_headers(&self.path), text(&self.here), text(&self.there)) else {
            return false;
        };
        let masks = shown.chars().filter(|c| MASKS.contains(c)).count();
        if masks >= SHORTEST_MASK {
            let before = shown.split(MASKS).next().unwrap_or_default();
            let after = shown.rsplit(MASKS).next().unwrap_or_default();
            let is_one_run = before.chars().count() + masks + after.chars().count() == shown.chars().count();
            return is_one_run && ours.starts_with(before) && ours.ends_with(after);
        }
        let word = shown.trim_matches(|c: char| !c.is_ascii_alphabetic());
        MASK_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
    }

    /// The same without secrets: what stands in headers is for the counterpart alone.
    #[must_use]
    pub fn to_be_shown(self) -> Self {
        let Self { path, here, there } = self;
        let hide = |value: Option<Value>| value.map(|value| hidden(&path, value));
        Self { here: hide(here), there: hide(there), path: path.clone() }
    }
}

fn is_of_headers(path: &str) -> bool {
    path.split(['.', '[']).any(|part| part == "headers")
}

fn hidden(path: &str, value: Value) -> Value {
    if is_of_headers(path) {
        return SECRET.into();
    }
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key.clone(), hidden(&joined(path, &key), value))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| hidden(path, item)).collect(),
        other => other,
    }
}
