//! Time zones: current rules, gaps and folds, and days that are not 24 hours long.

use ringbook::scheduling::zone::{Local, UnknownZone, Zone, tzdata_version};
use time::macros::{date, datetime, offset};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

fn zone(name: &str) -> Zone {
    Zone::parse(name).expect(name)
}

fn offset_at(name: &str, wall: PrimitiveDateTime) -> UtcOffset {
    match zone(name).local(wall) {
        Local::One(instant) => instant.offset(),
        other => panic!("{name} {wall}: {other:?}"),
    }
}

#[test]
fn the_rules_are_this_years() {
    assert!(tzdata_version() >= "2026e", "{}", tzdata_version());
    let winter = datetime!(2026-12-15 09:00);
    assert_eq!(offset_at("America/Winnipeg", winter), offset!(-5));
    assert_eq!(offset_at("America/Edmonton", winter), offset!(-6));
    assert_eq!(offset_at("America/Vancouver", winter), offset!(-7));
    assert_eq!(offset_at("Africa/Casablanca", winter), offset!(+0));
    assert_eq!(offset_at("America/Asuncion", winter), offset!(-3));
    assert_eq!(offset_at("America/Mexico_City", datetime!(2026-07-15 09:00)), offset!(-6));
    assert_eq!(offset_at("Europe/Zurich", datetime!(2026-12-01 14:00)), offset!(+1));
}

#[test]
fn a_wall_clock_that_is_skipped_is_missing() {
    for (name, wall) in [
        ("Europe/Zurich", datetime!(2027-03-28 02:30)),
        ("America/New_York", datetime!(2027-03-14 02:30)),
        ("Europe/London", datetime!(2027-03-28 01:30)),
        ("Australia/Lord_Howe", datetime!(2026-10-04 02:15)),
        ("Africa/Cairo", datetime!(2027-04-30 00:00)),
        ("Africa/Cairo", datetime!(2027-04-30 00:59:59)),
        ("Pacific/Apia", datetime!(2011-12-30 09:00)),
    ] {
        assert_eq!(zone(name).local(wall), Local::Missing, "{name} {wall}");
        assert_eq!(zone(name).local(wall).first(), None);
    }
}

#[test]
fn a_wall_clock_that_comes_twice_is_both_the_earlier_one_first() {
    for (name, wall, first, second) in [
        ("Europe/Zurich", datetime!(2026-10-25 02:30), offset!(+2), offset!(+1)),
        ("America/New_York", datetime!(2026-11-01 01:30), offset!(-4), offset!(-5)),
        ("America/New_York", datetime!(2027-11-07 01:30), offset!(-4), offset!(-5)),
        ("Europe/London", datetime!(2027-10-31 01:30), offset!(+1), offset!(+0)),
        ("Australia/Lord_Howe", datetime!(2027-04-04 01:45), offset!(+11), offset!(+10:30)),
    ] {
        let Local::Twice(one, two) = zone(name).local(wall) else { panic!("{name} {wall}") };
        assert_eq!((one.offset(), two.offset()), (first, second), "{name} {wall}");
        assert_eq!((one, two), (wall.assume_offset(first), wall.assume_offset(second)));
        assert!(one < two);
        assert_eq!(zone(name).local(wall).first(), Some(one));
    }
}

#[test]
fn a_day_that_has_no_midnight_starts_at_its_first_instant() {
    let cairo = zone("Africa/Cairo");
    let start = cairo.start_of_day(date!(2027 - 04 - 30));
    assert_eq!(start, datetime!(2027-04-29 22:00 UTC));
    assert_eq!((start.hour(), start.offset()), (1, offset!(+3)));
    assert_eq!(cairo.date(start), date!(2027 - 04 - 30));
    assert_eq!(cairo.date(start - time::Duration::SECOND), date!(2027 - 04 - 29));
    assert_eq!(cairo.bound(date!(2027 - 04 - 30), 30), start);
    assert_eq!(cairo.bound(date!(2027 - 04 - 29), 1440), start);
    assert_eq!(zone("Pacific/Apia").start_of_day(date!(2011 - 12 - 30)), datetime!(2011-12-31 00:00 +14));
}

