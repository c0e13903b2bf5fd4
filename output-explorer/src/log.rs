//! What is said while a command runs: lines for people, or JSON for programs that gather logs.
//!
//! One thing that happened is one line. What a line says in words, its fields say once more, each by a name, where
//! there is more to know than the words. No secret is ever in either.

use crate::clock::now;
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use stegos_common::text::printable;

/// Who is told what happens.
pub type Log = fn(Line);

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// The words alone
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// All is well.
    Info,
    /// It is tried again, or somebody else has to do something.
    Warn,
    /// Something is broken.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    level: Level,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    /// All is well.
    pub fn info(message: impl Into<String>) -> Self {
        Self { level: Level::Info, message: message.into(), fields: Map::new() }
    }

    /// It is tried again, or somebody else has to do something.
    pub fn warn(message: impl Into<String>) -> Self {
        Self { level: Level::Warn, ..Self::info(message) }
    }

    /// Something is broken.
    pub fn error(message: impl Into<String>) -> Self {
        Self { level: Level::Error, ..Self::info(message) }
    }

    /// The same with a field; its name is none of `time`, `level` and `message`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    fn to_json(&self) -> String {
        let mut object = self.fields.clone();
        object.insert("time".to_owned(), now().to_string().into());
        object.insert("level".to_owned(), self.level.to_string().into());
        object.insert("message".to_owned(), self.message.as_str().into());
        Value::Object(object).to_string()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Whether lines are JSON. Every thread of the process writes to one standard error, in one form.
static JSON: AtomicBool = AtomicBool::new(false);

/// Writes all that is said from here on in this form, a panic too.
pub(crate) fn write_as(format: LogFormat) {
    if format == LogFormat::Json {
        JSON.store(true, Ordering::Relaxed);
        panic::set_hook(Box::new(|panic| tell(Line::error(panic.to_string()))));
    }
}

/// Tells what happened, on standard error.
pub(crate) fn tell(line: Line) {
    let text = if JSON.load(Ordering::Relaxed) { line.to_json() } else { printable(&line.to_string()) };
    // With standard error closed there is nobody to tell, and nobody to tell about that.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells the user something that is not the command's output.
pub(crate) fn say(text: &str) {
    tell(Line::info(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_one_object_whatever_it_says() {
        let line = Line::warn("two\nlines, \"quoted\"").with("epoch", 3).with("block_hash", "ab");
        let json = line.to_json();
        assert!(!json.contains('\n'), "{json}");
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&object["level"], &object["message"]), (&"warn".into(), &line.message.as_str().into()));
        assert_eq!((&object["epoch"], &object["block_hash"]), (&3.into(), &"ab".into()));
        assert!(object["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{json}");
    }
}
