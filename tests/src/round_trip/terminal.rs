//! What is shown: sentences, commands as they would be typed, and what they said.

use super::error::Error;
use std::io::{Write, stdout};

/// The width of a terminal, in columns. Ids and addresses may be longer.
const WIDTH: usize = 100;

/// Says what comes next.
pub(super) fn narrate(text: &str) -> Result<(), Error> {
    show(&format!("\n{text}"))
}

/// Shows a line as it is.
pub(super) fn show(line: &str) -> Result<(), Error> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Shows a line of a program's output.
pub(super) fn quote(line: &str) -> Result<(), Error> {
    show(format!("  {line}").trim_end())
}

/// Shows the beginning of what is long and says nothing to people.
pub(super) fn quote_start(text: &str) -> Result<(), Error> {
    match text.char_indices().nth(WIDTH - 4) {
        Some((end, _)) => quote(&format!("{} …", text.split_at(end).0)),
        None => quote(text),
    }
}

/// A command as it would be typed.
pub(super) fn typed(words: &[&str]) -> String {
    let word = |word: &&str| if word.contains([' ', '"']) { format!("'{word}'") } else { (*word).to_owned() };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Shows a command as it would be typed, on as many lines as it takes.
pub(super) fn show_command(words: &[&str]) -> Result<(), Error> {
    let mut line = "$".to_owned();
    for word in words {
        let word = typed(&[word]);
        if line.len() + 1 + word.len() > WIDTH - 2 {
            show(&format!("{line} \\"))?;
            line = "   ".to_owned();
        }
        line = format!("{line} {word}");
    }
    show(&line)
}
