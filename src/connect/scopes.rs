//! What is asked of an owner, in an owner's words.

use std::collections::BTreeSet;

use crate::calendar::oauth::SCOPES;

/// One scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// As Google names it in its answers.
    pub scope: &'static str,
    /// What it allows, much as the consent page says it.
    pub what: &'static str,
    /// What it is for.
    pub why: &'static str,
}

/// All that is asked, in the order of [`SCOPES`].
pub const PERMISSIONS: [Permission; SCOPES.len()] = [
    Permission {
        scope: SCOPES[0],
        what: "View and edit events on all your calendars",
        why: "a job that a caller books becomes an event, and one that is moved or cancelled is changed. Only calendars that you choose are touched",
    },
    Permission {
        scope: SCOPES[1],
        what: "See the availability on Google calendars you have access to",
        why: "callers are offered only times at which the technician is free",
    },
    Permission {
        scope: SCOPES[2],
        what: "See the list of Google calendars you're subscribed to",
        why: "so that you can pick from your calendars by name",
    },
];

/// What was not granted.
#[must_use]
pub fn missing(granted: &BTreeSet<String>) -> Vec<Permission> {
    PERMISSIONS.into_iter().filter(|permission| !granted.contains(permission.scope)).collect()
}
