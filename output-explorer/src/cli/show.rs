//! Tables for people, JSON for machines.

use crate::control::{Event, PlaceText};
use crate::error::Error;
use crate::ledger::record::Sum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{Write, stdout};
use stegos_common::hash::Hash;

/// A table with these titles; the columns with these numbers are aligned to the right.
pub(super) fn table(titles: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(titles);
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Prints a table without the blanks that it leaves at the ends of lines.
pub(super) fn print(table: &Table) -> Result<(), Error> {
    let mut out = stdout().lock();
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()))?;
    }
    Ok(())
}

/// Prints one line.
pub(super) fn line(text: &str) -> Result<(), Error> {
    Ok(writeln!(stdout().lock(), "{text}")?)
}

/// Prints an answer as one JSON document.
pub(super) fn json(answer: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(answer).map_err(std::io::Error::other)?;
    line(&text)
}

/// Says where the next page begins.
pub(super) fn next(next: Option<PlaceText>) -> Result<(), Error> {
    next.map_or(Ok(()), |next| line(&format!("next: {}", next.0)))
}

/// An amount and the number of its outputs.
pub(super) fn sum(sum: &Sum) -> String {
    format!("{} in {} outputs", sum.amount, sum.outputs)
}

/// Where something happened.
pub(super) fn position(event: &Event) -> String {
    match event.offset {
        Some(offset) => format!("{}/{offset}", event.epoch),
        None => event.epoch.to_string(),
    }
}

/// What may be unknown.
pub(super) fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// The beginning of a transaction's id, as nodes show it.
pub(super) fn transaction(event: &Event) -> String {
    or_dash(event.transaction.as_ref().map(Hash::short))
}
