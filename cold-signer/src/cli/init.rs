//! `init`: creates a key store.
//!
//! It prints no secret: the recovery words are shown by `phrase show`, which insists on a terminal.

use super::{Cli, StoreArgs, warn_if_test_only};
use crate::disk::Disk;
use crate::error::Error;
use crate::keystore::{Cost, Keystore, require_absent};
use crate::passphrase::{Passphrase, Source};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use rand_core::OsRng;
use std::io::{Write, stdout};
use stegos_common::address::EncodedAddress;
use stegos_common::keys::SecretKey;
use stegos_common::recovery;

const AFTER_HELP: &str = "\
Examples:
  cold-signer init --network testnet
  cold-signer init --network mainnet --data-dir /var/lib/cold-signer
  cold-signer init --network mainnet --restore-phrase

An existing key store is never overwritten.";

/// Create a key store with a new master key, or with the one of 24 recovery words
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Init {
    /// Take the master key from its 24 recovery words, asked on the terminal
    #[arg(long)]
    restore_phrase: bool,
    /// Read the recovery words from this open file descriptor instead
    #[arg(long, value_name = "N", requires = "restore_phrase")]
    phrase_fd: Option<u32>,
    /// Derive the key at no cost, for tests; refused on mainnet
    #[arg(long, hide = true)]
    insecure_test_cost: bool,
}

impl Init {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let Some(network) = store.network else {
            // A global option cannot be required for one command only.
            let text = "init needs --network <mainnet|testnet|devnet|dev>";
            Cli::command().error(ErrorKind::MissingRequiredArgument, text).exit();
        };
        let dir = store.data_dir()?;
        // Before anybody is asked for anything.
        require_absent(&dir)?;
        let master = if self.restore_phrase {
            recovery::from_phrase(&Source::from_options(self.phrase_fd, None).read("24 recovery words")?)?
        } else {
            SecretKey::random(&mut OsRng)
        };
        let passphrase = Passphrase::new(store.passphrase_source().read_new("passphrase")?)?;
        let cost = if self.insecure_test_cost { Cost::TEST } else { Cost::STANDARD };
        let keystore = Keystore::create(&dir, &passphrase, network, master, cost, Disk::default())?;
        warn_if_test_only(cost == Cost::TEST);
        let master = EncodedAddress { network, key: keystore.master().public_key };
        let mut out = stdout().lock();
        writeln!(out, "Created a key store for {network} in {}.", dir.display())?;
        writeln!(out, "Store id:       {}", hex::encode(keystore.id()))?;
        writeln!(out, "Master address: {master}")?;
        writeln!(out, "\nNext:")?;
        let step = if self.restore_phrase {
            "add the same account names as before with `cold-signer key add`; they get the same addresses"
        } else {
            "write down the 24 recovery words that `cold-signer phrase show` shows on this terminal: they \
             restore the master key and every account derived from it"
        };
        writeln!(out, "  1. {step}")?;
        writeln!(
            out,
            "  2. add accounts: `cold-signer key add alice`, or many: `cold-signer key add --count 1000`"
        )?;
        writeln!(out, "  3. export their addresses for the online host: `cold-signer key export-public`")?;
        writeln!(out, "Without the passphrase the store is lost, and no one can reset it.")?;
        Ok(())
    }
}
