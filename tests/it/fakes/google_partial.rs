//! `fields=`: a partial answer, as Google gives it. What was not asked for is not there, so that nothing can be read that
//! the real Google would have left out.

use serde_json::{Map, Value};

use super::google_access as access;
use super::wire::{Answer, Request};

/// Only what `fields` names; all of it when there is none.
pub fn only_asked(request: &Request, answer: &Value) -> Result<Value, Answer> {
    let Some(fields) = request.param("fields") else { return Ok(answer.clone()) };
    let mut rest = fields;
    let mask = Mask::read(&mut rest).filter(|_| rest.is_empty());
    let mask = mask.ok_or_else(|| access::error(400, "invalidParameter", &format!("Invalid field selection {fields}")))?;
    Ok(mask.of(answer))
}

/// `name,name(inner,inner)`.
struct Mask(Vec<(String, Option<Mask>)>);

impl Mask {
    fn read(rest: &mut &str) -> Option<Self> {
        let mut names = Vec::new();
        loop {
            let end = rest.find([',', '(', ')']).unwrap_or(rest.len());
            let (name, tail) = rest.split_at(end);
            *rest = tail;
            let inner = match rest.strip_prefix('(') {
                Some(inside) => {
                    *rest = inside;
                    let inner = Self::read(rest)?;
                    *rest = rest.strip_prefix(')')?;
                    Some(inner)
                }
                None => None,
            };
            if name.is_empty() {
                return None;
            }
            names.push((name.to_owned(), inner));
            match rest.strip_prefix(',') {
                Some(next) => *rest = next,
                None => return Some(Self(names)),
            }
        }
    }

    fn of(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::Object(object) => Value::Object(self.of_object(object)),
            other => other.clone(),
        }
    }

    fn of_object(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let asked = self.0.iter().filter_map(|(name, inner)| {
            let value = object.get(name)?;
            Some((name.clone(), inner.as_ref().map_or_else(|| value.clone(), |inner| inner.of(value))))
        });
        asked.collect()
    }
}
