//! Filling in `<<words>>`: once, so that nothing that was filled in is read again, and without any sign with which a text of a
//! business file could reach into Vapi's own templates.

use serde_json::Value;

const OPENS: &str = "<<";
const CLOSES: &str = ">>";

/// Text of a business file as it may stand in an assistant. Vapi reads `{{` and `{%` in every text of it as Liquid, so no brace
/// is left, also none that would only become a sign together with what stands beside it.
pub(super) fn plain(text: &str) -> String {
    text.replace('{', "(").replace('}', ")")
}

/// The same JSON with every word filled in. A text that is nothing but one word becomes its value, of whatever kind; within a
/// text a word must be a text. What has no meaning stays as it is.
pub(super) fn fill(json: Value, meaning: &impl Fn(&str) -> Option<Value>) -> Value {
    match json {
        Value::String(text) => {
            let alone = text.strip_prefix(OPENS).and_then(|rest| rest.strip_suffix(CLOSES)).and_then(meaning);
            alone.unwrap_or_else(|| Value::String(fill_text(&text, &|word| text_of(meaning(word)))))
        }
        Value::Array(items) => items.into_iter().map(|item| fill(item, meaning)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, fill(value, meaning))).collect(),
        other => other,
    }
}

/// The same text with every word filled in.
pub(super) fn fill_text(text: &str, meaning: &impl Fn(&str) -> Option<String>) -> String {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once(OPENS) {
        filled.push_str(before);
        let found = behind.split_once(CLOSES).and_then(|(word, after)| Some((meaning(word)?, after)));
        if let Some((meant, after)) = found {
            filled.push_str(&meant);
            rest = after;
        } else {
            filled.push_str(OPENS);
            rest = behind;
        }
    }
    filled + rest
}

fn text_of(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
