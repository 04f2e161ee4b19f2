//! What is to follow: jobs that survive a restart. A key makes a job once; a lease with a fence lets one worker run it.

use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use time::OffsetDateTime;

use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{BookingId, CallSid, Phone, Slug, VapiCallId};

/// How long after a confirmation the calendar is looked at again: what was on its way there has arrived by then.
const LOOK_BACK_AFTER: Duration = Duration::from_secs(5);

/// What came of a booking, for a caller who was told that it is being arranged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose booking it is.
    pub business: Slug,
    /// Which.
    pub booking: BookingId,
    /// Whether the event exists: a success is told once at most, anything else once at least.
    pub booked: bool,
    /// The call in which it was asked for, as [`BookingRow::call_id`](super::bookings::BookingRow::call_id) has it.
    pub call_id: String,
    /// For the assistant, while that call lasts: one line, without anything that a caller has said.
    pub spoken: String,
    /// Who gets the SMS when it does not.
    pub to: Phone,
    /// The SMS; at most 1600 characters.
    pub text: String,
    /// The SMS that confirms in writing what was heard in the call; empty where there is nothing to confirm.
    #[serde(default)]
    pub confirmation: String,
}

/// Something that must happen after an answer was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Send a text message.
    Sms {
        /// Whose Twilio account and number sends it.
        business: Slug,
        /// To whom.
        to: Phone,
        /// At most 1600 characters.
        text: String,
    },
    /// Tell the operator.
    Alert {
        /// What kind, in snake case.
        what: String,
        /// Whose trouble it is.
        business: Option<Slug>,
        /// In words, without secrets and numbers in full.
        text: String,
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
    },
    /// Tell the business by SMS, if its file asks for this occasion.
    Notify {
        /// Which business.
        business: Slug,
        /// As in `[notify]`.
        occasion: String,
        /// Without secrets.
        text: String,
    },
    /// Tell a caller who was answered "being arranged" what came of it: in the live call, else by SMS.
    Tell(Outcome),
    /// Look whether Vapi ever said a word about a call that has ended.
    SilentCall {
        /// Which call.
        sid: CallSid,
    },
    /// Give a disconnected account's access back to Google, which could not be asked when its owner left.
    Revoke {
        /// Whose it was.
        business: Slug,
        /// The account's own name: where it is connected again, its consent is in use and stays.
        address: String,
        /// The refresh token, sealed.
        sealed: String,
    },
    /// Finish a booking whose outcome was not known when its caller was answered.
    Settle {
        /// Which booking.
        booking: BookingId,
    },
    /// Look once more at the time of a booking that has just been confirmed: somebody may have put an entry there in that instant.
    LookBack {
        /// Which booking.
        booking: BookingId,
    },
    /// Ask Vapi how a call went whose report has not come.
    FetchReport {
        /// Whose call.
        business: Slug,
        /// Which.
        call: VapiCallId,
    },
    /// Delete a call with its recording and its transcript at Vapi: somebody in it is erased.
    ForgetCall {
        /// Whose call.
        business: Slug,
        /// Which.
        call: VapiCallId,
    },
    /// Delete a recording at Twilio.
    DeleteRecording {
        /// Whose account it is in.
        business: Slug,
        /// Twilio's name of it.
        recording: String,
    },
}

impl Job {
    /// Its kind, for a log: keys hold telephone numbers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sms { .. } => "sms",
            Self::Alert { .. } => "alert",
            Self::Notify { .. } => "notify",
            Self::Tell(_) => "tell",
            Self::SilentCall { .. } => "silent_call",
            Self::Revoke { .. } => "revoke",
            Self::Settle { .. } => "settle",
            Self::LookBack { .. } => "look_back",
            Self::FetchReport { .. } => "fetch_report",
            Self::ForgetCall { .. } => "forget_call",
            Self::DeleteRecording { .. } => "delete_recording",
        }
    }
}

/// A job that this worker alone may run until its lease ends.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    /// Its key.
    pub key: String,
    /// What to do.
    pub job: Job,
    /// How often it was begun, this time included.
    pub attempts: u32,
    /// Rises with every lease: a worker that lost its lease cannot end the job any more.
    fence: i64,
}

