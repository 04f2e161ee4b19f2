//! Proven webhooks, kept so that a call can be played again. What is secret in them was taken out before they come here, and
//! nothing is decided by them.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::{column, instant, named_or_null};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{CallSid, Slug, VapiCallId};

/// A webhook that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Whose it was, where that was known.
    pub business: Option<Slug>,
    /// Its call, as Vapi names it.
    pub vapi_call_id: Option<VapiCallId>,
    /// Its call, as Twilio names it.
    pub call_sid: Option<CallSid>,
    /// The route, without a query.
    pub path: String,
    /// The few headers that matter.
    pub headers: Vec<(String, String)>,
    /// What it said. Not for logs.
    pub body: String,
    /// With which status it was answered.
    pub status: u16,
    /// After how many milliseconds.
    pub ms: u64,
    /// When it came.
    pub at: OffsetDateTime,
}

impl Store {
    /// Keeps these together; none of a call of which somebody was erased meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_webhooks(&self, webhooks: Vec<Webhook>) -> Result<(), Error> {
        self.write(move |db| {
            async move {
                for webhook in webhooks {
                    let headers = serde_json::to_string(&webhook.headers).map_err(|_impossible| Error::Unreadable("webhook"))?;
                    let keep = sqlx::query(
                        "INSERT INTO webhooks (id, business, vapi_call_id, call_sid, path, headers, body, status, ms, at) \
                         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS \
                         (SELECT 1 FROM calls WHERE forgotten = 1 AND (vapi_call_id = $3 OR call_sid = $4))",
                    )
                    .bind(Uuid::now_v7().simple().to_string())
                    .bind(webhook.business.map(|business| business.as_str().to_owned()))
                    .bind(webhook.vapi_call_id.map(|id| id.as_str().to_owned()))
                    .bind(webhook.call_sid.map(|sid| sid.as_str().to_owned()))
                    .bind(webhook.path)
                    .bind(headers)
                    .bind(webhook.body)
                    .bind(i64::from(webhook.status))
                    .bind(i64::try_from(webhook.ms).unwrap_or(i64::MAX))
                    .bind(epoch_ms(webhook.at));
                    keep.execute(&mut *db).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The webhooks of the call with this name at Twilio or at Vapi, in the order in which they came: both names of a call that
    /// is known by both.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks_of(&self, name: &str) -> Result<Vec<Webhook>, Error> {
        let call = self.call_named(name).await?;
        let sid = call.as_ref().and_then(|call| Some(call.sid.as_ref()?.as_str())).unwrap_or(name);
        let id = call.as_ref().and_then(|call| Some(call.vapi_call_id.as_ref()?.as_str())).unwrap_or(name);
        let rows = sqlx::query(
            "SELECT business, vapi_call_id, call_sid, path, headers, body, status, ms, at FROM webhooks \
             WHERE vapi_call_id = $1 OR call_sid = $2 ORDER BY at, id",
        )
        .bind(id)
        .bind(sid)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read_webhook).collect()
    }
}

fn read_webhook(row: &AnyRow) -> Result<Webhook, Error> {
    let headers: String = column(row, "headers")?;
    Ok(Webhook {
        business: named_or_null(row, "business", Slug::parse)?,
        vapi_call_id: named_or_null(row, "vapi_call_id", VapiCallId::parse)?,
        call_sid: named_or_null(row, "call_sid", CallSid::parse)?,
        path: column(row, "path")?,
        headers: serde_json::from_str(&headers).map_err(|_unreadable| Error::Unreadable("webhook"))?,
        body: column(row, "body")?,
        status: u16::try_from(column::<i64>(row, "status")?).unwrap_or_default(),
        ms: u64::try_from(column::<i64>(row, "ms")?).unwrap_or_default(),
        at: instant(row, "at")?,
    })
}
