//! Putting one call through: whom to, the claim, and the act. Where Twilio has the call through us, Twilio is told what the
//! caller hears next; where the number is Vapi's, the running call is told to transfer itself.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Ends, Help, PutThrough, RunningCall, Switchboard, Why, caller_for_people};
use crate::business::profile::{Occasion, Profile};
use crate::clients::Error;
use crate::clock::Deadline;
use crate::names::{CallSid, Slug};
use crate::store;
use crate::store::calls::{CallRow, Leg};
use crate::store::transfers::{NewTransfer, Transfer};

/// Kept back from the time of an answer for writing down what came of it.
const KEEPING: Duration = Duration::from_millis(400);

/// A caller who still asks for a person so long after it was tried is evidently still with the assistant: it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Twilio takes no longer TwiML in the update of a call than 4,000 characters; this leaves room for everything around it.
const MAX_SENTENCE_CHARS: usize = 2_000;

impl Switchboard {
    /// The whole of it, for a call of this name.
    pub(super) async fn carry(
        &self,
        profile: &Profile,
        call: &RunningCall,
        id: &str,
        why: Why,
        deadline: Deadline,
    ) -> PutThrough {
        let outcome = match self.try_to_carry(profile, call, id, why, deadline).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(call.id = id, business = %profile.slug, %error, "a call cannot be put through");
                PutThrough::Failed
            }
        };
        tracing::info!(call.id = id, business = %profile.slug, cause = ?why, outcome = ?outcome, "a call was to be put through");
        if why == Why::Asked && matches!(outcome, PutThrough::Nobody | PutThrough::Failed) {
            let from = caller_for_people(&call.from);
            let text = format!("{}: a caller from {from} asked for a person and could not be put through.", profile.name);
            self.notify(profile, Occasion::TransferMissed, &format!("transfer_failed:{id}"), &text).await;
        }
        outcome
    }

    async fn try_to_carry(
        &self,
        profile: &Profile,
        call: &RunningCall,
        id: &str,
        why: Why,
        deadline: Deadline,
    ) -> Result<PutThrough, store::Error> {
        let Some(row) = self.store.call_by_id(id).await? else { return Ok(PutThrough::Failed) };
        let now = self.clock.now();
        if let Some(done) = already(&row, now) {
            return Ok(done);
        }
        let forwarded_from = if row.forwarded_from.is_empty() { &call.forwarded_from } else { &row.forwarded_from };
        let ends = Ends { from: &row.from, to: &row.to, forwarded_from };
        let control_url = row.control_url.as_deref().or(call.control_url.as_deref());
        let Some(help) = self.help(profile, &row, &ends, why, control_url.is_some(), now).await? else {
            return Ok(PutThrough::Nobody);
        };
        let sentence = sentence(profile, &help, why);
        let twiml = help.twiml(&sentence, profile, &ends, &self.settings.server_url);
        let transfer = NewTransfer { call: id, to: help.dialing(), twiml: &twiml };
        // Claimed before anything is asked for: a webhook that comes while Twilio is being told must know whose dial it is.
        let claimed = self.store.claim_transfer(&transfer, now - AGAIN_AFTER, now).await;
        if claimed.is_err() {
            // Perhaps it was written after all. Nobody acts on it, so whoever asks next must not find it done.
            let _perhaps = self.store.undo_transfer(id).await;
        }
        if !claimed? {
            let row = self.store.call_by_id(id).await?;
            return Ok(row.and_then(|row| already(&row, now)).unwrap_or(PutThrough::Failed));
        }
        let reached = if help == Help::Voicemail { PutThrough::Voicemail } else { PutThrough::Person };
        let limit = deadline.left().saturating_sub(KEEPING);
        let done = match (&row.sid, &help) {
            (Some(sid), _) => self.redirect(profile, sid, &twiml, limit).await,
            (None, Help::Person(number)) => match control_url.and_then(|text| self.control_url(&profile.slug, text)) {
                Some(url) => self.control.transfer(&url, number, &sentence, limit).await,
                None => Err(Error::Settings("the call has no control address")),
            },
            (None, Help::Voicemail) => Err(Error::Settings("only a call at our own number can leave a message")),
        };
        self.settle(&row, reached, done).await
    }

    /// Who is to be reached: nobody to whom a dial runs for this caller in another call, which would be this one's way back.
    /// `None`: nobody, and the assistant keeps the call.
    async fn help(
        &self,
        profile: &Profile,
        row: &CallRow,
        ends: &Ends<'_>,
        why: Why,
        can_be_spoken_to: bool,
        now: OffsetDateTime,
    ) -> Result<Option<Help>, store::Error> {
        let numbers = match why {
            Why::Asked => Help::choose(profile, ends, &self.directory, now).dialing().cloned().into_iter().collect(),
            Why::Danger => Help::in_danger(profile, ends, &self.directory, now),
        };
        for number in numbers {
            if !self.is_dialling_already(profile, ends.from, &number, &row.id, now).await? {
                return Ok(Some(Help::Person(number)));
            }
        }
        // Who is in danger and can be told so by the assistant is not left with a machine.
        let takes_message = row.sid.is_some() && (why == Why::Asked || !can_be_spoken_to);
        Ok(takes_message.then_some(Help::Voicemail))
    }

    /// Tells Twilio what the caller hears from now on. What surely did not arrive is sent once more.
    async fn redirect(&self, profile: &Profile, sid: &CallSid, twiml: &str, limit: Duration) -> Result<(), Error> {
        let (twilio, deadline) = (self.settings.twilio.of(&profile.slug), Deadline::after(limit));
        match self.twilio.redirect_call(twilio, sid, twiml, deadline.left()).await {
            Err(Error::NotSent(reason)) => {
                tracing::warn!(call.sid = %sid, %reason, "Twilio did not take the transfer of a call, trying once more");
                self.twilio.redirect_call(twilio, sid, twiml, deadline.left()).await
            }
            done => done,
        }
    }

    /// Writes down what came of it. Where a webhook of the call has already got the transfer, it is done, whatever was
    /// answered to us.
    async fn settle(&self, row: &CallRow, reached: PutThrough, done: Result<(), Error>) -> Result<PutThrough, store::Error> {
        let Err(error) = done else { return Ok(reached) };
        let business = row.business.as_ref().map(Slug::as_str);
        tracing::error!(call.id = row.id, business, %error, "the transfer of a call failed");
        let unknown = matches!(error, Error::Unknown(_) | Error::Unusable(_));
        let (noted, outcome) = if unknown {
            (self.store.leave_transfer_waiting(&row.id).await?, PutThrough::Unsure)
        } else {
            (self.store.undo_transfer(&row.id).await?, PutThrough::Failed)
        };
        Ok(if noted { outcome } else { reached })
    }
}

