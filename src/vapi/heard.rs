//! What a caller was heard to say: whether they speak of an appointment, which costs one look at the calendar where they were
//! misheard, whether they said what their business wants to hear before anything is booked, and whether they are in danger.

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
    let said = plain(words);
    said.split(' ').any(|word| BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)))
        || PHRASES.iter().any(|phrase| said.contains(&plain(phrase)))
}

/// Whether one of these words or phrases was said: whole words, whatever their case and what stands between them.
#[must_use]
pub fn says_one_of(words: &str, phrases: &[String]) -> bool {
    which_was_said(words, phrases).is_some()
}

/// The first of these words or phrases that was said, in the same sense.
#[must_use]
pub fn which_was_said<'a>(words: &str, phrases: &'a [String]) -> Option<&'a str> {
    let said = plain(words);
    let was_said =
        |phrase: &&String| Some(plain(phrase)).is_some_and(|phrase| !phrase.trim().is_empty() && said.contains(&phrase));
    phrases.iter().find(was_said).map(String::as_str)
}

/// The words alone, in lower case, with one space around each.
fn plain(text: &str) -> String {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}
