//! Why a webhook is not proven, in words for the log.

/// Why a request is not proven: for the log, with the name of the header and without its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// None of the headers that could prove it is there, or they are empty.
    #[error("no proof: none of {accepted} is there")]
    Absent {
        /// The headers that would have counted.
        accepted: String,
    },
    /// Which of the two was meant cannot be known, so neither is.
    #[error("{header} was given twice")]
    Twice {
        /// Which.
        header: String,
    },
    /// It does not begin as `VAPI_HMAC_PREFIX` or the scheme `Bearer` demands.
    #[error("{header} does not begin with {expected:?}")]
    Prefix {
        /// Which.
        header: String,
        /// What it should begin with.
        expected: String,
    },
    /// Not as long as a signature of that hash is.
    #[error("{header} has {bytes} characters, a signature has {expected}")]
    Length {
        /// Which.
        header: String,
        /// What came, without its prefix.
        bytes: usize,
        /// What should have come.
        expected: usize,
    },
    /// Not lower-case hex, or not strict base64.
    #[error("{header} is not written in {encoding}")]
    Encoding {
        /// Which.
        header: String,
        /// How it should be written.
        encoding: &'static str,
    },
    /// The signature covers a timestamp, and there is none.
    #[error("{header} is missing")]
    Unstamped {
        /// Which.
        header: String,
    },
    /// Not a whole number of seconds or milliseconds since 1970.
    #[error("{header} cannot be read as a time")]
    Timestamp {
        /// Which.
        header: String,
    },
    /// Too old, or too far ahead.
    #[error("{header} is {off_seconds} s off, {tolerance_seconds} s are allowed")]
    Stale {
        /// Which.
        header: String,
        /// How far, either way.
        off_seconds: u64,
        /// How far it may be.
        tolerance_seconds: u64,
    },
    /// Well formed, and made with another secret or for another body.
    #[error("{header} matches no secret")]
    Mismatch {
        /// Which.
        header: String,
    },
}
