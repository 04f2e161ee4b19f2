//! Push channels: Google is asked to say when a calendar has changed. It says no more than that, lists its channels nowhere
//! and renews none; who keeps them, and for how long, is decided above.

use std::collections::HashMap;

use google_calendar3::api;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::super::encode::calendar_segment;
use super::super::{Fault, Place};
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use crate::clock::from_epoch_ms;

/// How long a channel is wished for: Google's own default. It may give less.
const LIFETIME: std::time::Duration = std::time::Duration::from_hours(7 * 24);

/// A channel that Google has opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Google's name of what is watched; a channel is stopped by it, and its notifications carry it.
    pub resource: String,
    /// When it ends, whatever was wished for.
    pub ends_at: OffsetDateTime,
}

impl Google {
    /// Asks for notifications of this calendar at `address`. `channel` is a name that was never used before, and `token` comes
    /// back with each of them.
    ///
    /// # Errors
    /// A [`Fault`]: the channel may be open all the same when nobody knows.
    pub async fn watch(&self, place: &Place, channel: &str, token: &SecretString, address: &str) -> Result<Watched, Fault> {
        let calendar = calendar_segment(&place.calendar)?;
        let wanted = api::Channel {
            id: Some(channel.to_owned()),
            type_: Some("web_hook".to_owned()),
            address: Some(address.to_owned()),
            token: Some(token.expose_secret().to_owned()),
            params: Some(HashMap::from([("ttl".to_owned(), LIFETIME.as_secs().to_string())])),
            ..api::Channel::default()
        };
        let outcome = self.call_as(Urgency::Background, "events.watch", &place.business, move |hub, mut wire| {
            let (calendar, wanted) = (calendar.clone(), wanted.clone());
            async move { Ok(hub.events().watch(wanted, &calendar).delegate(&mut wire).doit().await?.1) }
        });
        let opened = outcome.await.map_err(Failure::into_fault)?;
        match (opened.id.as_deref() == Some(channel), opened.resource_id, opened.expiration) {
            (true, Some(resource), Some(ends_at)) => Ok(Watched { resource, ends_at: from_epoch_ms(ends_at) }),
            _ => Err(Fault::Unknown("an answer that is not the channel that was asked for".into())),
        }
    }

    /// Ends a channel. One that has ended already is as good as stopped now.
    ///
    /// # Errors
    /// A [`Fault`] when nobody knows whether it goes on.
    pub async fn stop(&self, place: &Place, channel: &str, resource: &str) -> Result<(), Fault> {
        let ended =
            api::Channel { id: Some(channel.to_owned()), resource_id: Some(resource.to_owned()), ..api::Channel::default() };
        let outcome = self.call_as(Urgency::Background, "channels.stop", &place.business, move |hub, mut wire| {
            let ended = ended.clone();
            async move { hub.channels().stop(ended).delegate(&mut wire).doit().await.map(drop) }
        });
        match outcome.await {
            Ok(()) | Err(Failure::Said { status: 404, .. }) => Ok(()),
            Err(failure) => Err(failure.into_fault()),
        }
    }
}
