//! Days on which the clocks change: what is offered, and how long it lasts.

use std::time::Duration;

use ringbook::scheduling::slots::Refusal;
use time::macros::{date, datetime};

use super::{board, clocks, daily, member, new_york, wall, zone};

#[test]
fn the_hour_that_is_skipped_has_no_slot() {
    let (zone, opening) = (new_york(), daily(&[wall(1, 5)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.rules.horizon_days = 365;
    let slots = board.slots(date!(2027 - 03 - 14));
    assert_eq!(clocks(&slots), ["01:00", "01:30", "03:00", "03:30", "04:00"]);
    assert_eq!(slots[1].start, datetime!(2027-03-14 01:30 -5));
    assert_eq!(slots[2].start, datetime!(2027-03-14 03:00 -4));
    // Half an hour of it lies behind the gap: a job takes its time, whatever the wall clock does.
    assert_eq!(slots[2].start - slots[1].start, time::Duration::minutes(30));
    let inside = daily(&[wall(2, 3)]);
    assert_eq!(self::board(&zone, vec![member(&inside)]).slots(date!(2027 - 03 - 14)), [], "that day has no such hour");
}

#[test]
fn the_hour_that_comes_twice_is_offered_once_and_lasts_twice() {
    let (zone, opening) = (new_york(), daily(&[wall(0, 3)]));
    let mut board = board(&zone, vec![member(&opening)]);
    (board.now, board.duration) = (datetime!(2026-10-20 10:00 -4), Duration::from_mins(90));
    let slots = board.slots(date!(2026 - 11 - 01));
    assert_eq!(clocks(&slots), ["00:00", "00:30", "01:00", "01:30"]);
    assert_eq!(slots[3].start, datetime!(2026-11-01 01:30 -4));
    assert!(board.judge(datetime!(2026-11-01 01:30 -5)).is_ok(), "asked for, the second one is inside the hours");
    assert_eq!(board.judge(datetime!(2026-11-01 01:31 -5)), Err(Refusal::OutsideHours));
}

#[test]
fn a_day_without_midnight_opens_at_its_first_instant() {
    let (zone, opening) = (zone("Africa/Cairo"), daily(&[wall(0, 3)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.rules.horizon_days = 365;
    let slots = board.slots(date!(2027 - 04 - 30));
    assert_eq!(clocks(&slots), ["01:00", "01:30", "02:00"]);
    assert_eq!(slots[0].start, datetime!(2027-04-29 22:00 UTC));
    let evening = daily(&[wall(22, 24)]);
    let mut before = self::board(&zone, vec![member(&evening)]);
    before.rules.horizon_days = 365;
    assert_eq!(clocks(&before.slots(date!(2027 - 04 - 29))), ["22:00", "22:30", "23:00"], "24:00 is the instant of the change");
}

#[test]
fn a_change_of_half_an_hour_moves_nothing_off_the_grid() {
    let (zone, opening) = (zone("Australia/Lord_Howe"), daily(&[wall(1, 4)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.now = datetime!(2026-09-20 10:00 +10);
    let slots = board.slots(date!(2026 - 10 - 04));
    assert_eq!(clocks(&slots), ["01:00", "01:30", "02:30", "03:00"], "02:00 to 02:30 is skipped");
    assert_eq!(slots[2].start, datetime!(2026-10-04 02:30 +11));
    board.rules.horizon_days = 365;
    assert_eq!(clocks(&board.slots(date!(2027 - 04 - 04))), ["01:00", "01:30", "02:00", "02:30", "03:00"]);
}
