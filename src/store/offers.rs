//! The times that were offered in a call: they tell what a caller means by one of them.

use futures_util::FutureExt;
use time::OffsetDateTime;

use super::row::instant;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::Slug;

impl Store {
    /// Remembers what was offered in this call.
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
        let (call, starts, now) = (call_key(business, call), starts.to_vec(), epoch_ms(now));
        self.write(move |db| {
            async move {
                for start in starts {
                    let statement =
                        "INSERT INTO offers (call_key, starts_at, offered_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
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
}

fn call_key(business: &Slug, call: &str) -> String {
    format!("{business}/{call}")
}
