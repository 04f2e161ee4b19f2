//! Vapi's messages as nobody should send them: with fields of any type, cut off, huge, and nested without end.

use std::time::Duration;

use proptest::prelude::*;
use ringbook::clock::Stopwatch;
use ringbook::vapi::arguments::Arguments;
use ringbook::vapi::message::{Kind, Message};
use serde_json::{Value, json};

use crate::message::{calls, message, read, told};

/// Something of every type, and some of what is always odd.
fn oddities() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1.5),
        json!(""),
        json!("text"),
        json!([]),
        json!([1, [2], {}]),
        json!(["a", "b", "c"]),
        json!({}),
        json!({ "id": {} }),
    ]
}

#[test]
fn one_odd_field_costs_nobody_the_message() {
    let real = json!({
        "toolCallList": [{ "id": "t1", "function": { "name": "checkAvailability", "arguments": { "serviceType": "repair" } } }],
        "call": { "id": "v1", "customer": { "number": "+15557654321" } },
    });
    for field in [
        "status",
        "endedReason",
        "sessionId",
        "toolCalls",
        "toolWithToolCallList",
        "functionCall",
        "call",
        "customer",
        "phoneNumber",
        "assistant",
        "metadata",
        "timestamp",
        "artifact",
    ] {
        for odd in oddities() {
            let mut fields = real.clone();
            fields[field] = odd.clone();
            let calls = calls(&fields);
            assert_eq!(told(&calls[0]), ("t1", "checkAvailability", Some("repair")), "{field}: {odd}");
        }
    }
    for odd in oddities() {
        let mut fields = real.clone();
        fields["call"]["transport"] = odd.clone();
        fields["call"]["monitor"] = odd.clone();
        fields["toolCallList"].as_array_mut().unwrap().insert(0, odd.clone());
        let message = read(&message("tool-calls", &fields));
        assert_eq!(message.about.call_id.unwrap().as_str(), "v1");
        let Kind::ToolCalls(calls) = message.kind else { panic!() };
        assert_eq!(told(calls.last().unwrap()), ("t1", "checkAvailability", Some("repair")), "{odd}");
    }
}

#[test]
fn arguments_without_sense_cost_the_call_its_arguments_and_nothing_else() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for arguments in [
        "[1]",
        "5",
        "true",
        "\"hello\"",
        "{\"a\":1e999}",
        "{\"serviceType\":\"\\ud800\"}",
        &deep,
        &format!("{{\"notes\":{deep}}}"),
    ] {
        let body =
            format!(r#"{{"message":{{"type":"tool-calls","toolCallList":[{{"id":"t1","name":"x","arguments":{arguments}}}]}}}}"#);
        let Kind::ToolCalls(calls) = Message::read(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}")).kind else {
            panic!()
        };
        assert_eq!((calls[0].raw_id.as_str(), calls[0].arguments.text(&["serviceType"])), ("t1", None));
    }
}

/// Reading takes time in proportion to the text: less than a second, where comparing all with all takes a minute.
fn in_no_time(what: &str, body: &str) {
    let watch = Stopwatch::start();
    let _whatever = Message::read(body.as_bytes());
    let _whatever = Arguments::read(body);
    assert!(watch.elapsed() < Duration::from_secs(15), "{what}: {:?} for {} bytes", watch.elapsed(), body.len());
}

#[test]
fn huge_and_deep_bodies_are_read_or_refused_in_no_time() {
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let wrapped = |text: &str| {
        format!(
            r#"{{"message":{{"type":"tool-calls","artifact":{text},"toolCallList":[{{"id":"t1","arguments":{text}}}],"call":{text}}}}}"#
        )
    };
    in_no_time("nested arrays", &nested("[", "]", 100_000));
    in_no_time("nested arrays, half open", &"[".repeat(1_000_000));
    in_no_time("nested arrays inside", &wrapped(&nested("[", "]", 100_000)));
    in_no_time("nested objects inside", &wrapped(&nested("{\"a\":", "1", 100_000).replace("11", "1")));
    in_no_time("nested calls", &wrapped(&format!("{}1{}", "{\"call\":".repeat(100_000), "}".repeat(100_000))));
    let keys: Vec<String> = (0..60_000).map(|index| format!("\"k{index}\":\"v\"")).collect();
    in_no_time("many arguments", &wrapped(&format!("{{{}}}", keys.join(","))));
    in_no_time("many arguments, alone", &format!("{{{}}}", keys.join(",")));
    let ids: Vec<String> = (0..20_000).map(|index| format!("{{\"id\":\"t{index}\"}}")).collect();
    let beside: Vec<String> =
        (0..20_000).map(|index| format!("{{\"name\":\"n\",\"toolCall\":{{\"id\":\"t{index}\"}}}}")).collect();
    in_no_time(
        "many calls",
        &format!(
            r#"{{"message":{{"type":"tool-calls","toolCallList":[{}],"toolWithToolCallList":[{}]}}}}"#,
            ids.join(","),
            beside.join(",")
        ),
    );
    in_no_time("quotes of quotes", &format!("\"{}\"", "\\\\\\\"".repeat(200_000)));
    in_no_time("one long text", &wrapped(&format!("{{\"notes\":\"{}\"}}", "\\u202e x".repeat(50_000))));
}

/// A real message in which one value stands somewhere else, or is something else.
fn mutated() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|truth| json!(truth)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(|text| json!(text)),
        proptest::sample::select(oddities()),
    ];
    let names = proptest::sample::select(vec![
        "message",
        "type",
        "call",
        "id",
        "toolCallList",
        "toolCalls",
        "toolWithToolCallList",
        "toolCall",
        "function",
        "functionCall",
        "name",
        "arguments",
        "parameters",
        "customer",
        "number",
        "metadata",
        "business",
        "serviceType",
        "x",
    ]);
    let kinds = proptest::sample::select(vec!["tool-calls", "function-call", "status-update", "assistant-request"]);
    let tree = leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    (kinds, tree).prop_map(|(kind, tree)| {
        let mut message = if tree.is_object() { tree } else { json!({ "toolCallList": tree }) };
        message["type"] = json!(kind);
        json!({ "message": message })
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _whatever = Message::read(&body);
    }

    #[test]
    fn a_message_of_odd_parts_is_always_a_message(body in mutated()) {
        prop_assert!(Message::read(body.to_string().as_bytes()).is_ok(), "{}", body);
    }

    #[test]
    fn a_message_cut_off_anywhere_is_refused(cut in 0usize..200) {
        let body = message("tool-calls", &json!({ "toolCallList": [{ "id": "t1", "name": "é" }], "call": { "id": "v" } })).to_string();
        let bytes = body.as_bytes();
        prop_assert!(Message::read(&bytes[..cut.min(bytes.len() - 1)]).is_err());
    }
}
