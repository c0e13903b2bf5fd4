//! `reserves verify-assets`: whether the keys are held, and the outputs are worth what is owed.

use super::{MAX_LIST, MAX_PROOF, asker_of, read};
use crate::cli::{Setup, show};
use crate::control::{Answer, OutputRow, Request};
use crate::error::Error;
use clap::Args;
use std::path::PathBuf;
use stegos_common::reserves::{Asset, Assets, Attestation, Proved, Root};

/// So many outputs are asked about at once.
const ROWS: usize = 1000;

/// Check that keys of outputs are held, and that the outputs are worth what is owed
#[derive(Args)]
#[command(after_help = "\
Take the root from where it is published. Where keys lie in several stores, name an attestation of each; together
they must have all keys of the list. Without --ledger it needs neither a ledger nor a network, and cannot tell
whether the outputs exist; with it, they are looked up in the ledger of this explorer, which may be running, and
must have been there, with this recipient and amount, final and not spent at the end of the root's epoch.
Exit code 0 says that it is proved and enough, 6 that it is proved and less than what is owed, 1 that it is not
proved.

Examples:
  output-explorer reserves verify-assets attestation.json --root root.json --outputs assets.json
  output-explorer --network testnet reserves verify-assets hot.json cold.json --root root.json --outputs assets.json
    --ledger")]
pub(in crate::cli) struct VerifyAssets {
    /// What `cold-signer attest` wrote
    #[arg(required = true, value_name = "ATTESTATION")]
    attestations: Vec<PathBuf>,
    /// What is published
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The list of outputs
    #[arg(long, value_name = "FILE")]
    outputs: PathBuf,
    /// Look the outputs up in the ledger, too
    #[arg(long)]
    ledger: bool,
}

impl VerifyAssets {
    pub(super) const fn needs_ledger(&self) -> bool {
        self.ledger
    }

    pub(super) fn run(self, setup: Option<&Setup>) -> Result<(), Error> {
        let root: Root = read(&self.root, MAX_PROOF)?;
        let assets: Assets = read(&self.outputs, MAX_LIST)?;
        let attestations = self.attestations.iter().map(|path| read(path, MAX_LIST));
        let attestations = attestations.collect::<Result<Vec<Attestation>, _>>()?;
        let proved = Proved::new(&root, &assets, &attestations)?;
        if let Some(setup) = setup {
            look_up(setup, &root, &assets)?;
        }
        let looked = if setup.is_some() { "in the ledger" } else { "not looked up: see --ledger" };
        let after = format!("after epoch {} of {} ({looked})", root.epoch, root.network);
        if proved.is_enough() {
            show::line(&format!("OK: {proved}, {after}"))
        } else {
            Err(Error::LessThanOwed { proved, after })
        }
    }
}

/// Whether the ledger has these outputs as the list has them.
fn look_up(setup: &Setup, root: &Root, assets: &Assets) -> Result<(), Error> {
    let mut asker = asker_of(setup, root)?;
    for page in assets.outputs.chunks(ROWS) {
        let output_hashes = page.iter().map(|asset| asset.output_hash).collect();
        let Answer::Lookup { outputs, unknown } = asker.ask(Request::Lookup { output_hashes })? else {
            return Err(Error::OtherAnswer);
        };
        if let Some(output) = unknown.first() {
            return Err(Error::NotThere { output: *output, reason: "no block made it" });
        }
        // Each answer must be about what was asked, or a listed output was not looked at.
        if outputs.len() != page.len() {
            return Err(Error::OtherAnswer);
        }
        for (asset, found) in page.iter().zip(&outputs) {
            if found.output.output_hash != asset.output_hash {
                return Err(Error::OtherAnswer);
            }
            if let Some(reason) = objection(root.epoch, asset, &found.output) {
                return Err(Error::NotThere { output: asset.output_hash, reason });
            }
        }
    }
    Ok(())
}

/// Why an output does not count.
fn objection(epoch: u64, asset: &Asset, found: &OutputRow) -> Option<&'static str> {
    if found.recipient != Some(asset.recipient) {
        Some("it has another recipient")
    } else if found.amount != Some(asset.amount) {
        Some("it has another amount")
    } else if found.created.epoch > epoch {
        Some("it was made later")
    } else if found.spent.is_some_and(|spent| spent.epoch <= epoch) {
        Some("it was spent by then")
    } else {
        None
    }
}
