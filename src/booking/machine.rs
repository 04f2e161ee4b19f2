//! The decisions of a booking, pure: where it stands and what happened give where it stands next and what to do.
//!
//! No I/O, no async, no clock: every history can be simulated exactly. The shell in `drive.rs` does what is asked for here
//! and reports what came of it. Two rules carry the promises: `Confirmed` is reached only over an event that was seen,
//! and `Released` only where no event of ours can exist or still arrive.

use crate::names::BookingState;

/// How often an insert is sent before it is left for later; the second one finds the first by its id.
const MAX_INSERTS: u8 = 3;
/// How often an id may turn out to be somebody else's before we give up.
const MAX_GENERATIONS: u32 = 3;

/// Where a booking stands, as far as decisions need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// In the ledger.
    pub state: BookingState,
    /// The derived id rises with it.
    pub generation: u32,
    /// An insert was sent whose outcome is not known: an event of ours may exist, or arrive.
    pub in_doubt: bool,
    /// Inserts since the work was taken up; not stored.
    pub inserts: u8,
    /// Somebody waits for it, or was told that it is being arranged; not stored.
    pub wanted: bool,
}

/// What the shell saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happened {
    /// The calendar has nothing else at that time.
    LookFree,
    /// The calendar has something else at that time.
    LookTaken,
    /// The calendar could not be read.
    LookUnknown,
    /// The insert made the event, and the calendar showed it as it was asked for.
    InsertPlaced,
    /// The id exists already.
    InsertDuplicate,
    /// The calendar said no: nothing was made by this insert.
    InsertRefused,
    /// It never left: nothing was made by this insert.
    InsertNotSent,
    /// Nobody knows.
    InsertUnknown,
    /// The event exists and is ours.
    FoundOurs,
    /// The event existed, and a person deleted it.
    FoundDeleted,
    /// The id belongs to somebody else's event.
    FoundForeign,
    /// There is no event with this id.
    FoundNothing {
        /// It has been missing for so long that no insert can still be on its way.
        for_long: bool,
    },
    /// The calendar could not be read.
    FoundUnknown,
    /// Our event is gone: deleted now, or before.
    DeleteDone,
    /// There was nothing to delete.
    DeleteNothing {
        /// As in [`Happened::FoundNothing`].
        for_long: bool,
    },
    /// Nobody knows.
    DeleteUnknown,
}

impl Happened {
    /// Its name in the ledger.
    #[must_use]
    pub fn cause(self) -> &'static str {
        match self {
            Self::LookFree => "look_free",
            Self::LookTaken => "look_taken",
            Self::LookUnknown => "look_unknown",
            Self::InsertPlaced => "insert_placed",
            Self::InsertDuplicate => "insert_duplicate",
            Self::InsertRefused => "insert_refused",
            Self::InsertNotSent => "insert_not_sent",
            Self::InsertUnknown => "insert_unknown",
            Self::FoundOurs => "found_ours",
            Self::FoundDeleted => "found_deleted",
            Self::FoundForeign => "found_foreign",
            Self::FoundNothing { .. } => "found_nothing",
            Self::FoundUnknown => "found_unknown",
            Self::DeleteDone => "delete_done",
            Self::DeleteNothing { .. } => "delete_nothing",
            Self::DeleteUnknown => "delete_unknown",
        }
    }
}

/// Whether nothing is left to be done for a booking in this state.
#[must_use]
pub fn is_finished(state: BookingState) -> bool {
    matches!(state, BookingState::Confirmed | BookingState::Cancelled | BookingState::Released)
}

/// What the shell is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ask the calendar what stands at that time.
    Look,
    /// Send the insert with the derived id of this generation. How long an event was missing before does not count any more:
    /// this insert may still be on its way when others have long been given up.
    Insert,
    /// Ask for the event by its derived id.
    Get,
    /// Take our event out.
    Delete,
    /// The event exists: say so.
    TellBooked,
    /// The time is not to be had: offer others.
    TellTaken,
    /// The calendar cannot be asked, and nothing was booked: say so.
    TellUnreachable,
    /// Nothing more can be known now: say that it is being arranged, and take it up again later.
    LeaveForLater,
}

impl Standing {
    /// A claim that was just won.
    #[must_use]
    pub fn claimed() -> Self {
        Self { state: BookingState::Claimed, generation: 0, in_doubt: false, inserts: 0, wanted: true }
    }

