//! Under which key a tool call is remembered. With an id it is the id; the older form has none and is known by what it
//! asks for.

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::names::{Slug, ToolCallId};

/// How long the older form's answers are kept: it has no ids, so a wish may honestly be repeated later.
const WITHOUT_ID: Duration = Duration::HOUR;

/// How far back an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// Until it is cleared away with the rest of its call.
    Lasting,
    /// An hour.
    Hour,
    /// Only while the work runs.
    WhileRunning,
}

impl Memory {
    /// The oldest answer that counts at `now`; `None` when none does.
    #[must_use]
    pub fn reaches_back_to(self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Lasting => Some(OffsetDateTime::UNIX_EPOCH),
            Self::Hour => Some(now - WITHOUT_ID),
            Self::WhileRunning => None,
        }
    }
}

/// The name of one tool call among all that were ever heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// As the store has it.
    pub text: String,
    /// How long it counts.
    pub memory: Memory,
    /// Whether the tool changes anything.
    pub acts: bool,
    /// The beginning of all keys without id of this caller.
    pub caller: String,
}

/// What a key is made of besides the id.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose call.
    pub business: &'a Slug,
    /// The call, if there is one.
    pub call: Option<&'a str>,
    /// Who asks: the signalled number, else the dictated one; may be empty.
    pub caller: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// Whether it changes anything.
    pub acts: bool,
    /// What is asked for, in a form that does not depend on spelling and order.
    pub wish: &'a str,
}

impl Key {
    /// The key of a tool call with an id.
    #[must_use]
    pub fn with_id(asked: &Asked<'_>, id: &ToolCallId) -> Self {
        // Without a call the id alone could be another caller's: a model numbers its calls anew in every conversation.
        let whose = asked.call.map_or_else(|| format!("~{}", part(asked.caller)), part);
        let text = format!("id/{}/{whose}/{id}", asked.business);
        Self { text, memory: Memory::Lasting, acts: asked.acts, caller: caller_prefix(asked) }
    }

    /// The key of a tool call without one: by call, tool and arguments; without a call by what is wished and by whom.
    #[must_use]
    pub fn without_id(asked: &Asked<'_>) -> Self {
        let caller = caller_prefix(asked);
        let text = format!("{caller}{}/{}/{}", part(asked.call.unwrap_or_default()), asked.tool, digest(asked.wish));
        let memory = if asked.acts { Memory::Hour } else { Memory::WhileRunning };
        Self { text, memory, acts: asked.acts, caller }
    }
}

fn caller_prefix(asked: &Asked<'_>) -> String {
    format!("wish/{}/{}/", asked.business, part(asked.caller))
}

/// One part of a key: nothing that somebody else chose may look like the separator, or like the digest of something else.
fn part(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+')) {
        text.to_owned()
    } else {
        format!("~{}", digest(text))
    }
}

/// A short name of a long text.
#[must_use]
pub fn digest(text: &str) -> String {
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    hash.get(..32).unwrap_or_default().to_owned()
}
