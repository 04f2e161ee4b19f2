//! Signatures over a timestamp as well: fresh for five minutes.

use std::time::Duration;

use ringbook::vapi::signature::{ProofChoice, Unproven, prove, sign};

use super::{BODY, Headers, NOW, made, plan, verdict};

#[test]
fn a_timestamp_counts_within_five_minutes_either_way_in_seconds_or_milliseconds() {
    let signer = plan(&["secret"]);
    let at = |offset: i64| {
        let instant = NOW + time::Duration::seconds(offset);
        sign(&signer, BODY, instant, ProofChoice::Stamped)
            .into_iter()
            .map(|(name, value)| (name, value.into_bytes()))
            .collect::<Headers>()
    };
    for offset in [-300, -299, 0, 299, 300] {
        assert_eq!(prove(&at(offset), BODY, &signer, NOW), Ok(()), "{offset}");
    }
    for offset in [-1_796_135_400, -86_400, -301, 301, 86_400] {
        assert!(matches!(prove(&at(offset), BODY, &signer, NOW), Err(Unproven::Stale { .. })), "{offset}");
    }
    let seconds = NOW.unix_timestamp();
    for (ms, fresh) in [(-301_000, false), (-300_001, false), (-299_000, true), (299_000, true), (300_001, false)] {
        assert_eq!(stamped_with(&(seconds * 1000 + ms).to_string()).is_ok(), fresh, "{ms}");
    }
}

/// The verdict on a signature that rightly covers this timestamp, whatever it is.
fn stamped_with(timestamp: &str) -> Result<(), Unproven> {
    let text = [timestamp.as_bytes(), b".", BODY].concat();
    let signature = sign(&plan(&["secret"]), &text, NOW, ProofChoice::Hmac).remove(0).1;
    verdict(&[("x-signature", &signature), ("x-timestamp", timestamp)])
}

#[test]
fn a_timestamp_that_is_no_time_is_refused_even_if_it_is_signed() {
    assert_eq!(stamped_with("1796135400"), Ok(()));
    for odd in ["1796135400.5", "-1796135400", "+1796135400", "0x6b0ea6e8", "17961354001796135400", "1796135400 1", "now", "２"]
    {
        assert!(matches!(stamped_with(odd), Err(Unproven::Timestamp { .. })), "{odd}");
    }
    assert!(matches!(stamped_with("0"), Err(Unproven::Stale { .. })));
    assert!(matches!(stamped_with(""), Err(Unproven::Unstamped { .. })));
    let unstamped = made(&plan(&["secret"]), BODY, ProofChoice::Stamped)[..1].to_vec();
    assert!(matches!(prove(&unstamped, BODY, &plan(&["secret"]), NOW), Err(Unproven::Unstamped { .. })));
}

#[test]
fn another_timestamp_needs_another_signature() {
    let signer = plan(&["secret"]);
    let mut moved = made(&signer, BODY, ProofChoice::Stamped);
    moved[1].1 = (NOW.unix_timestamp() + 1).to_string().into_bytes();
    assert!(matches!(prove(&moved, BODY, &signer, NOW), Err(Unproven::Mismatch { .. })));
    moved[1].1 = format!("0{}", NOW.unix_timestamp()).into_bytes();
    assert!(matches!(prove(&moved, BODY, &signer, NOW), Err(Unproven::Mismatch { .. })), "the text counts, not the number");
}

#[test]
fn a_captured_request_goes_stale_where_it_is_stamped() {
    let signer = plan(&["secret"]);
    let captured = made(&signer, BODY, ProofChoice::Stamped);
    assert_eq!(prove(&captured, BODY, &signer, NOW + Duration::from_secs(200)), Ok(()));
    assert!(prove(&captured, BODY, &signer, NOW + Duration::from_secs(301)).is_err());
}
