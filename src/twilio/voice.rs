//! The first webhook of a call: connect the caller to the assistant, once, however often Twilio asks.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::fallback::STORE_LIMIT;
use super::form::Form;
use super::request::Verified;
use super::{Station, bypass, is_blocked, not_set_up, twiml, xml};
use crate::business::profile::Profile;
use crate::clients::vapi::{BypassCall, Variables};
use crate::clock::Stopwatch;
use crate::config::{Connect, Vapi};
use crate::meters;
use crate::names::{CallSid, VapiCallId};
use crate::store::callers::CallName;
use crate::store::calls::{CallClaim, CallRow, Connected, Leg};

/// Kept back from Vapi's time for writing down what it answered.
const KEEPING: Duration = Duration::from_millis(400);

/// Kept back for the fallback, while another copy of the server is waited for.
const FALLING_BACK: Duration = Duration::from_millis(600);
/// How often it is looked what that copy has come to.
const LOOK: Duration = Duration::from_millis(100);

/// TwiML that reaches the assistant.
struct Connection {
    twiml: String,
    vapi_call_id: Option<VapiCallId>,
    control_url: Option<String>,
}

/// `POST /twilio/inbound`
pub(super) async fn inbound(station: Data<Station>, request: Verified) -> HttpResponse {
    let (station, received, form) = (station.into_inner(), request.received(), request.into_form());
    station.keep_up(received).await;
    let Some(profile) = station.business(&form) else {
        meters::call(None, "unknown_number");
        return not_set_up();
    };
    if is_blocked(&profile, &form) {
        meters::call(Some(&profile.slug), "blocked");
        return xml(twiml::reject());
    }
    let alone = station.fallback_alone(&profile, &form);
    let Some(sid) = form.call_sid.clone() else {
        tracing::warn!(business = %profile.slug, "a call without a CallSid gets the fallback");
        count_alone(&profile, "no_call_sid");
        return xml(alone);
    };
    let running = station.answering.join(format!("twilio/inbound/{}/{sid}", profile.slug), {
        let (station, profile) = (station.clone(), profile.clone());
        || async move { station.connected_once(&sid, &profile, &form, received).await }
    });
    let outcome = match running {
        Ok(running) => tokio::time::timeout(station.time_left(received), running.outcome()).await,
        Err(_full) => {
            count_alone(&profile, "overloaded");
            return xml(alone);
        }
    };
    xml(if let Ok(Ok(twiml)) = outcome {
        twiml
    } else {
        // What the call itself came to is counted when that is known.
        meters::fallback(&profile.slug, "late");
        alone
    })
}

/// A call that nothing else will count.
fn count_alone(profile: &Profile, cause: &'static str) {
    meters::call(Some(&profile.slug), "fallback");
    meters::fallback(&profile.slug, cause);
}

