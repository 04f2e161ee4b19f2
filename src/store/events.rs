//! The rows of the embedded calendar. What they mean is decided in `calendar/embedded.rs`.

use time::OffsetDateTime;

use super::row::{column, instant, truth};
use super::{Error, Store};
use crate::clock::epoch_ms;

/// An event of the embedded calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Which calendar, the business included.
    pub calendar: String,
    /// Derived by us.
    pub id: String,
    /// The title.
    pub summary: String,
    /// Lines of `Key: value`.
    pub description: String,
    /// May be empty.
    pub location: String,
    /// IANA.
    pub zone: String,
    /// The start of the job.
    pub starts_at: OffsetDateTime,
    /// Its end, without the buffer.
    pub ends_at: OffsetDateTime,
    /// Our booking.
    pub booking: String,
    /// The call it was booked in; may be empty.
    pub call_id: String,
    /// Deleted: the id stays burned.
    pub cancelled: bool,
    /// Changes with every edit.
    pub etag: String,
}

const COLUMNS: &str = "calendar, id, summary, description, location, zone, starts_at, ends_at, booking, call_id, cancelled, etag";

impl Store {
    /// Makes the event; `false` when its id is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_event(&self, event: &EventRow) -> Result<bool, Error> {
        let statement = format!(
            "INSERT INTO embedded_events ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(&event.calendar)
            .bind(&event.id)
            .bind(&event.summary)
            .bind(&event.description)
            .bind(&event.location)
            .bind(&event.zone)
            .bind(epoch_ms(event.starts_at))
            .bind(epoch_ms(event.ends_at))
            .bind(&event.booking)
            .bind(&event.call_id)
            .bind(i64::from(event.cancelled))
            .bind(&event.etag);
        let made = self.execute(query).await?;
        Ok(made == 1)
    }

    /// The event with this id, deleted ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event(&self, calendar: &str, id: &str) -> Result<Option<EventRow>, Error> {
        let statement = format!("SELECT {COLUMNS} FROM embedded_events WHERE calendar = $1 AND id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(calendar).bind(id).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_event).transpose()
    }

    /// Writes the event anew, if it still has the etag of `event` and is not deleted; `false` otherwise.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rewrite_event(&self, event: &EventRow) -> Result<bool, Error> {
        let statement = "UPDATE embedded_events SET summary = $4, description = $5, location = $6, zone = $7, starts_at = $8, ends_at = $9, \
                         etag = etag || '+' WHERE calendar = $1 AND id = $2 AND etag = $3 AND cancelled = 0";
        let query = sqlx::query(statement)
            .bind(event.calendar.clone())
            .bind(event.id.clone())
            .bind(event.etag.clone())
            .bind(event.summary.clone())
            .bind(event.description.clone())
            .bind(event.location.clone())
            .bind(event.zone.clone())
            .bind(epoch_ms(event.starts_at))
            .bind(epoch_ms(event.ends_at));
        Ok(self.execute(query).await? == 1)
    }

    /// Marks the event as deleted; `false` when there never was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_event(&self, calendar: &str, id: &str) -> Result<bool, Error> {
        let statement = "UPDATE embedded_events SET cancelled = 1, etag = etag || '-' WHERE calendar = $1 AND id = $2";
        let known = self.execute(sqlx::query(statement).bind(calendar).bind(id)).await?;
        Ok(known == 1)
    }

    /// The events that are not deleted and overlap `[from, to)`, by start.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_between(&self, calendar: &str, from: OffsetDateTime, to: OffsetDateTime) -> Result<Vec<EventRow>, Error> {
        let statement = format!(
            "SELECT {COLUMNS} FROM embedded_events WHERE calendar = $1 AND cancelled = 0 AND starts_at < $3 AND ends_at > $2 ORDER BY starts_at"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(calendar)
            .bind(epoch_ms(from))
            .bind(epoch_ms(to))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read_event).collect()
    }
}

fn read_event(row: &sqlx::any::AnyRow) -> Result<EventRow, Error> {
    Ok(EventRow {
        calendar: column(row, "calendar")?,
        id: column(row, "id")?,
        summary: column(row, "summary")?,
        description: column(row, "description")?,
        location: column(row, "location")?,
        zone: column(row, "zone")?,
        starts_at: instant(row, "starts_at")?,
        ends_at: instant(row, "ends_at")?,
        booking: column(row, "booking")?,
        call_id: column(row, "call_id")?,
        cancelled: truth(row, "cancelled")?,
        etag: column(row, "etag")?,
    })
}
