//! Open times: hours, breaks, exceptions, notice, horizon, busy time, our own jobs, and days on which the clocks change.

use std::time::Duration;

use proptest::prelude::*;
use ringbook::scheduling::board::{Board, COMING_DAYS, Member, Sight, reach};
use ringbook::scheduling::busy::{Busy, Span};
use ringbook::scheduling::hours::{Exception, Opening, WallSpan, Week};
use ringbook::scheduling::slots::{Held, MAX_OFFERS, Reason, Refusal, Rules, Slot, nearest, spread};
use ringbook::scheduling::zone::Zone;
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

/// A Tuesday.
const DAY: Date = date!(2026 - 12 - 01);
const NOW: OffsetDateTime = datetime!(2026-11-21 10:00 -5);

const RULES: Rules = Rules {
    slot_step: Duration::from_mins(30),
    minimum_notice: Duration::from_hours(1),
    horizon_days: 60,
    buffer: Duration::from_mins(30),
    max_jobs_per_day: 0,
    all_day_free_blocks: false,
};

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn new_york() -> Zone {
    zone("America/New_York")
}

fn wall(from: u16, to: u16) -> WallSpan {
    WallSpan::new(from * 60, to * 60).unwrap()
}

/// The same hours on all seven days.
fn daily(spans: &[WallSpan]) -> Opening {
    Opening { week: Week(std::array::from_fn(|_| spans.to_vec())), ..Opening::default() }
}

fn exception(from: Date, to: Date, hours: &[WallSpan], reason: &str) -> Exception {
    Exception { from, to, hours: hours.to_vec(), reason: reason.to_owned() }
}

/// On [`DAY`] in New York.
fn at(hour: u8, minute: u8) -> OffsetDateTime {
    PrimitiveDateTime::new(DAY, time::Time::from_hms(hour, minute, 0).unwrap()).assume_offset(time::macros::offset!(-5))
}

fn between(from: (u8, u8), to: (u8, u8)) -> Span {
    Span::new(at(from.0, from.1), at(to.0, to.1)).unwrap()
}

fn member(opening: &Opening) -> Member<'_> {
    Member { opening, calendar: Sight::Known(Busy::default()), jobs: Vec::new() }
}

fn busy(opening: &Opening, spans: impl IntoIterator<Item = Span>) -> Member<'_> {
    Member { calendar: Sight::Known(spans.into_iter().collect()), ..member(opening) }
}

fn unknown(opening: &Opening) -> Member<'_> {
    Member { calendar: Sight::Unknown, ..member(opening) }
}

fn working(opening: &Opening, jobs: impl IntoIterator<Item = Span>) -> Member<'_> {
    Member { jobs: jobs.into_iter().collect(), ..member(opening) }
}

/// A job of one hour, everything else as in [`RULES`].
fn board<'a>(zone: &'a Zone, crew: Vec<Member<'a>>) -> Board<'a> {
    let asked = Span { start: NOW - Duration::from_hours(24 * 400), end: NOW + Duration::from_hours(24 * 400) };
    Board { zone, rules: RULES, now: NOW, duration: Duration::from_hours(1), asked, crew, wanted: None, held: Held::new() }
}

fn clocks(slots: &[Slot]) -> Vec<String> {
    slots.iter().map(|slot| format!("{:02}:{:02}", slot.start.hour(), slot.start.minute())).collect()
}

fn offered(board: &Board<'_>, date: Date, window: Option<WallSpan>) -> Vec<String> {
    clocks(&board.offers(date, window).unwrap())
}

#[test]
fn starts_step_from_each_opening_and_no_job_passes_closing_or_a_break() {
    let (zone, opening) = (new_york(), daily(&[WallSpan::new(480, 600).unwrap(), WallSpan::new(615, 735).unwrap()]));
    let board = board(&zone, vec![member(&opening)]);
    let slots = board.slots(DAY);
    assert_eq!(clocks(&slots), ["08:00", "08:30", "09:00", "10:15", "10:45", "11:15"]);
    assert_eq!(slots[0].start, at(8, 0));
    assert_eq!(slots[0].start.offset(), time::macros::offset!(-5));
}

