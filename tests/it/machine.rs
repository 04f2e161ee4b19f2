//! The decisions of a booking: every history that one drive can have, walked through to its end.

use std::collections::HashMap;

use ringbook::booking::machine::{Action, Happened, Looked, Sent, Standing, Way};
use ringbook::names::{BookingState, Seen};

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

const LOOKED: [Looked; 3] = [Looked::Free, Looked::Taken, Looked::Unknown];
const SENT: [Sent; 5] = [Sent::Placed, Sent::Duplicate, Sent::Refused, Sent::NotSent, Sent::Unknown];

/// Everything that the shell can see after it did this; nothing follows what ends a drive.
fn outcomes(action: Action) -> Vec<Happened> {
    match action {
        Action::Look => LOOKED.map(Happened::Look).to_vec(),
        Action::Insert => SENT.map(Happened::Insert).to_vec(),
        Action::LookAndInsert => LOOKED.iter().flat_map(|looked| SENT.map(|sent| Happened::Both(*looked, sent))).collect(),
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
    [Action::Look, Action::Insert, Action::LookAndInsert, Action::Get, Action::Delete].into_iter().flat_map(outcomes).collect()
}

/// Every standing in which work can be taken up.
fn beginnings() -> Vec<Standing> {
    let mut all = vec![Standing::claimed()];
    for state in STATES {
        for generation in 0..=4 {
            for bits in 0..16 {
                let [in_doubt, wanted, hurried, together] = [1, 2, 4, 8].map(|bit| bits & bit > 0);
                let way = if together { Way::Together } else { Way::LookFirst };
                for seen in [Seen::Nothing, Seen::Free, Seen::Taken, Seen::Hidden] {
                    all.push(Standing { state, generation, in_doubt, seen, inserts: 0, wanted, way, hurried });
                }
            }
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
        let (first, action) = standing.take_up();
        let steps = longest(first, action, &mut known);
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
                Action::Insert | Action::LookAndInsert => {
                    assert_eq!((next.state, next.inserts), (BookingState::Inserting, standing.inserts + 1), "{told:?}");
                }
                Action::Delete => assert_eq!(next.state, BookingState::Compensating, "{told:?}"),
                Action::TellUnreachable => {
                    let is_given_up = matches!(next.state, BookingState::Released | BookingState::Compensating);
                    assert!(is_given_up || next.seen == Seen::Hidden, "{told:?}");
                }
                Action::Look | Action::Get | Action::TellTaken | Action::LeaveForLater => {}
            }
            if matches!(standing.state, BookingState::Released | BookingState::Cancelled | BookingState::Confirmed) {
                assert_eq!(next, standing, "what is decided stays decided: {told:?}");
            }
        }
    }
}

#[test]
fn confirmed_is_reached_over_an_event_that_was_seen_where_nobody_else_was() {
    for standing in beginnings() {
        for happened in everything() {
            let (next, _) = standing.after(happened);
            if next.state == BookingState::Confirmed && standing.state != BookingState::Confirmed {
                let is_there =
                    matches!(happened, Happened::Insert(Sent::Placed) | Happened::Both(_, Sent::Placed) | Happened::FoundOurs);
                assert!(is_there && next.seen == Seen::Free, "{standing:?} {happened:?}");
                assert!(!matches!(happened, Happened::Both(Looked::Taken, _)), "{standing:?} {happened:?}");
                assert_eq!(standing.state, BookingState::Inserting);
            }
        }
    }
}

#[test]
fn nothing_is_sent_without_a_look_before_it_or_beside_it() {
    for standing in beginnings() {
        assert_ne!(standing.take_up().1, Action::Insert);
        for happened in everything() {
            let (next, then) = standing.after(happened);
            if then == Action::Insert {
                assert!(happened == Happened::Look(Looked::Free) && standing.wanted, "{standing:?} {happened:?}");
                assert!(standing.way == Way::LookFirst || standing.state == BookingState::Claimed, "{standing:?} {happened:?}");
            }
            if then == Action::LookAndInsert {
                assert!(
                    next.seen == Seen::Nothing && standing.wanted && standing.way == Way::Together,
                    "an older look is no proof: {next:?}"
                );
            }
        }
    }
}

