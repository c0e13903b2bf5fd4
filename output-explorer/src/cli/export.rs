//! `transaction export`: for a signer that was restored from a backup.

use super::handoff::pages;
use super::{Setup, say};
use crate::control::{Answer, HandoffAnswer, HandoffRequest, Request};
use crate::error::Error;
use crate::ledger::handoffs::Which;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::{BufWriter, Write, stdout};
use stegos_common::catch_up::{CatchUpHead, SignedRequest};

/// Write all signed transactions with their requests, for a signer that has forgotten some
#[derive(Args)]
#[command(after_help = "\
A signer that was restored from a backup does not know what it signed after that, and signs nothing new until
`cold-signer journal catch-up` has given it this file. The first line says how far the signer's journal was
seen here; each of the others is a request and its response, as both crossed the gap.

Example:
  output-explorer --network testnet transaction export > signed.jsonl")]
pub(super) struct Export {}

impl Export {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let mut asker = setup.asker()?;
        // First: whatever is signed later than this is behind it.
        let Answer::Status(status) = asker.ask(Request::Status)? else { return Err(Error::OtherAnswer) };
        let mut numbers = Vec::new();
        for page in pages(&mut asker, Which::Signed) {
            numbers.extend(page?.iter().map(|handoff| handoff.number));
        }
        let mut out = BufWriter::new(stdout().lock());
        let head = CatchUpHead {
            network: status.network,
            signer_journal: status.signer_journal.latest(),
            transactions: numbers.len() as u64,
        };
        write_line(&mut out, &head)?;
        // In the order in which they were asked for.
        for number in numbers.iter().rev() {
            let answer = asker.about_handoffs(HandoffRequest::Signed { number: *number })?;
            let HandoffAnswer::Signed { request, response } = answer else { return Err(Error::OtherAnswer) };
            let raw = |text: String| RawValue::from_string(text).map_err(|_| Error::OtherAnswer);
            let (request, response) = (raw(request)?, raw(response)?);
            write_line(&mut out, &SignedRequest { request: &request, response: &response })?;
        }
        out.flush().map_err(Error::Output)?;
        say(&format!("{} transactions", numbers.len()));
        Ok(())
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> Result<(), Error> {
    let written = serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from);
    written.and_then(|()| writeln!(out)).map_err(Error::Output)
}
