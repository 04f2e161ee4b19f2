//! What is known of a caller when the phone rings: the variables that the assistant starts with.

use time::Duration;

use super::Desk;
use crate::business::profile::Profile;
use crate::clients::vapi::Variables;
use crate::names::{BookingState, CallSid, Phone};
use crate::scheduling::speech::spoken_date_time;
use crate::store;

/// How far ahead an appointment is still worth mentioning.
const AHEAD: Duration = Duration::days(365);
/// A longer name is a speech.
const MAX_NAME_CHARS: usize = 60;

impl Desk {
    /// The variables for a call of `caller`. A store that fails costs the caller's name, never the call.
    pub async fn introduce(&self, profile: &Profile, caller: Option<&Phone>, call_sid: Option<&CallSid>) -> Variables {
        let mut variables = self.introduce_stranger(profile, caller, call_sid);
        let Some(caller) = caller else { return variables };
        match self.known_of(profile, caller).await {
            Ok((name, next)) => (variables.caller_name, variables.next_appointment) = (name, next),
            Err(error) => tracing::warn!(business = %profile.slug, error = %error, "a caller could not be looked up"),
        }
        variables
    }

    /// The same without asking the store.
    #[must_use]
    pub fn introduce_stranger(&self, profile: &Profile, caller: Option<&Phone>, call_sid: Option<&CallSid>) -> Variables {
        let now = self.clock.now();
        let today = profile.opening.spans(profile.zone.date(now), &profile.zone);
        Variables {
            business_name: profile.name.clone(),
            caller_number: caller.map(|phone| phone.as_str().to_owned()).unwrap_or_default(),
            caller_name: String::new(),
            next_appointment: String::new(),
            open_now: today.iter().any(|span| span.start <= now && now < span.end),
            call_sid: call_sid.map(ToString::to_string).unwrap_or_default(),
        }
    }

    async fn known_of(&self, profile: &Profile, caller: &Phone) -> Result<(String, String), store::Error> {
        let now = self.clock.now();
        let name = self.store.last_name_of(&profile.slug, caller).await?.unwrap_or_default();
        // The same appointments that the caller can find, cancel and move.
        let coming = self.store.appointments_of(&profile.slug, caller, now, now).await?;
        let mut standing = coming.iter().filter(|row| stands(row.state) && row.span.start < now + AHEAD);
        let next = standing.next().map(|row| {
            let start = spoken_date_time(profile.zone.civil(row.span.start), profile.zone.date(now));
            let moving = if row.state == BookingState::Moving { ", which is just being moved" } else { "" };
            format!("{} on {start}{moving}", row.service)
        });
        Ok((plain_name(&name), next.unwrap_or_default()))
    }
}

/// Whether there is an appointment: not one that is still being arranged, nor one that is about to go.
fn stands(state: BookingState) -> bool {
    matches!(state, BookingState::Confirmed | BookingState::Moving)
}

/// A name for the assistant's own instructions, in which it stands as a variable: without the signs of a template or of markup,
/// and no longer than a name is.
fn plain_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control() && !"{}[]<>|\\`\"%#=".contains(*c)).collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(MAX_NAME_CHARS).collect::<String>().trim_end().to_owned()
}
