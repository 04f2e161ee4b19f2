//! What the assistant does while its business takes calls in person: callers who speak with it already go to a person as soon as
//! it wants to look something up or book it, which is not done.

use std::sync::Arc;

use super::reply::Reply;
use crate::business::profile::Profile;
use crate::clock::{Clock, Deadline};
use crate::switchboard::{PutThrough, RunningCall, Switchboard, Why};

const PERSON: &str = "The business is taking its calls in person right now, so this was not done. The caller is being put through to a \
                      person.";
const VOICEMAIL: &str = "The business is taking its calls in person right now, so this was not done. Nobody is free at this moment, so the \
                         caller can leave a message after the tone.";
const NOT_PUT_THROUGH: &str = "The business is taking its calls in person right now, so this was not done. Please tell the caller so, and \
                               ask them to call again in a moment: they are put through to a person then.";

/// What a tool of a call that runs already is answered while its business is paused; the call is put through. The answer does not
/// stick: after the pause the same request is done.
pub(super) async fn instead_of_a_tool(
    profile: &Arc<Profile>,
    clock: &Clock,
    switchboard: &Switchboard,
    call: &RunningCall,
    deadline: Deadline,
) -> Option<Reply> {
    if !profile.is_paused(clock.now()) {
        return None;
    }
    tracing::info!(business = %profile.slug, "a tool was not run: the business is paused");
    Some(Reply::passing(match switchboard.put_through(profile, call, Why::Asked, deadline).await {
        PutThrough::Person | PutThrough::Unsure => PERSON,
        PutThrough::Voicemail => VOICEMAIL,
        PutThrough::Nobody | PutThrough::Failed => NOT_PUT_THROUGH,
    }))
}
