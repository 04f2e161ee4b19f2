//! Text messages through Twilio. A message that may have been sent is never sent again: Twilio has no idempotency key, and a
//! second try could be a second message.

use std::time::Duration;

use super::unsent::{OPTED_OUT, Unsent};
use super::{Done, LOOKS_BACK, Outbox};
use crate::business::profile::Occasion;
use crate::clients::twilio::{Delivery, SmsError};
use crate::names::Slug;
use crate::store;
use crate::store::bookings::is_nobody;
use crate::store::jobs::{Job, LeasedJob, Matter, Sms};
use crate::store::texts::Fate;

/// Twilio alone hears who sends START. It is asked again after so long whether somebody who wanted no more wants some.
const ASK_AGAIN: Duration = Duration::from_hours(24);
/// When the networks have said what became of a message, if they ever do.
const DELIVERED_BY: Duration = Duration::from_mins(5);

impl Outbox {
    pub(super) async fn send_sms(&self, leased: &LeasedJob, sms: &Sms) -> Result<Done, store::Error> {
        let Sms { business, to, text, .. } = sms;
        if is_nobody(to) {
            tracing::info!(business = %business, "an SMS has nobody to go to any more: they were erased");
            return Ok(Done::Well);
        }
        let Some(from) = self.directory.by_slug(business).and_then(|profile| profile.phone_numbers.first().cloned()) else {
            return Ok(Done::Never("its business has no number".into()));
        };
        if self.directory.owns(to) {
            return Ok(Done::Unsent(Unsent::OwnNumber));
        }
        let twilio = self.settings.twilio.of(business);
        let sender = twilio.messaging_service_sid.as_deref().unwrap_or(from.as_str());
        let opt_out = self.store.opt_out(business, to).await?;
        // Twilio blocks by sender: what another sender was told would not hold this one back.
        if opt_out.as_ref().is_some_and(|known| known.sender != sender || self.clock.now() < known.refused_at + ASK_AGAIN) {
            return Ok(Done::Unsent(Unsent::OptedOut));
        }
        // Noted before it is sent: a restart in between must not send it again.
        if !self.store.begin_job(leased).await? {
            return Ok(Done::NotYet("another worker has taken it over".into()));
        }
        match self.twilio.send_sms(twilio, &from, to, text).await {
            Ok(sid) => {
                tracing::info!(business = %business, sms.to = ?to, sms.matter = sms.matter.kind(), "an SMS was handed to Twilio");
                // It is sent, so nothing that fails from here on may lead to another try.
                if let Err(error) = self.note_sent(&leased.key, sms, sid, opt_out.is_some()).await {
                    tracing::error!(business = %business, %error, "it could not be noted that an SMS was sent");
                }
                Ok(Done::Well)
            }
            Err(error @ SmsError::NotSent(_)) => Ok(Done::NotYet(error.to_string())),
            Err(SmsError::Uncertain(cause)) => Ok(Done::Unsent(Unsent::Uncertain(cause))),
            Err(SmsError::Refused { code }) => {
                if code == OPTED_OUT {
                    self.store.keep_opt_out(business, to, sender, self.clock.now()).await?;
                }
                Ok(Done::Unsent(Unsent::Refused { code }))
            }
        }
    }

    async fn note_sent(&self, key: &str, sms: &Sms, sid: Option<String>, had_opted_out: bool) -> Result<(), store::Error> {
        let now = self.clock.now();
        self.store.keep_text(key, sms, Fate::Sent, "", now).await?;
        if had_opted_out {
            self.store.forget_opt_out(&sms.business, &sms.to).await?;
        }
        if let Some(sid) = sid {
            let look = Job::Delivery { of: key.to_owned(), sid, sms: sms.clone() };
            self.store.enqueue(&format!("delivery/{key}"), &look, now + DELIVERED_BY).await?;
        }
        Ok(())
    }

    /// Looks, once, what became of a message that Twilio took: many a number is found only then to take none.
    pub(super) async fn look_at_delivery(
        &self,
        leased: &LeasedJob,
        of: &str,
        sid: &str,
        sms: &Sms,
    ) -> Result<Done, store::Error> {
        match self.twilio.delivery(self.settings.twilio.of(&sms.business), sid).await {
            Ok(Delivery::Arrived) => self.store.keep_text(of, sms, Fate::Delivered, "", self.clock.now()).await?,
            Ok(Delivery::Failed { code }) => self.word_is_lost(of, sms, &Unsent::Undelivered { code }).await?,
            Ok(Delivery::Open) => {}
            Err(error) if leased.attempts < LOOKS_BACK => return Ok(Done::NotYet(error.to_string())),
            Err(error) => {
                tracing::warn!(business = %sms.business, %error, "it is not known what became of an SMS that Twilio took");
            }
        }
        Ok(Done::Well)
    }

    /// An SMS to each number of the business that wants to hear of such an occasion; a `key` is told once.
    pub(super) async fn notify(&self, key: &str, business: &Slug, occasion: &str, text: &str) -> Result<Done, store::Error> {
        let Some(profile) = self.directory.by_slug(business) else { return Ok(Done::Never("its business has no file".into())) };
        if Occasion::parse(occasion).is_some_and(|occasion| profile.notify.on.contains(&occasion)) {
            for to in &profile.notify.sms {
                let (business, to, text) = (business.clone(), to.clone(), text.to_owned());
                let key = format!("{key}/{}", to.as_str());
                let sms = Job::Sms(Sms { business, to, text, matter: Matter::Notice });
                self.store.enqueue(&key, &sms, self.clock.now()).await?;
            }
        }
        Ok(Done::Well)
    }
}
