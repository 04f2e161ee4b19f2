//! What is to be sent: a recorded webhook, or a line of a file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::super::{Failure, sign};
use crate::names::Slug;
use crate::store::webhooks::Webhook;

/// The one route of Vapi.
const VAPI: &str = "/webhook/vapi";
/// Under which the routes of Twilio are.
const TWILIO: &str = "/twilio/";

/// A webhook that is to be sent.
#[derive(Clone, Debug)]
pub(in super::super) struct Line {
    /// The route.
    pub path: String,
    /// Exactly what is sent.
    pub body: String,
    /// Besides those that prove it.
    pub headers: Vec<(String, String)>,
    /// Whose secrets prove it; everybody's where that is not said.
    pub business: Option<Slug>,
}

/// As it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: String,
    body: Value,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    business: Option<Slug>,
}

impl Line {
    pub(super) fn of_webhook(webhook: Webhook) -> Self {
        let Webhook { path, body, headers, business, .. } = webhook;
        Self { path, body, headers, business }
    }

    /// Whether it is Twilio's; otherwise it is Vapi's.
    pub(in super::super) fn is_twilio(&self) -> bool {
        self.path.starts_with(TWILIO)
    }

    /// What it is, in a few words.
    pub(super) fn what(&self) -> String {
        let json: Option<Value> = if self.is_twilio() { None } else { serde_json::from_str(&self.body).ok() };
        let Some(json) = json else { return self.path.clone() };
        let message = json.get("message").unwrap_or(&json);
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let tool =
            ["/toolCallList/0/function/name", "/toolCalls/0/function/name", "/functionCall/name"].into_iter().find_map(text);
        let words: Vec<&str> = text("/type").into_iter().chain(tool).collect();
        if words.is_empty() { self.path.clone() } else { words.join(" ") }
    }
}

/// The webhooks of a file, one a line; empty lines are left out.
///
/// # Errors
/// The first line that cannot be read, by its number.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let shown = path.display();
    let text =
        String::from_utf8(sign::contents(path)?).map_err(|error| Failure::because(format!("{shown} is not UTF-8"), error))?;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: String| Failure::Usage(format!("{shown}, line {}: {what}.", number + 1));
        let written: Written = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        lines.push(line_of(written).map_err(|what| wrong(what.to_owned()))?);
    }
    if lines.is_empty() { Err(Failure::Usage(format!("{shown} holds no webhooks."))) } else { Ok(lines) }
}

fn line_of(written: Written) -> Result<Line, &'static str> {
    let Written { path, body, headers, business } = written;
    let is_twilio = path.starts_with(TWILIO);
    if !is_twilio && path != VAPI {
        return Err("its path is neither /webhook/vapi nor one under /twilio/, and nothing else is signed");
    }
    let body = match body {
        Value::String(text) => text,
        Value::Object(fields) if is_twilio => {
            let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pairs = fields.iter().map(|(name, field)| (name.as_str(), value(field)));
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        }
        body @ Value::Object(_) => body.to_string(),
        _ => return Err("its body is neither a text nor an object"),
    };
    let kind = if is_twilio { "application/x-www-form-urlencoded" } else { "application/json" };
    let kind = ("content-type".to_owned(), kind.to_owned());
    let headers = std::iter::once(kind).chain(headers.into_iter().map(|(name, value)| (name.to_lowercase(), value))).collect();
    Ok(Line { path, body, headers, business })
}
