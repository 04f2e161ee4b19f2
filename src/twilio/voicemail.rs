//! A message was left: it is kept with its call, and the business hears of it, once.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::form::Form;
use super::request::Verified;
use super::{Station, twiml, xml};
use crate::business::profile::Occasion;
use crate::store::voicemails::Voicemail;

/// Said after a message.
const THANKS: &str = "Thank you. We will call you back. Goodbye.";

/// `POST /twilio/voicemail`: a `<Record>` is over.
pub(super) async fn voicemail(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    let work = {
        let station = station.clone();
        async move { station.voicemail_left(&form).await }
    };
    if station.in_time(received, work).await.is_none() {
        tracing::error!("a voicemail is not kept in time");
    }
    xml(twiml::goodbye(THANKS))
}

impl Station {
    async fn voicemail_left(&self, form: &Form) {
        if form.recording_sid.is_empty() {
            return;
        }
        let kept = Voicemail { recording_sid: &form.recording_sid, url: &form.recording_url, seconds: form.recording_seconds };
        if let Some(sid) = &form.call_sid
            && let Err(error) = self.store.keep_voicemail(sid, &kept, self.clock.now()).await
        {
            // The recording itself stays at Twilio, under this name.
            tracing::error!(call.sid = %sid, recording.sid = form.recording_sid, %error, "a voicemail cannot be kept");
        }
        let Some(profile) = self.business(form) else { return };
        let (caller, seconds, url) = (form.caller_for_people(), form.recording_seconds, &form.recording_url);
        let text = format!("{}: voicemail from {caller}, {seconds} seconds: {url}", profile.name);
        // Not only when it was new: a delivery that died between keeping and telling is made good by the next one. The
        // key holds the second SMS back.
        self.switchboard.notify(&profile, Occasion::Voicemail, &format!("voicemail:{}", form.recording_sid), &text).await;
    }
}
