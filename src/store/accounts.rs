//! The Google accounts that owners connected, and which of their calendars is whose. What is sealed stays sealed here.

use futures_util::FutureExt;
use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::jobs::{Job, insert_job};
use super::row::{column, instant, named};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{CalendarId, Slug};

/// A connected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Whose it is.
    pub business: Slug,
    /// The account's own name: the id of its primary calendar.
    pub address: String,
    /// Sealed.
    pub refresh_token: String,
    /// What the owner agreed to, separated by spaces.
    pub scopes: String,
    /// Rises with every consent: what is found out about an old token never touches a newer one.
    pub generation: i64,
    /// Why and since when its token is of no use any more.
    pub lost: Option<(String, OffsetDateTime)>,
    /// When the owner agreed.
    pub connected_at: OffsetDateTime,
    /// When the token was last used with success.
    pub refreshed_at: OffsetDateTime,
    /// When the owner's consent ends by itself, if Google said so.
    pub ends_at: Option<OffsetDateTime>,
}

/// What a consent brought.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Whose it is.
    pub business: Slug,
    /// See [`AccountRow::address`].
    pub address: String,
    /// Sealed.
    pub refresh_token: String,
    /// See [`AccountRow::scopes`].
    pub scopes: String,
    /// See [`AccountRow::ends_at`].
    pub ends_at: Option<OffsetDateTime>,
}

const COLUMNS: &str =
    "business, address, refresh_token, scopes, generation, lost_because, lost_at, connected_at, refreshed_at, ends_at";

