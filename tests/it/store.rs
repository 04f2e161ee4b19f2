//! Claims: who wins a time, what is the same wish, and what is left behind.

use std::time::Duration;

use ringbook::names::{BookingId, BookingState, CalendarId, EventId, Phone, Seen, Slug};
use ringbook::span::Span;
use ringbook::store::Store;
use ringbook::store::bookings::BookingRow;
use ringbook::store::claims::{Claim, Limits, Move, Moved};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::shelf::{Shelf, on_both};

pub const NOW: OffsetDateTime = datetime!(2026-11-23 14:00 UTC);
pub const NINE: OffsetDateTime = datetime!(2026-11-24 14:00 UTC);

pub fn slug() -> Slug {
    Slug::parse("abc-hvac").unwrap()
}

pub fn minutes(minutes: i64) -> time::Duration {
    time::Duration::minutes(minutes)
}

/// A claim of two hours and half an hour of buffer, by a caller of this number.
pub fn claim(start: OffsetDateTime, caller: &str) -> BookingRow {
    let id = BookingId::new();
    let span = Span::starting(start, Duration::from_hours(2));
    BookingRow {
        id,
        business: slug(),
        technician: "sam".into(),
        technician_named: false,
        calendar: CalendarId::parse("sam@abc.example").unwrap(),
        claim_key: "google:sam@abc.example".into(),
        service: "repair".into(),
        span,
        free_at: span.end + minutes(30),
        zone: "America/New_York".into(),
        wall_clock: "2026-11-24 09:00".into(),
        state: BookingState::Claimed,
        generation: 0,
        in_doubt: false,
        seen: Seen::Free,
        promised: false,
        missing_since: None,
        event_id: EventId::parse(&format!("e{}", id.to_string().replace('w', "v"))).unwrap(),
        etag: String::new(),
        confirmation: id.to_string(),
        caller_key: caller.into(),
        customer_name: "Dana Miller".into(),
        customer_phone: Phone::e164("+15557654321").unwrap(),
        address: String::new(),
        email: String::new(),
        notes: "no heat".into(),
        preferred: "Tuesday, November 24 at 9 AM".into(),
        call_id: "v1".into(),
        tool_call_id: "t1".into(),
        created_at: NOW,
    }
}

/// The span in which another booking of the same caller and service is the same wish: its start.
pub fn start_of(row: &BookingRow) -> Span {
    Span::starting(row.span.start, Duration::from_millis(1))
}

pub async fn claimed(store: &Store, row: &BookingRow) -> Claim {
    store.claim_booking(row, start_of(row), Limits::default()).await.unwrap()
}

pub fn step(row: &BookingRow, to: BookingState) -> Move<'_> {
    Move {
        was: row,
        to,
        cause: "test",
        evidence: "evidence",
        generation: 0,
        in_doubt: false,
        seen: Seen::Free,
        missing_since: None,
        event_id: &row.event_id,
        etag: "etag",
        tell: None,
        confirm: None,
        later: None,
    }
}

on_both!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    Shelf;
    of_twenty_writers_at_one_time_one_wins,
    of_twenty_deliveries_of_one_wish_one_claims_and_the_others_find_it,
    a_claim_holds_its_time_with_the_buffer_and_not_a_minute_more,
    a_refused_claim_leaves_nothing_behind,
    the_same_wish_is_found_with_and_without_a_technician_named,
    the_same_wish_within_a_window_is_found_whatever_its_start,
    a_wish_that_was_released_or_cancelled_is_free_again,
    a_confirmation_code_is_given_once_in_a_business_and_for_good,
);

async fn of_twenty_writers_at_one_time_one_wins(shelf: Shelf) {
    let other = shelf.other().await;
    let tries = (0..20).map(|index| {
        // Every one of them overlaps every other one, none is equal, and two processes are at it.
        let row = claim(NINE + minutes(index * 5), &format!("+155500000{index:02}"));
        let store = if index % 2 == 0 { shelf.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.claim_booking(&row, start_of(&row), Limits::default()).await.map(|claim| (row, claim)) })
    });
    let tries: Vec<_> = tries.collect();
    let (mut winners, mut refused) = (Vec::new(), Vec::new());
    for attempt in tries {
        match attempt.await.unwrap().unwrap() {
            (row, Claim::Ours) => winners.push(row),
            (_, Claim::Taken(holder)) => refused.push(holder.id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((winners.len(), refused.len()), (1, 19));
    assert!(refused.iter().all(|holder| *holder == winners[0].id), "the refused are told who holds the time");
    let live =
        shelf.store.claims_between("google:sam@abc.example", Span::starting(NINE, Duration::from_hours(10))).await.unwrap();
    assert_eq!(live, winners);
}

async fn of_twenty_deliveries_of_one_wish_one_claims_and_the_others_find_it(shelf: Shelf) {
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (store, row) = (shelf.store.clone(), claim(NINE, "+15557654321"));
            tokio::spawn(async move { claimed(&store, &row).await })
        })
        .collect();
    let mut ours = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Claim::Ours => ours += 1,
            Claim::Same(row) => assert_eq!(row.caller_key, "+15557654321"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ours, 1);
}

