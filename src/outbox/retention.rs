//! What is older than `RETENTION_DAYS` is deleted, one function for each kind. Bookings stay.

use time::OffsetDateTime;

use super::{Done, Outbox};
use crate::clients::Error;
use crate::names::Slug;
use crate::store;
use crate::store::jobs::{ERASE, Job};

impl Outbox {
    /// Deletes what is too old, a batch of each kind.
    pub(super) async fn forget_old(&self, now: OffsetDateTime) -> Result<(), store::Error> {
        let before = now - self.settings.retention;
        self.forget_voicemails(before, now).await?;
        self.store.forget_texts(before).await?;
        match self.store.forget_stories(before).await? {
            0 => {}
            rows => tracing::info!(rows, "what is older than RETENTION_DAYS was deleted"),
        }
        Ok(())
    }

    /// Twilio is asked first, by a job for each recording: the row is the only way to find it there, so it goes last.
    async fn forget_voicemails(&self, before: OffsetDateTime, now: OffsetDateTime) -> Result<(), store::Error> {
        for old in self.store.voicemails_before(before, ERASE).await? {
            let key = format!("{ERASE}{}", old.recording_sid);
            let job = Job::EraseRecording { business: old.business, recording_sid: old.recording_sid };
            self.store.ensure_job(&key, &job, now).await?;
        }
        Ok(())
    }

    pub(super) async fn erase_recording(&self, business: Option<&Slug>, recording_sid: &str) -> Result<Done, store::Error> {
        let twilio = &self.settings.twilio;
        let account = business.map_or(twilio.everyone(), |business| twilio.of(business));
        match self.twilio.delete_recording(account, recording_sid).await {
            Ok(()) => {}
            Err(Error::Unusable(what)) => tracing::warn!(what, "a recording's name cannot be one, so only its row is deleted"),
            Err(error) => return Ok(Done::NotYet(error.to_string())),
        }
        self.store.forget_voicemail(recording_sid).await?;
        tracing::info!(recording.sid = recording_sid, "a recording was deleted");
        Ok(Done::Well)
    }
}
