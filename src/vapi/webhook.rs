//! The one route of Vapi, and the match over everything that it may say.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::answer::{Came, Form, NOT_NOTED, rendered};
use super::callers::{NotServed, connect_with};
use super::heard;
use super::listening::Line;
use super::message::{About, Kind, ToolCall};
use super::reply::Reply;
use super::reply::transfers::NOBODY;
use super::request::{Proven, Rejection};
use super::tools::Tool;
use super::whose::{Whose, caller};
use super::{Station, WHO_ANSWERS};
use crate::business::profile::Profile;

/// `POST /webhook/vapi`.
pub(super) async fn webhook(proven: Proven, station: Data<Station>) -> Result<HttpResponse, Rejection> {
    let station = station.into_inner();
    if !matches!(proven.message.kind, Kind::AssistantRequest) {
        return answered(proven, station).await;
    }
    let limit = WHO_ANSWERS.min(station.settings.connect_budget);
    let answer = tokio::time::timeout(limit, answered(proven, station)).await;
    answer.unwrap_or_else(|_late| {
        tracing::error!("it could not be found out in time who answers a call");
        Ok(without_store(&Kind::AssistantRequest))
    })
}

async fn answered(proven: Proven, station: Arc<Station>) -> Result<HttpResponse, Rejection> {
    let Proven { message, proof, deadline, recorded } = proven;
    let report = message.report;
    let came = Came { number: station.listening.arrival(), deadline };
    let about = message.about;
    let whose = match station.whose(&about).await {
        Ok(whose) => whose,
        Err(error) => {
            tracing::error!(error = %error, "the store could not tell whose call it is");
            return Ok(without_store(&message.kind));
        }
    };
    if !proof.covers(whose.profile.as_ref().map(|profile| &profile.slug)) {
        tracing::warn!("refused a Vapi webhook whose proof belongs to another business");
        return Err(Rejection::Unproven { cut_off: false });
    }
    if let Some(profile) = &whose.profile {
        recorded.is(&profile.slug);
        station.hear(profile, &whose, &about, &message.kind).await;
        station.note_end(profile, &about, &message.kind, report.as_deref()).await;
    }
    Ok(match message.kind {
        Kind::ToolCalls(calls) => ok(&results(&station, &whose, &about, calls, came).await),
        Kind::FunctionCall(call) => ok(&station.answer(Form::FunctionCall, &whose, &about, &call, came).await),
        Kind::AssistantRequest => assistant(&station, &whose, &about).await,
        Kind::TransferDestinationRequest => transfer_destination(&station, &whose, &about).await,
        Kind::Ended { .. } | Kind::Heard(_) | Kind::Speaking(_) | Kind::Other => HttpResponse::Ok().json(json!({})),
    })
}

/// Whether the caller is about to ask for times: the call begins, or they speak of an appointment.
fn announces_a_question(kind: &Kind) -> bool {
    match kind {
        Kind::AssistantRequest => true,
        Kind::Heard(said) => said.by_caller && heard::speaks_of_appointment(&said.words),
        _ => false,
    }
}

/// Every tool call of a message, each id once, in order. What changes something waits for what was asked before it.
async fn results(station: &Arc<Station>, whose: &Whose, about: &About, calls: Vec<ToolCall>, came: Came) -> String {
    let mut seen = HashSet::new();
    let calls: Vec<ToolCall> =
        calls.into_iter().filter(|call| call.raw_id.is_empty() || seen.insert(call.raw_id.clone())).collect();
    let mut entries = Vec::with_capacity(calls.len());
    let mut reads = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        if Tool::read(&call.name).is_some_and(Tool::acts) {
            entries.push((index, station.answer(Form::ToolCalls, whose, about, call, came).await));
        } else {
            reads.push(async move { (index, station.answer(Form::ToolCalls, whose, about, call, came).await) });
        }
    }
    entries.extend(futures_util::future::join_all(reads).await);
    entries.sort_unstable_by_key(|(index, _)| *index);
    let entries: Vec<String> = entries.into_iter().map(|(_, entry)| entry).collect();
    format!("{{\"results\":[{}]}}", entries.join(","))
}