/// What is said before a person answers: to a caller in danger what to do.
fn sentence(profile: &Profile, help: &Help, why: Why) -> String {
    let say = profile.emergency.say.trim();
    let sentence = match (why, help) {
        (Why::Danger, Help::Person(_)) if !say.is_empty() => say,
        _ => &profile.phrases.fallback,
    };
    sentence.chars().take(MAX_SENTENCE_CHARS).collect()
}

/// What was done for this call before, or why nothing can be done; `None` when it can be put through.
fn already(row: &CallRow, now: OffsetDateTime) -> Option<PutThrough> {
    let is_over = row.ended_at.is_some() || (row.sid.is_none() && row.vapi_ended_reason.is_some());
    match (row.leg, row.transfer) {
        _ if is_over => Some(PutThrough::Failed),
        (Leg::Person, _) => Some(PutThrough::Person),
        (Leg::Voicemail, _) => Some(PutThrough::Voicemail),
        (Leg::Assistant, Some(Transfer::Waiting)) => {
            let is_fresh = row.dialled_at.is_some_and(|tried| now < tried + AGAIN_AFTER);
            is_fresh.then_some(PutThrough::Unsure)
        }
        (Leg::Assistant, Some(Transfer::Sent | Transfer::Taken) | None) => None,
    }
}
