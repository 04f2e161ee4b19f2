//! The ledger: bookings as rows, and the questions about them. How a row is claimed and moved is in `claims.rs`.

use sqlx::any::AnyRow;
use sqlx::{Any, Executor};
use time::OffsetDateTime;

use super::row::{column, instant, named, truth};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{BookingId, BookingState, CalendarId, EventId, Phone, Seen, Slug};
use crate::span::Span;

/// A booking as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingRow {
    /// Its name.
    pub id: BookingId,
    /// Whose it is.
    pub business: Slug,
    /// Who comes: a technician's id.
    pub technician: String,
    /// Whether the caller asked for this technician.
    pub technician_named: bool,
    /// The technician's calendar.
    pub calendar: CalendarId,
    /// What two bookings must share to collide.
    pub claim_key: String,
    /// A service's name.
    pub service: String,
    /// The job itself.
    pub span: Span,
    /// The end of its buffer: until then nobody else may have the calendar.
    pub free_at: OffsetDateTime,
    /// IANA; with `wall_clock` it shows later whether a zone's rules have changed.
    pub zone: String,
    /// The start as it was meant, e.g. `2026-12-01 08:30`.
    pub wall_clock: String,
    /// Where it stands.
    pub state: BookingState,
    /// Rises when an event id turns out to be somebody else's.
    pub generation: u32,
    /// An insert was sent whose outcome is not known.
    pub in_doubt: bool,
    /// What the latest look said of other people's events at this time.
    pub seen: Seen,
    /// The caller was told that it is being arranged.
    pub promised: bool,
    /// When the calendar was first seen without an event that may still arrive.
    pub missing_since: Option<OffsetDateTime>,
    /// The id that we derived for its event.
    pub event_id: EventId,
    /// The event's latest etag; empty before it exists.
    pub etag: String,
    /// What the caller is told.
    pub confirmation: String,
    /// Who wished it: the signalled number, else the call and the dictated number.
    pub caller_key: String,
    /// As it was given.
    pub customer_name: String,
    /// Where the customer can be reached.
    pub customer_phone: Phone,
    /// May be empty.
    pub address: String,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub notes: String,
    /// The time as the caller wished it, in words.
    pub preferred: String,
    /// Vapi's name of the call, else its `CallSid`; may be empty.
    pub call_id: String,
    /// The tool call that asked for it; may be empty.
    pub tool_call_id: String,
    /// When it was claimed.
    pub created_at: OffsetDateTime,
}

impl BookingRow {
    /// Who wished it, without what a key of its own adds.
    #[must_use]
    pub fn booked_by(&self) -> &str {
        let own = self.caller_key.rsplit_once('#').filter(|(_, id)| *id == self.id.to_string());
        own.map_or(&self.caller_key, |(booked_by, _)| booked_by)
    }
}

pub(super) const COLUMNS: &str = "id, business, technician, technician_named, calendar, claim_key, service, starts_at, ends_at, free_at, zone, \
                       wall_clock, state, generation, in_doubt, seen, promised, missing_since, event_id, etag, confirmation, caller_key, \
                       customer_name, customer_phone, address, email, notes, preferred, call_id, tool_call_id, created_at";

/// The number of customers who were erased, whose rows hold none: the country code 999 is kept free by the ITU, so that it never
/// reaches anybody. It stands in no row, so nobody who signals it finds one.
const NOBODY: &str = "+9990000000";

/// Whether this is the number of somebody who was erased.
#[must_use]
pub fn is_nobody(phone: &Phone) -> bool {
    phone.as_str() == NOBODY
}

fn number_or_nobody(kept: &str) -> Option<Phone> {
    Phone::e164(if kept.is_empty() { NOBODY } else { kept })
}