#[test]
fn a_buffer_may_pass_closing_and_a_day_may_end_at_midnight() {
    let (zone, opening) = (new_york(), daily(&[wall(22, 24)]));
    let board = board(&zone, vec![member(&opening)]);
    assert_eq!(clocks(&board.slots(DAY)), ["22:00", "22:30", "23:00"]);
}

#[test]
fn three_offers_at_most_are_spread_over_the_day_or_the_window() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 18)]));
    let board = board(&zone, vec![member(&opening)]);
    assert_eq!(offered(&board, DAY, None), ["08:00", "12:30", "17:00"]);
    assert_eq!(offered(&board, DAY, Some(wall(8, 12))), ["08:00", "09:30", "11:30"]);
    assert_eq!(offered(&board, DAY, Some(wall(16, 20))), ["16:00", "16:30", "17:00"]);
    assert_eq!(offered(&board, DAY, Some(wall(17, 20))), ["17:00"], "the window restricts the start only");
}

#[test]
fn slots_are_spread_with_the_first_and_the_last() {
    let slots: Vec<Slot> = (0..10).map(|hour| Slot { start: at(hour, 0), technicians: vec![0] }).collect();
    for (count, of, picked) in
        [(3, 10, "0 4 9"), (2, 10, "0 9"), (1, 10, "0"), (3, 4, "0 1 3"), (3, 3, "0 1 2"), (3, 1, "0"), (0, 5, ""), (3, 0, "")]
    {
        let found = spread(slots[..of].to_vec(), count);
        let hours: Vec<String> = found.iter().map(|slot| slot.start.hour().to_string()).collect();
        assert_eq!(hours.join(" "), picked, "{count} of {of}");
    }
}

#[test]
fn nothing_is_added_around_foreign_events() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let board = board(&zone, vec![busy(&opening, [between((9, 0), (10, 0))])]);
    assert_eq!(clocks(&board.slots(DAY)), ["08:00", "10:00", "10:30", "11:00"]);
    assert_eq!(board.judge(at(8, 1)), Err(Refusal::Taken));
    assert_eq!(board.judge(at(9, 59)), Err(Refusal::Taken));
}

#[test]
fn our_own_jobs_keep_their_buffers_on_both_sides() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 14)]));
    // From 10:00 to 11:00, and its buffer.
    let board = board(&zone, vec![working(&opening, [between((10, 0), (11, 30))])]);
    assert_eq!(clocks(&board.slots(DAY)), ["08:00", "08:30", "11:30", "12:00", "12:30", "13:00"]);
    assert_eq!(board.judge(at(8, 31)), Err(Refusal::Taken));
    assert_eq!(board.judge(at(11, 29)), Err(Refusal::Taken));
}

#[test]
fn the_least_busy_is_sent_first_then_the_order_of_the_file() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 20)]));
    let one = [between((18, 0), (19, 30))];
    let two = [between((14, 0), (15, 30)), between((18, 0), (19, 30))];
    let yesterday =
        two.map(|span| Span { start: span.start - Duration::from_hours(24), end: span.end - Duration::from_hours(24) });
    let crew = vec![working(&opening, two), working(&opening, one), working(&opening, yesterday), member(&opening)];
    let mut board = board(&zone, crew);
    assert_eq!(board.judge(at(8, 0)).unwrap().technicians, [2, 3, 1, 0]);
    assert_eq!(board.judge(at(14, 0)).unwrap().technicians, [2, 3, 1]);
    board.wanted = Some(1);
    assert_eq!(board.judge(at(8, 0)).unwrap().technicians, [1]);
    assert_eq!(board.judge(at(18, 0)), Err(Refusal::Taken));
    board.wanted = Some(9);
    assert_eq!(board.judge(at(8, 0)), Err(Refusal::Closed { reason: None }));
}

