//! Which instant is meant: a wall clock, an instant, and a `Z` that a model invented, in all combinations with what was
//! offered in the call, in gaps and in folds.

use proptest::prelude::*;
use ringbook::booking::error::Refusal;
use ringbook::booking::when::meant_by;
use ringbook::scheduling::zone::Zone;
use time::OffsetDateTime;
use time::macros::datetime;

/// 8:30 AM in New York, and what "08:30Z" says there: 3:30 AM.
const MORNING: OffsetDateTime = datetime!(2026-12-01 08:30 -5);
const NIGHT: OffsetDateTime = datetime!(2026-12-01 03:30 -5);
/// 1:30 AM of the night in which New York's clocks go back: once in summer time, once in winter time.
const FIRST: OffsetDateTime = datetime!(2026-11-01 01:30 -4);
const SECOND: OffsetDateTime = datetime!(2026-11-01 01:30 -5);

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn new_york(text: &str, offered: &[OffsetDateTime]) -> Result<OffsetDateTime, Refusal> {
    meant_by(text, &zone("America/New_York"), offered)
}

/// The two meanings of which one is asked for.
fn asked(outcome: Result<OffsetDateTime, Refusal>) -> [OffsetDateTime; 2] {
    match outcome {
        Err(Refusal::TimeTwice { meanings }) => meanings,
        other => panic!("nothing was asked: {other:?}"),
    }
}

#[test]
fn a_time_without_an_offset_is_the_businesss_own() {
    for text in ["2026-12-01T08:30", "2026-12-01T08:30:00", "2026-12-01 08:30", " 2026-12-01t08:30:00.000 "] {
        let meant = new_york(text, &[]).unwrap();
        assert_eq!((meant, meant.offset()), (MORNING, MORNING.offset()), "{text}");
    }
    assert_eq!(meant_by("2026-12-01T08:30", &zone("Asia/Kolkata"), &[]).unwrap(), datetime!(2026-12-01 03:00 UTC));
}

#[test]
fn what_was_offered_changes_nothing_about_a_time_without_an_offset() {
    assert_eq!(new_york("2026-12-01T08:30", &[NIGHT]).unwrap(), MORNING);
    assert_eq!(new_york("2026-12-01T08:30", &[MORNING, NIGHT]).unwrap(), MORNING);
}

#[test]
fn a_z_is_the_wall_clock_only_where_the_wall_clock_alone_was_offered() {
    for text in ["2026-12-01T08:30:00Z", "2026-12-01T08:30z", "2026-12-01T08:30:00.000Z", "2026-12-01T08:30+00:00"] {
        let other = datetime!(2026-12-01 10:00 -5);
        assert_eq!(new_york(text, &[]).unwrap(), NIGHT, "{text}: nothing was offered");
        assert_eq!(new_york(text, &[other]).unwrap(), NIGHT, "{text}: something else was offered");
        assert_eq!(new_york(text, &[NIGHT, other]).unwrap(), NIGHT, "{text}: the instant was offered");
        let meant = new_york(text, &[other, MORNING]).unwrap();
        assert_eq!((meant, meant.offset()), (MORNING, MORNING.offset()), "{text}: the wall clock was offered");
        assert_eq!(asked(new_york(text, &[NIGHT, MORNING])), [MORNING, NIGHT], "{text}: both were offered");
    }
}

#[test]
fn the_rule_holds_for_every_offset_and_not_for_z_alone() {
    // 8:30 in Los Angeles is 11:30 in New York.
    let eleven = datetime!(2026-12-01 11:30 -5);
    assert_eq!(new_york("2026-12-01T08:30-08:00", &[]).unwrap(), eleven);
    assert_eq!(new_york("2026-12-01T08:30-08:00", &[MORNING]).unwrap(), MORNING);
    assert_eq!(asked(new_york("2026-12-01T08:30-08:00", &[MORNING, eleven])), [MORNING, eleven]);
}

#[test]
fn the_right_offset_is_the_wall_clock_and_there_is_nothing_to_ask() {
    for offered in [&[][..], &[MORNING], &[NIGHT], &[MORNING, NIGHT]] {
        assert_eq!(new_york("2026-12-01T08:30:00-05:00", offered).unwrap(), MORNING, "{offered:?}");
        assert_eq!(
            meant_by("2026-12-01T08:30Z", &zone("Europe/London"), offered).unwrap(),
            NIGHT,
            "in London Z is right in winter"
        );
    }
}

#[test]
fn offers_are_compared_as_instants_whatever_their_offset() {
    assert_eq!(new_york("2026-12-01T08:30Z", &[datetime!(2026-12-01 13:30 UTC)]).unwrap(), MORNING);
}

