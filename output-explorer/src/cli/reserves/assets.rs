//! `reserves assets`: the outputs with which debts could be paid.

use super::{MAX_PROOF, asker_of, read};
use crate::cli::file::write_line;
use crate::cli::{Setup, show};
use crate::control::OutputRow;
use crate::error::Error;
use crate::export::Source;
use clap::Args;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use stegos_common::reserves::{Asset, Assets, Root};

/// List the outputs that were there to pay what a root says is owed
#[derive(Args)]
#[command(after_help = "\
Listed are public outputs of users' addresses, also of users who were removed, that were final and not spent at
the end of the root's epoch. One list has at most 250000; `--accounts` makes several. Private outputs are not in
it: nobody else could tell what they are worth. `cold-signer attest` signs it.

Examples:
  output-explorer --network testnet reserves assets --root root.json --out assets.json
  output-explorer --network testnet reserves assets --root root.json --accounts hot,cold --out assets.json")]
pub(in crate::cli) struct List {
    /// The published root of the debts
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// Only outputs of these accounts
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    accounts: Vec<String>,
    /// The file that is made; it must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl List {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Self { root, accounts, out } = self;
        let root: Root = read(&root, MAX_PROOF)?;
        root.check().map_err(|error| Error::NotListed(error.into()))?;
        let mut asker = asker_of(setup, &root)?;
        let mut source = Source::new(&mut asker, root.epoch, &|| false);
        let mut outputs = Vec::new();
        let mut list = |source: &mut Source<'_>, account: &str| {
            source.outputs(account, |_, output| {
                outputs.extend(asset(&output));
                Ok(())
            })
        };
        if accounts.is_empty() {
            source.users(|source, user| list(source, &user.account))?;
        } else {
            let accounts = BTreeSet::from_iter(accounts);
            accounts.iter().try_for_each(|account| list(&mut source, account))?;
        }
        let assets = Assets::new(&root, outputs).map_err(Error::NotListed)?;
        let line = serde_json::to_string(&assets).map_err(io::Error::other)?;
        write_line(&out, &line, |file| Ok(file.persist_noclobber(&out).map(drop)?))
            .map_err(|source| Error::File { path: out.clone(), source })?;
        show::line(&format!(
            "{} outputs of {} keys were worth {} after epoch {}; {} are owed",
            assets.outputs.len(),
            assets.keys().len(),
            assets.total,
            root.epoch,
            root.total
        ))
    }
}

/// An output that was not spent, if it can be read.
fn asset(output: &OutputRow) -> Option<Asset> {
    match (output.spent, output.recipient, output.amount) {
        (None, Some(recipient), Some(amount)) => {
            Some(Asset { output_hash: output.output_hash, recipient, amount })
        }
        _ => None,
    }
}
