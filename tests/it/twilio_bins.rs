//! The fallback that outlives this machine: a TwiML Bin, which Twilio keeps. What `ringbook twilio configure` tells of it, and that it
//! is left in its place.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::house::{BUSINESS, SLUG};
use crate::twilio_command::{BIN, FALLBACK, Office, says};

/// The elements of a TwiML text, with what stands in them.
fn twiml(printed: &str) -> Vec<String> {
    let text = &printed[printed.find("<?xml").unwrap()..printed.find("</Response>").unwrap() + "</Response>".len()];
    let mut reader = Reader::from_str(text);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => found.push(tag.name().as_ref().to_owned()),
            Event::Text(text) if !text.trim().is_empty() => found.push(text.to_string()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_outlives_this_machine_is_explained_taken_and_kept() {
    let (office, sid) = Office::new();
    let told = office.done(&["configure"]);
    says(&told, &["TwiML Bins", "--business abc-hvac --fallback-url https://handler.twilio.com/twiml/EH"]);
    let elements = twiml(&told);
    assert_eq!(&elements[..2], ["Response", "Say"]);
    assert!(
        elements[2].starts_with("Thanks for calling ABC HVAC.") && elements.contains(&"+15551239999".to_owned()),
        "{elements:?}"
    );

    let taken = office.done(&["configure", "--business", SLUG, "--fallback-url", BIN]);
    says(&taken, &[&format!("before     {FALLBACK}"), &format!("now        {BIN}")]);
    let kept = office.done(&["configure"]);
    says(&kept, &["Nothing to change", BIN]);
    assert!(!taken.contains("<?xml") && !kept.contains("<?xml"), "it is in place: {kept}");
    assert_eq!((office.fields(&sid, &["voice_fallback_url"]), office.posts()), (vec![BIN.into()], 2));
    // Somebody else's server does not stay.
    office.twilio.set_number(&sid, "voice_fallback_url", "https://old.example.com/fallback");
    says(&office.done(&["configure"]), &[&format!("now        {FALLBACK}")]);

    let office = office.business(SLUG, &BUSINESS.replace("to = \"+15551239999\"", "to = \"\""));
    let nobody = twiml(&office.done(&["configure"]));
    assert!(nobody.contains(&"Record".to_owned()) && !nobody.contains(&"Dial".to_owned()), "{nobody:?}");
}
