//! Help without the assistant: a person, or a message to be called back, as the switchboard chooses. It asks nobody outside,
//! and works when the store does not.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use time::OffsetDateTime;

use super::form::Form;
use super::request::Verified;
use super::{Station, is_blocked, not_set_up, twiml, xml};
use crate::business::profile::Profile;
use crate::meters;
use crate::store::calls::{CallClaim, CallRow, Connected, Leg};
use crate::switchboard::Help;

/// How long the store may think about a caller who is waiting for a person.
pub(super) const STORE_LIMIT: Duration = Duration::from_millis(300);

/// `POST /twilio/fallback`: the number's Voice Fallback URL, asked by Twilio after another route failed.
pub(super) async fn fallback(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    let Some(profile) = station.business(&form) else { return not_set_up() };
    if is_blocked(&profile, &form) {
        return xml(twiml::reject());
    }
    let alone = station.fallback_alone(&profile, &form);
    let work = {
        let station = station.clone();
        let profile = profile.clone();
        async move {
            let row = station.claimed_or_known(&profile, &form).await;
            station.fallback(&profile, &form, row.as_ref(), "twilio").await
        }
    };
    xml(station.in_time(received, work).await.unwrap_or_else(|| {
        meters::fallback(&profile.slug, "late");
        alone
    }))
}

impl Station {
    /// The call as it is kept, which it is from now on: `inbound` may have failed, or was never reached. `None` for a new
    /// one, and when the store cannot say in time.
    async fn claimed_or_known(&self, profile: &Profile, form: &Form) -> Option<CallRow> {
        let sid = form.call_sid.as_ref()?;
        let call = form.new_call(sid, profile);
        let claimed = tokio::time::timeout(STORE_LIMIT, self.store.claim_call(&call, self.clock.now())).await;
        match claimed {
            Ok(Ok(CallClaim::Known(row))) => Some(*row).filter(|row| row.business.as_ref() == Some(&profile.slug)),
            Ok(Ok(CallClaim::Ours)) => {
                meters::call(Some(&profile.slug), "fallback");
                None
            }
            Ok(Err(error)) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, %error, "a call cannot be claimed");
                None
            }
            Err(_late) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, "a call is not claimed in time");
                None
            }
        }
    }

    /// The fallback, with what the store knows: no person is dialled who was dialled in this call already, or who is
    /// being dialled for this caller at this moment. It is remembered, so that what follows knows who was reached.
    pub(super) async fn fallback(&self, profile: &Profile, form: &Form, row: Option<&CallRow>, cause: &'static str) -> String {
        let now = self.clock.now();
        let mut help = Help::choose(profile, &form.ends(), &self.directory, now);
        if row.is_some_and(|row| row.leg == Leg::Person) || self.is_dialling_already(profile, form, &help, now).await {
            help = Help::Voicemail;
        }
        let sid = form.call_sid.as_ref().map_or("", |sid| sid.as_str());
        meters::fallback(&profile.slug, cause);
        tracing::warn!(call.sid = sid, business = %profile.slug, cause, help = ?help, "a caller gets the fallback");
        let twiml = self.twiml_of(&help, profile, form);
        self.keep_fallback(form, row, &help, &twiml).await;
        twiml
    }

    /// The fallback from values alone, for when the store is gone or there is no time left to ask it.
    pub(super) fn fallback_alone(&self, profile: &Profile, form: &Form) -> String {
        self.twiml_of(&Help::choose(profile, &form.ends(), &self.directory, self.clock.now()), profile, form)
    }

    fn twiml_of(&self, help: &Help, profile: &Profile, form: &Form) -> String {
        help.twiml(&profile.phrases.fallback, profile, &form.ends(), &self.settings.server_url)
    }

    /// When the store does not answer, a person is dialled: a loop is less likely than a caller in need.
    async fn is_dialling_already(&self, profile: &Profile, form: &Form, help: &Help, now: OffsetDateTime) -> bool {
        let (Some(number), Some(sid)) = (help.dialing(), &form.call_sid) else { return false };
        let asked = self.switchboard.is_dialling_already(profile, &form.from, number, sid.as_str(), now);
        matches!(tokio::time::timeout(STORE_LIMIT, asked).await, Ok(Ok(true)))
    }

    /// The first TwiML of a call is kept whole, so that a repeated delivery gets it again; later only who is reached.
    async fn keep_fallback(&self, form: &Form, row: Option<&CallRow>, help: &Help, twiml: &str) {
        let Some(sid) = &form.call_sid else { return };
        let leg = if *help == Help::Voicemail { Leg::Voicemail } else { Leg::Person };
        let kept = async {
            if row.is_some_and(|row| row.twiml.is_some()) {
                return self.store.keep_leg(sid, leg, help.dialing(), self.clock.now()).await;
            }
            let connected = Connected { twiml, leg, dialing: help.dialing(), vapi_call_id: None, control_url: None };
            self.store.keep_connection(sid, &connected).await
        };
        match tokio::time::timeout(STORE_LIMIT, kept).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(call.sid = %sid, %error, "a fallback cannot be kept"),
            Err(_late) => tracing::error!(call.sid = %sid, "a fallback is not kept in time"),
        }
    }
}
