//! What is said of a call that is put through.

use serde_json::json;

use super::Reply;
use crate::switchboard::PutThrough;

/// Nobody can be dialled, and no message can be recorded.
pub const NOBODY: &str = "Nobody can be reached right now. Please offer to take a message.";
const PERSON: &str = "One moment, I'm putting you through to a person.";
const VOICEMAIL: &str = "Nobody is free right now. You can leave a message after the tone.";
const UNSURE: &str = "I'm trying to put you through. If you still hear me in a moment, please ask me again.";
const FAILED: &str = "I can't put this call through right now, so the caller still speaks with you. Please say so, and offer to try again in a \
                      moment.";

impl Reply {
    /// What came of putting the call through.
    #[must_use]
    pub fn put_through(outcome: PutThrough) -> Self {
        let said = |sentence: &str, success: bool| Self::result(sentence.to_owned(), json!({ "success": success }));
        match outcome {
            PutThrough::Person => said(PERSON, true),
            PutThrough::Voicemail => said(VOICEMAIL, false),
            PutThrough::Nobody => Self { sticks: false, ..said(NOBODY, false) },
            PutThrough::Unsure => {
                let fields = json!({ "success": false, "pending": true });
                Self { sticks: false, ..Self::result(UNSURE.to_owned(), fields) }
            }
            PutThrough::Failed => Self::passing(FAILED),
        }
    }
}
