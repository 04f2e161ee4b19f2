//! Words that did not reach their reader: the operator hears of them, and the business where a caller may wait for them.

use super::{Done, Outbox};
use crate::booking::words;
use crate::business::profile::{Occasion, Profile};
use crate::clock::epoch_ms;
use crate::names::{BookingId, BookingState, Phone, Slug};
use crate::store;
use crate::store::bookings::BookingRow;
use crate::store::jobs::{Job, LeasedJob, Matter, Outcome, Sms};
use crate::store::texts::Fate;

/// Twilio's code for somebody who has answered STOP.
pub(super) const OPTED_OUT: u32 = 21_610;
/// Twilio's codes for numbers that take no SMS, landlines for the most part.
const LANDLINE: [u32; 2] = [21_614, 30_006];
/// Twilio's codes for numbers that nobody reaches, or that let nobody through.
const OUT_OF_REACH: [u32; 7] = [21_211, 21_214, 21_217, 21_612, 30_003, 30_004, 30_005];

/// What stands in the place of a cause when the process did not live to see the answer.
const CUT_SHORT: &str = "it was under way when the process ended";

/// After so many attempts to learn what became of a booking the business hears that its caller is waiting: after about eight
/// minutes, with the pauses between them.
const LONG_IN_DOUBT: u32 = 9;

/// Why an SMS is not known to be on its way to its reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsent {
    #[error("Twilio refused with code {code}")]
    Refused { code: u32 },
    #[error("it was not delivered, with code {code}")]
    Undelivered { code: u32 },
    #[error("its reader wants no SMS from this sender")]
    OptedOut,
    #[error("its reader is a number of our own")]
    OwnNumber,
    #[error("it is not known whether it was sent: {0}")]
    Uncertain(String),
    #[error("{0}")]
    GivenUp(String),
}

impl Unsent {
    fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code } | Self::Undelivered { code } => Some(*code),
            Self::OptedOut => Some(OPTED_OUT),
            Self::OwnNumber | Self::Uncertain(_) | Self::GivenUp(_) => None,
        }
    }

    /// Whether no operator can mend it: it lies with the reader's number.
    fn lies_with_the_reader(&self) -> bool {
        let known = |code| code == OPTED_OUT || LANDLINE.contains(&code) || OUT_OF_REACH.contains(&code);
        matches!(self, Self::OwnNumber) || self.code().is_some_and(known)
    }

    /// For the business.
    fn in_words(&self) -> &'static str {
        match (self, self.code()) {
            (Self::Uncertain(_), _) => "it is not known whether it was sent",
            (Self::OwnNumber, _) => "it is a number of the business itself",
            (_, Some(OPTED_OUT)) => "they asked for no more text messages",
            (_, Some(code)) if LANDLINE.contains(&code) => "the number takes no text messages, perhaps a landline",
            (_, Some(code)) if OUT_OF_REACH.contains(&code) => "the number cannot be reached by text message",
            (_, Some(30_034)) => "the sender is not registered for text messages in the USA",
            (_, Some(30_007)) => "the network held it back as unwanted",
            _ => "it could not be sent",
        }
    }
}

impl Outbox {
    /// Ends a job for good, after everybody who should has heard of it.
    pub(super) async fn give_up(&self, leased: &LeasedJob, why: &Unsent) -> Result<(), store::Error> {
        match &leased.job {
            Job::Sms(sms) => self.word_is_lost(&leased.key, sms, why).await?,
            Job::Tell(outcome) => {
                self.alert_of(&format!("alert/{}", leased.key), &outcome.business, &outcome.to, why).await?;
                self.may_be_unheard(&leased.key, outcome).await?;
            }
            Job::ForgetCall { business, call } => {
                self.is_not_erased(leased, Some(business), &format!("Vapi did not delete the call {call}"), why).await?;
            }
            Job::EraseRecording { business, recording_sid } => {
                let what = format!("Twilio did not delete the recording {recording_sid}");
                self.is_not_erased(leased, business.as_ref(), &what, why).await?;
            }
            _ => {}
        }
        let is_usual = matches!(&leased.job, Job::Sms(sms) if sms.matter.kind() == "confirmation" && why.lies_with_the_reader());
        if is_usual {
            tracing::info!(job.kind = leased.job.kind(), cause = %why, "a confirmation does not reach its reader");
        } else {
            tracing::error!(job.kind = leased.job.kind(), cause = %why, "a job was given up");
        }
        self.store.fail_job(leased, &why.to_string(), None).await.map(drop)
    }

    /// Jobs that must not be run twice, and whose process did not live to end them: nobody knows whether they were done.
    pub(super) async fn look_for_broken_off(&self) -> Result<(), store::Error> {
        while let Some(leased) = self.store.take_broken_off(self.clock.now(), super::LEASE).await? {
            self.give_up(&leased, &Unsent::Uncertain(CUT_SHORT.into())).await?;
        }
        Ok(())
    }

