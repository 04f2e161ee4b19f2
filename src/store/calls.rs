//! Phone calls: what Twilio said of them, what TwiML they got, and which Vapi call they became.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::heard::adopt_early_word;
use super::row::{column, instant, named, named_or_null};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{CallSid, Phone, Slug, VapiCallId};

/// An inbound call as Twilio announces it.
#[derive(Clone, Copy, Debug)]
pub struct NewCall<'a> {
    /// Its name at Twilio.
    pub sid: &'a CallSid,
    /// Whose number rings.
    pub business: Option<&'a Slug>,
    /// `From`, whatever it is.
    pub from: &'a str,
    /// `To`, whatever it is.
    pub to: &'a str,
}

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

/// A call as it is remembered.
#[derive(Clone, Debug)]
pub struct CallRow {
    /// Our own name of it.
    pub id: String,
    /// Twilio's name; absent when the number is Vapi's.
    pub sid: Option<CallSid>,
    /// Vapi's name, once it is known.
    pub vapi_call_id: Option<VapiCallId>,
    /// Whose call it is.
    pub business: Option<Slug>,
    /// The caller as the signalling says, whatever it is.
    pub from: String,
    /// The number that was called.
    pub to: String,
    /// Whom the caller was connected to last.
    pub leg: Leg,
    /// The number that is being dialled for the caller.
    pub dialing: Option<Phone>,
    /// What `inbound` was answered.
    pub twiml: Option<String>,
    /// Twilio's `CallStatus`, the latest.
    pub status: String,
    /// Whether Vapi ever sent a message about this call.
    pub heard_from_vapi: bool,
    /// Vapi's `endedReason`, once it has one.
    pub vapi_ended_reason: Option<String>,
    /// Where the running call can be spoken to.
    pub control_url: Option<String>,
    /// When it was first heard of.
    pub created_at: OffsetDateTime,
    /// When Twilio said that it is over.
    pub ended_at: Option<OffsetDateTime>,
}

impl CallRow {
    /// The caller's number, if it is one.
    #[must_use]
    pub fn caller(&self) -> Option<Phone> {
        Phone::e164(&self.from)
    }
}

/// Who may connect a call: exactly one delivery of its first webhook.
#[derive(Clone, Debug)]
pub enum CallClaim {
    /// This one: the row was made now.
    Ours,
    /// Another one before: its row.
    Known(Box<CallRow>),
}

/// How a call was answered.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The TwiML, which every repetition gets again.
    pub twiml: &'a str,
    /// To whom it connects.
    pub leg: Leg,
    /// The number that it dials.
    pub dialing: Option<&'a Phone>,
    /// The call at Vapi that it connects to.
    pub vapi_call_id: Option<&'a VapiCallId>,
    /// Where that call can be spoken to.
    pub control_url: Option<&'a str>,
}

pub(super) const COLUMNS: &str = "id, call_sid, vapi_call_id, business, from_number, to_number, leg, dialing, twiml, status, heard_at, \
                       vapi_ended_reason, control_url, created_at, ended_at";

impl Store {
    /// Claims the right to connect this call. The row count decides.
    ///
    /// # Errors
    /// When the database fails: then nobody has the right.
    pub async fn claim_call(&self, call: &NewCall<'_>, now: OffsetDateTime) -> Result<CallClaim, Error> {
        let query = sqlx::query(
            "INSERT INTO calls (id, call_sid, business, from_number, to_number, leg, status, created_at) \
             VALUES ($1, $2, $3, $4, $5, 'assistant', 'ringing', $6) ON CONFLICT DO NOTHING",
        )
        .bind(Uuid::now_v7().simple().to_string())
        .bind(call.sid.as_str())
        .bind(call.business.map(|slug| slug.as_str().to_owned()))
        .bind(call.from)
        .bind(call.to)
        .bind(epoch_ms(now));
        let made = self.execute(query).await?;
        if made == 1 {
            return Ok(CallClaim::Ours);
        }
        let row = self.call_by_sid(call.sid).await?.ok_or(Error::Unreadable("call"))?;
        Ok(CallClaim::Known(Box::new(row)))
    }

