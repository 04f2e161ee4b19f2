//! Moves of bookings: recorded with their evidence, made from where the booking stands, and found again after a restart.

use ringbook::names::{BookingId, BookingState, Seen};
use ringbook::store::bookings::BookingRow;
use ringbook::store::claims::{Move, Moved};
use ringbook::store::jobs::Job;

use crate::shelf::{Shelf, on_both};
use crate::store::{NINE, NOW, claim, claimed, minutes, step};

/// The row as it is now.
async fn now(shelf: &Shelf, row: &BookingRow) -> BookingRow {
    shelf.store.booking(row.id).await.unwrap().unwrap()
}

on_both!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    Shelf;
    a_booking_is_read_back_as_it_was_written,
    every_move_is_recorded_with_its_cause_and_evidence_and_survives,
    who_comes_from_the_wrong_state_moves_nothing_and_records_nothing,
    who_has_not_seen_the_latest_move_moves_nothing_even_within_a_state,
    a_promise_is_made_only_while_nothing_is_decided_and_is_told_with_the_move_that_decides,
    unfinished_bookings_are_found_until_they_are_decided,
);

async fn a_booking_is_read_back_as_it_was_written(shelf: Shelf) {
    let row = BookingRow {
        technician_named: true,
        generation: 2,
        in_doubt: true,
        promised: true,
        missing_since: Some(NOW),
        customer_name: "Zoë \"O'Brien\"; DROP TABLE bookings; --\u{1f600}".into(),
        address: "1 Main St".into(),
        email: "dana@example.com".into(),
        ..claim(NINE, "v1/+15557654321")
    };
    claimed(&shelf.store, &row).await;
    let shelf = shelf.reopened().await;
    assert_eq!(shelf.store.booking(row.id).await.unwrap(), Some(row));
}

async fn every_move_is_recorded_with_its_cause_and_evidence_and_survives(shelf: Shelf) {
    let row = claim(NINE, "+15550000001");
    claimed(&shelf.store, &row).await;
    let sent = Move { cause: "look_free", evidence: "e1", in_doubt: true, ..step(&row, BookingState::Inserting) };
    assert_eq!(shelf.store.move_booking(&sent, NOW).await.unwrap(), Moved::Made);
    let row = now(&shelf, &row).await;
    let placed = Move { cause: "insert_placed", evidence: "e1 tag", generation: 1, ..step(&row, BookingState::Confirmed) };
    assert_eq!(shelf.store.move_booking(&placed, NOW).await.unwrap(), Moved::Made);
    let shelf = shelf.reopened().await;
    let moves = shelf.moves(row.id).await;
    let expected = [
        ("", "claimed", "wish", "t1"),
        ("claimed", "inserting", "look_free", "e1"),
        ("inserting", "confirmed", "insert_placed", "e1 tag"),
    ];
    let expected =
        expected.map(|(from, to, cause, evidence)| (from.to_owned(), to.to_owned(), cause.to_owned(), evidence.to_owned()));
    assert_eq!(moves, expected);
    let kept = shelf.store.booking(row.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.generation, kept.in_doubt, kept.etag.as_str()), (BookingState::Confirmed, 1, false, "etag"));
}

async fn who_comes_from_the_wrong_state_moves_nothing_and_records_nothing(shelf: Shelf) {
    let row = claim(NINE, "+15550000001");
    claimed(&shelf.store, &row).await;
    for elsewhere in
        [BookingRow { state: BookingState::Inserting, ..row.clone() }, BookingRow { id: BookingId::new(), ..row.clone() }]
    {
        let confirming = step(&elsewhere, BookingState::Confirmed);
        assert_eq!(shelf.store.move_booking(&confirming, NOW).await.unwrap(), Moved::Elsewhere);
    }
    assert_eq!(shelf.store.booking(row.id).await.unwrap().unwrap().state, BookingState::Claimed);
    assert_eq!(shelf.moves(row.id).await.len(), 1);
}

