//! Erasing a person: what is known of a number is blanked or deleted, wherever it stands. That a job was booked and when, and
//! that a call came in, stays; of whom it was nobody can tell any more.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use sqlx::AnyConnection;
use time::OffsetDateTime;

use super::bookings::{BookingRow, COLUMNS, read_booking};
use super::jobs::{ERASE, Job, insert_job};
use super::row::{column, named_or_null};
use super::{Error, Store};
use crate::names::{Phone, Slug, VapiCallId};

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// The bookings as they were.
    pub bookings: Vec<BookingRow>,
    /// Calls from the number.
    pub calls: u64,
    /// Reports with their transcripts.
    pub reports: u64,
    /// Tool calls.
    pub traces: u64,
    /// Answers that were kept for repetitions.
    pub answers: u64,
    /// Webhooks that were recorded.
    pub webhooks: u64,
    /// Messages that were left; their recordings are being deleted at Twilio.
    pub voicemails: u64,
    /// SMS, alerts and the like, sent or not.
    pub messages: u64,
    /// Calls that are being deleted at Vapi.
    pub at_vapi: u64,
}

/// A call of the person, or one in which they were spoken of.
struct Call {
    id: String,
    sid: Option<String>,
    vapi: Option<VapiCallId>,
    business: Option<Slug>,
    is_theirs: bool,
    is_forgotten: bool,
}

/// The person, in every way that their number is written.
struct Person {
    /// E.164.
    number: String,
    /// A pattern that finds the number with its country.
    digits: String,
    /// A pattern that finds it as people dictate it, once everything but letters and digits is taken out of a text.
    dictated: String,
}

impl Store {
    /// Erases whoever has this number: all of it or nothing. What lies at Twilio and Vapi is left to jobs. Doing it again finds
    /// nothing.
    ///
    /// # Errors
    /// When the database fails: then nothing was erased.
    pub async fn erase(&self, phone: &Phone, now: OffsetDateTime) -> Result<Erased, Error> {
        let number = phone.as_str().to_owned();
        let digits = format!("%{}%", number.trim_start_matches('+'));
        let person = Person { dictated: format!("%{}%", national(phone)), digits, number };
        self.write(move |db| async move { erase(db, &person, now).await }.boxed()).await
    }
}

async fn erase(db: &mut AnyConnection, person: &Person, now: OffsetDateTime) -> Result<Erased, Error> {
    let bookings = bookings_of(db, person).await?;
    let calls = calls_of(db, person, &bookings).await?;
    let mut erased = Erased::default();
    let mut names: BTreeSet<String> = bookings.iter().map(|row| row.call_id.clone()).filter(|name| !name.is_empty()).collect();
    for call in &calls {
        names.extend(call.sid.iter().cloned().chain(call.vapi.iter().map(ToString::to_string)));
        erased.voicemails += forget_voicemails(db, call, now).await?;
        if let (Some(vapi), Some(business), false) = (&call.vapi, &call.business, call.is_forgotten) {
            let job = Job::ForgetCall { business: business.clone(), call: vapi.clone() };
            erased.at_vapi += insert_job(&format!("forget_call/{vapi}"), &job, now)?.execute(&mut *db).await?.rows_affected();
        }
    }
    for name in &names {
        forget_call(db, name, &mut erased).await?;
    }
    forget_mentions(db, person, &mut erased).await?;
    erased.messages += forget_messages(db, person, &bookings, &names).await?;
    blank_bookings(db, &bookings).await?;
    erased.calls = blank_calls(db, person, &calls).await?;
    erased.bookings = bookings;
    Ok(erased)
}

/// Made by the number, or for it.
async fn bookings_of(db: &mut AnyConnection, person: &Person) -> Result<Vec<BookingRow>, Error> {
    let statement =
        format!("SELECT {COLUMNS} FROM bookings WHERE customer_phone = $1 OR caller_key LIKE $2 ORDER BY starts_at, id");
    let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&person.number).bind(&person.digits);
    query.fetch_all(db).await?.iter().map(read_booking).collect()
}