#[test]
fn a_start_on_the_steps_of_one_is_open_to_everybody_who_is_there() {
    let zone = new_york();
    let (early, late) = (daily(&[wall(8, 11)]), daily(&[WallSpan::new(495, 660).unwrap()]));
    let board = board(&zone, vec![member(&early), member(&late)]);
    let slots: Vec<(String, Vec<usize>)> =
        board.slots(DAY).into_iter().map(|slot| (clocks(std::slice::from_ref(&slot)).concat(), slot.technicians)).collect();
    let expected =
        [("08:00", vec![0]), ("08:15", vec![0, 1]), ("08:30", vec![0, 1]), ("08:45", vec![0, 1]), ("09:00", vec![0, 1])];
    assert_eq!(slots[..5], expected.map(|(clock, who)| (clock.to_owned(), who)));
}

#[test]
fn a_technician_with_enough_jobs_takes_no_more_that_day() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 20)]));
    let jobs = [between((8, 0), (9, 30)), between((18, 0), (19, 30))];
    let mut board = board(&zone, vec![working(&opening, jobs)]);
    board.rules.max_jobs_per_day = 3;
    assert!(board.judge(at(12, 0)).is_ok());
    board.rules.max_jobs_per_day = 2;
    assert_eq!(board.judge(at(12, 0)), Err(Refusal::Taken));
    assert_eq!(board.offers(DAY, None), Err(Reason::FullyBooked));
    assert!(board.offers(DAY.next_day().unwrap(), None).is_ok());
}

#[test]
fn the_notice_counts_from_now() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 18)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.now = at(9, 15);
    assert_eq!(offered(&board, DAY, None)[0], "10:30");
    assert!(board.judge(at(10, 15)).is_ok(), "exactly the notice is enough");
    assert_eq!(board.judge(at(10, 14)), Err(Refusal::TooSoon));
    assert_eq!(board.judge(at(9, 15)), Err(Refusal::TooSoon));
    assert_eq!(board.judge(at(9, 14)), Err(Refusal::Past));
    board.now = at(16, 1);
    assert_eq!(board.offers(DAY, None), Err(Reason::TooSoon));
    assert_eq!(board.offers(DAY, Some(wall(8, 12))), Err(Reason::TooSoon));
    board.rules.minimum_notice = Duration::from_hours(48);
    assert_eq!(board.offers(DAY.next_day().unwrap(), None), Err(Reason::TooSoon));
}

#[test]
fn the_horizon_and_today_are_local_dates() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 24)]));
    let mut board = board(&zone, vec![member(&opening)]);
    board.rules.horizon_days = 10;
    // In UTC it is the 22nd already.
    board.now = datetime!(2026-11-21 22:00 -5);
    let last_date = date!(2026 - 12 - 01);
    assert!(board.offers(last_date, None).is_ok());
    assert_eq!(board.offers(date!(2026 - 12 - 02), None), Err(Reason::BeyondHorizon { last_date }));
    assert!(board.judge(datetime!(2026-12-01 23:00 -5)).is_ok());
    assert_eq!(board.judge(datetime!(2026-12-02 08:00 -5)), Err(Refusal::BeyondHorizon { last_date }));
    assert_eq!(board.offers(date!(2026 - 11 - 20), None), Err(Reason::PastDate));
    assert_eq!(board.offers(Date::MIN, None), Err(Reason::PastDate));
    assert_eq!(board.offers(Date::MAX, None), Err(Reason::BeyondHorizon { last_date }));
    assert_eq!(offered(&board, date!(2026 - 11 - 21), None), ["23:00"], "today is not over");
}

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

#[test]
fn any_whole_minute_inside_the_hours_can_be_booked() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let board = board(&zone, vec![member(&opening)]);
    let slot = board.judge(at(8, 17)).unwrap();
    assert_eq!((slot.start, slot.technicians), (at(8, 17), vec![0]));
    let utc = board.judge(datetime!(2026-12-01 13:17 UTC)).unwrap();
    assert_eq!((utc.start.hour(), utc.start.offset()), (8, time::macros::offset!(-5)), "said in local time");
}

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