async fn who_has_not_seen_the_latest_move_moves_nothing_even_within_a_state(shelf: Shelf) {
    let row = claim(NINE, "+15550000001");
    claimed(&shelf.store, &row).await;
    shelf.store.move_booking(&step(&row, BookingState::Inserting), NOW).await.unwrap();
    let read = now(&shelf, &row).await;
    let same = || Move { seen: read.seen, ..step(&read, BookingState::Inserting) };
    let by_another = [
        Move { generation: 1, ..same() },
        Move { in_doubt: true, ..same() },
        Move { seen: Seen::Taken, ..same() },
        Move { missing_since: Some(NOW), ..same() },
    ];
    for other in by_another {
        assert_eq!(shelf.store.move_booking(&other, NOW).await.unwrap(), Moved::Made);
        let behind = shelf.store.move_booking(&step(&read, BookingState::Released), NOW).await.unwrap();
        assert_eq!(behind, Moved::Elsewhere, "{other:?}");
        let latest = now(&shelf, &row).await;
        let back = Move { seen: read.seen, ..step(&latest, BookingState::Inserting) };
        assert_eq!(shelf.store.move_booking(&back, NOW).await.unwrap(), Moved::Made);
    }
}

async fn a_promise_is_made_only_while_nothing_is_decided_and_is_told_with_the_move_that_decides(shelf: Shelf) {
    let row = claim(NINE, "+15550000001");
    claimed(&shelf.store, &row).await;
    assert!(shelf.store.promise_booking(row.id).await.unwrap());
    shelf.store.move_booking(&step(&row, BookingState::Inserting), NOW).await.unwrap();
    let row = now(&shelf, &row).await;
    assert!(shelf.store.promise_booking(row.id).await.unwrap(), "a second one is told the same");
    let job = Job::Settle { booking: row.id };
    let told = |row| Move { tell: Some(("told".to_owned(), job.clone())), ..step(row, BookingState::Confirmed) };
    let confirmed = shelf.store.move_booking(&told(&row), NOW).await.unwrap();
    assert_eq!(confirmed, Moved::Made);
    let leased = shelf.store.lease_job(NOW, std::time::Duration::from_secs(9)).await.unwrap().unwrap();
    assert_eq!((leased.key.as_str(), &leased.job), ("told", &job));
    assert!(shelf.store.finish_job(&leased).await.unwrap());
    assert!(!shelf.store.promise_booking(row.id).await.unwrap());
    let silent = claim(NINE + minutes(600), "+15550000003");
    claimed(&shelf.store, &silent).await;
    shelf.store.move_booking(&told(&silent), NOW).await.unwrap();
    assert!(
        shelf.store.lease_job(NOW, std::time::Duration::from_secs(9)).await.unwrap().is_none(),
        "nobody was promised anything"
    );
    let lost = claim(NINE + minutes(300), "+15550000002");
    claimed(&shelf.store, &lost).await;
    shelf.store.move_booking(&step(&lost, BookingState::Compensating), NOW).await.unwrap();
    assert!(!shelf.store.promise_booking(lost.id).await.unwrap(), "what is being taken out is never promised");
}

async fn unfinished_bookings_are_found_until_they_are_decided(shelf: Shelf) {
    let rows: Vec<BookingRow> = (0..4).map(|index| claim(NINE + minutes(index * 200), "+15550000001")).collect();
    let states = [BookingState::Claimed, BookingState::Inserting, BookingState::Compensating, BookingState::Confirmed];
    for (row, state) in rows.iter().zip(states) {
        claimed(&shelf.store, row).await;
        shelf.store.move_booking(&step(row, state), NOW).await.unwrap();
    }
    let shelf = shelf.reopened().await;
    let found = shelf.store.unfinished_bookings(NOW + minutes(1)).await.unwrap();
    assert_eq!(found.iter().map(|row| row.state).collect::<Vec<_>>(), states[..3]);
    assert!(shelf.store.unfinished_bookings(NOW).await.unwrap().is_empty(), "what was touched just now is left alone");
}
