//! A leg of the call has ended: was that the end of the conversation, is the caller put through, or do they still need help?

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::form::Form;
use super::request::Verified;
use super::{Station, not_set_up, twiml, xml};
use crate::business::profile::{Occasion, Profile};
use crate::clock::Stopwatch;
use crate::config::Connect;
use crate::meters;
use crate::names::CallSid;
use crate::store::calls::{CallRow, Leg};
use crate::store::transfers::Transfer;

/// Vapi closes the stream first and reports afterwards; a caller can bear so much silence.
const WAIT_FOR_VAPI: Duration = Duration::from_millis(1_500);

/// How much longer a dial may seem to have lasted than it did: Twilio counts whole seconds.
const ROUNDED: Duration = Duration::from_secs(2);

/// How often the call is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// `POST /twilio/connect-ended`: a `<Connect>` is over.
pub(super) async fn connect_ended(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    if form.is_over() {
        return xml(twiml::hang_up());
    }
    let Some(profile) = station.business(&form) else { return not_set_up() };
    let alone = station.fallback_alone(&profile, &form);
    let key = format!("twilio/connect-ended/{}/{}", profile.slug, sid_of(&form));
    let work = {
        let (station, profile) = (station.clone(), profile.clone());
        async move {
            let row = station.row_with_end(&profile, form.call_sid.as_ref(), station.time_left(received)).await;
            if let Some(transfer) = station.transfer_of(&profile, row.as_ref()).await {
                return transfer;
            }
            let reason = row.as_ref().and_then(|row| row.vapi_ended_reason.as_deref());
            if reason.is_some_and(ended_normally) {
                return twiml::hang_up();
            }
            tracing::error!(business = %profile.slug, vapi.ended_reason = reason.unwrap_or("none"), "the assistant's stream failed");
            station.fallback(&profile, &form, row.as_ref(), "stream").await
        }
    };
    xml(station.once(received, key, work).await.unwrap_or_else(|| {
        meters::fallback(&profile.slug, "late");
        alone
    }))
}

/// `POST /twilio/dial-ended`: a `<Dial>` is over.
pub(super) async fn dial_ended(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    let Some(profile) = station.business(&form) else {
        return if form.was_answered() { xml(twiml::hang_up()) } else { not_set_up() };
    };
    let alone = if form.was_answered() { twiml::hang_up() } else { station.voicemail(&profile) };
    // A call may have several legs: which one ended, and how, tells a repetition from the next one.
    let leg = (!form.dial_call_sid.is_empty()).then(|| format!("{}/{}", form.dial_call_sid, form.dial_call_status));
    let key = leg.map(|leg| format!("twilio/dial-ended/{}/{}/{leg}", profile.slug, sid_of(&form)));
    let work = {
        let station = station.clone();
        async move { station.after_dial(&profile, &form).await }
    };
    let twiml = match key {
        Some(key) => station.once(received, key, work).await,
        None => station.in_time(received, work).await,
    };
    xml(twiml.unwrap_or(alone))
}

