//! Whom a caller can be helped by at this moment: computed from values, without asking anybody.

use time::OffsetDateTime;

use super::twiml;
use crate::business::profile::Profile;
use crate::business::routing::Directory;
use crate::config::ServerUrl;
use crate::names::Phone;

/// The two ends of a call as the signalling says, whatever it says. Not for logs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends<'a> {
    /// The caller: E.164, `anonymous`, `client:x`, `sip:…` or anything else.
    pub from: &'a str,
    /// The number that was called.
    pub to: &'a str,
    /// The telephone that sent the call on to us; empty when the carrier does not say.
    pub forwarded_from: &'a str,
}

impl Ends<'_> {
    /// Whether a call to `number` would come back to us: the number is ours, the call was forwarded from it or comes from it,
    /// or from one of our own numbers (a withheld caller whom we dialled onward shows as the number that he called).
    #[must_use]
    pub fn loops_through(&self, number: &Phone, directory: &Directory) -> bool {
        let caller = Phone::e164(self.from);
        directory.owns(number)
            || self.was_forwarded_from(number)
            || caller.is_some_and(|caller| caller == *number || directory.owns(&caller))
    }

    /// Whether the carrier says that `number` sent the call on to us. Carriers leave out the plus, or the country.
    fn was_forwarded_from(&self, number: &Phone) -> bool {
        let said: String = self.forwarded_from.chars().filter(char::is_ascii_digit).collect();
        said.len() >= 7 && number.as_str().ends_with(said.trim_start_matches('0'))
    }
}

/// What can be done for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// Put through to this number.
    Person(Phone),
    /// A message is taken.
    Voicemail,
}

impl Help {
    /// The person who is to be reached at this hour, unless the call would come back to us.
    #[must_use]
    pub fn choose(profile: &Profile, ends: &Ends<'_>, directory: &Directory, now: OffsetDateTime) -> Self {
        let person = profile.transfer_number(now).filter(|number| !ends.loops_through(number, directory));
        person.cloned().map_or(Self::Voicemail, Self::Person)
    }

    /// Whom a caller in danger can be put through to, the best first: the hours do not count, loops do.
    #[must_use]
    pub fn in_danger(profile: &Profile, ends: &Ends<'_>, directory: &Directory, now: OffsetDateTime) -> Vec<Phone> {
        let transfer = &profile.transfer;
        let wanted = [&profile.emergency.to, &profile.transfer_number(now).cloned(), &transfer.to, &transfer.after_hours_to];
        let mut numbers: Vec<Phone> = Vec::new();
        for number in wanted.into_iter().flatten() {
            if !numbers.contains(number) && !ends.loops_through(number, directory) {
                numbers.push(number.clone());
            }
        }
        numbers
    }

    /// Says it in TwiML: before a person is dialled, `sentence`.
    #[must_use]
    pub fn twiml(&self, sentence: &str, profile: &Profile, ends: &Ends<'_>, server_url: &ServerUrl) -> String {
        match self {
            Self::Voicemail => twiml::voicemail(&profile.phrases.voicemail, &server_url.route("/twilio/voicemail")),
            Self::Person(number) => {
                let called = Phone::e164(ends.to).or_else(|| profile.phone_numbers.first().cloned());
                // Twilio dials for the caller or one of our numbers only (13214); a number always has one of the two.
                let caller_id = Phone::e164(ends.from).or(called).unwrap_or_else(|| number.clone());
                let ring_seconds = profile.transfer.ring.as_secs().max(1);
                twiml::person(sentence, number, &caller_id, ring_seconds, &server_url.route("/twilio/dial-ended"))
            }
        }
    }

    /// The number that is dialled, where one is.
    #[must_use]
    pub fn dialing(&self) -> Option<&Phone> {
        match self {
            Self::Person(number) => Some(number),
            Self::Voicemail => None,
        }
    }
}
