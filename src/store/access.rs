//! Access tokens of owners' accounts, sealed, for all copies of the server; and which copy is getting the next one.

use time::OffsetDateTime;

use super::accounts::AccountRow;
use super::row::column;
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};

/// What the copies share of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRow {
    /// The token, sealed, and when it ends.
    pub token: Option<(String, OffsetDateTime)>,
    /// The copy that is getting another one; empty when none is.
    pub refresher: String,
}

impl Store {
    /// What the copies share of this account; `None` when its owner has connected anew or left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shared_access(&self, account: &AccountRow) -> Result<Option<AccessRow>, Error> {
        let statement =
            "SELECT access_token, access_until, refresher FROM google_accounts WHERE business = $1 AND generation = $2";
        let query = sqlx::query(statement).bind(account.business.as_str()).bind(account.generation);
        let Some(row) = query.fetch_optional(&self.readers).await? else { return Ok(None) };
        let until = column::<Option<i64>>(&row, "access_until")?.map(from_epoch_ms);
        let token = column::<Option<String>>(&row, "access_token")?.zip(until);
        Ok(Some(AccessRow { token, refresher: column(&row, "refresher")? }))
    }

    /// Notes that `copy` gets the next token, in the place of whoever was thought to; `false` when that is somebody else by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_refresh(&self, account: &AccountRow, instead_of: &str, copy: &str) -> Result<bool, Error> {
        let statement = "UPDATE google_accounts SET refresher = $4 WHERE business = $1 AND generation = $2 AND refresher = $3";
        let query = sqlx::query(statement)
            .bind(account.business.as_str().to_owned())
            .bind(account.generation)
            .bind(instead_of.to_owned())
            .bind(copy.to_owned());
        Ok(self.execute(query).await? == 1)
    }

    /// Shares a token, or with `None` that none came; another copy may try next.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn share_access(
        &self,
        account: &AccountRow,
        token: Option<(&str, OffsetDateTime)>,
        copy: &str,
    ) -> Result<(), Error> {
        let query = sqlx::query(
            "UPDATE google_accounts SET access_token = COALESCE($3, access_token), access_until = COALESCE($4, access_until), \
             refresher = CASE WHEN refresher = $5 THEN '' ELSE refresher END WHERE business = $1 AND generation = $2",
        )
        .bind(account.business.as_str().to_owned())
        .bind(account.generation)
        .bind(token.map(|(sealed, _)| sealed.to_owned()))
        .bind(token.map(|(_, until)| epoch_ms(until)))
        .bind(copy.to_owned());
        self.execute(query).await.map(drop)
    }
}
