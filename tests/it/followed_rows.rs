//! The rows of followed calendars, and edits written into bookings: two copies of the server may do everything at once.

use ringbook::names::{BookingState, CalendarId};
use ringbook::store::bookings::BookingRow;
use ringbook::store::claims::{Claim, Moved};
use ringbook::store::edits::Edit;
use ringbook::store::followed::{ChannelRow, FollowedRow};
use ringbook::store::jobs::Job;

use crate::shelf::{Shelf, on_both};
use crate::store::{NINE, NOW, claim, claimed, minutes, slug};

fn sam() -> CalendarId {
    CalendarId::parse("sam@abc.example").unwrap()
}

fn read_up_to(token: &str) -> FollowedRow {
    FollowedRow { sync_token: token.into(), poll_at: NOW + minutes(1), synced_at: Some(NOW) }
}

fn told(key: &str) -> (String, Job) {
    (key.into(), Job::Notify { business: slug(), occasion: "calendar_conflict".into(), text: "collided".into() })
}

fn edit<'a>(was: &'a BookingRow, now: &'a BookingRow) -> Edit<'a> {
    Edit { was, now, cause: "moved_in_calendar", evidence: "e1 tag", conflict: told(&format!("calendar_conflict/{}", was.id)) }
}

/// The same job so much later, as its event shows it.
fn later(row: &BookingRow, by: i64) -> BookingRow {
    let mut moved = row.clone();
    (moved.span.start, moved.span.end) = (row.span.start + minutes(by), row.span.end + minutes(by));
    (moved.free_at, moved.etag) = (row.free_at + minutes(by), format!("tag-{by}"));
    moved
}

/// A confirmed booking.
async fn confirmed(shelf: &Shelf, start: time::OffsetDateTime, caller: &str) -> BookingRow {
    let row = BookingRow { state: BookingState::Confirmed, ..claim(start, caller) };
    assert!(matches!(claimed(&shelf.store, &row).await, Claim::Ours));
    row
}

on_both!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    Shelf;
    who_reads_on_from_where_somebody_else_has_read_on_is_told,
    channels_live_from_the_wish_to_the_end,
    an_edit_is_written_once_however_many_see_it,
    what_is_seen_of_a_row_that_has_changed_since_is_not_written,
    a_row_that_is_moved_onto_another_one_keeps_neither_from_anything,
    a_cancelled_row_comes_back_even_where_somebody_else_is_by_now,
);

async fn who_reads_on_from_where_somebody_else_has_read_on_is_told(shelf: Shelf) {
    let (store, other) = (&shelf.store, shelf.other().await);
    assert_eq!(store.followed(&slug(), &sam()).await.unwrap(), None);
    assert!(store.keep_followed(&slug(), &sam(), None, &read_up_to("t1")).await.unwrap());
    assert!(!other.keep_followed(&slug(), &sam(), None, &read_up_to("t1b")).await.unwrap(), "both had never read it");
    assert!(other.keep_followed(&slug(), &sam(), Some("t1"), &read_up_to("t2")).await.unwrap());
    assert!(!store.keep_followed(&slug(), &sam(), Some("t1"), &read_up_to("t2b")).await.unwrap(), "both read on from t1");
    assert_eq!(store.followed(&slug(), &sam()).await.unwrap(), Some(read_up_to("t2")));
    assert_eq!(store.followed_places().await.unwrap(), [(slug(), sam())]);
    store.forget_followed(&slug(), &sam()).await.unwrap();
    assert_eq!((other.followed(&slug(), &sam()).await.unwrap(), other.followed_places().await.unwrap()), (None, vec![]));
    other.close().await;
}

async fn channels_live_from_the_wish_to_the_end(shelf: Shelf) {
    let row = ChannelRow {
        channel: "c1".into(),
        business: slug(),
        calendar: sam(),
        token: "digest".into(),
        resource: String::new(),
        ends_at: NOW + minutes(60),
        replaced: false,
        created_at: NOW,
    };
    let newer = ChannelRow { channel: "c2".into(), created_at: NOW + minutes(1), ..row.clone() };
    shelf.store.keep_channel(&row).await.unwrap();
    shelf.store.keep_channel(&newer).await.unwrap();
    shelf.store.channel_opened("c1", "resource", NOW + minutes(90)).await.unwrap();
    shelf.store.channel_replaced("c1").await.unwrap();
    let opened = ChannelRow { resource: "resource".into(), ends_at: NOW + minutes(90), replaced: true, ..row };
    let shelf = shelf.reopened().await;
    assert_eq!(shelf.store.channels_of(&slug(), &sam()).await.unwrap(), [newer, opened.clone()]);
    assert_eq!(shelf.store.channel("c1").await.unwrap(), Some(opened));
    shelf.store.forget_channel("c1").await.unwrap();
    assert_eq!(shelf.store.channel("c1").await.unwrap(), None);
    assert_eq!(shelf.store.followed_places().await.unwrap(), [(slug(), sam())], "a channel alone counts as well");
}

