//! Dates and times as they are spoken and as they are read.

use proptest::prelude::*;
use ringbook::scheduling::reading::{Moment, read_date, read_moment};
use ringbook::scheduling::speech::{spoken_date, spoken_date_time, spoken_list, spoken_time, spoken_times};
use time::OffsetDateTime;
use time::macros::{date, datetime};

const TODAY: time::Date = date!(2026 - 11 - 21);

#[test]
fn times_are_spoken_by_the_clock_of_twelve_hours() {
    for (time, spoken) in [
        (datetime!(2026-12-01 08:00 -5), "8 AM"),
        (datetime!(2026-12-01 08:30 -5), "8:30 AM"),
        (datetime!(2026-12-01 00:00 -5), "12 AM"),
        (datetime!(2026-12-01 00:05 -5), "12:05 AM"),
        (datetime!(2026-12-01 12:00 -5), "12 PM"),
        (datetime!(2026-12-01 13:15 -5), "1:15 PM"),
        (datetime!(2026-12-01 23:59 -5), "11:59 PM"),
    ] {
        assert_eq!(spoken_time(time), spoken);
    }
}

#[test]
fn a_date_is_spoken_with_its_weekday_and_with_another_year_only() {
    assert_eq!(spoken_date(date!(2026 - 12 - 01), TODAY), "Tuesday, December 1");
    assert_eq!(spoken_date(date!(2027 - 01 - 05), TODAY), "Tuesday, January 5, 2027");
    assert_eq!(spoken_date_time(datetime!(2026-12-01 08:30 -5), TODAY), "Tuesday, December 1 at 8:30 AM");
    assert_eq!(spoken_date_time(datetime!(2026-12-01 08:00 -5), TODAY), "Tuesday, December 1 at 8 AM");
}

#[test]
fn lists_are_spoken_with_one_conjunction() {
    assert_eq!(spoken_list::<&str>(&[], "or"), "");
    assert_eq!(spoken_list(&["a"], "or"), "a");
    assert_eq!(spoken_list(&["a", "b"], "and"), "a and b");
    assert_eq!(spoken_list(&["a", "b", "c"], "or"), "a, b or c");
}

#[test]
fn each_date_is_said_once() {
    let (first, second) = (datetime!(2026-12-01 08:00 -5), datetime!(2026-12-01 10:30 -5));
    let (third, fourth) = (datetime!(2026-12-02 09:00 -5), datetime!(2027-01-05 09:00 -5));
    assert_eq!(spoken_times(&[], TODAY), "");
    assert_eq!(spoken_times(&[first], TODAY), "Tuesday, December 1 at 8 AM");
    assert_eq!(spoken_times(&[first, second], TODAY), "Tuesday, December 1 at 8 AM or 10:30 AM");
    let grouped = "Tuesday, December 1 at 8 AM or 10:30 AM, or Wednesday, December 2 at 9 AM";
    assert_eq!(spoken_times(&[first, second, third], TODAY), grouped);
    let three = "Tuesday, December 1 at 8 AM, Wednesday, December 2 at 9 AM, or Tuesday, January 5, 2027 at 9 AM";
    assert_eq!(spoken_times(&[first, third, fourth], TODAY), three);
}

#[test]
fn a_date_is_read_from_a_date_or_a_date_time() {
    for text in ["2026-12-01", " 2026-12-01 ", "2026-12-01T08:30", "2026-12-01T23:30:00-05:00", "2026-12-01T00:30:00Z"] {
        assert_eq!(read_date(text), Some(date!(2026 - 12 - 01)), "{text}");
    }
    for text in [
        "",
        "tomorrow",
        "next Friday",
        "2026-02-30",
        "2026-13-01",
        "2026-12-00",
        "12/01/2026",
        "2026-12-1",
        "26-12-01",
        "2026-12-01T",
        "2026-12-01T25:00",
        "2026-12-01x",
        "-2026-12-01",
        "+2026-12-01",
        "2026-12-01-05",
        "1796112000",
        "20261201",
        "0000-01-01",
        "２０２６-12-01",
        "2026-W49-2",
        "{{date}}",
        "2026-12-01 maybe",
        "2027-02-29",
    ] {
        assert_eq!(read_date(text), None, "{text}");
    }
    assert_eq!(read_date("2028-02-29"), Some(date!(2028 - 02 - 29)));
}

