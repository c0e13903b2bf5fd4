//! Rows as text.

use super::{ExportError, Format};
use serde::Serialize;
use std::io::{self, Write};

/// Rows of one kind, and how many there are.
pub(super) struct Sheet<W: Write> {
    rows: u64,
    text: Text<W>,
}

enum Text<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Sheet<W> {
    pub(super) fn new(format: Format, out: W) -> Self {
        let text = match format {
            Format::Csv => Text::Csv(Box::new(csv::Writer::from_writer(out))),
            Format::Jsonl => Text::Jsonl(out),
        };
        Self { rows: 0, text }
    }

    /// Writes a row, which gets its number.
    pub(super) fn write<R: Serialize>(&mut self, row: impl FnOnce(u64) -> R) -> Result<(), ExportError> {
        self.rows += 1;
        self.put(&row(self.rows))
    }

    /// Writes the last row, which gets the number of the others.
    pub(super) fn total<R: Serialize>(&mut self, row: impl FnOnce(u64) -> R) -> Result<(), ExportError> {
        self.put(&row(self.rows))
    }

    fn put(&mut self, row: &impl Serialize) -> Result<(), ExportError> {
        let written = match &mut self.text {
            Text::Csv(out) => out.serialize(row).map_err(io::Error::from),
            Text::Jsonl(out) => {
                serde_json::to_writer(&mut *out, row).map_err(io::Error::from).and_then(|()| writeln!(out))
            }
        };
        Ok(written?)
    }

    pub(super) fn flush(&mut self) -> Result<(), ExportError> {
        let flushed = match &mut self.text {
            Text::Csv(out) => out.flush(),
            Text::Jsonl(out) => out.flush(),
        };
        Ok(flushed?)
    }
}
