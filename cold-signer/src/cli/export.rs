//! `key export-public`: accounts and addresses for the online host.

use super::StoreArgs;
use super::file::write_new;
use super::public::PublicFacts;
use crate::error::Error;
use clap::{Args, ValueEnum};
use std::borrow::Cow;
use std::io::{self, BufWriter, Write, stdout};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
It holds the master key and every key of the accounts that are not archived, and no secrets:
  jsonl  one JSON object per line: account, address, public_key, network, origin, archived,
         generation, current
  csv    a line of titles, then one line per key with the same columns (RFC 4180)
An account that was rotated has a line for each generation; the one to hand out is `current`.

Examples:
  cold-signer key export-public --out accounts.jsonl
  cold-signer key export-public --format csv";

/// Export accounts, addresses and public keys for the online host
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Export {
    /// How each account is written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Write to this file, which must not exist, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The formats of an export.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values with a line of titles
    Csv,
}

impl Export {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let keystore = store.open()?;
        let rows = || PublicFacts::all(&keystore, false);
        match self.out {
            None => Ok(self.format.write(rows(), stdout().lock())?),
            Some(path) => write_new(&path, |file| self.format.write(rows(), file)),
        }
    }
}

impl Format {
    /// Writes all rows and flushes.
    fn write<'a>(self, rows: impl Iterator<Item = PublicFacts<'a>>, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        if matches!(self, Self::Csv) {
            writeln!(out, "account,address,public_key,network,origin,archived,generation,current")?;
        }
        for row in rows {
            match self {
                Self::Jsonl => {
                    serde_json::to_writer(&mut out, &row)?;
                    writeln!(out)?;
                }
                Self::Csv => {
                    let PublicFacts {
                        account,
                        address,
                        public_key,
                        network,
                        origin,
                        archived,
                        generation,
                        current,
                    } = row;
                    write!(out, "{},{address},{public_key},{network},", csv_field(account))?;
                    writeln!(out, "{origin},{archived},{generation},{current}")?;
                }
            }
        }
        out.flush()
    }
}

/// A field of RFC 4180; account names hold no line breaks.
fn csv_field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_fields_are_quoted_where_needed() {
        assert_eq!(csv_field("alice"), "alice");
        assert_eq!(csv_field("a,b"), "\"a,b\"");
        assert_eq!(csv_field("a \"b\""), "\"a \"\"b\"\"\"");
    }
}
