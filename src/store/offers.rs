//! The times that were offered in a call: they tell what a caller means by one of them, and other callers hear them last.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

use super::row::{column, instant};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::Slug;

/// What is left of calls whose end nobody told is forgotten after this long; a call at Vapi lasts 12 hours at most.
const FORGOTTEN_AFTER: Duration = Duration::DAY;

impl Store {
    /// Remembers what was offered in this call, and that it was now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_offers(
        &self,
        business: &Slug,
        call: &str,
        starts: &[OffsetDateTime],
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        if starts.is_empty() {
            return Ok(());
        }
        let (call, starts) = (call_key(business, call), starts.to_vec());
        let (oldest, now) = (epoch_ms(now - FORGOTTEN_AFTER), epoch_ms(now));
        self.write(move |db| {
            async move {
                sqlx::query("DELETE FROM offers WHERE offered_at < $1").bind(oldest).execute(&mut *db).await?;
                for start in starts {
                    let statement = "INSERT INTO offers (call_key, starts_at, offered_at) VALUES ($1, $2, $3) \
                                     ON CONFLICT (call_key, starts_at) DO UPDATE SET offered_at = $3";
                    sqlx::query(statement).bind(&call).bind(epoch_ms(start)).bind(now).execute(&mut *db).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// What was offered in this call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offered_in(&self, business: &Slug, call: &str) -> Result<Vec<OffsetDateTime>, Error> {
        let rows = sqlx::query("SELECT starts_at FROM offers WHERE call_key = $1 ORDER BY starts_at")
            .bind(call_key(business, call))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| instant(row, "starts_at")).collect()
    }

    /// What other calls of this business, not ended, were offered after `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offered_to_others(
        &self,
        business: &Slug,
        call: &str,
        since: OffsetDateTime,
    ) -> Result<BTreeMap<OffsetDateTime, usize>, Error> {
        // A slug holds nothing that LIKE would read as a pattern.
        let statement = "SELECT starts_at, CAST(COUNT(*) AS BIGINT) AS calls FROM offers \
                         WHERE offered_at > $1 AND call_key LIKE $2 AND call_key <> $3 GROUP BY starts_at";
        let rows = sqlx::query(statement)
            .bind(epoch_ms(since))
            .bind(format!("{business}/%"))
            .bind(call_key(business, call))
            .fetch_all(&self.readers)
            .await?;
        let read = |row| Ok((instant(row, "starts_at")?, usize::try_from(column::<i64>(row, "calls")?).unwrap_or_default()));
        rows.iter().map(read).collect()
    }

    /// Forgets what was offered in a call: it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_offers(&self, business: &Slug, call: &str) -> Result<(), Error> {
        let call = call_key(business, call);
        self.write(move |db| {
            async move {
                sqlx::query("DELETE FROM offers WHERE call_key = $1").bind(call).execute(db).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

fn call_key(business: &Slug, call: &str) -> String {
    format!("{business}/{call}")
}