async fn calls_of(db: &mut AnyConnection, person: &Person, bookings: &[BookingRow]) -> Result<Vec<Call>, Error> {
    const FOUND: &str = "SELECT id, call_sid, vapi_call_id, business, forgotten FROM calls WHERE";
    let mut calls: Vec<Call> = Vec::new();
    let theirs = sqlx::query(sqlx::AssertSqlSafe(format!("{FOUND} from_number LIKE $1"))).bind(&person.digits);
    let mut rows: Vec<_> = theirs.fetch_all(&mut *db).await?.into_iter().map(|row| (row, true)).collect();
    for booking in bookings.iter().filter(|row| !row.call_id.is_empty()) {
        let made_in = sqlx::query(sqlx::AssertSqlSafe(format!("{FOUND} vapi_call_id = $1 OR call_sid = $1")));
        rows.extend(made_in.bind(&booking.call_id).fetch_all(&mut *db).await?.into_iter().map(|row| (row, false)));
    }
    for (row, is_theirs) in rows {
        let id: String = column(&row, "id")?;
        if calls.iter().any(|known| known.id == id) {
            continue;
        }
        calls.push(Call {
            id,
            sid: column(&row, "call_sid")?,
            vapi: named_or_null(&row, "vapi_call_id", VapiCallId::parse)?,
            business: named_or_null(&row, "business", Slug::parse)?,
            is_theirs,
            is_forgotten: column::<i64>(&row, "forgotten")? == 1,
        });
    }
    Ok(calls)
}

/// Only messages from the number itself are its owner's.
async fn forget_voicemails(db: &mut AnyConnection, call: &Call, now: OffsetDateTime) -> Result<u64, Error> {
    let (Some(sid), true) = (&call.sid, call.is_theirs) else { return Ok(0) };
    let left = "SELECT recording_sid, business FROM voicemails WHERE call_sid = $1";
    for row in &sqlx::query(left).bind(sid).fetch_all(&mut *db).await? {
        let (recording_sid, business): (String, _) =
            (column(row, "recording_sid")?, named_or_null(row, "business", Slug::parse)?);
        sqlx::query("DELETE FROM jobs WHERE key LIKE $1 ESCAPE '!'").bind(containing(&recording_sid)).execute(&mut *db).await?;
        let (key, job) = (format!("{ERASE}{recording_sid}"), Job::EraseRecording { business, recording_sid });
        insert_job(&key, &job, now)?.execute(&mut *db).await?;
    }
    Ok(sqlx::query("DELETE FROM voicemails WHERE call_sid = $1").bind(sid).execute(db).await?.rows_affected())
}

/// What is known of the call of this name.
async fn forget_call(db: &mut AnyConnection, name: &str, erased: &mut Erased) -> Result<(), Error> {
    let of_traces = "DELETE FROM deliveries WHERE key IN (SELECT delivery FROM tool_traces WHERE call_id = $1)";
    erased.answers += sqlx::query(of_traces).bind(name).execute(&mut *db).await?.rows_affected();
    let of_call = "DELETE FROM deliveries WHERE key LIKE $1 ESCAPE '!'";
    erased.answers += sqlx::query(of_call).bind(containing(name)).execute(&mut *db).await?.rows_affected();
    for (statement, count) in [
        ("DELETE FROM reports WHERE vapi_call_id = $1", &mut erased.reports),
        ("DELETE FROM webhooks WHERE vapi_call_id = $1 OR call_sid = $1", &mut erased.webhooks),
        ("DELETE FROM tool_traces WHERE call_id = $1", &mut erased.traces),
    ] {
        *count += sqlx::query(statement).bind(name).execute(&mut *db).await?.rows_affected();
    }
    let offers = "DELETE FROM offers WHERE call_key LIKE $1 ESCAPE '!'";
    sqlx::query(offers).bind(format!("%/{}", escaped(name))).execute(db).await?;
    Ok(())
}

/// Wherever else the number was said or written, by whomever.
async fn forget_mentions(db: &mut AnyConnection, person: &Person, erased: &mut Erased) -> Result<(), Error> {
    for (table, key, text, count) in [
        ("deliveries", "key", "COALESCE(answer, '')", &mut erased.answers),
        ("tool_traces", "delivery", "arguments || ' ' || answer", &mut erased.traces),
        ("reports", "vapi_call_id", "COALESCE(summary, '') || ' ' || COALESCE(transcript, '')", &mut erased.reports),
        ("webhooks", "id", "body", &mut erased.webhooks),
    ] {
        let statement = format!("DELETE FROM {table} WHERE {key} LIKE $1 OR {} LIKE $2", plain(text));
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&person.digits).bind(&person.dictated);
        *count += query.execute(&mut *db).await?.rows_affected();
    }
    let notes = format!("UPDATE bookings SET notes = '' WHERE {} LIKE $1", plain("notes"));
    sqlx::query(sqlx::AssertSqlSafe(notes)).bind(&person.dictated).execute(db).await?;
    Ok(())
}

