//! Help without the assistant: a person, or a message to be called back. It asks nobody outside, and works when the
//! store does not.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use time::OffsetDateTime;

use super::form::Form;
use super::request::Verified;
use super::{Station, not_set_up, twiml, xml};
use crate::business::profile::Profile;
use crate::business::routing::Directory;
use crate::config::ServerUrl;
use crate::names::Phone;
use crate::store::calls::{CallClaim, CallRow, Connected, Leg, NewCall};

/// A dial that began longer ago than it rings plus this is a conversation, not a loop.
const LOOP_MARGIN: Duration = Duration::from_mins(1);

/// How long the store may think about a caller who is waiting for a person.
pub(super) const STORE_LIMIT: Duration = Duration::from_millis(300);

/// What can be done for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// Put through to this number.
    Person(Phone),
    /// A message is taken.
    Voicemail,
}

impl Help {
    /// The person who is to be reached at this hour, unless the call would come back to us: the number is ours, the
    /// call was forwarded from it or comes from it, or from one of our own numbers (a withheld caller whom we dialled
    /// onward shows as the number that he called).
    #[must_use]
    pub fn choose(profile: &Profile, form: &Form, directory: &Directory, now: OffsetDateTime) -> Self {
        let caller = form.caller();
        let loops = |number: &Phone| {
            directory.owns(number)
                || was_forwarded_from(form, number)
                || caller.as_ref().is_some_and(|caller| caller == number || directory.owns(caller))
        };
        let person = profile.transfer_number(now).filter(|number| !loops(number));
        person.cloned().map_or(Self::Voicemail, Self::Person)
    }

    /// Says it in TwiML.
    #[must_use]
    pub fn twiml(&self, profile: &Profile, form: &Form, server_url: &ServerUrl) -> String {
        match self {
            Self::Voicemail => twiml::voicemail(&profile.phrases.voicemail, &server_url.route("/twilio/voicemail")),
            Self::Person(number) => {
                let called = Phone::e164(&form.to).or_else(|| profile.phone_numbers.first().cloned());
                // Twilio dials for the caller or one of our numbers only (13214); a number always has one of the two.
                let caller_id = form.caller().or(called).unwrap_or_else(|| number.clone());
                let ring_seconds = profile.transfer.ring.as_secs().max(1);
                twiml::person(
                    &profile.phrases.fallback,
                    number,
                    &caller_id,
                    ring_seconds,
                    &server_url.route("/twilio/dial-ended"),
                )
            }
        }
    }

    fn leg(&self) -> Leg {
        match self {
            Self::Person(_) => Leg::Person,
            Self::Voicemail => Leg::Voicemail,
        }
    }

    fn dialing(&self) -> Option<&Phone> {
        match self {
            Self::Person(number) => Some(number),
            Self::Voicemail => None,
        }
    }
}

/// `POST /twilio/fallback`: the number's Voice Fallback URL, asked by Twilio after another route failed.
pub(super) async fn fallback(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    let Some(profile) = station.business(&form) else { return not_set_up() };
    let alone = station.fallback_alone(&profile, &form);
    let work = {
        let station = station.clone();
        async move {
            let row = station.claimed_or_known(&profile, &form).await;
            station.fallback(&profile, &form, row.as_ref(), "twilio").await
        }
    };
    xml(station.in_time(received, work).await.unwrap_or(alone))
}

impl Station {
    /// The call as it is kept, which it is from now on: `inbound` may have failed, or was never reached. `None` for a new
    /// one, and when the store cannot say in time.
    async fn claimed_or_known(&self, profile: &Profile, form: &Form) -> Option<CallRow> {
        let sid = form.call_sid.as_ref()?;
        let call = NewCall { sid, business: Some(&profile.slug), from: &form.from, to: &form.to };
        let claimed = tokio::time::timeout(STORE_LIMIT, self.store.claim_call(&call, self.clock.now())).await;
        match claimed {
            Ok(Ok(CallClaim::Known(row))) => Some(*row).filter(|row| row.business.as_ref() == Some(&profile.slug)),
            Ok(Ok(CallClaim::Ours)) => None,
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
        let mut help = Help::choose(profile, form, &self.directory, now);
        if row.is_some_and(|row| row.leg == Leg::Person) || self.is_dialling_already(profile, form, &help, now).await {
            help = Help::Voicemail;
        }
        let sid = form.call_sid.as_ref().map_or("", |sid| sid.as_str());
        tracing::warn!(call.sid = sid, business = %profile.slug, cause, help = ?help, "a caller gets the fallback");
        let twiml = help.twiml(profile, form, &self.settings.server_url);
        self.keep_fallback(form, row, &help, &twiml).await;
        twiml
    }

    /// The fallback from values alone, for when the store is gone or there is no time left to ask it.
    pub(super) fn fallback_alone(&self, profile: &Profile, form: &Form) -> String {
        Help::choose(profile, form, &self.directory, self.clock.now()).twiml(profile, form, &self.settings.server_url)
    }

    /// When the store does not answer, a person is dialled: a loop is less likely than a caller in need.
    async fn is_dialling_already(&self, profile: &Profile, form: &Form, help: &Help, now: OffsetDateTime) -> bool {
        let (Some(number), Some(sid)) = (help.dialing(), &form.call_sid) else { return false };
        let since = now - profile.transfer.ring - LOOP_MARGIN;
        let asked = tokio::time::timeout(STORE_LIMIT, self.store.is_dialling(&form.from, number, sid, since)).await;
        matches!(asked, Ok(Ok(true)))
    }

    /// The first TwiML of a call is kept whole, so that a repeated delivery gets it again; later only who is reached.
    async fn keep_fallback(&self, form: &Form, row: Option<&CallRow>, help: &Help, twiml: &str) {
        let Some(sid) = &form.call_sid else { return };
        let kept = async {
            if row.is_some_and(|row| row.twiml.is_some()) {
                return self.store.keep_leg(sid, help.leg(), help.dialing(), self.clock.now()).await;
            }
            let connected = Connected { twiml, leg: help.leg(), dialing: help.dialing(), vapi_call_id: None, control_url: None };
            self.store.keep_connection(sid, &connected).await
        };
        match tokio::time::timeout(STORE_LIMIT, kept).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(call.sid = %sid, %error, "a fallback cannot be kept"),
            Err(_late) => tracing::error!(call.sid = %sid, "a fallback is not kept in time"),
        }
    }
}

/// Whether the carrier says that `number` sent the call on to us. Carriers leave out the plus, or the country.
fn was_forwarded_from(form: &Form, number: &Phone) -> bool {
    let said: String = form.forwarded_from.chars().filter(char::is_ascii_digit).collect();
    said.len() >= 7 && number.as_str().ends_with(said.trim_start_matches('0'))
}
