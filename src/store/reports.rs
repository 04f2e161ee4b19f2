//! What Vapi reported of calls that are over. One report a call: what was said first stays,
//! and a later one only adds to it.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::{Duration, OffsetDateTime};

use super::jobs::Job;
use super::row::column;
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{Slug, VapiCallId};

/// Two hours of talking.
const MAX_TRANSCRIPT_CHARS: usize = 100_000;
const MAX_SUMMARY_CHARS: usize = 4_000;
const MAX_ADDRESS_CHARS: usize = 2_000;
/// A report comes within seconds of a call's end; after this long it is asked for.
const COMES_WITHIN: Duration = Duration::minutes(5);

/// How a call went, in Vapi's words. Each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// `endedReason`
    pub ended_reason: Option<String>,
    /// When the assistant took the call.
    pub started_at: Option<OffsetDateTime>,
    /// When it was over.
    pub ended_at: Option<OffsetDateTime>,
    /// The conversation in a few sentences.
    pub summary: Option<String>,
    /// The conversation.
    pub transcript: Option<String>,
    /// Where it can be heard.
    pub recording_url: Option<String>,
    /// What Vapi charges, in millionths of a US dollar.
    pub cost_micros: Option<i64>,
}

impl Store {
    /// Keeps the report of a call, or what it adds to the one that is known, unless somebody in this call has been erased since. What is too long is cut.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_report(
        &self,
        business: &Slug,
        call: &VapiCallId,
        report: &Report,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let keep = sqlx::query(
            "INSERT INTO reports (vapi_call_id, business, ended_reason, started_at, ended_at, summary, transcript, recording_url, \
             cost_micros, kept_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 \
             WHERE NOT EXISTS (SELECT 1 FROM calls WHERE vapi_call_id = $1 AND forgotten = 1) \
             ON CONFLICT (vapi_call_id) DO UPDATE SET ended_reason = COALESCE(reports.ended_reason, excluded.ended_reason), \
             started_at = COALESCE(reports.started_at, excluded.started_at), ended_at = COALESCE(reports.ended_at, excluded.ended_at), \
             summary = COALESCE(reports.summary, excluded.summary), transcript = COALESCE(reports.transcript, excluded.transcript), \
             recording_url = COALESCE(reports.recording_url, excluded.recording_url), \
             cost_micros = COALESCE(reports.cost_micros, excluded.cost_micros)",
        )
        .bind(call.as_str().to_owned())
        .bind(business.as_str().to_owned())
        .bind(report.ended_reason.clone())
        .bind(report.started_at.map(epoch_ms))
        .bind(report.ended_at.map(epoch_ms))
        .bind(cut(report.summary.as_deref(), MAX_SUMMARY_CHARS))
        .bind(cut(report.transcript.as_deref(), MAX_TRANSCRIPT_CHARS))
        .bind(cut(report.recording_url.as_deref(), MAX_ADDRESS_CHARS))
        .bind(report.cost_micros)
        .bind(epoch_ms(now));
        let reason = sqlx::query(
            "UPDATE calls SET vapi_ended_reason = $2 WHERE vapi_call_id = $1 AND $2 IS NOT NULL \
             AND COALESCE(vapi_ended_reason, 'ended') = 'ended'",
        )
        .bind(call.as_str().to_owned())
        .bind(report.ended_reason.clone());
        self.write(move |db| {
            async move {
                keep.execute(&mut *db).await?;
                Ok(reason.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// The report of a call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report(&self, call: &VapiCallId) -> Result<Option<Report>, Error> {
        let statement = "SELECT ended_reason, started_at, ended_at, summary, transcript, recording_url, cost_micros FROM reports \
                         WHERE vapi_call_id = $1";
        let row = sqlx::query(statement).bind(call.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_report).transpose()
    }

    /// Sees to it that the report of a call that is over is asked for, should it not come by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn await_report(&self, business: &Slug, call: &VapiCallId, now: OffsetDateTime) -> Result<(), Error> {
        let job = Job::FetchReport { business: business.clone(), call: call.clone() };
        self.enqueue(&format!("report/{call}"), &job, now + COMES_WITHIN).await.map(drop)
    }
}

fn cut(text: Option<&str>, most: usize) -> Option<String> {
    text.map(|text| text.chars().filter(|c| *c != '\0').take(most).collect())
}

fn read_report(row: &AnyRow) -> Result<Report, Error> {
    let instant = |name| Ok::<_, Error>(column::<Option<i64>>(row, name)?.map(from_epoch_ms));
    Ok(Report {
        ended_reason: column(row, "ended_reason")?,
        started_at: instant("started_at")?,
        ended_at: instant("ended_at")?,
        summary: column(row, "summary")?,
        transcript: column(row, "transcript")?,
        recording_url: column(row, "recording_url")?,
        cost_micros: column(row, "cost_micros")?,
    })
}