impl Station {
    /// The TwiML of this call: the one that it got already, or a new one.
    async fn connected_once(&self, sid: &CallSid, profile: &Arc<Profile>, form: &Form, received: Stopwatch) -> String {
        let call = form.new_call(sid, profile);
        let known = match self.store.claim_call(&call, self.clock.now()).await {
            Ok(CallClaim::Ours) => None,
            Ok(CallClaim::Known(row)) => Some(row),
            Err(error) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, %error, "a call cannot be claimed");
                count_alone(profile, "store");
                return self.fallback_alone(profile, form);
            }
        };
        match known {
            None => self.connect(sid, profile, form, received).await,
            // Somebody proved this with the secret of another business: what was said to that one's caller is not theirs.
            Some(row) if row.business.as_ref() != Some(&profile.slug) => self.fallback_alone(profile, form),
            Some(row) => match self.connected_by_another(row, sid, received).await {
                Ok(twiml) => twiml,
                // Somebody was about to ask Vapi when he died: asking again might make a second call there.
                Err(row) => self.fallback(profile, form, Some(&row), "claimed").await,
            },
        }
    }

    /// What a call was connected to that is not being connected here: another copy of the server may be at it, and is waited
    /// for as long as it can be and the caller can wait. Without an answer, the call as it is known.
    async fn connected_by_another(
        &self,
        mut row: Box<CallRow>,
        sid: &CallSid,
        received: Stopwatch,
    ) -> Result<String, Box<CallRow>> {
        loop {
            if let Some(twiml) = row.twiml {
                return Ok(twiml);
            }
            let is_over = self.clock.now() - row.created_at > self.settings.connect_budget;
            if is_over || self.time_left(received) <= FALLING_BACK {
                return Err(row);
            }
            tokio::time::sleep(LOOK).await;
            match self.store.call_by_sid(sid).await {
                Ok(Some(now)) => row = Box::new(now),
                Ok(None) | Err(_) => return Err(row),
            }
        }
    }

    async fn connect(&self, sid: &CallSid, profile: &Arc<Profile>, form: &Form, received: Stopwatch) -> String {
        let connected = self.with_assistant(sid, profile, form, received).await;
        meters::call(Some(&profile.slug), if connected.is_ok() { "assistant" } else { "fallback" });
        match connected {
            Ok(twiml) => twiml,
            Err(cause) => self.fallback(profile, form, None, cause).await,
        }
    }

    /// The TwiML that reaches the assistant, or why the caller gets the fallback.
    async fn with_assistant(
        &self,
        sid: &CallSid,
        profile: &Arc<Profile>,
        form: &Form,
        received: Stopwatch,
    ) -> Result<String, &'static str> {
        if form.caller().is_some_and(|caller| profile.callers.straight_to_person.contains(&caller)) {
            return Err("straight_to_person");
        }
        if profile.is_paused(self.clock.now()) {
            return Err("paused");
        }
        if self.calls_too_often(sid, profile, form).await {
            return Err("calls_per_hour");
        }
        // While the caller is greeted, what they will ask for is looked up.
        self.desk.warm(profile);
        match self.reach_assistant(sid, profile, form, received).await {
            Ok(connection) => {
                self.keep(sid, &connection).await;
                tracing::info!(call.sid = %sid, business = %profile.slug, duration_ms = received.elapsed_ms(), "a call is connected");
                Ok(connection.twiml)
            }
            Err(reason) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, duration_ms = received.elapsed_ms(), %reason, "the assistant cannot be reached");
                Err("assistant")
            }
        }
    }

    /// Whether this number has called too often in the hour before this call. Those who withhold theirs are not one caller, and
    /// nobody is turned away because the store does not answer.
    async fn calls_too_often(&self, sid: &CallSid, profile: &Profile, form: &Form) -> bool {
        let Some(limit) = form.caller().and_then(|caller| profile.calls_per_hour(&caller)) else { return false };
        match tokio::time::timeout(STORE_LIMIT, self.store.calls_before(CallName::Twilio(sid))).await {
            Ok(Ok(before)) => before >= i64::from(limit.get()),
            Ok(Err(error)) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, %error, "it cannot be counted how often somebody calls");
                false
            }
            Err(_late) => {
                tracing::error!(call.sid = %sid, business = %profile.slug, "it is not counted in time how often somebody calls");
                false
            }
        }
    }

    async fn reach_assistant(
        &self,
        sid: &CallSid,
        profile: &Profile,
        form: &Form,
        received: Stopwatch,
    ) -> Result<Connection, String> {
        let vapi = self.vapi_of(profile).await?;
        let route = |path| self.settings.server_url.route(path);
        let twiml = match vapi.connect {
            Connect::Bypass => return self.bypass(&vapi, sid, profile, form, received).await,
            Connect::Stream => {
                let assistant = vapi.assistant_id.as_ref().ok_or("no assistant was pushed, and VAPI_ASSISTANT_ID is not set")?;
                let url = format!("{}/{assistant}", vapi.stream_url.trim_end_matches('/'));
                twiml::stream(&url, sid, &form.from, &route("/twilio/connect-ended"))
            }
            Connect::Sip => {
                let base = vapi.sip_uri.as_ref().ok_or("VAPI_SIP_URI is not set")?;
                let uri = twiml::sip_uri(base, &[("x-call-sid", sid.as_str()), ("x-customer-phone", &form.from)]);
                twiml::sip(&uri, &route("/twilio/dial-ended"))
            }
        };
        Ok(Connection { twiml, vapi_call_id: None, control_url: None })
    }

    /// How Vapi is reached for this business, with the assistant that was pushed where none is set.
    async fn vapi_of(&self, profile: &Profile) -> Result<Cow<'_, Vapi>, String> {
        let vapi = self.settings.vapi.of(&profile.slug);
        if vapi.assistant_id.is_some() || vapi.connect == Connect::Sip {
            return Ok(Cow::Borrowed(vapi));
        }
        let pushed = tokio::time::timeout(STORE_LIMIT, self.store.assistant_of(&profile.slug, None)).await;
        let assistant_id =
            pushed.map_err(|_late| "the assistant was not looked up in time")?.map_err(|error| error.to_string())?;
        Ok(Cow::Owned(Vapi { assistant_id, ..vapi.clone() }))
    }

    async fn bypass(
        &self,
        vapi: &Vapi,
        sid: &CallSid,
        profile: &Profile,
        form: &Form,
        received: Stopwatch,
    ) -> Result<Connection, String> {
        let variables = self.variables(sid, profile, form).await;
        let call = BypassCall { business: &profile.slug, call_sid: sid, caller: &form.from, variables: &variables };
        let limit = self.time_left(received).saturating_sub(KEEPING.min(self.settings.connect_budget / 5));
        let answer = self.vapi.create_call(vapi, &call, limit).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let action = self.settings.server_url.route("/twilio/connect-ended");
        let twiml = bypass::adopt(&answer.twiml, &action).map_err(|error| format!("call {}: {error}", answer.id))?;
        Ok(Connection { twiml, vapi_call_id: Some(answer.id), control_url: answer.control_url })
    }

    /// What the assistant is told about the call. A store that does not answer costs the caller's name, not the call.
    async fn variables(&self, sid: &CallSid, profile: &Profile, form: &Form) -> Variables {
        let caller = form.caller();
        let known = tokio::time::timeout(STORE_LIMIT, self.desk.introduce(profile, caller.as_ref(), Some(sid))).await;
        known.unwrap_or_else(|_late| self.desk.introduce_stranger(profile, caller.as_ref(), Some(sid)))
    }

    /// Remembers what the caller was connected to. The TwiML is good even if this fails: only a repeated delivery,
    /// which then gets the fallback, would suffer.
    async fn keep(&self, sid: &CallSid, connection: &Connection) {
        let (vapi_call_id, control_url) = (connection.vapi_call_id.as_ref(), connection.control_url.as_deref());
        let connected = Connected { twiml: &connection.twiml, leg: Leg::Assistant, dialing: None, vapi_call_id, control_url };
        if let Err(error) = self.store.keep_connection(sid, &connected).await {
            tracing::error!(call.sid = %sid, %error, "a connection cannot be kept");
        }
    }
}
