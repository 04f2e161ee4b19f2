//! Whether the caller of a running call has said that they want to book: for the copies of the server that did not hear it, and
//! after a restart. What was said is never kept.

use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

use super::row::truth;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::Slug;

/// What is left of calls whose end nobody told is forgotten after this long; a call at Vapi lasts 12 hours at most.
const FORGOTTEN_AFTER: Duration = Duration::DAY;

impl Store {
    /// Notes that transcripts arrive in this call, and with `wish` that the caller wants to book: that stays so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_spoken(&self, business: &Slug, call: &str, wish: bool, now: OffsetDateTime) -> Result<(), Error> {
        let forget = sqlx::query("DELETE FROM spoken_wishes WHERE at < $1").bind(epoch_ms(now - FORGOTTEN_AFTER));
        let note = sqlx::query(
            "INSERT INTO spoken_wishes (call_key, wish, at) VALUES ($1, $2, $3) ON CONFLICT (call_key) DO UPDATE SET \
             wish = CASE WHEN spoken_wishes.wish = 1 THEN 1 ELSE excluded.wish END, at = excluded.at",
        )
        .bind(format!("{business}/{call}"))
        .bind(i64::from(wish))
        .bind(epoch_ms(now));
        self.write(move |db| {
            async move {
                forget.execute(&mut *db).await?;
                Ok(note.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Whether the caller has said that they want to book; `None` where no transcript of the call has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn spoken_wish(&self, business: &Slug, call: &str) -> Result<Option<bool>, Error> {
        let query = sqlx::query("SELECT wish FROM spoken_wishes WHERE call_key = $1").bind(format!("{business}/{call}"));
        query.fetch_optional(&self.readers).await?.map(|row| truth(&row, "wish")).transpose()
    }

    /// Forgets what was noted of a call: it has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_spoken(&self, business: &Slug, call: &str) -> Result<(), Error> {
        self.execute(sqlx::query("DELETE FROM spoken_wishes WHERE call_key = $1").bind(format!("{business}/{call}")))
            .await
            .map(drop)
    }
}
