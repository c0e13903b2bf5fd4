//! `passphrase change`: another passphrase for the same keys.

use super::StoreArgs;
use crate::error::Error;
use crate::passphrase::{Passphrase, Source};
use clap::{Args, Subcommand};
use std::io::{Write, stdout};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Only the key that seals the store is wrapped anew: accounts and journal are not touched. Wherever it is
cut off, either the old or the new passphrase opens the store. An old copy of store.toml still opens with
the old passphrase: destroy those copies if the old one is known to somebody.

Examples:
  cold-signer passphrase change
  cold-signer passphrase change --passphrase-file old --new-passphrase-file new";

/// The passphrase of the key store
#[derive(Subcommand)]
pub(super) enum ChangePassphrase {
    Change(Change),
}

/// Change the passphrase; the new one is asked twice on the terminal
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Change {
    /// Read the new passphrase from this open file descriptor
    #[arg(long, value_name = "N", conflicts_with = "new_passphrase_file")]
    new_passphrase_fd: Option<u32>,
    /// Read the new passphrase from this file (mode 0600)
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl ChangePassphrase {
    pub(super) fn run(self, store: &StoreArgs) -> Result<(), Error> {
        let Self::Change(Change { new_passphrase_fd, new_passphrase_file }) = self;
        let locked = store.lock()?;
        let old = store.passphrase()?;
        let new = Source::from_options(new_passphrase_fd, new_passphrase_file.as_deref());
        let new = Passphrase::new(new.read_new("new passphrase")?)?;
        locked.change_passphrase(&old, &new)?;
        writeln!(
            stdout(),
            "Changed the passphrase. Make a new backup, and destroy old copies of store.toml."
        )?;
        Ok(())
    }
}