    /// What to do first with a booking that is taken up where it stands.
    #[must_use]
    pub fn take_up(&self) -> Action {
        match self.state {
            BookingState::Claimed => Action::Look,
            BookingState::Inserting => Action::Get,
            BookingState::Compensating => Action::Delete,
            BookingState::Confirmed | BookingState::Moving | BookingState::Cancelling => Action::TellBooked,
            BookingState::Cancelled | BookingState::Released => Action::TellTaken,
        }
    }

    /// The next standing and action. What cannot happen in a state leaves it as it is, for later.
    #[must_use]
    pub fn after(self, happened: Happened) -> (Self, Action) {
        match self.state {
            BookingState::Claimed => self.after_claim(happened),
            BookingState::Inserting => self.after_insert(happened),
            BookingState::Compensating => self.after_delete(happened),
            BookingState::Confirmed
            | BookingState::Moving
            | BookingState::Cancelling
            | BookingState::Cancelled
            | BookingState::Released => (self, self.take_up()),
        }
    }

    fn after_claim(self, happened: Happened) -> (Self, Action) {
        match happened {
            // Nothing has been sent, so nobody is left with half a booking when nobody waits for it any more.
            Happened::LookFree if self.wanted => self.sending(),
            Happened::LookFree | Happened::LookUnknown => self.given_up(Action::TellUnreachable),
            Happened::LookTaken => self.given_up(Action::TellTaken),
            _ => (self, Action::LeaveForLater),
        }
    }

    fn after_insert(self, happened: Happened) -> (Self, Action) {
        match happened {
            Happened::InsertPlaced | Happened::FoundOurs => {
                (Self { in_doubt: false, ..self.to(BookingState::Confirmed) }, Action::TellBooked)
            }
            // The event may be there, whosever it is. A calendar that does not show it yet must not talk us out of that.
            Happened::InsertDuplicate | Happened::InsertUnknown => (Self { in_doubt: true, ..self }, Action::Get),
            Happened::InsertNotSent if self.in_doubt || self.inserts < MAX_INSERTS => self.again_or_later(),
            // This insert did nothing, but an earlier one may have: only the calendar can tell.
            Happened::InsertRefused if self.in_doubt => (self, Action::Get),
            // The id is somebody else's, so no insert of ours can have made an event of it, nor can one still.
            Happened::FoundForeign if self.wanted && self.generation < MAX_GENERATIONS => {
                Self { generation: self.generation + 1, in_doubt: false, ..self }.again_or_later()
            }
            Happened::InsertNotSent | Happened::InsertRefused | Happened::FoundForeign => self.given_up(Action::TellUnreachable),
            Happened::FoundNothing { for_long } if self.wanted => {
                Self { in_doubt: self.in_doubt && !for_long, ..self }.again_or_later()
            }
            Happened::LookFree if self.wanted => self.sending(),
            // Somebody else has the time, and ours may still arrive: it must not stay.
            Happened::LookTaken if self.in_doubt => (self.to(BookingState::Compensating), Action::Delete),
            // A person has taken the event out in the meantime, and it is never put back; or it will never arrive.
            Happened::FoundDeleted | Happened::FoundNothing { for_long: true } | Happened::LookTaken => {
                self.given_up(Action::TellTaken)
            }
            _ => (self, Action::LeaveForLater),
        }
    }

    fn after_delete(self, happened: Happened) -> (Self, Action) {
        match happened {
            Happened::DeleteDone | Happened::DeleteNothing { for_long: true } => self.given_up(Action::TellTaken),
            // The caller hears "taken" at once: ours will never be confirmed, whatever the deletion says in the end.
            _ => (self, Action::TellTaken),
        }
    }

    /// Only ever after a look that saw the time free: while an earlier answer was lost, a person may have taken it.
    fn sending(self) -> (Self, Action) {
        let next = self.to(BookingState::Inserting);
        (Self { inserts: self.inserts.saturating_add(1), ..next }, Action::Insert)
    }

    fn again_or_later(self) -> (Self, Action) {
        (self, if self.inserts < MAX_INSERTS { Action::Look } else { Action::LeaveForLater })
    }

    /// No event of ours exists, and none can still arrive.
    fn given_up(self, action: Action) -> (Self, Action) {
        (Self { in_doubt: false, ..self.to(BookingState::Released) }, action)
    }

    fn to(self, state: BookingState) -> Self {
        Self { state, ..self }
    }
}
