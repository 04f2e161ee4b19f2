//! Whose call is it? By what we know of the call, else by what the message says, never by guessing among several.

use std::sync::Arc;

use tracing::Instrument as _;

use super::Station;
use super::message::About;
use crate::booking::Caller;
use crate::business::profile::Profile;
use crate::names::{AssistantId, Phone, Slug};
use crate::store::calls::CallRow;
use crate::store::heard::VapiCall;
use crate::store::{self};

/// A message's call, as far as it is known.
pub(super) struct Whose {
    /// The business; `None` when it could be several or none.
    pub profile: Option<Arc<Profile>>,
    /// What is remembered of the call.
    pub row: Option<CallRow>,
}

impl Station {
    /// Our call row (by Vapi's id or `CallSid`), else `metadata.business`, else the number that was called, else the
    /// assistant, else the only business there is.
    pub(super) async fn whose(&self, about: &About) -> Result<Whose, store::Error> {
        // What was ordered is in force from the next message on.
        self.directory.keep_up(&self.store).await?;
        let row = self.known_call(about).await?;
        let of_row = row.as_ref().and_then(|row| row.business.as_ref()).and_then(|slug| self.directory.by_slug(slug));
        let named = of_row
            .or_else(|| about.business.as_ref().and_then(|slug| self.directory.by_slug(slug)))
            .or_else(|| about.called.as_ref().and_then(|number| self.directory.by_number(number)));
        let profile = match (named, &about.assistant) {
            (None, Some(assistant)) => self.by_assistant(assistant).await?,
            (named, _) => named,
        };
        Ok(Whose { profile: profile.or_else(|| self.directory.only()), row })
    }

    async fn known_call(&self, about: &About) -> Result<Option<CallRow>, store::Error> {
        if let Some(id) = &about.call_id
            && let Some(row) = self.store.call_by_vapi_id(id).await?
        {
            return Ok(Some(row));
        }
        match &about.call_sid {
            Some(sid) => self.store.call_by_sid(sid).await,
            None => Ok(None),
        }
    }

    /// The business whose assistant this is, if it is one business's alone.
    async fn by_assistant(&self, assistant: &AssistantId) -> Result<Option<Arc<Profile>>, store::Error> {
        let pushed = self.store.pushed_assistants().await?;
        let is_its = |profile: &Arc<Profile>| {
            let set = self.settings.vapi.of(&profile.slug).assistant_id.as_ref();
            let row = || pushed.iter().find(|row| row.business == profile.slug).map(|row| &row.assistant);
            set.or_else(row) == Some(assistant)
        };
        let mut businesses = self.directory.all().filter(is_its);
        Ok(match (businesses.next(), businesses.next()) {
            (Some(profile), None) => Some(profile),
            _ => None,
        })
    }

    /// The assistant that answers for this business; why there is none is in the log.
    pub(super) async fn assistant_of(&self, profile: &Profile) -> Option<AssistantId> {
        let set = self.settings.vapi.of(&profile.slug).assistant_id.as_ref();
        let assistant = self.store.assistant_of(&profile.slug, set).await;
        match &assistant {
            Ok(Some(_)) => {}
            Ok(None) => tracing::error!(
                business = %profile.slug,
                "there is no assistant to answer a call: `ringbook assistant push` makes one, or set VAPI_ASSISTANT_ID"
            ),
            Err(error) => tracing::error!(business = %profile.slug, %error, "the assistant cannot be looked up"),
        }
        assistant.ok().flatten()
    }

    /// Notes that Vapi spoke of this call, unless nothing in the message is new. In the background: no answer waits for it.
    pub(super) fn note_word(&self, profile: &Profile, row: Option<&CallRow>, about: &About, ended_reason: Option<&str>) {
        let Some(id) = about.call_id.clone() else { return };
        let nothing_new = ended_reason.is_none()
            && row.is_some_and(|row| {
                let same_control = about.control_url.is_none() || row.control_url == about.control_url;
                row.heard_from_vapi && same_control && row.vapi_call_id.as_ref() == Some(&id)
            });
        if nothing_new {
            return;
        }
        let (store, now, business, about) = (self.store.clone(), self.clock.now(), profile.slug.clone(), about.clone());
        let ended_reason = ended_reason.map(str::to_owned);
        let noting = async move {
            let Some(call) = told(&about, &business, ended_reason.as_deref()) else { return };
            if let Err(error) = store.hear_from_vapi(&call, now).await {
                tracing::error!(call.id = %id, error = %error, "a message about a call could not be noted");
            }
        };
        self.runtime.spawn(noting.in_current_span());
    }
}

/// What a message tells of its call; `None` when it names none.
pub(super) fn told<'a>(about: &'a About, business: &'a Slug, ended_reason: Option<&'a str>) -> Option<VapiCall<'a>> {
    let number = |phone: &'a Option<Phone>| phone.as_ref().map(Phone::as_str).unwrap_or_default();
    Some(VapiCall {
        id: about.call_id.as_ref()?,
        sid: about.call_sid.as_ref(),
        business,
        from: number(&about.caller),
        to: number(&about.called),
        control_url: about.control_url.as_deref(),
        ended_reason,
    })
}

/// Who calls, as the signalling says: Twilio's word on the call, else Vapi's.
pub(super) fn caller(row: Option<&CallRow>, about: &About) -> Caller {
    let of_row = row.filter(|row| row.sid.is_some()).map(CallRow::caller);
    let call_id = about.call_id.as_ref().map(ToString::to_string).or_else(|| about.call_sid.as_ref().map(ToString::to_string));
    Caller { signalled: of_row.unwrap_or_else(|| about.caller.clone()), call_id }
}