#[test]
fn a_moment_without_an_offset_is_a_reading_of_the_wall_clock() {
    for text in ["2026-12-01T08:30", "2026-12-01 08:30", "2026-12-01t08:30:00", " 2026-12-01T08:30:00.000 "] {
        assert_eq!(read_moment(text), Some(Moment::Wall(datetime!(2026-12-01 08:30))), "{text}");
    }
}

#[test]
fn a_moment_with_an_offset_is_an_instant_and_remembers_its_wall_clock() {
    let wall = datetime!(2026-12-01 08:30);
    for (text, instant) in [
        ("2026-12-01T08:30:00-05:00", datetime!(2026-12-01 08:30 -5)),
        ("2026-12-01T08:30-0500", datetime!(2026-12-01 08:30 -5)),
        ("2026-12-01 08:30-05", datetime!(2026-12-01 08:30 -5)),
        ("2026-12-01T08:30:00Z", datetime!(2026-12-01 08:30 UTC)),
        ("2026-12-01T08:30:00.000z", datetime!(2026-12-01 08:30 UTC)),
        ("2026-12-01T08:30+05:45", datetime!(2026-12-01 08:30 +5:45)),
    ] {
        let Some(Moment::Instant { instant: read, wall: shown }) = read_moment(text) else { panic!("{text}") };
        assert_eq!((read, shown), (instant, wall), "{text}");
    }
}

#[test]
fn what_is_not_plainly_a_moment_is_none() {
    for text in [
        "",
        "tomorrow",
        "2 pm",
        "tomorrow at 2",
        "14:00",
        "2026-12-01",
        "2026-02-30T10:00",
        "1796112000",
        "1796112000000",
        "2026-12-01T08:30:15",
        "2026-12-01T08:30:00.5",
        "2026-12-01T24:00",
        "2026-12-01T08:60",
        "2026-12-01T8:30",
        "2026-12-01T08",
        "2026-12-01T08:30 PM",
        "2026-12-01T08:30:00:00",
        "2026-12-01T08:30+25:00",
        "2026-12-01T08:30+05:60",
        "2026-12-01T08:30Zulu",
        "2026-12-01T08:30.",
        "2026-12-01T08:30:",
        "2026-12-01T08:30:00.",
        "2026-12-01T08:30 -05:00",
        "2026-12-01T-8:30",
        "2026-12-01T08:30[America/New_York]",
        "2026-12-01T08:30−05:00",
        "2026-12-01T08:30+",
        "call_001",
        "null",
        "NaN",
    ] {
        assert_eq!(read_moment(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_can_break_the_readers(
        text in any::<String>(),
        near in "[0-9TZtz:+. -]{0,40}",
        date in "2026-1[0-9]-[0-4][0-9].{0,20}",
    ) {
        for text in [text, near, date] {
            let (read, moment) = (read_date(&text), read_moment(&text));
            if let Some(Moment::Wall(wall) | Moment::Instant { wall, .. }) = moment {
                prop_assert_eq!(read, Some(wall.date()));
                prop_assert_eq!(wall.second(), 0);
            }
        }
    }

    #[test]
    fn every_whole_minute_is_read_back(minutes in 0_i64..2_000_000, hours in -12_i8..=14) {
        let offset = time::UtcOffset::from_hms(hours, 0, 0).unwrap();
        let instant = OffsetDateTime::from_unix_timestamp(1_790_000_040 + minutes * 60).unwrap().to_offset(offset);
        let text = instant.format(&time::format_description::well_known::Rfc3339).unwrap();
        let Some(Moment::Instant { instant: read, .. }) = read_moment(&text) else { return Err(TestCaseError::fail(text)) };
        prop_assert_eq!(read, instant);
    }
}
