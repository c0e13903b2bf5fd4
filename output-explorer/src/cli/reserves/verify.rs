//! `reserves verify`: a user's check of the own balance.

use super::{MAX_PROOF, read};
use crate::cli::show;
use crate::error::Error;
use crate::reserves::Proof;
use clap::Args;
use std::path::PathBuf;
use stegos_common::reserves::Root;

/// Check the proof of a user; needs neither a ledger nor a network
#[derive(Args)]
#[command(after_help = "\
Take the root from where it is published for everybody, not from whoever sent the proof. Exit code 0 says that
the account with this balance is in the total, 1 that it is not.

Example:
  output-explorer reserves verify proof.json --root root.json --account alice")]
pub(in crate::cli) struct Verify {
    /// The user's file
    proof: PathBuf,
    /// What is published
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The account that it must be about
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
}

impl Verify {
    pub(in crate::cli) fn run(self) -> Result<(), Error> {
        let (proof, root): (Proof, Root) = (read(&self.proof, MAX_PROOF)?, read(&self.root, MAX_PROOF)?);
        proof.check(&root)?;
        if let Some(wanted) = self.account.filter(|wanted| *wanted != proof.account) {
            return Err(Error::OtherAccount { found: proof.account, wanted });
        }
        show::line(&format!(
            "OK: account {:?} is counted with {} in the total of {}, after epoch {} of {}",
            proof.account, proof.amount, root.total, root.epoch, root.network
        ))
    }
}
