//! The assistant as it is pushed: every field is one that Vapi knows, every tool one that is answered, and nothing that stands
//! in a business file reaches into Vapi's templates.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use ringbook::assistant::difference::{differences, fields_to_send, whole};
use ringbook::assistant::{Proof, Webhook, receptionist};
use ringbook::business::profile::{Access, LoadFacts, Profile, parse};
use ringbook::names::Slug;
use ringbook::vapi::tools::Tool;
use serde_json::{Value, json};

use crate::fakes::vapi_assistants::{schema, unknown};
use crate::house::BUSINESS;
use crate::source::Source;

fn profile(text: &str) -> Profile {
    parse(&Slug::parse("abc-hvac").unwrap(), text, &LoadFacts::same(Access::Embedded))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn webhook(reply_budget: Duration) -> Webhook {
    let proof = Proof::Header { name: "X-Vapi-Secret", value: "secret".to_owned().into() };
    Webhook { url: "https://book.example.com/webhook/vapi".into(), reply_budget, proof }
}

fn assistant(text: &str) -> Value {
    whole(&receptionist(&profile(text), &webhook(Duration::from_secs(4))).unwrap())
}

fn tools(assistant: &Value) -> Vec<&Value> {
    assistant["model"]["tools"].as_array().unwrap().iter().filter(|tool| tool["type"] == "function").collect()
}

fn prompt(assistant: &Value) -> &str {
    assistant["model"]["messages"][0]["content"].as_str().unwrap()
}

/// All texts of it.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// What Vapi would read as Liquid: each tag, up to its end.
fn tags(assistant: &Value) -> BTreeSet<String> {
    let of_text = |text: &String| {
        let starts = text.match_indices("{{").chain(text.match_indices("{%")).map(|(at, _)| at).collect::<Vec<_>>();
        starts.into_iter().map(|at| text[at..].split_inclusive('}').take(2).collect::<String>()).collect::<Vec<_>>()
    };
    texts(assistant).iter().flat_map(of_text).collect()
}

#[test]
fn every_field_is_one_that_vapi_knows_and_every_word_is_filled_in() {
    let (assistant, schema) = (assistant(BUSINESS), schema());
    assert_eq!(unknown(&assistant, &schema["fields"], ""), Vec::<String>::new());
    assert_eq!(unknown(&json!({ "model": { "systemPrompt": "x" } }), &schema["fields"], ""), [".model.systemPrompt"]);
    let open: Vec<String> = texts(&assistant).into_iter().filter(|text| text.contains("<<") || text.contains(">>")).collect();
    assert_eq!(open, Vec::<String>::new());
    for (name, most) in [("name", 40), ("firstMessage", 1000)] {
        assert!(assistant[name].as_str().unwrap().chars().count() <= most);
    }
}

#[test]
fn its_tools_are_those_that_are_answered_with_the_arguments_that_are_read() {
    let assistant = assistant(BUSINESS);
    let published = tools(&assistant);
    let names: Vec<&str> = published.iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, Tool::ALL.map(Tool::name));
    for (tool, json) in Tool::ALL.into_iter().zip(published) {
        let properties: BTreeSet<&str> =
            json["function"]["parameters"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(properties, tool.arguments().into_iter().collect(), "{}", tool.name());
        let trusted: Vec<(&Value, &Value)> =
            json["parameters"].as_array().unwrap().iter().map(|pair| (&pair["key"], &pair["value"])).collect();
        assert_eq!(
            trusted,
            [(&json!("caller_number"), &json!("{{ customer.number }}")), (&json!("call_id"), &json!("{{ call.id }}"))]
        );
        // The model must not be able to say what the signalling says.
        assert!(trusted.iter().all(|(key, _)| !properties.contains(key.as_str().unwrap())));
        let spoken: BTreeSet<&str> =
            json["messages"].as_array().unwrap().iter().map(|message| message["type"].as_str().unwrap()).collect();
        assert_eq!(spoken, BTreeSet::from(["request-start", "request-response-delayed", "request-failed"]), "{}", tool.name());
        for message in json["messages"].as_array().unwrap() {
            let content = message["content"].as_str().unwrap();
            assert!(!content.to_lowercase().contains("booked") || content.contains("can't say"), "{content}");
        }
    }
}

#[test]
fn it_sends_what_is_read_and_nothing_else() {
    let sent = assistant(BUSINESS)["serverMessages"].as_array().unwrap().clone();
    let wire = Source::all("src/vapi").into_iter().find(|source| source.path == "src/vapi/wire.rs").unwrap();
    let kinds =
        ["tool-calls", "transfer-destination-request", "end-of-call-report", "status-update", "speech-update", "transcript"];
    for kind in kinds {
        assert!(wire.text.contains(&format!("\"{kind}\"")), "{kind} is read");
        assert!(sent.iter().any(|message| message.as_str().unwrap().starts_with(kind)), "{kind} is sent");
    }
    assert_eq!(sent.len(), kinds.len(), "{sent:?}");
}

#[test]
fn vapi_waits_longer_than_an_answer_takes() {
    for (budget, seconds) in [(500, 7), (4_000, 10), (15_000, 21)] {
        let assistant = whole(&receptionist(&profile(BUSINESS), &webhook(Duration::from_millis(budget))).unwrap());
        let servers = tools(&assistant).into_iter().map(|tool| &tool["server"]).chain([&assistant["server"]]);
        for server in servers {
            assert_eq!(
                (server["url"].as_str(), server["timeoutSeconds"].as_u64()),
                (Some("https://book.example.com/webhook/vapi"), Some(seconds))
            );
        }
    }
}

#[test]
fn the_prompt_knows_the_business_and_the_call() {
    let more = "[[exceptions]]\nfrom = \"2026-12-25\"\nhours = []\nreason = \"Christmas\"\n[emergency]\nphrases = [\"gas smell\"]\nsay = \"Leave the house.\"\n[[services]]";
    let assistant = assistant(&BUSINESS.replacen("[[services]]", more, 1));
    let prompt = prompt(&assistant);
    for part in [
        "ABC HVAC",
        "repair (callers also say: fix, broken); maintenance",
        "Monday 8 AM to 12 PM and 12:30 PM to 8 PM",
        "Saturday closed",
        "December 25, 2026 (Christmas): closed",
        "Sam; Alex",
        "\"Leave the house.\"",
        "\"gas smell\"",
        "A person can be reached through transferToHuman at any hour.",
    ] {
        assert!(prompt.contains(part), "{part}: {prompt}");
    }
    let now = "{{\"now\" | date: \"%A, %B %d, %Y, %I:%M %p\", \"America/New_York\"}}";
    let variables = ["business_name", "caller_number", "caller_name", "next_appointment", "open_now", "call_sid"];
    let expected = variables.map(|name| format!("{{{{{name}}}}}")).into_iter().chain([now.to_owned()]);
    let static_ones = ["{{ customer.number }}", "{{ call.id }}"].map(str::to_owned);
    assert_eq!(tags(&assistant), expected.chain(static_ones).collect());
    assert!(!prompt.contains("\n\n\n"), "no gap is left where there is nothing to say");
    for tool in Tool::ALL {
        assert!(prompt.contains(tool.name()), "the prompt says when to call {}", tool.name());
    }
}

#[test]
fn what_must_be_said_at_the_start_is_said_and_recording_is_as_the_file_says() {
    let plain = assistant(BUSINESS);
    let hello = "Thanks for calling ABC HVAC. You're speaking with an automated assistant. How can I help you?";
    assert_eq!((plain["firstMessage"].as_str().unwrap(), &plain["artifactPlan"]["recordingEnabled"]), (hello, &json!(false)));
    let recorded = assistant(&format!("{BUSINESS}\n[privacy]\nrecording = true\ndisclosure = \"I am a machine.\""));
    let first = recorded["firstMessage"].as_str().unwrap();
    assert!(first.contains("I am a machine. This call is recorded."), "{first}");
    assert_eq!(recorded["artifactPlan"]["recordingEnabled"], true);
    let incorporated = BUSINESS.replace("\"ABC HVAC\"", "\"ABC HVAC Inc.\"");
    let first = assistant(&format!("{incorporated}\n[privacy]\ndisclosure = \"I am a machine\""))["firstMessage"].clone();
    assert_eq!(first, "Thanks for calling ABC HVAC Inc. I am a machine. How can I help you?");
    let said = assistant(&format!("{BUSINESS}\n[privacy]\nrecording = true\ndisclosure = \"A machine speaks, and records.\""));
    assert!(!said["firstMessage"].as_str().unwrap().contains("This call is recorded"));
}

#[test]
fn only_what_is_ours_counts_and_whole_fields_are_sent() {
    let here = json!({ "a": { "x": 1, "gone": null }, "b": [1, { "function": { "name": "t" }, "k": 2 }], "c": "same", "d": [], "model": { "provider": "p", "t": 1 } });
    let there = json!({
        "a": { "x": 1.0, "theirs": 9 }, "b": [1, { "function": { "name": "t" }, "k": 2, "default": true }], "c": "same",
        "id": "x", "model": { "provider": "chosen there", "t": 1 },
    });
    assert_eq!(differences(&here, &there), []);
    assert!(fields_to_send(&here, &there).is_empty());
    let mut edited = there.clone();
    edited["a"]["gone"] = json!("back");
    edited["b"].as_array_mut().unwrap().push(json!("more"));
    edited["model"]["t"] = json!(2);
    let paths: Vec<String> = differences(&here, &edited).into_iter().map(|place| place.path).collect();
    assert_eq!(paths, ["a.gone", "b[2]", "model.t"]);
    let sent = Value::Object(fields_to_send(&here, &edited));
    let expected = json!({
        "a": { "x": 1, "theirs": 9 }, "b": [1, { "function": { "name": "t" }, "k": 2 }], "model": { "provider": "chosen there", "t": 1 },
    });
    assert_eq!(sent, expected);
}

proptest! {
    #[test]
    fn no_text_of_a_business_file_becomes_a_tag_or_anything_but_text(text in "[ -~]{0,12}(\\{\\{|\\{%|%\\}|\\}\\}|<<name>>|<<|\\{|\\}|\"|\\\\)[ -~]{1,12}") {
        let quoted = toml_text(&text);
        let file = BUSINESS
            .replace("\"ABC HVAC\"", &quoted)
            .replace("aliases = [\"tune-up\"]", &format!("aliases = [\"tune-up\", {}]", toml_text(&format!("word {text}"))))
            .replace("name = \"Alex\"", &format!("name = {}", toml_text(&format!("Alex {text}"))))
            .replacen("[[services]]", &format!("[emergency]\nphrases = [{quoted}]\nsay = {quoted}\n[privacy]\ndisclosure = {quoted}\n[[services]]"), 1);
        let odd = assistant(&file);
        prop_assert_eq!(tags(&odd), tags(&assistant(BUSINESS)));
        prop_assert_eq!(tools(&odd).len(), Tool::ALL.len());
        prop_assert!(unknown(&odd, &schema()["fields"], "").is_empty());
    }
}

fn toml_text(text: &str) -> String {
    Value::from(text).to_string()
}
