//! TwiML: what we render, whatever a caller is called, and what Vapi gives us to pass on.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use ringbook::names::{CallSid, Phone};
use ringbook::twilio::bypass::{Unusable, adopt};
use ringbook::twilio::{ended_normally, twiml};
use serde_json::Value;

const ACTION: &str = "https://example.com/twilio/connect-ended";

/// An element with its attributes, unescaped, and the text directly in it.
#[derive(Debug, PartialEq)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub text: String,
}

impl Element {
    fn of(tag: &BytesStart<'_>) -> Self {
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.expect("a proper attribute");
            (attribute.key.as_ref().to_owned(), quick_xml::escape::unescape(&attribute.value).unwrap().into_owned())
        });
        Self { name: tag.name().as_ref().to_owned(), attributes: attributes.collect(), text: String::new() }
    }
}

/// Reads a document as strictly as Twilio does: the declaration first, known elements and attributes only.
pub fn read(document: &str) -> Vec<Element> {
    assert!(document.starts_with("<?xml "), "the declaration is not the first byte: {document:?}");
    let allowed: Value = serde_json::from_str(include_str!("../data/twiml_attributes.json")).unwrap();
    let mut reader = Reader::from_str(document);
    let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error} in {document}"));
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                if matches!(event, Event::Start(_)) {
                    open.push(elements.len());
                }
                elements.push(Element::of(tag));
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => open.last().into_iter().for_each(|at| elements[*at].text.push_str(text)),
            Event::GeneralRef(reference) => {
                let c = reference
                    .resolve_char_ref()
                    .unwrap()
                    .or_else(|| quick_xml::escape::resolve_predefined_entity(reference)?.chars().next());
                elements[*open.last().unwrap()].text.push(c.expect("a known entity"));
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("{other:?} in {document}"),
        }
    }
    assert_eq!(elements[0].name, "Response");
    for element in &elements {
        let known = allowed[&element.name].as_array().unwrap_or_else(|| panic!("<{}> is no TwiML", element.name));
        for name in element.attributes.keys() {
            assert!(known.iter().any(|known| known == name), "<{}> has no attribute {name}", element.name);
        }
    }
    elements
}

fn names(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(|element| element.name.as_str()).collect()
}

fn phone(text: &str) -> Phone {
    Phone::e164(text).unwrap()
}

#[test]
fn a_stream_carries_the_call_and_the_caller_and_comes_back_to_us() {
    let sid = CallSid::parse("CA00000000000000000000000000000001").unwrap();
    let elements = read(&twiml::stream("wss://api.vapi.ai/stream/asst-1", &sid, "+15551112222", ACTION));
    assert_eq!(names(&elements), ["Response", "Connect", "Stream", "Parameter", "Parameter"]);
    assert_eq!(elements[1].attributes["action"], ACTION);
    assert_eq!(elements[2].attributes["url"], "wss://api.vapi.ai/stream/asst-1");
    assert_eq!((elements[3].attributes["name"].as_str(), elements[3].attributes["value"].as_str()), ("callId", sid.as_str()));
    assert_eq!(
        (elements[4].attributes["name"].as_str(), elements[4].attributes["value"].as_str()),
        ("customerPhone", "+15551112222")
    );
}

#[test]
fn a_person_is_dialled_with_an_honest_caller_id_for_as_long_as_was_asked() {
    let elements = read(&twiml::person("One moment.", &phone("+15551239999"), &phone("+15551112222"), 20, ACTION));
    assert_eq!(names(&elements), ["Response", "Say", "Dial", "Number"]);
    let dial = &elements[2].attributes;
    assert_eq!(
        (dial["callerId"].as_str(), dial["timeout"].as_str(), dial["answerOnBridge"].as_str()),
        ("+15551112222", "20", "true")
    );
    assert_eq!((elements[1].text.as_str(), elements[3].text.as_str()), ("One moment.", "+15551239999"));
}

#[test]
fn a_message_is_recorded_with_an_action_or_the_caller_would_hear_the_question_for_ever() {
    let elements = read(&twiml::voicemail("Please leave a message.", ACTION));
    assert_eq!(names(&elements), ["Response", "Say", "Record", "Hangup"]);
    assert_eq!(elements[2].attributes["action"], ACTION);
    assert_eq!(elements[2].attributes["playBeep"], "true");
}

