//! The decisions of a booking, pure: where it stands and what happened give where it stands next and what to do.
//!
//! No I/O, no async, no clock: every history can be simulated exactly. The shell in `drive` does what is asked for here
//! and reports what came of it. Three rules carry the promises: `Confirmed` is reached only over an event that was seen, and
//! only when a look after the claim saw nobody else there; `Released` only where no event of ours can exist or still arrive.

pub mod changing;
mod happened;

pub use happened::{Happened, Looked, Sent};

use crate::names::{BookingState, Seen};

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
    /// What the latest look said of other people's events at this time.
    pub seen: Seen,
    /// Inserts since the work was taken up; not stored.
    pub inserts: u8,
    /// Somebody waits for it, or was told that it is being arranged; not stored.
    pub wanted: bool,
    /// How look and insert go out; not stored.
    pub way: Way,
    /// Somebody waits who can still be told that nothing is booked; not stored.
    pub hurried: bool,
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
    /// Ask, and send the insert, both at once; as [`Action::Insert`] else.
    LookAndInsert,
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

/// How look and insert go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// At the same time: in one round trip.
    Together,
    /// The look first: where a guest is invited, whom an event that is taken out again would reach, and while the calendar
    /// fails.
    LookFirst,
}

impl Standing {
    /// A claim that was just won.
    #[must_use]
    pub fn claimed() -> Self {
        Self {
            state: BookingState::Claimed,
            generation: 0,
            in_doubt: false,
            seen: Seen::Nothing,
            inserts: 0,
            wanted: true,
            way: Way::Together,
            hurried: true,
        }
    }

    /// Where a booking that is taken up goes first, and what to do there.
    #[must_use]
    pub fn take_up(self) -> (Self, Action) {
        match self.state {
            // Nothing has been sent, so nobody is left with half a booking when nobody waits for it any more.
            BookingState::Claimed if !self.wanted => self.given_up(Action::TellUnreachable),
            BookingState::Claimed => self.first_try(),
            BookingState::Inserting => (self, Action::Get),
            BookingState::Compensating => (self, Action::Delete),
            BookingState::Confirmed | BookingState::Moving | BookingState::Cancelling => (self, Action::TellBooked),
            BookingState::Cancelled | BookingState::Released => (self, Action::TellTaken),
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
            | BookingState::Released => self.take_up(),
        }
    }

    fn after_claim(self, happened: Happened) -> (Self, Action) {
        match happened {
            Happened::Look(Looked::Free) if self.wanted => self.sending(Seen::Free, Action::Insert),
            Happened::Look(Looked::Free | Looked::Unknown) => self.given_up(Action::TellUnreachable),
            Happened::Look(Looked::Taken) => self.given_up(Action::TellTaken),
            _ => (self, Action::LeaveForLater),
        }
    }

    fn after_insert(self, happened: Happened) -> (Self, Action) {
        match happened {
            // Rather a clear no at once than a maybe: ours is taken out, and will not be confirmed whatever comes of that.
            Happened::Both(Looked::Unknown, sent) if self.hurried => Self { seen: Seen::Hidden, ..self }.after_sent(sent),
            Happened::Both(looked, sent) => self.having_seen(looked).after_sent(sent),
            Happened::Insert(sent) => self.after_sent(sent),
            Happened::Look(looked) => self.having_seen(looked).after_look(looked),
            Happened::FoundOurs => self.placed(),
            // The id is somebody else's, so no insert of ours can have made an event of it, nor can one still.
            Happened::FoundForeign if self.may_stay() && self.wanted && self.generation < MAX_GENERATIONS => {
                Self { generation: self.generation + 1, in_doubt: false, ..self }.again_or_later()
            }
            Happened::FoundForeign => self.without_event(),
            Happened::FoundNothing { for_long } if !self.may_stay() => self.ours_must_not_stay(!for_long),
            Happened::FoundNothing { for_long } if self.wanted => {
                Self { in_doubt: self.in_doubt && !for_long, ..self }.again_or_later()
            }
            // A person has taken the event out in the meantime, and it is never put back; or it will never arrive.
            Happened::FoundDeleted if !self.may_stay() => self.without_event(),
            Happened::FoundDeleted | Happened::FoundNothing { for_long: true } => self.given_up(Action::TellTaken),
            // The caller hears so at once; what is left of ours is seen to later.
            Happened::FoundUnknown if !self.may_stay() => (self, self.telling_no()),
            _ => (self, Action::LeaveForLater),
        }
    }

