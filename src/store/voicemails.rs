//! Messages that callers left.

use time::OffsetDateTime;

use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::CallSid;

/// A message that a caller left.
#[derive(Clone, Copy, Debug)]
pub struct Voicemail<'a> {
    /// Twilio's name of the recording.
    pub recording_sid: &'a str,
    /// Where it can be heard.
    pub url: &'a str,
    /// Its length.
    pub seconds: u32,
}

impl Store {
    /// Keeps a message that the caller left; `true` the first time it is heard of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_voicemail(&self, sid: &CallSid, voicemail: &Voicemail<'_>, now: OffsetDateTime) -> Result<bool, Error> {
        let query = sqlx::query(
            "INSERT INTO voicemails (recording_sid, call_sid, url, seconds, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
        )
        .bind(voicemail.recording_sid)
        .bind(sid.as_str())
        .bind(voicemail.url)
        .bind(i64::from(voicemail.seconds))
        .bind(epoch_ms(now));
        let made = self.execute(query).await?;
        Ok(made == 1)
    }
}
