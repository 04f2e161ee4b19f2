//! Which Vapi assistant was pushed for which business. What is set in the settings goes before it; what the assistant says is
//! not kept here.

use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{column, named};
use super::{Error, Store};
use crate::clock::epoch_ms;
use crate::names::{AssistantId, Slug};

/// What was pushed for one business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssistantRow {
    /// Whose it is.
    pub business: Slug,
    /// Vapi's name of it.
    pub assistant: AssistantId,
    /// Vapi's name of the credential that its webhooks are proven with; `None` where none was named.
    pub credential: Option<String>,
}

impl Store {
    /// What was pushed for this business.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pushed_assistant(&self, business: &Slug) -> Result<Option<AssistantRow>, Error> {
        let query = sqlx::query("SELECT business, assistant, credential FROM assistants WHERE business = $1");
        query.bind(business.as_str()).fetch_optional(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// What was pushed for all businesses.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pushed_assistants(&self) -> Result<Vec<AssistantRow>, Error> {
        let query = sqlx::query("SELECT business, assistant, credential FROM assistants ORDER BY business");
        query.fetch_all(&self.readers).await?.iter().map(read).collect()
    }

    /// The assistant that answers for this business: the one that is `set`, else the one that was pushed.
    ///
    /// # Errors
    /// When the database fails; it is not asked where one is set.
    pub async fn assistant_of(&self, business: &Slug, set: Option<&AssistantId>) -> Result<Option<AssistantId>, Error> {
        match set {
            Some(assistant) => Ok(Some(assistant.clone())),
            None => Ok(self.pushed_assistant(business).await?.map(|row| row.assistant)),
        }
    }

    /// Keeps what was pushed, in place of what was there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_assistant(&self, row: &AssistantRow, now: OffsetDateTime) -> Result<(), Error> {
        let query = sqlx::query(
            "INSERT INTO assistants (business, assistant, credential, pushed_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (business) DO UPDATE SET assistant = $2, credential = $3, pushed_at = $4",
        );
        let query = query.bind(row.business.as_str().to_owned()).bind(row.assistant.as_str().to_owned());
        let query = query.bind(row.credential.clone().unwrap_or_default()).bind(epoch_ms(now));
        self.execute(query).await.map(drop)
    }
}

fn read(row: &AnyRow) -> Result<AssistantRow, Error> {
    let credential: String = column(row, "credential")?;
    Ok(AssistantRow {
        business: named(row, "business", Slug::parse)?,
        assistant: named(row, "assistant", AssistantId::parse)?,
        credential: (!credential.is_empty()).then_some(credential),
    })
}
