//! Vapi: whether there is an assistant that answers, whether it is as it would be pushed, whether the number is known there,
//! and how quickly Vapi answers. Nothing is changed there.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::finding::Findings;
use super::twilio::in_time;
use super::{Patient, pace, topics};
use crate::assistant::difference::{Difference, differences};
use crate::business::profile::Profile;
use crate::cli::assistant::office::Office;
use crate::cli::assistant::told::{needs_credential, sentence};
use crate::clients::phone_numbers::PhoneNumbers;
use crate::config::{AssistantSettings, Connect};
use crate::names::{AssistantId, Slug};
use crate::store::Store;

/// How long Vapi waits where nothing is said (its API reference, `server.timeoutSeconds`).
const USUAL_PATIENCE_SECONDS: f64 = 20.0;
/// What an answer takes on its way to Vapi, with a handshake.
const ON_THE_WAY_SECONDS: f64 = 1.0;
/// More places than these are counted, not named.
const MOST_PLACES: usize = 6;

pub(super) async fn of(patient: &Patient, store: &Store) -> Findings {
    let mut findings = Findings::default();
    let rows = match store.pushed_assistants().await {
        Ok(rows) => rows,
        Err(error) => {
            findings.wrong(None, topics::ASSISTANT, format!("it cannot be looked up: {error}"), "see DATABASE_URL");
            return findings;
        }
    };
    let office = Office { settings: AssistantSettings::from(&*patient.settings), rows, http: patient.http.clone() };
    for found in join_all(patient.profiles.iter().map(|profile| one(patient, &office, profile))).await {
        findings.extend(found);
    }
    findings
}

fn push(slug: &Slug) -> String {
    format!("`ringbook assistant push --business {slug}`")
}

async fn one(patient: &Patient, office: &Office, profile: &Profile) -> Findings {
    let mut findings = Findings::default();
    let slug = &profile.slug;
    let vapi = patient.settings.vapi.of(slug);
    let known = office.known(slug);
    let pushed = known.pushed.map(|row| &row.assistant);
    if vapi.connect == Connect::Sip {
        findings.ok(Some(slug), topics::ASSISTANT, "Vapi knows by its SIP address who answers");
    }
    let (id, says) = match (known.set, pushed) {
        (Some(set), _) => (set, "as VAPI_ASSISTANT_ID says"),
        (None, Some(pushed)) => (pushed, "as it was pushed"),
        (None, None) => {
            if vapi.connect != Connect::Sip {
                let mend = format!("{} makes one", push(slug));
                findings.wrong(Some(slug), topics::ASSISTANT, "there is none, so callers go straight to a person", mend);
            }
            return findings;
        }
    };
    if vapi.api_key.is_none() {
        findings.ok(Some(slug), topics::ASSISTANT, format!("{id}, {says}; without VAPI_API_KEY it cannot be looked at"));
        return findings;
    }
    let (looked, number) =
        tokio::join!(assistant(office, profile, id, says, patient.settings.connect_budget), number(patient, profile));
    findings.extend(looked);
    findings.extend(number);
    findings
}

async fn assistant(office: &Office, profile: &Profile, id: &AssistantId, says: &str, connect_budget: Duration) -> Findings {
    let mut findings = Findings::default();
    let slug = &profile.slug;
    let found = async {
        let vapi = office.vapi(slug)?;
        in_time(vapi.get(id)).await.map(|found| (vapi, found))
    };
    match found.await {
        Err(error) => {
            let mend = "VAPI_API_KEY is the private key of Vapi's dashboard, under \"API Keys\"; see whether this machine reaches VAPI_API_URL";
            findings.wrong(Some(slug), topics::VAPI, sentence(&error), mend);
        }
        Ok((_, None)) => {
            let mend = match office.known(slug).set {
                Some(_) => format!("take VAPI_ASSISTANT_ID out of the settings, then {}", push(slug)),
                None => format!("{} makes a new one", push(slug)),
            };
            findings.wrong(Some(slug), topics::ASSISTANT, format!("Vapi has no assistant {id}"), mend);
        }
        Ok((vapi, Some(found))) => {
            findings.ok(Some(slug), topics::ASSISTANT, format!("{id}, {says}"));
            compared(office, profile, &found.fields, &mut findings);
            if office.settings.vapi.of(slug).connect == Connect::Bypass {
                findings.extend(pace::of(&vapi, slug, id, connect_budget).await);
            }
        }
    }
    findings
}

