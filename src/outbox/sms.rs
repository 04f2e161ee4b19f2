//! Text messages through Twilio. A message that may have been sent is never sent again: Twilio has no idempotency key, and a
//! second try could be a second message.

use super::{Done, Outbox};
use crate::business::profile::Occasion;
use crate::clients::twilio::SmsError;
use crate::clock::epoch_ms;
use crate::names::{Phone, Slug};
use crate::store;
use crate::store::bookings;
use crate::store::jobs::{Job, LeasedJob, Outcome};

/// What stands in the store while a message is on its way: if the process dies then, nobody knows whether it was sent.
const UNDER_WAY: &str = "it was being sent when the process ended";

impl Outbox {
    pub(super) async fn send_sms(
        &self,
        leased: &LeasedJob,
        business: &Slug,
        to: &Phone,
        text: &str,
    ) -> Result<Done, store::Error> {
        if bookings::is_nobody(to) {
            tracing::info!(business = %business, "an SMS has nobody to go to any more: they were erased");
            return Ok(Done::Well);
        }
        let Some(from) = self.directory.by_slug(business).and_then(|profile| profile.phone_numbers.first().cloned()) else {
            return Ok(Done::Never("its business has no number".into()));
        };
        // Given up first and taken back when it surely was not sent: a restart in between must not send it again.
        if !self.store.fail_job(leased, UNDER_WAY, None).await? {
            return Ok(Done::NotYet("another worker has taken it over".into()));
        }
        Ok(match self.twilio.send_sms(self.settings.twilio.of(business), &from, to, text).await {
            Ok(()) => {
                tracing::info!(business = %business, sms.to = ?to, "an SMS was handed to Twilio");
                Done::Well
            }
            Err(error @ SmsError::NotSent(_)) => Done::NotYet(error.to_string()),
            Err(error) => Done::Never(error.to_string()),
        })
    }

    /// An SMS to each number of the business that wants to hear of such an occasion; a `key` is told once.
    pub(super) async fn notify(&self, key: &str, business: &Slug, occasion: &str, text: &str) -> Result<Done, store::Error> {
        let Some(profile) = self.directory.by_slug(business) else { return Ok(Done::Never("its business has no file".into())) };
        if Occasion::parse(occasion).is_some_and(|occasion| profile.notify.on.contains(&occasion)) {
            for to in &profile.notify.sms {
                let sms = Job::Sms { business: business.clone(), to: to.clone(), text: text.to_owned() };
                self.store.enqueue(&format!("{key}/{}", to.as_str()), &sms, self.clock.now()).await?;
            }
        }
        Ok(Done::Well)
    }

    /// Who should have been told something hears nothing now, so the operator does.
    pub(super) async fn tell_of_lost_word(&self, leased: &LeasedJob, cause: &str) -> Result<(), store::Error> {
        let (what, business, text) = match &leased.job {
            Job::Sms { business, to, .. } | Job::Tell(Outcome { business, to, .. }) => {
                ("sms_given_up", business, format!("An SMS to {to:?} was given up: {cause}."))
            }
            Job::ForgetCall { business, call } => {
                ("erasure_given_up", business, format!("Vapi did not delete the call {call}: {cause}. Please delete it there."))
            }
            Job::DeleteRecording { business, recording } => {
                let text = format!("Twilio did not delete the recording {recording}: {cause}. Please delete it there.");
                ("erasure_given_up", business, text)
            }
            _ => return Ok(()),
        };
        let now = self.clock.now();
        let alert = Job::Alert { what: what.into(), business: Some(business.clone()), text, since_ms: epoch_ms(now) };
        self.store.enqueue(&format!("alert/{}", leased.key), &alert, now).await?;
        Ok(())
    }
}