#[test]
fn busy_time_is_the_same_however_it_was_put_together() {
    let pieces = [between((8, 0), (9, 0)), between((9, 0), (10, 0)), between((8, 30), (9, 30))];
    let whole: Busy = [between((8, 0), (10, 0))].into_iter().collect();
    assert_eq!(pieces.into_iter().collect::<Busy>(), whole);
    assert_eq!(pieces.into_iter().rev().collect::<Busy>(), whole);
    assert!(whole.is_free(between((7, 0), (8, 0))) && whole.is_free(between((10, 0), (11, 0))));
    assert!(!whole.is_free(between((7, 0), (8, 1))) && !whole.is_free(between((9, 59), (11, 0))));
    let mut odd = whole.clone();
    odd.insert(Span { start: at(12, 0), end: at(12, 0) });
    odd.insert(Span { start: at(14, 0), end: at(13, 0) });
    assert_eq!(odd, whole, "an empty span is not busy, and breaks nothing");
    let instant: Busy = [Span { start: at(12, 0), end: at(12, 0) + Duration::from_nanos(1) }].into_iter().collect();
    assert!(!instant.is_free(between((12, 0), (13, 0))), "rounded outwards");
}

/// Everything that decides, made by chance.
#[derive(Clone, Debug)]
struct Scene {
    zone: &'static str,
    date: Date,
    now: OffsetDateTime,
    rules: Rules,
    duration: Duration,
    window: Option<WallSpan>,
    wanted: Option<usize>,
    crew: Vec<(Opening, Option<Vec<Span>>, Vec<Span>)>,
}

impl Scene {
    fn board<'a>(&'a self, zone: &'a Zone) -> Board<'a> {
        let sight =
            |busy: &Option<Vec<Span>>| busy.as_ref().map_or(Sight::Unknown, |busy| Sight::Known(busy.iter().copied().collect()));
        let crew =
            self.crew.iter().map(|(opening, busy, jobs)| Member { opening, calendar: sight(busy), jobs: jobs.clone() }).collect();
        let asked = reach(zone, &self.rules, self.now, self.date);
        Board {
            zone,
            rules: self.rules,
            now: self.now,
            duration: self.duration,
            asked,
            crew,
            wanted: self.wanted,
            held: Held::new(),
        }
    }

    /// By the rules of the contract, without anything of the board: who could do the job then.
    fn who(&self, zone: &Zone, start: OffsetDateTime) -> Vec<usize> {
        let (date, today) = (zone.date(start), zone.date(self.now));
        let job = Span::starting(start, self.duration);
        let blocked = Span::starting(start, self.duration + self.rules.buffer);
        if start < self.now + self.rules.minimum_notice || date > today + time::Duration::days(i64::from(self.rules.horizon_days))
        {
            return Vec::new();
        }
        let that_day = |jobs: &[Span]| jobs.iter().filter(|job| zone.date(job.start) == date).count();
        let mut free: Vec<(usize, usize)> = Vec::new();
        for (index, (opening, busy, jobs)) in self.crew.iter().enumerate() {
            let full = self.rules.max_jobs_per_day != 0 && that_day(jobs) >= self.rules.max_jobs_per_day as usize;
            let Some(busy) = busy else { continue };
            let clear = busy.iter().all(|span| !span.overlaps(&job)) && jobs.iter().all(|span| !span.overlaps(&blocked));
            let open = opening.on(date).spans.iter().any(|wall| fits(zone, *wall, job));
            if !full && clear && open && self.wanted.is_none_or(|wanted| wanted == index) {
                free.push((that_day(jobs), index));
            }
        }
        free.sort_unstable();
        free.into_iter().map(|(_, index)| index).collect()
    }

    /// Whether a step of somebody's hours begins then, and the wall clock shows it for the first time.
    fn is_on_grid(&self, zone: &Zone, start: OffsetDateTime) -> bool {
        let local = zone.civil(start);
        let minute = zone.minute_of_day(start);
        let step = u16::try_from(self.rules.slot_step.as_secs() / 60).unwrap();
        let steps = |wall: &WallSpan| wall.contains_minute(minute) && (minute - wall.from_minute).is_multiple_of(step);
        let first = zone.local(PrimitiveDateTime::new(local.date(), local.time())).first() == Some(start);
        let wanted = self.crew.iter().enumerate().filter(|(index, _)| self.wanted.is_none_or(|wanted| wanted == *index));
        let job = Span::starting(start, self.duration);
        first
            && wanted
                .into_iter()
                .any(|(_, (opening, ..))| opening.on(local.date()).spans.iter().any(|wall| steps(wall) && fits(zone, *wall, job)))
    }
}

