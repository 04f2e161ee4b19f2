//! The push channels of followed calendars: one for each, opened before the old one ends, because Google renews none. They
//! only make it faster: where Google opens none, the minute's poll stands behind.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::calendar::google::Google;
use crate::calendar::{Fault, Place, shown};
use crate::clock::Clock;
use crate::store::followed::ChannelRow;
use crate::store::{self, Store};

/// When a refused channel is asked for again.
const AFTER_REFUSAL: Duration = Duration::from_hours(1);
/// When a channel is asked for again of which nobody knows whether it is open.
const AFTER_UNKNOWN: Duration = Duration::from_mins(5);
/// How long a channel stays known of which nobody knows whether it is open: Google may be telling us through it.
const UNKNOWN_FOR: Duration = Duration::from_hours(1);
/// A channel is renewed when this part of its life is left.
const RENEWED_IN_THE_LAST: i32 = 4;
/// The least time between two channels of one calendar, however short they last.
const AFTER_SUCCESS: Duration = Duration::from_mins(1);
const TOKEN_BYTES: usize = 32;

/// Keeps the channel of one calendar open.
#[derive(Debug)]
pub struct Upkeep {
    google: Google,
    store: Store,
    clock: Clock,
    address: String,
    not_before: Option<OffsetDateTime>,
    has_told: bool,
}

/// How a channel's token is kept.
#[must_use]
pub fn digest(token: &[u8]) -> String {
    hex::encode(Sha256::digest(token))
}

impl Upkeep {
    /// For channels whose notifications come to `address`.
    #[must_use]
    pub fn new(google: Google, store: Store, clock: Clock, address: String) -> Self {
        Self { google, store, clock, address, not_before: None, has_told: false }
    }

    /// Sees to it that a channel is open and will be for a while, and that it is the only one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_after(&mut self, place: &Place) -> Result<(), store::Error> {
        let now = self.clock.now();
        let rows = self.store.channels_of(&place.business, &place.calendar).await?;
        let current = rows.iter().find(|row| is_open(row, now));
        if current.is_none_or(|row| is_ending(row, now)) && self.not_before.is_none_or(|not_before| not_before <= now) {
            self.open(place, now).await?;
            return self.clear(place, now).await;
        }
        // Two copies of the server may have opened one each.
        if rows.len() > 1 || current.is_none() { self.clear(place, now).await } else { Ok(()) }
    }

    /// Whatever stood in the way of a channel may be gone: it is asked for at the next look.
    pub fn ask_again(&mut self) {
        self.not_before = None;
    }

    /// Ends every channel of a calendar that is not followed any more, as far as Google lets us.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_all(&self, place: &Place) -> Result<(), store::Error> {
        for row in self.store.channels_of(&place.business, &place.calendar).await? {
            // An account that was disconnected cannot even be asked; its channels end by themselves.
            let _as_far_as_possible = self.stop(place, &row).await;
            self.store.forget_channel(&row.channel).await?;
        }
        Ok(())
    }

    async fn open(&mut self, place: &Place, now: OffsetDateTime) -> Result<(), store::Error> {
        let (channel, token) = (Uuid::new_v4().to_string(), new_token());
        let row = ChannelRow {
            channel: channel.clone(),
            business: place.business.clone(),
            calendar: place.calendar.clone(),
            token: digest(token.expose_secret().as_bytes()),
            resource: String::new(),
            ends_at: now + UNKNOWN_FOR,
            replaced: false,
            created_at: now,
        };
        // Kept first: Google's first word may come before its answer.
        self.store.keep_channel(&row).await?;
        match self.google.watch(place, &channel, &token, &self.address).await {
            Ok(watched) => {
                (self.not_before, self.has_told) = (Some(now + AFTER_SUCCESS), false);
                self.store.channel_opened(&channel, &watched.resource, watched.ends_at).await
            }
            Err(fault) => {
                self.put_off(place, now, &fault);
                // If nobody knows whether it is open, it may speak.
                if matches!(fault, Fault::Refused(_)) { self.store.forget_channel(&channel).await } else { Ok(()) }
            }
        }
    }

    fn put_off(&mut self, place: &Place, now: OffsetDateTime, fault: &Fault) {
        let pause = if matches!(fault, Fault::Refused(_)) { AFTER_REFUSAL } else { AFTER_UNKNOWN };
        self.not_before = Some(now + pause);
        if !std::mem::replace(&mut self.has_told, true) {
            tracing::warn!(business = %place.business, calendar = shown(place.calendar.as_str()), cause = %fault, "Google opens no push channel; the calendar is read every minute instead");
        }
    }

    /// Stops all channels but the newest, and forgets those that have ended.
    async fn clear(&self, place: &Place, now: OffsetDateTime) -> Result<(), store::Error> {
        let mut has_one = false;
        for row in self.store.channels_of(&place.business, &place.calendar).await? {
            if row.ends_at <= now {
                self.store.forget_channel(&row.channel).await?;
            } else if is_open(&row, now) && !has_one {
                has_one = true;
            } else if has_one && !row.resource.is_empty() {
                self.store.channel_replaced(&row.channel).await?;
                // If nobody knows whether it was stopped, the next look stops it again.
                if matches!(self.stop(place, &row).await, Ok(()) | Err(Fault::Refused(_))) {
                    self.store.forget_channel(&row.channel).await?;
                }
            }
        }
        Ok(())
    }

    async fn stop(&self, place: &Place, row: &ChannelRow) -> Result<(), Fault> {
        if row.resource.is_empty() { Ok(()) } else { self.google.stop(place, &row.channel, &row.resource).await }
    }
}

/// Whether Google has opened it and it goes on.
fn is_open(row: &ChannelRow, now: OffsetDateTime) -> bool {
    !row.replaced && !row.resource.is_empty() && now < row.ends_at
}

fn is_ending(row: &ChannelRow, now: OffsetDateTime) -> bool {
    row.ends_at - now <= (row.ends_at - row.created_at) / RENEWED_IN_THE_LAST
}

fn new_token() -> SecretString {
    let mut bytes = [0; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes).into()
}
