//! What a model gives a tool: however it is spelt and quoted, texts that may be stored, logged and spoken.

use proptest::prelude::*;
use ringbook::vapi::arguments::Arguments;
use ringbook::vapi::tools::Tool;
use serde_json::{Value, json};

fn read(value: &Value) -> Arguments {
    Arguments::read(&value.to_string())
}

/// What is left of a text.
fn kept(text: &str) -> Option<String> {
    read(&json!({ "notes": text })).text(&["notes"]).map(str::to_owned)
}

#[test]
fn an_object_counts_however_often_it_was_quoted() {
    let object = json!({ "serviceType": "repair" });
    let once = json!(object.to_string());
    let twice = json!(once.to_string());
    let thrice = json!(twice.to_string());
    for given in [&object, &once, &twice, &json!(format!("  {object}\n"))] {
        assert_eq!(read(given).text(&["serviceType"]), Some("repair"), "{given}");
    }
    assert_eq!(read(&thrice), Arguments::Senseless);
}

#[test]
fn nothing_given_is_no_arguments_and_not_senseless() {
    for nothing in ["null", "\"\"", "\"  \"", "{}", "\"{}\"", "\"null\"", "\"\\\"\\\"\"", ""] {
        assert_eq!(Arguments::read(nothing), Arguments::default(), "{nothing}");
    }
}

#[test]
fn what_is_no_object_is_senseless() {
    for senseless in ["[]", "5", "true", "\"hello\"", "\"[1]\"", "{", "\"{\"", "{\"a\":1}x", "\"{\\\"a\\\":}\"", "\"", "nul"] {
        assert_eq!(Arguments::read(senseless), Arguments::Senseless, "{senseless}");
    }
}

#[test]
fn a_key_is_found_in_every_spelling() {
    for key in ["serviceType", "service_type", "ServiceType", "SERVICE_TYPE", "service-type", "service type", " servicetype "] {
        assert_eq!(read(&json!({ key: "repair" })).text(&["serviceType"]), Some("repair"), "{key}");
    }
    assert_eq!(read(&json!({ "service": "repair" })).text(&["serviceType"]), None);
}

#[test]
fn the_first_of_several_names_that_holds_a_text_counts() {
    let both = read(&json!({ "date": "2026-12-01", "requestedDate": "2026-12-02" }));
    assert_eq!(both.text(&["requestedDate", "date"]), Some("2026-12-02"));
    let one = read(&json!({ "date": "2026-12-01", "requestedDate": "" }));
    assert_eq!(one.text(&["requestedDate", "date"]), Some("2026-12-01"));
}

