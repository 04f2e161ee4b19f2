//! The switchboard: who can help a caller besides the assistant, and putting a running call through to them. It is shared by
//! everybody who may want that: Twilio's webhooks, the assistant's tools, and what is heard in a call. It answers no webhook.

mod carry;
pub mod help;
pub mod twiml;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

pub use self::help::{Ends, Help};
use crate::business::profile::{Occasion, Profile};
use crate::business::routing::Directory;
use crate::clients::control::{Control, ControlUrl};
use crate::clients::twilio::Twilio;
use crate::clock::{Clock, Deadline};
use crate::config::Settings;
use crate::ground::Ground;
use crate::inflight::InFlight;
use crate::names::{CallSid, Phone, Slug, VapiCallId};
use crate::store::calls::CallRow;
use crate::store::heard::VapiCall;
use crate::store::jobs::Job;
use crate::store::{self, Store};

/// Calls that may be put through at one moment.
const MAX_AT_ONCE: usize = 1_000;

/// A dial that began longer ago than it rings plus this is a conversation, not a loop.
const LOOP_MARGIN: Duration = Duration::from_mins(1);

/// How long a transfer of which nobody knows whether it was done waits for a webhook to tell. Who still speaks with the
/// assistant after that does not want it any more.
const WAITING_LASTS: Duration = Duration::from_mins(2);

/// Why a call is put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The caller asked for a person, or the business takes its calls in person: by its hours.
    Asked,
    /// The caller is in danger: whatever the hour.
    Danger,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutThrough {
    /// A person is being dialled.
    Person,
    /// The caller can leave a message now.
    Voicemail,
    /// There is nobody to be dialled, and no message can be taken: the caller still speaks with the assistant.
    Nobody,
    /// It was tried, and nobody knows whether it was done.
    Unsure,
    /// It was surely not done: the caller still speaks with the assistant, if the call lasts.
    Failed,
}

/// A running call, as one of its messages names it.
#[derive(Clone, Debug, Default)]
pub struct RunningCall {
    /// Vapi's name.
    pub vapi_call_id: Option<VapiCallId>,
    /// Twilio's name.
    pub sid: Option<CallSid>,
    /// The caller as the signalling says; empty when withheld.
    pub from: String,
    /// The number that was called; may be empty.
    pub to: String,
    /// The telephone that sent the call on; may be empty.
    pub forwarded_from: String,
    /// Where it can be spoken to.
    pub control_url: Option<String>,
}

/// The switchboard. Clones share it.
#[derive(Clone, Debug)]
pub struct Switchboard {
    settings: Arc<Settings>,
    directory: Directory,
    store: Store,
    clock: Clock,
    twilio: Twilio,
    control: Control,
    carrying: InFlight<String, PutThrough>,
}

impl Switchboard {
    /// The switchboard of this ground, with the program's HTTP client.
    #[must_use]
    pub fn new(ground: &Ground, http: reqwest::Client) -> Self {
        let Ground { settings, directory, store, clock, runtime, .. } = ground.clone();
        let (twilio, control) = (Twilio::new(http.clone()), Control::new(http));
        Self { settings, directory, store, clock, twilio, control, carrying: InFlight::new(runtime, MAX_AT_ONCE) }
    }

    /// Puts a running call through, once: whoever wants it meanwhile waits for the same outcome, and whoever wants it later
    /// hears what was done. It goes on when the one who asked leaves.
    pub async fn put_through(&self, profile: &Arc<Profile>, call: &RunningCall, why: Why, deadline: Deadline) -> PutThrough {
        let row = match self.known(profile, call).await {
            Ok(Some(row)) => row,
            Ok(None) => {
                tracing::warn!(business = %profile.slug, "a call that is not known here cannot be put through");
                return PutThrough::Failed;
            }
            Err(error) => {
                tracing::error!(business = %profile.slug, %error, "a call that is to be put through cannot be looked up");
                return PutThrough::Failed;
            }
        };
        let carrying = self.carrying.join(row.id.clone(), || {
            let (switchboard, profile, call, id) = (self.clone(), Arc::clone(profile), call.clone(), row.id.clone());
            async move { switchboard.carry(&profile, &call, &id, why, deadline).await }
        });
        match carrying {
            Ok(running) => running.outcome().await.unwrap_or(PutThrough::Unsure),
            Err(_full) => PutThrough::Failed,
        }
    }

