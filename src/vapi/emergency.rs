//! A caller in danger: what they said for good is compared with the phrases of their business. Once in a call they are told what
//! to do and put through at once, and the business hears of it. What the assistant says, and what may still become other words,
//! means nothing here.

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use super::Station;
use super::heard::which_was_said;
use super::message::{About, Transcript};
use crate::business::profile::{Occasion, Profile};
use crate::clock::{Clock, Deadline};
use crate::store::Store;
use crate::switchboard::{PutThrough, RunningCall, Switchboard, Why, caller_for_people, notice};

/// How long putting the call through may take before the caller is told by the assistant what to do.
const LIMIT: Duration = Duration::from_secs(4);

/// One caller in danger.
struct Alarm {
    switchboard: Switchboard,
    store: Store,
    clock: Clock,
    profile: Arc<Profile>,
    call: RunningCall,
    phrase: String,
}

impl Station {
    /// Acts on what was said, if its caller is in danger. In the background: nobody waits for the answer to a transcript, and
    /// what was begun is finished when its sender leaves.
    pub(super) fn listen_for_danger(&self, profile: &Arc<Profile>, about: &About, said: &Transcript) {
        if !(said.by_caller && said.is_final) {
            return;
        }
        let Some(phrase) = which_was_said(&said.words, &profile.emergency.phrases) else { return };
        let alarm = Alarm {
            switchboard: self.switchboard.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            profile: Arc::clone(profile),
            call: about.running_call(),
            phrase: phrase.to_owned(),
        };
        self.runtime.spawn(alarm.raise().in_current_span());
    }
}

impl Alarm {
    async fn raise(self) {
        let Self { switchboard, store, clock, profile, call, phrase } = &self;
        let row = match switchboard.known(profile, call).await {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(business = %profile.slug, %error, "the call of a caller in danger cannot be looked up");
                None
            }
        };
        let from = row.as_ref().map_or(&call.from, |row| &row.from);
        let (name, from) = (&profile.name, caller_for_people(from));
        let Some(row) = row else {
            tracing::error!(business = %profile.slug, "a caller in danger is in no call that is known here");
            self.say(None).await;
            return;
        };
        let text = format!("{name}: EMERGENCY: a caller from {from} spoke of \"{phrase}\". The call is being put through.");
        let (key, job) = (format!("emergency:{}", row.id), notice(profile, Occasion::Emergency, &text));
        match store.note_emergency(&row.id, job.as_ref().map(|job| (key.as_str(), job)), clock.now()).await {
            Ok(true) => {}
            Ok(false) => return,
            // Rather twice than never.
            Err(error) => tracing::error!(call.id = row.id, business = %profile.slug, %error, "an emergency cannot be noted"),
        }
        tracing::warn!(call.id = row.id, business = %profile.slug, "a caller is in danger");
        let outcome = switchboard.put_through(profile, call, Why::Danger, Deadline::after(LIMIT)).await;
        if outcome == PutThrough::Person {
            return;
        }
        self.say(row.control_url.as_deref()).await;
        let text = match outcome {
            PutThrough::Unsure => format!(
                "{name}: EMERGENCY: it is not known whether the caller from {from} was put through. Please call back at once."
            ),
            _ => format!("{name}: EMERGENCY: nobody was reached for the caller from {from}. Please call back at once."),
        };
        switchboard.notify(profile, Occasion::Emergency, &format!("emergency_missed:{}", row.id), &text).await;
    }

    /// Has the assistant say what to do.
    async fn say(&self, control_url: Option<&str>) {
        let Self { switchboard, profile, call, .. } = self;
        if !profile.emergency.say.trim().is_empty() {
            let control_url = control_url.or(call.control_url.as_deref());
            switchboard.say(profile, control_url, &profile.emergency.say, Deadline::after(LIMIT)).await;
        }
    }
}