#[test]
fn a_time_that_the_clocks_skip_is_said_and_not_moved() {
    for text in ["2026-03-08T02:30", "2026-03-08T02:00", "2026-03-08T02:59:00"] {
        assert!(matches!(new_york(text, &[]), Err(Refusal::TimeSkipped)), "{text}");
    }
    assert_eq!(new_york("2026-03-08T03:00", &[]).unwrap(), datetime!(2026-03-08 03:00 -4));
    // With an offset it is an instant, which always exists; its wall clock reading does not.
    assert_eq!(new_york("2026-03-08T02:30Z", &[]).unwrap(), datetime!(2026-03-07 21:30 -5));
    assert_eq!(new_york("2026-03-08T02:30-05:00", &[]).unwrap(), datetime!(2026-03-08 03:30 -4));
}

#[test]
fn a_time_that_comes_twice_is_asked_for_unless_one_of_them_was_offered() {
    assert_eq!(asked(new_york("2026-11-01T01:30", &[])), [FIRST, SECOND]);
    assert_eq!(asked(new_york("2026-11-01T01:30", &[FIRST, SECOND])), [FIRST, SECOND]);
    assert_eq!(new_york("2026-11-01T01:30", &[FIRST]).unwrap(), FIRST);
    assert_eq!(new_york("2026-11-01T01:30", &[SECOND]).unwrap().offset(), SECOND.offset());
}

#[test]
fn of_a_time_that_comes_twice_the_offset_tells_one() {
    for offered in [&[][..], &[FIRST, SECOND]] {
        assert_eq!(new_york("2026-11-01T01:30-04:00", offered).unwrap(), FIRST, "{offered:?}");
        assert_eq!(new_york("2026-11-01T01:30-05:00", offered).unwrap(), SECOND, "{offered:?}");
    }
}

#[test]
fn an_invented_z_in_the_hour_that_comes_twice_is_asked_for_where_both_were_offered() {
    assert_eq!(new_york("2026-11-01T01:30Z", &[FIRST]).unwrap(), FIRST);
    assert_eq!(new_york("2026-11-01T01:30Z", &[SECOND]).unwrap(), SECOND);
    assert_eq!(asked(new_york("2026-11-01T01:30Z", &[FIRST, SECOND])), [FIRST, SECOND]);
}

#[test]
fn what_is_no_date_with_a_time_is_unclear() {
    for text in [
        "",
        " ",
        "tomorrow",
        "next Tuesday at 9",
        "9 AM",
        "08:30",
        "2026-12-01",
        "12/01/2026 08:30",
        "2026-13-01T08:30",
        "2026-02-30T08:30",
        "2026-12-01T24:00",
        "2026-12-01T08:60",
        "2026-12-01T08:30:30",
        "2026-12-01T08",
        "2026-12-01T08:30 AM",
        "1796131800",
        "2026-12-01T08:30+25:00",
        "2026-12-01T08:30[America/New_York]",
        "-2026-12-01T08:30",
        "20261201T0830",
        "2026-12-01T08:30Zulu",
        "0000-01-01T00:00",
        "9999-12-31T23:59",
    ] {
        assert!(matches!(new_york(text, &[MORNING]), Err(Refusal::TimeUnclear)), "{text:?} was understood");
    }
}

const ZONES: [&str; 6] =
    ["America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,40}", near in "[0-9]{0,5}[-/ ]?[0-9]{0,3}-?[0-9]{0,3}[T ]?[0-9]{0,3}:?[0-9]{0,3}(Z|[+-][0-9:]{0,6})?") {
        for zone in ZONES.map(zone) {
            let _whatever = meant_by(&text, &zone, &[MORNING]);
            let _whatever = meant_by(&near, &zone, &[MORNING]);
        }
    }

    #[test]
    fn what_is_meant_is_one_of_the_two_readings_and_carries_the_local_offset(
        minutes in 0i64..1_000_000, offset in -14i8..=14, zone_index in 0usize..6, mask in 0u8..4,
    ) {
        let zone = zone(ZONES[zone_index]);
        let wall = time::PrimitiveDateTime::new(time::macros::date!(2026-01-01), time::Time::MIDNIGHT) + time::Duration::minutes(minutes);
        let instant = wall.assume_offset(time::UtcOffset::from_hms(offset, 0, 0).unwrap());
        let readings: Vec<_> = zone.local(wall).first().into_iter().collect();
        let all: Vec<_> = readings.iter().copied().chain([instant]).collect();
        let offered: Vec<_> = all.iter().enumerate().filter(|(index, _)| mask & (1 << index) != 0).map(|(_, offer)| *offer).collect();
        let sign = if offset < 0 { '-' } else { '+' };
        let text = format!("{}T{:02}:{:02}{sign}{:02}:00", wall.date(), wall.hour(), wall.minute(), offset.unsigned_abs());
        match meant_by(&text, &zone, &offered) {
            Ok(meant) => {
                prop_assert!(all.contains(&meant));
                prop_assert_eq!(meant.offset(), zone.civil(meant).offset());
                if meant != instant {
                    prop_assert!(offered.contains(&meant) && !offered.contains(&instant));
                }
            }
            Err(Refusal::TimeTwice { meanings }) => prop_assert!(meanings.iter().all(|meaning| offered.contains(meaning))),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
