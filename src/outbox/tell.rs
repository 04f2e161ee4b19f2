//! The outcome of a booking whose caller was answered "being arranged": told to the live call, else by SMS. A success is told
//! once at most, whatever may have been heard of it; a failure once at least.

use std::time::Duration;

use super::{Done, Outbox};
use crate::clients::Error;
use crate::clients::control::ControlUrl;
use crate::names::{CallSid, VapiCallId};
use crate::store;
use crate::store::calls::{CallRow, Leg};
use crate::store::jobs::{Job, LeasedJob, Outcome};

/// The outcome may be known while "being arranged" is still on its way to Vapi: the assistant must not hear it first, or it
/// would take back what it said.
const AFTER_THE_ANSWER: Duration = Duration::from_millis(500);

/// What stands in the store while a success is being told: if the process dies then, it may have been heard.
const UNDER_WAY: &str = "it was being told when the process ended";

impl Outbox {
    pub(super) async fn tell(&self, leased: &LeasedJob, outcome: &Outcome) -> Result<Done, store::Error> {
        tokio::time::sleep(AFTER_THE_ANSWER).await;
        let Some(url) = self.line_to_caller(outcome).await? else { return self.tell_by_sms(leased, outcome).await };
        // Given up first: a restart in the middle must not say it a second time.
        if outcome.booked && !self.store.fail_job(leased, UNDER_WAY, None).await? {
            return Ok(Done::NotYet("another worker has taken it over".into()));
        }
        let booking = &outcome.booking;
        match self.control.add_message(&url, &outcome.spoken).await {
            Ok(()) => {
                tracing::info!(booking.id = %booking, business = %outcome.business, "an outcome was told to the live call");
                self.confirm(leased, outcome).await
            }
            Err(error @ (Error::Unknown(_) | Error::Unusable(_))) if outcome.booked => {
                tracing::warn!(booking.id = %booking, business = %outcome.business, %error, "a success may have been heard, so it is not told again");
                Ok(Done::Well)
            }
            Err(error) => {
                tracing::info!(booking.id = %booking, business = %outcome.business, %error, "the live call could not be told, so an SMS goes out");
                self.tell_by_sms(leased, outcome).await
            }
        }
    }

    /// The control address of the call, while the caller still speaks with the assistant.
    async fn line_to_caller(&self, outcome: &Outcome) -> Result<Option<ControlUrl>, store::Error> {
        let Some(call) = self.call_of(outcome).await? else { return Ok(None) };
        let is_over = call.ended_at.is_some() || call.vapi_ended_reason.is_some();
        if is_over || call.leg != Leg::Assistant {
            return Ok(None);
        }
        let Some(text) = &call.control_url else { return Ok(None) };
        let url = ControlUrl::parse(text, &self.settings.vapi.of(&outcome.business).api_url);
        if url.is_none() {
            tracing::warn!(booking.id = %outcome.booking, business = %outcome.business, "a control address that is not Vapi's is not called");
        }
        Ok(url)
    }

    /// The call in which it was asked for; never one of another business.
    async fn call_of(&self, outcome: &Outcome) -> Result<Option<CallRow>, store::Error> {
        let by_vapi_id = match VapiCallId::parse(&outcome.call_id) {
            Some(id) => self.store.call_by_vapi_id(&id).await?,
            None => None,
        };
        let call = match (by_vapi_id, CallSid::parse(&outcome.call_id)) {
            (None, Some(sid)) => self.store.call_by_sid(&sid).await?,
            (call, _) => call,
        };
        Ok(call.filter(|call| call.business.as_ref() == Some(&outcome.business)))
    }

    /// What was heard in the call is confirmed in writing, as any other booking.
    async fn confirm(&self, leased: &LeasedJob, outcome: &Outcome) -> Result<Done, store::Error> {
        let Outcome { business, to, confirmation: text, .. } = outcome.clone();
        if !text.is_empty() {
            let sms = Job::Sms { business, to, text };
            self.store.enqueue(&format!("{}/confirm", leased.key), &sms, self.clock.now()).await?;
        }
        Ok(Done::Well)
    }

    async fn tell_by_sms(&self, leased: &LeasedJob, outcome: &Outcome) -> Result<Done, store::Error> {
        let Outcome { business, to, text, .. } = outcome.clone();
        let sms = Job::Sms { business, to, text };
        self.store.enqueue(&format!("{}/sms", leased.key), &sms, self.clock.now()).await?;
        Ok(Done::Well)
    }
}
