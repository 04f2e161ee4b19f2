//! How much one caller has asked for lately: calls of an hour, bookings of a day. Counted in the database, so that a restart
//! forgets nothing and several copies count together.

use sqlx::{Any, Executor};
use time::Duration;

use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Slug, VapiCallId};
use crate::span::Span;

/// How long a call counts against its caller.
const HOUR: Duration = Duration::HOUR;

/// How many bookings one caller may make on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimit {
    /// The day, where the business is.
    pub day: Span,
    /// The most bookings that may be made on it, whenever their time is.
    pub bookings: u32,
}

/// A call, by the name that whoever announces it gives it.
#[derive(Clone, Copy, Debug)]
pub enum CallName<'a> {
    /// Twilio's.
    Twilio(&'a CallSid),
    /// Vapi's.
    Vapi(&'a VapiCallId),
}

impl Store {
    /// How many calls the number of this call has made to the same business in the hour before it. Each side's announcements
    /// are counted for themselves: one telephone call may have a row from either. However often a call is announced, its own
    /// place among the others stays: the names of our rows rise with every call that is written down.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_before(&self, call: CallName<'_>) -> Result<i64, Error> {
        let (key, name) = match call {
            CallName::Twilio(sid) => ("call_sid", sid.as_str()),
            CallName::Vapi(id) => ("vapi_call_id", id.as_str()),
        };
        let statement = format!(
            "SELECT CAST(COUNT(*) AS BIGINT) AS calls FROM calls own JOIN calls c ON c.business = own.business \
             AND c.from_number = own.from_number AND c.created_at > own.created_at - $2 AND c.id < own.id \
             AND (c.call_sid IS NULL) = (own.call_sid IS NULL) WHERE own.{key} = $1"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(name);
        let hour = i64::try_from(HOUR.whole_milliseconds()).unwrap_or(i64::MAX);
        column(&query.bind(hour).fetch_one(&self.readers).await?, "calls")
    }

    /// Whether the caller with this key has made as many bookings as the limit allows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_booked_enough(&self, business: &Slug, caller_key: &str, limit: CallerLimit) -> Result<bool, Error> {
        has_booked_enough(&self.readers, business, caller_key, limit).await
    }
}

/// See [`Store::has_booked_enough`]; within a transaction it decides. What was cancelled counts too: each booking was an event
/// in somebody's calendar. What was given up before it was confirmed does not.
pub(super) async fn has_booked_enough<'c, E>(
    executor: E,
    business: &Slug,
    caller_key: &str,
    limit: CallerLimit,
) -> Result<bool, Error>
where
    E: Executor<'c, Database = Any>,
{
    let (from, to) = keys_of(caller_key);
    let query = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) AS made FROM bookings WHERE business = $1 AND caller_key >= $2 AND caller_key < $3 \
         AND created_at >= $4 AND created_at < $5 AND state <> 'released'",
    );
    let query = query.bind(business.as_str()).bind(from).bind(to);
    let query = query.bind(epoch_ms(limit.day.start)).bind(epoch_ms(limit.day.end));
    let made: i64 = column(&query.fetch_one(executor).await?, "made")?;
    Ok(made >= i64::from(limit.bookings))
}

/// Between which keys all of this caller's are: of a withheld number those of the same call, whatever number is dictated; else
/// this one, and those that bookings have which were moved onto one another.
fn keys_of(caller_key: &str) -> (String, String) {
    match caller_key.rsplit_once('/') {
        Some((call, _dictated)) if !call.is_empty() => (format!("{call}/"), format!("{call}0")),
        _ => (caller_key.to_owned(), format!("{caller_key}$")),
    }
}