#[test]
fn where_a_guest_is_invited_nothing_is_sent_before_the_look() {
    let (standing, then) = Standing { way: Way::LookFirst, ..Standing::claimed() }.take_up();
    assert_eq!((standing.state, then), (BookingState::Claimed, Action::Look));
    assert_eq!(standing.after(Happened::Look(Looked::Taken)).1, Action::TellTaken);
    let (standing, then) = standing.after(Happened::Look(Looked::Free));
    assert_eq!((standing.state, standing.seen, then), (BookingState::Inserting, Seen::Free, Action::Insert));
}

#[test]
fn a_claim_goes_out_in_one_round_trip() {
    let (standing, then) = Standing::claimed().take_up();
    assert_eq!((standing.state, standing.seen, then), (BookingState::Inserting, Seen::Nothing, Action::LookAndInsert));
    let both = |looked, sent| {
        let (next, then) = standing.after(Happened::Both(looked, sent));
        (next.state, then)
    };
    assert_eq!(both(Looked::Free, Sent::Placed), (BookingState::Confirmed, Action::TellBooked));
    assert_eq!(both(Looked::Taken, Sent::Placed), (BookingState::Compensating, Action::Delete));
    assert_eq!(both(Looked::Taken, Sent::NotSent), (BookingState::Released, Action::TellTaken));
    assert_eq!(both(Looked::Taken, Sent::Unknown), (BookingState::Inserting, Action::Get));
    // Rather a clear no at once than a maybe.
    assert_eq!(both(Looked::Unknown, Sent::Placed), (BookingState::Compensating, Action::Delete));
    assert_eq!(both(Looked::Unknown, Sent::NotSent), (BookingState::Released, Action::TellUnreachable));
}

#[test]
fn an_event_over_which_nobody_could_look_is_not_confirmed_until_somebody_could() {
    let (standing, _) = Standing { hurried: false, ..Standing::claimed() }.take_up();
    let (standing, then) = standing.after(Happened::Both(Looked::Unknown, Sent::Placed));
    assert_eq!((standing.state, then), (BookingState::Inserting, Action::Look));
    assert_eq!(standing.after(Happened::Look(Looked::Unknown)).1, Action::LeaveForLater);
    assert_eq!(standing.after(Happened::Look(Looked::Taken)).1, Action::Delete);
    let (free, then) = standing.after(Happened::Look(Looked::Free));
    assert_eq!(then, Action::Get, "a person may have taken ours out meanwhile");
    assert_eq!(free.after(Happened::FoundOurs).1, Action::TellBooked);
    // The same after a restart, when nobody waits any more.
    let cut_off = Standing { wanted: false, inserts: 0, ..standing };
    let (again, then) = cut_off.after(Happened::FoundOurs);
    assert_eq!(then, Action::Look);
    let (again, _) = again.after(Happened::Look(Looked::Free));
    assert_eq!(again.after(Happened::FoundOurs).1, Action::TellBooked);
}

#[test]
fn a_duplicate_that_the_calendar_does_not_show_yet_stays_in_doubt() {
    let (standing, _) = Standing::claimed().take_up();
    let (standing, then) = standing.after(Happened::Both(Looked::Free, Sent::Duplicate));
    assert_eq!(then, Action::Get);
    let (standing, _) = standing.after(Happened::FoundNothing { for_long: false });
    let (standing, then) = standing.after(Happened::Both(Looked::Free, Sent::Refused));
    assert_eq!((standing.state, then), (BookingState::Inserting, Action::Get), "the event of the duplicate may be ours");
}

#[test]
fn nothing_is_made_anew_under_another_id_when_nobody_waits_for_it() {
    let cut_off = Standing { state: BookingState::Inserting, in_doubt: true, wanted: false, ..Standing::claimed() };
    let (standing, then) = cut_off.after(Happened::FoundForeign);
    assert_eq!((standing.state, then), (BookingState::Released, Action::TellUnreachable));
}
