//! A leg of the call has ended: was that the end of the conversation, or does the caller still need help?

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::form::Form;
use super::request::Verified;
use super::{Station, not_set_up, twiml, xml};
use crate::business::profile::{Occasion, Profile};
use crate::clock::Stopwatch;
use crate::names::CallSid;
use crate::store::calls::{CallRow, Leg};

/// Vapi closes the stream first and reports afterwards; a caller can bear so much silence.
const WAIT_FOR_VAPI: Duration = Duration::from_millis(1_500);

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
        let station = station.clone();
        async move {
            let row = station.row_with_end(&profile, form.call_sid.as_ref(), station.time_left(received)).await;
            let reason = row.as_ref().and_then(|row| row.vapi_ended_reason.as_deref());
            if reason.is_some_and(ended_normally) {
                return twiml::hang_up();
            }
            tracing::error!(business = %profile.slug, vapi.ended_reason = reason.unwrap_or("none"), "the assistant's stream failed");
            station.fallback(&profile, &form, row.as_ref(), "stream").await
        }
    };
    xml(station.once(received, key, work).await.unwrap_or(alone))
}

/// `POST /twilio/dial-ended`: a `<Dial>` is over.
pub(super) async fn dial_ended(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    if form.was_answered() {
        if let Some(profile) = station.business(&form) {
            let work = {
                let station = station.clone();
                async move { station.dial_over(&profile, &form).await }
            };
            let _late = station.in_time(received, work).await;
        }
        return xml(twiml::hang_up());
    }
    let Some(profile) = station.business(&form) else { return not_set_up() };
    let voicemail = twiml::voicemail(&profile.phrases.voicemail, &station.settings.server_url.route("/twilio/voicemail"));
    // A call may have several legs: which one ended, and how, tells a repetition from the next one.
    let leg = (!form.dial_call_sid.is_empty()).then(|| format!("{}/{}", form.dial_call_sid, form.dial_call_status));
    let key = leg.map(|leg| format!("twilio/dial-ended/{}/{}/{leg}", profile.slug, sid_of(&form)));
    let work = {
        let (station, voicemail) = (station.clone(), voicemail.clone());
        async move {
            let row = station.row(&profile, form.call_sid.as_ref()).await;
            match row.as_ref().map(|row| row.leg) {
                Some(Leg::Assistant) if form.is_over() => twiml::hang_up(),
                Some(Leg::Assistant) => station.fallback(&profile, &form, row.as_ref(), "sip").await,
                // An unknown leg was dialled by a fallback that could not be written down.
                Some(Leg::Person | Leg::Voicemail) | None => {
                    station.person_missed(&profile, &form, row.as_ref()).await;
                    voicemail
                }
            }
        }
    };
    let twiml = match key {
        Some(key) => station.once(received, key, work).await,
        None => station.in_time(received, work).await,
    };
    xml(twiml.unwrap_or(voicemail))
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

    /// The call, looked at again and again until Vapi has said why it ended, or has had its time: half of what is left,
    /// where that is short, so that the rest suffices for what follows.
    async fn row_with_end(&self, profile: &Profile, sid: Option<&CallSid>, left: Duration) -> Option<CallRow> {
        let (waiting, patience) = (Stopwatch::start(), WAIT_FOR_VAPI.min(left / 2));
        loop {
            let row = self.row(profile, sid).await?;
            if row.vapi_ended_reason.is_some() || waiting.elapsed() >= patience {
                return Some(row);
            }
            tokio::time::sleep(LOOK_EVERY.min(waiting.left_of(patience))).await;
        }
    }

    /// Nobody is being dialled any more: the next call of this caller may reach the same person.
    async fn dial_over(&self, profile: &Profile, form: &Form) {
        let Some(row) = self.row(profile, form.call_sid.as_ref()).await.filter(|row| row.dialing.is_some()) else { return };
        if let Some(sid) = &form.call_sid
            && let Err(error) = self.store.keep_leg(sid, row.leg, None, self.clock.now()).await
        {
            tracing::error!(call.sid = %sid, %error, "the end of a dial cannot be kept");
        }
    }

    async fn person_missed(&self, profile: &Profile, form: &Form, row: Option<&CallRow>) {
        let dialled = row.and_then(|row| row.dialing.as_ref()).or(profile.transfer.to.as_ref());
        let whom = dialled.map_or("you", |number| number.as_str());
        let text = format!("{}: nobody answered at {whom} for a caller from {}.", profile.name, form.caller_for_people());
        if let Some(sid) = &form.call_sid {
            self.notify(profile, Occasion::TransferMissed, &format!("transfer_missed:{sid}"), &text).await;
            if let Err(error) = self.store.keep_leg(sid, Leg::Voicemail, None, self.clock.now()).await {
                tracing::error!(call.sid = %sid, %error, "a leg cannot be kept");
            }
        }
    }
}
