//! What people did to our events in the calendar, written into our own rows. The calendar is right: a row follows its event
//! even to a time that is held by another one, and then stands beside it under a key of its own.

use futures_util::FutureExt;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};
use time::OffsetDateTime;

use super::bookings::{BookingRow, COLUMNS, read_booking};
use super::claims::{Moved, record};
use super::jobs::{Job, insert_job};
use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{BookingId, EventId};

type Statement = Query<'static, Any, AnyArguments>;

/// One edit that somebody made in the calendar.
#[derive(Clone, Debug)]
pub struct Edit<'a> {
    /// The row as it was read: if it has changed since, nothing is written.
    pub was: &'a BookingRow,
    /// The row as the calendar shows it.
    pub now: &'a BookingRow,
    /// What happened, in a word.
    pub cause: &'a str,
    /// What showed it: an event id and an etag.
    pub evidence: &'a str,
    /// The key and the job that tell the business, kept with the edit if its time is held by another booking.
    pub conflict: (String, Job),
}

impl Store {
    /// The booking whose event has this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn booking_of_event(&self, event: &EventId) -> Result<Option<BookingRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM bookings WHERE event_id = $1"));
        let row = sqlx::query(statement).bind(event.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_booking).transpose()
    }

    /// Why this booking was moved last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_cause(&self, id: BookingId) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT cause FROM booking_moves WHERE booking = $1 ORDER BY seq DESC LIMIT 1");
        let row = row.bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.map(|row| column(&row, "cause")).transpose()
    }

    /// Writes what the caller has corrected of a confirmed booking, with its event's new etag.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn correct_booking(&self, now: &BookingRow, at: OffsetDateTime) -> Result<Moved, Error> {
        let evidence = format!("{} {}", now.event_id, now.etag);
        let record = record(now.id, (now.state.as_str(), now.state.as_str()), "corrected_by_caller", &evidence, at);
        let query = sqlx::query(
            "UPDATE bookings SET customer_name = $2, customer_phone = $3, address = $4, notes = $5, etag = $6, updated_at = $7 \
             WHERE id = $1 AND state = 'confirmed'",
        )
        .bind(now.id.to_string())
        .bind(now.customer_name.clone())
        .bind(now.customer_phone.as_str().to_owned())
        .bind(now.address.clone())
        .bind(now.notes.clone())
        .bind(now.etag.clone())
        .bind(epoch_ms(at));
        self.write(move |db| {
            async move {
                if query.execute(&mut *db).await?.rows_affected() == 0 {
                    return Ok(Moved::Elsewhere);
                }
                record.execute(db).await?;
                Ok(Moved::Made)
            }
            .boxed()
        })
        .await
    }

    /// Writes an edit into its row, and records it if it changes more than the etag.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn follow_edit(&self, edit: &Edit<'_>, now: OffsetDateTime) -> Result<Moved, Error> {
        let (was, next) = (edit.was.clone(), edit.now.clone());
        let record = record(was.id, (was.state.as_str(), next.state.as_str()), edit.cause, edit.evidence, now);
        let tell = insert_job(&edit.conflict.0, &edit.conflict.1, now)?;
        self.write(move |db| async move { write(db, &was, next, (record, tell), now).await }.boxed()).await
    }
}

async fn write(
    db: &mut AnyConnection,
    was: &BookingRow,
    mut next: BookingRow,
    (record, tell): (Statement, Statement),
    now: OffsetDateTime,
) -> Result<Moved, Error> {
    let is_held = own_keys_where_needed(db, &mut next).await?;
    if next == *was {
        return Ok(Moved::Made);
    }
    if update(db, was, &next, now).await? == 0 {
        return Ok(Moved::Elsewhere);
    }
    if next != (BookingRow { etag: next.etag.clone(), ..was.clone() }) {
        record.execute(&mut *db).await?;
        if is_held {
            tell.execute(db).await?;
        }
    }
    Ok(Moved::Made)
}

/// Gives a live row keys of its own where others have those it ought to stand under; whether its time is held by another.
pub(super) async fn own_keys_where_needed(db: &mut AnyConnection, next: &mut BookingRow) -> Result<bool, Error> {
    let is_held = next.state.is_live() && is_held(db, next).await?;
    if is_held {
        next.claim_key = own_key(&next.claim_key, next.id);
    }
    if next.state.is_live() && is_wished(db, next).await? {
        next.caller_key = own_key(&next.caller_key, next.id);
    }
    Ok(is_held)
}

/// The key under which a row stands that may not stand under `key`: nobody else ever has it.
fn own_key(key: &str, id: BookingId) -> String {
    format!("{key}#{id}")
}

/// Whether another live booking holds the time of this one, or is being moved there; what the triggers ask.
async fn is_held(db: &mut AnyConnection, row: &BookingRow) -> Result<bool, Error> {
    let found = sqlx::query(
        "SELECT id FROM bookings WHERE live = 1 AND claim_key = $1 AND id <> $2 AND starts_at < $3 AND starts_at > $4 - 172800000 \
         AND free_at > $4 UNION ALL SELECT booking FROM changes WHERE holds = 1 AND claim_key = $1 AND booking <> $2 AND starts_at < $3 \
         AND starts_at > $4 - 172800000 AND free_at > $4 LIMIT 1",
    )
    .bind(&row.claim_key)
    .bind(row.id.to_string())
    .bind(epoch_ms(row.free_at))
    .bind(epoch_ms(row.span.start))
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Whether another live booking is the same wish; what the unique index asks.
async fn is_wished(db: &mut AnyConnection, row: &BookingRow) -> Result<bool, Error> {
    let found = sqlx::query(
        "SELECT id FROM bookings WHERE live = 1 AND business = $1 AND caller_key = $2 AND service = $3 AND starts_at = $4 AND id <> $5 \
         AND (CASE WHEN technician_named = 1 THEN technician ELSE '' END) = $6 LIMIT 1",
    )
    .bind(row.business.as_str())
    .bind(&row.caller_key)
    .bind(&row.service)
    .bind(epoch_ms(row.span.start))
    .bind(row.id.to_string())
    .bind(if row.technician_named { row.technician.as_str() } else { "" })
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// Writes a row that still stands as it was read; how many rows were changed.
pub(super) async fn update(
    db: &mut AnyConnection,
    was: &BookingRow,
    next: &BookingRow,
    now: OffsetDateTime,
) -> Result<u64, Error> {
    let made = sqlx::query(
        "UPDATE bookings SET state = $6, live = $7, technician = $8, calendar = $9, claim_key = $10, caller_key = $11, \
         starts_at = $12, ends_at = $13, free_at = $14, zone = $15, wall_clock = $16, etag = $17, updated_at = $18, preferred = $19 \
         WHERE id = $1 AND state = $2 AND calendar = $3 AND starts_at = $4 AND etag = $5",
    )
    .bind(was.id.to_string())
    .bind(was.state.as_str())
    .bind(was.calendar.as_str())
    .bind(epoch_ms(was.span.start))
    .bind(&was.etag)
    .bind(next.state.as_str())
    .bind(i64::from(next.state.is_live()))
    .bind(&next.technician)
    .bind(next.calendar.as_str())
    .bind(&next.claim_key)
    .bind(&next.caller_key)
    .bind(epoch_ms(next.span.start))
    .bind(epoch_ms(next.span.end))
    .bind(epoch_ms(next.free_at))
    .bind(&next.zone)
    .bind(&next.wall_clock)
    .bind(&next.etag)
    .bind(epoch_ms(now))
    .bind(&next.preferred)
    .execute(db)
    .await?;
    Ok(made.rows_affected())
}
