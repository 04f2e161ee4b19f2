//! Phone calls: what Twilio said of them, what TwiML they got, and which Vapi call they became.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::heard::adopt_early_word;
pub use super::legs::Leg;
use super::row::{column, instant, named, named_or_null};
use super::transfers::Transfer;
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
    /// `ForwardedFrom`; empty when the carrier does not say.
    pub forwarded_from: &'a str,
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
    /// The telephone that sent the call on to us; empty when nobody says.
    pub forwarded_from: String,
    /// Whom the caller was connected to last.
    pub leg: Leg,
    /// The number that is being dialled for the caller.
    pub dialing: Option<Phone>,
    /// How far it has come, where the call is put through in the middle of a conversation.
    pub transfer: Option<Transfer>,
    /// The number that it is put through to; absent where a message is taken.
    pub transfer_to: Option<Phone>,
    /// When it was put through last.
    pub dialled_at: Option<OffsetDateTime>,
    /// Whether the caller was heard to be in danger.
    pub is_emergency: bool,
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

pub(super) const COLUMNS: &str = "id, call_sid, vapi_call_id, business, from_number, to_number, forwarded_from, leg, dialing, transfer, \
                       transfer_to, dialled_at, emergency_at, twiml, status, heard_at, vapi_ended_reason, control_url, created_at, ended_at";

impl Store {
    /// Claims the right to connect this call. The row count decides.
    ///
    /// # Errors
    /// When the database fails: then nobody has the right.
    pub async fn claim_call(&self, call: &NewCall<'_>, now: OffsetDateTime) -> Result<CallClaim, Error> {
        let query = sqlx::query(
            "INSERT INTO calls (call_sid, business, from_number, to_number, leg, status, created_at, forwarded_from, id) \
             VALUES ($1, $2, $3, $4, 'assistant', 'ringing', $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(call.sid.as_str())
        .bind(call.business.map(|slug| slug.as_str().to_owned()))
        .bind(call.from)
        .bind(call.to)
        .bind(epoch_ms(now))
        .bind(call.forwarded_from.to_owned());
        let made =
            self.write(move |db| async move { Ok(query.bind(next_id()).execute(db).await?.rows_affected()) }.boxed()).await?;
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

    /// The call of this name of ours.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_by_id(&self, id: &str) -> Result<Option<CallRow>, Error> {
        self.call_where("id", id).await
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
}

/// The name of a new row. Made where nobody else writes, so that names rise as rows come to be: whoever has a name has all
/// the lower ones before it.
pub(super) fn next_id() -> String {
    Uuid::now_v7().simple().to_string()
}

pub(super) fn read_call(row: &AnyRow) -> Result<CallRow, Error> {
    Ok(CallRow {
        id: column(row, "id")?,
        sid: named_or_null(row, "call_sid", CallSid::parse)?,
        vapi_call_id: named_or_null(row, "vapi_call_id", VapiCallId::parse)?,
        business: named_or_null(row, "business", Slug::parse)?,
        from: column(row, "from_number")?,
        to: column(row, "to_number")?,
        forwarded_from: column(row, "forwarded_from")?,
        leg: named(row, "leg", Leg::parse)?,
        dialing: named_or_null(row, "dialing", Phone::e164)?,
        transfer: named_or_null(row, "transfer", Transfer::parse)?,
        transfer_to: named_or_null(row, "transfer_to", Phone::e164)?,
        dialled_at: column::<Option<i64>>(row, "dialled_at")?.map(from_epoch_ms),
        is_emergency: column::<Option<i64>>(row, "emergency_at")?.is_some(),
        twiml: column(row, "twiml")?,
        status: column(row, "status")?,
        heard_from_vapi: column::<Option<i64>>(row, "heard_at")?.is_some(),
        vapi_ended_reason: column(row, "vapi_ended_reason")?,
        control_url: column(row, "control_url")?,
        created_at: instant(row, "created_at")?,
        ended_at: column::<Option<i64>>(row, "ended_at")?.map(from_epoch_ms),
    })
}
