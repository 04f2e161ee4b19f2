//! Looking back at calls: a list of them, and everything that is remembered of one. Reads only.

use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::bookings::{self, BookingRow, read_booking};
use super::calls::{self, CallRow, read_call};
use super::jobs::Job;
use super::legs::LegRow;
use super::reports::Report;
use super::row::{column, instant, named_or_null};
use super::texts::Fate;
use super::traces::Trace;
use super::voicemails::VoicemailRow;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{BookingId, CallSid, Slug, VapiCallId};

/// The most calls that are listed, the latest ones.
pub const MAX_CALLS: i64 = 500;

/// Which calls are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Not older than this.
    pub since: OffsetDateTime,
    /// Only this business's.
    pub business: Option<&'a Slug>,
    /// Only from numbers that end so.
    pub phone_ends: Option<&'a str>,
}

/// A call in a list.
#[derive(Clone, Debug)]
pub struct CallLine {
    /// The call.
    pub call: CallRow,
    /// How long it took, in seconds, by Twilio's word, else by Vapi's.
    pub seconds: Option<i64>,
    /// How many bookings it made.
    pub booked: i64,
    /// How many of its bookings are not finished, or were promised and not made.
    pub unfinished: i64,
    /// How many of its tool calls were answered with an error.
    pub errors: i64,
    /// How many messages were left.
    pub voicemails: i64,
}

/// One move of a booking.
#[derive(Clone, Debug)]
pub struct MoveRow {
    /// Which booking.
    pub booking: BookingId,
    /// From where; empty for the first.
    pub from: String,
    /// To where.
    pub to: String,
    /// Why, in a word.
    pub cause: String,
    /// What showed it.
    pub evidence: String,
    /// When.
    pub at: OffsetDateTime,
}

/// What followed a call.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// What it was; `None` when this version cannot read it.
    pub job: Option<Job>,
    /// `waiting`, `done` or `failed`.
    pub state: String,
    /// Why it failed last.
    pub last_error: String,
    /// Of a text message: what became of it, and why it was lost.
    pub fate: Option<(Fate, String)>,
    /// When it ran, or runs.
    pub at: OffsetDateTime,
}

/// Everything that is remembered of one call.
#[derive(Clone, Debug)]
pub struct Story {
    /// The call.
    pub call: CallRow,
    /// What Vapi reported.
    pub report: Option<Report>,
    /// Later connections.
    pub legs: Vec<LegRow>,
    /// What was asked and answered.
    pub traces: Vec<Trace>,
    /// What was booked or changed in it.
    pub bookings: Vec<BookingRow>,
    /// How that went.
    pub moves: Vec<MoveRow>,
    /// Messages.
    pub voicemails: Vec<VoicemailRow>,
    /// SMS and alerts; they are remembered for a week.
    pub jobs: Vec<JobRow>,
}

const LINE: &str = "\
(SELECT CAST(COUNT(*) AS BIGINT) FROM bookings b WHERE b.call_id IN (calls.vapi_call_id, calls.call_sid) AND b.state IN \
 ('confirmed', 'moving', 'cancelling', 'cancelled')) AS booked, \
(SELECT CAST(COUNT(*) AS BIGINT) FROM bookings b WHERE b.call_id IN (calls.vapi_call_id, calls.call_sid) AND \
 ((b.live = 1 AND b.state <> 'confirmed') OR (b.state = 'released' AND b.promised = 1))) AS unfinished, \
(SELECT CAST(COUNT(*) AS BIGINT) FROM tool_traces t WHERE t.call_id IN (calls.vapi_call_id, calls.call_sid) AND t.is_error = 1 \
 AND t.business = calls.business) AS errors, \
(SELECT CAST(COUNT(*) AS BIGINT) FROM voicemails v WHERE v.call_sid = calls.call_sid) AS voicemails, \
COALESCE(calls.ended_at - calls.created_at, (SELECT r.ended_at - r.started_at FROM reports r WHERE r.vapi_call_id = \
 calls.vapi_call_id)) AS lasted";

