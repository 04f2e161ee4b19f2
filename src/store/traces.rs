//! What was asked and answered in calls: for people who want to know how one went. Nothing is decided by it.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::{column, instant, truth};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::Slug;

const MAX_NAME_CHARS: usize = 100;
const MAX_ARGUMENTS_CHARS: usize = 4_000;
const MAX_ANSWER_CHARS: usize = 2_000;
/// So many rows are forgotten in one write: the answers of callers wait behind it.
const FORGOTTEN_AT_ONCE: i64 = 500;

/// One tool call: what was asked, and what it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Whose call.
    pub business: Slug,
    /// Vapi's name of the call, else its `CallSid`; may be empty.
    pub call_id: String,
    /// May be empty.
    pub tool_call_id: String,
    /// Under which key it is remembered; empty when it is not.
    pub delivery: String,
    /// The tool, as it was called.
    pub tool: String,
    /// One `key=text` a line.
    pub arguments: String,
    /// The sentence.
    pub answer: String,
    /// Whether it was an `error`.
    pub is_error: bool,
    /// How long it took.
    pub ms: u64,
    /// How often it was delivered again.
    pub repeated: u64,
    /// When it was asked.
    pub at: OffsetDateTime,
}

impl Store {
    /// Keeps a trace. What is too long is cut.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_trace(&self, trace: &Trace) -> Result<(), Error> {
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let query = sqlx::query(
            "INSERT INTO tool_traces (id, business, call_id, tool_call_id, delivery, tool, arguments, answer, is_error, ms, repeated, \
             at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(Uuid::now_v7().simple().to_string())
        .bind(trace.business.as_str().to_owned())
        .bind(trace.call_id.clone())
        .bind(trace.tool_call_id.clone())
        .bind(trace.delivery.clone())
        .bind(cut(&trace.tool, MAX_NAME_CHARS))
        .bind(cut(&trace.arguments, MAX_ARGUMENTS_CHARS))
        .bind(cut(&trace.answer, MAX_ANSWER_CHARS))
        .bind(i64::from(trace.is_error))
        .bind(i64::try_from(trace.ms).unwrap_or(i64::MAX))
        .bind(i64::try_from(trace.repeated).unwrap_or(i64::MAX))
        .bind(epoch_ms(trace.at));
        self.execute(query).await.map(drop)
    }

    /// Notes that what is remembered under this key was delivered once more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_repetition(&self, delivery: &str) -> Result<(), Error> {
        let query = sqlx::query(
            "UPDATE tool_traces SET repeated = repeated + 1 WHERE id = (SELECT id FROM tool_traces WHERE delivery = $1 \
             ORDER BY id DESC LIMIT 1)",
        );
        self.execute(query.bind(delivery.to_owned())).await.map(drop)
    }

    /// What was asked in the call with one of these names, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn traces_of(&self, business: &Slug, names: [&str; 2]) -> Result<Vec<Trace>, Error> {
        let rows = sqlx::query(
            "SELECT business, call_id, tool_call_id, delivery, tool, arguments, answer, is_error, ms, repeated, at FROM tool_traces \
             WHERE call_id IN ($1, $2) AND call_id <> '' AND business = $3 ORDER BY at, id",
        )
        .bind(names[0])
        .bind(names[1])
        .bind(business.as_str())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read_trace).collect()
    }

    /// Forgets the reports, traces, answers and webhooks that are older than `before`; how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_stories(&self, before: OffsetDateTime) -> Result<u64, Error> {
        const OLD: [&str; 4] = [
            "DELETE FROM reports WHERE vapi_call_id IN (SELECT vapi_call_id FROM reports WHERE kept_at < $1 LIMIT $2)",
            "DELETE FROM tool_traces WHERE id IN (SELECT id FROM tool_traces WHERE at < $1 LIMIT $2)",
            "DELETE FROM deliveries WHERE key IN (SELECT key FROM deliveries WHERE created_at < $1 LIMIT $2)",
            "DELETE FROM webhooks WHERE id IN (SELECT id FROM webhooks WHERE at < $1 LIMIT $2)",
        ];
        let mut forgotten = 0;
        loop {
            let before = epoch_ms(before);
            let some = self.write(move |db| {
                async move {
                    let mut some = 0;
                    for statement in OLD {
                        let query = sqlx::query(statement).bind(before).bind(FORGOTTEN_AT_ONCE);
                        some += query.execute(&mut *db).await?.rows_affected();
                    }
                    Ok(some)
                }
                .boxed()
            });
            match some.await? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }
}

fn read_trace(row: &AnyRow) -> Result<Trace, Error> {
    let number = |name| Ok::<_, Error>(u64::try_from(column::<i64>(row, name)?).unwrap_or_default());
    Ok(Trace {
        business: super::row::named(row, "business", Slug::parse)?,
        call_id: column(row, "call_id")?,
        tool_call_id: column(row, "tool_call_id")?,
        delivery: column(row, "delivery")?,
        tool: column(row, "tool")?,
        arguments: column(row, "arguments")?,
        answer: column(row, "answer")?,
        is_error: truth(row, "is_error")?,
        ms: number("ms")?,
        repeated: number("repeated")?,
        at: instant(row, "at")?,
    })
}