fn fits(zone: &Zone, wall: WallSpan, job: Span) -> bool {
    let date = zone.date(job.start);
    zone.bound(date, wall.from_minute) <= job.start && job.end <= zone.bound(date, wall.to_minute)
}

/// Dates around changes of the clocks, and an ordinary one.
const PLACES: [(&str, Date); 7] = [
    ("America/New_York", date!(2027 - 03 - 14)),
    ("America/New_York", date!(2027 - 11 - 07)),
    ("Africa/Cairo", date!(2027 - 04 - 30)),
    ("Australia/Lord_Howe", date!(2027 - 10 - 03)),
    ("Australia/Lord_Howe", date!(2027 - 04 - 04)),
    ("Europe/Zurich", date!(2027 - 10 - 31)),
    ("America/Winnipeg", date!(2027 - 06 - 01)),
];

fn day_hours() -> impl Strategy<Value = Vec<WallSpan>> {
    prop_oneof![
        1 => Just(Vec::new()),
        2 => Just(vec![wall(0, 24)]),
        4 => proptest::collection::btree_set(0_u16..=1440, 2..=4).prop_map(|cuts| {
            let cuts: Vec<u16> = cuts.into_iter().collect();
            cuts.chunks_exact(2).filter_map(|pair| WallSpan::new(pair[0], pair[1])).collect()
        }),
    ]
}

/// Spans within a day and a half around the date, in minutes; short ones, so that some of the day is left.
fn spans(start: OffsetDateTime, most: usize) -> impl Strategy<Value = Vec<Span>> {
    let span = (-360_i64..1800, 1_u64..240)
        .prop_map(move |(from, length)| Span::starting(start + time::Duration::minutes(from), Duration::from_mins(length)));
    proptest::collection::vec(span, 0..=most)
}

fn crew(start: OffsetDateTime) -> impl Strategy<Value = Vec<(Opening, Option<Vec<Span>>, Vec<Span>)>> {
    let opening = (day_hours(), day_hours()).prop_map(|(one, other)| Opening {
        week: Week(std::array::from_fn(|day| if day % 2 == 0 { one.clone() } else { other.clone() })),
        ..Opening::default()
    });
    let one = (opening, proptest::option::weighted(0.8, spans(start, 5)), spans(start, 3));
    proptest::collection::vec(one, 1..=3)
}

