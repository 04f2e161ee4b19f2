//! Claiming a time and moving a booking: the writes of the ledger. The database arbitrates: one live booking per wish (a
//! unique index) and per time and calendar (triggers), and the row count says who won.

use futures_util::FutureExt;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};
use time::OffsetDateTime;

use super::bookings::{BookingRow, COLUMNS, read_booking, same_wish};
use super::callers::{CallerLimit, has_booked_enough};
use super::jobs::{Job, insert_job, insert_look_back};
use super::row::{column, truth};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{BookingId, BookingState, EventId, Seen};
use crate::span::Span;

/// How many jobs one technician may have on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayLimit {
    /// The day, where the business is.
    pub day: Span,
    /// The most live jobs that may start on it.
    pub jobs: u32,
}

/// What a new booking is counted against; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The jobs of its technician.
    pub day: Option<DayLimit>,
    /// The bookings of its caller.
    pub caller: Option<CallerLimit>,
}

/// What came of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// The time is ours.
    Ours,
    /// The same wish is live already: this booking.
    Same(Box<BookingRow>),
    /// The time is held by this booking.
    Taken(Box<BookingRow>),
    /// The technician has as many jobs that day as the business allows.
    DayFull,
    /// The caller has made as many bookings as the business allows.
    CallerFull,
    /// The confirmation code is in use: claim again with another.
    CodeInUse,
}

/// One move of a booking, with its evidence, and what changes with it.
#[derive(Clone, Debug)]
pub struct Move<'a> {
    /// The row as it was read: if what is decided upon has changed since, nothing is moved.
    pub was: &'a BookingRow,
    /// To where.
    pub to: BookingState,
    /// Why, in a word.
    pub cause: &'a str,
    /// What showed it: a tool-call id, an event id, an etag.
    pub evidence: &'a str,
    /// See [`BookingRow::generation`].
    pub generation: u32,
    /// See [`BookingRow::in_doubt`].
    pub in_doubt: bool,
    /// See [`BookingRow::seen`].
    pub seen: Seen,
    /// See [`BookingRow::missing_since`].
    pub missing_since: Option<OffsetDateTime>,
    /// See [`BookingRow::event_id`].
    pub event_id: &'a EventId,
    /// See [`BookingRow::etag`].
    pub etag: &'a str,
    /// The key and the job that tell the caller, if they were told that it is being arranged: kept with the move or not at
    /// all, so that no crash comes between the two.
    pub tell: Option<(String, Job)>,
    /// The key and the job that confirm it to everybody else.
    pub confirm: Option<(String, Job)>,
    /// The key and the job that follow in any case, and when.
    pub later: Option<(String, Job, OffsetDateTime)>,
}

/// What came of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It was made.
    Made,
    /// The booking stood elsewhere: somebody else moved it.
    Elsewhere,
}

impl Store {
    /// Claims the time of `booking` for its wish: `wished` is the span in which a live booking of the same caller and
    /// service would be the same wish (its start alone, or a whole window). What is limited is counted here, where no other
    /// claim comes in between.
    ///
    /// # Errors
    /// When the database fails: then nothing is claimed.
    pub async fn claim_booking(&self, booking: &BookingRow, wished: Span, limits: Limits) -> Result<Claim, Error> {
        let booking = booking.clone();
        self.write(move |db| async move { claim(db, &booking, wished, limits).await }.boxed()).await
    }

    /// Moves a booking, and records the move. Another copy of the server may be at the same booking, so its state alone proves
    /// nothing: whoever has not seen that an insert is on its way, or who else was seen there, must not decide.
    ///
    /// # Errors
    /// When the database fails: then it was not moved.
    pub async fn move_booking(&self, step: &Move<'_>, now: OffsetDateTime) -> Result<Moved, Error> {
        let was = step.was;
        let query = sqlx::query(
            "UPDATE bookings SET state = $3, live = $4, generation = $5, in_doubt = $6, missing_since = $7, event_id = $8, etag = $9, \
             updated_at = $10, seen = $11 WHERE id = $1 AND state = $2 AND generation = $12 AND in_doubt = $13 AND seen = $14 \
             AND COALESCE(missing_since, -1) = $15 RETURNING promised",
        )
        .bind(was.id.to_string())
        .bind(was.state.as_str())
        .bind(step.to.as_str())
        .bind(i64::from(step.to.is_live()))
        .bind(i64::from(step.generation))
        .bind(i64::from(step.in_doubt))
        .bind(step.missing_since.map(epoch_ms))
        .bind(step.event_id.as_str())
        .bind(step.etag)
        .bind(epoch_ms(now))
        .bind(step.seen.as_str())
        .bind(i64::from(was.generation))
        .bind(i64::from(was.in_doubt))
        .bind(was.seen.as_str())
        .bind(was.missing_since.map_or(-1, epoch_ms));
        let record = record(was.id, (was.state.as_str(), step.to.as_str()), step.cause, step.evidence, now);
        let tell = step.tell.as_ref().map(|(key, job)| insert_job(key, job, now)).transpose()?;
        let confirm = step.confirm.as_ref().map(|(key, job)| insert_job(key, job, now)).transpose()?;
        let later = step.later.as_ref().map(|(key, job, at)| insert_job(key, job, *at)).transpose()?;
        let becomes_confirmed = step.to == BookingState::Confirmed && was.state != step.to;
        let look_back = becomes_confirmed.then(|| insert_look_back(was.id, now)).transpose()?;
        self.write(move |db| {
            async move {
                let Some(row) = query.fetch_optional(&mut *db).await? else { return Ok(Moved::Elsewhere) };
                record.execute(&mut *db).await?;
                for job in [look_back, later].into_iter().flatten() {
                    job.execute(&mut *db).await?;
                }
                let follows = if truth(&row, "promised")? { tell } else { confirm };
                if let Some(job) = follows {
                    job.execute(db).await?;
                }
                Ok(Moved::Made)
            }
            .boxed()
        })
        .await
    }