async fn a_claim_holds_its_time_with_the_buffer_and_not_a_minute_more(shelf: Shelf) {
    let first = claim(NINE, "+15550000001");
    assert!(matches!(claimed(&shelf.store, &first).await, Claim::Ours));
    for overlapping in [-149, -1, 0, 60, 149] {
        let row = claim(NINE + minutes(overlapping), "+15550000002");
        assert!(matches!(claimed(&shelf.store, &row).await, Claim::Taken(holder) if holder.id == first.id), "{overlapping}");
    }
    for touching in [-150, 150] {
        let row = claim(NINE + minutes(touching), "+15550000002");
        assert!(matches!(claimed(&shelf.store, &row).await, Claim::Ours), "{touching}");
    }
    let elsewhere = BookingRow { claim_key: "google:alex@abc.example".into(), ..claim(NINE, "+15550000003") };
    assert!(matches!(claimed(&shelf.store, &elsewhere).await, Claim::Ours), "another calendar is another matter");
}

async fn a_refused_claim_leaves_nothing_behind(shelf: Shelf) {
    let (first, second) = (claim(NINE, "+15550000001"), claim(NINE, "+15550000002"));
    claimed(&shelf.store, &first).await;
    claimed(&shelf.store, &second).await;
    assert_eq!(shelf.store.booking(second.id).await.unwrap(), None);
    assert!(shelf.moves(second.id).await.is_empty());
    assert_eq!(shelf.store.bookings_between(&slug(), Span::starting(NOW, Duration::from_hours(48))).await.unwrap(), [first]);
}

async fn the_same_wish_is_found_with_and_without_a_technician_named(shelf: Shelf) {
    let named = BookingRow { technician_named: true, ..claim(NINE, "+15550000001") };
    claimed(&shelf.store, &named).await;
    let same = |service: &'static str, caller: &'static str, technician: Option<&'static str>| {
        let store = &shelf.store;
        async move {
            store
                .same_wish(&slug(), caller, service, Span::starting(NINE, Duration::from_millis(1)), technician)
                .await
                .unwrap()
                .is_some()
        }
    };
    assert!(same("repair", "+15550000001", Some("sam")).await);
    assert!(same("repair", "+15550000001", None).await, "who names none means whoever it is");
    assert!(!same("repair", "+15550000001", Some("alex")).await, "another technician named is another job");
    assert!(!same("repair", "+15550000002", None).await);
    assert!(!same("maintenance", "+15550000001", None).await);
    let alex =
        BookingRow { technician: "alex".into(), technician_named: true, claim_key: "alex".into(), ..claim(NINE, "+15550000001") };
    assert!(matches!(claimed(&shelf.store, &alex).await, Claim::Ours));
    let anybody = BookingRow { claim_key: "third".into(), ..claim(NINE, "+15550000001") };
    assert!(matches!(claimed(&shelf.store, &anybody).await, Claim::Same(_)));
}

async fn the_same_wish_within_a_window_is_found_whatever_its_start(shelf: Shelf) {
    let first = claim(NINE, "+15550000001");
    claimed(&shelf.store, &first).await;
    let window = Span::starting(NINE - minutes(60), Duration::from_hours(4));
    let later = claim(NINE + minutes(150), "+15550000001");
    assert!(
        matches!(shelf.store.claim_booking(&later, window, Limits::default()).await.unwrap(), Claim::Same(row) if row.id == first.id)
    );
    assert!(matches!(shelf.store.claim_booking(&later, start_of(&later), Limits::default()).await.unwrap(), Claim::Ours));
}

async fn a_wish_that_was_released_or_cancelled_is_free_again(shelf: Shelf) {
    for state in [BookingState::Released, BookingState::Cancelled] {
        let row = claim(NINE, "+15550000001");
        assert!(matches!(claimed(&shelf.store, &row).await, Claim::Ours), "{state:?}");
        let moved = shelf.store.move_booking(&step(&row, state), NOW).await.unwrap();
        assert_eq!(moved, Moved::Made);
    }
    assert!(matches!(claimed(&shelf.store, &claim(NINE, "+15550000002")).await, Claim::Ours));
}

async fn a_confirmation_code_is_given_once_in_a_business_and_for_good(shelf: Shelf) {
    let first = BookingRow { confirmation: "ABC234".into(), ..claim(NINE, "+15550000001") };
    claimed(&shelf.store, &first).await;
    shelf.store.move_booking(&step(&first, BookingState::Released), NOW).await.unwrap();
    let second = BookingRow { confirmation: "ABC234".into(), ..claim(NINE + minutes(300), "+15550000002") };
    assert!(matches!(claimed(&shelf.store, &second).await, Claim::CodeInUse));
    let elsewhere = BookingRow { business: Slug::parse("xyz").unwrap(), ..second };
    assert!(matches!(claimed(&shelf.store, &elsewhere).await, Claim::Ours));
}