fn scene() -> impl Strategy<Value = Scene> {
    (0..PLACES.len(), -1_i64..=1).prop_flat_map(|(place, shift)| {
        let (name, date) = PLACES[place];
        let date = date + time::Duration::days(shift);
        let start = zone(name).start_of_day(date);
        let rules = (prop_oneof![Just(7_u64), Just(15), Just(30), Just(60)], 0_u64..180, 0_u16..3, 0_u64..60, 0_u32..3);
        let rules = rules.prop_map(|(step, notice, horizon_days, buffer, max_jobs_per_day)| Rules {
            slot_step: Duration::from_mins(step),
            minimum_notice: Duration::from_mins(notice),
            horizon_days,
            buffer: Duration::from_mins(buffer),
            max_jobs_per_day,
            all_day_free_blocks: false,
        });
        let window =
            proptest::option::of((0_u16..1440, 1_u16..=1440).prop_filter_map("turned", |(from, to)| WallSpan::new(from, to)));
        let wanted = proptest::option::weighted(0.2, 0_usize..3);
        (rules, -2000_i64..1500, 1_u64..300, window, wanted, crew(start)).prop_map(
            move |(rules, now, duration, window, wanted, crew)| Scene {
                zone: name,
                date,
                now: start + time::Duration::minutes(now),
                rules,
                duration: Duration::from_mins(duration),
                window,
                wanted,
                crew,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn slots_are_exactly_what_the_rules_allow(scene in scene()) {
        let zone = zone(scene.zone);
        let (board, mut expected) = (scene.board(&zone), Vec::new());
        let (mut instant, end) = (zone.start_of_day(scene.date), zone.start_of_day(scene.date.next_day().unwrap()));
        while instant < end {
            let technicians = if scene.is_on_grid(&zone, instant) { scene.who(&zone, instant) } else { Vec::new() };
            if !technicians.is_empty() {
                expected.push(Slot { start: zone.civil(instant), technicians });
            }
            instant += Duration::from_mins(1);
        }
        prop_assert_eq!(board.slots(scene.date), expected);
    }

    #[test]
    fn every_offer_can_be_booked_and_breaks_no_rule(scene in scene()) {
        let zone = zone(scene.zone);
        let board = scene.board(&zone);
        let offers = board.offers(scene.date, scene.window).unwrap_or_default();
        prop_assert!(offers.len() <= MAX_OFFERS);
        for slot in &offers {
            prop_assert_eq!(slot.start.date(), scene.date);
            prop_assert!(scene.window.is_none_or(|window| window.contains_minute(zone.minute_of_day(slot.start))));
        }
        for slot in offers.into_iter().chain(board.coming_days(scene.date, scene.window)) {
            prop_assert_eq!(board.judge(slot.start), Ok(slot.clone()));
            let job = Span::starting(slot.start, scene.duration);
            let blocked = Span::starting(slot.start, scene.duration + scene.rules.buffer);
            for index in &slot.technicians {
                let (opening, busy, jobs) = &scene.crew[*index];
                prop_assert!(opening.spans(slot.start.date(), &zone).iter().any(|open| open.contains(&job)));
                prop_assert!(busy.as_ref().expect("a known calendar").iter().all(|span| !span.overlaps(&job)));
                prop_assert!(jobs.iter().all(|span| !span.overlaps(&blocked)));
            }
            prop_assert!(slot.start >= scene.now + scene.rules.minimum_notice);
            prop_assert!(slot.start.date() <= zone.date(scene.now) + time::Duration::days(i64::from(scene.rules.horizon_days)));
        }
    }

    #[test]
    fn any_minute_is_judged_by_the_same_rules(scene in scene(), minute in 0_i64..1500) {
        let zone = zone(scene.zone);
        let start = zone.civil(zone.start_of_day(scene.date) + time::Duration::minutes(minute));
        let technicians = scene.who(&zone, start);
        match scene.board(&zone).judge(start) {
            Ok(slot) => prop_assert_eq!(slot, Slot { start, technicians }),
            Err(refusal) => {
                prop_assert_eq!(technicians, Vec::<usize>::new(), "{}", refusal);
                let asked = scene.board(&zone).asked.contains(&Span::starting(start, scene.duration));
                let unknown = !asked || scene.crew.iter().any(|(_, busy, _)| busy.is_none());
                prop_assert!(refusal != Refusal::Unreachable || unknown);
            }
        }
    }

    #[test]
    fn the_answer_does_not_depend_on_the_order_of_busy_time(scene in scene(), seed in any::<u64>()) {
        let zone = zone(scene.zone);
        let mut other = scene.clone();
        for (_, busy, jobs) in &mut other.crew {
            jobs.reverse();
            if let Some(busy) = busy {
                let by = usize::try_from(seed % 7).unwrap() % busy.len().max(1);
                busy.rotate_left(by);
                busy.reverse();
            }
        }
        let (one, two) = (scene.board(&zone), other.board(&zone));
        prop_assert_eq!(one.offers(scene.date, scene.window), two.offers(scene.date, scene.window));
        prop_assert_eq!(one.coming_days(scene.date, scene.window), two.coming_days(scene.date, scene.window));
    }

    #[test]
    fn an_unknown_calendar_is_never_free_and_never_full(scene in scene()) {
        let zone = zone(scene.zone);
        let mut blind = scene.clone();
        blind.crew.iter_mut().for_each(|(_, busy, jobs)| { *busy = None; jobs.clear(); });
        prop_assert_eq!(blind.board(&zone).slots(scene.date), Vec::<Slot>::new());
        prop_assert!(blind.board(&zone).offers(scene.date, scene.window) != Err(Reason::FullyBooked));
        prop_assert_eq!(blind.board(&zone).coming_days(scene.date, scene.window), Vec::<Slot>::new());
    }
}
