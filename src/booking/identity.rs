//! The names that we give: event ids that are the same for every repetition, and codes that can be said on the telephone.

use data_encoding::BASE32HEX_NOPAD;
use rand::Rng;
use sha2::{Digest, Sha256};

use crate::names::{BookingId, EventId, Slug};

/// Letters and digits that are hard to mistake for one another when they are spoken.
const SAYABLE: &[u8] = b"AFHJKLMRUWXY2346789";
/// Nineteen to the sixth power: 47 million codes for each business.
const CODE_CHARS: usize = 6;

/// The id of a booking's event: Google takes `a`–`v` and `0`–`9` (base32hex). A retry derives the same id and so finds
/// the first one; a new generation derives another.
#[expect(clippy::expect_used, reason = "the base32hex of a SHA-256 is 52 legal characters, whatever was hashed")]
pub(super) fn event_id(business: &Slug, booking: BookingId, generation: u32) -> EventId {
    let hash = Sha256::digest(format!("{business}/{booking}/{generation}"));
    EventId::parse(&BASE32HEX_NOPAD.encode(&hash).to_ascii_lowercase()).expect("base32hex is a legal event id")
}

/// A fresh confirmation code. It may be in use: the store tells.
pub(super) fn confirmation_code() -> String {
    let mut random = rand::rng();
    (0..CODE_CHARS).filter_map(|_| SAYABLE.get(random.random_range(0..SAYABLE.len()))).map(|byte| char::from(*byte)).collect()
}