async fn an_edit_is_written_once_however_many_see_it(shelf: Shelf) {
    let row = confirmed(&shelf, NINE, "+15550000001").await;
    let moved = later(&row, 180);
    assert_eq!(shelf.store.follow_edit(&edit(&row, &moved), NOW).await.unwrap(), Moved::Made);
    assert_eq!(shelf.store.follow_edit(&edit(&row, &moved), NOW).await.unwrap(), Moved::Elsewhere);
    // Seen again from the row as it is now, it is no edit at all.
    assert_eq!(shelf.store.follow_edit(&edit(&moved, &moved), NOW).await.unwrap(), Moved::Made);
    assert_eq!(shelf.store.booking_of_event(&row.event_id).await.unwrap(), Some(moved.clone()));
    let renamed = BookingRow { etag: "another".into(), ..moved.clone() };
    assert_eq!(shelf.store.follow_edit(&edit(&moved, &renamed), NOW).await.unwrap(), Moved::Made);
    assert_eq!(shelf.moves(row.id).await.len(), 2, "the claim and one move; a new title is none");
    assert_eq!(shelf.store.last_cause(row.id).await.unwrap().as_deref(), Some("moved_in_calendar"));
}

async fn what_is_seen_of_a_row_that_has_changed_since_is_not_written(shelf: Shelf) {
    let row = confirmed(&shelf, NINE, "+15550000001").await;
    let (newer, older) = (later(&row, 300), later(&row, 180));
    assert_eq!(shelf.store.follow_edit(&edit(&row, &newer), NOW).await.unwrap(), Moved::Made);
    assert_eq!(shelf.store.follow_edit(&edit(&row, &older), NOW).await.unwrap(), Moved::Elsewhere);
    let gone = BookingRow { state: BookingState::Cancelled, ..row.clone() };
    assert_eq!(shelf.store.follow_edit(&edit(&row, &gone), NOW).await.unwrap(), Moved::Elsewhere);
    assert_eq!(shelf.store.booking(row.id).await.unwrap(), Some(newer));
}

async fn a_row_that_is_moved_onto_another_one_keeps_neither_from_anything(shelf: Shelf) {
    let first = confirmed(&shelf, NINE, "+15550000001").await;
    let second = confirmed(&shelf, NINE + minutes(300), "+15550000001").await;
    let onto = later(&second, -300);
    assert_eq!(shelf.store.follow_edit(&edit(&second, &onto), NOW).await.unwrap(), Moved::Made);
    let beside = shelf.store.booking(second.id).await.unwrap().unwrap();
    let own = |key: &str| format!("{key}#{}", second.id);
    assert_eq!((beside.claim_key.clone(), beside.caller_key.clone()), (own(&first.claim_key), own(&first.caller_key)));
    assert_eq!(beside.span, first.span);
    let store = &shelf.store;
    let job = |key: String| async move { store.enqueue(&key, &told("").1, NOW).await.unwrap() };
    assert!(!job(format!("calendar_conflict/{}", second.id)).await, "the business is told with the move");
    // The other one can go where it likes, and then the first key is free again.
    let away = later(&first, 600);
    assert_eq!(shelf.store.follow_edit(&edit(&first, &away), NOW).await.unwrap(), Moved::Made);
    assert!(job(format!("calendar_conflict/{}", first.id)).await, "nobody is told of a move that collides with nothing");
    let plain = BookingRow { claim_key: first.claim_key.clone(), caller_key: first.caller_key.clone(), ..beside.clone() };
    assert_eq!(shelf.store.follow_edit(&edit(&beside, &plain), NOW).await.unwrap(), Moved::Made);
    assert_eq!(shelf.store.booking(second.id).await.unwrap(), Some(plain));
}

async fn a_cancelled_row_comes_back_even_where_somebody_else_is_by_now(shelf: Shelf) {
    let row = confirmed(&shelf, NINE, "+15550000001").await;
    let gone = BookingRow { state: BookingState::Cancelled, etag: "gone".into(), ..row.clone() };
    assert_eq!(shelf.store.follow_edit(&edit(&row, &gone), NOW).await.unwrap(), Moved::Made);
    confirmed(&shelf, NINE, "+15550000002").await;
    let back = BookingRow { state: BookingState::Confirmed, etag: "back".into(), ..gone.clone() };
    assert_eq!(shelf.store.follow_edit(&edit(&gone, &back), NOW).await.unwrap(), Moved::Made);
    let kept = shelf.store.booking(row.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.state, kept.span, kept.claim_key),
        (BookingState::Confirmed, row.span, format!("{}#{}", row.claim_key, row.id))
    );
}