    fn after_sent(self, sent: Sent) -> (Self, Action) {
        match sent {
            Sent::Placed => self.placed(),
            // The event may be there, whosever it is. A calendar that does not show it yet must not talk us out of that.
            Sent::Duplicate | Sent::Unknown => (Self { in_doubt: true, ..self }, Action::Get),
            Sent::NotSent if self.seen == Seen::Free && (self.in_doubt || self.inserts < MAX_INSERTS) => self.again_or_later(),
            // This insert did nothing, but an earlier one may have: only the calendar can tell.
            Sent::NotSent | Sent::Refused if self.in_doubt => (self, Action::Get),
            Sent::NotSent | Sent::Refused => self.without_event(),
        }
    }

    /// A look on its own, while an event of ours exists or may.
    fn after_look(self, looked: Looked) -> (Self, Action) {
        match looked {
            Looked::Free if self.wanted && self.way == Way::LookFirst => self.sending(Seen::Free, Action::Insert),
            // Not taken for granted: a person may have taken ours out while nobody could look.
            Looked::Free => (self, Action::Get),
            Looked::Taken => self.ours_must_not_stay(self.in_doubt),
            Looked::Unknown => (self, Action::LeaveForLater),
        }
    }

    /// The event exists and is ours: what is said depends on who else was seen there.
    fn placed(self) -> (Self, Action) {
        match self.seen {
            Seen::Free => (Self { in_doubt: false, ..self.to(BookingState::Confirmed) }, Action::TellBooked),
            Seen::Taken | Seen::Hidden => self.ours_must_not_stay(true),
            Seen::Nothing => (Self { in_doubt: true, ..self }, Action::Look),
        }
    }

    /// No event of ours exists, and none can still arrive.
    fn without_event(self) -> (Self, Action) {
        self.given_up(self.telling_no())
    }

    fn may_stay(self) -> bool {
        matches!(self.seen, Seen::Nothing | Seen::Free)
    }

    fn telling_no(self) -> Action {
        if self.seen == Seen::Taken { Action::TellTaken } else { Action::TellUnreachable }
    }

    /// Somebody else has the time, or nobody can know; and ours exists, or may still arrive.
    fn ours_must_not_stay(self, may_exist: bool) -> (Self, Action) {
        if may_exist { (self.to(BookingState::Compensating), Action::Delete) } else { self.without_event() }
    }

    fn after_delete(self, happened: Happened) -> (Self, Action) {
        match happened {
            Happened::DeleteDone | Happened::DeleteNothing { for_long: true } => self.without_event(),
            // The caller hears no at once: ours will never be confirmed, whatever the deletion says in the end.
            _ => (self, self.telling_no()),
        }
    }

    /// The first insert, or the look before it.
    fn first_try(self) -> (Self, Action) {
        if self.way == Way::Together { self.sending(Seen::Nothing, Action::LookAndInsert) } else { (self, Action::Look) }
    }

    fn again_or_later(self) -> (Self, Action) {
        if self.inserts >= MAX_INSERTS || !self.wanted {
            (self, Action::LeaveForLater)
        } else if self.way == Way::Together {
            self.sending(Seen::Nothing, Action::LookAndInsert)
        } else {
            // While an earlier answer was lost, a person may have taken the time.
            (Self { seen: Seen::Nothing, ..self }, Action::Look)
        }
    }

    fn sending(self, seen: Seen, action: Action) -> (Self, Action) {
        let next = self.to(BookingState::Inserting);
        (Self { seen, inserts: self.inserts.saturating_add(1), ..next }, action)
    }

    /// A look that brought nothing leaves what was known.
    fn having_seen(self, looked: Looked) -> Self {
        let seen = match looked {
            Looked::Free => Seen::Free,
            Looked::Taken => Seen::Taken,
            Looked::Unknown => self.seen,
        };
        Self { seen, ..self }
    }

    /// No event of ours exists, and none can still arrive.
    fn given_up(self, action: Action) -> (Self, Action) {
        (Self { in_doubt: false, ..self.to(BookingState::Released) }, action)
    }

    fn to(self, state: BookingState) -> Self {
        Self { state, ..self }
    }
}
