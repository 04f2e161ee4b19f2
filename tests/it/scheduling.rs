//! Open times: hours, breaks, exceptions, notice, horizon, busy time, our own jobs, and days on which the clocks change.

mod chance;
mod clocks;
mod instead;
mod reasons;

use std::time::Duration;

use ringbook::scheduling::board::{Board, Member, Sight};
use ringbook::scheduling::busy::{Busy, Span};
use ringbook::scheduling::hours::{Exception, Opening, WallSpan, Week};
use ringbook::scheduling::slots::{Held, Reason, Refusal, Rules, Slot, spread};
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
fn any_whole_minute_inside_the_hours_can_be_booked() {
    let (zone, opening) = (new_york(), daily(&[wall(8, 12)]));
    let board = board(&zone, vec![member(&opening)]);
    let slot = board.judge(at(8, 17)).unwrap();
    assert_eq!((slot.start, slot.technicians), (at(8, 17), vec![0]));
    let utc = board.judge(datetime!(2026-12-01 13:17 UTC)).unwrap();
    assert_eq!((utc.start.hour(), utc.start.offset()), (8, time::macros::offset!(-5)), "said in local time");
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
