//! Whom a caller is connected to, one after the other.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{instant, named, named_or_null};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Phone};

/// Whom the TwiML that we sent last connects the caller to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// The Vapi assistant.
    Assistant,
    /// A person's telephone.
    Person,
    /// A recording.
    Voicemail,
}

impl Leg {
    /// As it is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assistant => "assistant",
            Self::Person => "person",
            Self::Voicemail => "voicemail",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Assistant, Self::Person, Self::Voicemail].into_iter().find(|leg| leg.as_str() == text)
    }
}

/// To whom a caller was connected later.
#[derive(Clone, Debug)]
pub struct LegRow {
    /// To whom.
    pub leg: Leg,
    /// The number.
    pub dialing: Option<Phone>,
    /// When.
    pub at: OffsetDateTime,
}

impl Store {
    /// Keeps whom the caller is connected to from now on. A webhook of the call says so: a transfer that waited is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_leg(&self, sid: &CallSid, leg: Leg, dialing: Option<&Phone>, now: OffsetDateTime) -> Result<(), Error> {
        let dialing = dialing.map(|phone| phone.as_str().to_owned());
        let note = sqlx::query(
            "INSERT INTO call_legs (call_sid, leg, dialing, at) SELECT $1, $2, $3, $4 FROM calls WHERE call_sid = $1 AND leg <> $2",
        )
        .bind(sid.as_str().to_owned())
        .bind(leg.as_str())
        .bind(dialing.clone())
        .bind(epoch_ms(now));
        let update = sqlx::query(
            "UPDATE calls SET leg = $2, dialing = $3, dialled_at = CASE WHEN $3 IS NULL THEN dialled_at ELSE $4 END, \
             transfer = CASE WHEN transfer IS NULL THEN NULL ELSE 'taken' END WHERE call_sid = $1",
        )
        .bind(sid.as_str().to_owned())
        .bind(leg.as_str())
        .bind(dialing)
        .bind(epoch_ms(now));
        self.write(move |db| {
            async move {
                note.execute(&mut *db).await?;
                Ok(update.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Whether another call of the same `from`, not over, is being dialled through to `to`, and not since before `since`.
    /// `except` is the call itself, by its `CallSid` or by our own name of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_dialling(&self, from: &str, to: &Phone, except: &str, since: OffsetDateTime) -> Result<bool, Error> {
        let row = sqlx::query(
            "SELECT id FROM calls WHERE dialing = $1 AND from_number = $2 AND id <> $3 AND COALESCE(call_sid, '') <> $3 \
             AND COALESCE(dialled_at, created_at) >= $4 AND ended_at IS NULL LIMIT 1",
        )
        .bind(to.as_str())
        .bind(from)
        .bind(except)
        .bind(epoch_ms(since))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// To whom a caller was connected after the first, in that order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn legs_of(&self, sid: &CallSid) -> Result<Vec<LegRow>, Error> {
        let rows = sqlx::query("SELECT leg, dialing, at FROM call_legs WHERE call_sid = $1 ORDER BY at").bind(sid.as_str());
        let read = |row: &AnyRow| {
            Ok(LegRow {
                leg: named(row, "leg", Leg::parse)?,
                dialing: named_or_null(row, "dialing", Phone::e164)?,
                at: instant(row, "at")?,
            })
        };
        rows.fetch_all(&self.readers).await?.iter().map(read).collect()
    }
}
