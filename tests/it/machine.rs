//! The decisions of a booking: every history that one drive can have, walked through to its end.

use std::collections::HashMap;

use ringbook::booking::machine::{Action, Happened, Standing};
use ringbook::names::BookingState;

/// As many steps as a drive takes at most.
const MAX_STEPS: usize = 24;
const STATES: [BookingState; 8] = [
    BookingState::Claimed,
    BookingState::Inserting,
    BookingState::Confirmed,
    BookingState::Compensating,
    BookingState::Moving,
    BookingState::Cancelling,
    BookingState::Cancelled,
    BookingState::Released,
];

/// Everything that the shell can see after it did this; nothing follows what ends a drive.
fn outcomes(action: Action) -> Vec<Happened> {
    match action {
        Action::Look => vec![Happened::LookFree, Happened::LookTaken, Happened::LookUnknown],
        Action::Insert => vec![
            Happened::InsertPlaced,
            Happened::InsertDuplicate,
            Happened::InsertRefused,
            Happened::InsertNotSent,
            Happened::InsertUnknown,
        ],
        Action::Get => vec![
            Happened::FoundOurs,
            Happened::FoundDeleted,
            Happened::FoundForeign,
            Happened::FoundNothing { for_long: false },
            Happened::FoundNothing { for_long: true },
            Happened::FoundUnknown,
        ],
        Action::Delete => vec![
            Happened::DeleteDone,
            Happened::DeleteNothing { for_long: false },
            Happened::DeleteNothing { for_long: true },
            Happened::DeleteUnknown,
        ],
        Action::TellBooked | Action::TellTaken | Action::TellUnreachable | Action::LeaveForLater => Vec::new(),
    }
}

fn everything() -> Vec<Happened> {
    [Action::Look, Action::Insert, Action::Get, Action::Delete].into_iter().flat_map(outcomes).collect()
}

/// Every standing in which work can be taken up.
fn beginnings() -> Vec<Standing> {
    let mut all = vec![Standing::claimed()];
    for state in STATES {
        for (generation, in_doubt, wanted) in
            (0..=4).flat_map(|g| [(g, false), (g, true)].map(|(g, d)| [(g, d, false), (g, d, true)])).flatten()
        {
            all.push(Standing { state, generation, in_doubt, inserts: 0, wanted });
        }
    }
    all
}

/// How many steps may follow; `None` when they never end.
fn longest(standing: Standing, action: Action, known: &mut HashMap<(Standing, Action), Option<usize>>) -> Option<usize> {
    if let Some(steps) = known.get(&(standing, action)) {
        return *steps;
    }
    known.insert((standing, action), None);
    let mut most = 0;
    for happened in outcomes(action) {
        let (next, then) = standing.after(happened);
        most = most.max(1 + longest(next, then, known)?);
    }
    known.insert((standing, action), Some(most));
    Some(most)
}

#[test]
fn every_drive_ends_well_within_its_bound_whatever_the_calendar_says() {
    let mut known = HashMap::new();
    for standing in beginnings() {
        let steps = longest(standing, standing.take_up(), &mut known);
        assert!(steps.is_some_and(|steps| steps < MAX_STEPS), "{standing:?} takes {steps:?} steps");
    }
    assert!(known.len() > 100, "the machine was walked through: {}", known.len());
}

#[test]
fn every_state_has_an_answer_to_whatever_happens() {
    for standing in beginnings() {
        for happened in everything() {
            let (next, then) = standing.after(happened);
            let told = (standing, happened, next, then);
            match then {
                Action::TellBooked => assert!(next.state.is_live() && next.state != BookingState::Compensating, "{told:?}"),
                Action::Insert => {
                    assert_eq!((next.state, next.inserts), (BookingState::Inserting, standing.inserts + 1), "{told:?}");
                }
                Action::Delete => assert_eq!(next.state, BookingState::Compensating, "{told:?}"),
                Action::TellUnreachable => assert_eq!(next.state, BookingState::Released, "{told:?}"),
                Action::Look | Action::Get | Action::TellTaken | Action::LeaveForLater => {}
            }
            if matches!(standing.state, BookingState::Released | BookingState::Cancelled | BookingState::Confirmed) {
                assert_eq!(next, standing, "what is decided stays decided: {told:?}");
            }
        }
    }
}

#[test]
fn confirmed_is_reached_over_an_event_that_was_seen_and_over_nothing_else() {
    for standing in beginnings() {
        for happened in everything() {
            let (next, _) = standing.after(happened);
            if next.state == BookingState::Confirmed && standing.state != BookingState::Confirmed {
                assert!(matches!(happened, Happened::InsertPlaced | Happened::FoundOurs), "{standing:?} {happened:?}");
                assert_eq!(standing.state, BookingState::Inserting);
            }
        }
    }
}

#[test]
fn nothing_is_inserted_but_right_after_a_look_that_saw_the_time_free() {
    for standing in beginnings() {
        assert_ne!(standing.take_up(), Action::Insert);
        for happened in everything() {
            if standing.after(happened).1 == Action::Insert {
                assert!(happened == Happened::LookFree && standing.wanted, "{standing:?} {happened:?}");
            }
        }
    }
}

#[test]
fn a_duplicate_that_the_calendar_does_not_show_yet_stays_in_doubt() {
    let (standing, _) = Standing::claimed().after(Happened::LookFree);
    let (standing, then) = standing.after(Happened::InsertDuplicate);
    assert_eq!(then, Action::Get);
    let (standing, _) = standing.after(Happened::FoundNothing { for_long: false });
    let (standing, _) = standing.after(Happened::LookFree);
    let (standing, then) = standing.after(Happened::InsertRefused);
    assert_eq!((standing.state, then), (BookingState::Inserting, Action::Get), "the event of the duplicate may be ours");
}

#[test]
fn nothing_is_made_anew_under_another_id_when_nobody_waits_for_it() {
    let cut_off = Standing { state: BookingState::Inserting, in_doubt: true, wanted: false, ..Standing::claimed() };
    let (standing, then) = cut_off.after(Happened::FoundForeign);
    assert_eq!((standing.state, then), (BookingState::Released, Action::TellUnreachable));
}
