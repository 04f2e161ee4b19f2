//! The call's status, as Twilio reports it. Nothing is decided here about a running call.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Station;
use super::form::Form;
use super::request::Verified;
use crate::store::calls::Leg;
use crate::store::jobs::Job;

/// Vapi's own report may come after Twilio's; only then is its silence a finding.
const GRACE: Duration = Duration::from_secs(5);

/// `POST /twilio/status`
pub(super) async fn status(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    let work = {
        let station = station.clone();
        async move { station.status_reported(&form).await }
    };
    if station.in_time(received, work).await.is_none() {
        tracing::error!("a call's status is not kept in time");
    }
    HttpResponse::NoContent().finish()
}

impl Station {
    async fn status_reported(&self, form: &Form) {
        let (Some(sid), Some(profile)) = (&form.call_sid, self.business(form)) else { return };
        let Some(row) = self.row(&profile, Some(sid)).await else { return };
        let now = self.clock.now();
        if let Err(error) = self.store.keep_call_status(sid, &form.call_status, form.is_over(), now).await {
            tracing::error!(call.sid = %sid, %error, "a call's status cannot be kept");
        }
        if form.is_over()
            && let Some(call) = &row.vapi_call_id
            && let Err(error) = self.store.await_report(&profile.slug, call, now).await
        {
            tracing::error!(call.sid = %sid, %error, "the report of a call cannot be waited for");
        }
        let was_with_assistant = row.leg == Leg::Assistant && row.twiml.is_some() && !row.heard_from_vapi;
        if !(form.is_over() && was_with_assistant) {
            return;
        }
        let job = Job::SilentCall { sid: sid.clone() };
        if let Err(error) = self.store.enqueue(&format!("silent:{sid}"), &job, now + GRACE).await {
            tracing::error!(call.sid = %sid, %error, "a silent call cannot be looked into");
        }
    }
}