/// Whether Vapi's `endedReason` says that the conversation came to its end. Everything that is not known to be an end
/// is a failure: a person too many is better than a caller left in silence.
#[must_use]
pub fn ended_normally(reason: &str) -> bool {
    const ENDS: [&str; 14] = [
        "customer-ended-call",
        "customer-busy",
        "customer-did-not-answer",
        "assistant-ended-call",
        "assistant-said-end-call-phrase",
        "assistant-said-message-with-end-call-enabled",
        "assistant-forwarded-call",
        "silence-timed-out",
        "exceeded-max-duration",
        "voicemail",
        "manually-canceled",
        "call.ending.hook-executed",
        "call.in-progress.twilio-completed-call",
        "call.in-progress.sip-completed-call",
    ];
    let failed = ["error", "fail", "fault"].iter().any(|word| reason.contains(word));
    !failed && ENDS.iter().any(|end| reason.strip_prefix(end).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

fn sid_of(form: &Form) -> &str {
    form.call_sid.as_ref().map_or("", CallSid::as_str)
}

impl Station {
    /// What follows a dial: the assistant's leg or a person's.
    async fn after_dial(&self, profile: &Profile, form: &Form) -> String {
        let row = self.row(profile, form.call_sid.as_ref()).await;
        if self.was_assistants(profile, form, row.as_ref())
            && let Some(transfer) = self.transfer_of(profile, row.as_ref()).await
        {
            return transfer;
        }
        if form.was_answered() {
            self.dial_over(row.as_ref()).await;
            return twiml::hang_up();
        }
        match row.as_ref().map(|row| row.leg) {
            Some(Leg::Assistant) if form.is_over() => twiml::hang_up(),
            Some(Leg::Assistant) if row.as_ref().is_some_and(|row| row.transfer.is_none()) => {
                self.fallback(profile, form, row.as_ref(), "sip").await
            }
            // Nobody knew whether a call was put through that waits: that its dial has ended tells so. And an unknown leg was
            // dialled by a fallback that could not be written down.
            Some(_) | None => {
                self.person_missed(profile, form, row.as_ref()).await;
                self.voicemail(profile)
            }
        }
    }

    /// Whether the dial that has ended is the assistant's, not a person's: of a caller who is put through, the one that lasted
    /// longer than that.
    fn was_assistants(&self, profile: &Profile, form: &Form, row: Option<&CallRow>) -> bool {
        let is_dialled = self.settings.vapi.of(&profile.slug).connect == Connect::Sip;
        let Some(row) = row.filter(|_| is_dialled) else { return false };
        let lasted = Duration::from_secs(form.dial_call_seconds.into());
        match (row.transfer, row.dialled_at) {
            (Some(_), Some(since)) => self.clock.now() + ROUNDED < since + lasted,
            _ => row.leg == Leg::Assistant,
        }
    }

    /// What the caller is to hear who is being put through. Our own update of the call ends the assistant's leg, and whatever
    /// is asked because of that gets the same document: whichever of the two Twilio follows, it dials once. `None` where the
    /// call is not put through.
    async fn transfer_of(&self, profile: &Profile, row: Option<&CallRow>) -> Option<String> {
        let (row, sid) = row.and_then(|row| Some((row, row.sid.as_ref()?)))?;
        match row.transfer? {
            // The call has gone on since then.
            Transfer::Taken if row.leg == Leg::Voicemail => Some(self.voicemail(profile)),
            Transfer::Taken if row.dialing.is_none() => Some(twiml::hang_up()),
            Transfer::Sent | Transfer::Waiting | Transfer::Taken => self.switchboard.take(sid).await.unwrap_or_else(|error| {
                tracing::error!(call.sid = %sid, %error, "a transfer that waits cannot be looked up");
                None
            }),
        }
    }

    fn voicemail(&self, profile: &Profile) -> String {
        twiml::voicemail(&profile.phrases.voicemail, &self.settings.server_url.route("/twilio/voicemail"))
    }

    /// The call of this business as it is kept; `None` also when the store cannot say.
    pub(super) async fn row(&self, profile: &Profile, sid: Option<&CallSid>) -> Option<CallRow> {
        let sid = sid?;
        let row = self.store.call_by_sid(sid).await.unwrap_or_else(|error| {
            tracing::error!(call.sid = %sid, %error, "a call cannot be looked up");
            None
        });
        // Whoever proves with one business's secret learns and changes nothing of another's calls.
        row.filter(|row| row.business.as_ref() == Some(&profile.slug))
    }

    /// The call, looked at again and again until Vapi has said why it ended, or it is being put through, or Vapi has had its
    /// time: half of what is left, where that is short, so that the rest suffices for what follows.
    async fn row_with_end(&self, profile: &Profile, sid: Option<&CallSid>, left: Duration) -> Option<CallRow> {
        let (waiting, patience) = (Stopwatch::start(), WAIT_FOR_VAPI.min(left / 2));
        loop {
            let row = self.row(profile, sid).await?;
            if row.vapi_ended_reason.is_some() || row.transfer.is_some() || waiting.elapsed() >= patience {
                return Some(row);
            }
            tokio::time::sleep(LOOK_EVERY.min(waiting.left_of(patience))).await;
        }
    }

    /// Nobody is being dialled any more: the next call of this caller may reach the same person.
    async fn dial_over(&self, row: Option<&CallRow>) {
        let Some((row, sid)) = row.and_then(|row| Some((row, row.sid.as_ref()?))).filter(|(row, _)| row.dialing.is_some()) else {
            return;
        };
        if let Err(error) = self.store.keep_leg(sid, row.leg, None, self.clock.now()).await {
            tracing::error!(call.sid = %sid, %error, "the end of a dial cannot be kept");
        }
    }

    async fn person_missed(&self, profile: &Profile, form: &Form, row: Option<&CallRow>) {
        let dialled = row.and_then(|row| row.dialing.as_ref().or(row.transfer_to.as_ref())).or(profile.transfer.to.as_ref());
        let whom = dialled.map_or("you", |number| number.as_str());
        let (name, caller, when) = (&profile.name, form.caller_for_people(), profile.spoken(self.clock.now()));
        let (occasion, text) = if row.is_some_and(|row| row.is_emergency) {
            let text = format!(
                "{name}: EMERGENCY: nobody answered at {whom} for a caller from {caller}, {when}. Please call back at once."
            );
            (Occasion::Emergency, text)
        } else {
            (Occasion::TransferMissed, format!("{name}: nobody answered at {whom} for a caller from {caller}, {when}."))
        };
        if let Some(sid) = &form.call_sid {
            self.switchboard.notify(profile, occasion, &format!("transfer_missed:{sid}"), &text).await;
            if let Err(error) = self.store.keep_leg(sid, Leg::Voicemail, None, self.clock.now()).await {
                tracing::error!(call.sid = %sid, %error, "a leg cannot be kept");
            }
        }
    }
}
