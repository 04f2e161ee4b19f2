//! What is offered instead where nothing is open as it was asked for.

use ringbook::scheduling::board::{COMING_DAYS, Sight, reach};
use ringbook::scheduling::busy::Span;
use ringbook::scheduling::hours::Opening;
use ringbook::scheduling::slots::{Held, Reason, Slot, nearest};
use time::Date;
use time::macros::{date, datetime};

use super::{DAY, NOW, RULES, at, between, board, busy, clocks, daily, exception, member, new_york, wall};

#[test]
fn a_day_without_any_is_answered_with_the_coming_days() {
    let (zone, mut opening) = (new_york(), daily(&[wall(8, 18)]));
    opening.week.0[2].clear();
    let full = [between((8, 0), (18, 0))];
    let mut board = board(&zone, vec![busy(&opening, full)]);
    let days =
        |slots: &[Slot]| slots.iter().map(|slot| format!("{} {}", slot.start.date(), slot.start.hour())).collect::<Vec<_>>();
    assert_eq!(days(&board.coming_days(DAY, None)), ["2026-12-03 8", "2026-12-03 12", "2026-12-03 17"]);
    assert_eq!(days(&board.coming_days(DAY, Some(wall(8, 9)))), ["2026-12-03 8", "2026-12-03 8", "2026-12-04 8"]);
    assert_eq!(days(&board.coming_days(DAY, Some(wall(20, 22)))), ["2026-12-03 8", "2026-12-03 12", "2026-12-03 17"]);
    assert_eq!(days(&board.coming_days(date!(2020 - 01 - 01), None)), ["2026-11-21 11", "2026-11-21 14", "2026-11-21 17"]);
    assert_eq!(days(&board.coming_days(Date::MAX, None))[0], "2027-01-07 8", "the fourteen days up to the horizon");
    board.crew[0].calendar = Sight::Unknown;
    assert_eq!(board.coming_days(DAY, None), []);
}

#[test]
fn a_full_window_is_answered_with_the_rest_of_its_day_first() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 14)]));
    let board = board(&zone, vec![busy(&opening, [between((8, 0), (12, 30))])]);
    assert_eq!(board.offers(DAY, Some(wall(8, 12))), Err(Reason::FullyBooked));
    let slots = board.coming_days(DAY, Some(wall(8, 12)));
    assert_eq!(slots.iter().map(|slot| slot.start.date().day()).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(clocks(&slots), ["12:30", "13:00", "08:00"]);
}

#[test]
fn the_coming_days_end_after_fourteen_and_at_the_horizon() {
    let zone = new_york();
    let open_on = |day: Date| {
        let mut opening = Opening::default();
        opening.exceptions.push(exception(day, day, &[wall(8, 9)], ""));
        opening
    };
    let (last, after) = (open_on(date!(2026 - 12 - 15)), open_on(date!(2026 - 12 - 16)));
    assert_eq!(board(&zone, vec![member(&last)]).coming_days(DAY, None).len(), 1);
    assert_eq!(board(&zone, vec![member(&after)]).coming_days(DAY, None), []);
    let mut near = board(&zone, vec![member(&last)]);
    near.rules.horizon_days = 23;
    assert_eq!(near.coming_days(DAY, None), []);
}

#[test]
fn what_has_to_be_asked_reaches_as_far_as_the_answers() {
    let zone = new_york();
    let asked = reach(&zone, &RULES, NOW, DAY);
    assert_eq!(asked, Span { start: at(0, 0), end: datetime!(2026-12-16 00:30 -5) });
    let past = reach(&zone, &RULES, NOW, date!(2020 - 01 - 01));
    assert_eq!(past, Span { start: datetime!(2026-11-21 00:00 -5), end: datetime!(2026-12-06 00:30 -5) });
    let beyond = reach(&zone, &RULES, NOW, Date::MAX);
    assert_eq!(beyond, Span { start: datetime!(2027-01-07 00:00 -5), end: datetime!(2027-01-21 00:30 -5) });
    let opening = daily(&[wall(0, 24)]);
    let mut board = board(&zone, vec![member(&opening)]);
    board.asked = asked;
    for day in 0..=i64::from(COMING_DAYS) {
        assert_eq!(board.slots(DAY + time::Duration::days(day)).len(), 47, "day {day} is known to its end");
    }
}

#[test]
fn the_nearest_times_are_told_in_their_order() {
    let slots = |hours: &[u8]| hours.iter().map(|hour| Slot { start: at(*hour, 0), technicians: vec![0] }).collect::<Vec<_>>();
    assert_eq!(clocks(&nearest(slots(&[8, 9, 13, 14, 17]), at(12, 0), &Held::new(), 3)), ["09:00", "13:00", "14:00"]);
    assert_eq!(
        clocks(&nearest(slots(&[10, 14]), at(12, 0), &Held::new(), 1)),
        ["10:00"],
        "of two that are equally far the earlier"
    );
    assert_eq!(nearest(Vec::new(), at(12, 0), &Held::new(), 3), []);
}
