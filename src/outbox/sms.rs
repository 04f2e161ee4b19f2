//! Text messages through Twilio. A message that may have been sent is never sent again.

use super::{Done, Outbox};
use crate::clients::twilio::SmsError;
use crate::names::{Phone, Slug};

impl Outbox {
    pub(super) async fn send_sms(&self, business: &Slug, to: &Phone, text: &str) -> Done {
        let Some(from) = self.directory.by_slug(business).and_then(|profile| profile.phone_numbers.first()) else {
            return Done::Never("its business has no number".into());
        };
        match self.twilio.send_sms(self.settings.twilio.of(business), from, to, text).await {
            Ok(()) => {
                tracing::info!(business = %business, sms.to = ?to, "an SMS was handed to Twilio");
                Done::Well
            }
            Err(error @ SmsError::NotSent(_)) => Done::NotYet(error.to_string()),
            // Twilio has no idempotency key: a second try could be a second message.
            Err(error) => Done::Never(error.to_string()),
        }
    }
}
