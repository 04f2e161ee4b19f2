//! What a calendar can answer, as far as decisions need it, and its name in the ledger. Pure.

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Looked {
    /// The calendar has nothing else at that time.
    Free,
    /// The calendar has something else at that time.
    Taken,
    /// The calendar could not be read.
    Unknown,
}

impl Looked {
    fn cause(self) -> &'static str {
        match self {
            Self::Free => "look_free",
            Self::Taken => "look_taken",
            Self::Unknown => "look_unknown",
        }
    }
}

/// What came of an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// It made the event, and the calendar showed it as it was asked for.
    Placed,
    /// The id exists already.
    Duplicate,
    /// The calendar said no: nothing was made by this insert.
    Refused,
    /// It never left: nothing was made by this insert.
    NotSent,
    /// Nobody knows.
    Unknown,
}

impl Sent {
    fn cause(self) -> &'static str {
        match self {
            Self::Placed => "insert_placed",
            Self::Duplicate => "insert_duplicate",
            Self::Refused => "insert_refused",
            Self::NotSent => "insert_not_sent",
            Self::Unknown => "insert_unknown",
        }
    }
}

/// What the shell saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happened {
    /// A look alone.
    Look(Looked),
    /// An insert alone, after a look that saw the time free.
    Insert(Sent),
    /// A look and an insert, at the same time.
    Both(Looked, Sent),
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
            Self::Look(looked) | Self::Both(looked @ Looked::Taken, _) => looked.cause(),
            Self::Both(_, sent) | Self::Insert(sent) => sent.cause(),
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
