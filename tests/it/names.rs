//! The newtypes' doors: what is a number, a business, an id, and what never shows in a log.

use proptest::prelude::*;
use ringbook::names::{BookingId, BookingState, CallSid, EventId, Phone, Slug, ToolCallId};
use serde_json::json;

fn home() -> Phone {
    Phone::e164("+15551230000").unwrap()
}

fn dictated(text: &str, home: &str) -> Option<String> {
    Phone::dictated(text, &Phone::e164(home).unwrap()).map(|phone| phone.as_str().to_owned())
}

#[test]
fn a_number_of_the_signalling_is_e164_or_none() {
    for number in ["+15551230000", "+41443334455", "+1234567", "+123456789012345"] {
        assert_eq!(Phone::e164(number).unwrap().as_str(), number);
    }
    for other in [
        "",
        "+",
        "15551230000",
        "+1 555 123 0000",
        "+0155512300",
        "+123456",
        "+1234567890123456",
        "+1555123000a",
        "anonymous",
        "+266696687",
        "sip:+15551230000@example.com",
        "client:dana",
        " +15551230000",
        "+15551230000\n",
        "++15551230000",
        "+１５５５１２３００００",
    ] {
        assert_eq!(Phone::e164(other), None, "{other}");
    }
}

#[test]
fn a_dictated_number_is_one_of_the_businesss_own_country() {
    for said in [
        "(555) 123-4567",
        "555-123-4567",
        "555.123.4567",
        "555 123 4567",
        "5551234567",
        "1-555-123-4567",
        "15551234567",
        "+1 (555) 123-4567",
        "+15551234567",
        "555/123-4567",
        "  555\u{2013}123\u{2013}4567 ",
        "(555)123-4567 ext. 12",
        "tel:+1-555-123-4567",
        "call 555-123-4567",
    ] {
        assert_eq!(dictated(said, "+15551230000").as_deref(), Some("+15551234567"), "{said}");
    }
    for said in ["+1 (555) 555-1234", "555-555-1234"] {
        assert_eq!(dictated(said, "+15551230000").as_deref(), Some("+15555551234"), "{said}");
    }
    assert_eq!(dictated("1-800-FLOWERS", "+15551230000").as_deref(), Some("+18003569377"));
}

#[test]
fn a_business_in_switzerland_understands_swiss_numbers_and_everybody_elses() {
    for said in ["044 333 44 55", "+41 44 333 44 55", "0041 44 333 44 55", "+41 (0)44 333 44 55", "044/333 44 55"] {
        assert_eq!(dictated(said, "+41443330000").as_deref(), Some("+41443334455"), "{said}");
    }
    assert_eq!(dictated("079 123 45 67", "+41443330000").as_deref(), Some("+41791234567"));
    assert_eq!(dictated("+1 555 123 4567", "+41443330000").as_deref(), Some("+15551234567"));
    assert_eq!(dictated("+41 44 333 44 55", "+15551230000").as_deref(), Some("+41443334455"));
}

#[test]
fn what_is_not_a_whole_number_is_none() {
    for said in [
        "",
        " ",
        "555-1234",
        "5551234",
        "+1 555-1234",
        "123",
        "911",
        "+1",
        "555-123-456",
        "555-123-45678",
        "no number",
        "five five five",
        "unknown",
        "555-123-4567 or 555-765-4321",
        "anonymous",
        "+266696687",
        "000000000000000000000",
        "dana@example.com",
        "+",
        "()",
        "2026-12-01T08:30",
    ] {
        assert_eq!(dictated(said, "+15551230000"), None, "{said}");
    }
}

#[test]
fn a_number_never_shows_in_full_where_logs_look() {
    let phone = Phone::e164("+15557654321").unwrap();
    assert_eq!(format!("{phone:?}"), "+…4321");
    assert_eq!(format!("{:?}", Some(&phone)), "Some(+…4321)");
    assert_eq!(phone.last_four(), "4321");
    assert_eq!(json!(phone), json!("+15557654321"), "the wire needs all of it");
}

