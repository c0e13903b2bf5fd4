//! `export`: what is final, for auditors and books.

use super::file::{begin, finish};
use super::{Setup, say};
use crate::control::{Answer, AskError, Request};
use crate::error::Error;
use crate::export::{Export, Format, What, epoch};
use clap::Args;
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Everything that is shown is final at the end of the epoch, so the same export later has the same rows. The last
row is a total; `balances` holds what came from outside, less withdrawals and fees, against what is there. Where
that differs the export is written all the same, and the exit code is 6. docs/exports.md describes every column.

Examples:
  output-explorer --network testnet export balances --out balances.csv
  output-explorer --network testnet export outputs --at-epoch 1200 --format jsonl --out outputs.jsonl
  output-explorer --network testnet export outputs --account alice --out alice.csv
  output-explorer --network testnet export transactions | column -s, -t
  output-explorer --network testnet export users";

/// Export users, outputs, balances or transactions for auditors and books
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Exports {
    /// What
    #[arg(value_enum)]
    what: What,
    /// Of this user alone; of transactions those that spend something of it, or pay to it
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// At the end of this epoch [default: the last one that is final]
    #[arg(long, value_name = "EPOCH")]
    at_epoch: Option<u64>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write it into this file, in one step, and not to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Exports {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Self { what, account, at_epoch, format, out } = self;
        let mut asker = setup.asker()?;
        let Answer::Status(status) = asker.ask(Request::Status)? else { return Err(Error::OtherAnswer) };
        let refused = |error: crate::ledger::query::EpochError| AskError::Refused(error.to_string());
        let epoch = epoch(at_epoch, status.epoch).map_err(refused)?;
        let export = Export { what, account, epoch, format };
        let mut write = |out: &mut dyn Write| export.write(&mut asker, out, &|| false);
        let unreconciled = match out {
            None => write(&mut BufWriter::new(stdout().lock()))?,
            Some(path) => {
                let failed = |source| Error::File { path: path.clone(), source };
                let mut out = BufWriter::new(begin(&path).map_err(failed)?);
                let unreconciled = write(&mut out)?;
                let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
                finish(&path, file, |file| Ok(file.persist(&path).map(drop)?)).map_err(failed)?;
                unreconciled
            }
        };
        say(&format!("{} at the end of epoch {epoch}", what.name()));
        if unreconciled == 0 { Ok(()) } else { Err(Error::Unreconciled(unreconciled)) }
    }
}
