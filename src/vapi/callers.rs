//! Whom the assistant does not serve, where Vapi answers the telephone itself: blocked callers get nothing, those who are to
//! speak with a person are put through, and so are all while the business is paused and a number that calls too often. The
//! Twilio routes do the same with TwiML.

use actix_web::HttpResponse;
use serde_json::json;

use super::Station;
use super::message::About;
use super::reply::Reply;
use super::tools::Tool;
use super::whose::{Whose, caller, told};
use crate::booking::Caller;
use crate::business::profile::Profile;
use crate::names::Phone;
use crate::store;
use crate::store::callers::CallName;

const BLOCKED: &str = "Sorry, we can't take your call. Goodbye.";
const BLOCKED_TOOL: &str = "This caller can't be helped on the telephone, so this was not done. Please say goodbye.";
const IN_PERSON: &str =
    "The business wants to speak with this caller in person, so this was not done. Please offer to put them through to a person.";
const NOBODY: &str = "Sorry, nobody can take your call right now. Please call again later.";

/// Why the assistant does not serve a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotServed {
    /// `callers.block`
    Blocked,
    /// `callers.straight_to_person`
    InPerson,
}

impl NotServed {
    /// Whether, and why; nobody knows who withholds their number.
    pub(super) fn of(profile: &Profile, caller: &Caller) -> Option<Self> {
        let number = caller.signalled.as_ref()?;
        if profile.callers.block.contains(number) {
            return Some(Self::Blocked);
        }
        profile.callers.straight_to_person.contains(number).then_some(Self::InPerson)
    }

    /// Whether this tool is not run: whoever is to speak with a person may ask for one.
    pub(super) fn stops(self, tool: Tool) -> bool {
        self == Self::Blocked || !tool.puts_through()
    }

    /// What a tool of a call is answered that has reached the assistant all the same. It does not stick: the file may change.
    pub(super) fn instead_of_a_tool(self, profile: &Profile) -> Reply {
        tracing::info!(business = %profile.slug, because = ?self, "a tool was not run for this caller");
        Reply::passing(if self == Self::Blocked { BLOCKED_TOOL } else { IN_PERSON })
    }
}

/// What Vapi is told to connect a call with; where there is nobody, what it says.
pub(super) fn connect_with(person: Option<&Phone>, nobody: &str) -> HttpResponse {
    HttpResponse::Ok().json(match person {
        Some(number) => json!({ "destination": { "type": "number", "number": number } }),
        None => json!({ "error": nobody }),
    })
}

impl Station {
    /// What Vapi is told of a new call that the assistant is not to take; `None` when it is. However often Vapi asks, one call is
    /// one call.
    pub(super) async fn instead_of_the_assistant(&self, profile: &Profile, whose: &Whose, about: &About) -> Option<HttpResponse> {
        let because = match NotServed::of(profile, &caller(whose.row.as_ref(), about)) {
            Some(NotServed::Blocked) => {
                tracing::info!(business = %profile.slug, "a blocked caller is not answered");
                return Some(HttpResponse::Ok().json(json!({ "error": BLOCKED })));
            }
            Some(NotServed::InPerson) => "straight_to_person",
            None if profile.is_paused(self.clock.now()) => "paused",
            None if self.calls_too_often(profile, whose, about).await => "calls_per_hour",
            None => return None,
        };
        tracing::info!(business = %profile.slug, because, "a call goes to a person");
        let person = self.switchboard.person_for(profile, whose.row.as_ref(), &about.running_call()).await;
        Some(connect_with(person.as_ref(), NOBODY))
    }

    /// Whether this number has called too often. What came in through Twilio was counted there; where the store does not say,
    /// the caller is served.
    async fn calls_too_often(&self, profile: &Profile, whose: &Whose, about: &About) -> bool {
        let came_through_twilio = whose.row.as_ref().is_some_and(|row| row.sid.is_some());
        let limit = about.caller.as_ref().and_then(|caller| profile.calls_per_hour(caller));
        let (Some(limit), false) = (limit, came_through_twilio) else { return false };
        self.count(profile, about).await.map_or_else(
            |error| {
                tracing::error!(business = %profile.slug, error = %error, "it cannot be counted how often somebody calls");
                false
            },
            |before| before >= i64::from(limit.get()),
        )
    }

    /// How many calls of this number came before this one, which is written down first.
    async fn count(&self, profile: &Profile, about: &About) -> Result<i64, store::Error> {
        let Some(call) = told(about, &profile.slug, None) else { return Ok(0) };
        self.store.hear_from_vapi(&call, self.clock.now()).await?;
        self.store.calls_before(CallName::Vapi(call.id)).await
    }
}