#[test]
fn two_things_said_of_one_name_are_senseless_and_one_thing_said_twice_is_not() {
    assert_eq!(Arguments::read(r#"{"date":"2026-12-01","date":"2026-12-02"}"#), Arguments::Senseless);
    assert_eq!(Arguments::read(r#"{"start_iso":"a","startIso":"b"}"#), Arguments::Senseless);
    assert_eq!(Arguments::read(r#""{\"date\":\"a\",\"date\":\"b\"}""#), Arguments::Senseless);
    assert_eq!(Arguments::read(r#"{"serviceType":"repair","service_type":" repair "}"#).text(&["serviceType"]), Some("repair"));
    assert_eq!(Arguments::read(r#"{"date":null,"date":"2026-12-02"}"#).text(&["date"]), Some("2026-12-02"));
    assert_eq!(Arguments::read(r#"{"_":"a","-":"b"}"#), Arguments::default());
}

#[test]
fn values_of_every_type_become_texts_or_nothing() {
    let given = read(
        &json!({ "phone": 5_551_234_567_u64, "urgent": true, "half": 1.5, "list": ["a"], "object": { "a": 1 }, "nothing": null }),
    );
    assert_eq!(given.text(&["phone"]), Some("5551234567"));
    assert_eq!(given.text(&["urgent"]), Some("true"));
    assert_eq!(given.text(&["half"]), Some("1.5"));
    for absent in ["list", "object", "nothing", "never"] {
        assert_eq!(given.text(&[absent]), None, "{absent}");
    }
}

#[test]
fn a_text_is_one_clean_line() {
    for (text, line) in [
        ("  Dana   Miller ", "Dana Miller"),
        ("Dana\nMiller", "Dana Miller"),
        ("Dana\r\n\tMiller\u{0}", "Dana Miller"),
        ("Dana\u{2028}Miller\u{2029}\u{85}", "Dana Miller"),
        ("Da\u{200b}na\u{ad} \u{feff}Miller\u{2060}", "Dana Miller"),
        ("\u{202e}rellim anaD\u{202c}", "rellim anaD"),
        ("\u{2066}Dana\u{2069} \u{61c}Miller\u{200f}", "Dana Miller"),
        ("Dana\u{e0041}\u{e007f} Miller\u{ffff}\u{fffe}", "Dana Miller"),
        ("Zoë O'Brien-Çelik 😀 李", "Zoë O'Brien-Çelik 😀 李"),
        ("<b>Dana</b> & \"co\"", "<b>Dana</b> & \"co\""),
        ("{service}", "{service}"),
    ] {
        assert_eq!(kept(text).as_deref(), Some(line), "{text:?}");
    }
}

#[test]
fn a_text_of_nothing_or_of_a_placeholder_is_absent() {
    for text in [
        "",
        " ",
        "\n\t",
        "\u{200b}\u{202e}",
        "{{customer.number}}",
        "{{ name",
        "Dana {{lastName}}",
        "null",
        "undefined",
        "None",
        "N/A",
        "unknown",
    ] {
        assert_eq!(kept(text), None, "{text:?}");
    }
    assert_eq!(kept("nullable").as_deref(), Some("nullable"));
}

#[test]
fn a_name_of_ten_kilobytes_is_cut_at_a_character() {
    let cut = kept(&"é".repeat(10_000)).unwrap();
    assert_eq!((cut.chars().count(), cut.len()), (500, 1_000));
    let cut = kept(&format!("{} {}", "a".repeat(499), "b".repeat(9_000))).unwrap();
    assert_eq!(cut, "a".repeat(499));
}

#[test]
fn the_canonical_text_depends_on_what_was_said_and_not_on_how() {
    let one = Arguments::read(r#"{"customerName":"Dana","scheduled_date":"2026-12-01T08:30","notes":""}"#);
    let other = Arguments::read(r#""{\"ScheduledDate\": \" 2026-12-01T08:30\", \"customer_name\":\"Dana\"}""#);
    assert_eq!(one.canonical(), other.canonical());
    assert_ne!(one.canonical(), Arguments::read(r#"{"customerName":"Dan","scheduled_date":"2026-12-01T08:30"}"#).canonical());
    assert_ne!(Arguments::Senseless.canonical(), Arguments::default().canonical());
}

#[test]
fn a_wish_without_a_call_is_the_same_when_the_job_is_and_a_question_is_all_that_was_asked() {
    let wish = |tool: Tool, arguments: Value, has_call: bool| tool.wish_text(&read(&arguments), has_call);
    let job = json!({ "serviceType": "Repair", "scheduledDate": "2026-12-01T08:30", "customerPhone": "5551234567", "customerName": "Dana" });
    let respelt = json!({ "service_type": "repair", "start_iso": "2026-12-01T08:30", "customer_phone": "5551234567", "caller_name": "Dana M." });
    assert_eq!(wish(Tool::BookAppointment, job.clone(), false), wish(Tool::BookAppointment, respelt.clone(), false));
    assert_ne!(wish(Tool::BookAppointment, job.clone(), true), wish(Tool::BookAppointment, respelt, true));
    let asked = |technician: &str| json!({ "serviceType": "repair", "requestedDate": "2026-12-01", "technician": technician });
    assert_ne!(wish(Tool::CheckAvailability, asked("sam"), false), wish(Tool::CheckAvailability, asked("alex"), false));
    let mut named = job.clone();
    named["technician"] = json!("alex");
    assert_ne!(
        wish(Tool::BookAppointment, job, false),
        wish(Tool::BookAppointment, named, false),
        "another technician named is another job"
    );
}

fn texts() -> impl Strategy<Value = String> {
    let chars =
        prop_oneof![any::<char>(), proptest::sample::select("\0\n\r=/{}\"\\\u{202e}\u{200b} ab_".chars().collect::<Vec<_>>())];
    proptest::collection::vec(chars, 0..20).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn whatever_is_said_becomes_one_line_of_visible_characters(text in texts()) {
        if let Some(line) = kept(&text) {
            prop_assert!(!line.is_empty() && line.chars().count() <= 500 && line.trim() == line);
            prop_assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}')), "{:?}", line);
            prop_assert_eq!(kept(&line), Some(line.clone()), "what is clean stays as it is");
        }
    }

    #[test]
    fn arbitrary_json_and_arbitrary_text_never_panic(text in texts()) {
        let _whatever = Arguments::read(&text);
        let _whatever = Arguments::read(&json!(text).to_string());
        let _whatever = Arguments::read(&json!({ &text: &text }).to_string());
    }

    #[test]
    fn different_wishes_never_have_the_same_canonical_text(
        one in proptest::collection::btree_map(texts(), texts(), 0..4),
        other in proptest::collection::btree_map(texts(), texts(), 0..4),
    ) {
        let (one, other) = (read(&json!(one)), read(&json!(other)));
        prop_assert_eq!(one == other, one.canonical() == other.canonical(), "{:?} {:?}", one, other);
    }
}
