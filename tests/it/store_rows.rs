//! What else is remembered: jobs, answers, offers, and the events of the embedded calendar.

use std::time::Duration;

use ringbook::names::Phone;
use ringbook::store::events::EventRow;
use ringbook::store::jobs::{Job, Matter, Sms};
use time::OffsetDateTime;

use crate::shelf::{Shelf, on_both};
use crate::store::{NOW, minutes, slug};

const LEASE: Duration = Duration::from_mins(1);

fn job(text: &str) -> Job {
    let (business, to) = (slug(), Phone::e164("+15557654321").unwrap());
    Job::Sms(Sms { business, to, text: text.into(), matter: Matter::Notice })
}

on_both!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    Shelf;
    a_key_makes_a_job_once_even_after_it_was_done,
    jobs_are_taken_when_they_are_due_the_oldest_first,
    a_job_is_leased_to_one_of_many_workers,
    who_lost_a_lease_to_another_cannot_end_the_job,
    a_failed_job_comes_again_when_it_was_told_to_also_after_a_restart,
    the_first_answer_stays,
    an_answer_that_is_too_old_is_none_and_makes_room_for_a_new_one,
    forgetting_under_a_prefix_touches_nothing_beside_it,
    offers_are_kept_once_and_for_their_call_alone,
    the_id_of_a_deleted_event_stays_burned,
);

async fn a_key_makes_a_job_once_even_after_it_was_done(shelf: Shelf) {
    assert!(shelf.store.enqueue("k", &job("first"), NOW).await.unwrap());
    assert!(!shelf.store.enqueue("k", &job("second"), NOW).await.unwrap());
    let leased = shelf.store.lease_job(NOW, LEASE).await.unwrap().unwrap();
    assert_eq!((leased.key.as_str(), &leased.job, leased.attempts), ("k", &job("first"), 1));
    assert!(shelf.store.finish_job(&leased).await.unwrap());
    assert!(!shelf.store.enqueue("k", &job("third"), NOW).await.unwrap());
    assert!(shelf.store.lease_job(NOW + minutes(60), LEASE).await.unwrap().is_none());
    shelf.store.forget_jobs(NOW + minutes(1)).await.unwrap();
    assert!(shelf.store.enqueue("k", &job("fourth"), NOW).await.unwrap(), "a forgotten key may be used again");
}

async fn jobs_are_taken_when_they_are_due_the_oldest_first(shelf: Shelf) {
    for (key, due) in [("later", 10), ("second", 2), ("first", 1)] {
        shelf.store.enqueue(key, &job(key), NOW + minutes(due)).await.unwrap();
    }
    assert!(shelf.store.lease_job(NOW, LEASE).await.unwrap().is_none());
    for key in ["first", "second"] {
        assert_eq!(shelf.store.lease_job(NOW + minutes(2), LEASE).await.unwrap().unwrap().key, key);
    }
    assert!(shelf.store.lease_job(NOW + minutes(2), LEASE).await.unwrap().is_none());
}

async fn a_job_is_leased_to_one_of_many_workers(shelf: Shelf) {
    shelf.store.enqueue("k", &job("once"), NOW).await.unwrap();
    let other = shelf.other().await;
    let workers: Vec<_> = (0..12)
        .map(|index| {
            let store = if index % 2 == 0 { shelf.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.lease_job(NOW, LEASE).await.unwrap().is_some() })
        })
        .collect();
    let mut leased = 0;
    for worker in workers {
        leased += u32::from(worker.await.unwrap());
    }
    assert_eq!(leased, 1);
}

async fn who_lost_a_lease_to_another_cannot_end_the_job(shelf: Shelf) {
    shelf.store.enqueue("k", &job("x"), NOW).await.unwrap();
    let first = shelf.store.lease_job(NOW, LEASE).await.unwrap().unwrap();
    let almost = NOW + LEASE - Duration::from_millis(1);
    assert!(shelf.store.lease_job(almost, LEASE).await.unwrap().is_none(), "a lease holds to its end");
    let second = shelf.store.lease_job(NOW + LEASE, LEASE).await.unwrap().unwrap();
    assert_eq!(second.attempts, 2);
    assert!(!shelf.store.finish_job(&first).await.unwrap());
    assert!(!shelf.store.fail_job(&first, "late", None).await.unwrap());
    assert!(shelf.store.finish_job(&second).await.unwrap());
}

async fn a_failed_job_comes_again_when_it_was_told_to_also_after_a_restart(shelf: Shelf) {
    shelf.store.enqueue("again", &job("x"), NOW).await.unwrap();
    shelf.store.enqueue("never", &job("y"), NOW + minutes(1)).await.unwrap();
    let again = shelf.store.lease_job(NOW, LEASE).await.unwrap().unwrap();
    shelf.store.fail_job(&again, "not yet", Some(NOW + minutes(30))).await.unwrap();
    let never = shelf.store.lease_job(NOW + minutes(1), LEASE).await.unwrap().unwrap();
    assert_eq!(never.key, "never");
    shelf.store.fail_job(&never, "for good", None).await.unwrap();
    let shelf = shelf.reopened().await;
    assert!(shelf.store.lease_job(NOW + minutes(29), LEASE).await.unwrap().is_none());
    let leased = shelf.store.lease_job(NOW + minutes(30), LEASE).await.unwrap().unwrap();
    assert_eq!((leased.key.as_str(), leased.attempts), ("again", 2));
    assert!(
        shelf.store.lease_job(NOW + minutes(600), LEASE).await.unwrap().is_some(),
        "a worker that died leaves its job to others"
    );
    shelf.store.forget_jobs(NOW + minutes(10_000)).await.unwrap();
    assert!(!shelf.store.enqueue("again", &job("z"), NOW).await.unwrap(), "what waits is never forgotten");
}

