//! What is known of a caller when the phone rings: the variables that the assistant starts with.

use time::Duration;

use super::Desk;
use crate::business::profile::Profile;
use crate::clients::vapi::Variables;
use crate::names::{CallSid, Phone};
use crate::scheduling::busy::Span;
use crate::scheduling::speech::spoken_date_time;
use crate::store;

/// How far ahead an appointment is still worth mentioning.
const AHEAD: Duration = Duration::days(365);

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
        let coming = self.store.bookings_of(&profile.slug, caller, Span { start: now, end: now + AHEAD }).await?;
        let next = coming.first().map(|row| {
            let start = spoken_date_time(profile.zone.civil(row.span.start), profile.zone.date(now));
            format!("{} on {start}", row.service)
        });
        Ok((name, next.unwrap_or_default()))
    }
}
