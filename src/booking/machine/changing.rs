//! The decisions of a move and of a cancellation, pure: the event is changed under the etag with which it was seen, so a
//! person's edit wins over ours, and a late arrival of ours after such an edit does nothing.
//!
//! No I/O, no async, no clock. Three rules carry the promises: `Done` is said only of an event that was seen as wished, or
//! seen gone; `Unchanged` only where no request of ours can still arrive; and whatever a person made of the event meanwhile
//! is what stands.

use super::Looked;

/// How often the calendar is asked to make the change before it is left for later.
const MAX_SENT: u8 = 3;

/// What is being done to a confirmed booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aim {
    /// Another time.
    Move,
    /// Out of the calendar.
    Cancel,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Changing {
    /// What is wished for.
    pub aim: Aim,
    /// A request was sent whose outcome is not known: it may have been done, or may still arrive.
    pub in_doubt: bool,
    /// Somebody waits for it, or was told that it is being arranged.
    pub wanted: bool,
    /// Requests since the work was taken up.
    pub sent: u8,
}

/// What the shell is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Ask what else stands at the new time.
    Look,
    /// Ask the calendar to change the event, under the etag that is known of it.
    Send,
    /// Ask how the event stands now, and take its etag for known.
    Get,
    /// The change is over, like this.
    End(End),
    /// Nothing more can be known now: say that it is being arranged, and take it up again later.
    LeaveForLater,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// As it was wished.
    Done,
    /// The new time is not to be had; the booking stands as it stood.
    Taken,
    /// The calendar cannot be asked; the booking stands as it stood, and will.
    Unchanged,
    /// A person has moved the event in the meantime: there it stands.
    Elsewhere,
    /// A person has deleted the event in the meantime.
    Gone,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Met {
    /// Of the look.
    Look(Looked),
    /// It was changed as asked.
    Done,
    /// The event has another etag: this request did nothing, and none that was sent before under the same etag can any more.
    Edited,
    /// The event is in this calendar no more.
    Gone,
    /// This request did nothing.
    NotDone,
    /// Nobody knows whether it did anything.
    Unknown,
    /// The event stands as wished.
    FoundAsWished,
    /// The event stands at its old time. `edited`: under another etag than ours was sent with; `for_long`: so long after the
    /// last request that it cannot arrive any more.
    FoundAsBefore {
        /// Nothing that was sent under the old etag counts any more.
        edited: bool,
        /// Nothing that was sent can still arrive.
        for_long: bool,
    },
    /// The event stands at a time that is neither.
    FoundElsewhere,
    /// Nobody can say how it stands.
    FoundUnknown,
}

impl Changing {
    /// One that was just begun, for somebody who waits.
    #[must_use]
    pub fn begun(aim: Aim) -> Self {
        Self { aim, in_doubt: false, wanted: true, sent: 0 }
    }

    /// One that was left: whatever the ledger says, a request may have been on its way.
    #[must_use]
    pub fn left(aim: Aim, wanted: bool) -> Self {
        Self { aim, in_doubt: true, wanted, sent: 0 }
    }

    /// What to do first.
    #[must_use]
    pub fn take_up(self) -> (Self, Step) {
        if self.in_doubt { (self, Step::Get) } else { self.again() }
    }

    /// What to do after that.
    #[must_use]
    pub fn after(self, met: Met) -> (Self, Step) {
        let ended = |end| (self, Step::End(end));
        match met {
            Met::Look(Looked::Free) => self.sending(),
            // Whatever was sent before, it counted on a free time; whether it arrived is to be known first.
            Met::Look(_) | Met::FoundUnknown if self.in_doubt => (self, Step::LeaveForLater),
            Met::Look(Looked::Taken) => ended(End::Taken),
            Met::Done | Met::FoundAsWished => ended(End::Done),
            Met::Gone if self.aim == Aim::Cancel => ended(End::Done),
            Met::Gone => ended(End::Gone),
            Met::FoundElsewhere => ended(End::Elsewhere),
            // A person has edited it, or what was sent before has arrived.
            Met::Edited => (self, Step::Get),
            Met::Unknown => (Self { in_doubt: true, ..self }, Step::Get),
            Met::NotDone if self.in_doubt => (self, Step::Get),
            Met::NotDone | Met::FoundUnknown | Met::Look(Looked::Unknown) => ended(End::Unchanged),
            Met::FoundAsBefore { edited, for_long } => {
                Self { in_doubt: self.in_doubt && !edited && !for_long, ..self }.still_to_do()
            }
        }
    }

    /// The event is as it was before.
    fn still_to_do(self) -> (Self, Step) {
        // Nobody was told anything of a move, so it need not be. Who asked for a cancellation counts on it.
        if self.aim == Aim::Move && !self.wanted {
            return (self, if self.in_doubt { Step::LeaveForLater } else { Step::End(End::Unchanged) });
        }
        if self.sent < MAX_SENT {
            return self.again();
        }
        (self, if self.in_doubt { Step::LeaveForLater } else { Step::End(End::Unchanged) })
    }

    /// A new time is looked at before every request: a person may have taken it.
    fn again(self) -> (Self, Step) {
        if self.aim == Aim::Move { (self, Step::Look) } else { self.sending() }
    }

    fn sending(self) -> (Self, Step) {
        (Self { sent: self.sent.saturating_add(1), ..self }, Step::Send)
    }
}
