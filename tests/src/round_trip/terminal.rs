//! What is shown: sentences, commands as they would be typed, and what they said.

use super::error::Error;
use std::io::{Write, stdout};

/// The width of a terminal, in columns.
const WIDTH: usize = 100;

/// What is wider than this says nothing to people, and is cut. Tables with an address fit.
const WIDEST: usize = 110;

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

/// Shows a line of a program's output, or the beginning of one that nobody would read.
pub(super) fn quote(line: &str) -> Result<(), Error> {
    match line.char_indices().nth(WIDTH - 4).filter(|_| line.chars().count() > WIDEST) {
        Some((end, _)) => show(&format!("  {} …", line.split_at(end).0)),
        None => show(format!("  {line}").trim_end()),
    }
}

/// Shows all of a JSON text, on as many lines as it takes.
pub(super) fn quote_json(text: &str) -> Result<(), Error> {
    lines(text.split_inclusive(','), "").iter().try_for_each(|line| quote(line))
}

/// A command as it would be typed.
pub(super) fn typed(words: &[&str]) -> String {
    let word = |word: &&str| if word.contains([' ', '"']) { format!("'{word}'") } else { (*word).to_owned() };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Shows a command as it would be typed, on as many lines as it takes.
pub(super) fn show_command(words: &[&str]) -> Result<(), Error> {
    // An option and its value stay together.
    let mut parts: Vec<String> = Vec::new();
    for word in words {
        let word = typed(&[word]);
        match parts.last_mut() {
            Some(option) if option.starts_with("--") && !option.contains(' ') && !word.starts_with('-') => {
                option.extend([" ", &word]);
            }
            _ => parts.push(word),
        }
    }
    let lines = lines(parts.iter().map(String::as_str), " ");
    show(&format!("$ {}", lines.join(" \\\n    ")))
}

/// Fills lines with parts, none of which is broken.
fn lines<'a>(parts: impl Iterator<Item = &'a str>, between: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + between.len() + part.len() <= WIDTH - 6 => {
                line.extend([between, part]);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}
