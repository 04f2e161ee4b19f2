//! How long the tests may take: a few rounds of what is left to chance usually, many with `tests/run --full`.

/// So many rounds usually, and so many where time does not matter.
#[expect(clippy::disallowed_methods, reason = "the only place where a test asks how much is wanted of it")]
pub fn rounds(usual: usize, full: usize) -> usize {
    if std::env::var("RINGBOOK_TESTS_FULL").is_ok_and(|value| value == "1") { full } else { usual }
}
