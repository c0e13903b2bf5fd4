//! Foreign text in our messages.

/// The most characters of a foreign text that a message repeats.
const MOST: usize = 200;

/// Enough of a foreign text to recognise it: neither long enough to flood a log, nor with control characters
/// that a terminal would obey.
#[must_use]
pub fn excerpt(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MOST).collect()
}