impl Store {
    /// The account of this business.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn google_account(&self, business: &Slug) -> Result<Option<AccountRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM google_accounts WHERE business = $1"));
        let row = sqlx::query(statement).bind(business.as_str()).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_account).transpose()
    }

    /// All accounts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn google_accounts(&self) -> Result<Vec<AccountRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM google_accounts ORDER BY business"));
        sqlx::query(statement).fetch_all(&self.readers).await?.iter().map(read_account).collect()
    }

    /// Keeps what a consent brought, in place of what was there. The calendars that were chosen stay chosen if it is the same
    /// Google account again.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn connect_account(&self, account: &NewAccount, now: OffsetDateTime) -> Result<(), Error> {
        let forget = sqlx::query(
            "DELETE FROM account_calendars WHERE business = $1 AND NOT EXISTS \
             (SELECT 1 FROM google_accounts WHERE business = $1 AND address = $2)",
        )
        .bind(account.business.as_str().to_owned())
        .bind(account.address.clone());
        let keep = sqlx::query(
            "INSERT INTO google_accounts (business, address, refresh_token, scopes, generation, connected_at, refreshed_at, ends_at) \
             VALUES ($1, $2, $3, $4, $5, $5, $5, $6) ON CONFLICT (business) DO UPDATE SET address = excluded.address, \
             refresh_token = excluded.refresh_token, scopes = excluded.scopes, lost_because = NULL, lost_at = NULL, \
             generation = CASE WHEN google_accounts.generation >= excluded.generation THEN google_accounts.generation + 1 \
             ELSE excluded.generation END, connected_at = excluded.connected_at, refreshed_at = excluded.refreshed_at, \
             ends_at = excluded.ends_at, access_token = NULL, access_until = NULL, refresher = ''",
        )
        .bind(account.business.as_str().to_owned())
        .bind(account.address.clone())
        .bind(account.refresh_token.clone())
        .bind(account.scopes.clone())
        .bind(epoch_ms(now))
        .bind(account.ends_at.map(epoch_ms));
        self.write(move |db| {
            async move {
                forget.execute(&mut *db).await?;
                Ok(keep.execute(db).await.map(drop)?)
            }
            .boxed()
        })
        .await
    }

    /// Notes that the token works, and the new one if there was one: an answer without one never erases what is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_refreshed(
        &self,
        account: &AccountRow,
        renewed: Option<&str>,
        ends_at: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let query = sqlx::query(
            "UPDATE google_accounts SET refreshed_at = $3, refresh_token = COALESCE($4, refresh_token), \
             ends_at = COALESCE($5, ends_at) WHERE business = $1 AND generation = $2",
        )
        .bind(account.business.as_str().to_owned())
        .bind(account.generation)
        .bind(epoch_ms(now))
        .bind(renewed.map(str::to_owned))
        .bind(ends_at.map(epoch_ms));
        self.execute(query).await.map(drop)
    }

    /// Notes that Google takes this token no more, and keeps whom to tell with it; `false` when that was known already or
    /// the owner has connected again meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lose_account(
        &self,
        account: &AccountRow,
        because: &str,
        tell: Vec<(String, Job)>,
        now: OffsetDateTime,
    ) -> Result<bool, Error> {
        let query = sqlx::query(
            "UPDATE google_accounts SET lost_because = $3, lost_at = $4 WHERE business = $1 AND generation = $2 AND lost_at IS NULL",
        )
        .bind(account.business.as_str().to_owned())
        .bind(account.generation)
        .bind(because.to_owned())
        .bind(epoch_ms(now));
        let tell = tell.iter().map(|(key, job)| insert_job(key, job, now)).collect::<Result<Vec<_>, _>>()?;
        self.write(move |db| {
            async move {
                if query.execute(&mut *db).await?.rows_affected() == 0 {
                    return Ok(false);
                }
                for job in tell {
                    job.execute(&mut *db).await?;
                }
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    /// Forgets the account and what was chosen in it, with the job that follows if there is one, and when that is due.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn forget_account(&self, business: &Slug, then: Option<(String, Job)>, due: OffsetDateTime) -> Result<(), Error> {
        let then = then.map(|(key, job)| insert_job(&key, &job, due)).transpose()?;
        let business = business.as_str().to_owned();
        self.write(move |db| {
            async move {
                for statement in
                    ["DELETE FROM google_accounts WHERE business = $1", "DELETE FROM account_calendars WHERE business = $1"]
                {
                    sqlx::query(statement).bind(&business).execute(&mut *db).await?;
                }
                if let Some(then) = then {
                    then.execute(db).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Puts the same token, sealed under another key, in the place of `old`; nothing happens if that is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal_account(&self, business: &Slug, old: &str, new: &str) -> Result<(), Error> {
        let statement = "UPDATE google_accounts SET refresh_token = $3 WHERE business = $1 AND refresh_token = $2";
        let query = sqlx::query(statement).bind(business.as_str().to_owned()).bind(old.to_owned()).bind(new.to_owned());
        self.execute(query).await.map(drop)
    }

    /// What the owners chose: business, technician, calendar.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chosen_calendars(&self) -> Result<Vec<(Slug, String, CalendarId)>, Error> {
        let rows = sqlx::query("SELECT business, technician, calendar FROM account_calendars").fetch_all(&self.readers).await?;
        let read = |row: &AnyRow| {
            let calendar = named(row, "calendar", CalendarId::parse)?;
            Ok((named(row, "business", Slug::parse)?, column(row, "technician")?, calendar))
        };
        rows.iter().map(read).collect()
    }

    /// Keeps what the owner chose, in place of all that was chosen before: technician and calendar.
    ///
    /// # Errors
    /// When the database fails: then nothing has changed.
    pub async fn choose_calendars(&self, business: &Slug, chosen: Vec<(String, CalendarId)>) -> Result<(), Error> {
        let business = business.as_str().to_owned();
        self.write(move |db| {
            async move {
                let forget = sqlx::query("DELETE FROM account_calendars WHERE business = $1").bind(&business);
                forget.execute(&mut *db).await?;
                for (technician, calendar) in &chosen {
                    let statement = "INSERT INTO account_calendars (business, technician, calendar) VALUES ($1, $2, $3)";
                    let keep = sqlx::query(statement).bind(&business).bind(technician).bind(calendar.as_str());
                    keep.execute(&mut *db).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

fn read_account(row: &AnyRow) -> Result<AccountRow, Error> {
    let lost = column::<Option<String>>(row, "lost_because")?.zip(column::<Option<i64>>(row, "lost_at")?.map(from_epoch_ms));
    Ok(AccountRow {
        business: named(row, "business", Slug::parse)?,
        address: column(row, "address")?,
        refresh_token: column(row, "refresh_token")?,
        scopes: column(row, "scopes")?,
        generation: column(row, "generation")?,
        lost,
        connected_at: instant(row, "connected_at")?,
        refreshed_at: instant(row, "refreshed_at")?,
        ends_at: column::<Option<i64>>(row, "ends_at")?.map(from_epoch_ms),
    })
}
