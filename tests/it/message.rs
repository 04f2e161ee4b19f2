//! Vapi's messages as they come: in three shapes and their mixes, with and without an envelope.

use ringbook::vapi::message::{Kind, Message, ToolCall, Unreadable};
use serde_json::{Value, json};

pub fn read(value: &Value) -> Message {
    Message::read(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

pub fn message(kind: &str, fields: &Value) -> Value {
    let mut message = json!({ "type": kind });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({ "message": message })
}

pub fn calls(fields: &Value) -> Vec<ToolCall> {
    match read(&message("tool-calls", fields)).kind {
        Kind::ToolCalls(calls) => calls,
        other => panic!("{other:?}"),
    }
}

fn function(fields: &Value) -> ToolCall {
    match read(&message("function-call", fields)).kind {
        Kind::FunctionCall(call) => call,
        other => panic!("{other:?}"),
    }
}

pub fn told(call: &ToolCall) -> (&str, &str, Option<&str>) {
    (call.raw_id.as_str(), call.name.as_str(), call.arguments.text(&["serviceType"]))
}

#[test]
fn a_tool_call_is_the_same_in_each_of_its_shapes() {
    let nested = json!({ "id": "t1", "type": "function", "function": { "name": "checkAvailability", "arguments": { "serviceType": "repair" } } });
    let quoted = json!({ "id": "t1", "function": { "name": "checkAvailability", "arguments": "{\"serviceType\":\"repair\"}" } });
    let flat = json!({ "id": "t1", "name": "checkAvailability", "arguments": { "serviceType": "repair" } });
    let parameters = json!({ "id": "t1", "name": "checkAvailability", "parameters": { "service_type": "repair" } });
    let deep = json!({ "id": "t1", "function": { "name": "checkAvailability", "parameters": { "service_type": "repair" } } });
    for call in [&nested, &quoted, &flat, &parameters, &deep] {
        for list in ["toolCallList", "toolCalls"] {
            let calls = calls(&json!({ list: [call] }));
            assert_eq!(told(&calls[0]), ("t1", "checkAvailability", Some("repair")), "{list}: {call}");
            assert_eq!(calls[0].id.as_ref().map(ToString::to_string).as_deref(), Some("t1"));
        }
        let calls = calls(&json!({ "toolWithToolCallList": [{ "type": "function", "name": "other", "toolCall": call }] }));
        assert_eq!(told(&calls[0]), ("t1", "checkAvailability", Some("repair")), "{call}");
    }
}

#[test]
fn a_name_that_stands_beside_its_call_is_found_by_the_calls_id() {
    let beside = |name: &str, id: &str| json!({ "function": { "name": name, "parameters": { "type": "object" } }, "toolCall": { "id": id, "arguments": {} } });
    let tools = json!([beside("first", "t1"), { "function": { "name": "nothing" } }, beside("second", "t2"), { "name": "third", "toolCall": { "id": "t3" } }]);
    let told = |calls: Vec<ToolCall>| calls.into_iter().map(|call| (call.raw_id, call.name)).collect::<Vec<_>>();
    let expected = [("t1", "first"), ("t2", "second"), ("t3", "third")].map(|(id, name)| (id.to_owned(), name.to_owned()));
    assert_eq!(told(calls(&json!({ "toolWithToolCallList": tools }))), expected);
    let list = json!([{ "id": "t3" }, { "id": "t2", "name": "  " }, { "id": "t1", "function": { "name": "" } }, { "id": "t4" }]);
    let found = told(calls(&json!({ "toolCallList": list, "toolWithToolCallList": tools })));
    let [first, second, third] = expected;
    assert_eq!(found, [third, second, first, ("t4".to_owned(), String::new())]);
    let without_ids = json!([{ "arguments": {} }, { "arguments": {} }]);
    let tools = json!([{ "name": "first", "toolCall": {} }, { "name": "second", "toolCall": {} }]);
    let found = told(calls(&json!({ "toolCallList": without_ids, "toolWithToolCallList": tools })));
    assert_eq!(found.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn the_first_list_that_holds_anything_counts_and_its_order_is_kept() {
    let of = |ids: &[&str]| json!(ids.iter().map(|id| json!({ "id": id, "name": "x" })).collect::<Vec<_>>());
    let ids = |fields: Value| calls(&fields).into_iter().map(|call| call.raw_id).collect::<Vec<_>>();
    assert_eq!(ids(json!({ "toolCallList": of(&["b", "a"]), "toolCalls": of(&["c"]) })), ["b", "a"]);
    assert_eq!(ids(json!({ "toolCallList": [], "toolCalls": of(&["c"]) })), ["c"]);
    assert_eq!(
        ids(json!({ "toolCallList": null, "toolCalls": "none", "toolWithToolCallList": [{ "toolCall": { "id": "d" } }] })),
        ["d"]
    );
    assert_eq!(ids(json!({})), Vec::<String>::new());
}

#[test]
fn the_older_form_has_one_call_usually_without_an_id() {
    for parameters in [json!({ "serviceType": "repair" }), json!("{\"serviceType\": \"repair\"}")] {
        let call = function(&json!({ "functionCall": { "name": "bookAppointment", "parameters": parameters } }));
        assert_eq!(told(&call), ("", "bookAppointment", Some("repair")));
        assert!(call.id.is_none());
    }
    let call = function(&json!({ "functionCall": { "id": "f1", "name": "x" } }));
    assert_eq!((call.raw_id.as_str(), call.id.is_some()), ("f1", true));
    assert_eq!(function(&json!({})).name, "");
    assert_eq!(function(&json!({ "functionCall": "bookAppointment" })).name, "");
}

#[test]
fn a_message_may_come_without_its_envelope_and_an_envelope_may_hold_a_type_of_its_own() {
    let Kind::AssistantRequest = read(&json!({ "type": "assistant-request" })).kind else { panic!() };
    let Kind::AssistantRequest = read(&json!({ "type": "hang", "message": { "type": "assistant-request" } })).kind else {
        panic!()
    };
    let Kind::AssistantRequest = read(&json!({ "message": null, "type": "assistant-request" })).kind else { panic!() };
    let spaced = b" \r\n\t{ \"message\" : \n { \"type\" : \"assistant-request\" } } \n";
    assert!(matches!(Message::read(spaced).unwrap().kind, Kind::AssistantRequest));
}

#[test]
fn kinds_that_nobody_knows_are_messages_all_the_same() {
    for kind in ["speech-update", "transcript[transcriptType=\"final\"]", "of-next-year", "", "TOOL-CALLS"] {
        assert!(matches!(read(&message(kind, &json!({}))).kind, Kind::Other), "{kind}");
    }
    assert!(matches!(read(&json!({ "message": { "type": 5 } })).kind, Kind::Other));
    assert!(matches!(read(&json!({ "message": {} })).kind, Kind::Other));
    let ended = |fields| read(&message("status-update", &fields)).kind;
    assert!(matches!(ended(json!({ "status": "in-progress", "endedReason": "x" })), Kind::Other));
    assert!(
        matches!(ended(json!({ "status": "ended", "endedReason": "x" })), Kind::Ended { reason: Some(reason) } if reason == "x")
    );
    assert!(matches!(read(&message("end-of-call-report", &json!({}))).kind, Kind::Ended { reason: None }));
}

#[test]
fn what_is_no_message_is_refused_as_what_it_is() {
    for (body, is_json) in [
        ("", false),
        ("not json", false),
        ("{", false),
        ("{\"message\":{}}x", false),
        ("{\"message\":{\"type\":\"hang\"}", false),
        ("\u{feff}{\"message\":{}}", false),
        ("null", true),
        ("5", true),
        ("\"message\"", true),
        ("[]", true),
        ("[{\"type\":\"tool-calls\"}]", true),
        ("{}", true),
        ("{\"message\":null}", true),
        ("{\"message\":\"hello\"}", true),
        ("{\"message\":[\"tool-calls\"],\"type\":\"tool-calls\"}", true),
        ("{\"Message\":{},\"kind\":\"hang\"}", true),
    ] {
        match Message::read(body.as_bytes()) {
            Err(Unreadable::NoMessage) => assert!(is_json, "{body}"),
            Err(Unreadable::Json(_)) => assert!(!is_json, "{body}"),
            Ok(message) => panic!("{body} was read as {message:?}"),
        }
    }
    assert!(matches!(Message::read(b"{\"message\":{\"type\":\"\xff\"}}"), Err(Unreadable::Json(_))));
}

#[test]
fn a_message_that_says_one_thing_twice_is_refused() {
    for body in [
        r#"{"message":{"type":"hang"},"message":{"type":"tool-calls"}}"#,
        r#"{"type":"hang","type":"tool-calls"}"#,
        r#"{"message":{"type":"hang","type":"tool-calls"}}"#,
        r#"{"message":{"type":"tool-calls","call":{"id":"a","id":"b"}}}"#,
        r#"{"message":{"type":"tool-calls","call":{},"call":{}}}"#,
        r#"{"message":{"type":"tool-calls","toolCallList":[{"id":"a","id":"b"}]}}"#,
        r#"{"message":{"type":"tool-calls","toolCallList":[],"toolCallList":[]}}"#,
        r#"{"message":{"type":"tool-calls","toolCallList":[{"function":{"name":"a","name":"b"}}]}}"#,
        r#"{"message":{"type":"tool-calls","phoneNumber":{"number":"+15551230000","number":"+15551230001"}}}"#,
    ] {
        assert!(matches!(Message::read(body.as_bytes()), Err(Unreadable::Json(_))), "{body}");
    }
    // What is not used may say what it likes.
    assert!(Message::read(br#"{"message":{"type":"hang","artifact":{"a":1,"a":2}}}"#).is_ok());
}

#[test]
fn the_call_is_known_by_whatever_the_message_says_of_it() {
    let full = json!({ "call": {
        "id": "v1", "assistantId": "a1", "phoneCallProviderId": "CA2", "transport": { "callSid": "CA1" },
        "customer": { "number": "+15557654321" }, "phoneNumber": { "number": "+15551230009" },
        "monitor": { "controlUrl": "https://phone.vapi.ai/x/control" }, "metadata": { "business": "abc", "twilioCallSid": "CA3" },
    }, "customer": { "number": "+15550000001" }, "phoneNumber": { "number": "+15551230000" }, "sessionId": "s1", "assistant": { "id": "a2", "metadata": { "business": "xyz" } } });
    let about = read(&message("tool-calls", &full.clone())).about;
    let text = |option: Option<&str>| option.map(str::to_owned);
    assert_eq!(about.call_id.as_ref().map(ToString::to_string), text(Some("v1")));
    assert_eq!(about.call_sid.as_ref().map(ToString::to_string), text(Some("CA1")));
    assert_eq!(about.business.as_ref().map(ToString::to_string), text(Some("abc")));
    assert_eq!(about.assistant.as_ref().map(ToString::to_string), text(Some("a1")));
    assert_eq!(about.called.as_ref().map(|phone| phone.as_str().to_owned()), text(Some("+15551230000")));
    assert_eq!(about.caller.as_ref().map(|phone| phone.as_str().to_owned()), text(Some("+15557654321")));
    assert_eq!(about.control_url.as_deref(), Some("https://phone.vapi.ai/x/control"));
    let sparse = json!({ "sessionId": "s1", "assistant": { "id": "a2", "metadata": { "business": "xyz" } }, "customer": { "number": "anonymous" } });
    let about = read(&message("function-call", &sparse)).about;
    assert_eq!(about.call_id.as_ref().map(ToString::to_string), text(Some("s1")));
    assert_eq!((about.business.as_ref().map(ToString::to_string), about.caller), (text(Some("xyz")), None));
    assert_eq!(about.assistant.as_ref().map(ToString::to_string), text(Some("a2")));
}
