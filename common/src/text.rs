//! Foreign text in our messages.

/// The most characters of a foreign text that a message repeats.
const MOST: usize = 200;

/// Enough of a foreign text to recognise it: not long enough to flood a log, and harmless to a terminal.
#[must_use]
pub fn excerpt(text: &str) -> String {
    text.chars().map(harmless).take(MOST).collect()
}

/// A message with its lines, whatever foreign text is in it: harmless to a terminal.
#[must_use]
pub fn printable(message: &str) -> String {
    let shown = |character| if matches!(character, '\n' | '\t') { character } else { harmless(character) };
    message.chars().map(shown).collect()
}

/// A mark in place of whatever a terminal would obey instead of show, such as escapes and changes of direction.
fn harmless(character: char) -> char {
    // Behind a letter, because marks that are put upon one are shown there.
    let escaped = ['a', character].iter().collect::<String>().escape_debug().count();
    let is_shown = !character.is_control() && escaped <= 3;
    if is_shown { character } else { '\u{fffd}' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("Привет, \"мир\" \\ 🦀"), "Привет, \"мир\" \\ 🦀");
        for character in
            ['\u{1b}', '\n', '\r', '\u{7}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}']
        {
            assert_eq!(excerpt(&format!("a{character}b")), "a\u{fffd}b", "{character:?}");
        }
        assert_eq!(excerpt(&"x".repeat(1000)).len(), 200);
        assert_eq!(printable("two\nlines\t\x1b[2J"), "two\nlines\t\u{fffd}[2J");
        assert_eq!(printable("e\u{301}, हिन्दी, ไทย"), "e\u{301}, हिन्दी, ไทย");
        assert_eq!(printable(&"x".repeat(1000)).len(), 1000);
    }
}