impl Store {
    /// The live booking of the same caller and service that starts in `wished`: with a technician named on both sides,
    /// only the same one's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn same_wish(
        &self,
        business: &Slug,
        caller: &str,
        service: &str,
        wished: Span,
        technician: Option<&str>,
    ) -> Result<Option<BookingRow>, Error> {
        same_wish(&self.readers, (business, caller, service), wished, technician).await
    }

    /// The booking with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn booking(&self, id: BookingId) -> Result<Option<BookingRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM bookings WHERE id = $1"));
        let row = sqlx::query(statement).bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_booking).transpose()
    }

    /// All bookings of a business that start in `span`, by start; released ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bookings_between(&self, business: &Slug, span: Span) -> Result<Vec<BookingRow>, Error> {
        let condition = "business = $1 AND starts_at >= $2 AND starts_at < $3 ORDER BY starts_at, id";
        self.bookings_where(condition, business.as_str(), epoch_ms(span.start), epoch_ms(span.end)).await
    }

    /// The live bookings that hold this calendar in `span`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claims_between(&self, claim_key: &str, span: Span) -> Result<Vec<BookingRow>, Error> {
        let condition =
            "live = 1 AND claim_key = $1 AND starts_at > $2 - 172800000 AND free_at > $2 AND starts_at < $3 ORDER BY starts_at";
        self.bookings_where(condition, claim_key, epoch_ms(span.start), epoch_ms(span.end)).await
    }

    /// The bookings that this number made, or that were made for it, and that have not ended: live ones, and those that were
    /// cancelled after `cancelled_after`. Soonest first, the live ones before the others; at most ten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn appointments_of(
        &self,
        business: &Slug,
        phone: &Phone,
        now: OffsetDateTime,
        cancelled_after: OffsetDateTime,
    ) -> Result<Vec<BookingRow>, Error> {
        // Both ways of being theirs are looked up in their indices; joined by OR, all bookings of the business would be gone through.
        let statement = format!(
            "SELECT {COLUMNS} FROM bookings WHERE id IN (SELECT id FROM bookings WHERE business = $1 AND customer_phone = $2 \
             UNION ALL SELECT id FROM bookings WHERE business = $1 AND caller_key >= $2 AND caller_key < $3) AND ends_at > $4 \
             AND (live = 1 OR (state = 'cancelled' AND updated_at > $5)) ORDER BY live DESC, starts_at LIMIT 10"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(business.as_str())
            .bind(phone.as_str())
            .bind(after_all_keys(phone))
            .bind(epoch_ms(now))
            .bind(epoch_ms(cancelled_after))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read_booking).collect()
    }

    /// The booking with this confirmation code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn booking_of_code(&self, business: &Slug, code: &str) -> Result<Option<BookingRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM bookings WHERE business = $1 AND confirmation = $2"));
        let row = sqlx::query(statement).bind(business.as_str()).bind(code).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_booking).transpose()
    }

    /// The name of whoever has this number, as it was booked last, else the name that this number booked last for. Who has
    /// cancelled since is still known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_name_of(&self, business: &Slug, phone: &Phone) -> Result<Option<String>, Error> {
        let statement = "SELECT customer_name FROM bookings WHERE id IN (SELECT id FROM bookings WHERE business = $1 AND customer_phone = $2 \
             UNION ALL SELECT id FROM bookings WHERE business = $1 AND caller_key >= $2 AND caller_key < $3) AND state IN ('confirmed', 'moving', 'cancelling', 'cancelled') \
             ORDER BY CASE WHEN customer_phone = $2 THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1";
        let row = sqlx::query(statement)
            .bind(business.as_str())
            .bind(phone.as_str())
            .bind(after_all_keys(phone))
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| column(&row, "customer_name")).transpose()
    }

    /// Live bookings that are not confirmed and were not touched since `before`: somebody must finish them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_bookings(&self, before: OffsetDateTime) -> Result<Vec<BookingRow>, Error> {
        let condition = "live = 1 AND state <> $1 AND updated_at >= $2 AND updated_at < $3 ORDER BY updated_at LIMIT 100";
        self.bookings_where(condition, BookingState::Confirmed.as_str(), 0, epoch_ms(before)).await
    }

    async fn bookings_where(&self, condition: &'static str, key: &str, from: i64, to: i64) -> Result<Vec<BookingRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM bookings WHERE {condition}"));
        let rows = sqlx::query(statement).bind(key).bind(from).bind(to).fetch_all(&self.readers).await?;
        rows.iter().map(read_booking).collect()
    }
}

/// See [`Store::same_wish`]; within a transaction it decides.
pub(super) async fn same_wish<'c, E>(
    executor: E,
    (business, caller, service): (&Slug, &str, &str),
    wished: Span,
    technician: Option<&str>,
) -> Result<Option<BookingRow>, Error>
where
    E: Executor<'c, Database = Any>,
{
    let statement = format!(
        "SELECT {COLUMNS} FROM bookings WHERE live = 1 AND business = $1 AND caller_key = $2 AND service = $3 AND starts_at >= $4 \
         AND starts_at < $5 AND ($6 = 0 OR technician_named = 0 OR technician = $7) ORDER BY starts_at LIMIT 1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(business.as_str())
        .bind(caller)
        .bind(service)
        .bind(epoch_ms(wished.start))
        .bind(epoch_ms(wished.end))
        .bind(i64::from(technician.is_some()))
        .bind(technician.unwrap_or_default())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(read_booking).transpose()
}

/// What comes after every key of this caller: own keys go on with a `#`.
fn after_all_keys(phone: &Phone) -> String {
    format!("{}$", phone.as_str())
}

pub(super) fn read_booking(row: &AnyRow) -> Result<BookingRow, Error> {
    let span = Span::new(instant(row, "starts_at")?, instant(row, "ends_at")?).ok_or(Error::Unreadable("booking's time"))?;
    Ok(BookingRow {
        id: named(row, "id", BookingId::parse)?,
        business: named(row, "business", Slug::parse)?,
        technician: column(row, "technician")?,
        technician_named: truth(row, "technician_named")?,
        calendar: named(row, "calendar", CalendarId::parse)?,
        claim_key: column(row, "claim_key")?,
        service: column(row, "service")?,
        span,
        free_at: instant(row, "free_at")?,
        zone: column(row, "zone")?,
        wall_clock: column(row, "wall_clock")?,
        state: named(row, "state", BookingState::parse)?,
        generation: u32::try_from(column::<i64>(row, "generation")?).map_err(|_negative| Error::Unreadable("generation"))?,
        in_doubt: truth(row, "in_doubt")?,
        seen: named(row, "seen", Seen::parse)?,
        promised: truth(row, "promised")?,
        missing_since: column::<Option<i64>>(row, "missing_since")?.map(from_epoch_ms),
        event_id: named(row, "event_id", EventId::parse)?,
        etag: column(row, "etag")?,
        confirmation: column(row, "confirmation")?,
        caller_key: column(row, "caller_key")?,
        customer_name: column(row, "customer_name")?,
        customer_phone: named(row, "customer_phone", number_or_nobody)?,
        address: column(row, "address")?,
        email: column(row, "email")?,
        notes: column(row, "notes")?,
        preferred: column(row, "preferred")?,
        call_id: column(row, "call_id")?,
        tool_call_id: column(row, "tool_call_id")?,
        created_at: instant(row, "created_at")?,
    })
}