#[test]
fn the_short_documents_are_what_they_are_called() {
    assert_eq!(names(&read(&twiml::hang_up())), ["Response", "Hangup"]);
    assert_eq!(names(&read(&twiml::goodbye("Thank you."))), ["Response", "Say", "Hangup"]);
    assert_eq!(read(&twiml::reject())[1].attributes["reason"], "rejected");
}

#[test]
fn sip_headers_are_percent_encoded_and_stay_below_twilios_limit() {
    let uri = twiml::sip_uri("sip:desk@sip.vapi.ai", &[("x-call-sid", "CA1"), ("x-customer-phone", "+1 555&x=\"é")]);
    assert_eq!(uri, "sip:desk@sip.vapi.ai?x-call-sid=CA1&x-customer-phone=%2B1%20555%26x%3D%22%C3%A9");
    let elements = read(&twiml::sip(&uri, ACTION));
    assert_eq!(names(&elements), ["Response", "Dial", "Sip"]);
    assert_eq!(elements[2].text, uri);
    assert_eq!(twiml::sip_uri("sip:a@b?x-y=1", &[("x-call-sid", "CA1")]), "sip:a@b?x-y=1&x-call-sid=CA1");
    let long = "é".repeat(200);
    assert_eq!(twiml::sip_uri("sip:a@b", &[("x-call-sid", &long), ("x-customer-phone", "1")]), "sip:a@b?x-customer-phone=1");
}

#[test]
fn markup_in_a_callers_name_stays_text() {
    for evil in ["</Say><Dial>+1900</Dial>", "<!DOCTYPE x>", "]]>", "&#x0;", "\u{0}\u{7}\u{b}\u{ffff}\u{fffe}", "a\"b'c&d\r\n"] {
        let elements = read(&twiml::goodbye(evil));
        assert_eq!(names(&elements), ["Response", "Say", "Hangup"], "{evil:?}");
        let sid = CallSid::parse("CA1").unwrap();
        assert_eq!(read(&twiml::stream("wss://x", &sid, evil, ACTION)).len(), 5, "{evil:?}");
    }
    assert_eq!(read(&twiml::goodbye("Tom & \u{7}\"J\u{0}erry\" <3 é😀"))[1].text, "Tom & \"Jerry\" <3 é😀");
}

