//! `attest`: that this store holds the keys of outputs, for a proof of reserves.

use super::file::{read_public, require_new, write_new};
use super::{StoreArgs, is_typed, warn_of};
use crate::attest::Holders;
use crate::error::Error;
use crate::process::{Needs, protect};
use clap::Args;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use stegos_common::address::EncodedAddress;
use stegos_common::amount::Amount;
use stegos_common::reserves::{Asset, Assets, MAX_DOCUMENT, MAX_ROOT, Root, Statement};

/// So many keys that are not here are named.
const NAMED: usize = 10;

/// Show that the keys of outputs are held here, for a proof of reserves
#[derive(Args)]
#[command(after_help = "\
ROOT is what `output-explorer reserves create` published, --outputs the list that `output-explorer reserves
assets` wrote for it. Each key signs once: these debts, these outputs, this epoch, this key. What is signed can
never be a transaction, and nothing is spent; it does not go through policy and journal. Whether there are such
outputs, this host cannot tell: look at the amounts. Exit code 3 says that it was refused: another network, or
a key that is not held, or of an archived account. docs/reserves.md says what an attestation proves.

Examples:
  cold-signer attest root.json --outputs assets.json --out attestation.json
  cold-signer attest root.json --outputs assets.json --out attestation.json --skip-unowned --yes")]
pub(super) struct Attest {
    /// The published root of the debts
    root: PathBuf,
    /// The list of outputs
    #[arg(long, value_name = "FILE")]
    outputs: PathBuf,
    /// Write the attestation to this file, which must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Sign with the keys that are here, where others are in other stores
    #[arg(long)]
    skip_unowned: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Attest {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let root: Root = read(&self.root, MAX_ROOT)?;
        let assets: Assets = read(&self.outputs, MAX_DOCUMENT)?;
        let statement = Statement::new(&root, &assets)
            .map_err(|source| Error::Assets { path: self.outputs.clone(), source })?;
        require_new(&self.out)?;
        let locked = store.lock()?;
        // Before the passphrase is asked in vain.
        let (store_network, network) = (locked.network(), root.network);
        if store_network != network {
            return Err(Error::OtherNetwork { store: store_network, network });
        }
        let passphrase = store.passphrase()?;
        let out = self.out.parent().map(Path::to_owned);
        let write = [store.data_dir()?].into_iter().chain(out).collect();
        for gap in protect(&Needs { write, ..Needs::default() }) {
            warn_of(&gap);
        }
        let keystore = locked.unlock(&passphrase)?;
        let holders = Holders::of(&assets, &keystore);
        if holders.held.is_empty() || !(holders.others.is_empty() || self.skip_unowned) {
            return Err(Error::NotHeld(named(&holders.others)));
        }
        writeln!(stdout(), "{}", summary(&root, &assets, &statement, &holders))?;
        if !self.yes && !is_typed("Sign that these keys are held? Type \"attest\": ", "attest")? {
            return Err(Error::NotSigned);
        }
        let attestation = holders.attest(&statement).map_err(Error::WrongSignature)?;
        write_new(&self.out, |file| {
            serde_json::to_writer(&mut *file, &attestation)?;
            writeln!(file)
        })?;
        writeln!(stdout(), "{} keys signed: {}", holders.held.len(), self.out.display())?;
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &Path, limit: usize) -> Result<T, Error> {
    let text = read_public(path, limit)?;
    serde_json::from_str(&text).map_err(|source| Error::Document { path: path.to_owned(), source })
}

/// The first of these, and how many more there are.
fn named(addresses: &[EncodedAddress]) -> String {
    let first: Vec<String> = addresses.iter().take(NAMED).map(ToString::to_string).collect();
    let more = addresses.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    first.join(", ") + &more
}

/// What an operator must know before keys sign.
fn summary(root: &Root, assets: &Assets, statement: &Statement, holders: &Holders) -> String {
    let others: BTreeSet<_> = holders.others.iter().map(|address| address.key).collect();
    let (left_out, counted): (Vec<&Asset>, Vec<&Asset>) =
        assets.outputs.iter().partition(|asset| others.contains(&asset.recipient.key));
    let worth = |outputs: &[&Asset], keys: usize| {
        // The whole list was added up already, so a part of it is no more than can be counted.
        let sum = Amount::checked_sum(outputs.iter().map(|asset| asset.amount)).unwrap_or(Amount::MAX);
        format!("{sum} in {} outputs of {keys} keys", outputs.len())
    };
    let mut text = String::new();
    let rows = [
        ("network", root.network.to_string()),
        ("epoch", format!("{}, block {}", root.epoch, root.block_hash)),
        ("owed", format!("{} to {} accounts", root.total, root.accounts)),
        ("root", hex::encode(root.root)),
        ("held", worth(&counted, holders.held.len())),
        ("list", statement.assets_hash.to_string()),
    ];
    for (name, value) in rows {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{name:<9}{value}");
    }
    if !left_out.is_empty() {
        let _ = writeln!(text, "NOT HELD {}", worth(&left_out, others.len()));
    }
    text
}