#[test]
fn a_business_is_named_by_lower_case_letters_digits_and_inner_dashes() {
    for slug in ["a", "abc-hvac", "24-7", &"a".repeat(64)] {
        assert_eq!(Slug::parse(slug).unwrap().as_str(), slug);
    }
    for other in ["", "ABC", "abc_hvac", "-abc", "abc-", "-", "a b", "abc/x", "../abc", "abc.toml", "ébc", &"a".repeat(65)] {
        assert_eq!(Slug::parse(other), None, "{other}");
    }
    assert_eq!(Slug::parse("abc-hvac-2").unwrap().as_setting_suffix(), "ABC_HVAC_2");
}

#[test]
fn an_id_of_a_counterpart_is_printable_and_not_endless() {
    assert_eq!(CallSid::parse(" CA1 ").unwrap().as_str(), "CA1");
    assert_eq!(ToolCallId::parse("call/1?x=\"y\"").unwrap().to_string(), "call/1?x=\"y\"");
    for other in ["", " ", "a b", "a\nb", "é", "\u{0}", &"a".repeat(201)] {
        assert_eq!(ToolCallId::parse(other), None, "{other:?}");
        assert_eq!(EventId::parse(other), None, "{other:?}");
    }
    assert!(ToolCallId::parse(&"a".repeat(200)).is_some());
}

#[test]
fn serde_comes_in_by_the_same_door() {
    assert!(serde_json::from_value::<Phone>(json!("555")).is_err());
    assert!(serde_json::from_value::<Slug>(json!("ABC")).is_err());
    assert!(serde_json::from_value::<CallSid>(json!("a b")).is_err());
    assert_eq!(serde_json::from_value::<Phone>(json!("+15551230000")).unwrap(), home());
}

#[test]
fn bookings_lie_in_the_order_of_their_making_and_are_read_back() {
    let ids: Vec<BookingId> = (0..100).map(|_| BookingId::new()).collect();
    assert!(ids.is_sorted(), "version 7 rises");
    for id in ids {
        assert_eq!(BookingId::parse(&id.to_string()), Some(id));
    }
    assert_eq!(BookingId::parse("1"), None);
}

#[test]
fn every_state_is_read_back_as_it_was_written() {
    use BookingState::{Cancelled, Cancelling, Claimed, Compensating, Confirmed, Inserting, Moving, Released};
    for state in [Claimed, Inserting, Confirmed, Compensating, Moving, Cancelling, Cancelled, Released] {
        assert_eq!(BookingState::parse(state.as_str()), Some(state));
        assert_eq!(state.is_live(), !matches!(state, Cancelled | Released));
    }
    assert_eq!(BookingState::parse("CLAIMED"), None);
}

proptest! {
    #[test]
    fn whatever_is_dictated_is_e164_or_nothing(text in "\\PC{0,40}", digits in "[+0-9() ./x-]{0,24}") {
        for said in [text, digits] {
            if let Some(phone) = Phone::dictated(&said, &home()) {
                prop_assert_eq!(Phone::e164(phone.as_str()), Some(phone.clone()));
                prop_assert_eq!(Phone::dictated(phone.as_str(), &home()), Some(phone), "what was understood once is understood again");
            }
        }
    }

    #[test]
    fn a_number_of_ten_digits_is_understood_however_it_is_grouped(digits in "[2-9][0-9]{2}[2-9][0-9]{6}", form in 0usize..4) {
        let (area, rest) = digits.split_at(3);
        let (exchange, line) = rest.split_at(3);
        let said = [format!("({area}) {exchange}-{line}"), format!("{area}.{exchange}.{line}"), format!("1 {area} {exchange} {line}"), digits.clone()];
        prop_assert_eq!(Phone::dictated(&said[form], &home()).map(|phone| phone.as_str().to_owned()), Some(format!("+1{digits}")));
    }
}