/// `any::<String>()` leaves control characters out, and they are what matters here.
fn texts() -> impl Strategy<Value = String> {
    let chars = prop_oneof![
        any::<char>(),
        proptest::sample::select("\0\u{7}\t\r\n\u{7f}\u{fffe}\u{ffff}<>&\"']".chars().collect::<Vec<_>>())
    ];
    proptest::collection::vec(chars, 0..60).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn whatever_the_caller_is_called_the_document_is_well_formed_and_says_it(text in texts(), sid in "[!-~]{1,64}") {
        let sid = CallSid::parse(&sid).unwrap();
        let said: String = text.chars().filter(|c| twiml::is_xml_character(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let stream = read(&twiml::stream("wss://example.com/a", &sid, &text, ACTION));
        prop_assert_eq!(&stream[4].attributes["value"], &said);
        prop_assert_eq!(&stream[3].attributes["value"], sid.as_str());
        prop_assert_eq!(&read(&twiml::goodbye(&text))[1].text, &said);
        prop_assert_eq!(read(&twiml::voicemail(&text, ACTION)).len(), 4);
        prop_assert_eq!(read(&twiml::person(&text, &phone("+15551239999"), &phone("+15551112222"), 20, ACTION)).len(), 4);
        let uri = twiml::sip_uri("sip:a@b", &[("x-customer-phone", &text), ("x-call-sid", sid.as_str())]);
        prop_assert!(uri.len() < 1_024 && uri.is_ascii());
        prop_assert_eq!(&read(&twiml::sip(&uri, ACTION))[2].text, &uri);
    }

    #[test]
    fn arbitrary_text_from_vapi_never_panics(text in texts()) {
        let _ = adopt(&text, ACTION);
        let _ = adopt(&format!("<Response>{text}</Response>"), ACTION);
    }
}

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

#[test]
fn vapis_document_comes_back_as_it_was_but_for_the_missing_action() {
    let body = "<Response>\n  <!-- hi --><Say>é &amp; &#233;</Say><Connect  foo='1'><Stream url=\"wss://v/x\"/></Connect>\r\n</Response>\n";
    let vapis = format!("{DECLARATION}\n{body}");
    let expected = vapis.replace("<Connect  foo", &format!("<Connect action=\"{ACTION}\"  foo"));
    assert_eq!(adopt(&vapis, ACTION).unwrap(), expected);
    assert_eq!(
        adopt("<Response><Connect/></Response>", ACTION).unwrap(),
        format!("<Response><Connect action=\"{ACTION}\"/></Response>")
    );
    assert_eq!(adopt(&format!("\u{feff} \n{vapis}"), ACTION).unwrap(), expected);
}

#[test]
fn an_action_of_vapis_own_is_kept_and_look_alikes_are_left_alone() {
    for untouched in [
        "<Response><Connect action=\"https://vapi.ai/x?a=1&amp;b=2\"><Stream url=\"wss://v\"/></Connect></Response>",
        "<Response><Connection/><Say>&lt;Connect&gt;</Say><!-- <Connect> --><Say><![CDATA[<Connect>]]></Say></Response>",
        "<Response><Dial><Sip>sip:a@b</Sip></Dial></Response>",
        "<Response/>",
    ] {
        assert_eq!(adopt(untouched, ACTION).unwrap(), untouched);
    }
}

#[test]
fn every_connect_gets_its_action_and_the_action_is_escaped() {
    let adopted = adopt("<Response><Connect/><Connect action='x'/><Connect></Connect></Response>", "https://a/?b=\"&<").unwrap();
    let action = "action=\"https://a/?b=&quot;&amp;&lt;\"";
    assert_eq!(adopted, format!("<Response><Connect {action}/><Connect action='x'/><Connect {action}></Connect></Response>"));
}

#[test]
fn what_twilio_could_not_use_is_refused() {
    for broken in [
        "",
        "   ",
        "not xml",
        "{\"message\":\"oops\"}",
        "<Response>",
        "<Response><Connect></Response>",
        "<Response></Response></Response>",
        "<Response/><Response/>",
        "<Response/>text",
        "text<Response/>",
        "<html><body/></html>",
        "<response/>",
        "<Response>\u{7}</Response>",
        "<Response><Say>a & b</Say></Response>",
        "<Response>&nbsp;</Response>",
        "<Response>&#0;</Response>",
        "<Response><Stream url=\"wss://a?b=1&c=2\"/></Response>",
        "<Response><A b=\"1\" b=\"2\"/></Response>",
        "<Response><A b=\"<\"/></Response>",
        "<Response><A b=c/></Response>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><Response>&a;</Response>",
        "<Response/><?xml version=\"1.0\"?>",
        "<Response><?xml version=\"1.0\"?></Response>",
        "<Response><A></B></Response>",
    ] {
        assert!(adopt(broken, ACTION).is_err(), "{broken:?} was passed on");
    }
    assert_eq!(adopt("<Connect/>", ACTION), Err(Unusable::WrongRoot));
}

#[test]
fn a_document_of_64_kb_is_passed_on_and_one_byte_more_is_not() {
    let of = |bytes: usize| {
        format!("<Response><Say>{}</Say></Response>", "a".repeat(bytes - "<Response><Say></Say></Response>".len()))
    };
    assert_eq!(adopt(&of(65_536), ACTION).unwrap().len(), 65_536);
    assert_eq!(adopt(&of(65_537), ACTION), Err(Unusable::TooLarge));
    let grows = of(65_536 - "<Connect/>".len()).replace("<Say>", "<Connect/><Say>");
    assert_eq!(adopt(&grows, ACTION), Err(Unusable::TooLarge));
}

#[test]
fn an_end_is_told_from_a_failure() {
    for end in [
        "customer-ended-call",
        "assistant-ended-call",
        "assistant-ended-call-after-message-spoken",
        "assistant-said-end-call-phrase",
        "assistant-forwarded-call",
        "silence-timed-out",
        "exceeded-max-duration",
        "voicemail",
        "customer-did-not-answer",
        "manually-canceled",
        "call.ending.hook-executed-say",
    ] {
        assert!(ended_normally(end), "{end}");
    }
    for failure in [
        "",
        "unknown",
        "phone-call-provider-closed-websocket",
        "phone-call-provider-bypass-enabled-but-no-call-received",
        "pipeline-error-openai-llm-failed",
        "call.in-progress.error-pipeline-no-available-llm-model",
        "worker-shutdown",
        "assistant-not-found",
        "assistant-request-failed",
        "assistant-join-timed-out",
        "twilio-failed-to-connect-call",
        "assistant-error",
        "call-start-error-neither-assistant-nor-server-set",
        "voicemailbox",
        "customer-ended-call-error",
        "some-reason-of-next-year",
    ] {
        assert!(!ended_normally(failure), "{failure}");
    }
}
