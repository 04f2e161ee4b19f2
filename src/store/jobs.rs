//! What is to follow: jobs that survive a restart. A key makes a job once; a lease with a fence lets one worker run it.

use std::time::Duration;

use futures_util::FutureExt;
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use time::OffsetDateTime;

pub use super::job::{ERASE, Job, Outcome};
use super::row::column;
pub use super::texts::{Matter, Sms};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::BookingId;

/// How long after a confirmation the calendar is looked at again: what was on its way there has arrived by then.
const LOOK_BACK_AFTER: Duration = Duration::from_secs(5);

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

    /// The job is about to do what must not be done twice: it is not run again, whatever happens to this process, unless
    /// [`Store::fail_job`] says so. `false` when the lease was lost meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_job(&self, leased: &LeasedJob) -> Result<bool, Error> {
        let query = sqlx::query("UPDATE jobs SET state = 'begun' WHERE key = $1 AND fence = $2");
        Ok(self.execute(query.bind(leased.key.clone()).bind(leased.fence)).await? == 1)
    }

    /// Takes over, for `lease`, a job that was begun by somebody who did not live to end it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_broken_off(&self, now: OffsetDateTime, lease: Duration) -> Result<Option<LeasedJob>, Error> {
        let query = sqlx::query(
            "UPDATE jobs SET leased_until = $2, fence = fence + 1 WHERE key = (SELECT key FROM jobs WHERE state = 'begun' \
             AND leased_until <= $1 LIMIT 1) AND state = 'begun' AND leased_until <= $1 RETURNING key, payload, attempts, fence",
        );
        let taken = self.execute_returning(query.bind(epoch_ms(now)).bind(epoch_ms(now + lease))).await?;
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

    /// How many jobs wait to be run, those included whose time has not come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs_waiting(&self) -> Result<u32, Error> {
        let count = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS count FROM jobs WHERE state = 'waiting'");
        let row = count.fetch_one(&self.readers).await?;
        Ok(u32::try_from(column::<i64>(&row, "count")?).unwrap_or(u32::MAX))
    }

    /// Forgets jobs that ended before `before`; their keys may then be used again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_jobs(&self, before: OffsetDateTime) -> Result<(), Error> {
        let query =
            sqlx::query("DELETE FROM jobs WHERE state NOT IN ('waiting', 'begun') AND run_at < $1").bind(epoch_ms(before));
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