/// Texts that were sent or are to be sent: to the number, or about its bookings. Of work that is not told to anybody nothing
/// is forgotten, or a booking would never be finished.
async fn forget_messages(
    db: &mut AnyConnection,
    person: &Person,
    bookings: &[BookingRow],
    names: &BTreeSet<String>,
) -> Result<u64, Error> {
    let numbers = format!("DELETE FROM jobs WHERE key LIKE $1 OR payload LIKE $1 OR {} LIKE $2", plain("payload"));
    let query = sqlx::query(sqlx::AssertSqlSafe(numbers)).bind(&person.digits).bind(&person.dictated);
    let mut count = query.execute(&mut *db).await?.rows_affected();
    let told = "DELETE FROM jobs WHERE payload LIKE '%text%' AND (key LIKE $1 OR payload LIKE $1)";
    let ended = "DELETE FROM jobs WHERE payload LIKE '%text%' AND state <> 'waiting' AND payload LIKE $1 ESCAPE '!'";
    for booking in bookings {
        count += sqlx::query(told).bind(format!("%{}%", booking.id)).execute(&mut *db).await?.rows_affected();
        let name = serde_json::Value::from(booking.customer_name.as_str()).to_string();
        let name = name.trim_matches('"');
        if !name.is_empty() {
            count += sqlx::query(ended).bind(containing(name)).execute(&mut *db).await?.rows_affected();
        }
    }
    for statement in ["DELETE FROM texts WHERE number = $1", "DELETE FROM opted_out WHERE number = $1"] {
        sqlx::query(statement).bind(&person.number).execute(&mut *db).await?;
    }
    for name in names {
        sqlx::query("DELETE FROM jobs WHERE key = $1").bind(format!("report/{name}")).execute(&mut *db).await?;
    }
    Ok(count)
}

async fn blank_bookings(db: &mut AnyConnection, bookings: &[BookingRow]) -> Result<(), Error> {
    for booking in bookings {
        sqlx::query(
            "UPDATE bookings SET customer_name = '', customer_phone = '', address = '', email = '', notes = '', \
             caller_key = 'forgotten/' || id WHERE id = $1",
        )
        .bind(booking.id.to_string())
        .execute(&mut *db)
        .await?;
        let event = "UPDATE embedded_events SET summary = $2, description = '', location = '' WHERE booking = $1";
        sqlx::query(event).bind(booking.id.to_string()).bind(&booking.service).execute(&mut *db).await?;
    }
    Ok(())
}

/// From nobody, with an answer that names nobody; and closed to reports that come late.
async fn blank_calls(db: &mut AnyConnection, person: &Person, calls: &[Call]) -> Result<u64, Error> {
    let digits = person.number.trim_start_matches('+');
    let mut theirs = 0;
    for call in calls {
        let mark = "UPDATE calls SET forgotten = 1, control_url = NULL, twiml = REPLACE(twiml, $2, ''), \
                    transfer_twiml = REPLACE(transfer_twiml, $2, '') WHERE id = $1";
        sqlx::query(mark).bind(&call.id).bind(digits).execute(&mut *db).await?;
        if call.is_theirs {
            let blank = sqlx::query("UPDATE calls SET from_number = 'forgotten' WHERE id = $1").bind(&call.id);
            theirs += blank.execute(&mut *db).await?.rows_affected();
        }
    }
    Ok(theirs)
}

/// The number as it is dialled within its country, without what is put before it there.
fn national(phone: &Phone) -> String {
    let number = rlibphonenumber::PHONE_NUMBER_UTIL.parse(phone.as_str(), None);
    number.map_or_else(|_| phone.as_str().replace('+', ""), |number| number.get_national_significant_number())
}

/// A text in SQL without what people write between digits.
fn plain(text: &str) -> String {
    [" ", "-", "(", ")", "."].iter().fold(format!("({text})"), |text, between| format!("REPLACE({text}, '{between}', '')"))
}

/// A pattern for what contains this, with `!` before what a pattern would read otherwise.
fn containing(text: &str) -> String {
    format!("%{}%", escaped(text))
}

fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect()
}
