//! Bookings that are being moved or cancelled: the claim of a new time beside the old one, and the one write that ends it.

use futures_util::FutureExt;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::bookings::BookingRow;
use super::claims::{DayLimit, Moved, jobs_that_day, record};
use super::edits::{own_keys_where_needed, update};
use super::jobs::{Job, insert_job, insert_look_back};
use super::row::{column, instant, named, truth};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{BookingId, BookingState};
use crate::span::Span;

/// What is to become of a confirmed booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// [`BookingState::Moving`] or [`BookingState::Cancelling`].
    pub state: BookingState,
    /// The new time; of one that is cancelled its own.
    pub span: Span,
    /// The end of its buffer.
    pub free_at: OffsetDateTime,
    /// What two bookings must share to collide.
    pub claim_key: String,
    /// IANA.
    pub zone: String,
    /// The start as it was meant.
    pub wall_clock: String,
    /// The time as the caller wished it, in words.
    pub preferred: String,
    /// The caller was told that it is being arranged.
    pub promised: bool,
    /// The call in which it was asked for; may be empty.
    pub call_id: String,
    /// The tool call that asked for it; may be empty.
    pub tool_call_id: String,
    /// The event's etag under which the calendar was asked last, or was about to be.
    pub etag: String,
    /// When that was.
    pub sent_at: OffsetDateTime,
}

/// What came of beginning a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is under way, and its time is held.
    Ours,
    /// Another booking holds the new time.
    Taken,
    /// The technician has as many jobs that day as the business allows.
    DayFull,
    /// The booking does not stand as it was read.
    Elsewhere,
}

/// The end of a change.
#[derive(Clone, Debug)]
pub struct EndOfChange<'a> {
    /// The booking while it was being changed.
    pub was: &'a BookingRow,
    /// As it is from now on.
    pub now: &'a BookingRow,
    /// Why, in a word.
    pub cause: &'a str,
    /// What showed it: an event id and an etag.
    pub evidence: &'a str,
    /// The key and the job that tell a caller who was answered "being arranged".
    pub tell: (String, Job),
    /// The key and the job that confirm it to a caller who hears of it in the call; `None` where nothing was changed.
    pub confirm: Option<(String, Job)>,
}

const COLUMNS: &str = "booking, kind, claim_key, starts_at, ends_at, free_at, zone, wall_clock, preferred, holds, promised, call_id, tool_call_id, etag, sent_at";

impl Store {
    /// Begins to change a confirmed booking: its new time is held beside the old one from here on. With a `limit` the jobs of
    /// that day are counted, this one left out.
    ///
    /// # Errors
    /// When the database fails: then nothing has begun.
    pub async fn begin_change(&self, was: &BookingRow, change: &Change, limit: Option<DayLimit>) -> Result<Begun, Error> {
        let (was, change) = (was.clone(), change.clone());
        self.write(move |db| async move { begin(db, &was, &change, limit).await }.boxed()).await
    }

    /// What is being done to this booking.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_of(&self, booking: BookingId) -> Result<Option<Change>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM changes WHERE booking = $1"));
        let row = sqlx::query(statement).bind(booking.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_change).transpose()
    }

    /// Notes that the calendar is about to be asked again, under this etag: what was on its way before proves nothing any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn send_change_again(&self, booking: BookingId, etag: &str, now: OffsetDateTime) -> Result<Moved, Error> {
        let query = sqlx::query("UPDATE changes SET sent_at = $2, etag = $3 WHERE booking = $1");
        let noted = self.execute(query.bind(booking.to_string()).bind(epoch_ms(now)).bind(etag.to_owned())).await?;
        Ok(if noted == 1 { Moved::Made } else { Moved::Elsewhere })
    }

    /// Notes that the caller is told "being arranged"; `false` when the change has ended already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn promise_change(&self, booking: BookingId) -> Result<bool, Error> {
        let query = sqlx::query("UPDATE changes SET promised = 1 WHERE booking = $1").bind(booking.to_string());
        Ok(self.execute(query).await? == 1)
    }

    /// Ends a change, whatever came of it, and gives back the time that is not needed any more.
    ///
    /// # Errors
    /// When the database fails: then it goes on.
    pub async fn end_change(&self, end: &EndOfChange<'_>, now: OffsetDateTime) -> Result<Moved, Error> {
        let (was, next) = (end.was.clone(), end.now.clone());
        let record = record(was.id, (was.state.as_str(), next.state.as_str()), end.cause, end.evidence, now);
        let tell = insert_job(&end.tell.0, &end.tell.1, now)?;
        let confirm = end.confirm.as_ref().map(|(key, job)| insert_job(key, job, now)).transpose()?;
        let has_new_time = next.state.is_live() && next.span != was.span;
        let look_back = has_new_time.then(|| insert_look_back(was.id, now)).transpose()?;
        self.write(move |db| {
            async move {
                let mut next = next;
                own_keys_where_needed(db, &mut next).await?;
                if update(db, &was, &next, now).await? == 0 {
                    return Ok(Moved::Elsewhere);
                }
                let ended = sqlx::query("DELETE FROM changes WHERE booking = $1 RETURNING promised").bind(was.id.to_string());
                let ended = ended.fetch_optional(&mut *db).await?;
                record.execute(&mut *db).await?;
                if let Some(look_back) = look_back {
                    look_back.execute(&mut *db).await?;
                }
                if ended.is_some_and(|row| truth(&row, "promised").unwrap_or_default()) {
                    tell.execute(db).await?;
                } else if let Some(confirm) = confirm {
                    confirm.execute(db).await?;
                }
                Ok(Moved::Made)
            }
            .boxed()
        })
        .await
    }

    /// When this calendar is held in `span`, by whatever is booked or being moved there, buffers included; `but` left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held_between(&self, claim_key: &str, span: Span, but: Option<BookingId>) -> Result<Vec<Span>, Error> {
        let statement = "SELECT starts_at, free_at FROM bookings WHERE live = 1 AND claim_key = $1 AND starts_at > $2 - 172800000 \
                         AND free_at > $2 AND starts_at < $3 AND id <> $4 \
                         UNION ALL SELECT starts_at, free_at FROM changes WHERE holds = 1 AND claim_key = $1 \
                         AND starts_at > $2 - 172800000 AND free_at > $2 AND starts_at < $3 AND booking <> $4";
        let rows = sqlx::query(statement)
            .bind(claim_key)
            .bind(epoch_ms(span.start))
            .bind(epoch_ms(span.end))
            .bind(but.map(|id| id.to_string()).unwrap_or_default())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Ok(Span { start: instant(row, "starts_at")?, end: instant(row, "free_at")? })).collect()
    }
}

