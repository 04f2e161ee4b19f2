//! Bringing an assistant to Vapi: found again by its mark, made where there is none, changed where it differs. However often and
//! from wherever it is pushed, a business has one.

use time::OffsetDateTime;

use super::difference::{Difference, differences, fields_to_send, whole};
use super::{MARK, marked};
use crate::clients::Error as AskError;
use crate::clients::assistants::{Assistants, Found};
use crate::names::{AssistantId, Slug};
use crate::store::assistants::AssistantRow;
use crate::store::{self, Store};
use serde_json::Value;

/// What stopped a push.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// At Vapi.
    #[error(transparent)]
    Vapi(#[from] AskError),
    /// In our database, in which it is remembered.
    #[error("it cannot be remembered which assistant is whose: {0}")]
    Store(#[from] store::Error),
}

/// What is known of a business's assistant before Vapi is asked.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Whose.
    pub business: &'a Slug,
    /// `VAPI_ASSISTANT_ID`
    pub set: Option<&'a AssistantId>,
    /// What an earlier push brought.
    pub pushed: Option<&'a AssistantRow>,
}

/// What there is at Vapi.
#[derive(Clone, Debug)]
pub struct Search {
    /// The assistant of this business.
    pub found: Option<Found>,
    /// Others with the same mark, which nobody uses.
    pub doubles: Vec<AssistantId>,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// There was none.
    Made,
    /// These top-level fields were sent.
    Changed(Vec<String>),
    /// Nothing was to be done.
    Nothing,
}

/// What came of a push.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The assistant.
    pub assistant: AssistantId,
    /// What was done.
    pub done: Done,
    /// What Vapi took and has not kept.
    pub not_kept: Vec<Difference>,
    /// See [`Search::doubles`].
    pub doubles: Vec<AssistantId>,
}

/// Looks for the assistant of a business: the one that is known, else the oldest that carries its mark. One that is called the
/// same is somebody else's.
///
/// # Errors
/// See [`AskError`].
pub async fn find(vapi: &Assistants, known: Known<'_>) -> Result<Search, AskError> {
    let pushed = known.pushed.map(|row| &row.assistant);
    for id in [known.set, pushed].into_iter().flatten() {
        let Some(found) = vapi.get(id).await? else { continue };
        // Whoever took the mark out of one that we made has not made it theirs.
        let is_unmarked = found.fields.get("metadata").and_then(|metadata| metadata.get(MARK)).is_none();
        if marked(&found.fields).as_ref() == Some(known.business) || (is_unmarked && pushed == Some(id)) {
            return Ok(Search { found: Some(found), doubles: Vec::new() });
        }
    }
    let mut ours = of_business(vapi, known.business).await?.into_iter();
    Ok(Search { found: ours.next(), doubles: ours.map(|found| found.id).collect() })
}

/// Those with the mark of this business, the oldest first.
async fn of_business(vapi: &Assistants, business: &Slug) -> Result<Vec<Found>, AskError> {
    let mut ours: Vec<Found> = vapi.all().await?.into_iter().filter(|it| marked(&it.fields).as_ref() == Some(business)).collect();
    ours.sort_by(|one, other| (one.created_at(), &one.id).cmp(&(other.created_at(), &other.id)));
    Ok(ours)
}

/// Brings the assistant to Vapi, and remembers it with the credential that it was given.
///
/// # Errors
/// [`Error`]. It may be pushed again: what was made already is found.
pub async fn push(
    vapi: &Assistants,
    store: &Store,
    known: Known<'_>,
    here: &Value,
    credential: Option<&str>,
    now: OffsetDateTime,
) -> Result<Pushed, Error> {
    let Search { found, doubles } = find(vapi, known).await?;
    let (assistant, done) = if let Some(found) = found {
        brought_in_step(vapi, here, found).await?
    } else {
        made(vapi, known.business, here).await?
    };
    let row = AssistantRow {
        business: known.business.clone(),
        assistant: assistant.id.clone(),
        credential: credential.map(str::to_owned),
    };
    store.keep_assistant(&row, now).await?;
    Ok(Pushed { assistant: assistant.id, done, not_kept: differences(here, &assistant.fields), doubles })
}

/// Makes one. Somebody may push at the same moment: all then see the same oldest one, and take their own back.
async fn made(vapi: &Assistants, business: &Slug, here: &Value) -> Result<(Found, Done), AskError> {
    let made = vapi.create(&whole(here)).await?;
    let oldest = of_business(vapi, business).await?.into_iter().next().filter(|oldest| oldest.id != made.id);
    let Some(oldest) = oldest else { return Ok((made, Done::Made)) };
    vapi.delete(&made.id).await?;
    brought_in_step(vapi, here, oldest).await
}

async fn brought_in_step(vapi: &Assistants, here: &Value, found: Found) -> Result<(Found, Done), AskError> {
    let fields = fields_to_send(here, &found.fields);
    if fields.is_empty() {
        return Ok((found, Done::Nothing));
    }
    let names = fields.keys().cloned().collect();
    Ok((vapi.change(&found.id, &Value::Object(fields)).await?, Done::Changed(names)))
}