    /// The call as it is kept, which it is from now on; never one of another business.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known(&self, profile: &Profile, call: &RunningCall) -> Result<Option<CallRow>, store::Error> {
        let row = if let Some(id) = &call.vapi_call_id {
            let word = VapiCall {
                id,
                sid: call.sid.as_ref(),
                business: &profile.slug,
                from: &call.from,
                to: &call.to,
                control_url: call.control_url.as_deref(),
                ended_reason: None,
            };
            self.store.hear_from_vapi(&word, self.clock.now()).await?;
            self.store.call_by_vapi_id(id).await?
        } else if let Some(sid) = &call.sid {
            self.store.call_by_sid(sid).await?
        } else {
            None
        };
        Ok(row.filter(|row| row.business.as_ref() == Some(&profile.slug)))
    }

    /// The person who is to be dialled for this call at this hour, if there is one, by the rules of [`Help::choose`]. A store
    /// that does not answer costs the look for a loop only.
    pub async fn person_for(&self, profile: &Profile, row: Option<&CallRow>, call: &RunningCall) -> Option<Phone> {
        let now = self.clock.now();
        let of_row = |row: &CallRow| (row.from.clone(), row.to.clone(), row.forwarded_from.clone(), row.id.clone());
        let of_call = || (call.from.clone(), call.to.clone(), call.forwarded_from.clone(), String::new());
        let (from, to, forwarded_from, id) = row.map_or_else(of_call, of_row);
        let ends = Ends { from: &from, to: &to, forwarded_from: &forwarded_from };
        let Help::Person(number) = Help::choose(profile, &ends, &self.directory, now) else { return None };
        let comes_back = self.is_dialling_already(profile, &from, &number, &id, now).await.unwrap_or_else(|error| {
            tracing::error!(business = %profile.slug, %error, "it cannot be looked up who is being dialled");
            false
        });
        (!comes_back).then_some(number)
    }

    /// Has the assistant say this in the running call, and waits at most until the deadline; whether it surely took it.
    pub async fn say(&self, profile: &Profile, control_url: Option<&str>, sentence: &str, deadline: Deadline) -> bool {
        let Some(url) = control_url.and_then(|text| self.control_url(&profile.slug, text)) else { return false };
        match self.control.say(&url, sentence, deadline.left()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(business = %profile.slug, %error, "a running call did not take a sentence");
                false
            }
        }
    }

    /// Whether this number is being dialled for this caller at this moment, in another call: this one has come back from
    /// there. `except` is this call's `CallSid`, or our own name of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_dialling_already(
        &self,
        profile: &Profile,
        from: &str,
        number: &Phone,
        except: &str,
        now: OffsetDateTime,
    ) -> Result<bool, store::Error> {
        let since = now - profile.transfer.ring - LOOP_MARGIN;
        self.store.is_dialling(from, number, except, since).await
    }

    /// What the caller is to hear at Twilio, if this call is to be put through: Twilio has it from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take(&self, sid: &CallSid) -> Result<Option<String>, store::Error> {
        let now = self.clock.now();
        self.store.take_transfer(sid, now - WAITING_LASTS, now).await
    }

    /// Tells the business of such an occasion, if its file asks for it; a `key` is told once.
    pub async fn notify(&self, profile: &Profile, occasion: Occasion, key: &str, text: &str) {
        let Some(job) = notice(profile, occasion, text) else { return };
        if let Err(error) = self.store.enqueue(key, &job, self.clock.now()).await {
            tracing::error!(business = %profile.slug, %error, "the business cannot be told");
        }
    }

    /// Where this call may be spoken to.
    fn control_url(&self, business: &Slug, text: &str) -> Option<ControlUrl> {
        let url = ControlUrl::parse(text, &self.settings.vapi.of(business).api_url);
        if url.is_none() {
            tracing::warn!(business = %business, "a control address that is not Vapi's is not called");
        }
        url
    }
}

/// What tells the business of such an occasion; `None` when it does not want to hear of it.
#[must_use]
pub fn notice(profile: &Profile, occasion: Occasion, text: &str) -> Option<Job> {
    let wanted = profile.notify.on.contains(&occasion);
    wanted.then(|| Job::Notify { business: profile.slug.clone(), occasion: occasion.as_str().to_owned(), text: text.to_owned() })
}

/// A caller for the eyes of the business: the number, or what the signalling says instead.
#[must_use]
pub fn caller_for_people(from: &str) -> String {
    match Phone::e164(from) {
        Some(number) => number.as_str().to_owned(),
        None if from.starts_with("sip:") || from.starts_with("client:") => from.to_owned(),
        None => "a withheld number".to_owned(),
    }
}