#[test]
fn a_bound_in_a_gap_is_the_first_instant_after_it_and_in_a_fold_the_first_occurrence() {
    let new_york = zone("America/New_York");
    assert_eq!(new_york.bound(date!(2027 - 03 - 14), 150), datetime!(2027-03-14 03:00 -4));
    assert_eq!(new_york.bound(date!(2026 - 11 - 01), 90), datetime!(2026-11-01 01:30 -4));
    assert_eq!(zone("Australia/Lord_Howe").bound(date!(2026 - 10 - 04), 135), datetime!(2026-10-04 02:30 +11));
}

#[test]
fn days_are_as_long_as_they_are() {
    for (name, day, minutes) in [
        ("Europe/Zurich", date!(2027 - 03 - 28), 1380),
        ("Europe/Zurich", date!(2026 - 10 - 25), 1500),
        ("Africa/Cairo", date!(2027 - 04 - 30), 1380),
        ("Australia/Lord_Howe", date!(2026 - 10 - 04), 1410),
        ("America/New_York", date!(2026 - 12 - 01), 1440),
    ] {
        let (zone, next) = (zone(name), day.next_day().unwrap());
        assert_eq!((zone.start_of_day(next) - zone.start_of_day(day)).whole_minutes(), minutes, "{name} {day}");
        assert_eq!(zone.bound(day, 1440), zone.start_of_day(next));
    }
}

#[test]
fn only_names_of_the_iana_database_are_zones() {
    for unknown in [
        "Mars/Base",
        "GMT+1",
        "Etc/Unknown",
        "etc/unknown",
        "+01:00",
        "-0500",
        "UTC+1",
        "",
        " ",
        "EST5EDT4,M3.2.0,M11.1.0",
        "local",
    ] {
        assert_eq!(Zone::parse(unknown), Err(UnknownZone), "{unknown:?}");
    }
    assert_eq!(zone("america/winnipeg").name(), "America/Winnipeg");
    assert_eq!(zone(" EUROPE/ZURICH ").name(), "Europe/Zurich");
    assert_eq!(zone("utc").name(), "UTC");
}

#[test]
fn an_instant_keeps_being_itself_in_local_time() {
    let zurich = zone("Europe/Zurich");
    let instant = datetime!(2026-12-01 23:15:30.5 UTC);
    let local = zurich.civil(instant);
    assert_eq!(local, instant);
    assert_eq!(local.offset(), offset!(+1));
    assert_eq!(zurich.date(instant), date!(2026 - 12 - 02));
    assert_eq!(zurich.minute_of_day(instant), 15);
}

proptest::proptest! {
    #[test]
    fn local_and_civil_undo_each_other(seconds in 0_i64..4_102_444_800, which in 0_usize..6) {
        let names =
            ["America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Europe/Zurich", "Pacific/Apia", "America/Winnipeg"];
        let zone = zone(names[which]);
        let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let local = zone.civil(instant);
        let wall = PrimitiveDateTime::new(local.date(), local.time());
        match zone.local(wall) {
            Local::One(back) => proptest::prop_assert_eq!(back, instant),
            Local::Twice(one, two) => proptest::prop_assert!(one == instant || two == instant),
            Local::Missing => proptest::prop_assert!(false, "{} {} was shown by the clock", names[which], wall),
        }
        let start = zone.start_of_day(local.date());
        proptest::prop_assert!(start <= instant);
        proptest::prop_assert_eq!(zone.date(start), local.date());
        proptest::prop_assert!(zone.date(start - time::Duration::SECOND) < local.date());
    }

    #[test]
    fn any_text_is_a_zone_or_is_not(text in "\\PC{0,40}") {
        if let Ok(zone) = Zone::parse(&text) {
            proptest::prop_assert_eq!(Zone::parse(zone.name()), Ok(zone));
        }
    }
}