impl Store {
    /// The calls that are looked for, the latest first; at most [`MAX_CALLS`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent_calls(&self, sought: &Sought<'_>) -> Result<Vec<CallLine>, Error> {
        let statement = format!(
            "SELECT {}, {LINE} FROM calls WHERE created_at >= $1 AND ($2 = '' OR business = $2) AND from_number LIKE $3 \
             ORDER BY created_at DESC, id DESC LIMIT {MAX_CALLS}",
            calls::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(epoch_ms(sought.since))
            .bind(sought.business.map(Slug::as_str).unwrap_or_default())
            .bind(format!("%{}", sought.phone_ends.unwrap_or_default()))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read_line).collect()
    }

    /// The call with this name at Twilio or at Vapi.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_named(&self, name: &str) -> Result<Option<CallRow>, Error> {
        if let Some(sid) = CallSid::parse(name)
            && let Some(call) = self.call_by_sid(&sid).await?
        {
            return Ok(Some(call));
        }
        match VapiCallId::parse(name) {
            Some(id) => self.call_by_vapi_id(&id).await,
            None => Ok(None),
        }
    }

    /// Everything that is remembered of this call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn story(&self, call: CallRow) -> Result<Story, Error> {
        let sid = call.sid.as_ref().map(CallSid::as_str).unwrap_or_default();
        let names = [call.vapi_call_id.as_ref().map(VapiCallId::as_str).unwrap_or_default(), sid];
        let report = match &call.vapi_call_id {
            Some(id) => self.report(id).await?,
            None => None,
        };
        let traces = match &call.business {
            Some(business) => self.traces_of(business, names).await?,
            None => Vec::new(),
        };
        let (legs, voicemails) = match &call.sid {
            Some(sid) => (self.legs_of(sid).await?, self.voicemails_of(sid).await?),
            None => Default::default(),
        };
        let bookings = self.bookings_in(&call, names, &traces).await?;
        let mut moves = Vec::new();
        for booking in &bookings {
            moves.extend(self.moves_in(booking, names, &traces).await?);
        }
        let about = bookings.iter().map(|row| row.id.to_string());
        let about = about.chain(voicemails.iter().map(|voicemail| voicemail.recording_sid.clone()));
        let about: Vec<String> = about.chain((!sid.is_empty()).then(|| sid.to_owned())).collect();
        let jobs = self.jobs_about(&about).await?;
        Ok(Story { call, report, legs, traces, bookings, moves, voicemails, jobs })
    }

    /// Those that were made in the call, and those that one of its tool calls changed.
    async fn bookings_in(&self, call: &CallRow, names: [&str; 2], traces: &[Trace]) -> Result<Vec<BookingRow>, Error> {
        let made = format!(
            "SELECT {} FROM bookings WHERE call_id IN ($1, $2) AND call_id <> '' ORDER BY created_at, id",
            bookings::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(made)).bind(names[0]).bind(names[1]).fetch_all(&self.readers).await?;
        let mut found = rows.iter().map(read_booking).collect::<Result<Vec<_>, _>>()?;
        let changed = format!(
            "SELECT {} FROM bookings WHERE business = $1 AND id IN (SELECT booking FROM booking_moves WHERE evidence = $2 AND \
             cause IN ('wish_to_move', 'wish_to_cancel') AND at BETWEEN $3 AND $3 + 60000)",
            bookings::COLUMNS
        );
        for trace in traces.iter().filter(|trace| !trace.tool_call_id.is_empty()) {
            let query = sqlx::query(sqlx::AssertSqlSafe(changed.as_str())).bind(trace.business.as_str());
            let rows = query.bind(&trace.tool_call_id).bind(epoch_ms(trace.at)).fetch_all(&self.readers).await?;
            for row in &rows {
                let row = read_booking(row)?;
                if !found.iter().any(|known| known.id == row.id) {
                    found.push(row);
                }
            }
        }
        found.retain(|row| call.business.as_ref() == Some(&row.business));
        Ok(found)
    }

    /// All that became of a booking that the call made; of another one what became of it since the call asked for it.
    async fn moves_in(&self, booking: &BookingRow, names: [&str; 2], traces: &[Trace]) -> Result<Vec<MoveRow>, Error> {
        let rows =
            sqlx::query("SELECT from_state, to_state, cause, evidence, at FROM booking_moves WHERE booking = $1 ORDER BY seq")
                .bind(booking.id.to_string())
                .fetch_all(&self.readers)
                .await?;
        let read = |row: &AnyRow| {
            Ok::<_, Error>(MoveRow {
                booking: booking.id,
                from: column(row, "from_state")?,
                to: column(row, "to_state")?,
                cause: column(row, "cause")?,
                evidence: column(row, "evidence")?,
                at: instant(row, "at")?,
            })
        };
        let moves = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let is_made_here = names.contains(&booking.call_id.as_str());
        let asked = |made: &MoveRow| traces.iter().any(|trace| !made.evidence.is_empty() && trace.tool_call_id == made.evidence);
        let first = if is_made_here { Some(0) } else { moves.iter().position(asked) };
        Ok(moves.into_iter().skip(first.unwrap_or(usize::MAX)).collect())
    }

    async fn jobs_about(&self, names: &[String]) -> Result<Vec<JobRow>, Error> {
        let mut found = std::collections::BTreeMap::new();
        for name in names {
            let statement = "SELECT jobs.key, payload, state, last_error, run_at, fate, COALESCE(cause, '') AS cause FROM jobs \
                             LEFT JOIN texts ON texts.key = jobs.key WHERE jobs.key LIKE $1";
            for row in sqlx::query(statement).bind(format!("%{name}%")).fetch_all(&self.readers).await? {
                let payload: String = column(&row, "payload")?;
                let (job, at) = (serde_json::from_str(&payload).ok(), instant(&row, "run_at")?);
                let fate = named_or_null(&row, "fate", Fate::parse)?.zip(Some(column(&row, "cause")?));
                let kept = JobRow { job, state: column(&row, "state")?, last_error: column(&row, "last_error")?, fate, at };
                found.insert(column::<String>(&row, "key")?, kept);
            }
        }
        Ok(found.into_values().collect())
    }
}

fn read_line(row: &AnyRow) -> Result<CallLine, Error> {
    Ok(CallLine {
        call: read_call(row)?,
        seconds: column::<Option<i64>>(row, "lasted")?.map(|ms| ms.max(0) / 1000),
        booked: column(row, "booked")?,
        unfinished: column(row, "unfinished")?,
        errors: column(row, "errors")?,
        voicemails: column(row, "voicemails")?,
    })
}
