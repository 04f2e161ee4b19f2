//! `X-Twilio-Signature` against the vectors of Twilio's own libraries, and against bytes that nobody foresaw.

use proptest::prelude::*;
use ringbook::twilio::signature::{Content, candidates, pairs, sign, verify};
use serde_json::Value;

const TOKEN: &str = "12345";
const URL: &str = "https://example.com/twilio/inbound?a=1";

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/twilio_signatures.json")).unwrap()
}

fn pairs_of(vector: &Value) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in vector["params"].as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => pairs.extend(values.iter().map(|value| (name.clone(), value.as_str().unwrap().to_owned()))),
            Value::Null => pairs.push((name.clone(), String::new())),
            value => pairs.push((name.clone(), value.as_str().unwrap().to_owned())),
        }
    }
    pairs
}

#[test]
fn every_published_vector_is_judged_as_twilios_libraries_judge_it() {
    let vectors = vectors();
    assert!(vectors.len() >= 35, "the vectors are incomplete: {}", vectors.len());
    for vector in &vectors {
        let pairs = pairs_of(vector);
        let content = match vector["body"].as_str() {
            Some(body) => Content::Other(body.as_bytes()),
            None => Content::Form(&pairs),
        };
        let header = vector["expected_signature"].as_str().unwrap();
        let verified = verify(vector["url"].as_str().unwrap(), content, header, vector["auth_token"].as_str().unwrap());
        assert_eq!(verified, vector["must_verify"].as_bool().unwrap(), "vector {}", vector["id"]);
    }
}

#[test]
fn signing_gives_the_published_signature_of_every_form_whose_port_is_written_as_signed() {
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap();
        let other_port_was_signed = ["V2", "R4", "R5", "R10"].contains(&id);
        if vector["must_verify"] == true && !other_port_was_signed {
            let made = sign(vector["url"].as_str().unwrap(), &pairs_of(&vector), vector["auth_token"].as_str().unwrap());
            assert_eq!(made, vector["expected_signature"].as_str().unwrap(), "vector {id}");
        }
    }
}

#[test]
fn a_form_that_was_sent_is_read_back_with_its_blank_values_and_spaces() {
    let body = b"To=%2B15551230000&ToCity=&Name=+a+b%20&Name=%C3%A9&flag";
    let expected = [("To", "+15551230000"), ("ToCity", ""), ("Name", " a b "), ("Name", "é"), ("flag", "")];
    let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(pairs(body), expected);
}

#[test]
fn ports_user_names_and_fragments_are_split_where_they_end() {
    let cases = [
        ("https://a.com/x?y=:1", "https://a.com/x?y=:1", "https://a.com:443/x?y=:1"),
        ("http://a.com:8080", "http://a.com", "http://a.com:8080"),
        ("https://u:p@a.com/x", "https://u:p@a.com/x", "https://u:p@a.com:443/x"),
        ("https://[::1]/x", "https://[::1]/x", "https://[::1]:443/x"),
        ("https://[::1]:9/x#rc=2", "https://[::1]/x", "https://[::1]:9/x"),
        ("https://a.com?q", "https://a.com?q", "https://a.com:443?q"),
    ];
    for (url, without, with) in cases {
        assert_eq!(candidates(url), [without.to_owned(), with.to_owned()], "{url}");
    }
}

#[test]
fn a_fragment_is_not_signed() {
    let pairs = [("A".to_owned(), "1".to_owned())];
    let signature = sign(&format!("{URL}#rc=2&ct=2000"), &pairs, TOKEN);
    assert!(verify(URL, Content::Form(&pairs), &signature, TOKEN));
}

#[test]
fn names_are_sorted_alone_and_not_together_with_their_values() {
    // As one text "Az" < "ABz" would be wrong the other way round: the shorter name comes first, whatever follows it.
    let forward = [("A".to_owned(), "z".to_owned()), ("AB".to_owned(), "a".to_owned())];
    let backward = [("AB".to_owned(), "a".to_owned()), ("A".to_owned(), "z".to_owned())];
    assert_eq!(sign(URL, &forward, TOKEN), sign(URL, &backward, TOKEN));
    assert_eq!(sign(URL, &forward, TOKEN), sign(&format!("{URL}AzABa"), &[], TOKEN));
}

#[test]
fn values_are_signed_with_their_spaces_and_blank_ones_with_their_name() {
    let form = [("Name".to_owned(), " a ".to_owned()), ("ToCity".to_owned(), String::new())];
    assert_eq!(sign(URL, &form, TOKEN), sign(&format!("{URL}Name a ToCity"), &[], TOKEN));
}

#[test]
fn a_signature_must_be_written_exactly_as_twilio_writes_it() {
    let signature = sign(URL, &[], TOKEN);
    assert!(verify(URL, Content::Form(&[]), &signature, TOKEN));
    let unpadded = signature.trim_end_matches('=').to_owned();
    for spoilt in
        [format!(" {signature}"), format!("{signature} "), format!("{signature}="), unpadded, signature.replace('/', "_") + "\n"]
    {
        assert!(!verify(URL, Content::Form(&[]), &spoilt, TOKEN), "{spoilt:?}");
    }
}

#[test]
fn a_body_whose_hash_is_named_twice_is_refused() {
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let once = format!("https://a.com/x?bodySHA256={hash}");
    let twice = format!("{once}&bodySHA256={hash}");
    assert!(verify(&once, Content::Other(b"{}"), &sign(&once, &[], TOKEN), TOKEN));
    assert!(!verify(&twice, Content::Other(b"{}"), &sign(&twice, &[], TOKEN), TOKEN));
    assert!(!verify(&once.to_uppercase(), Content::Other(b"{}"), &sign(&once.to_uppercase(), &[], TOKEN), TOKEN));
}

fn forms() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::btree_map("[A-Za-z]{1,8}", ".{0,12}", 1..8).prop_map(|form| form.into_iter().collect())
}

proptest! {
    #[test]
    fn any_order_of_the_same_form_verifies(form in forms().prop_shuffle(), token in "[0-9a-f]{32}") {
        let mut sorted = form.clone();
        sorted.sort();
        prop_assert!(verify(URL, Content::Form(&form), &sign(URL, &sorted, &token), &token));
    }

    #[test]
    fn any_changed_added_or_missing_parameter_fails(form in forms(), at in any::<prop::sample::Index>(), what in 0..3, extra in "[a-z]{1,5}") {
        let signature = sign(URL, &form, TOKEN);
        let mut changed = form.clone();
        let at = at.index(form.len());
        match what {
            0 => changed[at].1.push_str(&extra),
            1 => changed.push((format!("Added{extra}"), extra)),
            _ => { changed.remove(at); }
        }
        prop_assert!(!verify(URL, Content::Form(&changed), &signature, TOKEN));
        let longer = format!("{URL}&b=2");
        prop_assert!(!verify(&longer, Content::Form(&form), &signature, TOKEN));
        prop_assert!(!verify(URL, Content::Form(&form), &signature, "12346"));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_verify(url in ".{0,60}", body in proptest::collection::vec(any::<u8>(), 0..200), header in ".{0,40}") {
        let form = pairs(&body);
        prop_assert!(!verify(&url, Content::Form(&form), &header, TOKEN));
        prop_assert!(!verify(&url, Content::Other(&body), &header, TOKEN));
    }
}
