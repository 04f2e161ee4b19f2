//! Text messages: what each of them is to its reader, what became of it, and who wants none any more. Their words are not
//! kept here.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{column, instant, named};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{BookingId, CallSid, Phone, Slug};

/// A text message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// Whose Twilio account and number sends it.
    pub business: Slug,
    /// To whom.
    pub to: Phone,
    /// At most 1600 characters.
    pub text: String,
    /// What it is to its reader.
    #[serde(default)]
    pub matter: Matter,
}

/// What a text message is to its reader: that decides who hears of it when it does not arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// Tells the business of something.
    #[default]
    Notice,
    /// Puts in writing what the caller has heard.
    Confirmation(BookingId),
    /// Tells a caller what came of a booking that was being arranged: they know it from nowhere else.
    Outcome(BookingId),
    /// Asks a caller's pardon whom nobody answered.
    Apology(CallSid),
}

impl Matter {
    /// In a word, for the ledger and for logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Confirmation(_) => "confirmation",
            Self::Outcome(_) => "outcome",
            Self::Apology(_) => "apology",
        }
    }

    /// The booking that it is about.
    #[must_use]
    pub fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Confirmation(booking) | Self::Outcome(booking) => Some(*booking),
            Self::Notice | Self::Apology(_) => None,
        }
    }

    fn about(&self) -> String {
        match self {
            Self::Notice => String::new(),
            Self::Confirmation(booking) | Self::Outcome(booking) => booking.to_string(),
            Self::Apology(sid) => sid.to_string(),
        }
    }
}

/// What became of a text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Twilio took it.
    Sent,
    /// Twilio says that it arrived.
    Delivered,
    /// It was not sent, did not arrive, or nobody knows.
    Lost,
}

impl Fate {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Sent, Self::Delivered, Self::Lost].into_iter().find(|fate| fate.as_str() == text)
    }
}

/// A text message as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRow {
    /// To whom.
    pub to: Phone,
    /// As [`Matter::kind`] has it.
    pub matter: String,
    /// What became of it.
    pub fate: Fate,
    /// Why it was lost; empty when it was not.
    pub cause: String,
    /// When that was known.
    pub at: OffsetDateTime,
}

/// That somebody wants no text messages from a business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptedOut {
    /// The number or messaging service that Twilio refused to send from.
    pub sender: String,
    /// When it did so last.
    pub refused_at: OffsetDateTime,
}

impl Store {
    /// Keeps what became of a text message; `key` is its job's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_text(&self, key: &str, sms: &Sms, fate: Fate, cause: &str, now: OffsetDateTime) -> Result<(), Error> {
        let query = sqlx::query(
            "INSERT INTO texts (key, business, number, matter, about, fate, cause, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (key) DO UPDATE SET fate = $6, cause = $7, at = $8",
        )
        .bind(key.to_owned())
        .bind(sms.business.as_str().to_owned())
        .bind(sms.to.as_str().to_owned())
        .bind(sms.matter.kind())
        .bind(sms.matter.about())
        .bind(fate.as_str())
        .bind(cause.to_owned())
        .bind(epoch_ms(now));
        self.execute(query).await.map(drop)
    }

    /// What became of the text messages about a booking (its id) or a call (its `CallSid`), the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn texts_about(&self, about: &str) -> Result<Vec<TextRow>, Error> {
        let query =
            sqlx::query("SELECT number, matter, fate, cause, at FROM texts WHERE about = $1 ORDER BY at, key").bind(about);
        query.fetch_all(&self.readers).await?.iter().map(read_text).collect()
    }

    /// Forgets what became of text messages before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_texts(&self, before: OffsetDateTime) -> Result<(), Error> {
        self.execute(sqlx::query("DELETE FROM texts WHERE at < $1").bind(epoch_ms(before))).await.map(drop)
    }

    /// Keeps that Twilio refused to send from `sender` to somebody who wants no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_opt_out(&self, business: &Slug, number: &Phone, sender: &str, now: OffsetDateTime) -> Result<(), Error> {
        let query = sqlx::query(
            "INSERT INTO opted_out (business, number, sender, refused_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (business, number) DO UPDATE SET sender = $3, refused_at = $4",
        )
        .bind(business.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(sender.to_owned())
        .bind(epoch_ms(now));
        self.execute(query).await.map(drop)
    }

    /// Whether this number wants no text messages from the business.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn opt_out(&self, business: &Slug, number: &Phone) -> Result<Option<OptedOut>, Error> {
        let row = sqlx::query("SELECT sender, refused_at FROM opted_out WHERE business = $1 AND number = $2")
            .bind(business.as_str())
            .bind(number.as_str())
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(OptedOut { sender: column(&row, "sender")?, refused_at: from_epoch_ms(column(&row, "refused_at")?) }))
    }

    /// Forgets that somebody wanted none: Twilio sends to them again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_opt_out(&self, business: &Slug, number: &Phone) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM opted_out WHERE business = $1 AND number = $2");
        self.execute(query.bind(business.as_str().to_owned()).bind(number.as_str().to_owned())).await.map(drop)
    }
}

fn read_text(row: &AnyRow) -> Result<TextRow, Error> {
    Ok(TextRow {
        to: named(row, "number", Phone::e164)?,
        matter: column(row, "matter")?,
        fate: named(row, "fate", Fate::parse)?,
        cause: column(row, "cause")?,
        at: instant(row, "at")?,
    })
}
