//! What the assistant does while its business takes calls in person: callers go to a person, and nothing is looked up or
//! booked for those who speak with the assistant already.

use actix_web::HttpResponse;
use serde_json::json;

use super::reply::Reply;
use crate::business::profile::Profile;
use crate::clock::Clock;

const IN_PERSON: &str = "The business is taking its calls in person right now, so this was not done. Please tell the caller so, and \
                         ask them to call again in a moment: they are put through to a person then.";
const NOBODY: &str = "Sorry, nobody can take your call right now. Please call again later.";

/// What a tool of a call that runs already is answered while its business is paused, and the place where such a call is put
/// through. It does not stick: after the pause the same request is done.
pub(super) fn instead_of_a_tool(profile: &Profile, clock: &Clock) -> Option<Reply> {
    profile.is_paused(clock.now()).then(|| {
        tracing::info!(business = %profile.slug, "a tool was not run: the business is paused");
        Reply::passing(IN_PERSON)
    })
}

/// What Vapi is told of a new call while its business is paused: connect it with a person, not with an assistant.
pub(super) fn instead_of_the_assistant(profile: &Profile, clock: &Clock) -> Option<HttpResponse> {
    let now = clock.now();
    profile.is_paused(now).then(|| {
        tracing::info!(business = %profile.slug, "a call goes to a person: the business is paused");
        HttpResponse::Ok().json(match profile.transfer_number(now) {
            Some(number) => json!({ "destination": { "type": "number", "number": number } }),
            None => json!({ "error": NOBODY }),
        })
    })
}
