//! Why a day or a time is not open, as callers are told it.

use std::time::Duration;

use ringbook::scheduling::board::Member;
use ringbook::scheduling::hours::Opening;
use ringbook::scheduling::slots::{Reason, Refusal};
use time::macros::{date, datetime};

use super::{DAY, at, between, board, busy, clocks, daily, exception, member, new_york, offered, unknown, wall};

#[test]
fn a_closed_day_says_why_where_everybody_has_the_same_reason() {
    let zone = new_york();
    let mut holiday = daily(&[wall(8, 18)]);
    holiday.exceptions.push(exception(date!(2026 - 12 - 25), date!(2026 - 12 - 26), &[], "Christmas"));
    let mut away = holiday.clone();
    away.exceptions.insert(0, exception(date!(2026 - 12 - 26), date!(2026 - 12 - 28), &[], "vacation"));
    let mut board = board(&zone, vec![member(&holiday), member(&away)]);
    let closed = |reason: Option<&str>| Err(Reason::Closed { reason: reason.map(str::to_owned) });
    assert_eq!(board.offers(date!(2026 - 12 - 25), None), closed(Some("Christmas")));
    assert_eq!(board.offers(date!(2026 - 12 - 26), None), closed(None));
    assert!(board.offers(date!(2026 - 12 - 24), None).is_ok() && board.offers(date!(2026 - 12 - 27), None).is_ok());
    board.wanted = Some(1);
    assert_eq!(board.offers(date!(2026 - 12 - 28), None), closed(Some("vacation")));
    assert_eq!(board.judge(datetime!(2026-12-25 10:00 -5)), Err(Refusal::Closed { reason: Some("Christmas".to_owned()) }));
    let mut weekdays = daily(&[wall(8, 18)]);
    weekdays.week.0[6].clear();
    let board = self::board(&zone, vec![member(&weekdays)]);
    assert_eq!(board.offers(date!(2026 - 12 - 06), None), closed(None));
    assert!(board.offers(date!(2026 - 12 - 05), None).is_ok());
}

#[test]
fn an_exception_may_open_a_day_and_the_first_that_covers_a_date_counts() {
    let zone = new_york();
    let mut opening = Opening::default();
    opening.exceptions.push(exception(DAY, DAY, &[wall(10, 12)], "open day"));
    opening.exceptions.push(exception(DAY, date!(2026 - 12 - 02), &[], ""));
    let board = board(&zone, vec![member(&opening)]);
    assert_eq!(offered(&board, DAY, None), ["10:00", "10:30", "11:00"]);
    assert_eq!(board.offers(date!(2026 - 12 - 02), None), Err(Reason::Closed { reason: None }), "an empty reason is none");
}

#[test]
fn the_business_can_take_time_from_own_hours_but_not_add_to_them() {
    let mut own = daily(&[wall(10, 13), wall(14, 18)]);
    own.narrowed_by.push(exception(DAY, DAY, &[wall(8, 11), wall(12, 15)], "short day"));
    own.narrowed_by.push(exception(date!(2026 - 12 - 02), date!(2026 - 12 - 03), &[], "closed"));
    own.exceptions.push(exception(date!(2026 - 12 - 03), date!(2026 - 12 - 03), &[wall(6, 8)], ""));
    let plan = own.on(DAY);
    assert_eq!((plan.spans, plan.reason), (vec![wall(10, 11), wall(12, 13), wall(14, 15)], Some("short day")));
    assert_eq!((own.on(date!(2026 - 12 - 02)).spans, own.on(date!(2026 - 12 - 02)).reason), (vec![], Some("closed")));
    assert_eq!(own.on(date!(2026 - 12 - 03)).spans, [wall(6, 8)], "an own exception wins");
    assert_eq!(own.on(date!(2026 - 12 - 04)).spans, [wall(10, 13), wall(14, 18)]);
}

#[test]
fn the_reason_is_the_true_one() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let full = [between((8, 0), (12, 0))];
    let mut board = board(&zone, vec![busy(&opening, full)]);
    assert_eq!(board.offers(DAY, None), Err(Reason::FullyBooked));
    assert_eq!(board.offers(DAY, Some(wall(12, 17))), Err(Reason::WindowClosed));
    assert_eq!(board.judge(at(12, 0)), Err(Refusal::OutsideHours));
    assert_eq!(board.judge(at(11, 1)), Err(Refusal::OutsideHours), "it would last past closing");
    assert_eq!(board.judge(at(7, 59)), Err(Refusal::OutsideHours));
    assert_eq!(board.judge(at(9, 0)), Err(Refusal::Taken));
    board.duration = Duration::from_hours(5);
    assert_eq!(board.offers(DAY, None), Err(Reason::TooLong));
    assert_eq!(self::board(&zone, Vec::new()).offers(DAY, None), Err(Reason::Closed { reason: None }));
}

#[test]
fn a_calendar_that_cannot_be_read_is_neither_free_nor_full() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let full = [between((8, 0), (12, 0))];
    let alone = board(&zone, vec![unknown(&opening)]);
    assert_eq!(alone.offers(DAY, None), Err(Reason::Unreachable));
    assert_eq!(alone.judge(at(8, 0)), Err(Refusal::Unreachable));
    assert_eq!(alone.judge(at(12, 0)), Err(Refusal::OutsideHours));
    let mut beside = board(&zone, vec![unknown(&opening), busy(&opening, full)]);
    assert_eq!(beside.offers(DAY, None), Err(Reason::Unreachable), "not fully booked: nobody knows");
    beside.wanted = Some(1);
    assert_eq!(beside.offers(DAY, None), Err(Reason::FullyBooked));
    let known = board(&zone, vec![unknown(&opening), busy(&opening, [between((8, 0), (10, 0))])]);
    assert_eq!(offered(&known, DAY, None), ["10:00", "10:30", "11:00"]);
    assert_eq!(known.judge(at(10, 0)).unwrap().technicians, [1]);
    assert_eq!(known.judge(at(8, 0)), Err(Refusal::Unreachable));
    let ours = Member { jobs: full.to_vec(), ..unknown(&opening) };
    assert_eq!(board(&zone, vec![ours]).offers(DAY, None), Err(Reason::FullyBooked), "our own jobs are known");
    let elsewhere = daily(&[wall(14, 18)]);
    let other_hours = board(&zone, vec![unknown(&elsewhere), busy(&opening, full)]);
    assert_eq!(other_hours.offers(DAY, Some(wall(8, 12))), Err(Reason::FullyBooked), "that one could not have come anyway");
}

#[test]
fn what_no_calendar_was_asked_about_is_unknown() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.asked = between((0, 0), (9, 30));
    assert_eq!(clocks(&board.slots(DAY)), ["08:00", "08:30"]);
    assert_eq!(board.judge(at(9, 0)), Err(Refusal::Unreachable));
    assert_eq!(board.offers(date!(2026 - 12 - 02), None), Err(Reason::Unreachable));
}
