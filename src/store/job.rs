//! What can be left to follow, as it is kept.

use serde::{Deserialize, Serialize};

use super::texts::Sms;
use crate::names::{BookingId, CallSid, Phone, Slug, VapiCallId};

/// What stands before a recording's name in the key of the job that deletes it.
pub const ERASE: &str = "erase/";

/// What came of a booking, for a caller who was told that it is being arranged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose booking it is.
    pub business: Slug,
    /// Which.
    pub booking: BookingId,
    /// Whether the event exists: a success is told once at most, anything else once at least.
    pub booked: bool,
    /// The call in which it was asked for, as [`BookingRow::call_id`](super::bookings::BookingRow::call_id) has it.
    pub call_id: String,
    /// For the assistant, while that call lasts: one line, without anything that a caller has said.
    pub spoken: String,
    /// Who gets the SMS when it does not.
    pub to: Phone,
    /// The SMS; at most 1600 characters. Empty where nothing is sent.
    pub text: String,
    /// The SMS that confirms in writing what was heard in the call; empty where there is nothing to confirm.
    #[serde(default)]
    pub confirmation: String,
}

/// Something that must happen after an answer was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Send a text message.
    Sms(Sms),
    /// Look what became of a text message that Twilio took.
    Delivery {
        /// The key of the job that sent it.
        of: String,
        /// Twilio's name of it.
        sid: String,
        /// The message.
        sms: Sms,
    },
    /// Delete a recording at Twilio, and then here.
    EraseRecording {
        /// Whose Twilio account has it, if that is known.
        business: Option<Slug>,
        /// Twilio's name of it.
        recording_sid: String,
    },
    /// Tell the operator.
    Alert {
        /// What kind, in snake case.
        what: String,
        /// Whose trouble it is.
        business: Option<Slug>,
        /// In words, without secrets and numbers in full.
        text: String,
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
    },
    /// Tell the business by SMS, if its file asks for this occasion.
    Notify {
        /// Which business.
        business: Slug,
        /// As in `[notify]`.
        occasion: String,
        /// Without secrets.
        text: String,
    },
    /// Tell a caller who was answered "being arranged" what came of it: in the live call, else by SMS.
    Tell(Outcome),
    /// Look whether Vapi ever said a word about a call that has ended.
    SilentCall {
        /// Which call.
        sid: CallSid,
    },
    /// Give a disconnected account's access back to Google, which could not be asked when its owner left.
    Revoke {
        /// Whose it was.
        business: Slug,
        /// The account's own name: where it is connected again, its consent is in use and stays.
        address: String,
        /// The refresh token, sealed.
        sealed: String,
    },
    /// Finish a booking whose outcome was not known when its caller was answered.
    Settle {
        /// Which booking.
        booking: BookingId,
    },
    /// Look once more at the time of a booking that has just been confirmed: somebody may have put an entry there in that instant.
    LookBack {
        /// Which booking.
        booking: BookingId,
    },
    /// Take the booking of a test out again.
    EndTest {
        /// Which booking.
        booking: BookingId,
    },
    /// Ask Vapi how a call went whose report has not come.
    FetchReport {
        /// Whose call.
        business: Slug,
        /// Which.
        call: VapiCallId,
    },
    /// Delete a call with its recording and its transcript at Vapi: somebody in it is erased.
    ForgetCall {
        /// Whose call.
        business: Slug,
        /// Which.
        call: VapiCallId,
    },
}

impl Job {
    /// Its kind, for a log: keys hold telephone numbers.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sms(_) => "sms",
            Self::Delivery { .. } => "delivery",
            Self::EraseRecording { .. } => "erase_recording",
            Self::Alert { .. } => "alert",
            Self::Notify { .. } => "notify",
            Self::Tell(_) => "tell",
            Self::SilentCall { .. } => "silent_call",
            Self::Revoke { .. } => "revoke",
            Self::Settle { .. } => "settle",
            Self::LookBack { .. } => "look_back",
            Self::EndTest { .. } => "end_test",
            Self::FetchReport { .. } => "fetch_report",
            Self::ForgetCall { .. } => "forget_call",
        }
    }
}