    /// Notes that the caller is told "being arranged"; `false` when the booking is decided already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn promise_booking(&self, id: BookingId) -> Result<bool, Error> {
        let query = sqlx::query("UPDATE bookings SET promised = 1 WHERE id = $1 AND state IN ('claimed', 'inserting')")
            .bind(id.to_string());
        let promised = self.execute(query).await?;
        Ok(promised == 1)
    }
}

/// The live jobs that start on a day in a calendar, but for this one.
pub(super) async fn jobs_that_day(db: &mut AnyConnection, claim_key: &str, but: BookingId, day: Span) -> Result<i64, Error> {
    let statement = "SELECT CAST(COUNT(*) AS BIGINT) AS jobs FROM bookings WHERE live = 1 AND claim_key = $1 AND starts_at >= $2 \
                     AND starts_at < $3 AND id <> $4";
    let query = sqlx::query(statement).bind(claim_key).bind(epoch_ms(day.start)).bind(epoch_ms(day.end)).bind(but.to_string());
    column(&query.fetch_one(db).await?, "jobs")
}

async fn claim(db: &mut AnyConnection, booking: &BookingRow, wished: Span, limits: Limits) -> Result<Claim, Error> {
    let named = booking.technician_named.then_some(booking.technician.as_str());
    let wish = (&booking.business, booking.caller_key.as_str(), booking.service.as_str());
    if let Some(same) = same_wish(&mut *db, wish, wished, named).await? {
        return Ok(Claim::Same(Box::new(same)));
    }
    if let Some(limit) = limits.caller
        && has_booked_enough(&mut *db, &booking.business, &booking.caller_key, limit).await?
    {
        return Ok(Claim::CallerFull);
    }
    if let Some(limit) = limits.day
        && jobs_that_day(db, &booking.claim_key, booking.id, limit.day).await? >= i64::from(limit.jobs)
    {
        return Ok(Claim::DayFull);
    }
    if insert(db, booking).await? == 0 {
        let holder = holder_of(db, booking).await?;
        return Ok(holder.map_or(Claim::CodeInUse, |row| Claim::Taken(Box::new(row))));
    }
    let first = record(booking.id, ("", booking.state.as_str()), "wish", &booking.tool_call_id, booking.created_at);
    first.execute(db).await?;
    Ok(Claim::Ours)
}

async fn holder_of(db: &mut AnyConnection, booking: &BookingRow) -> Result<Option<BookingRow>, Error> {
    let statement = format!(
        "SELECT {COLUMNS} FROM bookings WHERE live = 1 AND claim_key = $1 AND starts_at < $2 AND starts_at > $3 - 172800000 \
         AND free_at > $3 LIMIT 1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(&booking.claim_key)
        .bind(epoch_ms(booking.free_at))
        .bind(epoch_ms(booking.span.start))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(read_booking).transpose()
}

async fn insert(db: &mut AnyConnection, booking: &BookingRow) -> Result<u64, Error> {
    let statement = format!(
        "INSERT INTO bookings ({COLUMNS}, live, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
         $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33) ON CONFLICT DO NOTHING"
    );
    let made = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(booking.id.to_string())
        .bind(booking.business.as_str())
        .bind(&booking.technician)
        .bind(i64::from(booking.technician_named))
        .bind(booking.calendar.as_str())
        .bind(&booking.claim_key)
        .bind(&booking.service)
        .bind(epoch_ms(booking.span.start))
        .bind(epoch_ms(booking.span.end))
        .bind(epoch_ms(booking.free_at))
        .bind(&booking.zone)
        .bind(&booking.wall_clock)
        .bind(booking.state.as_str())
        .bind(i64::from(booking.generation))
        .bind(i64::from(booking.in_doubt))
        .bind(booking.seen.as_str())
        .bind(i64::from(booking.promised))
        .bind(booking.missing_since.map(epoch_ms))
        .bind(booking.event_id.as_str())
        .bind(&booking.etag)
        .bind(&booking.confirmation)
        .bind(&booking.caller_key)
        .bind(&booking.customer_name)
        .bind(booking.customer_phone.as_str())
        .bind(&booking.address)
        .bind(&booking.email)
        .bind(&booking.notes)
        .bind(&booking.preferred)
        .bind(&booking.call_id)
        .bind(&booking.tool_call_id)
        .bind(epoch_ms(booking.created_at))
        .bind(i64::from(booking.state.is_live()))
        .bind(epoch_ms(booking.created_at))
        .execute(db)
        .await?;
    Ok(made.rows_affected())
}

/// A move, written down next to the row that it changes.
pub(super) fn record(
    id: BookingId,
    (from, to): (&str, &str),
    cause: &str,
    evidence: &str,
    at: OffsetDateTime,
) -> Query<'static, Any, AnyArguments> {
    let statement = "INSERT INTO booking_moves (booking, seq, from_state, to_state, cause, evidence, at) \
                     SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6 FROM booking_moves WHERE booking = $1";
    let query = sqlx::query(statement).bind(id.to_string()).bind(from).bind(to);
    query.bind(cause).bind(evidence).bind(epoch_ms(at))
}
