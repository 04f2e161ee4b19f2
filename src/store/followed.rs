//! Which calendars are followed: up to where each was read, and the push channels that are open for it. A channel's token
//! is kept as a digest only.

use sqlx::any::AnyRow;
use time::OffsetDateTime;

use super::row::{column, instant, named, truth};
use super::{Error, Store};
use crate::clock::{epoch_ms, from_epoch_ms};
use crate::names::{CalendarId, Slug};

/// Up to where a calendar was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedRow {
    /// The token with which the next changes are asked for.
    pub sync_token: String,
    /// When it is read again at the latest, whoever does it.
    pub poll_at: OffsetDateTime,
    /// When it was read last.
    pub synced_at: Option<OffsetDateTime>,
}

/// A push channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRow {
    /// Our name for it.
    pub channel: String,
    /// Whose calendar it watches.
    pub business: Slug,
    /// Which calendar.
    pub calendar: CalendarId,
    /// The digest of the token that its notifications carry.
    pub token: String,
    /// Google's name for what it watches; empty until Google has answered.
    pub resource: String,
    /// When it ends.
    pub ends_at: OffsetDateTime,
    /// Another one has taken its place, and this one is to be stopped.
    pub replaced: bool,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

const CHANNEL: &str = "channel, business, calendar, token, resource, ends_at, replaced, created_at";

impl Store {
    /// Up to where this calendar was read; `None` if it never was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn followed(&self, business: &Slug, calendar: &CalendarId) -> Result<Option<FollowedRow>, Error> {
        let row =
            sqlx::query("SELECT sync_token, poll_at, synced_at FROM followed_calendars WHERE business = $1 AND calendar = $2")
                .bind(business.as_str())
                .bind(calendar.as_str())
                .fetch_optional(&self.readers)
                .await?;
        let read = |row: AnyRow| {
            Ok(FollowedRow {
                sync_token: column(&row, "sync_token")?,
                poll_at: instant(&row, "poll_at")?,
                synced_at: column::<Option<i64>>(&row, "synced_at")?.map(from_epoch_ms),
            })
        };
        row.map(read).transpose()
    }

    /// Every calendar of which anything is kept here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn followed_places(&self) -> Result<Vec<(Slug, CalendarId)>, Error> {
        let statement =
            "SELECT business, calendar FROM followed_calendars UNION SELECT business, calendar FROM watch_channels ORDER BY 1, 2";
        let rows = sqlx::query(statement).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((named(row, "business", Slug::parse)?, named(row, "calendar", CalendarId::parse)?))).collect()
    }

    /// Notes that a calendar was read up to `row`; `false` when it was not at `from` any more: another copy of the server has
    /// read it meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_followed(
        &self,
        business: &Slug,
        calendar: &CalendarId,
        from: Option<&str>,
        row: &FollowedRow,
    ) -> Result<bool, Error> {
        let statement = match from {
            Some(_) => {
                "UPDATE followed_calendars SET sync_token = $3, poll_at = $4, synced_at = $5 \
                 WHERE business = $1 AND calendar = $2 AND sync_token = $6"
            }
            None => {
                "INSERT INTO followed_calendars (business, calendar, sync_token, poll_at, synced_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING"
            }
        };
        let mut query = sqlx::query(statement)
            .bind(business.as_str().to_owned())
            .bind(calendar.as_str().to_owned())
            .bind(row.sync_token.clone())
            .bind(epoch_ms(row.poll_at))
            .bind(row.synced_at.map(epoch_ms));
        if let Some(from) = from {
            query = query.bind(from.to_owned());
        }
        Ok(self.execute(query).await? == 1)
    }

    /// Forgets up to where a calendar was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_followed(&self, business: &Slug, calendar: &CalendarId) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM followed_calendars WHERE business = $1 AND calendar = $2")
            .bind(business.as_str().to_owned())
            .bind(calendar.as_str().to_owned());
        self.execute(query).await.map(drop)
    }

    /// Keeps a channel that is about to be asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_channel(&self, row: &ChannelRow) -> Result<(), Error> {
        let statement = format!("INSERT INTO watch_channels ({CHANNEL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(row.channel.clone())
            .bind(row.business.as_str().to_owned())
            .bind(row.calendar.as_str().to_owned())
            .bind(row.token.clone())
            .bind(row.resource.clone())
            .bind(epoch_ms(row.ends_at))
            .bind(i64::from(row.replaced))
            .bind(epoch_ms(row.created_at));
        self.execute(query).await.map(drop)
    }

    /// Notes what Google has made of a channel.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_opened(&self, channel: &str, resource: &str, ends_at: OffsetDateTime) -> Result<(), Error> {
        let query = sqlx::query("UPDATE watch_channels SET resource = $2, ends_at = $3 WHERE channel = $1")
            .bind(channel.to_owned())
            .bind(resource.to_owned())
            .bind(epoch_ms(ends_at));
        self.execute(query).await.map(drop)
    }

    /// Notes that another channel has taken this one's place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_replaced(&self, channel: &str) -> Result<(), Error> {
        let query = sqlx::query("UPDATE watch_channels SET replaced = 1 WHERE channel = $1").bind(channel.to_owned());
        self.execute(query).await.map(drop)
    }

    /// Forgets a channel: its notifications are not known any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_channel(&self, channel: &str) -> Result<(), Error> {
        let query = sqlx::query("DELETE FROM watch_channels WHERE channel = $1").bind(channel.to_owned());
        self.execute(query).await.map(drop)
    }

    /// The channel of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel(&self, channel: &str) -> Result<Option<ChannelRow>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("SELECT {CHANNEL} FROM watch_channels WHERE channel = $1"));
        let row = sqlx::query(statement).bind(channel).fetch_optional(&self.readers).await?;
        row.as_ref().map(read_channel).transpose()
    }

    /// The channels of this calendar, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channels_of(&self, business: &Slug, calendar: &CalendarId) -> Result<Vec<ChannelRow>, Error> {
        let statement = format!(
            "SELECT {CHANNEL} FROM watch_channels WHERE business = $1 AND calendar = $2 ORDER BY created_at DESC, channel DESC"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(business.as_str()).bind(calendar.as_str());
        query.fetch_all(&self.readers).await?.iter().map(read_channel).collect()
    }
}

fn read_channel(row: &AnyRow) -> Result<ChannelRow, Error> {
    Ok(ChannelRow {
        channel: column(row, "channel")?,
        business: named(row, "business", Slug::parse)?,
        calendar: named(row, "calendar", CalendarId::parse)?,
        token: column(row, "token")?,
        resource: column(row, "resource")?,
        ends_at: instant(row, "ends_at")?,
        replaced: truth(row, "replaced")?,
        created_at: instant(row, "created_at")?,
    })
}
