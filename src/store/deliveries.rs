//! Answers that were given: the truth about "heard this before?" after a restart and between copies.

use futures_util::FutureExt;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;

use super::notices::{CHANNEL, Word};
use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;

/// What is known of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// A digest of what was asked, to notice the same id with other arguments.
    pub asked: String,
    /// The answer as it was sent; `None` while the work runs, or when it was cut off.
    pub answer: Option<String>,
    /// Who is at it.
    pub held: Held,
}

/// Which copy of the server is at a delivery, and how often it has said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The copy.
    pub holder: String,
    /// Rises as long as it works.
    pub beat: i64,
}

impl Store {
    /// The delivery under this key, if it is not older than `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery(&self, key: &str, since: OffsetDateTime) -> Result<Option<DeliveryRow>, Error> {
        let row = sqlx::query("SELECT asked, answer, holder, beat FROM deliveries WHERE key = $1 AND created_at >= $2")
            .bind(key)
            .bind(epoch_ms(since))
            .fetch_optional(&self.readers)
            .await?;
        let read = |row| {
            let held = Held { holder: column(&row, "holder")?, beat: column(&row, "beat")? };
            Ok(DeliveryRow { asked: column(&row, "asked")?, answer: column(&row, "answer")?, held })
        };
        row.map(read).transpose()
    }

    /// Notes that `holder` begins the work under this key; `false` when somebody else is at it, or it is answered. A row older
    /// than `since` is forgotten first. With `left`, work is taken over that stands as it was left: who counted the holder for
    /// dead was wrong if it has said anything since.
    ///
    /// # Errors
    /// When the database fails: then the work must not begin.
    pub async fn begin_delivery(
        &self,
        key: &str,
        asked: &str,
        holder: &str,
        left: Option<&Held>,
        (since, now): (OffsetDateTime, OffsetDateTime),
    ) -> Result<bool, Error> {
        let query = sqlx::query(
            "INSERT INTO deliveries (key, asked, created_at, holder) VALUES ($1, $2, $4, $5) ON CONFLICT (key) DO UPDATE SET asked = \
             excluded.asked, answer = NULL, created_at = excluded.created_at, holder = excluded.holder, beat = 0 \
             WHERE deliveries.created_at < $3 OR (deliveries.answer IS NULL AND deliveries.holder = $6 AND deliveries.beat = $7)",
        )
        .bind(key.to_owned())
        .bind(asked.to_owned())
        .bind(epoch_ms(since))
        .bind(epoch_ms(now))
        .bind(holder.to_owned())
        .bind(left.map(|held| held.holder.clone()))
        .bind(left.map(|held| held.beat));
        Ok(self.execute(query).await? == 1)
    }

    /// Tells the other copies that `holder` is still at it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat_delivery(&self, key: &str, holder: &str) -> Result<(), Error> {
        let query = sqlx::query("UPDATE deliveries SET beat = beat + 1 WHERE key = $1 AND holder = $2 AND answer IS NULL");
        self.execute(query.bind(key.to_owned()).bind(holder.to_owned())).await.map(drop)
    }

    /// Keeps the answer, before it is sent. The first one stays: whoever comes second gets it back and sends that. With
    /// `forgetting`, the answers whose keys begin with it are forgotten: a caller's wishes without ids, after one of them
    /// was granted.
    ///
    /// # Errors
    /// When the database fails: then the answer must not be sent.
    pub async fn finish_delivery(
        &self,
        key: &str,
        asked: &str,
        answer: &str,
        forgetting: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<String, Error> {
        let forget = forgetting.map(|prefix| {
            // '0' follows '/' in ASCII, so the range is the prefix's own.
            let end = format!("{}0", prefix.strip_suffix('/').unwrap_or(prefix));
            sqlx::query("DELETE FROM deliveries WHERE key >= $1 AND key < $2").bind(prefix).bind(end)
        });
        let (keep, word) = self.saying(
            "INSERT INTO deliveries (key, asked, answer, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE SET \
             answer = COALESCE(deliveries.answer, excluded.answer) RETURNING answer",
            "$5",
            key,
        );
        let keep = sqlx::query(AssertSqlSafe(keep)).bind(key).bind(asked).bind(answer).bind(epoch_ms(now));
        let keep = if let Some(word) = word { keep.bind(word) } else { keep };
        let row = self.write(move |db| {
            async move {
                if let Some(forget) = forget {
                    forget.execute(&mut *db).await?;
                }
                Ok(keep.fetch_one(db).await?)
            }
            .boxed()
        });
        column(&row.await?, "answer")
    }

    /// Forgets a delivery of this holder whose work changed nothing and may succeed the next time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_delivery(&self, key: &str, holder: &str) -> Result<(), Error> {
        let forget = "DELETE FROM deliveries WHERE key = $1 AND holder = $2 AND answer IS NULL RETURNING answer";
        let (forget, word) = self.saying(forget, "$3", key);
        let forget = sqlx::query(AssertSqlSafe(forget)).bind(key.to_owned()).bind(holder.to_owned());
        let forget = if let Some(word) = word { forget.bind(word) } else { forget };
        self.execute_returning(forget).await.map(drop)
    }

    /// The statement, which ends in what it returns, with the word that this delivery needs no more waiting for: it is said when
    /// the statement is committed. The word takes the place `at`.
    fn saying(&self, statement: &str, at: &str, key: &str) -> (String, Option<String>) {
        match self.notices.payload(&Word::answered(key)) {
            Some(word) => (format!("{statement}, CAST(pg_notify('{CHANNEL}', {at}) AS TEXT)"), Some(word)),
            None => (statement.to_owned(), None),
        }
    }
}