/// Where it is not as it would be pushed, by what that means.
fn compared(office: &Office, profile: &Profile, there: &Value, findings: &mut Findings) {
    let slug = &profile.slug;
    patience(office, slug, there, findings);
    let Ok(here) = office.proof(slug, office.credential(slug)).and_then(|proof| office.wanted(profile, proof)) else {
        let text = "only signatures are accepted, and there is no credential";
        return findings.wrong(Some(slug), topics::ASSISTANT_PROOF, text, needs_credential(slug));
    };
    let all: Vec<Difference> = differences(&here, there).into_iter().map(Difference::to_be_shown).collect();
    let is_of_server = |place: &&Difference| place.path.ends_with("server.url");
    let is_of_proof = |place: &&Difference| place.path.contains("headers") || place.path.ends_with("credentialId");
    let is_of_tools = |place: &&Difference| place.path.starts_with("model.tools") && !place.path.contains(".server.");
    if let Some(place) = all.iter().find(is_of_server) {
        let asks = place.there.as_ref().and_then(Value::as_str).unwrap_or("nobody").to_owned();
        let text = format!("its tools ask {asks} instead of {}", office.settings.server_url.route("/webhook/vapi"));
        findings.wrong(Some(slug), topics::ASSISTANT_SERVER, text, push(slug));
    }
    if all.iter().any(|place| is_of_proof(&place)) {
        let text = "it proves itself in another way than VAPI_WEBHOOK_SECRET and VAPI_WEBHOOK_AUTH say";
        findings.wrong(Some(slug), topics::ASSISTANT_PROOF, text, push(slug));
    }
    let tools: Vec<&Difference> = all.iter().filter(is_of_tools).collect();
    if !tools.is_empty() {
        findings.wrong(Some(slug), topics::ASSISTANT_TOOLS, format!("not as in ringbook: {}", places(&tools)), push(slug));
    }
    let is_other = |place: &&Difference| !is_of_server(place) && !is_of_proof(place) && !is_of_tools(place);
    let rest: Vec<&Difference> = all.iter().filter(is_other).collect();
    if rest.is_empty() {
        return;
    }
    let is_anothers = rest.iter().any(|place| place.path.starts_with("metadata.")) && office.known(slug).set.is_some();
    let mend = if is_anothers { format!("take VAPI_ASSISTANT_ID out of the settings, then {}", push(slug)) } else { push(slug) };
    findings.warning(Some(slug), topics::ASSISTANT, format!("not in step with {slug}.toml: {}", places(&rest)), mend);
}

fn places(all: &[&Difference]) -> String {
    let mut named: Vec<&str> = all.iter().take(MOST_PLACES).map(|place| place.path.as_str()).collect();
    let more = format!("{} more", all.len().saturating_sub(MOST_PLACES));
    if all.len() > MOST_PLACES {
        named.push(&more);
    }
    named.join(", ")
}

/// Vapi must wait longer than we take, at the assistant and at every tool.
fn patience(office: &Office, slug: &Slug, there: &Value, findings: &mut Findings) {
    let tools = there.get("model").and_then(|model| model.get("tools")).and_then(Value::as_array).into_iter().flatten();
    let servers = std::iter::once(there).chain(tools).filter_map(|it| it.get("server"));
    let waits = servers.map(|server| server.get("timeoutSeconds").and_then(Value::as_f64).unwrap_or(USUAL_PATIENCE_SECONDS));
    let shortest = waits.fold(f64::INFINITY, f64::min);
    let budget: Duration = office.settings.tool_reply_budget;
    if shortest <= budget.as_secs_f64() {
        let text = format!("Vapi waits {shortest} s, and TOOL_REPLY_BUDGET_MS is {} ms", budget.as_millis());
        findings.wrong(Some(slug), topics::ASSISTANT_PATIENCE, text, push(slug));
    } else if shortest < budget.as_secs_f64() + ON_THE_WAY_SECONDS {
        let text = format!(
            "Vapi waits {shortest} s, and TOOL_REPLY_BUDGET_MS is {} ms: what is answered last comes too late when the way takes long",
            budget.as_millis()
        );
        findings.warning(Some(slug), topics::ASSISTANT_PATIENCE, text, push(slug));
    } else if shortest.is_finite() {
        findings.ok(Some(slug), topics::ASSISTANT_PATIENCE, format!("Vapi waits {shortest} s, longer than ringbook takes"));
    }
}

/// The number under which calls are started at Vapi.
async fn number(patient: &Patient, profile: &Profile) -> Findings {
    let mut findings = Findings::default();
    let slug = &profile.slug;
    let vapi = patient.settings.vapi.of(slug);
    let (Connect::Bypass, Some(id)) = (vapi.connect, &vapi.phone_number_id) else { return findings };
    let found = async { in_time(PhoneNumbers::new(patient.http.clone(), vapi)?.get(id)).await };
    match found.await {
        // A key that is refused is told with the assistant.
        Err(_) => {}
        Ok(None) => {
            let mend = format!(
                "take VAPI_PHONE_NUMBER_ID out of the settings: `ringbook connect {slug}` imports the number and says its id"
            );
            findings.wrong(Some(slug), topics::VAPI_NUMBER, format!("Vapi has no number {id}"), mend);
        }
        Ok(Some(number)) => {
            let is_ours = profile.phone_numbers.iter().any(|ours| number.number.as_deref() == Some(ours.as_str()));
            if is_ours {
                findings.ok(Some(slug), topics::VAPI_NUMBER, format!("{id} is the business's"));
            } else {
                let shown = number.number.unwrap_or_else(|| "none".to_owned());
                let mend =
                    format!("set VAPI_PHONE_NUMBER_ID__{} to the id of the business's own number", slug.as_setting_suffix());
                findings.warning(Some(slug), topics::VAPI_NUMBER, format!("{id} is {shown}, which is not in {slug}.toml"), mend);
            }
        }
    }
    findings
}
