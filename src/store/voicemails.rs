//! Messages that callers left.

use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{column, instant, named_or_null};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Slug};

/// So many old recordings are looked for at once; the rest has its turn later.
const BATCH: i64 = 200;

/// A message that a caller left.
#[derive(Clone, Copy, Debug)]
pub struct Voicemail<'a> {
    /// Twilio's name of the recording.
    pub recording_sid: &'a str,
    /// For whom it was left.
    pub business: Option<&'a Slug>,
    /// Where it can be heard.
    pub url: &'a str,
    /// Its length; 0 where Twilio did not say.
    pub seconds: u32,
}

/// A message as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoicemailRow {
    /// Twilio's name of the recording.
    pub recording_sid: String,
    /// For whom it was left.
    pub business: Option<Slug>,
    /// Where it can be heard.
    pub url: String,
    /// Its length; 0 where Twilio did not say.
    pub seconds: u32,
    /// When it was left.
    pub created_at: OffsetDateTime,
}

const COLUMNS: &str = "recording_sid, business, url, seconds, created_at";

impl Store {
    /// Keeps a message that the caller left; `true` the first time it is heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_voicemail(&self, sid: &CallSid, voicemail: &Voicemail<'_>, now: OffsetDateTime) -> Result<bool, Error> {
        let query = sqlx::query(
            "INSERT INTO voicemails (recording_sid, call_sid, business, url, seconds, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING",
        )
        .bind(voicemail.recording_sid)
        .bind(sid.as_str())
        .bind(voicemail.business.map(|slug| slug.as_str().to_owned()))
        .bind(voicemail.url)
        .bind(i64::from(voicemail.seconds))
        .bind(epoch_ms(now));
        let made = self.execute(query).await?;
        Ok(made == 1)
    }

    /// The messages that were left in a call, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn voicemails_of(&self, sid: &CallSid) -> Result<Vec<VoicemailRow>, Error> {
        let statement = format!("SELECT {COLUMNS} FROM voicemails WHERE call_sid = $1 ORDER BY created_at, recording_sid");
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(sid.as_str()).fetch_all(&self.readers).await?;
        rows.iter().map(read_voicemail).collect()
    }

    /// Messages from before `before` that nobody is deleting, some of them; `job` is what stands before a recording's name in
    /// the key of the job that deletes it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn voicemails_before(&self, before: OffsetDateTime, job: &str) -> Result<Vec<VoicemailRow>, Error> {
        let statement = format!(
            "SELECT {COLUMNS} FROM voicemails WHERE created_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM jobs WHERE jobs.key = $2 || recording_sid AND jobs.state = 'waiting') ORDER BY created_at LIMIT $3"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(epoch_ms(before)).bind(job).bind(BATCH);
        query.fetch_all(&self.readers).await?.iter().map(read_voicemail).collect()
    }

    /// Forgets a message.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_voicemail(&self, recording_sid: &str) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM voicemails WHERE recording_sid = $1").bind(recording_sid.to_owned());
        self.execute(query).await.map(drop)
    }
}

fn read_voicemail(row: &AnyRow) -> Result<VoicemailRow, Error> {
    Ok(VoicemailRow {
        recording_sid: column(row, "recording_sid")?,
        business: named_or_null(row, "business", Slug::parse)?,
        url: column(row, "url")?,
        seconds: u32::try_from(column::<i64>(row, "seconds")?).unwrap_or(u32::MAX),
        created_at: instant(row, "created_at")?,
    })
}