async fn begin(db: &mut AnyConnection, was: &BookingRow, change: &Change, limit: Option<DayLimit>) -> Result<Begun, Error> {
    if let Some(limit) = limit
        && jobs_that_day(db, &change.claim_key, was.id, limit.day).await? >= i64::from(limit.jobs)
    {
        return Ok(Begun::DayFull);
    }
    if !stands_as_read(db, was).await? {
        return Ok(Begun::Elsewhere);
    }
    if insert(db, was.id, change).await? == 0 {
        return Ok(Begun::Taken);
    }
    let cause = if change.state == BookingState::Moving { "wish_to_move" } else { "wish_to_cancel" };
    sqlx::query("UPDATE bookings SET state = $2, updated_at = $3 WHERE id = $1")
        .bind(was.id.to_string())
        .bind(change.state.as_str())
        .bind(epoch_ms(change.sent_at))
        .execute(&mut *db)
        .await?;
    record(was.id, (was.state.as_str(), change.state.as_str()), cause, &change.tool_call_id, change.sent_at).execute(db).await?;
    Ok(Begun::Ours)
}

/// One writer at a time: nothing comes between this and what follows from it.
async fn stands_as_read(db: &mut AnyConnection, was: &BookingRow) -> Result<bool, Error> {
    let found = sqlx::query(
        "SELECT id FROM bookings WHERE id = $1 AND state = 'confirmed' AND calendar = $2 AND starts_at = $3 AND etag = $4",
    )
    .bind(was.id.to_string())
    .bind(was.calendar.as_str())
    .bind(epoch_ms(was.span.start))
    .bind(&was.etag)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

async fn insert(db: &mut AnyConnection, booking: BookingId, change: &Change) -> Result<u64, Error> {
    let statement = format!(
        "INSERT INTO changes ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING"
    );
    let made = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(booking.to_string())
        .bind(change.state.as_str())
        .bind(&change.claim_key)
        .bind(epoch_ms(change.span.start))
        .bind(epoch_ms(change.span.end))
        .bind(epoch_ms(change.free_at))
        .bind(&change.zone)
        .bind(&change.wall_clock)
        .bind(&change.preferred)
        .bind(i64::from(change.state == BookingState::Moving))
        .bind(i64::from(change.promised))
        .bind(&change.call_id)
        .bind(&change.tool_call_id)
        .bind(&change.etag)
        .bind(epoch_ms(change.sent_at))
        .execute(db)
        .await?;
    Ok(made.rows_affected())
}

fn read_change(row: &AnyRow) -> Result<Change, Error> {
    Ok(Change {
        state: named(row, "kind", BookingState::parse)?,
        span: Span { start: instant(row, "starts_at")?, end: instant(row, "ends_at")? },
        free_at: instant(row, "free_at")?,
        claim_key: column(row, "claim_key")?,
        zone: column(row, "zone")?,
        wall_clock: column(row, "wall_clock")?,
        preferred: column(row, "preferred")?,
        promised: truth(row, "promised")?,
        call_id: column(row, "call_id")?,
        tool_call_id: column(row, "tool_call_id")?,
        etag: column(row, "etag")?,
        sent_at: instant(row, "sent_at")?,
    })
}
