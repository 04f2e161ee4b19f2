//! How long an answer may be on an HTTP/2 connection, where several share the bytes.

use proptest::prelude::*;
use ringbook::calendar::google::line::{Frames, MAX_ANSWER_BYTES};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END: u8 = 1;

fn frame(kind: u8, flags: u8, stream: u8, payload: usize) -> Vec<u8> {
    let length = u32::try_from(payload).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, stream];
    bytes.resize(bytes.len() + payload, 0xAA);
    bytes
}

/// An answer of about `bytes` in frames of 16 kB, not ended.
fn answer(stream: u8, bytes: usize) -> Vec<u8> {
    std::iter::repeat_n(frame(DATA, 0, stream, 16384), bytes / 16384).flatten().collect()
}

#[test]
fn one_answer_may_not_pass_the_limit_and_two_together_may() {
    assert!(Frames::default().pass(&answer(1, MAX_ANSWER_BYTES)));
    assert!(!Frames::default().pass(&answer(1, MAX_ANSWER_BYTES + 16384)));
    let mut frames = Frames::default();
    assert!(frames.pass(&answer(1, MAX_ANSWER_BYTES)) && frames.pass(&answer(3, MAX_ANSWER_BYTES)));
    assert!(!frames.pass(&answer(1, 16384)));
}

#[test]
fn an_answer_that_ended_counts_no_more() {
    for last in [frame(DATA, END, 1, 0), frame(RST_STREAM, 0, 1, 4), frame(HEADERS, END, 1, 20)] {
        let mut frames = Frames::default();
        assert!(frames.pass(&answer(1, MAX_ANSWER_BYTES)) && frames.pass(&last) && frames.pass(&answer(1, MAX_ANSWER_BYTES)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_pieces_in_which_bytes_arrive_make_no_difference(extra in any::<bool>(), sizes in prop::collection::vec(1_usize..40_000, 1..50)) {
        let mut bytes = frame(HEADERS, 4, 1, 37);
        bytes.extend(answer(1, MAX_ANSWER_BYTES));
        if extra {
            bytes.extend(frame(DATA, 0, 1, 1));
        }
        let (mut frames, mut sane, mut rest) = (Frames::default(), true, bytes.as_slice());
        for size in sizes.into_iter().cycle() {
            let (piece, later) = rest.split_at(size.min(rest.len()));
            sane &= frames.pass(piece);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(sane, !extra);
    }
}
