//! What Vapi says of a call, tied to what Twilio said of it.

use futures_util::FutureExt;
use sqlx::AnyConnection;
use time::OffsetDateTime;

use super::calls::next_id;
use super::row::column;
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Slug, VapiCallId};

/// What a message of Vapi says about the call it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct VapiCall<'a> {
    /// Vapi's name of it.
    pub id: &'a VapiCallId,
    /// Twilio's name, where the message has it.
    pub sid: Option<&'a CallSid>,
    /// Whose it is.
    pub business: &'a Slug,
    /// The caller as the signalling says; empty when withheld.
    pub from: &'a str,
    /// The number that was called; may be empty.
    pub to: &'a str,
    /// Where it can be spoken to.
    pub control_url: Option<&'a str>,
    /// Its `endedReason`.
    pub ended_reason: Option<&'a str>,
}

impl Store {
    /// Ties a message of Vapi to its call: the row with its id, else the one with its `CallSid`, else a new one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hear_from_vapi(&self, call: &VapiCall<'_>, now: OffsetDateTime) -> Result<(), Error> {
        let known = sqlx::query(
            "UPDATE calls SET vapi_call_id = $1, heard_at = COALESCE(heard_at, $2), business = COALESCE(business, $3), \
             control_url = COALESCE($4, control_url), vapi_ended_reason = CASE WHEN $5 IS NULL OR \
             (vapi_ended_reason IS NOT NULL AND vapi_ended_reason <> 'ended') THEN vapi_ended_reason ELSE $5 END WHERE id = ( \
             SELECT id FROM calls WHERE vapi_call_id = $1 OR (call_sid = $6 AND vapi_call_id IS NULL) \
             ORDER BY CASE WHEN vapi_call_id = $1 THEN 0 ELSE 1 END LIMIT 1)",
        )
        .bind(call.id.as_str())
        .bind(epoch_ms(now))
        .bind(call.business.as_str())
        .bind(call.control_url)
        .bind(call.ended_reason)
        .bind(call.sid.map(CallSid::as_str));
        let first = sqlx::query(
            "INSERT INTO calls (vapi_call_id, business, from_number, to_number, leg, status, heard_at, vapi_ended_reason, \
             control_url, created_at, id) VALUES ($1, $2, $3, $4, 'assistant', 'in-progress', $5, $6, $7, $5, $8) ON CONFLICT DO NOTHING",
        )
        .bind(call.id.as_str())
        .bind(call.business.as_str())
        .bind(call.from)
        .bind(call.to)
        .bind(epoch_ms(now))
        .bind(call.ended_reason)
        .bind(call.control_url);
        self.write(move |db| {
            async move {
                if known.execute(&mut *db).await?.rows_affected() == 0 {
                    first.bind(next_id()).execute(db).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Vapi may speak of a call before we have noted which one it is: what was kept of that word alone becomes part of the call.
pub(super) async fn adopt_early_word(db: &mut AnyConnection, sid: &CallSid, id: &VapiCallId) -> Result<(), Error> {
    let early = sqlx::query(
        "DELETE FROM calls WHERE vapi_call_id = $1 AND call_sid IS NULL AND EXISTS (SELECT 1 FROM calls c WHERE c.call_sid = $2) \
         RETURNING heard_at, vapi_ended_reason, control_url",
    )
    .bind(id.as_str())
    .bind(sid.as_str())
    .fetch_optional(&mut *db)
    .await?;
    let Some(early) = early else { return Ok(()) };
    sqlx::query(
        "UPDATE calls SET heard_at = COALESCE(heard_at, $2), vapi_ended_reason = COALESCE(vapi_ended_reason, $3), \
         control_url = COALESCE(control_url, $4) WHERE call_sid = $1",
    )
    .bind(sid.as_str())
    .bind(column::<Option<i64>>(&early, "heard_at")?)
    .bind(column::<Option<String>>(&early, "vapi_ended_reason")?)
    .bind(column::<Option<String>>(&early, "control_url")?)
    .execute(db)
    .await?;
    Ok(())
}