    /// An SMS did not reach its reader: that is kept, and told to whoever can do something about it. `key` is its job's.
    pub(super) async fn word_is_lost(&self, key: &str, sms: &Sms, why: &Unsent) -> Result<(), store::Error> {
        let (business, now) = (&sms.business, self.clock.now());
        self.store.keep_text(key, sms, Fate::Lost, &why.to_string(), now).await?;
        if is_waited_for(sms, why)
            && let Some(profile) = self.directory.by_slug(business)
        {
            let who = self.customer(sms.matter.booking(), &sms.to).await?;
            self.tell_business(&format!("uncertain/{key}"), &profile, lost(&profile, sms, why, &who)).await?;
        }
        match (&sms.matter, why.code()) {
            // What the caller has heard needs no writing: nobody is to be woken for a landline.
            (Matter::Confirmation(_), _) if why.lies_with_the_reader() => Ok(()),
            // A sender that is not in order fails with every caller: once a day says it.
            (Matter::Confirmation(_), Some(code)) => {
                self.alert_of(&format!("alert/sms/{business}/{code}/{}", now.date()), business, &sms.to, why).await
            }
            _ => self.alert_of(&format!("alert/{key}"), business, &sms.to, why).await,
        }
    }

    /// A success may have been heard in the call or not, and must not be told twice: a person can ask.
    pub(super) async fn may_be_unheard(&self, key: &str, outcome: &Outcome) -> Result<(), store::Error> {
        if outcome.text.is_empty() {
            return Ok(());
        }
        let Some(profile) = self.directory.by_slug(&outcome.business) else { return Ok(()) };
        let who = self.customer(Some(outcome.booking), &outcome.to).await?;
        let text = format!(
            "{}: Please call {who}. They were told that it is being arranged, and it is not known whether they have heard this: \"{}\"",
            profile.name, outcome.text
        );
        self.tell_business(&format!("uncertain/{key}"), &profile, text).await
    }

    /// A booking whose caller was told that it is being arranged, and of which nothing is known for long.
    pub(super) async fn in_doubt(&self, leased: &LeasedJob, profile: &Profile, row: &BookingRow) -> Result<Done, store::Error> {
        let change = match row.state {
            BookingState::Moving | BookingState::Cancelling => self.store.change_of(row.id).await?,
            _ => None,
        };
        let promised = change.as_ref().map_or(row.promised, |change| change.promised);
        if promised && leased.attempts >= LONG_IN_DOUBT {
            let asked = change.map_or_else(|| row.tool_call_id.clone(), |change| change.tool_call_id);
            let text = words::in_doubt(profile, row, profile.zone.date(self.clock.now()));
            self.tell_business(&format!("uncertain/{}/{asked}", row.id), profile, text).await?;
        }
        Ok(Done::NotYet("its outcome is still not known".into()))
    }

    async fn tell_business(&self, key: &str, profile: &Profile, text: String) -> Result<(), store::Error> {
        let occasion = Occasion::BookingUncertain.as_str().to_owned();
        let job = Job::Notify { business: profile.slug.clone(), occasion, text };
        self.store.enqueue(key, &job, self.clock.now()).await.map(drop)
    }

    async fn alert_of(&self, key: &str, business: &Slug, to: &Phone, why: &Unsent) -> Result<(), store::Error> {
        let now = self.clock.now();
        let text = format!("An SMS to {to:?} was given up: {why}.");
        let alert = Job::Alert { what: "sms_given_up".into(), business: Some(business.clone()), text, since_ms: epoch_ms(now) };
        self.store.enqueue(key, &alert, now).await.map(drop)
    }

    /// What somebody has a right to see gone is still there: a person must delete it.
    async fn is_not_erased(
        &self,
        leased: &LeasedJob,
        business: Option<&Slug>,
        what: &str,
        why: &Unsent,
    ) -> Result<(), store::Error> {
        let now = self.clock.now();
        let text = format!("{what}: {why}. Please delete it there.");
        let alert = Job::Alert { what: "erasure_given_up".into(), business: business.cloned(), text, since_ms: epoch_ms(now) };
        self.store.enqueue(&format!("alert/{}", leased.key), &alert, now).await.map(drop)
    }

    /// Whom the business can call.
    async fn customer(&self, booking: Option<BookingId>, number: &Phone) -> Result<String, store::Error> {
        let row = match booking {
            Some(booking) => self.store.booking(booking).await?,
            None => None,
        };
        Ok(row.map_or_else(|| number.as_str().to_owned(), |row| words::customer(&row)))
    }
}

/// Whether a caller may wait in vain for this, or not know of it.
fn is_waited_for(sms: &Sms, why: &Unsent) -> bool {
    match sms.matter {
        Matter::Outcome(_) => true,
        Matter::Confirmation(_) => matches!(why, Unsent::Uncertain(_)),
        Matter::Notice | Matter::Apology(_) => false,
    }
}

fn lost(profile: &Profile, sms: &Sms, why: &Unsent, who: &str) -> String {
    let (name, text, reason) = (&profile.name, &sms.text, why.in_words());
    if matches!(sms.matter, Matter::Outcome(_)) {
        return format!(
            "{name}: Please call {who}. They were told that it is being arranged, and this may not have reached them ({reason}): \"{text}\""
        );
    }
    format!("{name}: {who} may not have got this text message ({reason}): \"{text}\"")
}