    /// The call with this `CallSid`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_by_sid(&self, sid: &CallSid) -> Result<Option<CallRow>, Error> {
        self.call_where("call_sid", sid.as_str()).await
    }

    /// The call with this id at Vapi.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_by_vapi_id(&self, id: &VapiCallId) -> Result<Option<CallRow>, Error> {
        self.call_where("vapi_call_id", id.as_str()).await
    }

    async fn call_where(&self, key: &'static str, value: &str) -> Result<Option<CallRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM calls WHERE {key} = $1"));
        let row = sqlx::query(statement).bind(value).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_call).transpose()
    }

    /// Keeps how the call was answered, before the answer is sent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_connection(&self, sid: &CallSid, connected: &Connected<'_>) -> Result<(), Error> {
        let query = sqlx::query(
            "UPDATE calls SET twiml = $2, leg = $3, dialing = $4, vapi_call_id = COALESCE($5, vapi_call_id), \
             control_url = COALESCE($6, control_url) WHERE call_sid = $1",
        )
        .bind(sid.as_str())
        .bind(connected.twiml)
        .bind(connected.leg.as_str())
        .bind(connected.dialing.map(Phone::as_str))
        .bind(connected.vapi_call_id.map(VapiCallId::as_str))
        .bind(connected.control_url);
        let (sid, id) = (sid.clone(), connected.vapi_call_id.cloned());
        self.write(move |db| {
            async move {
                if let Some(id) = id {
                    adopt_early_word(&mut *db, &sid, &id).await?;
                }
                Ok(query.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Keeps whom the caller is connected to from now on.
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
        let update = sqlx::query("UPDATE calls SET leg = $2, dialing = $3 WHERE call_sid = $1");
        let update = update.bind(sid.as_str().to_owned()).bind(leg.as_str()).bind(dialing);
        self.write(move |db| {
            async move {
                note.execute(&mut *db).await?;
                Ok(update.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Keeps what Twilio says of the call; an ended call dials nobody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_call_status(&self, sid: &CallSid, status: &str, ended: bool, now: OffsetDateTime) -> Result<(), Error> {
        let query = if ended {
            let over = "UPDATE calls SET status = $2, ended_at = $3, dialing = NULL WHERE call_sid = $1";
            sqlx::query(over).bind(sid.as_str()).bind(status).bind(epoch_ms(now))
        } else {
            // Twilio's callbacks may overtake one another: a call that is over stays over.
            let under_way = "UPDATE calls SET status = $2 WHERE call_sid = $1 AND ended_at IS NULL";
            sqlx::query(under_way).bind(sid.as_str()).bind(status)
        };
        self.execute(query).await.map(drop)
    }

    /// Whether another call of the same `from`, not over and not older than `since`, is being dialled through to `to`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_dialling(&self, from: &str, to: &Phone, except: &CallSid, since: OffsetDateTime) -> Result<bool, Error> {
        let row = sqlx::query(
            "SELECT id FROM calls WHERE dialing = $1 AND from_number = $2 AND call_sid <> $3 AND created_at >= $4 \
             AND ended_at IS NULL LIMIT 1",
        )
        .bind(to.as_str())
        .bind(from)
        .bind(except.as_str())
        .bind(epoch_ms(since))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }
}

pub(super) fn read_call(row: &AnyRow) -> Result<CallRow, Error> {
    Ok(CallRow {
        id: column(row, "id")?,
        sid: named_or_null(row, "call_sid", CallSid::parse)?,
        vapi_call_id: named_or_null(row, "vapi_call_id", VapiCallId::parse)?,
        business: named_or_null(row, "business", Slug::parse)?,
        from: column(row, "from_number")?,
        to: column(row, "to_number")?,
        leg: named(row, "leg", Leg::parse)?,
        dialing: named_or_null(row, "dialing", Phone::e164)?,
        twiml: column(row, "twiml")?,
        status: column(row, "status")?,
        heard_from_vapi: column::<Option<i64>>(row, "heard_at")?.is_some(),
        vapi_ended_reason: column(row, "vapi_ended_reason")?,
        control_url: column(row, "control_url")?,
        created_at: instant(row, "created_at")?,
        ended_at: column::<Option<i64>>(row, "ended_at")?.map(from_epoch_ms),
    })
}