async fn the_first_answer_stays(shelf: Shelf) {
    let store = &shelf.store;
    let ever = OffsetDateTime::UNIX_EPOCH;
    assert!(store.begin_delivery("k", "asked", "a", None, (ever, NOW)).await.unwrap());
    assert_eq!(store.delivery("k", OffsetDateTime::UNIX_EPOCH).await.unwrap().unwrap().answer, None);
    assert_eq!(store.finish_delivery("k", "asked", "first", None, NOW).await.unwrap(), "first");
    assert_eq!(store.finish_delivery("k", "other", "second", None, NOW).await.unwrap(), "first");
    let held = store.delivery("k", ever).await.unwrap().unwrap().held;
    assert!(!store.begin_delivery("k", "other", "b", Some(&held), (ever, NOW + minutes(1))).await.unwrap());
    store.forget_delivery("k", "a").await.unwrap();
    let kept = shelf.reopened().await.store.delivery("k", OffsetDateTime::UNIX_EPOCH).await.unwrap().unwrap();
    assert_eq!((kept.asked.as_str(), kept.answer.as_deref()), ("asked", Some("first")));
}

async fn an_answer_that_is_too_old_is_none_and_makes_room_for_a_new_one(shelf: Shelf) {
    let store = &shelf.store;
    store.finish_delivery("k", "asked", "old", None, NOW).await.unwrap();
    let (now, since) = (NOW + minutes(90), NOW + minutes(30));
    assert_eq!(store.delivery("k", since).await.unwrap(), None);
    assert!(store.begin_delivery("k", "anew", "a", None, (since, now)).await.unwrap());
    assert_eq!(store.finish_delivery("k", "anew", "new", None, now).await.unwrap(), "new");
    assert_eq!(store.delivery("k", since).await.unwrap().unwrap().answer.as_deref(), Some("new"));
}

async fn forgetting_under_a_prefix_touches_nothing_beside_it(shelf: Shelf) {
    let keys = [
        "wish/abc/+1555/a",
        "wish/abc/+1555/",
        "wish/abc/+15550/a",
        "wish/abc//a",
        "wish/abc/+155/a",
        "wish/abc0/x",
        "id/abc/+1555/a",
    ];
    for key in keys {
        shelf.store.finish_delivery(key, "asked", "answer", None, NOW).await.unwrap();
    }
    let left = async || {
        let mut left = Vec::new();
        for key in keys {
            left.extend(shelf.store.delivery(key, NOW).await.unwrap().map(|_| key));
        }
        left
    };
    // What is kept together with the forgetting stays, though it lies under the same beginning.
    shelf.store.finish_delivery(keys[1], "asked", "anew", Some("wish/abc/+1555/"), NOW).await.unwrap();
    assert_eq!(left().await, keys[1..]);
    shelf.store.finish_delivery("other", "asked", "answer", Some("wish/abc/+1555/"), NOW).await.unwrap();
    assert_eq!(left().await, keys[2..]);
    shelf.store.finish_delivery("other", "asked", "answer", Some("wish/abc//"), NOW).await.unwrap();
    assert_eq!(left().await, ["wish/abc/+15550/a", "wish/abc/+155/a", "wish/abc0/x", "id/abc/+1555/a"]);
}

async fn offers_are_kept_once_and_for_their_call_alone(shelf: Shelf) {
    let (nine, ten) = (NOW + minutes(60), NOW + minutes(120));
    shelf.store.keep_offers(&slug(), "v1", &[ten, nine], NOW).await.unwrap();
    shelf.store.keep_offers(&slug(), "v1", &[nine], NOW).await.unwrap();
    shelf.store.keep_offers(&slug(), "v2", &[], NOW).await.unwrap();
    assert_eq!(shelf.store.offered_in(&slug(), "v1").await.unwrap(), [nine, ten]);
    assert!(shelf.store.offered_in(&slug(), "v2").await.unwrap().is_empty());
    assert!(shelf.store.offered_in(&ringbook::names::Slug::parse("xyz").unwrap(), "v1").await.unwrap().is_empty());
}

async fn the_id_of_a_deleted_event_stays_burned(shelf: Shelf) {
    let store = &shelf.store;
    let event = EventRow {
        calendar: "abc/sam".into(),
        id: "e1".into(),
        summary: "HVAC repair".into(),
        description: String::new(),
        location: String::new(),
        zone: "America/New_York".into(),
        starts_at: NOW,
        ends_at: NOW + minutes(120),
        booking: "b1".into(),
        call_id: String::new(),
        cancelled: false,
        etag: "1".into(),
    };
    assert!(!store.cancel_event("abc/sam", "e1").await.unwrap());
    assert!(store.insert_event(&event).await.unwrap());
    assert!(!store.insert_event(&event).await.unwrap());
    assert!(
        store.insert_event(&EventRow { calendar: "abc/alex".into(), ..event.clone() }).await.unwrap(),
        "another calendar has ids of its own"
    );
    let between = |from: i64, to: i64| async move {
        store.events_between("abc/sam", NOW + minutes(from), NOW + minutes(to)).await.unwrap().len()
    };
    assert_eq!((between(-60, 0).await, between(-60, 1).await, between(119, 200).await, between(120, 200).await), (0, 1, 1, 0));
    assert!(store.cancel_event("abc/sam", "e1").await.unwrap());
    assert!(!store.insert_event(&event).await.unwrap());
    let kept = store.event("abc/sam", "e1").await.unwrap().unwrap();
    assert!(kept.cancelled && kept.etag != "1");
    assert_eq!(between(0, 120).await, 0);
}
