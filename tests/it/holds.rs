//! `hold_seconds`: what one caller thinks about is offered to others last. It is never kept from them.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use ringbook::names::Slug;
use ringbook::scheduling::board::{Board, COMING_DAYS, Member, Sight};
use ringbook::scheduling::busy::Span;
use ringbook::scheduling::hours::{Opening, WallSpan, Week};
use ringbook::scheduling::slots::{Held, MAX_OFFERS, Rules, Slot};
use ringbook::scheduling::zone::Zone;
use serde_json::{Value, json};
use time::Date;
use time::macros::date;

use crate::house::{BUSINESS, House, NOW, Plan, SLUG};
use crate::promises::{promises_kept, repair, repair_by_sam, said, when, with};
use crate::spoken::message;

const CHECK: &str = "checkAvailability";
const BOOK: &str = "bookAppointment";
const FIRST: &str = "For repair I have Tuesday, November 24 at 8 AM, 2 PM or 6 PM. Which time suits you?";

async fn asks(house: &House, call: &str, id: &str) -> String {
    said(&house.tool(call, id, CHECK, with(when("2026-11-24"), &json!({ "technician": "Sam" }))).await)
}

async fn ends(house: &House, call: &str, kind: &str, more: Value) {
    assert_eq!(house.vapi(&message(call, kind, &more)).await.body, "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_caller_was_offered_another_hears_last_and_can_book_all_the_same() {
    let house = House::new().await;
    assert_eq!(asks(&house, "call-1", "t1").await, FIRST);
    assert_eq!(
        asks(&house, "call-2", "t1").await,
        "For repair I have Tuesday, November 24 at 8:30 AM, 1:30 PM or 5:30 PM. Which time suits you?"
    );
    assert_eq!(asks(&house, "call-1", "t2").await, FIRST, "one's own times are not in one's way");
    let booked = said(&house.tool_of("+15551112222", "call-2", "t2", BOOK, repair("2026-11-24T08:00")).await);
    assert!(booked.contains("Tuesday, November 24 at 8 AM"), "{booked}");
    assert_eq!(promises_kept(&house).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_for_which_two_are_free_is_not_held_by_one_caller() {
    let house = House::new().await;
    let asks = async |call: &str| said(&house.tool(call, "t1", CHECK, when("2026-11-24")).await);
    assert_eq!((asks("call-1").await, asks("call-2").await), (FIRST.into(), FIRST.into()));
    assert!(!asks("call-3").await.contains("8 AM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lasts_as_long_as_the_owner_says_by_our_clock() {
    let house = Plan::new().business(SLUG, &format!("{BUSINESS}\n[rules]\nhold_seconds = 30\n")).build().await;
    assert_eq!(asks(&house, "call-1", "t1").await, FIRST);
    house.clock.advance(Duration::from_millis(29_999));
    assert!(!asks(&house, "call-2", "t1").await.contains("8 AM"));
    ends(&house, "call-2", "end-of-call-report", json!({})).await;
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(asks(&house, "call-3", "t1").await, FIRST);
    // Offered anew, held anew.
    ends(&house, "call-3", "end-of-call-report", json!({})).await;
    assert_eq!(asks(&house, "call-1", "t2").await, FIRST);
    house.clock.advance(Duration::from_secs(20));
    assert!(!asks(&house, "call-4", "t1").await.contains("8 AM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_ends_with_its_call() {
    for (kind, more) in [
        ("end-of-call-report", json!({ "endedReason": "customer-ended-call" })),
        ("status-update", json!({ "status": "ended", "endedReason": "customer-ended-call" })),
    ] {
        let house = House::new().await;
        assert_eq!(asks(&house, "call-1", "t1").await, FIRST);
        ends(&house, "call-1", "status-update", json!({ "status": "in-progress" })).await;
        ends(&house, "call-9", kind, more.clone()).await;
        assert_ne!(asks(&house, "call-2", "t1").await, FIRST);
        ends(&house, "call-2", kind, more.clone()).await;
        ends(&house, "call-1", kind, more).await;
        assert_eq!(asks(&house, "call-3", "t1").await, FIRST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_open_times_are_offered_to_everybody() {
    let scarce = BUSINESS.replace("tuesday = [\"08:00-12:00\", \"12:30-20:00\"]", "tuesday = [\"08:00-10:30\"]");
    let house = Plan::new().business(SLUG, &scarce).build().await;
    for call in ["call-1", "call-2", "call-3"] {
        let open = asks(&house, call, "t1").await;
        assert_eq!(open, "For repair I have Tuesday, November 24 at 8 AM or 8:30 AM. Which time suits you?", "{call}");
    }
    let wish = with(when("2026-11-24"), &json!({ "timeWindow": "morning", "customerName": "Dana Miller" }));
    let first = said(&house.tool("call-3", "t2", "scheduleHVACAppointment", wish).await);
    assert!(first.contains("at 8 AM"), "a booking asks for no hold: {first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_too_late_hears_of_times_that_nobody_else_thinks_about() {
    let house = House::new().await;
    said(&house.tool("call-1", "t1", BOOK, repair_by_sam("2026-11-24T12:30")).await);
    let wish = with(when("2026-11-24"), &json!({ "technician": "Sam", "timeWindow": "afternoon" }));
    let thought_about = said(&house.tool("call-1", "t2", CHECK, wish).await);
    assert!(thought_about.contains("at 3 PM, 3:30 PM or 4:30 PM"), "{thought_about}");
    let late = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, repair_by_sam("2026-11-24T13:00")).await);
    assert!(
        late.contains("already taken") && late.contains("I do have Tuesday, November 24 at 9:30 AM, 10 AM or 4 PM"),
        "{late}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rule_all_callers_hear_the_same() {
    let house = Plan::new().business(SLUG, &format!("{BUSINESS}\n[rules]\nhold_seconds = 0\n")).build().await;
    assert_eq!((asks(&house, "call-1", "t1").await, asks(&house, "call-2", "t1").await), (FIRST.into(), FIRST.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_belong_to_one_business_and_old_ones_are_forgotten() {
    let house = House::new().await;
    let (store, slug) = (house.store().await, |text: &str| Slug::parse(text).unwrap());
    let hour = |number: i64| NOW + time::Duration::hours(number);
    let (ours, short) = (slug("abc"), slug("ab"));
    store.keep_offers(&ours, "c1", &[hour(1), hour(2)], hour(0)).await.unwrap();
    store.keep_offers(&ours, "c2", &[hour(2), hour(3)], hour(0)).await.unwrap();
    store.keep_offers(&short, "c1", &[hour(4)], hour(0)).await.unwrap();
    let held = async |business: &Slug, call: &str, since| store.offered_to_others(business, call, since).await.unwrap();
    assert_eq!(held(&ours, "c9", hour(-1)).await, BTreeMap::from([(hour(1), 1), (hour(2), 2), (hour(3), 1)]));
    assert_eq!(held(&ours, "c1", hour(-1)).await, BTreeMap::from([(hour(2), 1), (hour(3), 1)]));
    assert_eq!(held(&ours, "c9", hour(0)).await, BTreeMap::new(), "up to but not including the end");
    assert_eq!(held(&short, "c2", hour(-1)).await, BTreeMap::from([(hour(4), 1)]));
    store.forget_offers(&ours, "c2").await.unwrap();
    assert_eq!(held(&ours, "c9", hour(-1)).await, BTreeMap::from([(hour(1), 1), (hour(2), 1)]));
    store.keep_offers(&ours, "c3", &[hour(30)], hour(25)).await.unwrap();
    assert_eq!(held(&ours, "c9", hour(-1)).await, BTreeMap::from([(hour(30), 1)]));
    assert!(store.offered_in(&short, "c1").await.unwrap().is_empty());
    store.close().await;
}

/// A Tuesday.
const DAY: Date = date!(2026 - 12 - 01);

/// A technician's hours and busy time, what is held, the window, and whether half of all is held besides.
#[derive(Clone, Debug)]
struct Scene {
    hours: (u16, u16),
    busy: Vec<(i64, i64)>,
    held: Vec<i64>,
    window: Option<WallSpan>,
}

fn scene() -> impl Strategy<Value = Scene> {
    let hours = (6_u16..12, 1_u16..8);
    let busy = proptest::collection::vec((-200_i64..24 * 60 * 15, 30_i64..2000), 0..12);
    let held = proptest::collection::vec(12_i64..48 * 16, 0..300);
    let window = proptest::option::of(
        (6_u16..12, 1_u16..8).prop_map(|(from, long)| WallSpan::new(from * 60, (from + long) * 60).unwrap()),
    );
    (hours, busy, held, window).prop_map(|(hours, busy, held, window)| Scene { hours, busy, held, window })
}

impl Scene {
    fn board<'a>(&self, zone: &'a Zone, opening: &'a Opening, held: Held) -> Board<'a> {
        let start = zone.start_of_day(DAY);
        let minutes = |number: i64| start + time::Duration::minutes(number);
        let busy = self.busy.iter().map(|(from, long)| Span { start: minutes(*from), end: minutes(from + long) }).collect();
        let rules = Rules {
            slot_step: Duration::from_mins(30),
            minimum_notice: Duration::from_hours(1),
            horizon_days: 60,
            buffer: Duration::ZERO,
            max_jobs_per_day: 0,
            all_day_free_blocks: false,
        };
        let asked = Span { start, end: minutes(24 * 60 * 20) };
        let crew = vec![Member { opening, calendar: Sight::Known(busy), jobs: Vec::new() }];
        Board { zone, rules, now: NOW, duration: Duration::from_hours(1), asked, crew, wanted: None, held }
    }

    fn opening(&self) -> Opening {
        let (from, long) = self.hours;
        let span = WallSpan::new(from * 60, (from + long) * 60).unwrap();
        Opening { week: Week(std::array::from_fn(|_| vec![span])), ..Opening::default() }
    }
}

/// Offers are open, in order, as many as can be, and nothing held is among them while something else is left out.
fn well_picked(offers: &[Slot], open: &[Slot], held: &Held) -> Result<(), TestCaseError> {
    let is_held = |slot: &&Slot| held.contains_key(&slot.start);
    prop_assert!(offers.iter().all(|offer| open.contains(offer)));
    prop_assert!(offers.is_sorted_by(|one, next| one.start < next.start));
    prop_assert_eq!(offers.len(), open.len().min(MAX_OFFERS));
    let free = open.iter().filter(|slot| !is_held(slot)).count();
    prop_assert_eq!(offers.iter().filter(|slot| !is_held(slot)).count(), free.min(MAX_OFFERS));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn holds_choose_among_open_times_and_change_none_of_them(scene in scene(), wanted in 0_i64..1440) {
        let (zone, opening) = (Zone::parse("America/New_York").unwrap(), scene.opening());
        let start = zone.start_of_day(DAY);
        let held: Held = scene.held.iter().map(|number| (start + time::Duration::minutes(number * 30), 1)).collect();
        let (board, without) = (scene.board(&zone, &opening, held.clone()), scene.board(&zone, &opening, Held::new()));
        let days: Vec<Date> = (0..=i64::from(COMING_DAYS)).map(|day| DAY + time::Duration::days(day)).collect();
        for day in &days {
            prop_assert_eq!(board.slots(*day), without.slots(*day));
            prop_assert_eq!(board.open(*day, scene.window), without.open(*day, scene.window));
        }
        let wanted = start + time::Duration::minutes(wanted);
        prop_assert_eq!(board.judge(wanted), without.judge(wanted));
        match (board.offers(DAY, scene.window), board.open(DAY, scene.window)) {
            (Ok(offers), Ok(open)) => well_picked(&offers, &open, &held)?,
            (offers, open) => prop_assert_eq!(offers.err(), open.err()),
        }
        well_picked(&board.nearest(DAY, wanted), &board.slots(DAY), &held)?;
        let rest = scene.window.map(|_| board.slots(DAY)).unwrap_or_default();
        let later = days[1..].iter().flat_map(|day| board.open(*day, scene.window).unwrap_or_else(|_| board.slots(*day)));
        let other_times: Vec<Slot> = rest.into_iter().chain(later).collect();
        well_picked(&board.coming_days(DAY, scene.window), &other_times, &held)?;
        well_picked(&without.coming_days(DAY, scene.window), &other_times, &Held::new())?;
    }
}