impl Store {
    /// Keeps a job to be run at `run_at`; `false` when its key was known already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&self, key: &str, job: &Job, run_at: OffsetDateTime) -> Result<bool, Error> {
        Ok(self.execute(insert_job(key, job, run_at)?).await? == 1)
    }

    /// Makes sure that this job will run: kept, or taken up again if it has ended. One that waits already keeps its time and
    /// its pauses, however often this is asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_job(&self, key: &str, job: &Job, run_at: OffsetDateTime) -> Result<(), Error> {
        let insert = insert_job(key, job, run_at)?;
        let revive = sqlx::query(
            "UPDATE jobs SET state = 'waiting', run_at = $2, attempts = 0, leased_until = 0, fence = fence + 1 \
             WHERE key = $1 AND state <> 'waiting'",
        )
        .bind(key)
        .bind(epoch_ms(run_at));
        self.write(move |db| {
            async move {
                revive.execute(&mut *db).await?;
                Ok(insert.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Takes the job that is due longest, for `lease`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_job(&self, now: OffsetDateTime, lease: Duration) -> Result<Option<LeasedJob>, Error> {
        // Looked for among the readers first: an idle worker asks every second, and must not wait in the writer's queue.
        let due = sqlx::query(
            "SELECT key FROM jobs WHERE state = 'waiting' AND run_at <= $1 AND leased_until <= $1 ORDER BY run_at LIMIT 1",
        )
        .bind(epoch_ms(now))
        .fetch_optional(&self.readers)
        .await?;
        let Some(due) = due else { return Ok(None) };
        let query = sqlx::query(
            "UPDATE jobs SET leased_until = $3, fence = fence + 1, attempts = attempts + 1 WHERE key = $1 AND state = 'waiting' \
             AND run_at <= $2 AND leased_until <= $2 RETURNING key, payload, attempts, fence",
        )
        .bind(column::<String>(&due, "key")?)
        .bind(epoch_ms(now))
        .bind(epoch_ms(now + lease));
        let taken = self.execute_returning(query).await?;
        taken.as_ref().map(read_leased).transpose()
    }

    /// The job is done; `false` when the lease was lost meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_job(&self, leased: &LeasedJob) -> Result<bool, Error> {
        self.end_job(leased, "done", None, "").await
    }

    /// The job failed and is to be tried again at `again_at`, or never.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_job(&self, leased: &LeasedJob, cause: &str, again_at: Option<OffsetDateTime>) -> Result<bool, Error> {
        self.end_job(leased, if again_at.is_some() { "waiting" } else { "failed" }, again_at, cause).await
    }

    async fn end_job(&self, leased: &LeasedJob, state: &str, run_at: Option<OffsetDateTime>, cause: &str) -> Result<bool, Error> {
        let query = sqlx::query(
            "UPDATE jobs SET state = $3, run_at = COALESCE($4, run_at), last_error = $5, leased_until = 0 WHERE key = $1 AND fence = $2",
        )
        .bind(&leased.key)
        .bind(leased.fence)
        .bind(state)
        .bind(run_at.map(epoch_ms))
        .bind(cause);
        let ended = self.execute(query).await?;
        Ok(ended == 1)
    }

    /// Forgets jobs that ended before `before`; their keys may then be used again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_jobs(&self, before: OffsetDateTime) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM jobs WHERE state <> 'waiting' AND run_at < $1").bind(epoch_ms(before));
        self.execute(query).await?;
        Ok(())
    }
}

/// Keeps a job, on its own or together with what it follows from.
pub(super) fn insert_job(key: &str, job: &Job, run_at: OffsetDateTime) -> Result<Query<'static, Any, AnyArguments>, Error> {
    let payload = serde_json::to_string(job).map_err(|_impossible| Error::Unreadable("job"))?;
    let query = sqlx::query(
        "INSERT INTO jobs (key, payload, state, run_at, attempts, leased_until, fence, last_error, created_at) \
         VALUES ($1, $2, 'waiting', $3, 0, 0, 0, '', $3) ON CONFLICT DO NOTHING",
    );
    Ok(query.bind(key.to_owned()).bind(payload).bind(epoch_ms(run_at)))
}

/// The look back that follows every confirmation, each time that a booking is confirmed.
pub(super) fn insert_look_back(booking: BookingId, now: OffsetDateTime) -> Result<Query<'static, Any, AnyArguments>, Error> {
    insert_job(&format!("look_back/{booking}/{}", epoch_ms(now)), &Job::LookBack { booking }, now + LOOK_BACK_AFTER)
}

fn read_leased(row: &AnyRow) -> Result<LeasedJob, Error> {
    let payload: String = column(row, "payload")?;
    Ok(LeasedJob {
        key: column(row, "key")?,
        job: serde_json::from_str(&payload).map_err(|_unreadable| Error::Unreadable("job"))?,
        attempts: u32::try_from(column::<i64>(row, "attempts")?).unwrap_or(u32::MAX),
        fence: column(row, "fence")?,
    })
}
