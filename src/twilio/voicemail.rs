//! A message was left: it is kept with its call, and the business hears of it, once.

use std::path::Path;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::form::Form;
use super::request::Verified;
use super::{Station, twiml, xml};
use crate::business::profile::{Occasion, Profile};
use crate::store::jobs::{ERASE, Job};
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
        let profile = self.business(form);
        if form.recording_seconds == Some(0) {
            // The caller hung up at the beep: nobody is to listen to that, and nobody is to keep it.
            return self.erase(form, profile.as_deref()).await;
        }
        let url = playable(&form.recording_url);
        let business = profile.as_ref().map(|profile| &profile.slug);
        let seconds = form.recording_seconds.unwrap_or(0);
        let kept = Voicemail { recording_sid: &form.recording_sid, business, url: &url, seconds };
        if let Some(sid) = &form.call_sid
            && let Err(error) = self.store.keep_voicemail(sid, &kept, self.clock.now()).await
        {
            // The recording itself stays at Twilio, under this name.
            tracing::error!(call.sid = %sid, recording.sid = form.recording_sid, %error, "a voicemail cannot be kept");
        }
        let Some(profile) = profile else { return };
        let (caller, when) = (form.caller_for_people(), profile.spoken(self.clock.now()));
        let length = form.recording_seconds.map(|seconds| format!(", {seconds} seconds")).unwrap_or_default();
        let text = format!("{}: voicemail from {caller}, {when}{length}: {url}", profile.name);
        // Not only when it was new: a delivery that died between keeping and telling is made good by the next one. The
        // key holds the second SMS back.
        self.notify(&profile, Occasion::Voicemail, &format!("voicemail:{}", form.recording_sid), &text).await;
    }

    async fn erase(&self, form: &Form, profile: Option<&Profile>) {
        let Some(business) = profile.map(|profile| profile.slug.clone()) else { return };
        let recording_sid = form.recording_sid.clone();
        let key = format!("{ERASE}{recording_sid}");
        let job = Job::EraseRecording { business: Some(business), recording_sid };
        if let Err(error) = self.store.enqueue(&key, &job, self.clock.now()).await {
            tracing::error!(recording.sid = form.recording_sid, %error, "an empty recording cannot be deleted");
        }
    }

    /// Tells the business of such an occasion, if its file asks for it; a `key` is told once.
    pub(super) async fn notify(&self, profile: &Profile, occasion: Occasion, key: &str, text: &str) {
        if !profile.notify.on.contains(&occasion) {
            return;
        }
        let (business, occasion) = (profile.slug.clone(), occasion.as_str().to_owned());
        let job = Job::Notify { business, occasion, text: text.to_owned() };
        if let Err(error) = self.store.enqueue(key, &job, self.clock.now()).await {
            tracing::error!(business = %profile.slug, %error, "the business cannot be told");
        }
    }
}

/// Twilio's address of a recording names its description; with this ending a telephone plays it.
fn playable(url: &str) -> String {
    let has_ending = Path::new(url).extension().is_some();
    if url.is_empty() || has_ending { url.to_owned() } else { format!("{url}.mp3") }
}
