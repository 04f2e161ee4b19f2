//! Running calls that are put through: claimed before anything is asked of Twilio or Vapi, so that a call is put through once
//! whoever asks for it and whichever webhook comes first. And emergencies, which a call has once.

use futures_util::FutureExt;
use time::OffsetDateTime;

use super::calls::Leg;
use super::jobs::{Job, insert_job};
use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Phone};

/// How far the transfer of a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// It was asked for, and as far as we know it was done.
    Sent,
    /// It was asked for, and nobody knows whether it was done: the next webhook of the call tells.
    Waiting,
    /// A webhook of the call came after it: Twilio has what the caller is to hear.
    Taken,
}

impl Transfer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Taken => "taken",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Sent, Self::Waiting, Self::Taken].into_iter().find(|transfer| transfer.as_str() == text)
    }
}

/// To whom a call is to be put through.
#[derive(Clone, Copy, Debug)]
pub struct NewTransfer<'a> {
    /// Our own name of the call.
    pub call: &'a str,
    /// The number that is dialled; absent where a message is taken.
    pub to: Option<&'a Phone>,
    /// What the caller hears at Twilio.
    pub twiml: &'a str,
}

impl Store {
    /// Claims the right to put this call through: `false` when somebody has it already. One that waits since
    /// `given_up` or longer may be tried again.
    ///
    /// # Errors
    /// When the database fails: then nobody has the right.
    pub async fn claim_transfer(
        &self,
        transfer: &NewTransfer<'_>,
        given_up: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<bool, Error> {
        let leg = if transfer.to.is_some() { Leg::Person } else { Leg::Voicemail };
        let query = sqlx::query(
            "UPDATE calls SET transfer = 'sent', transfer_to = $2, transfer_twiml = $3, leg = $4, dialing = $2, dialled_at = $5 \
             WHERE id = $1 AND ended_at IS NULL AND leg = 'assistant' AND (transfer IS NULL OR (transfer = 'waiting' AND \
             dialled_at <= $6))",
        )
        .bind(transfer.call.to_owned())
        .bind(transfer.to.map(|number| number.as_str().to_owned()))
        .bind(transfer.twiml.to_owned())
        .bind(leg.as_str())
        .bind(epoch_ms(now))
        .bind(epoch_ms(given_up));
        Ok(self.execute(query).await? == 1)
    }

    /// The transfer was surely not done, so the caller speaks with the assistant as before; `false` when a webhook has taken
    /// it meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn undo_transfer(&self, call: &str) -> Result<bool, Error> {
        let query = sqlx::query(
            "UPDATE calls SET transfer = NULL, transfer_to = NULL, transfer_twiml = NULL, leg = 'assistant', dialing = NULL, \
             dialled_at = NULL WHERE id = $1 AND transfer = 'sent'",
        );
        Ok(self.execute(query.bind(call.to_owned())).await? == 1)
    }

    /// Nobody knows whether the transfer was done; `false` when a webhook has taken it meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leave_transfer_waiting(&self, call: &str) -> Result<bool, Error> {
        let query = sqlx::query(
            "UPDATE calls SET transfer = 'waiting', leg = 'assistant', dialing = NULL WHERE id = $1 AND transfer = 'sent'",
        );
        Ok(self.execute(query.bind(call.to_owned())).await? == 1)
    }

    /// What the caller is to hear, if this call is to be put through: from now on Twilio has it. One that waits since before
    /// `given_up` is not wanted any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_transfer(
        &self,
        sid: &CallSid,
        given_up: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Option<String>, Error> {
        let query = sqlx::query(
            "UPDATE calls SET transfer = 'taken', leg = CASE WHEN transfer_to IS NULL THEN 'voicemail' ELSE 'person' END, \
             dialing = transfer_to, dialled_at = $2 WHERE call_sid = $1 AND (transfer = 'sent' OR (transfer = 'taken' AND \
             dialing IS NOT NULL) OR (transfer = 'waiting' AND dialled_at >= $3)) RETURNING transfer_twiml",
        )
        .bind(sid.as_str())
        .bind(epoch_ms(now))
        .bind(epoch_ms(given_up));
        let row = self.execute_returning(query).await?;
        row.map(|row| column(&row, "transfer_twiml")).transpose()
    }

    /// Notes that the caller of this call is in danger, with what the business is told of it: `false` when it was noted
    /// before.
    ///
    /// # Errors
    /// When the database fails: then nothing is noted.
    pub async fn note_emergency(&self, call: &str, told: Option<(&str, &Job)>, now: OffsetDateTime) -> Result<bool, Error> {
        let note = sqlx::query("UPDATE calls SET emergency_at = $2 WHERE id = $1 AND emergency_at IS NULL")
            .bind(call.to_owned())
            .bind(epoch_ms(now));
        let tell = told.map(|(key, job)| insert_job(key, job, now)).transpose()?;
        self.write(move |db| {
            async move {
                let is_new = note.execute(&mut *db).await?.rows_affected() == 1;
                if let (true, Some(tell)) = (is_new, tell) {
                    tell.execute(db).await?;
                }
                Ok(is_new)
            }
            .boxed()
        })
        .await
    }
}