impl Station {
    /// Takes note of what a message tells, whatever it asks.
    async fn hear(&self, profile: &Arc<Profile>, whose: &Whose, about: &About, kind: &Kind) {
        let ended_reason = if let Kind::Ended { reason } = kind { Some(reason.as_deref().unwrap_or("ended")) } else { None };
        self.note_word(profile, whose.row.as_ref(), about, ended_reason);
        if announces_a_question(kind) {
            self.desk.warm(profile);
        }
        if let Kind::Heard(said) = kind {
            self.listen_for_danger(profile, about, said);
        }
        let Some(call) = caller(whose.row.as_ref(), about).call_id else { return };
        let (line, awaited) = (Line::new(&profile.slug, &call), &profile.booking_rules.require_spoken_intent);
        match kind {
            Kind::Heard(said) if !awaited.is_empty() => {
                let wish = said.by_caller && said.is_final && heard::says_one_of(&said.words, awaited);
                if self.listening.transcript(&line, wish)
                    && let Err(error) = self.store.note_spoken(&profile.slug, &call, wish, self.clock.now()).await
                {
                    tracing::error!(call.id = %call, %error, "what a caller wants could not be noted");
                }
            }
            Kind::Speaking(true) => self.listening.speaks(&line),
            Kind::Speaking(false) => self.listening.stops(&line),
            Kind::Ended { .. } => {
                self.listening.forget(&line);
                let (offers, spoken) =
                    (self.store.forget_offers(&profile.slug, &call), self.store.forget_spoken(&profile.slug, &call));
                if let Err(error) = tokio::try_join!(offers, spoken) {
                    tracing::error!(call.id = %call, error = %error, "what was offered and heard in a call could not be forgotten");
                }
            }
            _ => {}
        }
    }
}

fn ok(json: &str) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(json.to_owned())
}

/// The store is gone: nothing is done, and every question gets a truthful answer.
fn without_store(kind: &Kind) -> HttpResponse {
    let reply = Reply::passing(NOT_NOTED);
    match kind {
        Kind::ToolCalls(calls) => {
            let entries: Vec<String> = calls.iter().map(|call| rendered(Form::ToolCalls, call, &reply)).collect();
            ok(&format!("{{\"results\":[{}]}}", entries.join(",")))
        }
        Kind::FunctionCall(call) => ok(&rendered(Form::FunctionCall, call, &reply)),
        Kind::AssistantRequest | Kind::TransferDestinationRequest => HttpResponse::Ok().json(json!({ "error": NOT_NOTED })),
        Kind::Ended { .. } | Kind::Heard(_) | Kind::Speaking(_) | Kind::Other => HttpResponse::Ok().json(json!({})),
    }
}

/// Who shall answer this call, and what the assistant knows at the start. Never a 5xx: that would end the call.
async fn assistant(station: &Station, whose: &Whose, about: &About) -> HttpResponse {
    let Some(profile) = &whose.profile else {
        return HttpResponse::Ok().json(json!({ "error": "This number is not set up yet. Goodbye." }));
    };
    if let Some(instead) = station.instead_of_the_assistant(profile, whose, about).await {
        return instead;
    }
    let Some(assistant) = station.assistant_of(profile).await else {
        return HttpResponse::Ok().json(json!({ "error": "Sorry, we can't take your call right now. Please call again later." }));
    };
    let caller = caller(whose.row.as_ref(), about);
    let variables = station.desk.introduce(profile, caller.signalled.as_ref(), about.call_sid.as_ref()).await;
    HttpResponse::Ok().json(json!({
        "assistantId": assistant,
        "assistantOverrides": { "variableValues": variables, "metadata": { "business": profile.slug } },
    }))
}

/// The person that callers of this business are put through to at this hour.
async fn transfer_destination(station: &Station, whose: &Whose, about: &About) -> HttpResponse {
    let is_blocked = |profile: &Profile| NotServed::of(profile, &caller(whose.row.as_ref(), about)) == Some(NotServed::Blocked);
    let to = match whose.profile.as_ref().filter(|profile| !is_blocked(profile)) {
        Some(profile) => station.switchboard.person_for(profile, whose.row.as_ref(), &about.running_call()).await,
        None => None,
    };
    connect_with(to.as_ref(), NOBODY)
}
