//! What a caller was heard to say, as far as it matters before the assistant asks for anything. It decides nothing: whoever
//! is misheard costs one look at the calendar.

/// How words begin that come before a question for times.
const BEGINNINGS: [&str; 13] = [
    "appointment",
    "appt",
    "available",
    "availability",
    "book",
    "schedul",
    "reschedul",
    "slot",
    "opening",
    "visit",
    "technician",
    "earliest",
    "soonest",
];
/// What is said in several words.
const PHRASES: [&str; 7] = ["come out", "come by", "come over", "come and", "send someone", "send somebody", "when can you"];

/// Whether somebody speaks of an appointment, be it half a sentence.
#[must_use]
pub fn speaks_of_appointment(words: &str) -> bool {
    let text = words.to_lowercase();
    let words = || text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let plain = words().collect::<Vec<_>>().join(" ");
    words().any(|word| BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)))
        || PHRASES.iter().any(|phrase| format!(" {plain} ").contains(&format!(" {phrase} ")))
}
